//! The zone that holds a name, and its name servers.

use std::net::IpAddr;

use bytes::Bytes;
use domain::base::{Message, ParsedName, Rtype, ToName as _};
use domain::rdata::{A, Aaaa, Ns, ZoneRecordData};
use futures_util::future::join_all;

use super::super::budget::{AUTHORITY_NAMES, AUTHORITY_REFERRALS, AUTHORITY_ZONE_DEPTH};
use super::Authorities;
use super::ask::Transport;
use danecheck_core::reserved::reserved_block;
use danecheck_validation::{Owner, Packet};

/// A zone and its name servers.
#[derive(Debug)]
pub(super) struct ZoneSeen {
    pub(super) apex: Owner,
    pub(super) servers: Vec<Server>,
    /// How many will not be asked.
    pub(super) left_out: usize,
}

/// A name server as a zone names it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) name: Owner,
    /// Its addresses, if the answer contained them.
    pub(super) glue: Vec<IpAddr>,
}

impl ZoneSeen {
    fn new(apex: Owner, mut servers: Vec<Server>) -> Self {
        let left_out = servers.len().saturating_sub(AUTHORITY_NAMES);
        servers.truncate(AUTHORITY_NAMES);
        Self {
            apex,
            servers,
            left_out,
        }
    }
}

impl Authorities {
    /// The zone that holds a record set. The resolver names it. If the resolver
    /// gets no answer from it, the zones above refer to it.
    pub(super) async fn zone_of(&self, name: &Owner, rtype: Rtype) -> Option<ZoneSeen> {
        // The parent has the DS records of a zone (RFC 4035 section 3.1.4.1).
        let name = match rtype {
            Rtype::DS => name.iter_suffixes().nth(1)?,
            _ => name.clone(),
        };
        // The resolver may know the zone but not its name servers: the parent
        // does.
        if let Some(apex) = self.apex_by_soa(&name).await
            && let Some(zone) = self.zone_at(apex).await
        {
            return Some(zone);
        }
        let above: Vec<Owner> = name
            .iter_suffixes()
            .skip(1)
            .take(AUTHORITY_ZONE_DEPTH)
            .collect();
        let apexes = join_all(above.iter().map(|name| self.apex_by_soa(name))).await;
        let mut apexes: Vec<Owner> = apexes.into_iter().flatten().collect();
        apexes.dedup();
        let mut zone = None;
        for apex in apexes {
            zone = self.zone_at(apex).await;
            if zone.is_some() {
                break;
            }
        }
        let mut zone = zone?;
        for _ in 0..AUTHORITY_REFERRALS {
            match self.referral(&zone, &name, rtype).await {
                Some(below) => zone = below,
                None => break,
            }
        }
        Some(zone)
    }

    /// The apex of the zone that holds a name, by the SOA record that the
    /// resolver answers or denies with.
    async fn apex_by_soa(&self, name: &Owner) -> Option<Owner> {
        let access = &self.0.access;
        // If a zone's servers are silent, the resolver waits for its own time
        // limit; what it does not answer soon is found from above.
        let fetch = self.0.validator.upstream().fetch(name, Rtype::SOA);
        let bytes = access.deadline.run(access.times.query, fetch).await?.ok()?;
        let packet = Packet::read(&bytes)?;
        // After an alias the SOA record belongs to another zone.
        let aliased = packet.answers(Rtype::CNAME).next().is_some();
        let mut apexes = packet.sets().filter(|set| set.rtype == Rtype::SOA);
        let apex = apexes.find(|set| name.ends_with(&set.owner))?;
        (!aliased).then(|| apex.owner.clone())
    }

    async fn zone_at(&self, apex: Owner) -> Option<ZoneSeen> {
        let bytes = self
            .0
            .validator
            .upstream()
            .fetch(&apex, Rtype::NS)
            .await
            .ok()?;
        let packet = Packet::read(&bytes)?;
        let servers = packet.answer_at(&apex, Rtype::NS)?;
        let servers = servers.records.iter().filter_map(|record| {
            let ZoneRecordData::Ns(ns) = record.data() else {
                return None;
            };
            Some(Server {
                name: ns.nsdname().clone(),
                glue: Vec::new(),
            })
        });
        let servers = servers.collect();
        Some(ZoneSeen::new(apex, servers))
    }

    /// The zone below to which the servers of this one refer, if they do.
    async fn referral(&self, zone: &ZoneSeen, name: &Owner, rtype: Rtype) -> Option<ZoneSeen> {
        for server in &zone.servers {
            let addresses = self.addresses(server).await.unwrap_or_default();
            let public =
                |address: &&IpAddr| self.0.access.private || reserved_block(**address).is_none();
            let Some(address) = addresses.iter().find(public) else {
                continue;
            };
            let bytes = self.ask(*address, name, rtype, Transport::Udp).await;
            // One answer is enough; the others are asked if one gives none.
            if let Ok(bytes) = bytes {
                return read_referral(&bytes, &zone.apex, name);
            }
        }
        None
    }

    /// The addresses of a name server; `None` if they could not be looked up.
    pub(super) async fn addresses(&self, server: &Server) -> Option<Vec<IpAddr>> {
        if !server.glue.is_empty() {
            return Some(server.glue.clone());
        }
        let (a, aaaa) = tokio::join!(
            self.0.validator.upstream().fetch(&server.name, Rtype::A),
            self.0.validator.upstream().fetch(&server.name, Rtype::AAAA),
        );
        if a.is_err() && aaaa.is_err() {
            return None;
        }
        let mut addresses: Vec<IpAddr> = Vec::new();
        for packet in [a, aaaa].iter().flatten().filter_map(Packet::read) {
            let sets = packet.answer.iter().flat_map(|set| &set.records);
            addresses.extend(sets.filter_map(|record| match record.data() {
                ZoneRecordData::A(a) => Some(IpAddr::V4(a.addr())),
                ZoneRecordData::Aaaa(aaaa) => Some(IpAddr::V6(aaaa.addr())),
                _ => None,
            }));
        }
        addresses.sort();
        Some(addresses)
    }
}

/// Reads a referral (RFC 1034 section 4.3.1) that leads closer to a name.
fn read_referral(bytes: &[u8], above: &Owner, name: &Owner) -> Option<ZoneSeen> {
    let message = Message::from_octets(Bytes::copy_from_slice(bytes)).ok()?;
    if message.header().aa() {
        return None;
    }
    let mut apex: Option<Owner> = None;
    let mut servers: Vec<Server> = Vec::new();
    for record in message.authority().ok()? {
        let record = record.ok()?;
        let owner: Owner = record.owner().to_name();
        let nearer = owner != *above && owner.ends_with(above) && name.ends_with(&owner);
        if !nearer || apex.as_ref().is_some_and(|apex| *apex != owner) {
            continue;
        }
        let Ok(Some(ns)) = record.to_record::<Ns<ParsedName<Bytes>>>() else {
            continue;
        };
        apex = Some(owner);
        servers.push(Server {
            name: ns.data().nsdname().to_name(),
            glue: Vec::new(),
        });
    }
    for record in message.additional().ok()? {
        let record = record.ok()?;
        let a = record.to_record::<A>().ok().flatten();
        let aaaa = record.to_record::<Aaaa>().ok().flatten();
        let address = match (a, aaaa) {
            (Some(a), _) => IpAddr::V4(a.data().addr()),
            (_, Some(aaaa)) => IpAddr::V6(aaaa.data().addr()),
            _ => continue,
        };
        let owner: Owner = record.owner().to_name();
        let named = servers.iter_mut().filter(|server| server.name == owner);
        named.for_each(|server| server.glue.push(address));
    }
    Some(ZoneSeen::new(apex?, servers))
}
