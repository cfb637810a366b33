//! One DNS reply, read from its bytes.
//!
//! This module reads the bytes, not the library that fetched them, because TLSA
//! data of any shape has to arrive: Postfix sees it too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use domain::base::ToName;
use domain::base::iana::{Class, Rtype};
use domain::base::message::Message;
use domain::base::name::{Name, ParsedName, ToLabelIter as _};
use domain::base::opt::UnknownOptData;
use domain::base::rdata::{ParseRecordData, UnknownRecordData};
use domain::base::record::ParsedRecord;
use domain::rdata::{Cname, Dname, Mx, Ns, Soa};

use super::budget::{ANSWER_BYTES, RECORD_BYTES, RECORDS};
use danecheck_core::observation::{ExtendedError, FailureKind, MxRecord, RecordType};
use danecheck_validation::{Alias, AliasKind, walk};

/// The code of the option that says why (RFC 8914).
const EXTENDED_ERROR: u16 = 15;

/// A name on the wire.
pub(super) type WireName = Name<Vec<u8>>;

/// One record of the type asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Datum {
    Address(IpAddr),
    Mx(MxRecord),
    Name(String),
    Tlsa(Vec<u8>),
    /// The strings of one TXT record.
    Text(Vec<String>),
}

impl Datum {
    /// Its place in the order: resolvers rotate record sets, observations do
    /// not.
    fn rank(&self) -> (u16, Vec<u8>) {
        match self {
            Self::Address(IpAddr::V4(address)) => (0, address.octets().to_vec()),
            Self::Address(IpAddr::V6(address)) => (0, address.octets().to_vec()),
            Self::Mx(mx) => (mx.preference, mx.host.clone().into_bytes()),
            Self::Name(name) => (0, name.clone().into_bytes()),
            Self::Tlsa(data) => (0, data.clone()),
            Self::Text(strings) => (0, strings.concat().into_bytes()),
        }
    }
}

/// The part of a reply that Postfix's `dns_get_answer` reads.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) rcode: u16,
    pub(super) truncated: bool,
    /// The AD bit.
    pub(super) authentic: bool,
    pub(super) extended_error: Option<ExtendedError>,
    /// The targets of its aliases, in their order.
    pub(super) aliases: Vec<String>,
    pub(super) data: Vec<Datum>,
    /// The smallest TTL of aliases and records.
    pub(super) ttl: u32,
    /// The TTL that their zone gives them, if a signature contains it (RFC 4034
    /// section 3.1.4); a smaller TTL comes from a cache.
    pub(super) original_ttl: Option<u32>,
    /// More records came than are used.
    pub(super) cut: bool,
    /// A record of the type asked could not be read.
    pub(super) spoiled: bool,
    /// There are signatures in the answer.
    pub(super) signed: bool,
    /// The name to ask next, if the reply has only aliases.
    pub(super) next: Option<WireName>,
}

impl Reply {
    /// What the response code means if it is not an answer.
    pub(super) fn failure(&self) -> Option<FailureKind> {
        match self.rcode {
            0 | 3 => None,
            1 => Some(FailureKind::FormErr),
            2 => Some(FailureKind::ServFail),
            4 => Some(FailureKind::NotImp),
            5 => Some(FailureKind::Refused),
            other => Some(FailureKind::OtherRcode(other)),
        }
    }
}

/// The number of a type.
pub(super) fn rtype(record_type: RecordType) -> Rtype {
    match record_type {
        RecordType::A => Rtype::A,
        RecordType::Aaaa => Rtype::AAAA,
        RecordType::Cname => Rtype::CNAME,
        RecordType::Mx => Rtype::MX,
        RecordType::Ns => Rtype::NS,
        RecordType::Soa => Rtype::SOA,
        RecordType::Tlsa => Rtype::TLSA,
        RecordType::Txt => Rtype::TXT,
    }
}

/// A name as observations have it: lower case, no final dot.
pub(super) fn text(name: impl std::fmt::Display) -> String {
    let mut text = name.to_string().to_ascii_lowercase();
    if text.ends_with('.') && !text.ends_with("\\.") {
        text.pop();
    }
    text
}

/// Whether a message may be read: with all names written out, its records must
/// take no more than [`ANSWER_BYTES`]. A pointer of two bytes stands for a name
/// of up to 255 (RFC 1035 section 4.1.4). What follows a record that cannot be
/// parsed is not read.
pub(super) fn is_bounded(bytes: &[u8]) -> bool {
    let Ok(message) = Message::from_octets(bytes) else {
        return true;
    };
    let mut room = ANSWER_BYTES;
    for (record, _) in message.iter().map_while(Result::ok) {
        let names = usize::from(record.owner().compose_len()) + names_within(&record);
        match room.checked_sub(RECORD_BYTES + names) {
            Some(left) => room = left,
            None => return false,
        }
    }
    true
}

/// Bytes of the names in a record's data when they are written out, or the most
/// that are possible.
fn names_within(record: &ParsedRecord<'_, &[u8]>) -> usize {
    const LONGEST: usize = 255;
    let length = match record.rtype() {
        Rtype::A | Rtype::AAAA | Rtype::TLSA | Rtype::TXT | Rtype::DS | Rtype::DNSKEY => Some(0),
        Rtype::CNAME => length_of::<Cname<ParsedName<&[u8]>>>(record, Cname::cname),
        Rtype::NS => length_of::<Ns<ParsedName<&[u8]>>>(record, Ns::nsdname),
        Rtype::MX => length_of::<Mx<ParsedName<&[u8]>>>(record, Mx::exchange),
        _ => None,
    };
    length.unwrap_or(LONGEST)
}

fn length_of<'a, D: ParseRecordData<'a, &'a [u8]>>(
    record: &ParsedRecord<'a, &'a [u8]>,
    name: impl Fn(&D) -> &ParsedName<&'a [u8]>,
) -> Option<usize> {
    let record = record.to_record::<D>().ok()??;
    Some(name(record.data()).compose_len().into())
}

/// Reads the header of a reply; `None` if it is not a reply, answers another
/// question, or is too long.
pub(super) fn head(bytes: &[u8], name: &WireName, asked: Rtype) -> Option<Reply> {
    if !is_bounded(bytes) {
        return None;
    }
    let message = Message::from_octets(bytes).ok()?;
    let header = message.header();
    if !header.qr() {
        return None;
    }
    let reply = Reply {
        rcode: message.opt_rcode().to_int(),
        truncated: header.tc(),
        authentic: header.ad(),
        extended_error: extended_error(&message),
        ttl: u32::MAX,
        ..Reply::default()
    };
    // Replies without an answer may leave the question out.
    if !reply.truncated && reply.failure().is_none() {
        let question = message.sole_question().ok()?;
        if question.qname() != name || question.qtype() != asked {
            return None;
        }
    }
    Some(reply)
}

/// Reads a reply to a question; `None` if it cannot be read or answers
/// something else.
#[cfg(any(test, fuzzing))]
pub(super) fn read(bytes: &[u8], name: &WireName, asked: RecordType) -> Option<Reply> {
    read_on(head(bytes, name, rtype(asked))?, bytes, name, asked)
}

/// Reads the rest of a reply whose header was read.
pub(super) fn read_on(
    mut reply: Reply,
    bytes: &[u8],
    name: &WireName,
    asked: RecordType,
) -> Option<Reply> {
    if reply.truncated || reply.failure().is_some() {
        return Some(reply);
    }
    let message = Message::from_octets(bytes).ok()?;
    // Records that the way from the question does not reach are not part of the
    // answer: the validator walks the same way.
    let way = {
        let mut aliases = Vec::new();
        for record in message.answer().ok()? {
            aliases.extend(alias(&record.ok()?)?);
        }
        walk(&name.to_name(), rtype(asked), &aliases)
    };
    if !way.steps.is_empty() {
        reply.next = Some(way.end.to_name());
    }
    reply.aliases = way.steps.iter().map(|step| text(&step.target)).collect();
    for record in message.answer().ok()? {
        let record = record.ok()?;
        let at_end = !way.is_endless && way.end == record.owner();
        if record.rtype() == Rtype::RRSIG {
            reply.signed = true;
            let original = original_ttl(&record, asked).filter(|_| at_end);
            reply.original_ttl = reply.original_ttl.or(original);
        } else if record.rtype() == rtype(asked) && at_end {
            if reply.data.len() >= RECORDS {
                reply.cut = true;
                break;
            }
            match datum(&record, asked) {
                Some(datum) => reply.data.push(datum),
                None => reply.spoiled = true,
            }
            reply.ttl = reply.ttl.min(record.ttl().as_secs());
        } else if record.rtype() == Rtype::CNAME
            && way.steps.iter().any(|step| step.owner == record.owner())
        {
            reply.ttl = reply.ttl.min(record.ttl().as_secs());
        }
    }
    reply.data.sort_by_cached_key(Datum::rank);
    Some(reply)
}

/// An alias, or `None` if the record is not one; fails if the record cannot be
/// read, or is of another class.
fn alias(record: &ParsedRecord<'_, &[u8]>) -> Option<Option<Alias>> {
    if record.class() != Class::IN {
        return None;
    }
    let (kind, target) = match record.rtype() {
        Rtype::CNAME => {
            let record = record.to_record::<Cname<ParsedName<_>>>().ok()??;
            (AliasKind::Cname, record.data().cname().to_name())
        }
        Rtype::DNAME => {
            let record = record.to_record::<Dname<ParsedName<_>>>().ok()??;
            (AliasKind::Dname, record.data().dname().to_name())
        }
        _ => return Some(None),
    };
    Some(Some(Alias {
        kind,
        owner: record.owner().to_name(),
        target,
    }))
}

/// How many seconds a reply may be used: the smallest TTL of its records, also
/// in a denial, which cannot last longer than its SOA record (RFC 2308 section
/// 5).
pub(super) fn lasts(bytes: &[u8]) -> u32 {
    let least = || -> Option<u32> {
        let message = Message::from_octets(bytes).ok()?;
        let records = message.answer().ok()?.chain(message.authority().ok()?);
        records.map(|it| Some(it.ok()?.ttl().as_secs())).min()?
    };
    least().unwrap_or(0)
}

/// The original TTL of the records of the type asked, from a signature over
/// them.
fn original_ttl(record: &ParsedRecord<'_, &[u8]>, asked: RecordType) -> Option<u32> {
    if record.rtype() != Rtype::RRSIG {
        return None;
    }
    let record = record.to_record::<UnknownRecordData<_>>().ok()??;
    let data: &[u8] = record.data().data();
    let (covered, rest) = data.split_first_chunk::<2>()?;
    // After algorithm and labels.
    let (ttl, _) = rest.get(2..)?.split_first_chunk::<4>()?;
    (u16::from_be_bytes(*covered) == rtype(asked).to_int()).then(|| u32::from_be_bytes(*ttl))
}

fn datum(record: &ParsedRecord<'_, &[u8]>, asked: RecordType) -> Option<Datum> {
    match asked {
        RecordType::Mx => {
            let record = record.to_record::<Mx<ParsedName<_>>>().ok()??;
            Some(Datum::Mx(MxRecord {
                preference: record.data().preference(),
                host: text(record.data().exchange()),
            }))
        }
        RecordType::Cname => {
            let record = record.to_record::<Cname<ParsedName<_>>>().ok()??;
            Some(Datum::Name(text(record.data().cname())))
        }
        RecordType::Ns => Some(Datum::Name(String::new())),
        RecordType::Soa => {
            let record = record.to_record::<Soa<ParsedName<_>>>().ok()??;
            Some(Datum::Name(text(record.data().rname())))
        }
        RecordType::A | RecordType::Aaaa | RecordType::Tlsa | RecordType::Txt => {
            let record = record.to_record::<UnknownRecordData<_>>().ok()??;
            let data: &[u8] = record.data().data();
            match asked {
                RecordType::A => {
                    let octets = <[u8; 4]>::try_from(data).ok()?;
                    Some(Datum::Address(Ipv4Addr::from(octets).into()))
                }
                RecordType::Aaaa => {
                    let octets = <[u8; 16]>::try_from(data).ok()?;
                    Some(Datum::Address(Ipv6Addr::from(octets).into()))
                }
                RecordType::Txt => strings(data).map(Datum::Text),
                _ => Some(Datum::Tlsa(data.to_vec())),
            }
        }
    }
}

/// The strings of a TXT record (RFC 1035 section 3.3.14); `None` if they are
/// cut short.
fn strings(mut data: &[u8]) -> Option<Vec<String>> {
    let mut strings = Vec::new();
    while let Some((length, rest)) = data.split_first() {
        let (string, rest) = rest.split_at_checked(usize::from(*length))?;
        strings.push(String::from_utf8_lossy(string).into_owned());
        data = rest;
    }
    Some(strings)
}

fn extended_error(message: &Message<&[u8]>) -> Option<ExtendedError> {
    let opt = message.opt()?;
    let option = opt
        .opt()
        .iter::<UnknownOptData<_>>()
        .filter_map(Result::ok)
        .find(|option| option.code().to_int() == EXTENDED_ERROR)?;
    let (code, text) = option.data().split_first_chunk::<2>()?;
    Some(ExtendedError {
        code: u16::from_be_bytes(*code),
        text: String::from_utf8_lossy(text)
            .trim_end_matches('\0')
            .to_owned(),
    })
}
