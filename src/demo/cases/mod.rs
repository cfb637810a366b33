//! The cases, in the order in which a check meets their fault.

mod dns;
mod domain;
mod routing;
mod session;
mod tlsa;

use super::case::Case;

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

impl Case {
    /// The case with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }
}
