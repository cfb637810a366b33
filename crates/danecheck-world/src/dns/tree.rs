//! All zones from the root down, linked by delegations.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use domain::base::Name;
use domain::base::iana::{ExtendedErrorCode, Rcode, Rtype};
use domain::rdata::ZoneRecordData;

use super::answer::{Answer, Reason};
use super::authority::{Authority, Found, SignedSet};
use super::error::WorldError;
use super::record::Owner;
use super::zone::Zone;
use danecheck_core::unix_time::UnixTime;

/// How many aliases are followed. unbound stops at the twelfth that leads to
/// another zone (`max-query-restarts`); it gets those within a zone at once.
const MAX_ALIASES: usize = 24;

/// The zones by apex, in canonical order.
#[derive(Debug)]
pub(super) struct Tree {
    zones: BTreeMap<Owner, Authority>,
}

impl Tree {
    /// Reads the zones of a scenario, adds the root and the top-level zones
    /// that are missing, signed, and delegates each zone from the one above.
    pub(super) fn plant(zones: &[Zone], now: UnixTime) -> Result<Self, WorldError> {
        let mut tree = Self {
            zones: BTreeMap::new(),
        };
        for zone in zones {
            let authority = Authority::new(zone, now)?;
            let apex = authority.apex.clone();
            if tree.zones.insert(apex.clone(), authority).is_some() {
                return Err(WorldError::DuplicateZone {
                    zone: apex.to_string(),
                });
            }
        }
        let tops: Vec<Owner> = tree
            .zones
            .keys()
            .flat_map(Owner::iter_suffixes)
            .filter(|suffix| suffix.label_count() <= 2)
            .chain([Name::root_bytes()])
            .collect();
        for top in tops {
            if let Entry::Vacant(vacant) = tree.zones.entry(top) {
                let zone = Zone::signed(&vacant.key().fmt_with_dot().to_string());
                vacant.insert(Authority::new(&zone, now)?);
            }
        }
        tree.delegate()?;
        Ok(tree)
    }

    /// Links each zone to the one above it, then makes the denial records.
    fn delegate(&mut self) -> Result<(), WorldError> {
        let apexes: Vec<Owner> = self.zones.keys().cloned().collect();
        for apex in &apexes {
            let Some(parent) = self.above(apex).map(|parent| parent.apex.clone()) else {
                continue;
            };
            // Taken out while its parent, in the same map, is changed.
            let Some(child) = self.zones.remove(apex) else {
                continue;
            };
            let delegated = self
                .zones
                .get_mut(&parent)
                .map_or(Ok(()), |parent| parent.delegate(&child));
            self.zones.insert(apex.clone(), child);
            delegated?;
        }
        self.zones.values_mut().for_each(Authority::seal);
        Ok(())
    }

    /// The names of all zones.
    pub(super) fn apexes(&self) -> impl Iterator<Item = &Owner> {
        self.zones.keys()
    }

    /// The zone that delegates to the one at `apex`; none above the root.
    pub(super) fn above(&self, apex: &Owner) -> Option<&Authority> {
        apex.iter_suffixes()
            .skip(1)
            .find_map(|suffix| self.zones.get(&suffix))
    }

    /// The zone at `apex`.
    pub(super) fn zone(&self, apex: &Owner) -> Option<&Authority> {
        self.zones.get(apex)
    }

    /// The root zone.
    pub(super) fn root(&self) -> Option<&Authority> {
        self.zones.get(&Name::root_bytes())
    }

    /// The zone to ask: the deepest one, or its parent for DS (RFC 4035 section
    /// 3.1.4.1).
    fn authority_for(&self, name: &Owner, rtype: Rtype) -> Option<&Authority> {
        if rtype == Rtype::DS && self.zones.contains_key(name) && !name.is_root() {
            return self.above(name);
        }
        name.iter_suffixes()
            .find_map(|suffix| self.zones.get(&suffix))
    }

    /// What an iterative resolver would gather from the zones' servers (RFC
    /// 1034 section 5.3.3), aliases followed.
    pub(super) fn answer(&self, name: &Owner, rtype: Rtype) -> Answer {
        let mut answer = Answer::empty(Rcode::NOERROR);
        let mut name = name.clone();
        for _ in 0..=MAX_ALIASES {
            let Some(zone) = self.authority_for(&name, rtype) else {
                break;
            };
            match zone.find(&name, rtype) {
                Found::Answer(set, proof) => {
                    answer.answer.push(set);
                    answer.prove(proof);
                    return answer;
                }
                Found::Alias(set, proof) => {
                    let target = alias_target(&set);
                    answer.answer.push(set);
                    answer.prove(proof);
                    match target {
                        Some(target) => name = target,
                        None => return answer,
                    }
                }
                Found::SubtreeAlias(dname) => match substituted(&name, &dname) {
                    Some(target) => {
                        let alias = SignedSet::synthesized_alias(name, target.clone(), &dname);
                        answer.answer.extend([dname, alias]);
                        name = target;
                    }
                    // RFC 6672 section 2.2.
                    None => return Answer::empty(Rcode::YXDOMAIN),
                },
                Found::NoData(proof) => {
                    answer.prove(proof);
                    return answer;
                }
                Found::NxDomain(proof) => {
                    answer.rcode = Rcode::NXDOMAIN;
                    answer.prove(proof);
                    return answer;
                }
                Found::Unreachable => {
                    return Answer::failure(Reason {
                        code: ExtendedErrorCode::NO_REACHABLE_AUTHORITY,
                        text: format!("no server answers for {}", name.fmt_with_dot()),
                    });
                }
            }
        }
        Answer::failure(Reason {
            code: ExtendedErrorCode::OTHER,
            text: "too many aliases".to_owned(),
        })
    }
}

/// Where a CNAME points. More than one CNAME at a name violates RFC 1034
/// section 3.6.2; the first is used.
fn alias_target(set: &SignedSet) -> Option<Owner> {
    match set.rrset.data.first()? {
        ZoneRecordData::Cname(cname) => Some(cname.cname().clone()),
        _ => None,
    }
}

/// RFC 6672 section 2.2: the target replaces the suffix that is the DNAME's
/// owner. `None` if the result is too long for a name.
fn substituted(name: &Owner, dname: &SignedSet) -> Option<Owner> {
    let ZoneRecordData::Dname(target) = dname.rrset.data.first()? else {
        return None;
    };
    let prefix = name.clone().strip_suffix(&dname.owner).ok()?;
    let substituted = prefix.chain(target.dname().clone()).ok()?;
    Some(domain::base::ToName::to_name(&substituted))
}
