//! A reply as record sets, in an order that does not depend on the order in the
//! message.

use bytes::Bytes;
use domain::base::iana::{Class, Rcode, Rtype};
use domain::base::name::FlattenInto as _;
use domain::base::rdata::{ComposeRecordData as _, UnknownRecordData};
use domain::base::record::ParsedRecord;
use domain::base::{Message, ParsedName, Record, ToName as _};
use domain::rdata::{Rrsig, ZoneRecordData};

use super::owner::Owner;
use super::walk::{Alias, AliasKind, Walk, walk};

/// The most record sets in one section of an answer that is validated.
pub const RECORD_SETS: usize = 100;

/// The most records in one section of an answer that is validated, signatures
/// included: sorting them takes the square of their number.
pub const VALIDATED_RECORDS: usize = 500;

/// Record data of any type.
pub(crate) type Data = ZoneRecordData<Bytes, Owner>;

/// A record.
pub(crate) type Rr = Record<Owner, Data>;

/// A record set with the signatures over it (RFC 2181 section 5, RFC 4034
/// section 3).
#[derive(Clone, Debug)]
pub struct RrSet {
    pub owner: Owner,
    pub rtype: Rtype,
    pub records: Vec<Rr>,
    pub signatures: Vec<Record<Owner, Rrsig<Bytes, Owner>>>,
    /// It came with a signature that names a signer who cannot hold the set.
    pub(crate) by_stranger: bool,
}

/// A reply with the response code 0 or 3.
#[derive(Clone, Debug)]
pub struct Packet {
    pub(crate) name: Owner,
    pub(crate) rtype: Rtype,
    pub(crate) name_error: bool,
    /// The sets of the answer section.
    pub answer: Vec<RrSet>,
    pub(crate) authority: Vec<RrSet>,
    /// A set of which the authority section has only signatures.
    pub(crate) orphan: Option<(Owner, Rtype)>,
    /// The names that have an alias outside the answer section.
    pub(crate) aliased_elsewhere: Vec<Owner>,
}

impl Packet {
    /// Reads a reply; `None` if it is not one.
    ///
    /// Addresses and aliases in the authority section are hints, and so are
    /// name servers without a signature: they are left out. Parts of one set in
    /// several sections belong to the first of these sections (unbound's
    /// `parse_section`).
    pub fn read(bytes: &Bytes) -> Option<Self> {
        let message = Message::from_octets(bytes.clone()).ok()?;
        let question = message.sole_question().ok()?;
        let mut packet = Self {
            name: question.qname().to_name(),
            rtype: question.qtype(),
            name_error: message.header().rcode() == Rcode::NXDOMAIN,
            answer: Vec::new(),
            authority: Vec::new(),
            orphan: None,
            aliased_elsewhere: Vec::new(),
        };
        for (number, record) in message.answer().ok()?.enumerate() {
            add(&mut packet.answer, rr(&record.ok()?)?);
            fits(number, &packet.answer).then_some(())?;
        }
        for (number, record) in message.authority().ok()?.enumerate() {
            let record = rr(&record.ok()?)?;
            packet.note_alias(&record);
            // The SOA set of a denial is a separate one (unbound's
            // `pkt_rrset_flags`).
            let record = match covered(&record) {
                Rtype::SOA => Some(record),
                _ => add_to_known(&mut packet.answer, record),
            };
            if let Some(record) = record {
                add(&mut packet.authority, record);
            }
            fits(number, &packet.authority).then_some(())?;
        }
        for (number, record) in message.additional().ok()?.enumerate() {
            // The OPT record of the message does not belong to a zone.
            if let Some(record) = rr(&record.ok()?) {
                packet.note_alias(&record);
                if let Some(record) = add_to_known(&mut packet.answer, record) {
                    add_to_known(&mut packet.authority, record);
                }
            }
            (number < VALIDATED_RECORDS).then_some(())?;
        }
        for set in packet.answer.iter().filter(|set| set.records.is_empty()) {
            let same = |other: &&mut RrSet| other.rtype == set.rtype && other.owner == set.owner;
            if let Some(other) = packet.authority.iter_mut().find(same) {
                other.signatures.extend(set.signatures.iter().cloned());
                other.by_stranger |= set.by_stranger;
            }
        }
        let orphans = packet.authority.iter().filter(|set| set.records.is_empty());
        let orphans = orphans.map(|set| (set.owner.clone(), set.rtype));
        packet.orphan = orphans.min();
        packet.authority.retain(|set| !set.is_hint());
        for section in [&mut packet.answer, &mut packet.authority] {
            section.retain(|set| !set.records.is_empty());
            section.iter_mut().for_each(RrSet::sort);
            section.sort_by(|one, other| (&one.owner, one.rtype).cmp(&(&other.owner, other.rtype)));
        }
        Some(packet)
    }

    fn note_alias(&mut self, record: &Rr) {
        if record.rtype() == Rtype::CNAME {
            self.aliased_elsewhere.push(record.owner().clone());
        }
    }

    /// All record sets.
    pub fn sets(&self) -> impl Iterator<Item = &RrSet> {
        self.answer.iter().chain(&self.authority)
    }

    /// The record sets of one type in the answer.
    pub fn answers(&self, rtype: Rtype) -> impl Iterator<Item = &RrSet> {
        self.answer.iter().filter(move |set| set.rtype == rtype)
    }

    /// The record set of one type at one name in the answer.
    pub fn answer_at(&self, name: &Owner, rtype: Rtype) -> Option<&RrSet> {
        self.answers(rtype).find(|set| set.owner == *name)
    }

    /// The aliases in the answer.
    pub(super) fn aliases(&self) -> Vec<Alias> {
        let records = self.answer.iter().flat_map(|set| &set.records);
        let alias = |record: &Rr| {
            let (kind, target) = match record.data() {
                ZoneRecordData::Cname(cname) => (AliasKind::Cname, cname.cname()),
                ZoneRecordData::Dname(dname) => (AliasKind::Dname, dname.dname()),
                _ => return None,
            };
            Some(Alias {
                kind,
                owner: record.owner().clone(),
                target: target.clone(),
            })
        };
        records.filter_map(alias).collect()
    }

    /// The way from the question.
    pub fn walk(&self) -> Walk {
        walk(&self.name, self.rtype, &self.aliases())
    }

    /// The name at the end of the aliases.
    pub fn end(&self) -> Owner {
        self.walk().end
    }

    /// The record set that answers the question.
    pub(crate) fn answering(&self) -> Option<&RrSet> {
        let walk = self.walk();
        let set = self.answer_at(&walk.end, self.rtype);
        set.filter(|_| !walk.is_endless)
    }
}

impl RrSet {
    /// Whether it is a referral for resolvers, and proves nothing.
    fn is_hint(&self) -> bool {
        match self.rtype {
            Rtype::A | Rtype::AAAA | Rtype::CNAME | Rtype::DNAME => true,
            Rtype::NS => self.signatures.is_empty(),
            _ => false,
        }
    }

    /// The canonical forms of its records' data, in canonical order and each
    /// once (RFC 4034 section 6.2 and 6.3).
    pub(super) fn canonical(&self) -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = self.records.iter().map(canonical).collect();
        all.sort();
        all.dedup();
        all
    }

    fn sort(&mut self) {
        self.records.sort_by_cached_key(canonical);
        let bytes = |record: &Record<Owner, Rrsig<Bytes, Owner>>| {
            let mut bytes = Vec::new();
            // Appending to a vector does not fail.
            let Ok(()) = record.data().compose_canonical_rdata(&mut bytes);
            bytes
        };
        self.signatures.sort_by_cached_key(bytes);
        self.signatures.dedup_by_key(|record| bytes(record));
    }
}

fn canonical(record: &Rr) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Appending to a vector does not fail.
    let Ok(()) = record.data().compose_canonical_rdata(&mut bytes);
    bytes
}

/// Whether a section may continue after this record.
fn fits(number: usize, sets: &[RrSet]) -> bool {
    number < VALIDATED_RECORDS && sets.len() <= RECORD_SETS
}

fn covered(record: &Rr) -> Rtype {
    match record.data() {
        ZoneRecordData::Rrsig(rrsig) => rrsig.type_covered(),
        _ => record.rtype(),
    }
}

fn add(sets: &mut Vec<RrSet>, record: Rr) {
    let rtype = covered(&record);
    let owner = record.owner().clone();
    let is_known = |set: &RrSet| set.rtype == rtype && set.owner == owner;
    if !sets.iter().any(is_known) {
        sets.push(RrSet {
            owner: owner.clone(),
            rtype,
            records: Vec::new(),
            signatures: Vec::new(),
            by_stranger: false,
        });
    }
    let Some(set) = sets.iter_mut().find(|set| is_known(set)) else {
        return;
    };
    // The same spelling is shown whichever of several came first.
    if owner.as_slice() < set.owner.as_slice() {
        set.owner = owner;
    }
    match record.data() {
        // RFC 4035 section 5.3.1: the signer is the zone that contains the
        // record set. Others' signatures say nothing about it.
        ZoneRecordData::Rrsig(rrsig) if !set.owner.ends_with(rrsig.signer_name()) => {
            set.by_stranger = true;
        }
        ZoneRecordData::Rrsig(rrsig) => set.signatures.push(Record::new(
            set.owner.clone(),
            record.class(),
            record.ttl(),
            rrsig.clone(),
        )),
        _ => set.records.push(record),
    }
}

/// Adds a record of a later section to its set in an earlier section: a
/// signature is added, data is left out (unbound's `add_rr_to_rrset`).
/// Otherwise returns the record.
fn add_to_known(sets: &mut Vec<RrSet>, record: Rr) -> Option<Rr> {
    let rtype = covered(&record);
    let is_known =
        |set: &RrSet| set.rtype == rtype && set.owner == *record.owner() && !set.records.is_empty();
    if !sets.iter().any(is_known) {
        return Some(record);
    }
    if record.rtype() == Rtype::RRSIG {
        add(sets, record);
    }
    None
}

/// A record by itself, with its names uncompressed; `None` if it breaks the
/// message.
///
/// TLSA data may have any shape: signatures cover bytes, and Postfix sees
/// malformed records too.
fn rr(record: &ParsedRecord<'_, Bytes>) -> Option<Rr> {
    if record.class() != Class::IN {
        return None;
    }
    let data: Data = if record.rtype() == Rtype::TLSA {
        let raw = record.to_record::<UnknownRecordData<Bytes>>().ok()??;
        ZoneRecordData::Unknown(raw.into_data())
    } else {
        let parsed = record.to_record::<ZoneRecordData<Bytes, ParsedName<Bytes>>>();
        parsed.ok()??.into_data().try_flatten_into().ok()?
    };
    Some(Record::new(
        record.owner().to_name(),
        record.class(),
        record.ttl(),
        data,
    ))
}
