//! Proofs by NSEC3 records (RFC 5155 section 8).

use std::cell::RefCell;
use std::collections::HashMap;

use bytes::Bytes;
use domain::base::Rtype;
use domain::base::iana::Nsec3HashAlgorithm;
use domain::dnssec::common::nsec3_hash;
use domain::rdata::ZoneRecordData;
use domain::rdata::nsec3::OwnerHash;
use domain::utils::base32;

use super::nsec::{NoDs, wildcard};
use super::owner::Owner;
use super::packet::RrSet;
use super::work::Work;
use danecheck_core::work::{Operation, WorkUsedUp};

/// Iterations above which a denial proves nothing (unbound's
/// `val-nsec3-keysize-iterations`; RFC 9276 section 3.2).
const ITERATIONS: u16 = 150;

/// The flag of opt-out, the only one there is (RFC 5155 section 3.1.2).
const OPT_OUT: u8 = 1;

/// An NSEC3 record that its zone has signed.
struct Nsec3<'a> {
    data: &'a domain::rdata::Nsec3<Bytes>,
    owner: Vec<u8>,
}

/// The NSEC3 records of one zone.
pub(super) struct Nsec3s<'a> {
    apex: &'a Owner,
    all: Vec<Nsec3<'a>>,
    work: Work<'a>,
    hashes: RefCell<Hashes>,
}

/// Hashes by name, iterations and salt.
type Hashes = HashMap<(Owner, u16, Vec<u8>), Vec<u8>>;

/// The result of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Holds,
    /// An opt-out span may hide an unsigned delegation (RFC 5155 section 6).
    OptOut,
    /// The name is below a delegation without DS.
    Unsigned,
    Nothing,
}

type Result<T> = std::result::Result<T, WorkUsedUp>;

/// How far the existing names reach towards one (RFC 5155 section 8.3).
struct Enclosure {
    encloser: Owner,
    opt_out: bool,
}

impl<'a> Nsec3s<'a> {
    /// Those of the zone itself, with a known hash and known flags (RFC 5155
    /// section 8.1 and 8.2).
    pub(super) fn new(
        sets: impl IntoIterator<Item = &'a RrSet>,
        apex: &'a Owner,
        work: Work<'a>,
    ) -> Self {
        let mut all = Vec::new();
        for set in sets {
            let parent = set.owner.parent();
            if parent.is_none_or(|parent| parent != *apex) {
                continue;
            }
            let label = std::str::from_utf8(set.owner.first().as_slice());
            let Some(owner) = label
                .ok()
                .and_then(|it| base32::decode_hex::<Vec<u8>>(it).ok())
            else {
                continue;
            };
            for record in &set.records {
                if let ZoneRecordData::Nsec3(data) = record.data()
                    && data.hash_algorithm() == Nsec3HashAlgorithm::SHA1
                    && data.flags() & !OPT_OUT == 0
                {
                    let owner = owner.clone();
                    all.push(Nsec3 { data, owner });
                }
            }
        }
        Self {
            apex,
            all,
            work,
            hashes: RefCell::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The iterations of a record that has more than the limit.
    pub(super) fn past_limit(&self) -> Option<u16> {
        let iterations = self.all.iter().map(|nsec3| nsec3.data.iterations());
        iterations.max().filter(|most| *most > ITERATIONS)
    }

    /// RFC 5155 section 5.
    fn hash(&self, name: &Owner, nsec3: &Nsec3<'_>) -> Result<Vec<u8>> {
        let iterations = nsec3.data.iterations();
        let salt = nsec3.data.salt();
        let key = (name.clone(), iterations, salt.as_slice().to_vec());
        if let Some(hash) = self.hashes.borrow().get(&key) {
            return Ok(hash.clone());
        }
        // A salt takes up to five blocks of the hash function.
        let blocks = 1 + salt.as_slice().len() as u64 / 44;
        let rounds = (u64::from(iterations) + 1) * blocks;
        self.work.spend(Operation::NameComparison, rounds)?;
        let algorithm = nsec3.data.hash_algorithm();
        let hash = nsec3_hash::<_, _, Vec<u8>>(name, algorithm, iterations, salt);
        let hash = hash.map(OwnerHash::into_octets).unwrap_or_default();
        self.hashes.borrow_mut().insert(key, hash.clone());
        Ok(hash)
    }

    fn matching(&self, name: &Owner) -> Result<Option<&Nsec3<'a>>> {
        for nsec3 in &self.all {
            if self.hash(name, nsec3)? == nsec3.owner {
                return Ok(Some(nsec3));
            }
        }
        Ok(None)
    }

    /// Whether one shows that there is no record of the name (RFC 5155 section
    /// 8.3), and whether that is one with opt-out.
    fn covering(&self, name: &Owner) -> Result<Option<bool>> {
        let mut opt_out = None;
        for nsec3 in &self.all {
            let hash = self.hash(name, nsec3)?;
            let next = nsec3.data.next_owner().as_slice();
            if next.len() != hash.len() || nsec3.owner.len() != hash.len() {
                continue;
            }
            let (after, before) = (nsec3.owner < hash, hash.as_slice() < next);
            let covers = match nsec3.owner.as_slice() < next {
                true => after && before,
                // The last one leads round to the first.
                false => after || before,
            };
            if covers && hash != nsec3.owner {
                // One without opt-out says more.
                opt_out = Some(opt_out.unwrap_or(true) && nsec3.data.opt_out());
            }
        }
        Ok(opt_out)
    }

    /// RFC 5155 section 8.3, for a name that does not exist.
    fn enclosure(&self, name: &Owner) -> Result<std::result::Result<Enclosure, Proof>> {
        let mut next_closer = None;
        for ancestor in name.iter_suffixes() {
            if !ancestor.ends_with(self.apex) {
                break;
            }
            let Some(nsec3) = self.matching(&ancestor)? else {
                next_closer = Some(ancestor);
                continue;
            };
            let Some(next_closer) = next_closer else {
                break;
            };
            if nsec3.is_delegation() {
                let unsigned = !nsec3.has(Rtype::DS);
                return Ok(Err(if unsigned {
                    Proof::Unsigned
                } else {
                    Proof::Nothing
                }));
            }
            if nsec3.has(Rtype::DNAME) {
                break;
            }
            return Ok(match self.covering(&next_closer)? {
                Some(opt_out) => Ok(Enclosure {
                    encloser: ancestor,
                    opt_out,
                }),
                None => Err(Proof::Nothing),
            });
        }
        Ok(Err(Proof::Nothing))
    }

    /// RFC 5155 section 8.4.
    pub(super) fn no_name(&self, name: &Owner) -> Result<Proof> {
        let enclosure = match self.enclosure(name)? {
            Ok(enclosure) => enclosure,
            Err(proof) => return Ok(proof),
        };
        let Some(wildcard) = wildcard(&enclosure.encloser) else {
            return Ok(Proof::Nothing);
        };
        Ok(match self.covering(&wildcard)? {
            None => Proof::Nothing,
            // RFC 5155 section 9.2.
            Some(_) if enclosure.opt_out => Proof::OptOut,
            Some(_) => Proof::Holds,
        })
    }

    /// RFC 5155 section 8.5 to 8.7, with erratum 3441: an opt-out span over the
    /// next closer name makes any NODATA answer insecure, not only that for DS.
    pub(super) fn no_data(&self, name: &Owner, rtype: Rtype) -> Result<Proof> {
        if let Some(nsec3) = self.matching(name)? {
            return Ok(nsec3.lacks(rtype, name));
        }
        let enclosure = match self.enclosure(name)? {
            Ok(enclosure) => enclosure,
            Err(Proof::Unsigned) if rtype == Rtype::DS => return Ok(Proof::Nothing),
            Err(proof) => return Ok(proof),
        };
        let wildcard = wildcard(&enclosure.encloser);
        if let Some(wildcard) = wildcard
            && let Some(nsec3) = self.matching(&wildcard)?
        {
            return Ok(match nsec3.lacks(rtype, &wildcard) {
                Proof::Holds if enclosure.opt_out => Proof::OptOut,
                Proof::Holds => Proof::Holds,
                _ => Proof::Nothing,
            });
        }
        Ok(match enclosure.opt_out {
            true => Proof::OptOut,
            false => Proof::Nothing,
        })
    }

    /// RFC 5155 section 8.8: the wildcard below `encloser` answers for a name,
    /// because the next closer name does not exist.
    pub(super) fn is_expansion(&self, name: &Owner, encloser: &Owner) -> Result<Proof> {
        let strip = name
            .label_count()
            .saturating_sub(encloser.label_count() + 1);
        let Some(next_closer) = name.iter_suffixes().nth(strip) else {
            return Ok(Proof::Nothing);
        };
        Ok(match self.covering(&next_closer)? {
            None => Proof::Nothing,
            Some(true) => Proof::OptOut,
            Some(false) => Proof::Holds,
        })
    }

    /// RFC 5155 section 8.9.
    pub(super) fn no_ds(&self, name: &Owner) -> Result<NoDs> {
        if let Some(nsec3) = self.matching(name)? {
            return Ok(if nsec3.has(Rtype::SOA) || nsec3.has(Rtype::DS) {
                NoDs::Contradicted
            } else if nsec3.has(Rtype::NS) {
                NoDs::Unsigned
            } else {
                NoDs::NoCut
            });
        }
        let Ok(enclosure) = self.enclosure(name)? else {
            return Ok(NoDs::Nothing);
        };
        if enclosure.opt_out {
            return Ok(NoDs::Unsigned);
        }
        // The name does not exist, or a wildcard answers for it.
        let wildcard = wildcard(&enclosure.encloser);
        let Some(wildcard) = wildcard else {
            return Ok(NoDs::Nothing);
        };
        Ok(match self.matching(&wildcard)? {
            Some(nsec3) if nsec3.has(Rtype::NS) => NoDs::Nothing,
            Some(_) => NoDs::NoCut,
            None if self.covering(&wildcard)?.is_some() => NoDs::NoCut,
            None => NoDs::Nothing,
        })
    }
}

impl Nsec3<'_> {
    fn has(&self, rtype: Rtype) -> bool {
        self.data.types().contains(rtype)
    }

    /// The parent's side of a zone cut.
    fn is_delegation(&self) -> bool {
        self.has(Rtype::NS) && !self.has(Rtype::SOA)
    }

    /// Whether this record of a name shows neither type nor alias.
    fn lacks(&self, rtype: Rtype, name: &Owner) -> Proof {
        if self.has(rtype) || self.has(Rtype::CNAME) {
            Proof::Nothing
        } else if rtype == Rtype::DS {
            match self.has(Rtype::SOA) && !name.is_root() {
                true => Proof::Nothing,
                false => Proof::Holds,
            }
        } else if self.is_delegation() {
            match self.has(Rtype::DS) {
                true => Proof::Nothing,
                false => Proof::Unsigned,
            }
        } else {
            Proof::Holds
        }
    }
}
