//! Errors in a scenario.

use std::io;

/// Why a world could not be made: a mistake in its scenario, or a machine
/// without a free loopback port.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// Not a domain name.
    #[error("{text:?} is not a domain name: {reason}")]
    Name {
        /// What was given.
        text: String,
        /// What the parser says.
        reason: String,
    },
    /// Not zone file text (RFC 1035 section 5).
    #[error("zone {zone}: {reason}")]
    Records {
        /// The zone that the text was given for.
        zone: String,
        /// What the parser says.
        reason: String,
    },
    /// A record whose owner lies outside its zone.
    #[error("zone {zone}: {owner} is not in it")]
    OutOfZone {
        /// The zone.
        zone: String,
        /// The owner name.
        owner: String,
    },
    /// The same zone, given twice.
    #[error("zone {zone} is given twice")]
    DuplicateZone {
        /// The zone.
        zone: String,
    },
    /// A key could not be made or did not sign.
    #[error("zone {zone}: no signature: {reason}")]
    Signing {
        /// The zone.
        zone: String,
        /// What the signer says.
        reason: String,
    },
    /// No socket on the loopback address.
    #[error("no socket on {address}: {source}")]
    Socket {
        /// The address asked for.
        address: String,
        /// What the system says.
        source: io::Error,
    },
}
