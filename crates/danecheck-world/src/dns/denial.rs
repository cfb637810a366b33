//! Chains of NSEC (RFC 4034 section 4) and NSEC3 (RFC 5155) records, and which
//! of them prove a denial.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use domain::base::iana::{Nsec3HashAlgorithm, Rtype};
use domain::base::name::RelativeName;
use domain::dnssec::common::nsec3_hash;
use domain::rdata::dnssec::RtypeBitmap;
use domain::rdata::nsec3::{Nsec3Salt, OwnerHash};
use domain::rdata::{Nsec, Nsec3, Nsec3param};
use domain::utils::base32;

use super::record::{Data, Owner, RrSet};

/// The Opt-Out flag (RFC 5155 section 3.1.2.1).
const OPT_OUT: u8 = 1;

/// A name of the zone, for its denial records.
pub(super) struct DeniableName {
    pub(super) owner: Owner,
    pub(super) types: Vec<Rtype>,
    /// Whether it is a delegation (RFC 1034 section 4.2.1).
    pub(super) delegation: bool,
}

impl DeniableName {
    fn unsigned_delegation(&self) -> bool {
        self.delegation && !self.types.contains(&Rtype::DS)
    }

    /// Whether anything at the name is signed in this zone, apart from NSEC
    /// (RFC 4035 section 2.2).
    fn has_signatures(&self) -> bool {
        !self.types.is_empty() && !self.unsigned_delegation()
    }
}

/// How the names of a zone are hashed (RFC 5155 section 5).
#[derive(Clone, Debug)]
pub(super) struct Hashing {
    iterations: u16,
    salt: Nsec3Salt<Bytes>,
}

impl Hashing {
    /// With this many additional iterations and bytes of salt.
    pub(super) fn new(iterations: u16, salt: u8) -> Self {
        let salt = Bytes::from(vec![0xab; usize::from(salt)]);
        Self {
            iterations,
            // Only more than 255 bytes are too many.
            salt: Nsec3Salt::from_octets(salt).unwrap_or_else(|_| Nsec3Salt::empty()),
        }
    }

    fn hash(&self, name: &Owner) -> Vec<u8> {
        nsec3_hash::<_, _, Vec<u8>>(name, Nsec3HashAlgorithm::SHA1, self.iterations, &self.salt)
            .map(|hash| hash.as_slice().to_vec())
            // Only another algorithm than SHA-1 could fail.
            .unwrap_or_default()
    }

    /// The NSEC3PARAM of the zone (RFC 5155 section 4).
    pub(super) fn nsec3param(&self) -> Data {
        Data::Nsec3param(Nsec3param::new(
            Nsec3HashAlgorithm::SHA1,
            0,
            self.iterations,
            self.salt.clone(),
        ))
    }
}

/// The denial records of a zone.
#[derive(Debug)]
pub(super) enum DenialChain {
    /// An unsigned zone.
    None,
    /// By owner, in canonical order (RFC 4034 section 6.1).
    Nsec(BTreeMap<Owner, Arc<RrSet>>),
    /// By hash of the owner.
    Nsec3 {
        hashing: Hashing,
        records: BTreeMap<Vec<u8>, Arc<RrSet>>,
    },
}

/// What a denial has to prove.
#[derive(Clone, Copy, Debug)]
pub(super) enum Absence<'a> {
    /// The name has no records of the type (RFC 4035 section 3.1.3.1).
    Type,
    /// The name does not exist (RFC 4035 section 3.1.3.2).
    Name {
        /// The longest ancestor that exists (RFC 4592 section 3.3.1).
        closest_encloser: &'a Owner,
    },
    /// The name does not exist, but a wildcard answers for it (RFC 4035 section
    /// 3.1.3.3).
    NameButWildcard {
        /// The longest ancestor that exists.
        closest_encloser: &'a Owner,
    },
    /// The name does not exist, and the wildcard that answers for it has no
    /// records of the type (RFC 4035 section 3.1.3.4).
    WildcardType {
        /// The longest ancestor that exists.
        closest_encloser: &'a Owner,
    },
}

impl DenialChain {
    /// One NSEC for each name that has records.
    pub(super) fn nsec(names: &[DeniableName]) -> Self {
        let names: Vec<&DeniableName> =
            names.iter().filter(|name| !name.types.is_empty()).collect();
        let nexts = names.iter().cycle().skip(1);
        let records = names.iter().zip(nexts).map(|(name, next)| {
            let mut types = name.types.clone();
            types.extend([Rtype::RRSIG, Rtype::NSEC]);
            let data = Data::Nsec(Nsec::new(next.owner.clone(), bitmap(&types)));
            let rrset = RrSet::new(name.owner.clone(), Rtype::NSEC, vec![data]);
            (name.owner.clone(), Arc::new(rrset))
        });
        Self::Nsec(records.collect())
    }

    /// One NSEC3 for each name, empty non-terminals included; with `opt_out`
    /// none for unsigned delegations (RFC 5155 section 7.1).
    pub(super) fn nsec3(
        apex: &Owner,
        names: &[DeniableName],
        hashing: Hashing,
        opt_out: bool,
    ) -> Self {
        let hashed: BTreeMap<Vec<u8>, &DeniableName> = names
            .iter()
            .filter(|name| !(opt_out && name.unsigned_delegation()))
            .map(|name| (hashing.hash(&name.owner), name))
            .collect();
        let nexts = hashed.keys().cycle().skip(1);
        let mut records = BTreeMap::new();
        for ((hash, name), next) in hashed.iter().zip(nexts) {
            let (Some(owner), Ok(next)) = (
                hashed_owner(hash, apex),
                OwnerHash::from_octets(Bytes::copy_from_slice(next)),
            ) else {
                continue;
            };
            let mut types = name.types.clone();
            if name.has_signatures() {
                types.push(Rtype::RRSIG);
            }
            let data = Data::Nsec3(Nsec3::new(
                Nsec3HashAlgorithm::SHA1,
                if opt_out { OPT_OUT } else { 0 },
                hashing.iterations,
                hashing.salt.clone(),
                next,
                bitmap(&types),
            ));
            let rrset = RrSet::new(owner, Rtype::NSEC3, vec![data]);
            records.insert(hash.clone(), Arc::new(rrset));
        }
        Self::Nsec3 { hashing, records }
    }

    /// The first records of the chain, whatever they prove.
    pub(super) fn first(&self, count: usize) -> Vec<Arc<RrSet>> {
        match self {
            Self::None => Vec::new(),
            Self::Nsec(records) => records.values().take(count).cloned().collect(),
            Self::Nsec3 { records, .. } => records.values().take(count).cloned().collect(),
        }
    }

    /// The NSEC of exactly this name, for queries for its type.
    pub(super) fn nsec_at(&self, name: &Owner) -> Option<&Arc<RrSet>> {
        match self {
            Self::Nsec(records) => records.get(name),
            Self::None | Self::Nsec3 { .. } => None,
        }
    }

    /// The records that prove `absence` at `name`.
    pub(super) fn prove(&self, name: &Owner, absence: Absence<'_>) -> Vec<Arc<RrSet>> {
        let mut proof: Vec<Arc<RrSet>> = match self {
            Self::None => Vec::new(),
            Self::Nsec(records) => prove_by_nsec(records, name, absence),
            Self::Nsec3 { hashing, records } => prove_by_nsec3(records, hashing, name, absence),
        };
        proof.sort_by(|a, b| a.owner.cmp(&b.owner));
        proof.dedup_by(|a, b| a.owner == b.owner);
        proof
    }
}

/// RFC 4035 section 3.1.3: the NSEC that matches or covers each name at issue
/// is the last one not after it.
fn prove_by_nsec(
    records: &BTreeMap<Owner, Arc<RrSet>>,
    name: &Owner,
    absence: Absence<'_>,
) -> Vec<Arc<RrSet>> {
    let at_or_before = |name: &Owner| {
        let (_, rrset) = records.range(..=name.clone()).next_back()?;
        Some(Arc::clone(rrset))
    };
    let wildcard = match absence {
        Absence::Type | Absence::NameButWildcard { .. } => None,
        Absence::Name { closest_encloser } | Absence::WildcardType { closest_encloser } => {
            wildcard_of(closest_encloser)
        }
    };
    [at_or_before(name), wildcard.as_ref().and_then(at_or_before)]
        .into_iter()
        .flatten()
        .collect()
}

/// RFC 5155 section 7.2.
fn prove_by_nsec3(
    records: &BTreeMap<Vec<u8>, Arc<RrSet>>,
    hashing: &Hashing,
    name: &Owner,
    absence: Absence<'_>,
) -> Vec<Arc<RrSet>> {
    let matching = |name: &Owner| records.get(&hashing.hash(name)).map(Arc::clone);
    let covering = |name: &Owner| {
        let hash = hashing.hash(name);
        records
            .range(..hash)
            .next_back()
            .or_else(|| records.iter().next_back())
            .map(|(_, rrset)| Arc::clone(rrset))
    };
    let cover_next_closer =
        |encloser: &Owner| next_closer(name, encloser).and_then(|n| covering(&n));
    let proof = match absence {
        Absence::Type => match matching(name) {
            Some(rrset) => vec![Some(rrset)],
            // RFC 5155 section 7.2.4: an opted-out delegation, below the
            // closest ancestor that does have a record.
            None => {
                let provable = name
                    .iter_suffixes()
                    .find(|suffix| matching(suffix).is_some());
                provable.map_or_else(Vec::new, |encloser| {
                    vec![matching(&encloser), cover_next_closer(&encloser)]
                })
            }
        },
        Absence::Name { closest_encloser } => vec![
            matching(closest_encloser),
            cover_next_closer(closest_encloser),
            wildcard_of(closest_encloser).and_then(|name| covering(&name)),
        ],
        Absence::NameButWildcard { closest_encloser } => {
            vec![cover_next_closer(closest_encloser)]
        }
        Absence::WildcardType { closest_encloser } => vec![
            matching(closest_encloser),
            cover_next_closer(closest_encloser),
            wildcard_of(closest_encloser).and_then(|name| matching(&name)),
        ],
    };
    proof.into_iter().flatten().collect()
}

/// The wildcard below `encloser` (RFC 4592 section 2.1.1); `None` if the name
/// would be too long.
pub(super) fn wildcard_of(encloser: &Owner) -> Option<Owner> {
    let chain = RelativeName::wildcard_bytes()
        .chain(encloser.clone())
        .ok()?;
    Some(domain::base::ToName::to_name(&chain))
}

/// The ancestor of `name`, or itself, one label longer than `encloser`
/// (RFC 5155 section 1.3).
fn next_closer(name: &Owner, encloser: &Owner) -> Option<Owner> {
    let labels = encloser.label_count() + 1;
    name.iter_suffixes()
        .find(|suffix| suffix.label_count() == labels)
}

/// RFC 5155 section 3: the hash in base32hex, as a label below the apex.
fn hashed_owner(hash: &[u8], apex: &Owner) -> Option<Owner> {
    let label = base32::encode_string_hex(hash).to_ascii_lowercase();
    super::record::parse_name_in(&label, apex).ok()
}

/// RFC 4034 section 4.1.2.
fn bitmap(types: &[Rtype]) -> RtypeBitmap<Bytes> {
    let mut builder = RtypeBitmap::<Bytes>::builder();
    for rtype in types {
        // Appending to a growing buffer does not fail.
        let Ok(()) = builder.add(*rtype);
    }
    builder.finalize()
}
