//! Whether a name is in a subtree of name constraints, for each kind of name:
//! OpenSSL's `nc_match_single` and what it calls (`v3_ncons.c`).

use super::failure::VerificationError as E;

/// `nc_dns`: labels may be added on the left; a base with a leading dot needs
/// at least one.
pub(super) fn dns_within(name: &[u8], base: &[u8]) -> bool {
    ends_with(name, base) && ends_with_labels(name, base)
}

/// Whether a text ends with another, in whatever case.
fn ends_with(text: &[u8], end: &[u8]) -> bool {
    let place = text.len().checked_sub(end.len());
    place
        .and_then(|place| text.get(place..))
        .is_some_and(|own| own.eq_ignore_ascii_case(end))
}

/// Whether a base, with which a name ends, begins at the start of a label; an
/// empty base matches every name.
pub(super) fn ends_with_labels(name: &[u8], base: &[u8]) -> bool {
    let before = name.get(..name.len().saturating_sub(base.len()));
    before.is_none_or(|before| {
        base.is_empty() || before.is_empty() || base.starts_with(b".") || before.ends_with(b".")
    })
}

/// `nc_ip`: the base is an address and a mask.
pub(super) fn address_within(address: &[u8], base: &[u8]) -> Result<bool, E> {
    if !matches!(base.len(), 8 | 32) || !matches!(address.len(), 4 | 16) {
        return Err(E::UnsupportedNameSyntax);
    }
    let (network, mask) = base.split_at(base.len() / 2);
    Ok(address.len() == network.len()
        && address
            .iter()
            .zip(network)
            .zip(mask)
            .all(|((own, net), mask)| (own ^ net) & mask == 0))
}

/// The parts of a mailbox around its last `@`.
fn mailbox(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|octet| *octet == b'@')?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// `nc_email`: a mailbox, a host, or with a leading dot all hosts of a domain.
pub(super) fn email_within(name: &[u8], base: &[u8]) -> Result<bool, E> {
    let (local, host) = mailbox(name).ok_or(E::UnsupportedNameSyntax)?;
    match mailbox(base) {
        None if base.starts_with(b".") => Ok(name.len() > base.len() && ends_with(name, base)),
        None => Ok(base.eq_ignore_ascii_case(host)),
        Some((base_local, base_host)) => {
            if !base_local.is_empty() {
                if base_local.len() != local.len() {
                    return Ok(false);
                }
                if base_local.contains(&0) || local.contains(&0) {
                    return Err(E::UnsupportedNameSyntax);
                }
                if base_local != local {
                    return Ok(false);
                }
            }
            Ok(base_host.eq_ignore_ascii_case(host))
        }
    }
}

/// `nc_email_eai`: a host, or with a leading dot all hosts of a domain.
pub(super) fn international_within(name: Option<&[u8]>, base: &[u8]) -> Result<bool, E> {
    let name = name.filter(|_| !base.contains(&0));
    let (_, host) = name.and_then(mailbox).ok_or(E::UnsupportedNameSyntax)?;
    let base = String::from_utf8_lossy(base);
    let (base, _) = idna::domain_to_unicode(&base);
    if base.starts_with('.') {
        let name = name.unwrap_or_default();
        return Ok(name.len() > base.len() && ends_with(name, base.as_bytes()));
    }
    Ok(base.as_bytes().eq_ignore_ascii_case(host))
}

/// `nc_uri`: the host part of a URI, which ends at a colon, or else at a slash.
pub(super) fn uri_within(name: &[u8], base: &[u8]) -> Result<bool, E> {
    let until = |text: &[u8], end: u8| text.iter().position(|octet| *octet == end);
    let rest = until(name, b':')
        .and_then(|colon| name.get(colon + 1..))
        .and_then(|rest| rest.strip_prefix(b"//"))
        .ok_or(E::UnsupportedNameSyntax)?;
    let end = until(rest, b':').or_else(|| until(rest, b'/'));
    let host = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    if host.is_empty() {
        return Err(E::UnsupportedNameSyntax);
    }
    Ok(if base.starts_with(b".") {
        host.len() > base.len() && ends_with(host, base)
    } else {
        base.eq_ignore_ascii_case(host)
    })
}

/// `cn2dnsid`: only a common name that could be a host name is checked against
/// constraints on dNSName.
pub(super) fn looks_like_host(name: &str) -> bool {
    let labels: Vec<&str> = name.split('.').collect();
    labels.len() > 1
        && labels.iter().all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_subtree_holds_its_top_and_all_below() {
        let within = |name: &str, base: &str| dns_within(name.as_bytes(), base.as_bytes());
        assert!(within("ex.test", "ex.test"));
        assert!(within("a.b.EX.test", "ex.test"));
        assert!(!within("aex.test", "ex.test"));
        assert!(!within("test", "ex.test"));
        assert!(within("a.ex.test", ".ex.test"));
        assert!(!within("ex.test", ".ex.test"));
        assert!(within("anything", ""));
    }

    #[test]
    fn an_address_subtree_is_an_address_and_a_mask() {
        let base = [192, 0, 2, 0, 255, 255, 255, 0];
        assert_eq!(address_within(&[192, 0, 2, 9], &base), Ok(true));
        assert_eq!(address_within(&[192, 0, 3, 9], &base), Ok(false));
        assert_eq!(address_within(&[0; 16], &base), Ok(false));
        assert!(address_within(&[192, 0, 2, 9], &[1, 2, 3]).is_err());
    }

    #[test]
    fn mailboxes_and_uris_are_held_by_their_hosts() {
        let email = |name: &str, base: &str| email_within(name.as_bytes(), base.as_bytes());
        assert_eq!(email("a@ex.test", "ex.test"), Ok(true));
        assert_eq!(email("a@b.ex.test", ".ex.test"), Ok(true));
        assert_eq!(email("a@ex.test", "a@EX.test"), Ok(true));
        assert_eq!(email("b@ex.test", "a@ex.test"), Ok(false));
        assert_eq!(email("ex.test", "ex.test"), Err(E::UnsupportedNameSyntax));
        let uri = |name: &str, base: &str| uri_within(name.as_bytes(), base.as_bytes());
        assert_eq!(uri("https://a.ex.test:1/x", ".ex.test"), Ok(true));
        assert_eq!(uri("https://ex.test/", "ex.test"), Ok(true));
        assert!(uri("ex.test", "ex.test").is_err());
    }
}
