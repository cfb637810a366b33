//! Name constraints (RFC 5280 section 4.2.1.10) as OpenSSL applies them
//! (`v3_ncons.c`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use x509_parser::asn1_rs::Any;
use x509_parser::extensions::{GeneralName, SubjectAlternativeName};
use x509_parser::prelude::FromDer;

use super::distinguished_name::canonical;
use super::failure::VerificationError as E;
use super::x509::Certificate;
use crate::work::WorkUsedUp;

/// The most names times constraints that are compared (`NAME_CHECK_MAX`).
const MOST_COMPARISONS: usize = 1 << 20;

/// What pays for comparisons before they are made.
pub(super) type Spend<'a> = &'a dyn Fn(u64) -> Result<(), WorkUsedUp>;

/// The first objection of the constraints of `issuer` to the names of
/// `certificate` (`NAME_CONSTRAINTS_check`); with `leaf`, its common names
/// count if they would serve as host names (`NAME_CONSTRAINTS_check_CN`).
pub(super) fn objection(
    issuer: &Certificate,
    certificate: &Certificate,
    leaf: bool,
    spend: Spend<'_>,
) -> Result<Option<E>, WorkUsedUp> {
    let Some(constraints) = issuer.name_constraints() else {
        return Ok(None);
    };
    let subject = certificate.subject();
    // The limit counts attributes of the subject and names of every kind, even
    // if there is nothing to compare them with.
    let names = subject.entries() + certificate.alternative_name_count();
    let room = MOST_COMPARISONS.checked_div(names);
    if room.is_some_and(|room| constraints.count > room) {
        return Ok(Some(E::TooManyNames));
    }
    spend(number(constraints.count))?;
    let subtrees = Subtrees::read(issuer.name_constraints_der());
    let objection = |name: Name<'_>| match subtrees.objection_to(&name, spend) {
        Ok(()) => Ok(None),
        Err(Stop::Objection(error)) => Ok(Some(error)),
        Err(Stop::UsedUp(used_up)) => Err(used_up),
    };
    if !subject.is_empty() {
        let emails = subject.email_addresses().iter();
        let emails = emails.map(|email| Name::Email(Cow::Borrowed(email)));
        let whole = Name::Directory(Cow::Borrowed(subject.canonical()));
        for name in std::iter::once(whole).chain(emails) {
            if let Some(error) = objection(name)? {
                return Ok(Some(error));
            }
        }
    }
    for value in certificate.alternative_names() {
        let Ok((_, names)) = SubjectAlternativeName::from_der(value) else {
            continue;
        };
        for name in &names.general_names {
            if let Some(error) = objection(Name::of_certificate(name))? {
                return Ok(Some(error));
            }
        }
    }
    if leaf && !certificate.has_dns_san() {
        let names = subject.common_names().iter();
        for name in names.filter(|name| looks_like_host(name)) {
            if let Some(error) = objection(Name::Dns(Cow::Borrowed(name)))? {
                return Ok(Some(error));
            }
        }
    }
    Ok(None)
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Why no more names are compared.
enum Stop {
    Objection(E),
    UsedUp(WorkUsedUp),
}

impl From<WorkUsedUp> for Stop {
    fn from(used_up: WorkUsedUp) -> Self {
        Self::UsedUp(used_up)
    }
}

/// A name, or the base of a subtree.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name<'a> {
    Dns(Cow<'a, str>),
    Address(&'a [u8]),
    Email(Cow<'a, str>),
    Uri(&'a str),
    /// In the form in which names are compared.
    Directory(Cow<'a, [u8]>),
    /// By its tag: compared with nothing, but OpenSSL does not support a
    /// constraint of the same type.
    Other(u32),
}

/// The tag: a name is compared with a subtree only if both have the same one.
type Kind = u32;

impl<'a> Name<'a> {
    fn of_certificate(name: &GeneralName<'a>) -> Self {
        match name {
            // A dNSName that is not text is still one.
            GeneralName::Invalid(tag, octets) if tag.0 == 2 => {
                Self::Dns(String::from_utf8_lossy(octets))
            }
            name => Self::from_parsed(name),
        }
    }

    fn from_parsed(name: &GeneralName<'a>) -> Self {
        match name {
            GeneralName::DNSName(text) => Self::Dns(Cow::Borrowed(text)),
            GeneralName::IPAddress(octets) => Self::Address(octets),
            GeneralName::RFC822Name(text) => Self::Email(Cow::Borrowed(text)),
            GeneralName::URI(text) => Self::Uri(text),
            GeneralName::DirectoryName(name) => Self::Directory(Cow::Owned(canonical(name))),
            GeneralName::OtherName(..) => Self::Other(0),
            GeneralName::X400Address(_) => Self::Other(3),
            GeneralName::EDIPartyName(_) => Self::Other(5),
            GeneralName::RegisteredID(_) => Self::Other(8),
            GeneralName::Invalid(tag, _) => Self::Other(match tag.0 {
                known @ (1 | 2 | 4 | 6 | 7) => known | INVALID,
                other => other,
            }),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Email(_) => 1,
            Self::Dns(_) => DNS,
            Self::Directory(_) => 4,
            Self::Uri(_) => 6,
            Self::Address(_) => 7,
            Self::Other(tag) => *tag,
        }
    }

    /// Whether the name is in the subtree of `base`, which has the same type
    /// (`nc_match_single`).
    fn is_within(&self, base: &Self) -> Result<bool, E> {
        match (self, base) {
            (Self::Dns(name), Self::Dns(base)) => Ok(dns_within(name, base)),
            (Self::Address(address), Self::Address(base)) => address_within(address, base),
            (Self::Email(name), Self::Email(base)) => Ok(email_within(name, base)),
            (Self::Uri(name), Self::Uri(base)) => uri_within(name, base),
            // `nc_dn`
            (Self::Directory(name), Self::Directory(base)) => Ok(name.starts_with(base)),
            _ => Err(E::UnsupportedConstraintType),
        }
    }
}

const DNS: Kind = 2;

/// Separates what cannot be read under a known tag from what can.
const INVALID: u32 = 1 << 31;

/// One subtree: its base, and whether its minimum and maximum are those that
/// RFC 5280 requires, 0 and none (`nc_minmax_valid`).
struct Subtree<'a> {
    base: Name<'a>,
    is_plain: bool,
}

/// The subtrees of one list and one kind, in their order.
#[derive(Default)]
struct Group<'a> {
    subtrees: Vec<Subtree<'a>>,
    /// Of dNSNames: the first place of each base, in lower case.
    bases: HashMap<Vec<u8>, usize>,
    /// How long they are.
    lengths: BTreeSet<usize>,
    /// The place of the first with a minimum or a maximum.
    first_odd: Option<usize>,
}

impl<'a> Group<'a> {
    fn push(&mut self, subtree: Subtree<'a>) {
        let place = self.subtrees.len();
        if !subtree.is_plain {
            self.first_odd = self.first_odd.or(Some(place));
        }
        if let Name::Dns(base) = &subtree.base {
            self.lengths.insert(base.len());
            let base = base.to_ascii_lowercase().into_bytes();
            self.bases.entry(base).or_insert(place);
        }
        self.subtrees.push(subtree);
    }

    /// The first subtree of a dNSName that contains the name. Names are looked
    /// up, not compared with each base, because there may be thousands.
    fn first_with_host(&self, name: &str, spend: Spend<'_>) -> Result<Option<usize>, WorkUsedUp> {
        let name = name.to_ascii_lowercase().into_bytes();
        let mut first: Option<usize> = None;
        let lengths = self.lengths.range(..=name.len());
        for end in lengths.filter_map(|length| name.get(name.len() - length..)) {
            spend(1)?;
            if let Some(place) = self.bases.get(end)
                && ends_with_labels(&name, end)
            {
                first = Some(first.map_or(*place, |first| first.min(*place)));
            }
        }
        Ok(first)
    }
}

/// The subtrees of both lists.
#[derive(Default)]
struct Subtrees<'a> {
    permitted: BTreeMap<Kind, Group<'a>>,
    excluded: BTreeMap<Kind, Group<'a>>,
}

/// The elements of a SEQUENCE.
fn elements(mut data: &[u8]) -> impl Iterator<Item = Any<'_>> {
    std::iter::from_fn(move || {
        let (rest, element) = Any::from_der(data).ok()?;
        data = rest;
        Some(element)
    })
}

impl<'a> Subtrees<'a> {
    /// From the value of the extension (RFC 5280 section 4.2.1.10).
    fn read(value: &'a [u8]) -> Self {
        let mut all = Self::default();
        for list in elements(value)
            .take(1)
            .flat_map(|whole| elements(whole.data))
        {
            let groups = match list.tag().0 {
                0 => &mut all.permitted,
                _ => &mut all.excluded,
            };
            for subtree in elements(list.data) {
                let mut parts = elements(subtree.data);
                let Some(base) = parts.next().and_then(|any| GeneralName::try_from(any).ok())
                else {
                    continue;
                };
                let base = Name::from_parsed(&base);
                let is_zero =
                    |part: &Any<'_>| part.tag().0 == 0 && part.data.iter().all(|octet| *octet == 0);
                groups.entry(base.kind()).or_default().push(Subtree {
                    base,
                    is_plain: parts.all(|part| is_zero(&part)),
                });
            }
        }
        all
    }

    /// `nc_match`.
    fn objection_to(&self, name: &Name<'_>, spend: Spend<'_>) -> Result<(), Stop> {
        let kind = name.kind();
        if let Some(group) = self.permitted.get(&kind)
            && !is_permitted(group, name, spend)?
        {
            return Err(Stop::Objection(E::PermittedSubtreeViolation));
        }
        match self.excluded.get(&kind) {
            Some(group) => not_excluded(group, name, spend),
            None => Ok(()),
        }
    }
}

/// Whether the name is in one of the permitted subtrees of its kind.
fn is_permitted(group: &Group<'_>, name: &Name<'_>, spend: Spend<'_>) -> Result<bool, Stop> {
    if let Name::Dns(host) = name {
        // All are checked, also the invalid ones, whatever was found before.
        if group.first_odd.is_some() {
            return Err(Stop::Objection(E::SubtreeMinMax));
        }
        return Ok(group.first_with_host(host, spend)?.is_some());
    }
    spend(number(group.subtrees.len()))?;
    let mut found = false;
    for subtree in &group.subtrees {
        if !subtree.is_plain {
            return Err(Stop::Objection(E::SubtreeMinMax));
        }
        found = found || name.is_within(&subtree.base).map_err(Stop::Objection)?;
    }
    Ok(found)
}

/// Objects if the name is in one of the excluded subtrees of its kind.
fn not_excluded(group: &Group<'_>, name: &Name<'_>, spend: Spend<'_>) -> Result<(), Stop> {
    if let Name::Dns(host) = name {
        let within = group.first_with_host(host, spend)?;
        return match (within, group.first_odd) {
            (Some(within), odd) if odd.is_none_or(|odd| within < odd) => {
                Err(Stop::Objection(E::ExcludedSubtreeViolation))
            }
            (_, Some(_)) => Err(Stop::Objection(E::SubtreeMinMax)),
            _ => Ok(()),
        };
    }
    spend(number(group.subtrees.len()))?;
    for subtree in &group.subtrees {
        if !subtree.is_plain {
            return Err(Stop::Objection(E::SubtreeMinMax));
        }
        if name.is_within(&subtree.base).map_err(Stop::Objection)? {
            return Err(Stop::Objection(E::ExcludedSubtreeViolation));
        }
    }
    Ok(())
}

/// `nc_dns`: labels may be added on the left; a base with a leading dot needs
/// at least one.
fn dns_within(name: &str, base: &str) -> bool {
    let (name, base) = (name.as_bytes(), base.as_bytes());
    let end = name
        .len()
        .checked_sub(base.len())
        .and_then(|at| name.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(base)) && ends_with_labels(name, base)
}

/// Whether a base, with which a name ends, begins at the start of a label; an
/// empty base matches every name.
fn ends_with_labels(name: &[u8], base: &[u8]) -> bool {
    let before = name.get(..name.len().saturating_sub(base.len()));
    before.is_none_or(|before| {
        base.is_empty() || before.is_empty() || base.starts_with(b".") || before.ends_with(b".")
    })
}

/// `nc_ip`: the base is an address and a mask.
fn address_within(address: &[u8], base: &[u8]) -> Result<bool, E> {
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
fn uri_within(name: &str, base: &str) -> Result<bool, E> {
    let host = name
        .split_once("://")
        .map(|(_, rest)| rest.split([':', '/']).next().unwrap_or_default())
        .filter(|host| !host.is_empty())
        .ok_or(E::UnsupportedNameSyntax)?;
    Ok(if base.starts_with('.') {
        host.len() > base.len() && dns_within(host, base)
    } else {
        base.eq_ignore_ascii_case(host)
    })
}

/// `cn2dnsid`: only a common name that could be a host name is checked against
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

    /// The subtrees of one list, each with whether it is plain.
    fn list<'a>(bases: &[(Name<'a>, bool)]) -> BTreeMap<Kind, Group<'a>> {
        let mut groups: BTreeMap<Kind, Group<'a>> = BTreeMap::new();
        for (base, is_plain) in bases {
            groups.entry(base.kind()).or_default().push(Subtree {
                base: base.clone(),
                is_plain: *is_plain,
            });
        }
        groups
    }

    fn dns(text: &str) -> Name<'_> {
        Name::Dns(Cow::Borrowed(text))
    }

    fn judge(subtrees: &Subtrees<'_>, name: &Name<'_>) -> Result<(), E> {
        match subtrees.objection_to(name, &|_| Ok(())) {
            Ok(()) => Ok(()),
            Err(Stop::Objection(error)) => Err(error),
            Err(Stop::UsedUp(_)) => panic!("nothing is counted"),
        }
    }

    #[test]
    fn what_is_not_permitted_or_is_excluded_is_refused() {
        let subtrees = Subtrees {
            permitted: list(&[(dns("EX.test"), true), (dns("other.test"), true)]),
            excluded: list(&[(dns("bad.ex.test"), true), (Name::Other(8), true)]),
        };
        let host = |name: &str| judge(&subtrees, &dns(name));
        assert_eq!(host("a.other.test"), Ok(()));
        assert_eq!(host("a.test"), Err(E::PermittedSubtreeViolation));
        assert_eq!(host("aex.test"), Err(E::PermittedSubtreeViolation));
        assert_eq!(host("a.bad.EX.test"), Err(E::ExcludedSubtreeViolation));
        assert_eq!(
            judge(&subtrees, &Name::Other(8)),
            Err(E::UnsupportedConstraintType)
        );
        let mailbox = Name::Email(Cow::Borrowed("a@b"));
        assert_eq!(judge(&subtrees, &mailbox), Ok(()));
    }

    #[test]
    fn a_name_that_is_looked_up_is_judged_as_one_that_is_compared() {
        let bases = [
            "",
            ".",
            "ex.test",
            ".ex.test",
            "a.ex.test",
            "x",
            ".test",
            "t",
        ];
        let names = [
            "ex.test",
            "a.ex.test",
            "b.a.ex.test",
            "aex.test",
            "test",
            "",
            "x.",
            ".",
        ];
        for base in bases {
            let subtrees = Subtrees {
                permitted: list(&[(dns(base), true)]),
                excluded: BTreeMap::new(),
            };
            for name in names {
                let looked_up = judge(&subtrees, &dns(name)).is_ok();
                assert_eq!(looked_up, dns_within(name, base), "{name} {base}");
            }
        }
    }

    #[test]
    fn a_minimum_or_a_maximum_is_refused_where_it_is_met() {
        let odd = |text| (dns(text), false);
        let plain = |text| (dns(text), true);
        let minmax = Err(E::SubtreeMinMax);
        for (permitted, excluded, expected) in [
            // Of the permitted ones each is met, found or not.
            (
                vec![plain("ex.test"), odd("other.test")],
                vec![],
                minmax.clone(),
            ),
            (
                vec![odd("other.test"), plain("ex.test")],
                vec![],
                minmax.clone(),
            ),
            // Of the excluded ones those up to the first that holds.
            (vec![], vec![odd("other.test")], minmax.clone()),
            (
                vec![],
                vec![plain("ex.test"), odd("other.test")],
                Err(E::ExcludedSubtreeViolation),
            ),
            (
                vec![],
                vec![odd("other.test"), plain("ex.test")],
                minmax.clone(),
            ),
            // What is not permitted is refused before anything is excluded.
            (
                vec![plain("other.test")],
                vec![odd("other.test")],
                Err(E::PermittedSubtreeViolation),
            ),
            // Those of another type are not met.
            (vec![(Name::Address(&[0; 8]), false)], vec![], Ok(())),
        ] {
            let subtrees = Subtrees {
                permitted: list(&permitted),
                excluded: list(&excluded),
            };
            assert_eq!(judge(&subtrees, &dns("mx.ex.test")), expected);
        }
        let subtrees = Subtrees {
            permitted: list(&[(Name::Address(&[0; 8]), false)]),
            excluded: BTreeMap::new(),
        };
        assert_eq!(judge(&subtrees, &Name::Address(&[1; 4])), minmax);
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
