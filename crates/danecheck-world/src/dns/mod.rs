//! A signed DNS tree from its own root, and a recursive resolver that answers
//! from it on a free loopback port, over UDP and TCP.
//!
//! The signatures, DS records and denials of existence are real: a scenario
//! says which fault a zone has, and whether an answer is then secure,
//! insecure or bogus is found by validating the tree (RFC 4035 section 5),
//! not declared.
//!
//! ```no_run
//! # async fn example() -> Result<(), danecheck_world::dns::WorldError> {
//! use danecheck_world::dns::{self, DnsWorld, Misbehaviour, Rtype, Zone, ZoneFault};
//!
//! let dns = DnsWorld::new(dns::now())
//!     .zone(
//!         Zone::signed("example.test.")
//!             .mx("@", 10, "mx")
//!             .a("mx", [127, 0, 0, 1].into())
//!             .tlsa("_25._tcp.mx", "3 1 1 ab12"),
//!     )
//!     .zone(Zone::signed("expired.test.").with(ZoneFault::SignaturesExpired))
//!     .zone(Zone::unsigned("plain.test."))
//!     .misbehaving("mx.plain.test.", Rtype::AAAA, Misbehaviour::ServFail)
//!     .start()
//!     .await?;
//! println!("ask {}, trusting {}", dns.addr(), dns.trust_anchor());
//! # Ok(())
//! # }
//! ```
//!
//! # Limitations
//!
//! * One combined signing key per zone, ECDSA P-256 with SHA-256 (RFC 6605).
//! * Queries of type ANY and RRSIG, and other classes than IN, are declined.
//! * Time to live is not counted down: an answer is the same all its life.
//! * The verdict of a validating resolver is that of the `domain` crate, which
//!   reads the real clock: a world signed for another moment than [`now`] is
//!   bogus to it. Its trees can be walked with CD=1 all the same.

mod answer;
mod authority;
mod denial;
mod diagnosis;
mod error;
mod misbehaviour;
mod name_server;
mod packet;
mod query_log;
mod record;
mod resolver;
mod server;
mod signer;
mod socket;
mod surplus;
mod tree;
mod verdict;
mod zone;

#[cfg(test)]
mod tests;

pub use domain::base::iana::Rtype;

pub use error::WorldError;
pub use misbehaviour::Misbehaviour;
pub use name_server::NameServerFault;
pub use query_log::{Asked, Transport};
pub use resolver::ResolverKind;
pub use server::{DnsWorld, RunningDns, now};
pub use surplus::{Surplus, SurplusKey};
pub use zone::{Denial, Zone, ZoneFault};
