//! A zone to which the chain of trust leads, and how a chain ends.

use bytes::Bytes;
use domain::rdata::Dnskey;

use super::owner::Owner;
use super::packet::RrSet;
use super::signature::{GoodSignatures, Signed, check};
use super::work::Work;
use danecheck_core::dnssec::{
    Fault, ForgivenSignature, OwnValidation, SecurityStatus, SignatureSpan, WeakLink,
};
use danecheck_core::unix_time::UnixTime;

/// The end of a chain of trust: a status that is not secure.
pub type End = Box<OwnValidation>;

/// A zone to which the chain of trust leads.
#[derive(Clone, Debug)]
pub struct Zone {
    pub(crate) apex: Owner,
    pub(super) keys: Vec<(u16, Dnskey<Bytes>)>,
    /// The validity of the signature over its keys.
    pub(super) span: Option<SignatureSpan>,
    /// Of the signatures on the way that are outside their dates, the one that
    /// is accepted for the shortest time.
    pub(super) forgiven: Option<ForgivenSignature>,
    /// Signatures by its keys.
    pub(super) good: GoodSignatures,
}

impl Zone {
    /// A place in this zone, and what is wrong there.
    pub(super) fn link(&self, record_set: String, fault: Fault) -> WeakLink {
        WeakLink {
            zone: self.apex.fmt_with_dot().to_string(),
            record_set,
            fault,
        }
    }

    /// The status that a fault in this zone gives.
    pub(super) fn fault(&self, record_set: String, fault: Fault) -> End {
        end(self.link(record_set, fault))
    }

    /// Checks a record set of this zone.
    pub(super) fn check(
        &self,
        set: &RrSet,
        now: UnixTime,
        work: Work<'_>,
    ) -> Result<Signed, Fault> {
        check(set, &self.apex, &self.keys, &self.good, now, work)
    }
}

/// Bogus, or indeterminate if the fault is ours.
pub(super) fn end(link: WeakLink) -> End {
    let status = match link.fault {
        Fault::UnsupportedAlgorithm { .. } | Fault::TooMuchWork => SecurityStatus::Indeterminate,
        _ => SecurityStatus::Bogus,
    };
    Box::new(OwnValidation::at(status, link))
}

/// Of two signatures outside their dates, the one that is accepted for the
/// shorter time.
pub(super) fn soonest(
    one: Option<ForgivenSignature>,
    other: Option<ForgivenSignature>,
) -> Option<ForgivenSignature> {
    let both = one.into_iter().chain(other);
    both.min_by(|one, other| {
        let key = |it: &ForgivenSignature| (it.until, it.signature.record_set.clone());
        key(one).cmp(&key(other))
    })
}
