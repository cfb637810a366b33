//! TLSA records (RFC 6698 section 2): any rdata, valid or not, and how the
//! Postfix SMTP client uses it.

mod association;
mod fields;
mod presentation;
mod record;
mod usability;

pub(crate) use association::association_data;
pub use fields::{CertificateUsage, MatchingType, Selector};
pub use presentation::TlsaSyntaxError;
pub(crate) use presentation::hex;
pub use record::TlsaRecord;
pub use usability::{UnusableReason, Usability, usability, usability_of_rrset};
pub(crate) use usability::{UsableRecord, classify_rrset};
