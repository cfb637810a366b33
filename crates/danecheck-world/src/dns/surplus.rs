//! Keys, signatures and DS records that a zone has in addition to its own, so
//! that a validator has much to try (KeyTrap, CVE-2023-50387). No such
//! signature is valid, and all computations with them are real.

use std::collections::BTreeSet;

use bytes::Bytes;
use domain::base::iana::{DigestAlgorithm, Rtype, SecurityAlgorithm};
use domain::base::rdata::ComposeRecordData;
use domain::base::{ToName, Ttl};
use domain::crypto::sign::{GenerateParams, generate};
use domain::rdata::dnssec::Timestamp;
use domain::rdata::{Dnskey, Ds, Rrsig};
use ring::digest;

use super::error::WorldError;
use super::record::{Data, Owner, RrSet, parse_name_in};

/// The zone key flag (RFC 4034 section 2.1.1), without which a key signs
/// nothing.
const ZONE_KEY: u16 = 0x0100;

/// The flag of a revoked key (RFC 5011 section 7).
const REVOKED: u16 = 0x0080;

/// The key tag of surplus keys that do not share the zone's own.
const TAG: u16 = 4711;

/// The kind of surplus keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SurplusKey {
    /// ECDSA P-256 (RFC 6605), each a point on the curve.
    EcdsaP256,
    /// ECDSA P-384 (RFC 6605), each a point on the curve.
    EcdsaP384,
    /// Ed25519 (RFC 8080).
    Ed25519,
    /// RSA with SHA-256 (RFC 5702).
    Rsa {
        /// Bytes of the modulus.
        modulus: usize,
        /// The public exponent.
        exponent: u64,
    },
    /// RSA with SHA-256, and these bytes in place of a key.
    Malformed(&'static [u8]),
}

/// What a zone has in addition to its own key and signatures.
#[derive(Clone, Debug)]
pub struct Surplus {
    /// The kind of the keys.
    pub key: SurplusKey,
    /// DNSKEY records, all of one key tag (RFC 4034 appendix B).
    pub keys: usize,
    /// Whether that is the tag of the zone's own key.
    pub own_tag: bool,
    /// Signatures with that tag over each record set, before the zone's own.
    pub signatures: usize,
    /// The record sets, by owner and type; `*` is any owner.
    pub over: Vec<(String, Rtype)>,
    /// DS records at the parent with that tag: first those of the keys, then
    /// some without a key.
    pub ds: usize,
    /// Whether no DS record belongs to a key.
    pub wrong_ds: bool,
    /// NSEC or NSEC3 records that come with each denial, whatever they prove.
    pub denials: usize,
}

impl Default for Surplus {
    fn default() -> Self {
        Self {
            key: SurplusKey::EcdsaP256,
            keys: 0,
            own_tag: false,
            signatures: 0,
            over: Vec::new(),
            ds: 0,
            wrong_ds: false,
            denials: 0,
        }
    }
}

impl Surplus {
    /// Adds a record set to those with too many signatures.
    #[must_use]
    pub fn over(mut self, owner: &str, rtype: Rtype) -> Self {
        self.over.push((owner.to_owned(), rtype));
        self
    }
}

/// The surplus of one zone, made.
#[derive(Debug)]
pub(super) struct Made {
    surplus: Surplus,
    apex: Owner,
    keys: Vec<Dnskey<Bytes>>,
    tag: u16,
    /// The validity of signatures.
    validity: (Timestamp, Timestamp),
    over: BTreeSet<(Option<Owner>, Rtype)>,
}

impl Made {
    /// Makes the surplus of the zone at `apex`, whose own key is `own` and
    /// whose signatures are valid for `validity`.
    pub(super) fn new(
        surplus: &Surplus,
        apex: &Owner,
        own: &Dnskey<Bytes>,
        validity: (Timestamp, Timestamp),
    ) -> Result<Self, WorldError> {
        let mut tag = if surplus.own_tag { own.key_tag() } else { TAG };
        let mut keys = Vec::new();
        // About every fourth point can get the tag.
        for number in 0..surplus.keys.saturating_mul(64) {
            if keys.len() == surplus.keys {
                break;
            }
            keys.extend(surplus.key.make(number, tag));
        }
        if keys.len() < surplus.keys {
            return Err(WorldError::Signing {
                zone: apex.to_string(),
                reason: "no keys with that tag".to_owned(),
            });
        }
        if let (SurplusKey::Malformed(_), Some(key)) = (surplus.key, keys.first()) {
            tag = key.key_tag();
        }
        let mut over = BTreeSet::new();
        for (owner, rtype) in &surplus.over {
            let owner = (owner != "*")
                .then(|| parse_name_in(owner, apex))
                .transpose()?;
            over.insert((owner, *rtype));
        }
        Ok(Self {
            surplus: surplus.clone(),
            apex: apex.clone(),
            keys,
            tag,
            validity,
            over,
        })
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = Data> {
        self.keys.iter().cloned().map(Data::Dnskey)
    }

    pub(super) fn denials(&self) -> usize {
        self.surplus.denials
    }

    /// The DS records that the parent publishes.
    pub(super) fn ds(&self) -> impl Iterator<Item = Data> {
        (0..self.surplus.ds).filter_map(|number| {
            let key = self.keys.get(number).filter(|_| !self.surplus.wrong_ds);
            let mut digested = Vec::new();
            match key {
                Some(key) => {
                    // Appending to a vector does not fail.
                    let Ok(()) = self.apex.compose_canonical(&mut digested);
                    let Ok(()) = key.compose_canonical_rdata(&mut digested);
                }
                None => digested.extend(number.to_be_bytes()),
            }
            let digest = digest::digest(&digest::SHA256, &digested);
            let ds = Ds::new(
                self.tag,
                self.surplus.key.algorithm(),
                DigestAlgorithm::SHA256,
                Bytes::copy_from_slice(digest.as_ref()),
            );
            ds.ok().map(Data::Ds)
        })
    }

    /// The wrong signatures over this record set.
    pub(super) fn signatures(&self, rrset: &RrSet, ttl: Ttl) -> Vec<Data> {
        let at = |owner| self.over.contains(&(owner, rrset.rtype));
        if !at(None) && !at(Some(rrset.owner.clone())) {
            return Vec::new();
        }
        let signature = |number| {
            let (inception, expiration) = self.validity;
            Rrsig::new(
                rrset.rtype,
                self.surplus.key.algorithm(),
                rrset.owner.rrsig_label_count(),
                ttl,
                expiration,
                inception,
                self.tag,
                self.apex.clone(),
                Bytes::from(self.surplus.key.signature(number)),
            )
        };
        let all = (0..self.surplus.signatures).map(signature);
        all.filter_map(Result::ok).map(Data::Rrsig).collect()
    }
}

impl SurplusKey {
    fn algorithm(self) -> SecurityAlgorithm {
        match self {
            Self::EcdsaP256 => SecurityAlgorithm::ECDSAP256SHA256,
            Self::EcdsaP384 => SecurityAlgorithm::ECDSAP384SHA384,
            Self::Ed25519 => SecurityAlgorithm::ED25519,
            Self::Rsa { .. } | Self::Malformed(_) => SecurityAlgorithm::RSASHA256,
        }
    }

    /// The key with this number, if it can have this tag.
    fn make(self, number: usize, tag: u16) -> Option<Dnskey<Bytes>> {
        let generated = |parameters| {
            let (_, public) = generate(&parameters, ZONE_KEY).ok()?;
            // The flags that mean nothing (RFC 4034 section 2.1.1) compensate
            // for the difference.
            with_tag(tag, self.algorithm(), |flags| {
                (flags, AsRef::<[u8]>::as_ref(public.public_key()).to_vec())
            })
            .filter(|key| key.flags() & ZONE_KEY != 0 && key.flags() & REVOKED == 0)
        };
        match self {
            Self::EcdsaP256 => generated(GenerateParams::EcdsaP256Sha256),
            Self::EcdsaP384 => generated(GenerateParams::EcdsaP384Sha384),
            Self::Ed25519 => generated(GenerateParams::Ed25519),
            Self::Rsa { modulus, exponent } => {
                let exponent = exponent.to_be_bytes();
                let exponent: Vec<u8> =
                    exponent.into_iter().skip_while(|byte| *byte == 0).collect();
                let length = u8::try_from(exponent.len()).ok()?;
                let mut start = [&[length][..], &exponent].concat();
                // Two bytes of the modulus that are one number of the sum.
                let free = start.len() + 16 + start.len() % 2;
                let mut bytes = filler(number, modulus);
                *bytes.first_mut()? |= 0x80;
                *bytes.last_mut()? |= 1;
                start.extend(bytes);
                with_tag(tag, self.algorithm(), |difference| {
                    let mut key = start.clone();
                    let place = key.iter_mut().skip(free);
                    for (to, from) in place.zip(difference.to_be_bytes()) {
                        *to = from;
                    }
                    (ZONE_KEY, key)
                })
            }
            Self::Malformed(bytes) => {
                let flags = ZONE_KEY | u16::try_from(number).ok()? << 1 & 0x007e;
                let key = Bytes::from_static(bytes);
                Dnskey::new(flags, 3, self.algorithm(), key).ok()
            }
        }
    }

    /// A signature of the right length for such keys, with all numbers in
    /// range.
    fn signature(self, number: usize) -> Vec<u8> {
        let halves = |length: usize| {
            let mut bytes = filler(number, 2 * length);
            for at in [0, length] {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte &= 0x7f;
                }
            }
            bytes
        };
        match self {
            Self::EcdsaP256 => halves(32),
            Self::EcdsaP384 => halves(48),
            Self::Ed25519 => {
                // The scalar is little-endian and below 2^252.
                let mut bytes = filler(number, 64);
                if let Some(last) = bytes.last_mut() {
                    *last &= 0x0f;
                }
                bytes
            }
            Self::Rsa { modulus, .. } => {
                let mut bytes = filler(number, modulus);
                if let Some(first) = bytes.first_mut() {
                    *first &= 0x7f;
                }
                bytes
            }
            Self::Malformed(_) => filler(number, 256),
        }
    }
}

/// A key with this tag: 16 bits of it are free.
fn with_tag(
    tag: u16,
    algorithm: SecurityAlgorithm,
    key: impl Fn(u16) -> (u16, Vec<u8>),
) -> Option<Dnskey<Bytes>> {
    let made = |free| {
        let (flags, bytes) = key(free);
        Dnskey::new(flags, 3, algorithm, Bytes::from(bytes)).ok()
    };
    // A sum of 16 bits in which the carry comes back (RFC 4034 appendix B).
    let difference = tag.wrapping_sub(made(0)?.key_tag());
    [difference, difference.wrapping_sub(1)]
        .into_iter()
        .filter_map(made)
        .find(|key| key.key_tag() == tag)
}

/// This many bytes, different for each number.
fn filler(number: usize, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 64);
    let mut block: u64 = 0;
    while bytes.len() < length {
        let seed = [number.to_be_bytes(), usize::to_be_bytes(length)].concat();
        let seed = [&seed[..], &block.to_be_bytes()].concat();
        bytes.extend_from_slice(digest::digest(&digest::SHA512, &seed).as_ref());
        block = block.saturating_add(1);
    }
    bytes.truncate(length);
    bytes
}
