//! What a resolver can do wrong with one name and type: a plain list, each
//! item one small function.

use std::sync::Arc;
use std::time::Duration;

use domain::base::iana::{ExtendedErrorCode, Rcode};
use domain::base::{Rtype, Ttl};

use super::answer::{Answer, Reason};
use super::authority::SignedSet;
use super::packet::{Query, Response};
use super::query_log::Transport;
use super::record::{Owner, parse_name};

/// What happens to lookups of a name and type, in place of the honest answer.
///
/// Only the way to the client is disturbed: a validating resolver has already
/// found the honest answer and its DNSSEC status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// SERVFAIL (RFC 1035 section 4.1.1), as when the zone's servers fail.
    ServFail,
    /// REFUSED (RFC 1035 section 4.1.1).
    Refused,
    /// NOTIMP (RFC 1035 section 4.1.1), as from servers that support few types.
    NotImp,
    /// FORMERR (RFC 1035 section 4.1.1).
    FormErr,
    /// Nothing comes back, over UDP and TCP; connections stay open.
    Silence,
    /// The honest answer, late.
    DelayedBy(Duration),
    /// Over UDP the TC bit and no records; the honest answer over TCP (RFC
    /// 7766 section 5).
    TruncatedThenTcp,
    /// Over UDP the TC bit and no records; TCP connections are closed.
    TruncatedWithoutTcp,
    /// The TC bit and no records, over UDP and over TCP.
    TruncatedForEver,
    /// Over UDP the TC bit; over TCP the honest answer, slowly, byte by byte.
    DripOverTcp(Duration),
    /// Over UDP the TC bit; over TCP messages of 64 KiB of nothing for as long
    /// as the client listens.
    FloodOverTcp,
    /// A header that counts 65535 records in each section, and bytes that are
    /// not records.
    Garbage,
    /// For this name and every name below it: an alias to a name that is one
    /// label longer.
    EndlessAliases,
    /// This many aliases in one answer, each to the next.
    AliasFlood(u16),
    /// As many aliases as fit into a message, each of nothing but pointers to the
    /// name asked (RFC 1035 section 4.1.4).
    PointerFlood,
    /// SERVFAIL, and a reason (RFC 8914) full of terminal escapes.
    ServFailWithEscapes,
    /// A packet that ends in the middle of its records.
    MalformedPacket,
    /// A response to some other query (RFC 5452 section 9.1).
    WrongTransactionId,
    /// The first CNAME alone, not followed.
    EmptyCnameOnly,
    /// NOERROR without records, and without the SOA that RFC 2308 section 2.2
    /// asks for.
    EmptyAnswer,
    /// NXDOMAIN without SOA or proof, as from servers that answer so for any
    /// type that they do not know.
    BareNxDomain,
    /// The honest answer, but with NXDOMAIN if the name exists and only the
    /// record does not, as from servers that deny empty non-terminals (RFC 8020
    /// section 3.1).
    NodataAsNxDomain,
    /// The honest answer, but with NXDOMAIN if there are records: the response
    /// code is not signed.
    RecordsAsNxDomain,
    /// What this name has of the type, with its signatures, in place of the
    /// answer.
    AnswerOf(&'static str),
    /// What this name has of the type, as if the name asked had it, unsigned and
    /// without the AD bit: a resolver with data of its own (unbound's
    /// `local-data`).
    LocalDataOf(&'static str),
    /// The honest DNAME with its signature, an unsigned alias to this name, and
    /// what is there.
    DnameAliasTo(&'static str),
    /// The honest answer without RRSIG, NSEC and NSEC3 (RFC 4035 section
    /// 3.2.1 asks for them).
    SignaturesStripped,
    /// The honest answer, from a cache in which it has been for this many
    /// seconds.
    Aged(u32),
    /// The honest answer, with the note that it has expired (RFC 8767).
    Stale,
    /// The honest answer with the AD bit (RFC 4035 section 3.2.3) cleared.
    AuthenticDataCleared,
}

/// What the server does with a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reaction {
    /// How long it waits first.
    pub(super) after: Duration,
    pub(super) outcome: Outcome,
}

/// How a query ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Respond(Vec<u8>),
    Ignore,
    /// Ends the TCP connection; over UDP the same as [`Outcome::Ignore`].
    Close,
    /// As [`Outcome::Respond`], over TCP byte by byte, this far apart.
    Drip(Vec<u8>, Duration),
    /// Messages without an end over TCP; over UDP one of them.
    Flood,
}

impl Reaction {
    pub(super) fn now(outcome: Outcome) -> Self {
        Self {
            after: Duration::ZERO,
            outcome,
        }
    }
}

/// A query and its honest answer, on the way to the client.
pub(super) struct Exchange<'a> {
    pub(super) query: &'a Query<'a>,
    pub(super) transport: Transport,
    pub(super) honest: Response,
    /// The honest answer for the other name that the misbehaviour is about.
    pub(super) other: Option<Answer>,
}

impl Exchange<'_> {
    fn write(&self, response: &Response) -> Outcome {
        let limit = match self.transport {
            Transport::Udp => self.query.udp_limit(),
            Transport::Tcp => usize::from(u16::MAX),
        };
        Outcome::Respond(response.write(self.query, limit))
    }

    /// What the client gets if nothing misbehaves.
    pub(super) fn honest(&self) -> Outcome {
        self.write(&self.honest)
    }
}

impl Misbehaviour {
    /// Whether it also applies to names below the one for which it was set.
    pub(super) fn is_inherited(self) -> bool {
        self == Self::EndlessAliases
    }

    /// The other name that it is about.
    pub(super) fn other_name(self) -> Option<Owner> {
        match self {
            Self::AnswerOf(name) | Self::LocalDataOf(name) | Self::DnameAliasTo(name) => {
                parse_name(name).ok()
            }
            _ => None,
        }
    }

    /// What the client gets instead.
    pub(super) fn react(self, exchange: &Exchange<'_>) -> Reaction {
        let outcome = match self {
            Self::ServFail => rcode_only(exchange, Rcode::SERVFAIL),
            Self::Refused => rcode_only(exchange, Rcode::REFUSED),
            Self::NotImp => rcode_only(exchange, Rcode::NOTIMP),
            Self::FormErr => rcode_only(exchange, Rcode::FORMERR),
            Self::Silence => Outcome::Ignore,
            Self::DelayedBy(_) => exchange.honest(),
            Self::TruncatedThenTcp => truncated_then(exchange, exchange.honest()),
            Self::TruncatedWithoutTcp => truncated_then(exchange, Outcome::Close),
            Self::TruncatedForEver => Outcome::Respond(truncated(exchange)),
            Self::DripOverTcp(pause) => truncated_then(exchange, dripping(exchange, pause)),
            Self::FloodOverTcp => truncated_then(exchange, Outcome::Flood),
            Self::Garbage => garbage(exchange),
            Self::EndlessAliases => aliases(exchange, 1),
            Self::AliasFlood(count) => aliases(exchange, count),
            Self::PointerFlood => truncated_then(exchange, pointers(exchange)),
            Self::ServFailWithEscapes => servfail_with_escapes(exchange),
            Self::MalformedPacket => malformed(exchange),
            Self::WrongTransactionId => wrong_transaction_id(exchange),
            Self::EmptyCnameOnly => cname_only(exchange),
            Self::EmptyAnswer => rcode_only(exchange, Rcode::NOERROR),
            Self::BareNxDomain => rcode_only(exchange, Rcode::NXDOMAIN),
            Self::NodataAsNxDomain => nodata_as_nxdomain(exchange),
            Self::RecordsAsNxDomain => records_as_nxdomain(exchange),
            Self::AnswerOf(_) => answer_of(exchange),
            Self::LocalDataOf(_) => local_data_of(exchange),
            Self::DnameAliasTo(_) => dname_alias_to(exchange, self.other_name()),
            Self::SignaturesStripped => signatures_stripped(exchange),
            Self::Aged(seconds) => aged(exchange, seconds),
            Self::Stale => stale(exchange),
            Self::AuthenticDataCleared => authentic_data_cleared(exchange),
        };
        let after = match self {
            Self::DelayedBy(delay) => delay,
            _ => Duration::ZERO,
        };
        Reaction { after, outcome }
    }
}

fn rcode_only(exchange: &Exchange<'_>, rcode: Rcode) -> Outcome {
    exchange.write(&Response::bare(rcode))
}

fn truncated_then(exchange: &Exchange<'_>, over_tcp: Outcome) -> Outcome {
    match exchange.transport {
        Transport::Udp => Outcome::Respond(truncated(exchange)),
        Transport::Tcp => over_tcp,
    }
}

fn truncated(exchange: &Exchange<'_>) -> Vec<u8> {
    let response = Response {
        truncated: true,
        ..Response::bare(Rcode::NOERROR)
    };
    response.write(exchange.query, usize::from(u16::MAX))
}

fn dripping(exchange: &Exchange<'_>, pause: Duration) -> Outcome {
    match exchange.honest() {
        Outcome::Respond(packet) => Outcome::Drip(packet, pause),
        other => other,
    }
}

fn garbage(exchange: &Exchange<'_>) -> Outcome {
    with_packet(exchange, |packet| {
        // The counts of answer, authority and additional records.
        for count in packet.iter_mut().skip(6).take(6) {
            *count = 0xff;
        }
        // Pointers to what is no name.
        packet.resize(1200, 0xc0);
    })
}

/// Each alias leads to a name below the one before it.
fn aliases(exchange: &Exchange<'_>, count: u16) -> Outcome {
    let mut response = Response::bare(Rcode::NOERROR);
    let mut owner = exchange.query.name.clone();
    for number in 0..count {
        let target = format!("a{number}.{}.", exchange.query.name);
        let Ok(target) = parse_name(&target) else {
            break;
        };
        let set = SignedSet::alias(owner, target.clone());
        response.answer.answer.push(set);
        owner = target;
    }
    exchange.write(&response)
}

/// A record that begins and ends with a pointer behind the header.
fn pointers(exchange: &Exchange<'_>) -> Outcome {
    const RECORD: [u8; 14] = [0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 44, 0, 2, 0xc0, 12];
    let Outcome::Respond(mut packet) = rcode_only(exchange, Rcode::NOERROR) else {
        return Outcome::Ignore;
    };
    // Behind the question, in place of the OPT record.
    let question = 12 + exchange.query.name.as_slice().len() + 4;
    packet.truncate(question);
    let room = usize::from(u16::MAX).saturating_sub(question);
    let count = u16::try_from(room / RECORD.len()).unwrap_or(u16::MAX);
    for _ in 0..count {
        packet.extend(RECORD);
    }
    let counts = [count.to_be_bytes(), [0; 2], [0; 2]].concat();
    for (place, byte) in packet.iter_mut().skip(6).zip(counts) {
        *place = byte;
    }
    Outcome::Respond(packet)
}

fn servfail_with_escapes(exchange: &Exchange<'_>) -> Outcome {
    let reason = Reason {
        code: ExtendedErrorCode::OTHER,
        text: "\u{1b}[2J\u{1b}]0;title\u{7}\u{202e}gnp.exe \u{9b}31m\n".repeat(20),
    };
    let response = Response {
        answer: Answer::failure(reason),
        ..Response::bare(Rcode::SERVFAIL)
    };
    exchange.write(&response)
}

/// The last byte is missing, whatever the header counts.
fn malformed(exchange: &Exchange<'_>) -> Outcome {
    with_packet(exchange, |packet| {
        packet.pop();
        // The answer count, in case there was nothing to cut.
        if let Some(ancount) = packet.get_mut(7) {
            *ancount = ancount.saturating_add(1);
        }
    })
}

fn wrong_transaction_id(exchange: &Exchange<'_>) -> Outcome {
    with_packet(exchange, |packet| {
        if let Some(id) = packet.first_mut() {
            *id ^= 0xff;
        }
    })
}

fn with_packet(exchange: &Exchange<'_>, change: impl FnOnce(&mut Vec<u8>)) -> Outcome {
    match exchange.honest() {
        Outcome::Respond(mut packet) => {
            change(&mut packet);
            Outcome::Respond(packet)
        }
        other => other,
    }
}

fn cname_only(exchange: &Exchange<'_>) -> Outcome {
    let mut response = exchange.honest.clone();
    response.answer.rcode = Rcode::NOERROR;
    response.answer.authority.clear();
    response
        .answer
        .answer
        .retain(|set| set.rrset.rtype == Rtype::CNAME);
    response.answer.answer.truncate(1);
    exchange.write(&response)
}

fn nodata_as_nxdomain(exchange: &Exchange<'_>) -> Outcome {
    let mut response = exchange.honest.clone();
    if response.answer.answer.is_empty() {
        response.answer.rcode = Rcode::NXDOMAIN;
    }
    exchange.write(&response)
}

fn records_as_nxdomain(exchange: &Exchange<'_>) -> Outcome {
    let mut response = exchange.honest.clone();
    if !response.answer.answer.is_empty() {
        response.answer.rcode = Rcode::NXDOMAIN;
    }
    exchange.write(&response)
}

fn answer_of(exchange: &Exchange<'_>) -> Outcome {
    let mut response = exchange.honest.clone();
    if let Some(other) = &exchange.other {
        response.answer = other.clone();
    }
    exchange.write(&response)
}

fn local_data_of(exchange: &Exchange<'_>) -> Outcome {
    let mut response = exchange.honest.clone();
    response.authentic_data = false;
    if let Some(other) = &exchange.other {
        response.answer = other.clone();
    }
    response.answer.authority.clear();
    for set in &mut response.answer.answer {
        set.owner = exchange.query.name.clone();
        set.signature = None;
    }
    exchange.write(&response)
}

fn dname_alias_to(exchange: &Exchange<'_>, target: Option<Owner>) -> Outcome {
    let mut response = exchange.honest.clone();
    let sets = &mut response.answer.answer;
    sets.retain(|set| set.rrset.rtype == Rtype::DNAME);
    if let (Some(target), Some(other)) = (target, &exchange.other) {
        sets.push(SignedSet::alias(exchange.query.name.clone(), target));
        sets.extend(other.answer.iter().cloned());
        response.answer.authority.clear();
    }
    exchange.write(&response)
}

fn aged(exchange: &Exchange<'_>, seconds: u32) -> Outcome {
    let mut response = exchange.honest.clone();
    for set in &mut response.answer.answer {
        let mut rrset = (*set.rrset).clone();
        rrset.ttl = Ttl::from_secs(rrset.ttl.as_secs().saturating_sub(seconds));
        set.rrset = Arc::new(rrset);
    }
    exchange.write(&response)
}

fn stale(exchange: &Exchange<'_>) -> Outcome {
    let mut response = exchange.honest.clone();
    response.answer.reason = Some(Reason {
        code: ExtendedErrorCode::STALE_ANSWER,
        text: String::new(),
    });
    exchange.write(&response)
}

fn signatures_stripped(exchange: &Exchange<'_>) -> Outcome {
    exchange.write(&Response {
        dnssec: false,
        ..exchange.honest.clone()
    })
}

fn authentic_data_cleared(exchange: &Exchange<'_>) -> Outcome {
    exchange.write(&Response {
        authentic_data: false,
        ..exchange.honest.clone()
    })
}
