//! Where a delivery went: the next hop is not always the recipient's domain.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use schemars::JsonSchema;
use serde::Serialize;

use super::reply;

/// How sure a next hop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The recipient's domain: right unless a relay or a transport table says
    /// otherwise.
    Assumed,
    /// A relay, from the host and port that the line names.
    Relay,
    /// What the Postfix of this machine is configured to use.
    Configured,
    /// Postfix names the next hop itself.
    Named,
}

/// The next hop of a delivery, as far as the evidence says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination<'a> {
    /// The next hop, as transport(5) writes it, in lower case.
    pub(super) name: Option<Cow<'a, str>>,
    /// How sure that is.
    pub(super) certainty: Certainty,
    /// The host that was tried; where it is no MX host of the domain, it is a
    /// relay.
    pub(super) host: Option<Cow<'a, str>>,
}

/// A host with its address and port, as Postfix writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Peer<'a> {
    host: &'a str,
    address: Option<&'a str>,
    port: Option<u16>,
}

impl<'a> Destination<'a> {
    /// The next hop that a log or a notice names itself.
    pub(super) fn named(name: &'a str, host: Option<&'a str>) -> Self {
        Self {
            name: Some(clean(name)),
            certainty: Certainty::Named,
            host: host.map(clean),
        }
    }

    /// From the recipient's domain, `relay=` and the text of the delivery.
    pub(super) fn of(domain: Option<&'a str>, relay: Option<&'a str>, text: &'a str) -> Self {
        // Another server's answer names no next hop.
        let text = reply::own(text);
        let of_relay = relay.filter(|relay| *relay != "none").map(Peer::parse);
        if let Some(peer) = of_relay
            && let Some(name) = peer.relay(true)
        {
            return Self {
                name: Some(name.into()),
                certainty: Certainty::Relay,
                host: Some(clean(peer.host)),
            };
        }
        let peer = of_relay
            .filter(|peer| peer.address.is_some())
            .or_else(|| Peer::in_text(text));
        if let Some(name) = peer.and_then(|peer| peer.relay(false)) {
            return Self {
                name: Some(name.into()),
                certainty: Certainty::Relay,
                host: peer.map(|peer| clean(peer.host)),
            };
        }
        let looked_up = looked_up(text);
        if let Some((name, "MX")) = looked_up {
            // The MX lookup is that of the next hop.
            return Self::named(name, None);
        }
        let host = peer
            .map(|peer| peer.host)
            .or(looked_up.map(|(name, _)| name));
        match (domain, host) {
            (None, Some(host)) => Self {
                name: Some(format!("[{}]", clean(host)).into()),
                certainty: Certainty::Relay,
                host: Some(clean(host)),
            },
            _ => Self {
                name: domain.map(clean),
                certainty: Certainty::Assumed,
                host: host.map(clean),
            },
        }
    }
}

fn clean(name: &str) -> Cow<'_, str> {
    lower(name.trim().trim_end_matches('.'))
}

/// The name in lower case, which most are.
pub(super) fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

impl<'a> Peer<'a> {
    /// `HOST[ADDRESS]:PORT`, `HOST:PORT`, `HOST[/run/socket]`.
    fn parse(text: &'a str) -> Self {
        if let Some((host, rest)) = text.split_once('[')
            && let Some((address, rest)) = rest.split_once(']')
        {
            let port = rest
                .strip_prefix(':')
                .map(|rest| {
                    rest.split(|c: char| !c.is_ascii_digit())
                        .next()
                        .unwrap_or(rest)
                })
                .and_then(|port| port.parse().ok());
            return Self {
                host,
                address: Some(address),
                port,
            };
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
            _ => (text, None),
        };
        Self {
            host,
            address: None,
            port,
        }
    }

    /// The host that a text is about.
    fn in_text(text: &'a str) -> Option<Self> {
        for lead in LEADS.iter() {
            let Some((before, rest)) = split(lead, text) else {
                continue;
            };
            if before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                continue;
            }
            let end = rest
                .find(|c: char| c.is_whitespace() || c == ',' || c == '(')
                .unwrap_or(rest.len());
            let word = rest.get(..end)?.trim_end_matches([':', '.', ';']);
            let peer = Self::parse(word);
            let is_host =
                !peer.host.is_empty() && (peer.host.contains(['.', ':']) || peer.address.is_some());
            if is_host {
                return Some(peer);
            }
        }
        None
    }

    /// The next hop, if this is no MX host: a socket, a filter on this machine,
    /// or another port than that of mail between servers. `connected` where
    /// the host is that of `relay=`: an MX record may name any address, and
    /// such a one is only tried.
    fn relay(self, connected: bool) -> Option<String> {
        if let Some(address) = self.address
            && address.contains('/')
        {
            return Some(format!("unix:{address}"));
        }
        let literal: Option<IpAddr> = self.host.parse().ok();
        let is_here = literal.is_some_and(|address| address.is_loopback())
            || self.host.eq_ignore_ascii_case("localhost");
        let port = match self.port {
            None | Some(25) => String::new(),
            Some(port) => format!(":{port}"),
        };
        let is_relay = !port.is_empty() || (connected && self.address.is_some() && is_here);
        is_relay.then(|| format!("[{}]{port}", clean(self.host)))
    }
}

/// Words that each line of a log is searched for: searchers that are built once.
static NAME_SERVICE: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new("Name service error for name="));
static POLICY_LOOKUP: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new("TLS policy lookup "));
static NEXT_HOP: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new("next-hop destination \""));

/// The words before a host, those that say most first.
static LEADS: LazyLock<[Finder<'static>; 6]> = LazyLock::new(|| {
    [
        "lookup error for ",
        "connect to ",
        "by host ",
        "lost connection with ",
        "conversation with ",
        "host ",
    ]
    .map(Finder::new)
});

/// What stands before and after these words.
pub(super) fn split<'t>(words: &Finder<'_>, text: &'t str) -> Option<(&'t str, &'t str)> {
    let at = words.find(text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + words.needle().len()..)?))
}

/// What follows these words.
pub(super) fn after<'t>(words: &Finder<'_>, text: &'t str) -> Option<&'t str> {
    split(words, text).map(|(_, rest)| rest)
}

/// `name=NAME type=TYPE` of a lookup that failed.
fn looked_up(text: &str) -> Option<(&str, &str)> {
    let rest = after(&NAME_SERVICE, text)?;
    let (name, rest) = rest.split_once(" type=")?;
    let end = rest
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(rest.len());
    Some((name, rest.get(..end)?))
}

/// The next hop and the host of `TLS policy lookup for X/HOST: TEXT`, and the
/// text; or the next hop of `next-hop destination "X"`.
pub(super) fn policy_lookup(message: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = split(&POLICY_LOOKUP, message)?;
    if !is_at_begin(before) {
        return None;
    }
    let rest = rest
        .strip_prefix("for ")
        .or_else(|| rest.strip_prefix("error for "))?;
    let (names, text) = rest.split_once(": ")?;
    let (next_hop, host) = names.rsplit_once('/')?;
    Some((next_hop, host, text))
}

/// `X` of `next-hop destination "X"`.
pub(super) fn quoted(message: &str) -> Option<&str> {
    let (before, rest) = split(&NEXT_HOP, message)?;
    // The name of the table may stand before it.
    let table = before.trim_end().trim_end_matches(',');
    let table = table.rsplit_once(": ").map_or(table, |(_, table)| table);
    if table.contains(char::is_whitespace) {
        return None;
    }
    Some(rest.split_once('"')?.0)
}

/// Whether only a queue id and the kind of a message stand before this.
fn is_at_begin(before: &str) -> bool {
    before.split(": ").all(|label| {
        let mut bytes = label.bytes();
        bytes.all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_hop_is_the_relay_where_there_is_one() {
        let domain = Some("a.example");
        for (relay, text, name, certainty) in [
            (
                "none",
                "no TLSA records found",
                "a.example",
                Certainty::Assumed,
            ),
            (
                "mx.a.example[192.0.2.7]:25",
                "x",
                "a.example",
                Certainty::Assumed,
            ),
            (
                "smtp.relay.example[192.0.2.5]:587",
                "x",
                "[smtp.relay.example]:587",
                Certainty::Relay,
            ),
            (
                "127.0.0.1[127.0.0.1]:10024",
                "x",
                "[127.0.0.1]:10024",
                Certainty::Relay,
            ),
            (
                "127.0.0.1[127.0.0.1]:25",
                "x",
                "[127.0.0.1]",
                Certainty::Relay,
            ),
            (
                "localhost[::1]:10025",
                "x",
                "[localhost]:10025",
                Certainty::Relay,
            ),
            (
                "mx[private/dovecot-lmtp]",
                "x",
                "unix:private/dovecot-lmtp",
                Certainty::Relay,
            ),
            (
                "none",
                "TLSA lookup error for smtp.relay.example:587",
                "[smtp.relay.example]:587",
                Certainty::Relay,
            ),
            (
                "none",
                "connect to filter.example[192.0.2.5]:2525: Connection refused",
                "[filter.example]:2525",
                Certainty::Relay,
            ),
            (
                "none",
                "Host or domain name not found. Name service error for name=b.example type=MX: \
                 Host not found, try again",
                "b.example",
                Certainty::Named,
            ),
        ] {
            let destination = Destination::of(domain, Some(relay), text);
            assert_eq!(destination.name.as_deref(), Some(name), "{relay} {text}");
            assert_eq!(destination.certainty, certainty, "{relay} {text}");
        }
    }

    #[test]
    fn the_host_is_kept_for_a_comparison_with_the_mx_record_set() {
        for (relay, text, host) in [
            ("mx.b.example[192.0.2.7]:25", "x", "mx.b.example"),
            (
                "none",
                "TLSA lookup error for mx.b.example:25",
                "mx.b.example",
            ),
            (
                "none",
                "TLS is required, but was not offered by host mx.b.example[192.0.2.7]",
                "mx.b.example",
            ),
            (
                "none",
                "host mx.b.example[192.0.2.7] said: 454 4.7.0 x (in reply to MAIL FROM command)",
                "mx.b.example",
            ),
            (
                "none",
                "Host or domain name not found. Name service error for name=mx.b.example type=A: \
                 Host not found",
                "mx.b.example",
            ),
        ] {
            let destination = Destination::of(Some("a.example"), Some(relay), text);
            assert_eq!(destination.name.as_deref(), Some("a.example"));
            assert_eq!(destination.host.as_deref(), Some(host), "{text}");
        }
    }

    #[test]
    fn postfix_names_the_next_hop_in_its_warnings() {
        assert_eq!(
            policy_lookup(
                "warning: TLS policy lookup for [r.example]:587/mx.a.example: TLSA lookup error \
                 for mx.a.example:25"
            ),
            Some((
                "[r.example]:587",
                "mx.a.example",
                "TLSA lookup error for mx.a.example:25"
            ))
        );
        assert_eq!(
            quoted("smtp_tls_policy_maps, next-hop destination \"a.example\": invalid"),
            Some("a.example")
        );
    }
}
