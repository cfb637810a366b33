//! One signature over one record set (RFC 4035 section 5.3).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use domain::base::iana::SecurityAlgorithm;
use domain::base::wire::Compose as _;
use domain::base::{Rtype, ToName as _};
use domain::crypto::common::{PublicKey, rsa_exponent_modulus};
use domain::rdata::dnssec::Timestamp;
use domain::rdata::{Dnskey, Rrsig};

use super::owner::{Owner, set_name, with_dot};
use super::packet::RrSet;
use super::work::{Work, weight};
use danecheck_core::dnssec::{Fault, ForgivenSignature, SignatureSpan};
use danecheck_core::unix_time::UnixTime;
use danecheck_core::work::Operation;

/// The part of a signature's lifetime by which clocks may differ: a tenth
/// (unbound's `check_dates`).
const SKEW_PART: u32 = 10;

/// The least and the most seconds by which clocks may differ (unbound's
/// `val-sig-skew-min` and `val-sig-skew-max`).
const SKEW: (u32, u32) = (3_600, 86_400);

/// Bytes of the shortest RSA modulus that is supported: 1024 bits.
const RSA_BYTES: usize = 128;

/// Keys of one zone with the same tag and algorithm that are tried (unbound's
/// bound since KeyTrap, CVE-2023-50387).
const KEYS_OF_ONE_TAG: usize = 4;

/// The protocol of a DNSSEC key (RFC 4034 section 2.1.2).
const PROTOCOL: u8 = 3;

/// A record set that a zone has signed.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    /// The closest encloser, if the set comes from a wildcard (RFC 4035 section
    /// 5.3.4).
    pub(super) wildcard: Option<Owner>,
    /// The validity of the signature that verifies.
    pub(super) span: SignatureSpan,
    /// The signature is outside its dates, but within the clock skew that
    /// unbound allows.
    pub(super) forgiven: Option<ForgivenSignature>,
}

/// The keys of a zone that may sign: zone keys of protocol 3 (RFC 4034 section
/// 2.1.1 and 2.1.2), each with its tag.
///
/// The REVOKE flag keeps a key from being a trust anchor (RFC 5011 section 2.1);
/// unbound lets it sign below one.
pub(super) fn zone_keys(set: &RrSet) -> Vec<(u16, Dnskey<Bytes>)> {
    let records = set.records.iter().filter_map(|record| match record.data() {
        domain::rdata::ZoneRecordData::Dnskey(key) => Some(key),
        _ => None,
    });
    records
        .filter(|key| key.is_zone_key() && key.protocol() == PROTOCOL)
        .map(|key| (key.key_tag(), key.clone()))
        .collect()
}

/// Signatures over what comes with many answers of a zone, and that its keys
/// made: the SOA record of every denial, and proofs about the same names. The
/// same one is not computed again; it is paid for all the same, so that no
/// judgement depends on another.
#[derive(Clone, Debug, Default)]
pub(super) struct GoodSignatures(Arc<Mutex<VecDeque<GoodSignature>>>);

#[derive(Debug)]
struct GoodSignature {
    key: Dnskey<Bytes>,
    signed: Vec<u8>,
    signature: Bytes,
}

/// Signatures that are kept of one zone.
const KEPT: usize = 8;

/// The most signed bytes that are kept of one.
const KEPT_BYTES: usize = 1024;

impl GoodSignatures {
    fn all(&self) -> MutexGuard<'_, VecDeque<GoodSignature>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn contains(&self, rtype: Rtype, key: &Dnskey<Bytes>, signed: &[u8], by: &Bytes) -> bool {
        let is_it = |good: &GoodSignature| {
            good.signed == signed && good.signature == by && good.key == *key
        };
        is_of_denial(rtype) && self.all().iter().any(is_it)
    }

    fn keep(&self, rtype: Rtype, key: &Dnskey<Bytes>, signed: &[u8], signature: &Bytes) {
        if !is_of_denial(rtype) || signed.len() > KEPT_BYTES {
            return;
        }
        let mut all = self.all();
        all.push_front(GoodSignature {
            key: key.clone(),
            signed: signed.to_vec(),
            // Not the whole message that it came with.
            signature: Bytes::copy_from_slice(signature),
        });
        all.truncate(KEPT);
    }
}

fn is_of_denial(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::SOA | Rtype::NSEC | Rtype::NSEC3)
}

/// Checks a record set with the keys of a zone: one valid signature is enough,
/// whatever others there are. Otherwise the fault.
pub(super) fn check(
    set: &RrSet,
    apex: &Owner,
    keys: &[(u16, Dnskey<Bytes>)],
    good: &GoodSignatures,
    now: UnixTime,
    work: Work<'_>,
) -> Result<Signed, Fault> {
    let mut worst = Fault::SignatureMissing;
    // A set comes from a wildcard as a whole or not at all (unbound's
    // `val_rrset_wildcard`).
    let mut labels = set.signatures.iter().map(|it| it.data().labels());
    let first = labels.next();
    if labels.any(|it| Some(it) != first) {
        return Err(Fault::SignatureWrong);
    }
    let signatures = set.signatures.iter().map(|record| record.data());
    let mut signatures: Vec<_> = signatures
        .filter(|rrsig| rrsig.signer_name() == apex)
        .map(|rrsig| (dates(rrsig, now), rrsig))
        .collect();
    // Signatures within their dates come first, and among these the one that
    // lasts longest.
    signatures.sort_by_key(|(dates, rrsig)| {
        let last = moment(rrsig.expiration(), now);
        (dates.rank(), std::cmp::Reverse(last))
    });
    let data = set.canonical();
    for (dates, rrsig) in signatures {
        let fault = match one(set, &data, rrsig, keys, good, work) {
            Ok(()) => match dates {
                Dates::Out(fault) => fault,
                Dates::In => return Ok(signed(set, rrsig, None, now)),
                Dates::Forgiven(until) => return Ok(signed(set, rrsig, Some(until), now)),
            },
            Err(fault) => match dates {
                // An expired signature is reported first.
                Dates::Out(dates) if rank(&fault) <= rank(&Fault::SignatureWrong) => dates,
                _ => fault,
            },
        };
        if fault == Fault::TooMuchWork {
            return Err(fault);
        }
        if rank(&fault) > rank(&worst) {
            worst = fault;
        }
    }
    Err(worst)
}

fn signed(
    set: &RrSet,
    rrsig: &Rrsig<Bytes, Owner>,
    until: Option<UnixTime>,
    now: UnixTime,
) -> Signed {
    let span = SignatureSpan {
        zone: with_dot(rrsig.signer_name()),
        record_set: set_name(&set.owner, set.rtype),
        inception: moment(rrsig.inception(), now),
        expiration: moment(rrsig.expiration(), now),
    };
    let surplus = labels(&set.owner).checked_sub(rrsig.labels().into());
    let wildcard = surplus.filter(|surplus| *surplus > 0).and_then(|surplus| {
        // Without its own asterisk, which does not count as a label.
        let asterisk = usize::from(is_wildcard(&set.owner));
        set.owner.iter_suffixes().nth(surplus + asterisk)
    });
    Signed {
        wildcard,
        forgiven: until.map(|until| ForgivenSignature {
            signature: span.clone(),
            until,
        }),
        span,
    }
}

/// Which of several faults to report.
fn rank(fault: &Fault) -> u8 {
    match fault {
        Fault::TooMuchWork => 5,
        Fault::UnsupportedAlgorithm { .. } => 4,
        Fault::SignatureExpired { .. }
        | Fault::SignatureNotYetValid { .. }
        | Fault::SignatureDatesReversed { .. } => 3,
        Fault::SignatureWrong => 2,
        Fault::SigningKeyMissing { .. } => 1,
        _ => 0,
    }
}

/// Checks one signature with all keys that may have made it.
fn one(
    set: &RrSet,
    data: &[Vec<u8>],
    rrsig: &Rrsig<Bytes, Owner>,
    keys: &[(u16, Dnskey<Bytes>)],
    good: &GoodSignatures,
    work: Work<'_>,
) -> Result<(), Fault> {
    let mut fault = Fault::SigningKeyMissing {
        key_tag: rrsig.key_tag(),
    };
    // RFC 4035 section 5.3.1: no more labels than the owner has.
    if usize::from(rrsig.labels()) > labels(&set.owner) || rrsig.type_covered() != set.rtype {
        return Err(Fault::SignatureWrong);
    }
    let mut signed = None;
    let may_be = |(tag, key): &&(u16, Dnskey<Bytes>)| {
        *tag == rrsig.key_tag() && key.algorithm() == rrsig.algorithm()
    };
    if keys.iter().filter(may_be).count() > KEYS_OF_ONE_TAG {
        return Err(Fault::TooMuchWork);
    }
    for (_, key) in keys.iter().filter(may_be) {
        if !is_computed(key) {
            fault = Fault::UnsupportedAlgorithm {
                algorithm: rrsig.algorithm().to_int(),
            };
            continue;
        }
        if work.spend(Operation::SignatureCheck, weight(key)).is_err() {
            return Err(Fault::TooMuchWork);
        }
        let signed = signed.get_or_insert_with(|| signed_data(set, data, rrsig));
        if good.contains(set.rtype, key, signed, rrsig.signature()) {
            return Ok(());
        }
        let public = PublicKey::from_dnskey(key);
        if public.is_ok_and(|public| public.verify(signed, rrsig.signature()).is_ok()) {
            good.keep(set.rtype, key, signed, rrsig.signature());
            return Ok(());
        }
        if !matches!(fault, Fault::UnsupportedAlgorithm { .. }) {
            fault = Fault::SignatureWrong;
        }
    }
    Err(fault)
}

/// Bytes of an RRSIG record's fields before its signer (RFC 4034 section 3.1).
const FIXED_OF_SIGNATURE: usize = 18;

/// Bytes of a record's fields besides its name and its data.
const FIXED_OF_RECORD: usize = 10;

/// The data that a signature covers (RFC 4035 section 5.3.2).
fn signed_data(set: &RrSet, data: &[Vec<u8>], rrsig: &Rrsig<Bytes, Owner>) -> Vec<u8> {
    let mut name = Vec::with_capacity(set.owner.len());
    let all = set.owner.label_count().saturating_sub(1);
    // Appending to a vector does not fail, here and below.
    let surplus = all.checked_sub(rrsig.labels().into());
    let Ok(()) = match surplus.filter(|surplus| *surplus > 0) {
        Some(surplus) => {
            name.extend_from_slice(b"\x01*");
            let encloser = set.owner.iter_suffixes().nth(surplus);
            encloser.map_or(Ok(()), |it| it.compose_canonical(&mut name))
        }
        None => set.owner.compose_canonical(&mut name),
    };
    let each = name.len() + FIXED_OF_RECORD;
    let records: usize = data.iter().map(|data| each + data.len()).sum();
    let before = FIXED_OF_SIGNATURE + rrsig.signer_name().len();
    let mut whole = Vec::with_capacity(before + records);
    let Ok(()) = rrsig.type_covered().compose(&mut whole);
    let Ok(()) = rrsig.algorithm().compose(&mut whole);
    let Ok(()) = rrsig.labels().compose(&mut whole);
    let Ok(()) = rrsig.original_ttl().compose(&mut whole);
    let Ok(()) = rrsig.expiration().compose(&mut whole);
    let Ok(()) = rrsig.inception().compose(&mut whole);
    let Ok(()) = rrsig.key_tag().compose(&mut whole);
    let Ok(()) = rrsig.signer_name().compose_canonical(&mut whole);
    for data in data {
        whole.extend_from_slice(&name);
        let Ok(()) = set.rtype.compose(&mut whole);
        let Ok(()) = domain::base::iana::Class::IN.compose(&mut whole);
        let Ok(()) = rrsig.original_ttl().compose(&mut whole);
        let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
        whole.extend_from_slice(&length.to_be_bytes());
        whole.extend_from_slice(data);
    }
    whole
}

/// The labels of a name as a signature counts them: neither root nor a leading
/// asterisk (RFC 4034 section 3.1.3).
fn labels(owner: &Owner) -> usize {
    let labels = owner.label_count().saturating_sub(1);
    labels.saturating_sub(usize::from(is_wildcard(owner)))
}

/// Whether the first label is an asterisk (RFC 4592 section 2.1.1).
pub(super) fn is_wildcard(owner: &Owner) -> bool {
    owner.first().as_slice() == b"*"
}

/// Whether the cryptographic library supports such keys: RSA keys of 1024 bits
/// and more, with an odd exponent of 3 to 33 bits.
pub(super) fn is_computed(key: &Dnskey<Bytes>) -> bool {
    match key.algorithm() {
        SecurityAlgorithm::RSASHA1
        | SecurityAlgorithm::RSASHA1_NSEC3_SHA1
        | SecurityAlgorithm::RSASHA256
        | SecurityAlgorithm::RSASHA512 => {
            let Ok((exponent, modulus)) = rsa_exponent_modulus(key, RSA_BYTES) else {
                return false;
            };
            let odd = |bytes: &[u8]| bytes.last().is_some_and(|byte| byte % 2 == 1);
            let value = exponent.iter().try_fold(0_u64, |value, byte| {
                value.checked_mul(256)?.checked_add(u64::from(*byte))
            });
            let fits = value.is_some_and(|value| (3..1 << 33).contains(&value));
            fits && odd(&exponent) && odd(&modulus)
        }
        SecurityAlgorithm::ECDSAP256SHA256
        | SecurityAlgorithm::ECDSAP384SHA384
        | SecurityAlgorithm::ED25519 => true,
        _ => false,
    }
}

/// The dates of a signature compared with now.
enum Dates {
    In,
    /// Outside its dates, but accepted until then.
    Forgiven(UnixTime),
    Out(Fault),
}

impl Dates {
    fn rank(&self) -> u8 {
        match self {
            Self::In => 0,
            Self::Forgiven(_) => 1,
            Self::Out(_) => 2,
        }
    }
}

/// RFC 4034 section 3.1.5: seconds modulo 2^32, compared as serial numbers
/// (RFC 1982).
fn dates(rrsig: &Rrsig<Bytes, Owner>, now: UnixTime) -> Dates {
    let (begins, ends) = (rrsig.inception().into_int(), rrsig.expiration().into_int());
    let (inception, expiration) = (
        moment(rrsig.inception(), now),
        moment(rrsig.expiration(), now),
    );
    let life = ends.wrapping_sub(begins);
    if life.cast_signed() < 0 {
        return Dates::Out(Fault::SignatureDatesReversed {
            inception,
            expiration,
        });
    }
    let skew = i64::from((life / SKEW_PART).clamp(SKEW.0, SKEW.1));
    if now < inception {
        if inception.0.saturating_sub(now.0) <= skew {
            return Dates::Forgiven(inception);
        }
        return Dates::Out(Fault::SignatureNotYetValid {
            inception,
            expiration,
        });
    }
    if expiration < now {
        let until = UnixTime(expiration.0.saturating_add(skew));
        if now <= until {
            return Dates::Forgiven(until);
        }
        return Dates::Out(Fault::SignatureExpired {
            inception,
            expiration,
        });
    }
    Dates::In
}

/// The moments at which the result for a set's signatures may change.
pub(super) fn turning_points(set: &RrSet, now: UnixTime) -> Vec<UnixTime> {
    let of_one = |rrsig: &Rrsig<Bytes, Owner>| {
        let life = rrsig.expiration().into_int();
        let life = life.wrapping_sub(rrsig.inception().into_int());
        let skew = i64::from((life / SKEW_PART).clamp(SKEW.0, SKEW.1));
        let begins = moment(rrsig.inception(), now).0;
        let ends = moment(rrsig.expiration(), now).0.saturating_add(1);
        let forgiven = [begins.saturating_sub(skew), ends.saturating_add(skew)];
        [begins, ends].into_iter().chain(forgiven).map(UnixTime)
    };
    set.signatures
        .iter()
        .flat_map(|it| of_one(it.data()))
        .collect()
}

/// RFC 4034 section 3.1.5: seconds modulo 2^32, as near to now as possible (RFC
/// 1982).
pub fn moment(stamp: Timestamp, now: UnixTime) -> UnixTime {
    let seconds = stamp.into_int();
    let [.., a, b, c, d] = now.0.to_be_bytes();
    let ahead = seconds.wrapping_sub(u32::from_be_bytes([a, b, c, d]));
    UnixTime(now.0.saturating_add(i64::from(ahead.cast_signed())))
}

/// The zones whose signatures a set carries, the deepest first. A DS set
/// belongs to the parent (RFC 4035 section 2.4), except at the root.
pub(super) fn signers(set: &RrSet) -> Vec<Owner> {
    let names = set.signatures.iter().map(|it| it.data().signer_name());
    let may = |name: &&Owner| set.rtype != Rtype::DS || **name != set.owner || name.is_root();
    let mut names: Vec<Owner> = names.filter(may).cloned().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.label_count()));
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(material: &'static [u8]) -> Dnskey<Bytes> {
        let material = Bytes::from_static(material);
        Dnskey::new(257, PROTOCOL, SecurityAlgorithm::ED25519, material).unwrap()
    }

    #[test]
    fn only_the_very_same_signature_is_known_and_few_are_kept() {
        let good = GoodSignatures::default();
        let (one, other) = (key(b"one"), key(b"other"));
        let signature = Bytes::from_static(b"signature");
        good.keep(Rtype::SOA, &one, b"signed", &signature);
        assert!(good.contains(Rtype::SOA, &one, b"signed", &signature));
        assert!(!good.contains(Rtype::SOA, &other, b"signed", &signature));
        assert!(!good.contains(Rtype::SOA, &one, b"forged", &signature));
        assert!(!good.contains(Rtype::SOA, &one, b"signed", &Bytes::from_static(b"forged")));
        // What belongs to one name is not looked for.
        good.keep(Rtype::TLSA, &one, b"of one name", &signature);
        assert!(!good.contains(Rtype::TLSA, &one, b"of one name", &signature));
        let long = vec![0; KEPT_BYTES + 1];
        good.keep(Rtype::SOA, &one, &long, &signature);
        assert!(!good.contains(Rtype::SOA, &one, &long, &signature));
        for number in 0..u8::try_from(KEPT).unwrap() {
            good.keep(Rtype::NSEC, &one, &[number], &signature);
        }
        assert!(!good.contains(Rtype::SOA, &one, b"signed", &signature));
        assert!(good.contains(Rtype::NSEC, &one, &[0], &signature));
        assert_eq!(good.all().len(), KEPT);
    }
}
