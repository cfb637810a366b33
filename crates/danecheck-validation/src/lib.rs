//! danecheck's own DNSSEC validator, from the root's trust anchor down, for
//! answers and denials alike (RFC 4035 section 5).
//!
//! It is pure: replies, the time and the work that it may do are arguments.
//! It asks for what it needs to know of the zones above an answer
//! ([`Progress::Needs`]); the observing half fetches that and calls again. The
//! `domain` crate gives names, records, their canonical forms and the
//! signature algorithms; every decision is made here, and each decision names
//! its fault, so verdict and explanation cannot differ.
//!
//! unbound 1.17 is the measure, in what it refuses and in what it accepts:
//!
//! | matter | what unbound does |
//! | --- | --- |
//! | clock skew | accepts a tenth of a signature's lifetime, an hour to a day |
//! | algorithms | any one of a DS set is enough, and any digest of it |
//! | NSEC3 iterations | more than 150 in the zone's own proof: insecure |
//! | NXDOMAIN | an NSEC proof that the name has no such record is enough |
//! | other sets in the answer | left out if the walk does not reach them |
//! | other sets in the authority section | must be signed if they belong to a zone of the answer |
//!
//! What it does not support (Ed448, RSA keys under 1024 or over 4096 bits, odd
//! exponents), and what costs too much work, is indeterminate.

mod chain;
mod denial;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod judgement;
mod nsec;
mod nsec3;
mod owner;
mod packet;
mod presentation;
mod signature;
#[cfg(any(test, fuzzing))]
mod tests;
pub mod trust_anchor;
mod walk;
mod work;
mod zone;

pub use chain::{Chain, Delegation, child, cut, holds, path, root};
pub use judgement::{Judgement, Need, Progress};
pub use owner::{Owner, set_name};
pub use packet::{Packet, RECORD_SETS, VALIDATED_RECORDS};
#[cfg(any(test, fuzzing))]
pub(crate) use presentation::rewritten;
pub use presentation::{presented, texts};
pub use signature::moment;
#[cfg(any(test, fuzzing))]
pub(crate) use tests::exercise;
pub use walk::{Alias, AliasKind, walk};
pub use work::{CHECK_WORK, LOOKUP_WORK, Work, ZONE_WORK};
pub use zone::{End, Zone};
