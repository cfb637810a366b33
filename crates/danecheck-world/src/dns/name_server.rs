//! The name servers of zones: what each answers by itself, without recursion
//! (RFC 1034 section 4.3.1).

use std::sync::Arc;

use domain::base::Serial;
use domain::base::iana::{Rcode, Rtype};
use domain::rdata::{Soa, ZoneRecordData};

use super::answer::Answer;
use super::authority::{Authority, Found, SignedSet};
use super::misbehaviour::{Outcome, Reaction};
use super::packet::{Query, Response, Speaker};
use super::query_log::{Asked, QueryLog, Transport};
use super::record::Owner;
use super::socket::Serve;
use super::tree::Tree;

/// What one name server does wrong, while others of its zones may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NameServerFault {
    /// SERVFAIL to every query for TLSA, as from servers that support few
    /// types.
    ServFailToTlsa,
    /// NOTIMP to every query for TLSA.
    NotImpToTlsa,
    /// Nothing to every query for TLSA, as behind a firewall that allows few
    /// types.
    SilentToTlsa,
    /// Nothing to any query.
    Silent,
    /// REFUSED to any query, as from a server on which nobody configured the
    /// zone.
    Refused,
    /// SERVFAIL to any query, as from a server on which the zone expired.
    NotLoaded,
    /// An answer without AA and without records: a lame delegation (RFC 9499
    /// section 7).
    Lame,
    /// A SOA record with an older serial: a secondary without zone transfers.
    OldSerial,
    /// No TLSA records, although the zone has them.
    LacksRecord,
    /// No RRSIG, NSEC or NSEC3, although the query asks for them.
    LacksSignature,
    /// No NSEC, NSEC3 or their signatures in denials, as from a copy of the
    /// zone whose chain has a gap.
    DenialIncomplete,
    /// TCP connections are refused (RFC 7766 section 5 asks for them).
    TcpRefused,
    /// Every answer over UDP is truncated, however small.
    Truncates,
}

/// A name server, which may serve several zones.
#[derive(Debug)]
pub(super) struct NameServer {
    tree: Arc<Tree>,
    zones: Vec<Owner>,
    faults: Vec<NameServerFault>,
    log: QueryLog,
}

impl NameServer {
    pub(super) fn new(tree: Arc<Tree>, zones: Vec<Owner>, faults: Vec<NameServerFault>) -> Self {
        Self {
            tree,
            zones,
            faults,
            log: QueryLog::default(),
        }
    }

    /// Every query so far, oldest first.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.log.asked()
    }

    fn has(&self, fault: NameServerFault) -> bool {
        self.faults.contains(&fault)
    }

    /// The zone of this server to answer from (RFC 4035 section 3.1.4.1 for
    /// DS, which the parent has).
    fn zone_for(&self, name: &Owner, rtype: Rtype) -> Option<&Authority> {
        let mine = |apex: &Owner| self.zones.contains(apex);
        let mut suffixes = name.iter_suffixes().filter(mine);
        let first = suffixes.next()?;
        let above = suffixes.next();
        let apex = match above {
            Some(above) if rtype == Rtype::DS && first == *name => above,
            _ => first,
        };
        self.tree.zone(&apex)
    }

    fn response(&self, query: &Query<'_>) -> Response {
        let about = |speaker, answer| Response {
            answer,
            speaker,
            authentic_data: false,
            truncated: false,
            dnssec: query.dnssec_ok() && !self.has(NameServerFault::LacksSignature),
        };
        let bystander = |rcode| about(Speaker::Bystander, Answer::empty(rcode));
        if self.has(NameServerFault::Refused) {
            return bystander(Rcode::REFUSED);
        }
        if self.has(NameServerFault::NotLoaded) {
            return bystander(Rcode::SERVFAIL);
        }
        if self.has(NameServerFault::Lame) {
            return bystander(Rcode::NOERROR);
        }
        let Some(zone) = self.zone_for(&query.name, query.rtype) else {
            return bystander(Rcode::REFUSED);
        };
        let mut answer = Answer::empty(Rcode::NOERROR);
        if query.rtype == Rtype::TLSA && self.has(NameServerFault::LacksRecord) {
            answer.authority.extend(zone.soa());
            return about(Speaker::Authority, answer);
        }
        match zone.find(&query.name, query.rtype) {
            Found::Answer(set, proof) | Found::Alias(set, proof) => {
                answer.answer.push(set);
                answer.authority = proof;
            }
            Found::SubtreeAlias(dname) => answer.answer.push(dname),
            Found::NoData(proof) => answer.authority = proof,
            Found::NxDomain(proof) => {
                answer.rcode = Rcode::NXDOMAIN;
                answer.authority = proof;
            }
            Found::Unreachable => {
                let Some(referral) = zone.referral(&query.name) else {
                    return bystander(Rcode::SERVFAIL);
                };
                answer.authority = referral.authority;
                answer.additional = referral.glue;
                return about(Speaker::Bystander, answer);
            }
        }
        if self.has(NameServerFault::DenialIncomplete) {
            let is_soa = |set: &SignedSet| set.rrset.rtype == Rtype::SOA;
            answer.authority.retain(is_soa);
        }
        if self.has(NameServerFault::OldSerial) {
            answer.answer.iter_mut().for_each(grow_old);
            answer.authority.iter_mut().for_each(grow_old);
        }
        about(Speaker::Authority, answer)
    }
}

/// Takes one from the serial of a SOA record.
fn grow_old(set: &mut SignedSet) {
    let mut rrset = (*set.rrset).clone();
    for data in &mut rrset.data {
        if let ZoneRecordData::Soa(soa) = data {
            let serial = Serial::from(soa.serial().into_int().wrapping_sub(1));
            *data = ZoneRecordData::Soa(Soa::new(
                soa.mname().clone(),
                soa.rname().clone(),
                serial,
                soa.refresh(),
                soa.retry(),
                soa.expire(),
                soa.minimum(),
            ));
        }
    }
    set.rrset = Arc::new(rrset);
}

impl Serve for NameServer {
    async fn react(&self, packet: &[u8], transport: Transport) -> Reaction {
        let query = match Query::read(packet) {
            Ok(query) => query,
            Err(response) => {
                return Reaction::now(response.map_or(Outcome::Ignore, Outcome::Respond));
            }
        };
        self.log.remember(&query, transport);
        let tlsa = query.rtype == Rtype::TLSA;
        if self.has(NameServerFault::Silent) || tlsa && self.has(NameServerFault::SilentToTlsa) {
            return Reaction::now(Outcome::Ignore);
        }
        let rcode = if tlsa && self.has(NameServerFault::ServFailToTlsa) {
            Some(Rcode::SERVFAIL)
        } else if tlsa && self.has(NameServerFault::NotImpToTlsa) {
            Some(Rcode::NOTIMP)
        } else {
            None
        };
        let mut response = match rcode {
            Some(rcode) => Response {
                speaker: Speaker::Bystander,
                ..Response::bare(rcode)
            },
            None => self.response(&query),
        };
        let limit = match transport {
            Transport::Udp => query.udp_limit(),
            Transport::Tcp => usize::from(u16::MAX),
        };
        if transport == Transport::Udp && self.has(NameServerFault::Truncates) {
            response = Response {
                truncated: true,
                speaker: response.speaker,
                ..Response::bare(response.answer.rcode)
            };
        }
        Reaction::now(Outcome::Respond(response.write(&query, limit)))
    }
}
