//! The answers of a zone's name servers, each asked separately.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::dnssec::WeakLink;
use crate::unix_time::UnixTime;

/// The name servers of the zone that holds a record set, each asked for that
/// set without recursion, over UDP and over TCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthoritySeen {
    /// The name asked for, after all aliases; lower case, with its final dot.
    pub name: String,
    /// The mnemonic of the type asked for.
    pub rtype: String,
    /// The zone, with its final dot.
    pub zone: String,
    /// Its name servers, by name.
    pub servers: Vec<NameServerSeen>,
    /// How many danecheck did not ask.
    pub left_out: usize,
    /// The names to which aliases lead from `name`, if the name servers answer
    /// with an alias: each alias asked for by itself, as far as that was done,
    /// with final dots. The last one is one of those before it if they lead in
    /// a circle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// One name server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameServerSeen {
    /// Its name, lower case, no final dot.
    pub name: String,
    /// Whether its addresses could be looked up; also true if it has none.
    pub looked_up: bool,
    /// Its addresses.
    pub addresses: Vec<NameServerAddressSeen>,
}

/// One address of a name server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameServerAddressSeen {
    /// The address.
    pub address: IpAddr,
    /// Its answers; `None` if danecheck did not ask it, because the address is
    /// not public, and leads into the network of this host.
    pub answers: Option<NameServerAnswers>,
}

/// The answers of one address of a name server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameServerAnswers {
    /// Over UDP.
    pub udp: NameServerAnswer,
    /// Over TCP.
    pub tcp: NameServerAnswer,
    /// The serial of its SOA record; `None` if it sends none.
    pub serial: Option<u32>,
    /// How it fails at the SOA record of the zone, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apex_failure: Option<NameServerFailure>,
    /// Where the chain of trust breaks for its reply, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weak_link: Option<Box<WeakLink>>,
    /// Whether danecheck's own validation finds its reply secure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secure: bool,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NameServerAnswer {
    /// Response code 0 or 3.
    Reply(NameServerReply),
    /// Anything else.
    Failed(NameServerFailure),
}

/// A reply with the response code 0 or 3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameServerReply {
    /// The AA bit.
    pub authoritative: bool,
    /// The response code is 3.
    pub name_error: bool,
    /// The TC bit: the rest is available over TCP.
    pub truncated: bool,
    /// The records of the type asked, sorted, in presentation form; after an
    /// alias, the records at its target.
    pub records: Vec<String>,
    /// The TTL that the zone gives them, in seconds.
    pub ttl: Option<u32>,
    /// The answer contains signatures.
    pub signed: bool,
    /// When the last signature over the records ends.
    pub signed_until: Option<UnixTime>,
}

/// How a name server fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NameServerFailure {
    /// Response code 1.
    FormErr,
    /// Response code 2.
    ServFail,
    /// Response code 4.
    NotImp,
    /// Response code 5.
    Refused,
    /// Another response code.
    OtherRcode(u16),
    /// No answer in time.
    Timeout,
    /// Nobody listens at the port.
    Closed,
    /// There is no route to it from here.
    Unreachable,
    /// An answer that cannot be read.
    Malformed,
    /// No time or budget was left to ask it, or to wait for it.
    NotAsked,
}

impl AuthoritySeen {
    /// Every address, with the name of its server.
    pub fn addresses(&self) -> impl Iterator<Item = (&NameServerSeen, &NameServerAddressSeen)> {
        self.servers.iter().flat_map(|server| {
            server
                .addresses
                .iter()
                .map(move |address| (server, address))
        })
    }
}

impl NameServerAnswer {
    /// The reply, if there is one.
    pub fn reply(&self) -> Option<&NameServerReply> {
        match self {
            Self::Reply(reply) => Some(reply),
            Self::Failed(_) => None,
        }
    }
}

impl NameServerAnswers {
    /// The most complete reply: over TCP, which cuts nothing off, else over
    /// UDP.
    pub fn whole(&self) -> Option<&NameServerReply> {
        let over_udp = self.udp.reply().filter(|reply| !reply.truncated);
        self.tcp.reply().or(over_udp)
    }
}

impl NameServerFailure {
    /// The word for people: `SERVFAIL`, `no answer`.
    pub fn as_text(self) -> &'static str {
        match self {
            Self::FormErr => "FORMERR",
            Self::ServFail => "SERVFAIL",
            Self::NotImp => "NOTIMP",
            Self::Refused => "REFUSED",
            Self::OtherRcode(_) => "an unexpected response code",
            Self::Timeout => "no answer",
            Self::Closed => "nobody listens",
            Self::Unreachable => "no route to it from here",
            Self::Malformed => "an answer that cannot be read",
            Self::NotAsked => "not asked: no time was left",
        }
    }

    /// Whether nothing came back.
    pub fn is_silence(self) -> bool {
        matches!(self, Self::Timeout | Self::Closed)
    }
}
