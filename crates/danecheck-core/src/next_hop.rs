//! What is checked: a next hop, as Postfix's transport(5) writes it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The port of SMTP between mail servers.
pub const SMTP_PORT: u16 = 25;

/// A destination of the Postfix SMTP client.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct NextHop {
    /// The domain or host.
    pub host: NextHopHost,
    /// `[host]`: the host itself, with no MX lookup.
    pub bracketed: bool,
    /// The TCP port; 25 if none was written.
    pub port: u16,
    /// The port as it was written, because `example.com:25` and
    /// `example.com:smtp` are different policy keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_port: Option<String>,
}

/// A next hop from a file, which anyone may have written.
#[derive(Deserialize)]
struct Saved {
    host: NextHopHost,
    bracketed: bool,
    port: u16,
    #[serde(default)]
    written_port: Option<String>,
}

impl TryFrom<Saved> for NextHop {
    type Error = NextHopError;

    fn try_from(saved: Saved) -> Result<Self, NextHopError> {
        let Saved {
            host,
            bracketed,
            port,
            written_port,
        } = saved;
        let next_hop = Self {
            host,
            bracketed,
            port,
            written_port,
        };
        let read: Self = next_hop.to_string().parse()?;
        let as_written = next_hop
            .written_port
            .as_ref()
            .is_none_or(|port| Some(port) == read.written_port.as_ref());
        if as_written
            && (&read.host, read.bracketed, read.port) == (&next_hop.host, bracketed, port)
        {
            Ok(next_hop)
        } else {
            Err(NextHopError::Saved(next_hop.to_string()))
        }
    }
}

/// The name or address of a next hop.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NextHopHost {
    /// A domain or host name in A-labels, lower case, no final dot.
    Name(String),
    /// An address literal; always bracketed.
    Address(IpAddr),
}

/// What is wrong with the text after the colon.
fn port_fault(text: &str) -> String {
    match text {
        "" => "no port stands after the colon: give a number from 1 to 65535, or leave the colon \
               out"
        .to_owned(),
        _ => format!("`{text}` is not a TCP port: give a number from 1 to 65535"),
    }
}

/// Why a text is not a next hop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NextHopError {
    /// Empty after trimming.
    #[error("the target is empty: give a domain such as example.com")]
    Empty,
    /// A bracket is opened but not closed, or closed but not opened.
    #[error("`{0}`: brackets have to enclose the whole host, as in [mail.example.com]:25")]
    Brackets(String),
    /// What follows the colon is not a port.
    #[error("{}", port_fault(.0))]
    Port(String),
    /// The name cannot exist in DNS, or Postfix would not look it up.
    #[error("`{name}` is not a domain name: {why}")]
    Name {
        /// What was given.
        name: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// An address without brackets, which Postfix reads as a domain name.
    #[error("`{text}` is an address: write it in brackets: {in_brackets}")]
    BareAddress {
        /// What was given.
        text: String,
        /// The right form, with the port.
        in_brackets: String,
    },
    /// A mailbox that ends with its `@`.
    #[error("`{0}` has no domain after the @: give one such as example.com")]
    NoDomain(String),
    /// Several next hops in one text.
    #[error("`{0}` is more than one target: give each alone, as example.com")]
    Several(String),
    /// The key of a policy table for all names below a domain.
    #[error(
        "`{text}` is a key of a policy table for all names below {domain}: give one next hop, such \
         as {domain}"
    )]
    Below {
        /// What was given.
        text: String,
        /// The domain in it.
        domain: String,
    },
    /// A URL.
    #[error(
        "`{0}` is a URL: give the next hop alone, such as example.com, or [mail.example.com] for \
         one host"
    )]
    Url(String),
    /// A transport before the next hop, as in a transport table.
    #[error("`{text}` begins with a transport: give the next hop alone: {next_hop}")]
    Transport {
        /// What was given.
        text: String,
        /// What follows the transport.
        next_hop: String,
    },
    /// The parts of a saved one contradict each other.
    #[error("`{0}` is not what its parts say")]
    Saved(String),
}

impl NextHop {
    /// The name, or `None` for an address literal.
    pub fn domain(&self) -> Option<&str> {
        match &self.host {
            NextHopHost::Name(name) => Some(name),
            NextHopHost::Address(_) => None,
        }
    }

    /// The key under which Postfix looks this next hop up in a policy table:
    /// the text itself, brackets and port included (`policy_create` in
    /// Postfix's `smtp_tls_policy.c`).
    pub fn policy_key(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, self.bracketed) {
            (NextHopHost::Name(name), false) => write!(f, "{name}")?,
            (NextHopHost::Name(name), true) => write!(f, "[{name}]")?,
            (NextHopHost::Address(address), _) => write!(f, "[{address}]")?,
        }
        match &self.written_port {
            Some(written) => write!(f, ":{written}"),
            None if self.port == SMTP_PORT => Ok(()),
            None => write!(f, ":{}", self.port),
        }
    }
}

impl FromStr for NextHop {
    type Err = NextHopError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let given = text.trim();
        if given.is_empty() {
            return Err(NextHopError::Empty);
        }
        // A mailbox means its domain; a quoted local part may hold an `@`.
        let text = given.rsplit_once('@').map_or(given, |(_, domain)| domain);
        if text.is_empty() {
            return Err(NextHopError::NoDomain(given.to_owned()));
        }
        if let Some(other) = other_thing(given, text) {
            return Err(other);
        }
        let (host, port, bracketed) = split(text)?;
        let port_text = port;
        let written_port = port.map(str::to_ascii_lowercase);
        let port = port.map_or(Ok(SMTP_PORT), parse_port)?;
        if bracketed && let Some(address) = parse_address(host) {
            return Ok(Self {
                host: NextHopHost::Address(address),
                bracketed,
                port,
                written_port,
            });
        }
        if !bracketed && host.parse::<IpAddr>().is_ok() {
            let port = port_text.map_or_else(String::new, |port| format!(":{port}"));
            return Err(NextHopError::BareAddress {
                text: text.to_owned(),
                in_brackets: format!("[{host}]{port}"),
            });
        }
        Ok(Self {
            host: NextHopHost::Name(domain_name(host)?),
            bracketed,
            port,
            written_port,
        })
    }
}

/// What else a text is that people take for a next hop; `text` is what follows
/// an `@` in it.
fn other_thing(given: &str, text: &str) -> Option<NextHopError> {
    if given.contains("://") {
        return Some(NextHopError::Url(given.to_owned()));
    }
    if text.contains([',', ';']) {
        return Some(NextHopError::Several(given.to_owned()));
    }
    if let Some(next_hop) = after_transport(text) {
        return Some(NextHopError::Transport {
            text: given.to_owned(),
            next_hop: next_hop.to_owned(),
        });
    }
    let below = text.strip_prefix("*.").or_else(|| text.strip_prefix('.'))?;
    let is_domain = domain_name(below).is_ok();
    is_domain.then(|| NextHopError::Below {
        text: given.to_owned(),
        domain: below.to_owned(),
    })
}

/// What follows a transport (`smtp:[mail.example.com]:25`, transport(5)); `None`
/// if there is none. A host without dots before a port is a host.
pub fn after_transport(text: &str) -> Option<&str> {
    let (transport, next_hop) = text.split_once(':')?;
    let is_transport = !transport.is_empty()
        && transport
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let is_next_hop = next_hop.starts_with('[') || next_hop.contains('.');
    (is_transport && is_next_hop && text.parse::<IpAddr>().is_err()).then_some(next_hop)
}

/// Host, port text and whether the host was bracketed.
fn split(text: &str) -> Result<(&str, Option<&str>, bool), NextHopError> {
    let brackets = || NextHopError::Brackets(text.to_owned());
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(brackets)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port), true)),
            None if rest.is_empty() => Ok((host, None, true)),
            None => Err(brackets()),
        };
    }
    if text.contains(['[', ']']) {
        return Err(brackets());
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(NextHopError::BareAddress {
            text: text.to_owned(),
            in_brackets: format!("[{text}]"),
        });
    }
    Ok(match text.split_once(':') {
        Some((host, port)) => (host, Some(port), false),
        None => (text, None, false),
    })
}

fn parse_port(text: &str) -> Result<u16, NextHopError> {
    // Postfix asks services(5); these are the names that mail uses.
    match text.to_ascii_lowercase().as_str() {
        "smtp" => return Ok(SMTP_PORT),
        "submission" => return Ok(587),
        _ => {}
    }
    Some(text)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .filter(|port| *port != 0)
        .ok_or_else(|| NextHopError::Port(text.to_owned()))
}

/// `192.0.2.1`, `2001:db8::1` or RFC 5321's `IPv6:2001:db8::1`.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = match text.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => text.get(5..)?,
        _ => text,
    };
    bare.parse().ok()
}

/// A name in A-labels, lower case, without the final dot.
fn domain_name(text: &str) -> Result<String, NextHopError> {
    let refuse = |why| NextHopError::Name {
        name: text.to_owned(),
        why,
    };
    let text = text.strip_suffix('.').unwrap_or(text);
    let ascii = if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii(text).map_err(|_| refuse("it cannot be written in A-labels"))?
    };
    host_name_fault(&ascii).map_or(Ok(ascii), |why| Err(refuse(why)))
}

/// What is wrong with a host name, after Postfix's `valid_hostname`.
pub fn host_name_fault(name: &str) -> Option<&'static str> {
    name_fault(name, false)
}

/// What is wrong with a name that DNS is asked for or that an MX record has;
/// `None` if Postfix would look it up (`dns_lookup_x` and `valid_rr_name`, with
/// `DO_WILDCARD`): the first label may be a `*`.
pub fn lookup_name_fault(name: &str) -> Option<&'static str> {
    name_fault(name, true)
}

fn name_fault(name: &str, may_be_wildcard: bool) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it is empty");
    }
    if name.len() > 253 {
        return Some("it is longer than 253 characters");
    }
    for (at, label) in name.split('.').enumerate() {
        if may_be_wildcard && at == 0 && label == "*" {
            continue;
        }
        if label.is_empty() {
            return Some("a label between two dots is empty");
        }
        if label.len() > 63 {
            return Some("a label is longer than 63 characters");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Some("a label begins or ends with a hyphen");
        }
        if !label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        {
            return Some("only letters, digits, hyphens, underscores and dots may occur");
        }
    }
    if name
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return Some("it is all digits");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> NextHop {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_is_read_and_written_as_postfix_has_it() {
        for (given, key) in [
            ("example.com", "example.com"),
            ("Example.COM.", "example.com"),
            ("user@example.com", "example.com"),
            ("\"a@b\"@example.com", "example.com"),
            ("example.com:2525", "example.com:2525"),
            ("[mail.example.com]", "[mail.example.com]"),
            ("example.com:25", "example.com:25"),
            ("Example.com:SMTP", "example.com:smtp"),
            (
                "[mail.example.com]:submission",
                "[mail.example.com]:submission",
            ),
            ("[192.0.2.1]:26", "[192.0.2.1]:26"),
            ("[IPv6:2001:db8::1]", "[2001:db8::1]"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("_dmarc.example.com", "_dmarc.example.com"),
        ] {
            assert_eq!(parse(given).policy_key(), key, "{given}");
        }
    }

    #[test]
    fn a_next_hop_saved_before_its_port_text_was_kept_is_read() {
        let saved = r#"{"host":{"name":"example.com"},"bracketed":false,"port":26}"#;
        let read: NextHop = serde_json::from_str(saved).unwrap();
        assert_eq!(read.policy_key(), "example.com:26");
        assert_eq!(parse("example.com").written_port, None);
    }

    #[test]
    fn an_address_literal_has_no_domain() {
        assert_eq!(parse("[192.0.2.1]").domain(), None);
        assert_eq!(
            parse("[mail.example.com]").domain(),
            Some("mail.example.com")
        );
    }

    #[test]
    fn an_error_says_what_the_text_is_and_the_right_form() {
        for (given, said) in [
            ("https://example.com/", "is a URL: give the next hop alone"),
            ("smtp://mail.example.com:25", "is a URL"),
            ("mx://u@example.com", "is a URL"),
            ("smtp:[mail.example.com]:25", "alone: [mail.example.com]:25"),
            ("relay:example.com:587", "alone: example.com:587"),
            ("my-smtp:example.com", "alone: example.com"),
            (".example.com", "all names below example.com"),
            ("*.example.com", "such as example.com"),
            ("user@.example.com", "such as example.com"),
            ("example.com,example.net", "more than one target"),
            ("example.com; example.net", "more than one target"),
            ("a@example.com,", "more than one target"),
            ("192.0.2.1:26", "in brackets: [192.0.2.1]:26"),
            ("192.0.2.1", "in brackets: [192.0.2.1]"),
            ("2001:db8::1", "in brackets: [2001:db8::1]"),
            ("user@", "`user@` has no domain after the @"),
        ] {
            let error = given.parse::<NextHop>().unwrap_err().to_string();
            assert!(error.contains(said), "{given}: {error}");
        }
        // Hosts before a port, and no transports.
        for given in ["smtp:25", "relay:submission", "localhost:2525"] {
            assert_eq!(parse(given).policy_key(), given);
        }
    }

    #[test]
    fn what_is_no_next_hop_is_refused_with_the_reason() {
        for bad in [
            "",
            "  ",
            "[mail.example.com",
            "mail]",
            "a[b]",
            "example.com:0",
            "example.com:99999",
            "example.com:x",
            "example.com:+25",
            "example.com:",
            "192.0.2.1",
            "2001:db8::1",
            "exa mple.com",
            "a..b",
            "-a.example",
            "a-.example",
            ".example.com",
            "example.com..",
            "1.2.3",
            "ex\u{7}ample.com",
            "user@",
        ] {
            let error = bad.parse::<NextHop>().unwrap_err().to_string();
            assert!(!error.is_empty(), "{bad}");
        }
        assert!(
            format!("{}.example", "a".repeat(64))
                .parse::<NextHop>()
                .is_err()
        );
        assert!("a.".repeat(130).parse::<NextHop>().is_err());
    }
}
