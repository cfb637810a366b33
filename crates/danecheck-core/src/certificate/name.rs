//! Host names against certificates: openssl:`X509_check_host` with the flag
//! that Postfix sets, NO_PARTIAL_WILDCARDS (`tls_client.c:add_namechecks`).

use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::x509::Certificate;

/// A name that the server's certificate may be for (RFC 6125 section 6.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReferenceName {
    /// A host name; an address if the text is one (openssl:`SSL_add1_host`).
    Exact(String),
    /// Any name below this domain, at any depth; written without the dot.
    DotSuffix(String),
}

impl ReferenceName {
    /// Reads an item of a Postfix match list: a leading dot means subdomains.
    pub fn parse(item: &str) -> Self {
        match item.strip_prefix('.') {
            Some(domain) => Self::DotSuffix(domain.to_owned()),
            None => Self::Exact(item.to_owned()),
        }
    }

    /// The address as which OpenSSL reads it. `.192.0.2.1` is not one, so
    /// Postfix's `dot-nexthop` gives a DNS name.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Exact(name) => name.parse().ok(),
            Self::DotSuffix(_) => None,
        }
    }
}

impl fmt::Display for ReferenceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::DotSuffix(domain) => write!(f, ".{domain}"),
        }
    }
}

/// Whether the certificate is for this host name (openssl:`do_x509_check`). The
/// common names count only if there is no dNSName.
pub fn matches_host(certificate: &Certificate, name: &ReferenceName) -> bool {
    let reference = name.to_string();
    if certificate.has_dns_san() {
        certificate
            .dns_names()
            .iter()
            .any(|pattern| matches_pattern(pattern, &reference))
    } else {
        certificate
            .subject()
            .common_names()
            .iter()
            .any(|pattern| matches_pattern(pattern, &reference))
    }
}

/// Whether the certificate has this iPAddress (openssl:`X509_check_ip`). A
/// common name does not count as one.
pub fn matches_address(certificate: &Certificate, address: IpAddr) -> bool {
    certificate.ip_addresses().contains(&address)
}

/// Compares one presented name with one reference name
/// (openssl:`equal_wildcard`).
pub fn matches_pattern(pattern: &str, reference: &str) -> bool {
    let pattern = pattern.as_bytes();
    let reference = reference.as_bytes();
    if is_subdomain_reference(reference) {
        // A reference with a leading dot matches `*.x` only as plain text.
        return suffix(pattern, reference.len())
            .is_some_and(|(prefix, end)| !prefix.contains(&0) && same_text(end, reference));
    }
    match pattern.split_first() {
        Some((b'*', rest)) if has_valid_star(pattern) => {
            reference.len() > rest.len()
                && suffix(reference, rest.len()).is_some_and(|(label, end)| {
                    same_text(rest, end)
                        && (label == b"*"
                            || label
                                .iter()
                                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-'))
                })
        }
        _ => same_text(pattern, reference),
    }
}

fn is_subdomain_reference(reference: &[u8]) -> bool {
    reference.len() > 1 && reference.starts_with(b".")
}

fn suffix(octets: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    octets.split_at_checked(octets.len().checked_sub(length)?)
}

/// openssl:`equal_nocase`: a NUL in the pattern matches nothing.
fn same_text(pattern: &[u8], reference: &[u8]) -> bool {
    !pattern.contains(&0) && pattern.eq_ignore_ascii_case(reference)
}

/// openssl:`valid_star` under NO_PARTIAL_WILDCARDS: the star is the whole
/// first label, two dots at least follow, and every label is letters, digits
/// and inner hyphens.
fn has_valid_star(pattern: &[u8]) -> bool {
    let mut labels = pattern.split(|byte| *byte == b'.');
    let rest: Vec<&[u8]> = match labels.next() {
        Some(b"*") => labels.collect(),
        _ => return false,
    };
    rest.len() >= 2
        && rest.iter().all(|label| {
            !label.is_empty()
                && !label.starts_with(b"-")
                && !label.ends_with(b"-")
                && label
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_makes_no_difference() {
        assert!(matches_pattern("MX.Example.TEST", "mx.example.test"));
        assert!(!matches_pattern("mx.example.test.", "mx.example.test"));
        assert!(!matches_pattern("mx.example.test\0", "mx.example.test"));
    }

    #[test]
    fn a_wildcard_matches_exactly_one_label() {
        assert!(matches_pattern("*.ex.test", "a.ex.test"));
        assert!(matches_pattern("*.ex.test", "xn--mller-kva.ex.test"));
        assert!(matches_pattern("*.ex.test", "*.ex.test"));
        assert!(!matches_pattern("*.ex.test", "a.b.ex.test"));
        assert!(!matches_pattern("*.ex.test", "ex.test"));
        assert!(!matches_pattern("*.ex.test", "a_b.ex.test"));
    }

    #[test]
    fn a_wildcard_is_the_whole_leftmost_label() {
        assert!(!matches_pattern("mx*.ex.test", "mx1.ex.test"));
        assert!(!matches_pattern("*mx.ex.test", "amx.ex.test"));
        assert!(!matches_pattern("a.*.ex.test", "a.b.ex.test"));
        assert!(!matches_pattern("*.*.test", "a.b.test"));
    }

    #[test]
    fn a_wildcard_needs_two_dots_behind_it() {
        assert!(!matches_pattern("*.test", "a.test"));
        assert!(!matches_pattern("*", "a"));
        assert!(!matches_pattern("*.ex.", "a.ex."));
    }

    #[test]
    fn a_wildcard_pattern_holds_only_letters_digits_and_inner_hyphens() {
        assert!(matches_pattern("*.e-x.test", "a.e-x.test"));
        assert!(!matches_pattern("*.e_x.test", "a.e_x.test"));
        assert!(!matches_pattern("*.-ex.test", "a.-ex.test"));
        assert!(!matches_pattern("*.ex-.test", "a.ex-.test"));
        assert!(!matches_pattern("*..test", "a..test"));
    }

    #[test]
    fn a_reference_with_a_leading_dot_matches_at_any_depth_but_not_itself() {
        assert!(matches_pattern("mx.ex.test", ".ex.test"));
        assert!(matches_pattern("a.b.EX.test", ".ex.test"));
        assert!(matches_pattern("*.ex.test", ".ex.test"));
        assert!(!matches_pattern("ex.test", ".ex.test"));
        assert!(!matches_pattern("mxex.test", ".ex.test"));
        assert!(!matches_pattern("m\0x.ex.test", ".ex.test"));
    }

    #[test]
    fn only_an_exact_reference_can_be_an_address() {
        assert!(ReferenceName::parse("192.0.2.1").address().is_some());
        assert!(ReferenceName::parse("2001:db8::1").address().is_some());
        assert_eq!(ReferenceName::parse(".192.0.2.1").address(), None);
        assert_eq!(ReferenceName::parse("mx.test").address(), None);
        assert_eq!(ReferenceName::parse(".ex.test").to_string(), ".ex.test");
    }
}
