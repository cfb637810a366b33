//! Name constraints (RFC 5280 section 4.2.1.10) as OpenSSL applies them
//! (`v3_ncons.c`).

use x509_parser::extensions::{GeneralName, GeneralSubtree, NameConstraints as Parsed};

use super::{Certificate, DistinguishedName, VerificationError};

/// A name that constraints may speak about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Dns(String),
    Address(Vec<u8>),
    Email(String),
    Uri(String),
    Directory(DistinguishedName),
    /// By its tag: compared to nothing, but a constraint of the same type is
    /// one that OpenSSL does not support.
    Other(u32),
}

impl Name {
    pub(super) fn from_parsed(name: &GeneralName<'_>) -> Self {
        match name {
            GeneralName::DNSName(text) => Self::Dns((*text).to_owned()),
            GeneralName::IPAddress(octets) => Self::Address(octets.to_vec()),
            GeneralName::RFC822Name(text) => Self::Email((*text).to_owned()),
            GeneralName::URI(text) => Self::Uri((*text).to_owned()),
            GeneralName::DirectoryName(name) => {
                Self::Directory(DistinguishedName::from_parsed(name))
            }
            GeneralName::OtherName(..) => Self::Other(0),
            GeneralName::X400Address(_) => Self::Other(3),
            GeneralName::EDIPartyName(_) => Self::Other(5),
            GeneralName::RegisteredID(_) => Self::Other(8),
            GeneralName::Invalid(tag, _) => Self::Other(tag.0),
        }
    }

    fn same_type(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(own), Self::Other(theirs)) => own == theirs,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Whether the name lies in the subtree of `base`, which has its type
    /// (`nc_match_single`).
    fn is_within(&self, base: &Self) -> Result<bool, VerificationError> {
        match (self, base) {
            (Self::Dns(name), Self::Dns(base)) => Ok(dns_within(name, base)),
            (Self::Address(address), Self::Address(base)) => address_within(address, base),
            (Self::Email(name), Self::Email(base)) => Ok(email_within(name, base)),
            (Self::Uri(name), Self::Uri(base)) => uri_within(name, base),
            (Self::Directory(name), Self::Directory(base)) => Ok(name.is_below(base)),
            _ => Err(VerificationError::UnsupportedConstraintType),
        }
    }
}

/// Permitted and excluded subtrees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameConstraints {
    permitted: Vec<Name>,
    excluded: Vec<Name>,
}

impl NameConstraints {
    pub(super) fn from_parsed(parsed: &Parsed<'_>) -> Self {
        let names = |subtrees: &Option<Vec<GeneralSubtree<'_>>>| {
            subtrees
                .iter()
                .flatten()
                .map(|subtree| Name::from_parsed(&subtree.base))
                .collect()
        };
        Self {
            permitted: names(&parsed.permitted_subtrees),
            excluded: names(&parsed.excluded_subtrees),
        }
    }

    /// The first objection to the names of `certificate`; with `leaf`, its
    /// common names count where they would serve as host names.
    pub(super) fn objection(
        &self,
        certificate: &Certificate,
        leaf: bool,
    ) -> Option<VerificationError> {
        let subject = certificate.subject();
        let mut names = Vec::new();
        if !subject.is_empty() {
            names.push(Name::Directory(subject.clone()));
            names.extend(subject.email_addresses().iter().cloned().map(Name::Email));
        }
        names.extend(certificate.dns_names().iter().cloned().map(Name::Dns));
        names.extend(certificate.other_sans.iter().cloned());
        if leaf && !certificate.has_dns_san() {
            names.extend(
                subject
                    .common_names()
                    .iter()
                    .filter(|name| looks_like_host(name))
                    .cloned()
                    .map(Name::Dns),
            );
        }
        names.iter().find_map(|name| self.objection_to(name).err())
    }

    /// `nc_match`.
    fn objection_to(&self, name: &Name) -> Result<(), VerificationError> {
        let mut permitted = None;
        for base in self.permitted.iter().filter(|base| name.same_type(base)) {
            if permitted != Some(true) {
                permitted = Some(name.is_within(base)?);
            }
        }
        if permitted == Some(false) {
            return Err(VerificationError::PermittedSubtreeViolation);
        }
        for base in self.excluded.iter().filter(|base| name.same_type(base)) {
            if name.is_within(base)? {
                return Err(VerificationError::ExcludedSubtreeViolation);
            }
        }
        Ok(())
    }
}

/// `nc_dns`: labels may be added on the left; a base with a leading dot needs
/// at least one.
fn dns_within(name: &str, base: &str) -> bool {
    if base.is_empty() {
        return true;
    }
    let (name, base) = (name.as_bytes(), base.as_bytes());
    let Some((prefix, end)) = name
        .len()
        .checked_sub(base.len())
        .and_then(|at| name.split_at_checked(at))
    else {
        return false;
    };
    end.eq_ignore_ascii_case(base)
        && (prefix.is_empty() || base.starts_with(b".") || prefix.ends_with(b"."))
}

/// `nc_ip`: the base is an address and a mask.
fn address_within(address: &[u8], base: &[u8]) -> Result<bool, VerificationError> {
    if !matches!(base.len(), 8 | 32) || !matches!(address.len(), 4 | 16) {
        return Err(VerificationError::UnsupportedNameSyntax);
    }
    let (network, mask) = base.split_at(base.len() / 2);
    Ok(address.len() == network.len()
        && address
            .iter()
            .zip(network)
            .zip(mask)
            .all(|((own, net), mask)| (own ^ net) & mask == 0))
}

/// `nc_email`: a mailbox, a host, or with a leading dot all hosts of a domain.
fn email_within(name: &str, base: &str) -> bool {
    let Some((local, host)) = name.rsplit_once('@') else {
        return false;
    };
    if base.starts_with('.') {
        return dns_within(host, base);
    }
    match base.rsplit_once('@') {
        Some((base_local, base_host)) => {
            (base_local.is_empty() || base_local == local) && base_host.eq_ignore_ascii_case(host)
        }
        None => base.eq_ignore_ascii_case(host),
    }
}

/// `nc_uri`: the host part of a URI.
fn uri_within(name: &str, base: &str) -> Result<bool, VerificationError> {
    let host = name
        .split_once("://")
        .map(|(_, rest)| rest.split([':', '/']).next().unwrap_or_default())
        .filter(|host| !host.is_empty())
        .ok_or(VerificationError::UnsupportedNameSyntax)?;
    Ok(if base.starts_with('.') {
        host.len() > base.len() && dns_within(host, base)
    } else {
        base.eq_ignore_ascii_case(host)
    })
}

/// `cn2dnsid`: only a common name that could be a host name is held to
/// constraints on dNSName.
fn looks_like_host(name: &str) -> bool {
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
        assert!(dns_within("ex.test", "ex.test"));
        assert!(dns_within("a.b.EX.test", "ex.test"));
        assert!(!dns_within("aex.test", "ex.test"));
        assert!(!dns_within("test", "ex.test"));
        assert!(dns_within("a.ex.test", ".ex.test"));
        assert!(!dns_within("ex.test", ".ex.test"));
        assert!(dns_within("anything", ""));
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
        assert!(email_within("a@ex.test", "ex.test"));
        assert!(email_within("a@b.ex.test", ".ex.test"));
        assert!(email_within("a@ex.test", "a@EX.test"));
        assert!(!email_within("b@ex.test", "a@ex.test"));
        assert_eq!(uri_within("https://a.ex.test:1/x", ".ex.test"), Ok(true));
        assert_eq!(uri_within("https://ex.test/", "ex.test"), Ok(true));
        assert!(uri_within("ex.test", "ex.test").is_err());
    }

    #[test]
    fn what_is_not_permitted_or_is_excluded_is_refused() {
        let constraints = NameConstraints {
            permitted: vec![Name::Dns("ex.test".into()), Name::Dns("other.test".into())],
            excluded: vec![Name::Dns("bad.ex.test".into()), Name::Other(8)],
        };
        let host = |name: &str| constraints.objection_to(&Name::Dns(name.into()));
        assert_eq!(host("a.other.test"), Ok(()));
        assert_eq!(
            host("a.test"),
            Err(VerificationError::PermittedSubtreeViolation)
        );
        assert_eq!(
            host("a.bad.ex.test"),
            Err(VerificationError::ExcludedSubtreeViolation)
        );
        assert_eq!(
            constraints.objection_to(&Name::Other(8)),
            Err(VerificationError::UnsupportedConstraintType)
        );
        assert_eq!(constraints.objection_to(&Name::Email("a@b".into())), Ok(()));
    }

    #[test]
    fn only_common_names_that_could_be_hosts_count() {
        assert!(looks_like_host("mx.ex.test"));
        assert!(looks_like_host("a_b.test"));
        assert!(!looks_like_host("Lab Root"));
        assert!(!looks_like_host("localhost"));
        assert!(!looks_like_host("a..test"));
        assert!(!looks_like_host("-a.test"));
    }
}
