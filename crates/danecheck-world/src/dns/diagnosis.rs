//! Why data is bogus, in the words of RFC 8914: the validator says that it is,
//! but does not distinguish expired, premature and wrong signatures.

use domain::base::Rtype;
use domain::base::iana::ExtendedErrorCode;
use domain::rdata::ZoneRecordData;

use super::answer::{Answer, Reason};
use super::authority::{Authority, SignedSet};
use super::record::Owner;
use super::tree::Tree;
use danecheck_core::unix_time::UnixTime;

/// The first fault on the way down from the root to `answer`, which is known to
/// be bogus.
pub(super) fn diagnose(tree: &Tree, answer: &Answer, now: UnixTime) -> Reason {
    let mut zones: Vec<&Owner> = answer.sets().map(|set| &set.zone).collect();
    zones.dedup();
    let broken_chain = zones
        .iter()
        .find_map(|zone| chain_fault(tree, zone, now).err());
    let broken_set = || {
        answer
            .sets()
            .filter(|set| chain_fault(tree, &set.zone, now) == Ok(Chain::Holds))
            .filter(|set| !synthesized(set, answer))
            .find_map(|set| signature_fault(set, tree.zone(&set.zone)?, now))
    };
    broken_chain
        .or_else(broken_set)
        .or_else(|| denial_fault(answer))
        .unwrap_or_else(|| Reason {
            code: ExtendedErrorCode::DNSSEC_BOGUS,
            text: "no chain of trust".to_owned(),
        })
}

/// Whether a chain of trust leads to a zone.
#[derive(Debug, PartialEq, Eq)]
enum Chain {
    Holds,
    /// An ancestor proves that it has no DS for the next zone.
    Ends,
}

fn chain_fault(tree: &Tree, apex: &Owner, now: UnixTime) -> Result<Chain, Reason> {
    let Some(zone) = tree.zone(apex) else {
        return Ok(Chain::Ends);
    };
    if let Some(parent) = tree.above(apex) {
        if chain_fault(tree, &parent.apex, now)? == Chain::Ends {
            return Ok(Chain::Ends);
        }
        let Some(ds) = parent.ds_at(apex) else {
            return Ok(Chain::Ends);
        };
        signature_fault(&ds, parent, now).map_or(Ok(()), Err)?;
        if !implemented(&ds) {
            return Ok(Chain::Ends);
        }
    }
    dnskey_fault(zone, now).map_or(Ok(Chain::Holds), Err)
}

/// RFC 4035 section 5.2: a DS with an unknown algorithm counts as none.
fn implemented(ds: &SignedSet) -> bool {
    ds.rrset.data.iter().any(|data| match data {
        ZoneRecordData::Ds(ds) => {
            ds.algorithm() == domain::base::iana::SecurityAlgorithm::ECDSAP256SHA256
        }
        _ => false,
    })
}

fn dnskey_fault(zone: &Authority, now: UnixTime) -> Option<Reason> {
    let missing = |text: &str| {
        Some(Reason {
            code: ExtendedErrorCode::DNSKEY_MISSING,
            text: format!("{text} for {}", zone.apex.fmt_with_dot()),
        })
    };
    let Some(dnskey) = zone.dnskey() else {
        return missing("no DNSKEY");
    };
    if zone.faults.contains(&super::zone::ZoneFault::DsMismatch) {
        return missing("DS hash mismatches key");
    }
    signature_fault(&dnskey, zone, now)
}

fn signature_fault(set: &SignedSet, zone: &Authority, now: UnixTime) -> Option<Reason> {
    let on = || format!("{} {}", set.owner.fmt_with_dot(), set.rrset.rtype);
    let Some(ZoneRecordData::Rrsig(rrsig)) = set.signature.as_deref() else {
        return Some(Reason {
            code: ExtendedErrorCode::RRSIGS_MISSING,
            text: format!("no signatures on {}", on()),
        });
    };
    let expiration = i64::from(rrsig.expiration().into_int());
    let inception = i64::from(rrsig.inception().into_int());
    if expiration < now.0 {
        Some(Reason {
            code: ExtendedErrorCode::SIGNATURE_EXPIRED,
            text: format!("signature expired on {}", on()),
        })
    } else if now.0 < inception {
        Some(Reason {
            code: ExtendedErrorCode::SIGNATURE_NOT_YET_VALID,
            text: format!("signature before inception date on {}", on()),
        })
    } else if zone.verifies(set, rrsig) {
        None
    } else {
        Some(Reason {
            // A DNSKEY RRset that does not verify gives no key.
            code: if set.rrset.rtype == Rtype::DNSKEY {
                ExtendedErrorCode::DNSKEY_MISSING
            } else {
                ExtendedErrorCode::DNSSEC_BOGUS
            },
            text: format!("signature crypto failed on {}", on()),
        })
    }
}

/// The CNAME of a DNAME has no signature of its own (RFC 6672 section 5.3.1).
fn synthesized(set: &SignedSet, answer: &Answer) -> bool {
    set.rrset.rtype == Rtype::CNAME
        && answer.answer.iter().any(|other| {
            other.rrset.rtype == Rtype::DNAME
                && set.owner != other.owner
                && set.owner.ends_with(&other.owner)
        })
}

fn denial_fault(answer: &Answer) -> Option<Reason> {
    let denies = answer
        .authority
        .iter()
        .any(|set| set.rrset.rtype == Rtype::SOA);
    let proof = answer
        .authority
        .iter()
        .any(|set| matches!(set.rrset.rtype, Rtype::NSEC | Rtype::NSEC3));
    (denies && !proof).then(|| Reason {
        code: ExtendedErrorCode::NSEC_MISSING,
        text: "no NSEC or NSEC3 records".to_owned(),
    })
}
