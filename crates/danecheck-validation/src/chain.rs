//! The chain of trust from the root to a name, link by link (RFC 4035 section
//! 5.2): anchors, then DS and DNSKEY of one zone after the other.

use std::sync::Arc;

use bytes::Bytes;
use domain::base::iana::{Class, DigestAlgorithm, Rtype};
use domain::base::{Name, ToName as _};
use domain::crypto::common::{DigestBuilder, DigestType};
use domain::rdata::{Dnskey, Ds, ZoneRecordData};
use domain::zonefile::inplace::{Entry, Zonefile};

use super::denial::Denial;
use super::nsec::NoDs;
use super::owner::{Owner, set_name};
use super::packet::{Packet, RrSet};
use super::signature::{GoodSignatures, check, turning_points, zone_keys};
use super::work::Work;
use super::zone::{End, Zone, end, soonest};
use crate::trust_anchor::RootAnchors;
use danecheck_core::dnssec::{Fault, ForgivenSignature, OwnValidation, SecurityStatus, WeakLink};
use danecheck_core::observation::FailureKind;
use danecheck_core::unix_time::UnixTime;
use danecheck_core::work::Operation;

/// Algorithms that other validators support and this one does not: Ed448 (RFC
/// 8080).
const UNKNOWN_HERE: u8 = 16;

/// Supported algorithms: RSA with SHA-1, SHA-256 and SHA-512, ECDSA P-256 and
/// P-384 (RFC 6605), Ed25519 (RFC 8080).
const COMPUTED: [u8; 7] = [5, 7, 8, 10, 13, 14, 15];

/// The cost of the digest of a key, in comparisons of names.
const DIGEST: u64 = 10;

/// What came back for a question.
pub(crate) type Reply<'a> = Result<&'a Bytes, FailureKind>;

/// A zone cut with DS records, which the zone above has signed.
#[derive(Clone, Debug)]
pub struct Delegation {
    apex: Owner,
    ds: Vec<Ds<Bytes>>,
    forgiven: Option<ForgivenSignature>,
}

/// How far the chain of trust reaches towards a name.
#[derive(Clone, Debug)]
pub enum Chain {
    /// Down to the zone that holds it.
    Zone(Arc<Zone>),
    /// Not that far.
    End(Arc<OwnValidation>),
}

/// The time for which a reply has its present meaning: at its ends a signature
/// begins, ends, or is no longer accepted.
pub fn holds(reply: &Bytes, now: UnixTime) -> std::ops::Range<UnixTime> {
    let packet = Packet::read(reply);
    let sets = packet.iter().flat_map(Packet::sets);
    let points: Vec<UnixTime> = sets.flat_map(|set| turning_points(set, now)).collect();
    let since = points.iter().filter(|point| **point <= now).max();
    let until = points.iter().filter(|point| **point > now).min();
    let (since, until) = (since.copied(), until.copied());
    since.unwrap_or(UnixTime(i64::MIN))..until.unwrap_or(UnixTime(i64::MAX))
}

/// A name and the names above it, from below the root downwards.
pub fn path(name: &Owner) -> Vec<Owner> {
    let mut path: Vec<Owner> = name
        .iter_suffixes()
        .filter(|name| !name.is_root())
        .collect();
    path.reverse();
    path
}

/// The root zone, by the trust anchors (RFC 4035 section 4.4).
pub fn root(
    reply: Reply<'_>,
    anchors: &RootAnchors,
    now: UnixTime,
    work: Work<'_>,
) -> Result<Zone, End> {
    let root: Owner = Name::root();
    let packet = read(reply, &root, Rtype::DNSKEY)?;
    let signed = packet.answering().filter(|set| !set.signatures.is_empty());
    let Some(set) = signed else {
        return Err(Box::new(OwnValidation::indeterminate(
            "the resolver sends no DNSSEC signatures, not even the root's",
        )));
    };
    let (ds, keys) = anchor_records(anchors);
    let mut trusted = of_ds(set, &ds, &root, work);
    let anchors = zone_keys(set);
    trusted.extend(anchors.into_iter().filter(|(_, key)| keys.contains(key)));
    if trusted.is_empty() {
        let link = WeakLink {
            zone: ".".to_owned(),
            record_set: set_name(&root, Rtype::DNSKEY),
            fault: Fault::NoTrustAnchor,
        };
        return Err(Box::new(OwnValidation::at(
            SecurityStatus::Indeterminate,
            link,
        )));
    }
    enter(root, set, &trusted, None, now, work)
}

/// Whether a zone begins at a name, according to the zone above: with DS
/// records, or not at all. Anything else ends the chain.
pub fn cut(
    zone: &Zone,
    name: &Owner,
    reply: Reply<'_>,
    now: UnixTime,
    work: Work<'_>,
) -> Result<Option<Delegation>, End> {
    let packet = read(reply, name, Rtype::DS)?;
    let what = || set_name(name, Rtype::DS);
    if let Some(set) = packet.answer_at(name, Rtype::DS) {
        if packet.name_error {
            return Err(zone.fault(what(), Fault::ResponseCodeContradicts));
        }
        return delegation(zone, set, now, work).map(Some);
    }
    if let Some(set) = packet.answer_at(name, Rtype::CNAME) {
        // RFC 1034 section 3.6.2: beside an alias there is no delegation.
        let signed = zone.check(set, now, work);
        return match signed {
            Ok(_) => Ok(None),
            Err(fault) => Err(zone.fault(set_name(name, Rtype::CNAME), fault)),
        };
    }
    let denial = Denial::of_zone(&packet, zone, now, work);
    if let Some(fault) = denial.fault() {
        return Err(fault);
    }
    if let Some(end) = denial.past_limit(&what()) {
        return Err(end);
    }
    let unsigned = || {
        let fault = Fault::DsMissing {
            parent: zone.apex.fmt_with_dot().to_string(),
        };
        let link = WeakLink {
            zone: name.fmt_with_dot().to_string(),
            record_set: what(),
            fault,
        };
        Box::new(OwnValidation::at(SecurityStatus::Insecure, link))
    };
    match denial.no_ds(name) {
        Ok(NoDs::NoCut) => Ok(None),
        Ok(NoDs::Unsigned) => Err(unsigned()),
        Ok(NoDs::Contradicted | NoDs::Nothing) => {
            Err(zone.fault(what(), Fault::DenialProvesNothing))
        }
        Err(_) => Err(zone.fault(what(), Fault::TooMuchWork)),
    }
}

fn delegation(zone: &Zone, set: &RrSet, now: UnixTime, work: Work<'_>) -> Result<Delegation, End> {
    let what = || set_name(&set.owner, Rtype::DS);
    let signed = zone.check(set, now, work);
    let signed = signed.map_err(|fault| zone.fault(what(), fault))?;
    // No wildcard makes a delegation (RFC 4592 section 4.2).
    if signed.wildcard.is_some() {
        return Err(zone.fault(what(), Fault::SignatureWrong));
    }
    let all: Vec<&Ds<Bytes>> = ds_records(set).collect();
    let algorithm = |ds: &&Ds<Bytes>| ds.algorithm().to_int();
    let mut usable: Vec<Ds<Bytes>> = all
        .iter()
        .filter(|ds| has_known_digest(ds))
        .filter(|ds| COMPUTED.contains(&algorithm(ds)) || algorithm(ds) == UNKNOWN_HERE)
        .map(|ds| (*ds).clone())
        .collect();
    let here = |fault| WeakLink {
        zone: set.owner.fmt_with_dot().to_string(),
        record_set: what(),
        fault,
    };
    if usable.is_empty() {
        let fault = Fault::AlgorithmUnknownToAll {
            algorithm: all.first().map_or(0, algorithm),
        };
        let insecure = OwnValidation::at(SecurityStatus::Insecure, here(fault));
        return Err(Box::new(insecure));
    }
    if usable.iter().all(|ds| algorithm(&ds) == UNKNOWN_HERE) {
        return Err(end(here(Fault::UnsupportedAlgorithm {
            algorithm: UNKNOWN_HERE,
        })));
    }
    // The strongest digest first (RFC 4509 section 3); any of them is enough
    // for unbound, which does not prevent a downgrade by default.
    usable.sort_by_key(|ds| std::cmp::Reverse(ds.digest_type().to_int()));
    Ok(Delegation {
        apex: set.owner.clone(),
        ds: usable,
        forgiven: soonest(zone.forgiven.clone(), signed.forgiven),
    })
}

/// The zone below a cut, by its keys.
pub fn child(
    delegation: &Delegation,
    reply: Reply<'_>,
    now: UnixTime,
    work: Work<'_>,
) -> Result<Zone, End> {
    let apex = &delegation.apex;
    let packet = read(reply, apex, Rtype::DNSKEY)?;
    let here = |rtype, fault| {
        end(WeakLink {
            zone: apex.fmt_with_dot().to_string(),
            record_set: set_name(apex, rtype),
            fault,
        })
    };
    let Some(set) = packet.answer_at(apex, Rtype::DNSKEY) else {
        return Err(here(Rtype::DNSKEY, Fault::KeyMissing));
    };
    if packet.name_error {
        return Err(here(Rtype::DNSKEY, Fault::ResponseCodeContradicts));
    }
    let trusted = of_ds(set, &delegation.ds, apex, work);
    let ed448 = delegation
        .ds
        .iter()
        .any(|ds| ds.algorithm().to_int() == UNKNOWN_HERE);
    let found = if trusted.is_empty() {
        let fault = match work.own.left(Operation::NameComparison) {
            0 => Fault::TooMuchWork,
            _ => Fault::DsMatchesNoKey,
        };
        Err(here(Rtype::DS, fault))
    } else {
        enter(apex.clone(), set, &trusted, Some(delegation), now, work)
    };
    match found {
        // Other names may lead through here.
        Err(end) if end.is_bogus() && ed448 => Err(here(
            Rtype::DS,
            Fault::UnsupportedAlgorithm {
                algorithm: UNKNOWN_HERE,
            },
        )),
        found => found,
    }
}

/// A zone from its DNSKEY record set, which one of the trusted keys must have
/// signed.
fn enter(
    apex: Owner,
    set: &RrSet,
    trusted: &[(u16, Dnskey<Bytes>)],
    delegation: Option<&Delegation>,
    now: UnixTime,
    work: Work<'_>,
) -> Result<Zone, End> {
    let mut zone = Zone {
        apex,
        keys: zone_keys(set),
        span: None,
        forgiven: delegation.and_then(|it| it.forgiven.clone()),
        good: GoodSignatures::default(),
    };
    let what = set_name(&set.owner, Rtype::DNSKEY);
    let signed = match check(set, &zone.apex, trusted, &zone.good, now, work) {
        Ok(signed) if signed.wildcard.is_none() => signed,
        Ok(_) => return Err(zone.fault(what, Fault::SignatureWrong)),
        Err(fault) => return Err(zone.fault(what, fault)),
    };
    zone.span = Some(signed.span);
    zone.forgiven = soonest(zone.forgiven, signed.forgiven);
    Ok(zone)
}

fn read(reply: Reply<'_>, name: &Owner, rtype: Rtype) -> Result<Packet, End> {
    let unknown = |what: &str| {
        Box::new(OwnValidation::indeterminate(format!(
            "the resolver's answer for {} is {what}",
            set_name(name, rtype)
        )))
    };
    let bytes = reply.map_err(|failure| unknown(failure.as_text()))?;
    Packet::read(bytes)
        .filter(|packet| packet.name == *name && packet.rtype == rtype)
        .ok_or_else(|| unknown("one that cannot be read"))
}

fn ds_records(set: &RrSet) -> impl Iterator<Item = &Ds<Bytes>> {
    set.records.iter().filter_map(|record| match record.data() {
        ZoneRecordData::Ds(ds) => Some(ds),
        _ => None,
    })
}

fn has_known_digest(ds: &Ds<Bytes>) -> bool {
    digest_type(ds).is_some()
}

fn digest_type(ds: &Ds<Bytes>) -> Option<DigestType> {
    match ds.digest_type() {
        DigestAlgorithm::SHA1 => Some(DigestType::Sha1),
        DigestAlgorithm::SHA256 => Some(DigestType::Sha256),
        DigestAlgorithm::SHA384 => Some(DigestType::Sha384),
        _ => None,
    }
}

/// The keys that match DS records, as far as the work budget allows; a key that
/// was not checked is not trusted.
fn of_ds(
    set: &RrSet,
    all: &[Ds<Bytes>],
    apex: &Owner,
    work: Work<'_>,
) -> Vec<(u16, Dnskey<Bytes>)> {
    let mut keys = zone_keys(set);
    keys.retain(|(tag, key)| {
        let may_be = |ds: &&Ds<Bytes>| ds.key_tag() == *tag && ds.algorithm() == key.algorithm();
        let mut candidates = all.iter().filter(may_be);
        candidates.any(|ds| {
            let paid = work.spend(Operation::NameComparison, DIGEST);
            paid.is_ok() && is_of(ds, key, apex)
        })
    });
    keys
}

/// RFC 4034 section 5.1.4.
fn is_of(ds: &Ds<Bytes>, key: &Dnskey<Bytes>, apex: &Owner) -> bool {
    use domain::base::rdata::ComposeRecordData as _;
    let Some(digest_type) = digest_type(ds) else {
        return false;
    };
    let mut digested = Vec::new();
    // Appending to a vector does not fail.
    let Ok(()) = apex.compose_canonical(&mut digested);
    let Ok(()) = key.compose_canonical_rdata(&mut digested);
    let mut digest = DigestBuilder::new(digest_type);
    digest.update(&digested);
    digest.finish().as_ref() == ds.digest().as_ref()
}

fn anchor_records(anchors: &RootAnchors) -> (Vec<Ds<Bytes>>, Vec<Dnskey<Bytes>>) {
    // The parser wants every record to end in a line end.
    let mut file = Zonefile::from(format!("{}\n", anchors.text()).as_str());
    file.set_default_class(Class::IN);
    let (mut ds, mut keys) = (Vec::new(), Vec::new());
    while let Ok(Some(Entry::Record(record))) = file.next_entry() {
        match record.into_data() {
            ZoneRecordData::Ds(record) => ds.push(record),
            ZoneRecordData::Dnskey(key) => keys.push(key),
            _ => {}
        }
    }
    (ds, keys)
}
