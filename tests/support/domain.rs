//! The domain that most tests look at: `example.com`, with one MX host.

use danecheck::demo::stage::Stage;
use danecheck_world::dns::Zone;
use danecheck_world::pki::{Identity, stale_tlsa};
use danecheck_world::smtp::MailServer;

/// The address of the MX host.
pub(crate) const MX1: &str = "192.0.2.10";
/// The owner of its TLSA records, in the zone.
pub(crate) const TLSA1: &str = "_25._tcp.mx1";

/// `example.com` signed, with one MX host and without TLSA records.
pub(crate) fn signed() -> Zone {
    Zone::signed("example.com.")
        .mx("@", 10, "mx1")
        .records(&format!("mx1 A {MX1}"))
}

/// `example.com` signed, with one MX host and these TLSA records.
pub(crate) fn publishing(records: impl IntoIterator<Item: AsRef<str>>) -> Zone {
    records
        .into_iter()
        .fold(signed(), |zone, record| zone.tlsa(TLSA1, record.as_ref()))
}

/// `example.com` signed, with one MX host and the right TLSA record.
pub(crate) fn in_order(identity: &Identity) -> Zone {
    publishing([identity.tlsa(3, 1, 1)])
}

/// A domain whose MX host, in order, is in `example.net`: the zones of both.
pub(crate) fn hosted(stage: &mut Stage, domain: Zone, hosting: Zone) {
    let identity = stage.identity("mx1.example.net");
    stage.zone(domain.mx("@", 10, "mx1.example.net."));
    stage.zone(
        hosting
            .records(&format!("mx1 A {MX1}"))
            .tlsa(TLSA1, &identity.tlsa(3, 1, 1)),
    );
    stage.server(MX1, MailServer::new(identity));
}

/// A signed domain with this MX host at this address, with this TLSA record.
pub(crate) fn with_record(host: &str, domain: &str, address: &str, record: &str) -> Zone {
    Zone::signed(&format!("{domain}."))
        .mx("@", 10, host)
        .records(&format!("{host} A {address}"))
        .tlsa(&format!("_25._tcp.{host}"), record)
}

/// A domain whose MX host `mx` changed its key, and not its TLSA record.
pub(crate) fn stale(stage: &mut Stage, domain: &str, address: &str) {
    let identity = stage.identity(&format!("mx.{domain}"));
    stage.zone(with_record("mx", domain, address, &stale_tlsa(3, 1, 1)));
    stage.server(address, MailServer::new(identity));
}
