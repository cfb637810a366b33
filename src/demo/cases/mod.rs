//! The cases, in the order in which a check meets their fault.

mod dns;
mod routing;
mod session;
mod tlsa;

use crate::demo::stage::Stage;
use danecheck_world::dns::Zone;
use danecheck_world::pki::Identity;
use danecheck_world::smtp::MailServer;

use super::Case;

/// The address of the first mail server.
const MX1: &str = "192.0.2.10";
/// The same host's other address.
const MX1_V6: &str = "2001:db8::10";
/// The address of the second mail server.
const MX2: &str = "192.0.2.20";

/// Every case.
pub static CASES: &[Case] = &[
    tlsa::ALL_WELL,
    tlsa::ANCHOR_WELL,
    tlsa::EXPIRED_CERTIFICATE,
    tlsa::ROLL_OVER,
    tlsa::OTHER_CERTIFICATE_WITHOUT_SNI,
    tlsa::SECOND_CERTIFICATE,
    tlsa::STALE_KEY,
    tlsa::STALE_CERTIFICATE,
    tlsa::STALE_SHA512,
    tlsa::ANCHOR_NOT_SENT,
    tlsa::ANCHOR_WRONG_NAME,
    tlsa::ANCHOR_EXPIRED,
    tlsa::LEAF_AS_ANCHOR,
    tlsa::USAGE_1_ONLY,
    tlsa::USAGE_1_BESIDE_3,
    tlsa::MALFORMED_RECORD,
    tlsa::NO_TLSA,
    dns::NOTHING_SIGNED,
    dns::MX_NOT_SIGNED,
    dns::HOST_NOT_SIGNED,
    dns::TLSA_LOOKUP_FAILS,
    dns::TLSA_SIGNATURE_BROKEN,
    dns::SIGNATURES_EXPIRED,
    dns::RESOLVER_BLIND,
    dns::NULL_MX,
    dns::NO_MX_RECORD,
    dns::MX_WITHOUT_ADDRESS,
    dns::MX_BEHIND_ALIAS,
    session::STARTTLS_GONE,
    session::STARTTLS_REFUSED_FOR_NOW,
    session::STARTTLS_REFUSED_FOR_GOOD,
    session::STARTTLS_NO_REPLY,
    session::HANDSHAKE_FAILS,
    session::NO_TLS_NO_DANE,
    session::REFUSED_IN_GREETING,
    session::CONNECTION_REFUSED,
    session::PORT_BLOCKED,
    routing::ONE_BAD_MX_OF_TWO,
    routing::ONE_BAD_ADDRESS_OF_TWO,
    routing::BACKUP_WITHOUT_DANE,
    routing::UNEQUAL_EQUALS,
];

/// `example.com` signed, with one MX host at one IPv4 and one IPv6 address;
/// the caller adds the TLSA records.
fn signed_domain() -> Zone {
    Zone::signed("example.com.")
        .mx("@", 10, "mx1")
        .records(&format!("mx1 A {MX1}\nmx1 AAAA {MX1_V6}"))
}

/// Puts one healthy server at both addresses of the first MX host.
fn healthy(stage: &mut Stage, identity: &Identity) {
    serve(stage, MailServer::new(identity.clone()));
}

/// Puts one server at both addresses of the first MX host.
fn serve(stage: &mut Stage, server: MailServer) {
    let server = server.calling_itself("mx1.example.com");
    stage.server(MX1, server.clone());
    stage.server(MX1_V6, server);
}

/// The owner of the first host's TLSA records.
const TLSA1: &str = "_25._tcp.mx1";
