//! The chain of trust from the root to a name, link by link: which one breaks,
//! and how.
//!
//! The validator says only that something is bogus, and not always why. What
//! is found here is an explanation of its word, never a status of its own.

use bytes::Bytes;
use domain::base::iana::{DigestAlgorithm, Rtype, SecurityAlgorithm};
use domain::base::{Name, Record};
use domain::crypto::common::rsa_exponent_modulus;
use domain::dnssec::validator::base::{DnskeyExt as _, RrsigExt as _};
use domain::rdata::dnssec::Timestamp;
use domain::rdata::{Dnskey, Ds, Rrsig, ZoneRecordData};
use domain::zonefile::inplace::{Entry, Zonefile};

use super::base::NSEC3_ITERATIONS;
use super::packet::{Owner, Packet, RrSet};
use super::upstream::Upstream;
use crate::dnssec::{Fault, OwnValidation, SecurityStatus, WeakLink};
use crate::observation::LookupFailure;
use crate::trust_anchor::RootAnchors;
use crate::unix_time::UnixTime;

/// Algorithms that the validator takes in a DS record by itself: RSA with
/// SHA-1, SHA-256 and SHA-512, and ECDSA P-256.
const TAKEN: [u8; 5] = [5, 7, 8, 10, 13];

/// Algorithms that the validator can compute, and takes only from a trust
/// anchor: ECDSA P-384 (RFC 6605) and Ed25519 (RFC 8080).
const COMPUTED: [u8; 2] = [14, 15];

/// Algorithms that other validators know and nobody here can compute: Ed448
/// (RFC 8080).
const UNKNOWN_HERE: [u8; 1] = [16];

/// Bits of the shortest RSA key that the validator computes with, in bytes.
const RSA_BYTES: usize = 128;

/// What DS records say about the zone below them (RFC 4035 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delegation {
    /// The validator goes on by itself.
    Taken,
    /// It goes on where it is told to trust the DS records.
    Computed,
    /// Others go on; nobody here can.
    UnknownHere(u8),
    /// Nobody goes on: the zone is as good as unsigned.
    UnknownToAll(u8),
}

/// Reads a DS record set.
pub(super) fn delegation(set: &RrSet) -> Delegation {
    let algorithms: Vec<u8> = ds_records(set)
        .filter(|ds| has_known_digest(ds))
        .map(|ds| ds.algorithm().to_int())
        .collect();
    let any = |known: &[u8]| {
        let mut algorithms = algorithms.iter().copied();
        algorithms.find(|algorithm| known.contains(algorithm))
    };
    if any(&TAKEN).is_some() {
        Delegation::Taken
    } else if any(&COMPUTED).is_some() {
        Delegation::Computed
    } else if let Some(algorithm) = any(&UNKNOWN_HERE) {
        Delegation::UnknownHere(algorithm)
    } else {
        let first = ds_records(set).next();
        Delegation::UnknownToAll(first.map_or(0, |ds| ds.algorithm().to_int()))
    }
}

fn ds_records(set: &RrSet) -> impl Iterator<Item = &Ds<Bytes>> {
    set.records.iter().filter_map(|record| match record.data() {
        ZoneRecordData::Ds(ds) => Some(ds),
        _ => None,
    })
}

fn has_known_digest(ds: &Ds<Bytes>) -> bool {
    matches!(
        ds.digest_type(),
        DigestAlgorithm::SHA1 | DigestAlgorithm::SHA256 | DigestAlgorithm::SHA384
    )
}

/// The keys in a DNSKEY record set.
pub(super) fn keys(set: &RrSet) -> Vec<Dnskey<Bytes>> {
    set.records
        .iter()
        .filter_map(|record| match record.data() {
            ZoneRecordData::Dnskey(key) => Some(key.clone()),
            _ => None,
        })
        .collect()
}

/// A name and the names above it, from below the root downwards.
pub(super) fn path(name: &Owner) -> Vec<Owner> {
    let mut path: Vec<Owner> = name
        .iter_suffixes()
        .filter(|name| !name.is_root())
        .collect();
    path.reverse();
    path
}

/// How the chain of trust ends above a name.
#[derive(Debug)]
enum End {
    /// In a broken link.
    Broken(WeakLink),
    /// At a delegation without DS, or with one that nobody can follow.
    Insecure(WeakLink),
    /// Where nothing can be told.
    Unknown(OwnValidation),
}

/// A zone to which the chain holds.
struct Zone {
    apex: Owner,
    keys: Vec<Dnskey<Bytes>>,
}

/// The chains of one run.
pub(super) struct Chains<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) anchors: &'a RootAnchors,
    pub(super) now: UnixTime,
}

impl Chains<'_> {
    /// Why a packet is bogus.
    pub(super) async fn explain(&self, packet: &Packet) -> OwnValidation {
        let bogus = |link| OwnValidation::at(SecurityStatus::Bogus, link);
        for set in packet.sets().filter(|set| !packet.is_synthesized(set)) {
            let signer = set.signatures.first().map(|record| record.data());
            let name = signer.map_or(&set.owner, |rrsig| rrsig.signer_name());
            let fault = match self.zone(name).await {
                Ok(zone) => zone.fault(set, self.now),
                Err(End::Insecure(_)) => None,
                Err(End::Broken(link)) => return bogus(link),
                Err(End::Unknown(validation)) => return validation,
            };
            match fault {
                Some(link) if matches!(link.fault, Fault::UnsupportedAlgorithm { .. }) => {
                    return OwnValidation::at(SecurityStatus::Indeterminate, link);
                }
                Some(link) => return bogus(link),
                None => {}
            }
        }
        let end = packet.end();
        match self.zone(&end).await {
            Ok(zone) => bogus(WeakLink {
                zone: zone.apex.fmt_with_dot().to_string(),
                record_set: set_name(&end, packet.rtype),
                fault: Fault::DenialProvesNothing,
            }),
            Err(End::Broken(link)) => bogus(link),
            Err(End::Unknown(validation)) => validation,
            Err(End::Insecure(_)) => OwnValidation {
                reason: Some("no chain of trust holds".to_owned()),
                ..OwnValidation::plain(SecurityStatus::Bogus)
            },
        }
    }

    /// Where the signed part of the tree ends on the way to an answer that is
    /// insecure.
    pub(super) async fn turning_point(&self, packet: &Packet) -> Option<WeakLink> {
        let names = packet.sets().map(|set| set.owner.clone());
        for name in names.chain([packet.end()]) {
            if let Err(End::Insecure(link)) = self.zone(&name).await {
                return Some(link);
            }
        }
        // The chain holds down to the zone, and its denial does not count.
        for set in packet.sets() {
            let Some(ZoneRecordData::Nsec3(nsec3)) = set.records.first().map(|it| it.data()) else {
                continue;
            };
            let iterations = nsec3.iterations();
            let signer = set.signatures.first().map(|it| it.data().signer_name());
            if iterations > NSEC3_ITERATIONS
                && let Some(signer) = signer
                && let Ok(zone) = self.zone(signer).await
            {
                let fault = Fault::Nsec3IterationsPastLimit { iterations };
                return Some(zone.link(set, fault));
            }
        }
        None
    }

    /// The zone that holds a name, where the chain of trust reaches it.
    async fn zone(&self, name: &Owner) -> Result<Zone, End> {
        let mut zone = self.root().await?;
        for name in path(name) {
            // Where nobody asked, nobody needed it.
            let Some(fetched) = self.upstream.fetched(&name, Rtype::DS).await else {
                break;
            };
            let packet = self.read(fetched, &name, Rtype::DS)?;
            let Some(ds) = packet.answer_at(&name, Rtype::DS) else {
                zone.denial(&packet, &name, self.now)?;
                continue;
            };
            if let Some(link) = zone.fault(ds, self.now) {
                return Err(broken(link));
            }
            match delegation(ds) {
                Delegation::Taken | Delegation::Computed => zone = self.child(&name, ds).await?,
                Delegation::UnknownHere(algorithm) => {
                    return Err(End::Unknown(unsupported(&name, algorithm)));
                }
                Delegation::UnknownToAll(algorithm) => {
                    return Err(End::Insecure(WeakLink {
                        zone: name.fmt_with_dot().to_string(),
                        record_set: set_name(&name, Rtype::DS),
                        fault: Fault::AlgorithmUnknownToAll { algorithm },
                    }));
                }
            }
        }
        Ok(zone)
    }

    async fn root(&self) -> Result<Zone, End> {
        let root = Name::root();
        let unknown = |reason: &str| End::Unknown(OwnValidation::indeterminate(reason));
        let Some(fetched) = self.upstream.fetched(&root, Rtype::DNSKEY).await else {
            return Err(unknown("the root's keys were not asked for"));
        };
        let packet = self.read(fetched, &root, Rtype::DNSKEY)?;
        let signed = packet
            .answer_at(&root, Rtype::DNSKEY)
            .filter(|set| !set.signatures.is_empty());
        let Some(set) = signed else {
            return Err(unknown(
                "the resolver hands out no DNSSEC signatures, not even the root's",
            ));
        };
        let keys = keys(set);
        let trusted: Vec<_> = keys
            .iter()
            .filter(|key| is_anchor(key, self.anchors))
            .cloned()
            .collect();
        if trusted.is_empty() {
            let link = WeakLink {
                zone: ".".to_owned(),
                record_set: set_name(&root, Rtype::DNSKEY),
                fault: Fault::NoTrustAnchor,
            };
            return Err(End::Unknown(OwnValidation::at(
                SecurityStatus::Indeterminate,
                link,
            )));
        }
        Zone::new(root, set, &trusted, self.now)
    }

    async fn child(&self, apex: &Owner, ds: &RrSet) -> Result<Zone, End> {
        let link = |rtype, fault| {
            End::Broken(WeakLink {
                zone: apex.fmt_with_dot().to_string(),
                record_set: set_name(apex, rtype),
                fault,
            })
        };
        let Some(fetched) = self.upstream.fetched(apex, Rtype::DNSKEY).await else {
            return Err(End::Unknown(OwnValidation::indeterminate(format!(
                "the keys of {} were not asked for",
                apex.fmt_with_dot()
            ))));
        };
        let packet = self.read(fetched, apex, Rtype::DNSKEY)?;
        let Some(set) = packet.answer_at(apex, Rtype::DNSKEY) else {
            return Err(link(Rtype::DNSKEY, Fault::KeyMissing));
        };
        let matched: Vec<_> = keys(set)
            .into_iter()
            .filter(|key| ds_records(ds).any(|ds| is_of(ds, key, apex)))
            .collect();
        if matched.is_empty() {
            return Err(link(Rtype::DS, Fault::DsMatchesNoKey));
        }
        Zone::new(apex.clone(), set, &matched, self.now)
    }

    fn read(
        &self,
        fetched: Result<Bytes, LookupFailure>,
        name: &Owner,
        rtype: Rtype,
    ) -> Result<Packet, End> {
        let unknown = |what: &str| {
            End::Unknown(OwnValidation::indeterminate(format!(
                "the resolver's answer for {} is {what}",
                set_name(name, rtype)
            )))
        };
        let bytes = fetched.map_err(|failure| unknown(failure.kind.as_text()))?;
        Packet::read(&bytes).ok_or_else(|| unknown("one that cannot be read"))
    }
}

impl Zone {
    /// A zone by its DNSKEY record set, which one of the trusted keys has to
    /// have signed.
    fn new(
        apex: Owner,
        set: &RrSet,
        trusted: &[Dnskey<Bytes>],
        now: UnixTime,
    ) -> Result<Self, End> {
        let zone = Self {
            apex,
            keys: keys(set),
        };
        match fault(set, trusted, now) {
            None => Ok(zone),
            Some(fault) => Err(broken(zone.link(set, fault))),
        }
    }

    fn link(&self, set: &RrSet, fault: Fault) -> WeakLink {
        WeakLink {
            zone: self.apex.fmt_with_dot().to_string(),
            record_set: set_name(&set.owner, set.rtype),
            fault,
        }
    }

    /// The zone that begins at `name` is unsigned.
    fn without_ds(&self, name: &Owner) -> WeakLink {
        let parent = self.apex.fmt_with_dot().to_string();
        WeakLink {
            zone: name.fmt_with_dot().to_string(),
            record_set: set_name(name, Rtype::DS),
            fault: Fault::DsMissing { parent },
        }
    }

    fn fault(&self, set: &RrSet, now: UnixTime) -> Option<WeakLink> {
        fault(set, &self.keys, now).map(|fault| self.link(set, fault))
    }

    /// What the word that there is no DS record comes to: the same zone goes
    /// on below the name, or an unsigned one begins.
    fn denial(&self, packet: &Packet, name: &Owner, now: UnixTime) -> Result<(), End> {
        let mut proof = false;
        for set in packet.sets() {
            if let Some(link) = self.fault(set, now) {
                return Err(broken(link));
            }
            for record in &set.records {
                match record.data() {
                    ZoneRecordData::Nsec(nsec) => {
                        let types = nsec.types();
                        if set.owner == *name && types.contains(Rtype::NS) {
                            return Err(End::Insecure(self.without_ds(name)));
                        }
                        proof = true;
                    }
                    ZoneRecordData::Nsec3(nsec3) => {
                        let iterations = nsec3.iterations();
                        if iterations > NSEC3_ITERATIONS {
                            let fault = Fault::Nsec3IterationsPastLimit { iterations };
                            return Err(End::Insecure(self.link(set, fault)));
                        }
                        let types = nsec3.types();
                        let cut = types.contains(Rtype::NS) && !types.contains(Rtype::SOA);
                        if nsec3.opt_out() || cut && !types.contains(Rtype::DS) {
                            return Err(End::Insecure(self.without_ds(name)));
                        }
                        proof = true;
                    }
                    ZoneRecordData::Cname(_) => proof = true,
                    _ => {}
                }
            }
        }
        if proof {
            return Ok(());
        }
        Err(End::Broken(WeakLink {
            zone: self.apex.fmt_with_dot().to_string(),
            record_set: set_name(name, Rtype::DS),
            fault: Fault::DenialProvesNothing,
        }))
    }
}

fn broken(link: WeakLink) -> End {
    match link.fault {
        Fault::UnsupportedAlgorithm { .. } => {
            End::Unknown(OwnValidation::at(SecurityStatus::Indeterminate, link))
        }
        _ => End::Broken(link),
    }
}

/// A zone whose algorithm nobody here can compute.
pub(super) fn unsupported(zone: &Owner, algorithm: u8) -> OwnValidation {
    OwnValidation::at(
        SecurityStatus::Indeterminate,
        WeakLink {
            zone: zone.fmt_with_dot().to_string(),
            record_set: set_name(zone, Rtype::DS),
            fault: Fault::UnsupportedAlgorithm { algorithm },
        },
    )
}

/// `example.com. MX`.
pub(super) fn set_name(owner: &Owner, rtype: Rtype) -> String {
    format!("{} {rtype}", owner.fmt_with_dot())
}

/// What is wrong with every signature of a record set (RFC 4035 section 5.3);
/// nothing where one of them holds.
pub(super) fn fault(set: &RrSet, keys: &[Dnskey<Bytes>], now: UnixTime) -> Option<Fault> {
    let mut worst = Fault::SignatureMissing;
    for signature in &set.signatures {
        let fault = signature_fault(set, signature.data(), keys, now)?;
        if rank(&fault) >= rank(&worst) {
            worst = fault;
        }
    }
    Some(worst)
}

/// Which of several faults tells most.
fn rank(fault: &Fault) -> u8 {
    match fault {
        Fault::UnsupportedAlgorithm { .. } => 4,
        Fault::SignatureExpired { .. } | Fault::SignatureNotYetValid { .. } => 3,
        Fault::SignatureWrong => 2,
        Fault::SigningKeyMissing { .. } => 1,
        _ => 0,
    }
}

fn signature_fault(
    set: &RrSet,
    rrsig: &Rrsig<Bytes, Owner>,
    keys: &[Dnskey<Bytes>],
    now: UnixTime,
) -> Option<Fault> {
    let (inception, expiration) = (
        moment(rrsig.inception(), now),
        moment(rrsig.expiration(), now),
    );
    if expiration < now {
        return Some(Fault::SignatureExpired {
            inception,
            expiration,
        });
    }
    if now < inception {
        return Some(Fault::SignatureNotYetValid {
            inception,
            expiration,
        });
    }
    let mut fault = Fault::SigningKeyMissing {
        key_tag: rrsig.key_tag(),
    };
    let algorithm = rrsig.algorithm();
    for key in keys {
        if key.algorithm() != algorithm || key.key_tag() != rrsig.key_tag() {
            continue;
        }
        if verifies(set, rrsig, key) {
            return None;
        }
        fault = if is_computed(key) {
            Fault::SignatureWrong
        } else {
            Fault::UnsupportedAlgorithm {
                algorithm: algorithm.to_int(),
            }
        };
    }
    Some(fault)
}

/// RFC 4035 section 5.3.3.
fn verifies(set: &RrSet, rrsig: &Rrsig<Bytes, Owner>, key: &Dnskey<Bytes>) -> bool {
    let mut records: Vec<Record<_, _>> = set.records.clone();
    let mut signed = Vec::new();
    // Appending to a vector does not fail.
    let Ok(()) = rrsig.signed_data(&mut signed, &mut records);
    key.is_zone_key() && rrsig.verify_signed_data(key, &signed).is_ok()
}

/// Whether the cryptographic library computes with such keys.
fn is_computed(key: &Dnskey<Bytes>) -> bool {
    let algorithm = key.algorithm().to_int();
    let is_rsa = matches!(
        key.algorithm(),
        SecurityAlgorithm::RSASHA1
            | SecurityAlgorithm::RSASHA1_NSEC3_SHA1
            | SecurityAlgorithm::RSASHA256
            | SecurityAlgorithm::RSASHA512
    );
    (TAKEN.contains(&algorithm) || COMPUTED.contains(&algorithm))
        && (!is_rsa || rsa_exponent_modulus(key, RSA_BYTES).is_ok())
}

/// RFC 4034 section 3.1.5: seconds modulo 2^32, so near to now as can be
/// (RFC 1982).
pub(in super::super) fn moment(stamp: Timestamp, now: UnixTime) -> UnixTime {
    let seconds = stamp.into_int();
    let [.., a, b, c, d] = now.0.to_be_bytes();
    let ahead = seconds.wrapping_sub(u32::from_be_bytes([a, b, c, d]));
    UnixTime(now.0.saturating_add(i64::from(ahead.cast_signed())))
}

/// RFC 4034 section 5.1.
fn is_of(ds: &Ds<Bytes>, key: &Dnskey<Bytes>, apex: &Owner) -> bool {
    ds.algorithm() == key.algorithm()
        && ds.key_tag() == key.key_tag()
        && key
            .digest(apex, ds.digest_type())
            .is_ok_and(|digest| digest.as_ref() == ds.digest().as_ref())
}

fn is_anchor(key: &Dnskey<Bytes>, anchors: &RootAnchors) -> bool {
    let mut file = Zonefile::from(format!("{}\n", anchors.text()).as_str());
    file.set_default_class(domain::base::iana::Class::IN);
    let root: Owner = Name::root();
    while let Ok(Some(Entry::Record(record))) = file.next_entry() {
        let matches = match record.data() {
            ZoneRecordData::Ds(ds) => is_of(ds, key, &root),
            ZoneRecordData::Dnskey(anchor) => anchor == key,
            _ => false,
        };
        if matches {
            return true;
        }
    }
    false
}
