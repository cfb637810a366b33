//! One override of a file, and the next hops that it can match.

use crate::entry::Note;
use crate::next_hop::{NextHop, host_name_fault};

/// What some editors write before a text. Postfix takes it for a part of the
/// first name.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// One override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its first line, or its place in a list; from 1.
    pub line: usize,
    /// mailcow's id.
    pub id: Option<u64>,
    /// What it is for, in lower case.
    pub key: String,
    /// Level and attributes.
    pub value: String,
    /// What danecheck's comment says.
    pub note: Option<Note>,
    /// The next hops for which it counts.
    pub place: Place,
}

/// The next hops for which an override counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This one.
    NextHop(NextHop),
    /// All names below this one that have no line of their own
    /// (`tls_policy_lookup` in Postfix's `smtp_tls_policy.c`).
    Below(String),
    /// None: why, and the next hop that was probably meant.
    Nowhere {
        /// Why.
        why: String,
        /// What was probably meant.
        meant: Option<NextHop>,
    },
    /// None, or a table that cannot be read: another line has the same key.
    Shadowed {
        /// That line.
        line: usize,
    },
    /// None: it is switched off.
    Off,
}

/// The next hops that a key matches. Postfix asks for the next hop as it is
/// written, brackets and port included, in lower case.
pub(super) fn place(key: &str, value: &str) -> Place {
    let nowhere = |why: &str, meant: Option<NextHop>| Place::Nowhere {
        why: why.to_owned(),
        meant,
    };
    if value.is_empty() {
        return nowhere(
            "the line has no value: Postfix ignores it",
            key.parse().ok(),
        );
    }
    if let Some(rest) = key.strip_prefix(BYTE_ORDER_MARK) {
        return nowhere(
            "the file begins with a byte order mark, which Postfix takes for a part of the name: \
             save it without",
            rest.parse().ok(),
        );
    }
    if key.starts_with('/') || key.starts_with("!/") {
        return nowhere(
            "it is a pattern of a pcre: or regexp: table, which danecheck does not read",
            None,
        );
    }
    if let Some((_, domain)) = key.rsplit_once('@') {
        return nowhere(
            "Postfix asks for the domain of an address, never for the address",
            domain.parse().ok(),
        );
    }
    if let Some(parent) = key.strip_prefix('.') {
        return match host_name_fault(parent) {
            None => Place::Below(parent.to_owned()),
            Some(why) => nowhere(&format!("it is not a domain: {why}"), None),
        };
    }
    if let Some(parent) = key.strip_prefix("*.") {
        return nowhere(
            &format!("wildcards do not work here: for all names below, Postfix asks for .{parent}"),
            None,
        );
    }
    if let Some(bare) = key.strip_suffix('.') {
        return nowhere(
            "Postfix asks for the name without the final dot",
            bare.parse().ok(),
        );
    }
    match key.parse::<NextHop>() {
        Ok(meant) if !key.is_ascii() => nowhere(
            &format!("it has to be written in A-labels: {}", meant.policy_key()),
            Some(meant),
        ),
        Ok(next_hop) => Place::NextHop(next_hop),
        Err(error) => nowhere(
            &format!("it is not a next hop: {error}"),
            format!("[{key}]").parse().ok(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_for_next_hops_as_postfix_asks_for_them() {
        for key in [
            "example.com",
            "[mail.example.com]",
            "[192.0.2.1]:25",
            "example.com:submission",
            "[ipv6:2001:db8::1]",
        ] {
            let found = place(key, "may");
            assert!(matches!(found, Place::NextHop(_)), "{key}: {found:?}");
        }
        assert_eq!(
            place(".example.com", "may"),
            Place::Below("example.com".into())
        );
    }

    #[test]
    fn keys_that_nobody_asks_for_are_told_with_what_may_be_meant() {
        for (key, meant) in [
            ("user@example.com", Some("example.com")),
            ("example.com.", Some("example.com")),
            ("192.0.2.1", Some("[192.0.2.1]")),
            ("2001:db8::1", Some("[2001:db8::1]")),
            ("b\u{fc}cher.example", Some("xn--bcher-kva.example")),
            ("*.example.com", None),
            ("/^example\\.com$/", None),
            ("..", None),
            ("\"quoted", None),
        ] {
            let Place::Nowhere { meant: found, .. } = place(key, "may") else {
                panic!("{key}");
            };
            let found = found.map(|next_hop| next_hop.policy_key());
            assert_eq!(found.as_deref(), meant, "{key}");
        }
        let no_value = place("example.com", "");
        assert!(matches!(no_value, Place::Nowhere { meant: Some(_), .. }));
    }
}
