//! The answers of a zone's name servers, each asked directly.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observation::{
    AuthoritySeen, NameServerAddressSeen, NameServerAnswer, NameServerReply, NameServerSeen,
};
use crate::text::printable;
use crate::unix_time::UnixTime;

/// The name servers of the zone that holds a record set, each asked for it
/// without recursion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuthorityReport {
    /// The zone, with its final dot.
    pub zone: String,
    /// The name asked for, after all aliases.
    pub name: String,
    /// The type asked for.
    #[serde(rename = "type")]
    pub rtype: String,
    /// Each address of each name server.
    pub servers: Vec<NameServerReport>,
    /// How many name servers danecheck did not ask.
    pub left_out: usize,
}

/// One address of a name server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameServerReport {
    /// Its name.
    pub name: String,
    /// The address; null if the name server has none.
    pub address: Option<String>,
    /// Its answer over UDP; null if danecheck did not ask it.
    pub udp: Option<NameServerAnswerReport>,
    /// Its answer over TCP.
    pub tcp: Option<NameServerAnswerReport>,
    /// The serial of its SOA record; null if it sends none.
    pub serial: Option<u32>,
    /// Where the chain of trust breaks for its answer; null if it does not
    /// break, or if that is unknown.
    #[serde(default)]
    pub weak_link: Option<String>,
}

/// One answer of a name server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameServerAnswerReport {
    /// `records`, `nodata`, `nxdomain`, `truncated` or `failure`.
    pub answer: String,
    /// What went wrong, if it is a failure.
    pub failure: Option<String>,
    /// The AA bit.
    pub authoritative: bool,
    /// The records in presentation form.
    pub records: Vec<String>,
    /// The TTL that the zone gives them, in seconds.
    pub ttl: Option<u32>,
    /// Whether the answer contains signatures.
    pub signed: bool,
    /// When the last signature over the records ends.
    pub signed_until: Option<UnixTime>,
}

impl AuthorityReport {
    pub(super) fn of(seen: &AuthoritySeen) -> Self {
        let mut servers = Vec::new();
        for server in &seen.servers {
            if server.addresses.is_empty() {
                servers.push(NameServerReport::without_address(server));
            }
            let addresses = server.addresses.iter();
            servers.extend(addresses.map(|address| NameServerReport::of(server, address)));
        }
        Self {
            zone: printable(&seen.zone),
            name: printable(&seen.name),
            rtype: seen.rtype.clone(),
            servers,
            left_out: seen.left_out,
        }
    }
}

impl NameServerReport {
    fn without_address(server: &NameServerSeen) -> Self {
        Self {
            name: printable(&server.name),
            address: None,
            udp: None,
            tcp: None,
            serial: None,
            weak_link: None,
        }
    }

    fn of(server: &NameServerSeen, address: &NameServerAddressSeen) -> Self {
        let answers = address.answers.as_ref();
        Self {
            address: Some(address.address.to_string()),
            udp: answers.map(|answers| NameServerAnswerReport::of(&answers.udp)),
            tcp: answers.map(|answers| NameServerAnswerReport::of(&answers.tcp)),
            serial: answers.and_then(|answers| answers.serial),
            weak_link: answers.and_then(|answers| {
                let link = answers.weak_link.as_ref()?;
                Some(printable(&link.to_string()))
            }),
            ..Self::without_address(server)
        }
    }

    /// `2 records over UDP and TCP, signed until ...; serial 7`.
    pub(super) fn text(&self) -> String {
        let (Some(udp), Some(tcp)) = (&self.udp, &self.tcp) else {
            let why = match self.address {
                Some(_) => "not asked: no public address",
                None => "no address",
            };
            return why.to_owned();
        };
        let mut text = if udp == tcp {
            format!("{} over UDP and TCP{}", udp.what(), udp.signature())
        } else {
            let (one, other) = (udp.signature(), tcp.signature());
            format!(
                "{} over UDP{one}, {} over TCP{other}",
                udp.what(),
                tcp.what()
            )
        };
        if let Some(serial) = self.serial {
            let _ = write!(text, "; serial {serial}");
        }
        if let Some(link) = &self.weak_link {
            let _ = write!(text, "; bogus: {link}");
        }
        text
    }
}

impl NameServerAnswerReport {
    fn of(answer: &NameServerAnswer) -> Self {
        match answer {
            NameServerAnswer::Reply(reply) => Self::of_reply(reply),
            NameServerAnswer::Failed(failure) => Self {
                answer: "failure".to_owned(),
                failure: Some(failure.as_text().to_owned()),
                authoritative: false,
                records: Vec::new(),
                ttl: None,
                signed: false,
                signed_until: None,
            },
        }
    }

    fn of_reply(reply: &NameServerReply) -> Self {
        let answer = match (reply.truncated, reply.records.is_empty(), reply.name_error) {
            (true, ..) => "truncated",
            (_, false, _) => "records",
            (_, true, true) => "nxdomain",
            (_, true, false) => "nodata",
        };
        Self {
            answer: answer.to_owned(),
            failure: None,
            authoritative: reply.authoritative,
            records: reply.records.iter().map(|it| printable(it)).collect(),
            ttl: reply.ttl,
            signed: reply.signed,
            signed_until: reply.signed_until,
        }
    }

    fn what(&self) -> String {
        if let Some(failure) = &self.failure {
            return failure.clone();
        }
        if !self.authoritative {
            return "not authoritative".to_owned();
        }
        match (self.answer.as_str(), self.records.len()) {
            ("records", 1) => "1 record".to_owned(),
            ("records", count) => format!("{count} records"),
            (other, _) => other.to_owned(),
        }
    }

    fn signature(&self) -> String {
        match (self.signed, self.signed_until) {
            // Nothing of it is in there.
            _ if !self.authoritative || self.answer == "truncated" => String::new(),
            (false, _) => ", unsigned".to_owned(),
            (true, None) => ", signed".to_owned(),
            (true, Some(until)) => format!(", signed until {until}"),
        }
    }
}
