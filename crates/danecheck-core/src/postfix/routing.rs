//! Where the Postfix of this machine sends mail for a domain: `transport_maps`,
//! `sender_dependent_relayhost_maps`, `relayhost` (`resolve_addr` in Postfix's
//! `resolve.c`, `transport_lookup` in its `transport.c`).

use std::collections::{BTreeMap, BTreeSet};

/// The key for the null sender
/// (`empty_address_relayhost_maps_lookup_key`).
const NULL_SENDER: &str = "<>";

/// Transports that deliver elsewhere than to a next hop of SMTP.
const OTHER: &[&str] = &[
    "bounce", "defer", "discard", "error", "local", "maildrop", "pipe", "procmail", "retry",
    "uucp", "virtual",
];

/// Mail for one domain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// The recipient's domain.
    pub domain: String,
    /// Recipients in it, as far as they are known.
    pub recipients: Vec<String>,
    /// Senders, as far as they are known; an empty one is the null sender.
    pub senders: Vec<String>,
    /// There are more senders than these.
    pub more_senders: bool,
}

/// Its parameters and the answers of its tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// `transport_maps`, in their order.
    pub transport_maps: Vec<RoutingTable>,
    /// `sender_dependent_relayhost_maps`, in their order.
    pub relayhost_maps: Vec<RoutingTable>,
    /// `relayhost`; empty for none.
    pub relayhost: String,
    /// `default_transport`, such as `smtp` or `smtp:[gateway.example]`.
    pub default_transport: String,
}

/// A table and what it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutingTable {
    /// `hash:/etc/postfix/transport`.
    pub name: String,
    /// The values by their keys; `None` if it could not be asked.
    pub answers: Option<BTreeMap<String, String>>,
}

/// Where mail goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To this next hop, as transport(5) writes it; `unix:PATH` for a socket.
    To(String),
    /// It cannot be said, or differs from mail to mail.
    NotKnown,
}

impl RoutingTable {
    /// A table that was not asked yet.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            answers: None,
        }
    }

    /// Whether it is asked for whole addresses alone, as patterns are
    /// (`DICT_FLAG_PATTERN`).
    fn has_patterns(&self) -> bool {
        let kind = self.name.strip_prefix("proxy:").unwrap_or(&self.name);
        ["regexp:", "pcre:", "cidr:"]
            .iter()
            .any(|pattern| kind.starts_with(pattern))
    }

    fn get(&self, key: &str) -> Result<Option<&str>, NotAnswered> {
        let answers = self.answers.as_ref().ok_or(NotAnswered)?;
        Ok(answers.get(key).map(String::as_str))
    }
}

/// A table could not be asked.
struct NotAnswered;

/// What is asked for in a table, in order: whether also where it has patterns.
struct Key {
    text: String,
    is_address: bool,
}

impl Routing {
    /// Every key that these tables may be asked for, table by table.
    pub fn keys(&self, mails: &[Mail]) -> Vec<(String, BTreeSet<String>)> {
        let of_transport = |mail: &Mail| {
            let recipients = mail.recipients.iter();
            let all =
                recipients.flat_map(|recipient| transport_keys(&mail.domain, Some(recipient)));
            all.chain(transport_keys(&mail.domain, None)).collect()
        };
        let of_sender = |mail: &Mail| mail.senders.iter().flat_map(|it| sender_keys(it)).collect();
        let asked = |tables: &[RoutingTable], keys: &dyn Fn(&Mail) -> Vec<Key>| {
            let mut asked = Vec::new();
            for table in tables {
                let all = mails.iter().flat_map(keys);
                let all = all.filter(|key| key.is_address || !table.has_patterns());
                asked.push((table.name.clone(), all.map(|key| key.text).collect()));
            }
            asked
        };
        let mut all = asked(&self.transport_maps, &of_transport);
        all.extend(asked(&self.relayhost_maps, &of_sender));
        all
    }

    /// Where this mail goes.
    pub fn route(&self, mail: &Mail) -> Route {
        self.every(mail).unwrap_or(Route::NotKnown)
    }

    /// The one place to which all of it goes.
    fn every(&self, mail: &Mail) -> Result<Route, NotAnswered> {
        let known = mail.recipients.iter().map(|it| Some(it.as_str()));
        let recipients: Vec<Option<&str>> = match mail.recipients.is_empty() {
            true => vec![None],
            false => known.collect(),
        };
        let mut found: Option<Route> = None;
        for recipient in recipients {
            let route = self.one(mail, recipient)?;
            if found.as_ref().is_some_and(|other| *other != route) {
                return Ok(Route::NotKnown);
            }
            found = Some(route);
        }
        Ok(found.unwrap_or(Route::NotKnown))
    }

    fn one(&self, mail: &Mail, recipient: Option<&str>) -> Result<Route, NotAnswered> {
        for key in transport_keys(&mail.domain, recipient) {
            for table in &self.transport_maps {
                if table.has_patterns() && !key.is_address {
                    continue;
                }
                if let Some(value) = table.get(&key.text)? {
                    let (transport, next_hop) = value.split_once(':').unwrap_or((value, ""));
                    let (transport, next_hop) = (transport.trim(), next_hop.trim());
                    return Ok(match (transport, next_hop) {
                        ("", "") => return self.by_default(mail),
                        (transport, _) if OTHER.contains(&transport) => Route::NotKnown,
                        (_, "") => to(&mail.domain),
                        (_, next_hop) => to(next_hop),
                    });
                }
            }
        }
        self.by_default(mail)
    }

    fn by_default(&self, mail: &Mail) -> Result<Route, NotAnswered> {
        let default = self.default_transport.split_once(':');
        if let Some((_, next_hop)) = default
            && !next_hop.is_empty()
        {
            return Ok(to(next_hop));
        }
        let fallback = match self.relayhost.is_empty() {
            true => to(&mail.domain),
            false => to(&self.relayhost),
        };
        if self.relayhost_maps.is_empty() {
            return Ok(fallback);
        }
        let mut found: Option<Route> = None;
        for sender in &mail.senders {
            let route = self.of_sender(sender)?.unwrap_or_else(|| fallback.clone());
            if found.as_ref().is_some_and(|other| *other != route) {
                return Ok(Route::NotKnown);
            }
            found = Some(route);
        }
        // The table asks for the sender, which the evidence may not name.
        Ok(found
            .filter(|_| !mail.more_senders)
            .unwrap_or(Route::NotKnown))
    }

    fn of_sender(&self, sender: &str) -> Result<Option<Route>, NotAnswered> {
        for key in sender_keys(sender) {
            for table in &self.relayhost_maps {
                if table.has_patterns() && !key.is_address {
                    continue;
                }
                if let Some(value) = table.get(&key.text)? {
                    let is_nothing = value.trim().eq_ignore_ascii_case("dunno");
                    return Ok((!is_nothing).then(|| to(value)));
                }
            }
        }
        Ok(None)
    }
}

/// The first of several destinations, in lower case.
fn to(next_hop: &str) -> Route {
    let first = next_hop
        .split([',', ' ', '\t'])
        .find(|part| !part.is_empty());
    match first {
        None => Route::NotKnown,
        Some(socket) if socket.starts_with("unix:") => Route::To(socket.to_owned()),
        Some(first) => {
            let first = first.strip_prefix("inet:").unwrap_or(first);
            Route::To(first.to_ascii_lowercase())
        }
    }
}

/// `user@domain`, `domain`, `.parent`, ..., `*`.
fn transport_keys(domain: &str, recipient: Option<&str>) -> Vec<Key> {
    let key = |text: &str, is_address| Key {
        text: text.to_ascii_lowercase(),
        is_address,
    };
    let mut keys = Vec::new();
    if let Some(recipient) = recipient {
        keys.push(key(recipient, true));
    }
    keys.push(key(domain, false));
    let mut rest = domain;
    while let Some((_, parent)) = rest.split_once('.') {
        if !parent.is_empty() {
            keys.push(key(&format!(".{parent}"), false));
        }
        rest = parent;
    }
    keys.push(key("*", false));
    keys
}

/// `user@domain`, `@domain`.
fn sender_keys(sender: &str) -> Vec<Key> {
    let key = |text: &str, is_address| Key {
        text: text.to_ascii_lowercase(),
        is_address,
    };
    if sender.is_empty() {
        return vec![key(NULL_SENDER, true)];
    }
    let mut keys = vec![key(sender, true)];
    if let Some((_, domain)) = sender.rsplit_once('@') {
        keys.push(key(&format!("@{domain}"), false));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, pairs: &[(&str, &str)]) -> RoutingTable {
        let pairs = pairs.iter();
        RoutingTable {
            name: name.to_owned(),
            answers: Some(
                pairs
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect(),
            ),
        }
    }

    fn mail(recipients: &[&str], senders: &[&str]) -> Mail {
        let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
        Mail {
            domain: "sub.a.example".to_owned(),
            recipients: owned(recipients),
            senders: owned(senders),
            more_senders: false,
        }
    }

    #[test]
    fn the_most_exact_key_of_transport_maps_decides() {
        let user = mail(&["u@sub.a.example"], &[]);
        for (pairs, next_hop) in [
            (&[][..], "sub.a.example"),
            (&[("*", "smtp:[all.example]")], "[all.example]"),
            (
                &[(".example", "smtp:[tld.example]:26"), ("*", "smtp:x")],
                "[tld.example]:26",
            ),
            (
                &[(".a.example", "relay:[a.example]"), (".example", "smtp:x")],
                "[a.example]",
            ),
            (
                &[
                    ("sub.a.example", ":[own.example]"),
                    (".a.example", "smtp:x"),
                ],
                "[own.example]",
            ),
            (
                &[
                    ("u@sub.a.example", "smtp:[U.example]"),
                    ("sub.a.example", "smtp:x"),
                ],
                "[u.example]",
            ),
            // No parent domain without the dot.
            (&[("a.example", "smtp:x")], "sub.a.example"),
            // A transport alone, and several destinations.
            (&[("sub.a.example", "slow:")], "sub.a.example"),
            (
                &[("sub.a.example", "smtp:[one.example], [two.example]")],
                "[one.example]",
            ),
            (
                &[("sub.a.example", "lmtp:unix:private/dovecot")],
                "unix:private/dovecot",
            ),
            (
                &[("sub.a.example", "lmtp:inet:[127.0.0.1]:24")],
                "[127.0.0.1]:24",
            ),
        ] {
            let routing = Routing {
                transport_maps: vec![table("hash:/t", pairs)],
                default_transport: "smtp".to_owned(),
                ..Routing::default()
            };
            assert_eq!(
                routing.route(&user),
                Route::To(next_hop.to_owned()),
                "{pairs:?}"
            );
        }
        for value in ["error:no", "local:", "discard:"] {
            let routing = Routing {
                transport_maps: vec![table("hash:/t", &[("sub.a.example", value)])],
                ..Routing::default()
            };
            assert_eq!(routing.route(&user), Route::NotKnown, "{value}");
        }
    }

    #[test]
    fn relays_count_where_no_transport_says_otherwise() {
        let of = |map: Option<&[(&str, &str)]>, relayhost: &str, transport: &str| Routing {
            transport_maps: vec![table("hash:/t", &[("*", transport)])],
            relayhost_maps: map
                .map(|pairs| table("hash:/s", pairs))
                .into_iter()
                .collect(),
            relayhost: relayhost.to_owned(),
            default_transport: "smtp".to_owned(),
        };
        let map: &[(&str, &str)] = &[
            ("a@x.example", "[a.relay]:587"),
            ("@y.example", "[y.relay]"),
            ("d@y.example", "DUNNO"),
            ("<>", "[null.relay]"),
        ];
        for (routing, senders, next_hop) in [
            (
                of(None, "[r.example]:587", ":"),
                &["a@x.example"][..],
                Some("[r.example]:587"),
            ),
            (of(None, "r.example", ":"), &[], Some("r.example")),
            (
                of(Some(map), "[r.example]", ":"),
                &["A@x.example"],
                Some("[a.relay]:587"),
            ),
            (
                of(Some(map), "[r.example]", ":"),
                &["b@y.example"],
                Some("[y.relay]"),
            ),
            (
                of(Some(map), "[r.example]", ":"),
                &["d@y.example"],
                Some("[r.example]"),
            ),
            (
                of(Some(map), "[r.example]", ":"),
                &["z@z.example"],
                Some("[r.example]"),
            ),
            (
                of(Some(map), "", ":"),
                &["z@z.example"],
                Some("sub.a.example"),
            ),
            (of(Some(map), "", ":"), &[""], Some("[null.relay]")),
            // A transport with a next hop wins, and one without too.
            (
                of(Some(map), "[r.example]", ":[t.example]"),
                &["b@y.example"],
                Some("[t.example]"),
            ),
            (
                of(Some(map), "[r.example]", "smtp:"),
                &["b@y.example"],
                Some("sub.a.example"),
            ),
            // Senders that differ, or are not known.
            (
                of(Some(map), "", ":"),
                &["a@x.example", "b@y.example"],
                None,
            ),
            (of(Some(map), "[r.example]", ":"), &[], None),
        ] {
            let expected = next_hop.map_or(Route::NotKnown, |it| Route::To(it.to_owned()));
            assert_eq!(
                routing.route(&mail(&[], senders)),
                expected,
                "{routing:?} {senders:?}"
            );
        }
        let many = Mail {
            more_senders: true,
            ..mail(&[], &["b@y.example"])
        };
        assert_eq!(of(Some(map), "", ":").route(&many), Route::NotKnown);
        let gateway = Routing {
            default_transport: "smtp:[gateway.example]".to_owned(),
            relayhost: "[r.example]".to_owned(),
            ..Routing::default()
        };
        let route = gateway.route(&mail(&[], &[]));
        assert_eq!(route, Route::To("[gateway.example]".to_owned()));
    }

    #[test]
    fn patterns_are_asked_for_addresses_and_a_table_that_fails_says_nothing() {
        let routing = Routing {
            transport_maps: vec![
                RoutingTable::new("proxy:pcre:/t"),
                RoutingTable::new("hash:/t"),
            ],
            relayhost_maps: vec![RoutingTable::new("regexp:/s")],
            ..Routing::default()
        };
        let one = mail(&["U@sub.a.example"], &["a@x.example"]);
        let asked = routing.keys(std::slice::from_ref(&one));
        let keys: Vec<Vec<&str>> = asked
            .iter()
            .map(|(_, keys)| keys.iter().map(String::as_str).collect())
            .collect();
        assert_eq!(keys[0], ["u@sub.a.example"]);
        assert_eq!(
            keys[1],
            [
                "*",
                ".a.example",
                ".example",
                "sub.a.example",
                "u@sub.a.example"
            ]
        );
        assert_eq!(keys[2], ["a@x.example"]);
        assert_eq!(routing.route(&one), Route::NotKnown);
    }
}
