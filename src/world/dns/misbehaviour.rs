//! What a resolver can do wrong with one name and type: a plain list, each
//! item one small function.

use std::time::Duration;

use domain::base::Rtype;
use domain::base::iana::Rcode;

use super::packet::{Query, Response};
use super::resolver::Transport;

/// What happens to lookups of a name and type, in place of the honest answer.
///
/// It is the way to the client that is disturbed: a validating resolver has
/// found the honest answer, and its DNSSEC status, before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// SERVFAIL (RFC 1035 section 4.1.1), as when the zone's servers fail.
    ServFail,
    /// REFUSED (RFC 1035 section 4.1.1).
    Refused,
    /// NOTIMP (RFC 1035 section 4.1.1), as from servers that know few types.
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
    /// The honest answer without RRSIG, NSEC and NSEC3 (RFC 4035 section
    /// 3.2.1 asks for them).
    SignaturesStripped,
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
            Self::MalformedPacket => malformed(exchange),
            Self::WrongTransactionId => wrong_transaction_id(exchange),
            Self::EmptyCnameOnly => cname_only(exchange),
            Self::EmptyAnswer => rcode_only(exchange, Rcode::NOERROR),
            Self::BareNxDomain => rcode_only(exchange, Rcode::NXDOMAIN),
            Self::SignaturesStripped => signatures_stripped(exchange),
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
        Transport::Udp => exchange.write(&Response {
            truncated: true,
            ..Response::bare(Rcode::NOERROR)
        }),
        Transport::Tcp => over_tcp,
    }
}

/// Whatever the header counts is missing from the last byte on.
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
