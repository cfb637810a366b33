//! The domain that every case is about: its addresses, its zone and its
//! servers.

use crate::demo::stage::Stage;
use danecheck_world::dns::Zone;
use danecheck_world::pki::Identity;
use danecheck_world::smtp::MailServer;

/// The address of the first mail server.
pub(super) const MX1: &str = "192.0.2.10";
/// The same host's other address.
pub(super) const MX1_V6: &str = "2001:db8::10";
/// The address of the second mail server.
pub(super) const MX2: &str = "192.0.2.20";

/// `example.com` signed, with one MX host at one IPv4 and one IPv6 address;
/// the caller adds the TLSA records.
pub(super) fn signed_domain() -> Zone {
    Zone::signed("example.com.")
        .mx("@", 10, "mx1")
        .records(&format!("mx1 A {MX1}\nmx1 AAAA {MX1_V6}"))
}

/// Puts one healthy server at both addresses of the first MX host.
pub(super) fn healthy(stage: &mut Stage, identity: &Identity) {
    serve(stage, MailServer::new(identity.clone()));
}

/// Puts one server at both addresses of the first MX host.
pub(super) fn serve(stage: &mut Stage, server: MailServer) {
    let server = server.calling_itself("mx1.example.com");
    stage.server(MX1, server.clone());
    stage.server(MX1_V6, server);
}

/// The owner of the first host's TLSA records.
pub(super) const TLSA1: &str = "_25._tcp.mx1";
