//! Where an incident happens: `example.com`, and what is done to it.

use std::fmt::Write as _;
use std::time::Duration;

use danecheck::demo::stage::Stage;
use danecheck_world::dns::{NameServerFault, Zone, ZoneFault};
use danecheck_world::pki::Identity;
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::domain::{self, MX1, in_order, signed};

pub(crate) const MX1_IPV6: &str = "2001:db8::10";
pub(crate) const MX2: &str = "192.0.2.20";

/// One kind of incident.
pub(crate) struct Incident {
    /// What happens, in a few words.
    pub(crate) what: &'static str,
    /// The finding that names it.
    pub(crate) finding: &'static str,
    /// Sets `example.com` up with it.
    pub(crate) set: fn(&mut Stage),
}

/// `example.com` signed, with two MX hosts.
pub(crate) fn two_hosts() -> Zone {
    signed().mx("@", 20, "mx2").records(&format!("mx2 A {MX2}"))
}

/// One server with this identity and these TLSA records.
pub(crate) fn publishing(stage: &mut Stage, identity: Identity, records: &[&str]) {
    stage.zone(domain::publishing(records));
    stage.server(MX1, MailServer::new(identity));
}

pub(crate) fn current(stage: &mut Stage, records: &[&str]) {
    let identity = stage.identity("mx1.example.com");
    publishing(stage, identity, records);
}

/// A record 3 1 1 of this text, as by a script that digests the wrong thing.
pub(crate) fn record_of(text: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(text);
    digest.iter().fold("3 1 1 ".to_owned(), |mut record, byte| {
        let _ = write!(record, "{byte:02x}");
        record
    })
}

/// The right record, and a server that does this.
pub(crate) fn server_that(stage: &mut Stage, misbehaviour: Misbehaviour) {
    let identity = stage.identity("mx1.example.com");
    stage.zone(in_order(&identity));
    stage.server(MX1, MailServer::new(identity).misbehaving([misbehaviour]));
}

/// The right record in a zone whose signing is at fault.
pub(crate) fn signed_with(stage: &mut Stage, fault: ZoneFault) {
    let identity = stage.identity("mx1.example.com");
    let zone = in_order(&identity);
    stage.zone(zone.with(fault));
    stage.server(MX1, MailServer::new(identity));
}

pub(crate) const NS1: [u8; 4] = [192, 0, 2, 53];
pub(crate) const NS2: [u8; 4] = [192, 0, 2, 54];

/// The right record, in a zone with two name servers, of which one does this.
pub(crate) fn served_with(stage: &mut Stage, fault: NameServerFault) {
    let identity = stage.identity("mx1.example.com");
    stage.zone(
        in_order(&identity)
            .name_server("ns1", NS1.into())
            .name_server("ns2", NS2.into()),
    );
    stage.server(MX1, MailServer::new(identity));
    stage.name_server_misbehaving(NS2.into(), fault);
    stage.asking_name_servers();
    stage.patience(Duration::from_millis(800));
}
