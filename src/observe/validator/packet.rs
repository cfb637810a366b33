//! A reply as its record sets, and replies made of some of them.

use bytes::Bytes;
use domain::base::iana::{Class, Rtype};
use domain::base::name::FlattenInto as _;
use domain::base::rdata::{RecordData as _, UnknownRecordData};
use domain::base::record::ParsedRecord;
use domain::base::{Message, MessageBuilder, Name, ParsedName, Record, ToName as _};
use domain::rdata::{Rrsig, ZoneRecordData};

use super::super::budget::{RECORD_SETS, VALIDATED_RECORDS};

/// A name on the wire.
pub(in super::super) type Owner = Name<Bytes>;

/// Record data of any type.
pub(in super::super) type Data = ZoneRecordData<Bytes, Owner>;

/// A record.
pub(in super::super) type Rr = Record<Owner, Data>;

/// A record set with the signatures over it (RFC 2181 section 5, RFC 4034
/// section 3).
#[derive(Clone, Debug)]
pub(in super::super) struct RrSet {
    pub(in super::super) owner: Owner,
    pub(in super::super) rtype: Rtype,
    pub(in super::super) records: Vec<Rr>,
    pub(in super::super) signatures: Vec<Record<Owner, Rrsig<Bytes, Owner>>>,
}

/// A reply with the response code 0 or 3.
#[derive(Clone, Debug)]
pub(in super::super) struct Packet {
    pub(in super::super) name: Owner,
    pub(in super::super) rtype: Rtype,
    pub(in super::super) name_error: bool,
    pub(in super::super) answer: Vec<RrSet>,
    pub(in super::super) authority: Vec<RrSet>,
    /// A record is not as its type has it: other validators look only at the
    /// signature over it.
    pub(in super::super) malformed: bool,
}

impl Packet {
    /// Reads a reply; nothing where it is none.
    ///
    /// Of the authority section only what a denial is made of is kept: other
    /// records there are hints, and may be unsigned.
    pub(in super::super) fn read(bytes: &Bytes) -> Option<Self> {
        let message = Message::from_octets(bytes.clone()).ok()?;
        let question = message.sole_question().ok()?;
        let mut packet = Self {
            name: question.qname().to_name(),
            rtype: question.qtype(),
            name_error: message.header().rcode() == domain::base::iana::Rcode::NXDOMAIN,
            answer: Vec::new(),
            authority: Vec::new(),
            malformed: false,
        };
        for (number, record) in message.answer().ok()?.enumerate() {
            let record = rr(&record.ok()?, &mut packet.malformed)?;
            add(&mut packet.answer, record);
            fits(number, &packet.answer).then_some(())?;
        }
        for (number, record) in message.authority().ok()?.enumerate() {
            let record = rr(&record.ok()?, &mut packet.malformed)?;
            if matches!(covered(&record), Rtype::SOA | Rtype::NSEC | Rtype::NSEC3) {
                add(&mut packet.authority, record);
            }
            fits(number, &packet.authority).then_some(())?;
        }
        packet.answer.retain(|set| !set.records.is_empty());
        packet.authority.retain(|set| !set.records.is_empty());
        if packet.needs_no_proof() {
            packet.authority.clear();
        }
        Some(packet)
    }

    /// Whether there is an answer, and no part of it comes from a wildcard
    /// (RFC 4035 section 5.3.4): what else came with it does not matter.
    fn needs_no_proof(&self) -> bool {
        let mut signatures = self.answer.iter().flat_map(|set| &set.signatures);
        self.answer_at(&self.end(), self.rtype).is_some()
            && signatures.all(|record| {
                usize::from(record.data().labels()) + 1 >= record.owner().label_count()
            })
    }

    /// All record sets.
    pub(in super::super) fn sets(&self) -> impl Iterator<Item = &RrSet> {
        self.answer.iter().chain(&self.authority)
    }

    /// The record sets of one type in the answer.
    pub(in super::super) fn answers(&self, rtype: Rtype) -> impl Iterator<Item = &RrSet> {
        self.answer.iter().filter(move |set| set.rtype == rtype)
    }

    /// The record set of one type at one name in the answer.
    pub(in super::super) fn answer_at(&self, name: &Owner, rtype: Rtype) -> Option<&RrSet> {
        self.answers(rtype).find(|set| set.owner == *name)
    }

    /// Whether it holds aliases and nothing at their end, not even a denial.
    pub(in super::super) fn is_alias_only(&self) -> bool {
        self.rtype != Rtype::CNAME
            && self.answers(self.rtype).next().is_none()
            && self.answers(Rtype::CNAME).next().is_some()
            && self.authority.is_empty()
            && !self.name_error
    }

    /// The name at the end of the aliases.
    pub(in super::super) fn end(&self) -> Owner {
        let mut name = self.name.clone();
        if self.rtype == Rtype::CNAME {
            return name;
        }
        // An endless chain ends here all the same.
        for _ in 0..=self.answer.len() {
            let alias = self.answer_at(&name, Rtype::CNAME);
            match alias.and_then(|set| set.records.first()).map(Record::data) {
                Some(ZoneRecordData::Cname(cname)) => name = cname.cname().clone(),
                _ => break,
            }
        }
        name
    }

    /// Whether there is neither an answer at the end of the aliases nor the
    /// SOA record of a denial (RFC 2308 section 2).
    pub(in super::super) fn is_bare_denial(&self) -> bool {
        self.answer_at(&self.end(), self.rtype).is_none()
            && !self.authority.iter().any(|set| set.rtype == Rtype::SOA)
    }

    /// Whether a set is the CNAME that goes with a DNAME, which has no
    /// signature of its own (RFC 6672 section 5.3.1).
    pub(in super::super) fn is_synthesized(&self, set: &RrSet) -> bool {
        set.rtype == Rtype::CNAME
            && set.signatures.is_empty()
            && self
                .answers(Rtype::DNAME)
                .any(|dname| set.owner != dname.owner && set.owner.ends_with(&dname.owner))
    }

    /// The same reply with one of its record sets alone in the answer, and
    /// that asked for.
    pub(in super::super) fn only(&self, set: &RrSet) -> Self {
        Self {
            name: set.owner.clone(),
            rtype: set.rtype,
            name_error: false,
            answer: vec![set.clone()],
            ..self.clone()
        }
    }

    /// A reply that holds one record set.
    pub(in super::super) fn of(set: &RrSet) -> Self {
        Self {
            name: set.owner.clone(),
            rtype: set.rtype,
            name_error: false,
            answer: vec![set.clone()],
            authority: Vec::new(),
            malformed: false,
        }
    }

    /// The bytes; nothing where they are more than a message holds.
    pub(in super::super) fn write(&self) -> Option<Vec<u8>> {
        let mut builder = MessageBuilder::new_vec();
        let header = builder.header_mut();
        header.set_qr(true);
        header.set_rd(true);
        header.set_rcode(if self.name_error {
            domain::base::iana::Rcode::NXDOMAIN
        } else {
            domain::base::iana::Rcode::NOERROR
        });
        let mut question = builder.question();
        question.push((&self.name, self.rtype)).ok()?;
        let mut answer = question.answer();
        for set in &self.answer {
            for record in &set.records {
                answer.push(record).ok()?;
            }
            for record in &set.signatures {
                answer.push(record).ok()?;
            }
        }
        let mut authority = answer.authority();
        for set in &self.authority {
            for record in &set.records {
                authority.push(record).ok()?;
            }
            for record in &set.signatures {
                authority.push(record).ok()?;
            }
        }
        Some(authority.finish())
    }
}

/// Whether a section may go on after this record.
fn fits(number: usize, sets: &[RrSet]) -> bool {
    number < VALIDATED_RECORDS && sets.len() <= RECORD_SETS
}

fn covered(record: &Rr) -> Rtype {
    match record.data() {
        ZoneRecordData::Rrsig(rrsig) => rrsig.type_covered(),
        data => data.rtype(),
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
        });
    }
    let Some(set) = sets.iter_mut().find(|set| is_known(set)) else {
        return;
    };
    match record.data() {
        // RFC 4035 section 5.3.1: the signer is the zone that contains the
        // record set. Others' signatures say nothing about it.
        ZoneRecordData::Rrsig(rrsig) if !set.owner.ends_with(rrsig.signer_name()) => {}
        ZoneRecordData::Rrsig(rrsig) => set.signatures.push(Record::new(
            set.owner.clone(),
            record.class(),
            record.ttl(),
            rrsig.clone(),
        )),
        _ => set.records.push(record),
    }
}

/// A record by itself, with its names uncompressed; nothing where it breaks
/// the message.
fn rr(record: &ParsedRecord<'_, Bytes>, malformed: &mut bool) -> Option<Rr> {
    if record.class() != Class::IN {
        return None;
    }
    let parsed = record.to_record::<ZoneRecordData<Bytes, ParsedName<Bytes>>>();
    let data: Data = match parsed {
        Ok(None) => return None,
        Ok(Some(parsed)) => parsed.into_data().try_flatten_into().ok()?,
        Err(_) if record.rtype() == Rtype::TLSA => {
            *malformed = true;
            let raw = record.to_record::<UnknownRecordData<Bytes>>().ok()??;
            ZoneRecordData::Unknown(raw.into_data())
        }
        Err(_) => return None,
    };
    Some(Record::new(
        record.owner().to_name(),
        record.class(),
        record.ttl(),
        data,
    ))
}
