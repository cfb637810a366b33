//! What people type and paste for a target, and how it is read.

use std::net::IpAddr;

use danecheck_core::next_hop::{NextHop, NextHopError, after_transport};

/// Reads a target as a person gives it: a next hop, also out of a URL, a mailbox
/// with its name, or the line of a transport table. What may mean several
/// things is an error.
pub(super) fn next_hop(text: &str) -> Result<NextHop, NextHopError> {
    bare(text).parse()
}

/// The targets of one argument: a list with commas or semicolons is one target
/// each.
pub(super) fn several(argument: &str) -> Vec<String> {
    let parts: Vec<&str> = argument
        .split([',', ';'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    // Other commas are part of something else, such as a quoted name.
    let is_list = !argument.contains('"') && parts.iter().all(|part| part.contains(['.', '[']));
    if is_list && argument.contains([',', ';']) && !parts.is_empty() {
        parts.into_iter().map(str::to_owned).collect()
    } else {
        vec![argument.to_owned()]
    }
}

/// Reads a name of DNS as a person gives it, also out of a URL or a mailbox. An
/// address is an error that has its name.
pub(super) fn dns_name(text: &str) -> Result<&str, String> {
    let bare = bare(text);
    let name = bare.rsplit_once('@').map_or(bare, |(_, domain)| domain);
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    match address {
        Ok(address) => Err(format!(
            "`{name}` is an address: the name of its PTR record is {}",
            reverse(address)
        )),
        Err(_) => Ok(name),
    }
}

/// The name below which an address has its PTR record (RFC 1035 section 3.5, RFC
/// 3596 section 2.5).
fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let octets = address.octets().into_iter().rev();
            let nibbles = octets.flat_map(|octet| [octet & 15, octet >> 4]);
            let labels: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            format!("{}.ip6.arpa", labels.join("."))
        }
    }
}

/// The text without what people have around a next hop.
fn bare(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}').trim();
    let text = unquoted(text);
    // `Name <user@example.com>`
    let text = match text
        .strip_suffix('>')
        .and_then(|text| text.rsplit_once('<'))
    {
        Some((_, inner)) => inner,
        None => text,
    };
    let text = match without_scheme(text, "mailto:") {
        Some(mailbox) => mailbox.split('?').next().unwrap_or(mailbox),
        None => text,
    };
    for scheme in ["https://", "http://"] {
        if let Some(rest) = without_scheme(text, scheme) {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            // The port is that of a web server.
            return match authority.rsplit_once(':') {
                Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
                _ => authority,
            };
        }
    }
    if text.contains("://") {
        return text;
    }
    let text = after_transport(text).unwrap_or(text);
    text.trim_end_matches('/')
}

/// Without a pair of quotes around all of it.
fn unquoted(text: &str) -> &str {
    ['"', '\'', '`'].into_iter().fold(text, |text, quote| {
        let inner = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        inner.unwrap_or(text)
    })
}

fn without_scheme<'t>(text: &'t str, scheme: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_is_read() {
        for (given, target) in [
            ("example.com", "example.com"),
            ("https://example.com/", "example.com"),
            ("HTTP://Example.com:8080/a?b#c", "example.com"),
            ("https://me@b\u{fc}cher.example/x", "xn--bcher-kva.example"),
            ("https://[2001:db8::1]/", "[2001:db8::1]"),
            ("example.com/", "example.com"),
            ("<user@example.com>", "example.com"),
            ("Some One <user@example.com>", "example.com"),
            ("\"One, Some\" <user@example.com>", "example.com"),
            ("mailto:user@example.com?subject=x", "example.com"),
            ("smtp:[mail.example.com]:25", "[mail.example.com]:25"),
            ("relay:example.com:587", "example.com:587"),
            ("smtp:[192.0.2.1]", "[192.0.2.1]"),
            ("\u{feff}example.com", "example.com"),
            ("\"example.com\"", "example.com"),
            ("'[mail.example.com]:587'", "[mail.example.com]:587"),
            ("`example.com`", "example.com"),
            ("\"a@b\"@example.com", "example.com"),
        ] {
            let read = next_hop(given).map(|next_hop| next_hop.to_string());
            assert_eq!(read.as_deref(), Ok(target), "{given}");
        }
        for given in [
            ".example.com",
            "*.example.com",
            "smtp://mail.example.com:25",
            "example.com,example.net",
            "https://",
            "<>",
            "example.com/24",
            "exa mple.com",
        ] {
            assert!(next_hop(given).is_err(), "{given}");
        }
    }

    #[test]
    fn a_list_is_its_targets() {
        for (argument, targets) in [
            ("example.com", &["example.com"][..]),
            ("example.com,example.net", &["example.com", "example.net"]),
            ("example.com, example.net,", &["example.com", "example.net"]),
            (
                "[mx.example.com];user@example.net",
                &["[mx.example.com]", "user@example.net"],
            ),
            (
                "\"One, Some\" <user@example.com>",
                &["\"One, Some\" <user@example.com>"],
            ),
            (
                "One, Some <user@example.com>",
                &["One, Some <user@example.com>"],
            ),
            (",", &[","]),
            ("-", &["-"]),
        ] {
            assert_eq!(several(argument), targets, "{argument}");
        }
    }
}
