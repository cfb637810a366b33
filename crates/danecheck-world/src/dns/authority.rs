//! One zone on its servers: lookups by RFC 1034 section 4.3.2, with the
//! wildcards of RFC 4592.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use domain::base::Ttl;
use domain::base::iana::Rtype;
use domain::rdata::{Cname, Rrsig};

use super::denial::{Absence, DeniableName, DenialChain, Hashing, wildcard_of};
use super::error::WorldError;
use super::record::{Data, Owner, RrSet, parse_name, parse_name_in, parse_records, raw_data};
use super::signer::Signer;
use super::surplus::Made;
use super::zone::{Denial, Zone, ZoneFault};
use danecheck_core::unix_time::UnixTime;

/// The RRsets at one name. No RRsets mean an empty non-terminal (RFC 4592
/// section 2.2.2).
type Node = BTreeMap<Rtype, Arc<RrSet>>;

/// The signatures made so far, by owner and type; `None` stands for a signature
/// that a fault leaves out.
type Signatures = HashMap<(Owner, Rtype), Option<Arc<Data>>>;

/// A zone with its keys.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) apex: Owner,
    pub(super) faults: Vec<ZoneFault>,
    signer: Option<Signer>,
    surplus: Option<Made>,
    denial: Denial,
    nodes: BTreeMap<Owner, Node>,
    chain: DenialChain,
    signatures: Mutex<Signatures>,
}

/// An RRset of an answer, with its signature.
#[derive(Clone, Debug)]
pub(super) struct SignedSet {
    /// The owner in the answer; for wildcards it is not the RRset's owner.
    pub(super) owner: Owner,
    /// The apex of the zone that it is from.
    pub(super) zone: Owner,
    pub(super) rrset: Arc<RrSet>,
    pub(super) signature: Option<Arc<Data>>,
    /// Wrong signatures, which come before it.
    pub(super) surplus: Arc<[Data]>,
}

/// The way to the servers of a zone below.
#[derive(Debug)]
pub(super) struct Referral {
    pub(super) authority: Vec<SignedSet>,
    pub(super) glue: Vec<SignedSet>,
}

/// A zone's answer for a name and a type.
#[derive(Debug)]
pub(super) enum Found {
    /// The RRset that was asked for, with the proof of its wildcard.
    Answer(SignedSet, Vec<SignedSet>),
    /// A CNAME in its place.
    Alias(SignedSet, Vec<SignedSet>),
    /// A DNAME above it (RFC 6672 section 3.2).
    SubtreeAlias(SignedSet),
    /// The name exists, the type does not; SOA and proof.
    NoData(Vec<SignedSet>),
    /// The name does not exist; SOA and proof.
    NxDomain(Vec<SignedSet>),
    /// The name lies below a delegation to servers that are not there.
    Unreachable,
}

impl Authority {
    /// Reads the zone that a scenario wrote.
    pub(super) fn new(zone: &Zone, now: UnixTime) -> Result<Self, WorldError> {
        let apex = parse_name(&zone.apex)?;
        let signer = zone
            .signed
            .then(|| Signer::generate(&apex, zone, now))
            .transpose()?;
        let surplus = match (&signer, &zone.surplus) {
            (Some(signer), Some(surplus)) => Some(Made::new(
                surplus,
                &apex,
                &signer.dnskey(),
                signer.validity(),
            )?),
            _ => None,
        };
        let mut authority = Self {
            apex,
            faults: zone.faults.clone(),
            signer,
            surplus,
            denial: zone.denial,
            nodes: BTreeMap::new(),
            chain: DenialChain::None,
            signatures: Mutex::default(),
        };
        let apex = authority.apex.clone();
        for (owner, ttl, data) in parse_records(&apex, &zone.text)? {
            authority.insert(owner, ttl, data)?;
        }
        for (owner, rtype, bytes) in &zone.raw {
            let owner = parse_name_in(owner, &apex)?;
            authority.insert(owner, super::record::TTL, raw_data(*rtype, bytes)?)?;
        }
        for (rtype, text) in [
            (Rtype::SOA, "@ SOA ns hostmaster 1 3600 600 86400 300"),
            (Rtype::NS, "@ NS ns\nns A 127.0.0.1"),
        ] {
            if authority.rrset(&apex, rtype).is_none() {
                for (owner, ttl, data) in parse_records(&apex, text)? {
                    authority.insert(owner, ttl, data)?;
                }
            }
        }
        if let Some(signer) = authority.keyed() {
            let dnskey = Data::Dnskey(signer.dnskey());
            authority.insert(apex.clone(), super::record::TTL, dnskey)?;
        }
        let keys: Vec<Data> = authority.surplus.iter().flat_map(Made::keys).collect();
        for key in keys {
            authority.insert(apex.clone(), super::record::TTL, key)?;
        }
        Ok(authority)
    }

    /// The signer, unless a fault of the zone removes it.
    fn keyed(&self) -> Option<&Signer> {
        self.signer
            .as_ref()
            .filter(|_| !self.faults.contains(&ZoneFault::DsWithoutDnskey))
    }

    fn insert(&mut self, owner: Owner, ttl: Ttl, data: Data) -> Result<(), WorldError> {
        use domain::base::rdata::RecordData as _;
        if !owner.ends_with(&self.apex) {
            return Err(WorldError::OutOfZone {
                zone: self.apex.to_string(),
                owner: owner.to_string(),
            });
        }
        let rtype = data.rtype();
        let node = self.nodes.entry(owner.clone()).or_default();
        let rrset = node
            .entry(rtype)
            .or_insert_with(|| Arc::new(RrSet::new(owner, rtype, Vec::new())));
        let rrset = Arc::make_mut(rrset);
        rrset.ttl = ttl;
        // RFC 2181 section 5: an RRset is a set.
        if !rrset.data.contains(&data) {
            rrset.data.push(data);
        }
        Ok(())
    }

    /// Adds the delegation to `child` (RFC 1034 section 4.2.1), with its DS.
    pub(super) fn delegate(&mut self, child: &Self) -> Result<(), WorldError> {
        for set in child.name_servers() {
            for data in &set.data {
                self.insert(set.owner.clone(), set.ttl, data.clone())?;
            }
        }
        let surplus = child.surplus.iter().flat_map(Made::ds);
        for ds in surplus.chain(child.ds()) {
            self.insert(child.apex.clone(), super::record::TTL, ds)?;
        }
        Ok(())
    }

    /// The NS records of this zone, and the addresses in it that they lead to.
    fn name_servers(&self) -> Vec<Arc<RrSet>> {
        let servers = self.rrset(&self.apex, Rtype::NS);
        servers.map_or_else(Vec::new, |servers| {
            let glue = self.glue(servers);
            std::iter::once(Arc::clone(servers)).chain(glue).collect()
        })
    }

    /// The addresses of name servers, as far as they are here (RFC 9471).
    fn glue(&self, servers: &RrSet) -> Vec<Arc<RrSet>> {
        let names = servers.data.iter().filter_map(|data| match data {
            Data::Ns(ns) => Some(ns.nsdname()),
            _ => None,
        });
        let addresses = names.flat_map(|name| {
            let sets = [Rtype::A, Rtype::AAAA].map(|rtype| self.rrset(name, rtype));
            sets.into_iter().flatten().cloned()
        });
        addresses.collect()
    }

    /// A referral for a name below a delegation (RFC 1034 section 4.3.2): NS
    /// records, DS records if there are any, and glue.
    pub(super) fn referral(&self, name: &Owner) -> Option<Referral> {
        let delegation = |cut: &Owner| {
            *cut != self.apex
                && self
                    .nodes
                    .get(cut)
                    .is_some_and(|node| node.contains_key(&Rtype::NS))
        };
        let cut = name
            .iter_suffixes()
            .take_while(|cut| cut.ends_with(&self.apex))
            .filter(delegation)
            .last()?;
        let servers = Arc::clone(self.rrset(&cut, Rtype::NS)?);
        let bare = |rrset: Arc<RrSet>| SignedSet {
            owner: rrset.owner.clone(),
            zone: self.apex.clone(),
            rrset,
            signature: None,
            surplus: Arc::default(),
        };
        let glue = self.glue(&servers).into_iter().map(bare).collect();
        let ds = match self.ds_at(&cut) {
            Some(ds) => vec![ds],
            None => self.proof(&cut, Absence::Type),
        };
        let authority = std::iter::once(bare(servers)).chain(ds).collect();
        Some(Referral { authority, glue })
    }

    /// The SOA RRset.
    pub(super) fn soa(&self) -> Option<SignedSet> {
        let soa = self.rrset(&self.apex, Rtype::SOA)?;
        Some(self.signed(Arc::clone(soa), self.apex.clone()))
    }

    /// The DS that the parent publishes.
    pub(super) fn ds(&self) -> Option<Data> {
        let ds = self.signer.as_ref()?.ds(&self.faults)?;
        Some(Data::Ds(ds))
    }

    /// The DNSKEY RRset.
    pub(super) fn dnskey(&self) -> Option<SignedSet> {
        let rrset = self.rrset(&self.apex, Rtype::DNSKEY)?;
        Some(self.signed(Arc::clone(rrset), self.apex.clone()))
    }

    /// Whether the key of the zone verifies the signature (RFC 4035 section
    /// 5.3.3).
    pub(super) fn verifies(&self, set: &SignedSet, rrsig: &Rrsig<Bytes, Owner>) -> bool {
        self.keyed()
            .is_some_and(|signer| signer.verifies(&set.rrset, rrsig))
    }

    /// The DS RRset that this zone, a parent, has at `cut`.
    pub(super) fn ds_at(&self, cut: &Owner) -> Option<SignedSet> {
        let rrset = self.rrset(cut, Rtype::DS)?;
        Some(self.signed(Arc::clone(rrset), cut.clone()))
    }

    /// Makes the denial records: the last step, when all names exist.
    pub(super) fn seal(&mut self) {
        let with_records: Vec<Owner> = self.nodes.keys().cloned().collect();
        for owner in &with_records {
            for suffix in owner.iter_suffixes() {
                if suffix.label_count() > self.apex.label_count() {
                    self.nodes.entry(suffix).or_default();
                }
            }
        }
        if self.keyed().is_none() {
            return;
        }
        if let Denial::Nsec3 {
            iterations, salt, ..
        } = self.denial
        {
            let apex = self.apex.clone();
            let parameters = Hashing::new(iterations, salt).nsec3param();
            // The apex is in its own zone.
            let _ = self.insert(apex, super::record::TTL, parameters);
        }
        let names: Vec<DeniableName> = self
            .nodes
            .iter()
            .filter(|(owner, _)| self.cut_above(owner).is_none())
            .map(|(owner, node)| {
                let delegation = *owner != self.apex && node.contains_key(&Rtype::NS);
                let types = node.keys().copied().filter(|rtype| {
                    // Below the cut, everything else belongs to the child (RFC
                    // 4035 section 2.3).
                    !delegation || matches!(*rtype, Rtype::NS | Rtype::DS)
                });
                DeniableName {
                    owner: owner.clone(),
                    types: types.collect(),
                    delegation,
                }
            })
            .collect();
        self.chain = match self.denial {
            Denial::Nsec => DenialChain::nsec(&names),
            Denial::Nsec3 {
                iterations,
                opt_out,
                salt,
            } => {
                let hashing = Hashing::new(iterations, salt);
                DenialChain::nsec3(&self.apex, &names, hashing, opt_out)
            }
        };
    }

    /// The set in a form that every validator can parse, signed by the same
    /// rules: TLSA data that is too short for its fields (RFC 6698 section 2.1)
    /// is padded.
    pub(super) fn parsable(&self, set: &SignedSet) -> Option<SignedSet> {
        let filled = filled_up_tlsa(&set.rrset)?;
        let signature = self.keyed().and_then(|signer| signer.sign(&filled));
        Some(SignedSet {
            rrset: Arc::new(filled),
            signature: signature.map(Arc::new),
            ..set.clone()
        })
    }

    fn rrset(&self, owner: &Owner, rtype: Rtype) -> Option<&Arc<RrSet>> {
        self.nodes.get(owner)?.get(&rtype)
    }

    /// The proper ancestor of `name`, below the apex, that matches.
    fn ancestor(&self, name: &Owner, matches: impl Fn(&Node) -> bool) -> Option<Owner> {
        name.iter_suffixes()
            .skip(1)
            .take_while(|suffix| suffix.label_count() >= self.apex.label_count())
            .find(|suffix| self.nodes.get(suffix).is_some_and(&matches))
    }

    /// The delegation that hides `name` from this zone.
    fn cut_above(&self, name: &Owner) -> Option<Owner> {
        self.ancestor(name, |node| {
            node.contains_key(&Rtype::NS) && !node.contains_key(&Rtype::SOA)
        })
    }

    /// The answer of this zone, which is the right one to ask.
    pub(super) fn find(&self, name: &Owner, rtype: Rtype) -> Found {
        let delegation =
            |node: &Node| node.contains_key(&Rtype::NS) && !node.contains_key(&Rtype::SOA);
        let Some(node) = self.nodes.get(name) else {
            return self.find_missing(name, rtype);
        };
        if self.cut_above(name).is_some() || (delegation(node) && rtype != Rtype::DS) {
            return Found::Unreachable;
        }
        if let Some(alias) = self.dname_above(name) {
            return alias;
        }
        self.find_at(node, name, name, rtype, None)
    }

    /// A name that the zone does not have: it is below a delegation, a DNAME or
    /// a wildcard, or does not exist.
    fn find_missing(&self, name: &Owner, rtype: Rtype) -> Found {
        if self.cut_above(name).is_some() {
            return Found::Unreachable;
        }
        if let Some(alias) = self.dname_above(name) {
            return alias;
        }
        let closest_encloser = self
            .ancestor(name, |_| true)
            .unwrap_or_else(|| self.apex.clone());
        let wildcard = wildcard_of(&closest_encloser);
        match wildcard.as_ref().and_then(|name| self.nodes.get(name)) {
            Some(node) => self.find_at(node, name, name, rtype, Some(&closest_encloser)),
            None => Found::NxDomain(self.denied(
                name,
                Absence::Name {
                    closest_encloser: &closest_encloser,
                },
            )),
        }
    }

    /// The answer of `node`, which is `name`'s own or, with a closest encloser,
    /// a wildcard's.
    fn find_at(
        &self,
        node: &Node,
        name: &Owner,
        owner: &Owner,
        rtype: Rtype,
        closest_encloser: Option<&Owner>,
    ) -> Found {
        let proof = || {
            closest_encloser.map_or_else(Vec::new, |closest_encloser| {
                self.proof(name, Absence::NameButWildcard { closest_encloser })
            })
        };
        let own_nsec = (rtype == Rtype::NSEC)
            .then(|| self.chain.nsec_at(name))
            .flatten();
        if let Some(rrset) = node.get(&rtype).or(own_nsec) {
            return Found::Answer(self.signed(Arc::clone(rrset), owner.clone()), proof());
        }
        if let Some(rrset) = node.get(&Rtype::CNAME) {
            return Found::Alias(self.signed(Arc::clone(rrset), owner.clone()), proof());
        }
        Found::NoData(match closest_encloser {
            None => self.denied(name, Absence::Type),
            Some(closest_encloser) => self.denied(name, Absence::WildcardType { closest_encloser }),
        })
    }

    fn dname_above(&self, name: &Owner) -> Option<Found> {
        let owner = self.ancestor(name, |node| node.contains_key(&Rtype::DNAME))?;
        let rrset = self.rrset(&owner, Rtype::DNAME)?;
        Some(Found::SubtreeAlias(self.signed(Arc::clone(rrset), owner)))
    }

    /// SOA (RFC 2308 section 2) and proof.
    fn denied(&self, name: &Owner, absence: Absence<'_>) -> Vec<SignedSet> {
        self.soa()
            .into_iter()
            .chain(self.proof(name, absence))
            .collect()
    }

    fn proof(&self, name: &Owner, absence: Absence<'_>) -> Vec<SignedSet> {
        if self.faults.contains(&ZoneFault::DenialMissing) {
            return Vec::new();
        }
        let more = self.surplus.as_ref().map_or(0, Made::denials);
        let mut sets = self.chain.prove(name, absence);
        for set in self.chain.first(more) {
            if sets.iter().all(|other| other.owner != set.owner) {
                sets.push(set);
            }
        }
        sets.into_iter()
            .map(|rrset| {
                let owner = rrset.owner.clone();
                self.signed(rrset, owner)
            })
            .collect()
    }

    /// The RRset with its signature, made when it is first asked for.
    fn signed(&self, rrset: Arc<RrSet>, owner: Owner) -> SignedSet {
        let signature = self.keyed().and_then(|signer| {
            let mut signatures = self
                .signatures
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            signatures
                .entry((rrset.owner.clone(), rrset.rtype))
                .or_insert_with(|| signer.sign(&rrset).map(Arc::new))
                .clone()
        });
        let surplus = self.surplus.as_ref();
        let surplus = surplus.map_or_else(Vec::new, |it| it.signatures(&rrset, rrset.ttl));
        SignedSet {
            owner,
            zone: self.apex.clone(),
            rrset,
            signature,
            surplus: surplus.into(),
        }
    }
}

/// `None` if there is nothing to fill.
fn filled_up_tlsa(rrset: &RrSet) -> Option<RrSet> {
    if rrset.rtype != Rtype::TLSA {
        return None;
    }
    let mut filled = rrset.clone();
    let mut short = 0;
    for data in &mut filled.data {
        let Data::Unknown(unknown) = data else {
            continue;
        };
        if unknown.data().len() < 3 {
            // Numbered, because two short records must not become one.
            short += 1;
            *data = raw_data(Rtype::TLSA, &[255, 255, 255, short]).ok()?;
        }
    }
    (short > 0).then_some(filled)
}

impl SignedSet {
    /// A CNAME that nobody signed.
    pub(super) fn alias(owner: Owner, target: Owner) -> Self {
        let data = vec![Data::Cname(Cname::new(target))];
        Self {
            rrset: Arc::new(RrSet::new(owner.clone(), Rtype::CNAME, data)),
            zone: owner.clone(),
            owner,
            signature: None,
            surplus: Arc::default(),
        }
    }

    /// A CNAME that no zone has: RFC 6672 section 3.1.
    pub(super) fn synthesized_alias(owner: Owner, target: Owner, dname: &Self) -> Self {
        let data = vec![Data::Cname(Cname::new(target))];
        Self {
            rrset: Arc::new(RrSet {
                ttl: dname.rrset.ttl,
                ..RrSet::new(owner.clone(), Rtype::CNAME, data)
            }),
            owner,
            zone: dname.zone.clone(),
            signature: None,
            surplus: Arc::default(),
        }
    }
}
