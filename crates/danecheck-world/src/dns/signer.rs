//! The key of a zone, its signatures and its DS, with the faults of the
//! scenario.

use bytes::Bytes;
use domain::base::iana::{Class, DigestAlgorithm, Rtype, SecurityAlgorithm};
use domain::base::rdata::ComposeRecordData;
use domain::base::{Record, ToName};
use domain::crypto::sign::{GenerateParams, KeyPair, generate};
use domain::dnssec::sign::keys::signingkey::SigningKey;
use domain::dnssec::sign::records::Rrset;
use domain::dnssec::sign::signatures::rrsigs::sign_rrset;
use domain::dnssec::validator::base::RrsigExt;
use domain::rdata::dnssec::Timestamp;
use domain::rdata::{Dnskey, Ds, Rrsig};
use ring::digest;

use super::error::WorldError;
use super::record::{Data, Owner, RrSet, parse_name_in};
use super::zone::{Zone, ZoneFault};
use danecheck_core::unix_time::UnixTime;

/// A key that signs both the keys and the data of its zone: zone key and
/// secure entry point (RFC 4034 section 2.1.1).
const FLAGS: u16 = 257;

/// An algorithm number that is not assigned (RFC 8624 section 3.1).
const UNKNOWN_ALGORITHM: SecurityAlgorithm = SecurityAlgorithm::from_int(100);

/// What a fault does to a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignatureState {
    Valid,
    Expired,
    NotYetValid,
    EndingSoon,
    Missing,
    Bad,
    OtherKey,
}

/// The RRsets that a fault is about. `None` is any.
#[derive(Debug)]
struct FaultySignature {
    name: Option<Owner>,
    rtype: Option<Rtype>,
    state: SignatureState,
}

impl FaultySignature {
    fn of(fault: &ZoneFault, apex: &Owner) -> Result<Option<Self>, WorldError> {
        let (name, rtype, state) = match fault {
            ZoneFault::SignaturesExpired => (None, None, SignatureState::Expired),
            ZoneFault::SignaturesNotYetValid => (None, None, SignatureState::NotYetValid),
            ZoneFault::SignaturesEndSoon => (None, None, SignatureState::EndingSoon),
            ZoneFault::SignatureExpired { name, rtype } => {
                (Some(name), Some(*rtype), SignatureState::Expired)
            }
            ZoneFault::SignatureMissing { on } => (None, Some(*on), SignatureState::Missing),
            ZoneFault::BadSignature { name, rtype } => {
                (Some(name), Some(*rtype), SignatureState::Bad)
            }
            ZoneFault::SigningKeyUnpublished { name, rtype } => {
                (Some(name), Some(*rtype), SignatureState::OtherKey)
            }
            ZoneFault::DsMismatch
            | ZoneFault::DsWithoutDnskey
            | ZoneFault::DsMissing
            | ZoneFault::DsAlgorithmUnknown
            | ZoneFault::DsAlgorithmEd448
            | ZoneFault::DenialMissing => return Ok(None),
        };
        let name = name.map(|name| parse_name_in(name, apex)).transpose()?;
        Ok(Some(Self { name, rtype, state }))
    }

    fn is_about(&self, rrset: &RrSet) -> bool {
        self.name.as_ref().is_none_or(|name| *name == rrset.owner)
            && self.rtype.is_none_or(|rtype| rtype == rrset.rtype)
    }
}

/// The key of a zone.
#[derive(Debug)]
pub(super) struct Signer {
    key: SigningKey<Bytes, KeyPair>,
    now: UnixTime,
    faults: Vec<FaultySignature>,
}

impl Signer {
    /// Makes a fresh key, ECDSA P-256 (RFC 6605) or Ed25519 (RFC 8080), for the
    /// zone at `apex`, whose signatures are to be valid around `now`.
    pub(super) fn generate(apex: &Owner, zone: &Zone, now: UnixTime) -> Result<Self, WorldError> {
        let failed = |reason: String| WorldError::Signing {
            zone: apex.to_string(),
            reason,
        };
        let algorithm = if zone.ed25519 {
            GenerateParams::Ed25519
        } else {
            GenerateParams::EcdsaP256Sha256
        };
        let (secret, public) =
            generate(&algorithm, FLAGS).map_err(|error| failed(error.to_string()))?;
        let pair =
            KeyPair::from_bytes(&secret, &public).map_err(|error| failed(error.to_string()))?;
        let mut faulty = Vec::new();
        for fault in &zone.faults {
            faulty.extend(FaultySignature::of(fault, apex)?);
        }
        Ok(Self {
            key: SigningKey::new(apex.clone(), FLAGS, pair),
            now,
            faults: faulty,
        })
    }

    /// The public key (RFC 4034 section 2).
    pub(super) fn dnskey(&self) -> Dnskey<Bytes> {
        self.key.dnskey().convert()
    }

    /// The validity of signatures.
    pub(super) fn validity(&self) -> (Timestamp, Timestamp) {
        (
            timestamp(self.now.plus_days(-1)),
            timestamp(self.now.plus_days(14)),
        )
    }

    /// The DS that the parent publishes (RFC 4034 section 5.1.4); `None` if the
    /// scenario's faults leave it out.
    pub(super) fn ds(&self, faults: &[ZoneFault]) -> Option<Ds<Bytes>> {
        if faults.contains(&ZoneFault::DsMissing) {
            return None;
        }
        let dnskey = self.key.dnskey();
        let mut digested = Vec::new();
        // Appending to a vector does not fail.
        let Ok(()) = self.key.owner().compose_canonical(&mut digested);
        let Ok(()) = dnskey.compose_canonical_rdata(&mut digested);
        if faults.contains(&ZoneFault::DsMismatch) {
            digested.push(0);
        }
        let algorithm = if faults.contains(&ZoneFault::DsAlgorithmUnknown) {
            UNKNOWN_ALGORITHM
        } else if faults.contains(&ZoneFault::DsAlgorithmEd448) {
            SecurityAlgorithm::ED448
        } else {
            dnskey.algorithm()
        };
        let digest = digest::digest(&digest::SHA256, &digested);
        Ds::new(
            dnskey.key_tag(),
            algorithm,
            DigestAlgorithm::SHA256,
            Bytes::copy_from_slice(digest.as_ref()),
        )
        .ok()
    }

    /// Whether `rrsig` is this key's signature over `rrset` (RFC 4035 section
    /// 5.3.3).
    pub(super) fn verifies(&self, rrset: &RrSet, rrsig: &Rrsig<Bytes, Owner>) -> bool {
        let mut signed = Vec::new();
        // Appending to a vector does not fail.
        let Ok(()) = rrsig.signed_data(&mut signed, &mut records(rrset));
        rrsig
            .verify_signed_data(&self.key.dnskey(), &signed)
            .is_ok()
    }

    /// The RRSIG over `rrset` (RFC 4034 section 3), faulty if the scenario says
    /// so; `None` if it has to be missing.
    pub(super) fn sign(&self, rrset: &RrSet) -> Option<Data> {
        let state = self
            .faults
            .iter()
            .find(|fault| fault.is_about(rrset))
            .map_or(SignatureState::Valid, |fault| fault.state);
        let (inception, expiration) = match state {
            SignatureState::Missing => return None,
            SignatureState::Valid | SignatureState::Bad | SignatureState::OtherKey => (-1, 14),
            // Further away than the day of clock skew that unbound accepts
            // (`val-sig-skew-max`).
            SignatureState::Expired => (-17, -3),
            SignatureState::NotYetValid => (3, 17),
            SignatureState::EndingSoon => (-13, 1),
        };
        let records = records(rrset);
        let signature = sign_rrset(
            &self.key,
            &Rrset::new_from_owned(&records).ok()?,
            timestamp(self.now.plus_days(inception)),
            timestamp(self.now.plus_days(expiration)),
        )
        .ok()?
        .into_data();
        Some(Data::Rrsig(match state {
            SignatureState::Bad => spoiled(&signature, signature.key_tag())?,
            SignatureState::OtherKey => spoiled(&signature, signature.key_tag().wrapping_add(1))?,
            _ => signature,
        }))
    }
}

fn records(rrset: &RrSet) -> Vec<Record<Owner, Data>> {
    rrset
        .data
        .iter()
        .map(|data| Record::new(rrset.owner.clone(), Class::IN, rrset.ttl, data.clone()))
        .collect()
}

/// RFC 4034 section 3.1.5: seconds modulo 2^32.
fn timestamp(moment: UnixTime) -> Timestamp {
    let [.., a, b, c, d] = moment.0.to_be_bytes();
    Timestamp::from(u32::from_be_bytes([a, b, c, d]))
}

/// The same RRSIG of this key, with one bit of the signature inverted.
fn spoiled(rrsig: &Rrsig<Bytes, Owner>, key_tag: u16) -> Option<Rrsig<Bytes, Owner>> {
    let mut signature = rrsig.signature().to_vec();
    if let Some(last) = signature.last_mut() {
        *last ^= 1;
    }
    Rrsig::new(
        rrsig.type_covered(),
        rrsig.algorithm(),
        rrsig.labels(),
        rrsig.original_ttl(),
        rrsig.expiration(),
        rrsig.inception(),
        key_tag,
        rrsig.signer_name().clone(),
        Bytes::from(signature),
    )
    .ok()
}
