//! Name constraints (RFC 5280 section 4.2.1.10) as OpenSSL applies them
//! (`v3_ncons.c`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::ber::Tag;
use super::decode;
use super::distinguished_name::canonical;
use super::failure::VerificationError as E;
use super::general_name::{GeneralName, parsed_name};
use super::subtree::{
    address_within, dns_within, email_within, ends_with_labels, international_within,
    looks_like_host, uri_within,
};
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
        let whole = Name::Directory(Cow::Borrowed(subject.canonical()));
        if let Some(error) = objection(whole)? {
            return Ok(Some(error));
        }
        for email in subject.email_addresses() {
            let Some(email) = email else {
                return Ok(Some(E::UnsupportedNameSyntax));
            };
            if let Some(error) = objection(Name::Email(Cow::Borrowed(email.as_bytes())))? {
                return Ok(Some(error));
            }
        }
    }
    let mut names = Vec::new();
    if let Some(value) = certificate.alternative_names()
        && decode::alternative_names(value, |name| names.push(name)).is_err()
    {
        names.clear();
    }
    for name in names {
        if let Some(error) = objection(Name::of(name))? {
            return Ok(Some(error));
        }
    }
    if leaf && !certificate.has_dns_san() {
        for name in subject.common_names() {
            let host = name.trim_end_matches('\0');
            if host.contains('\0') {
                return Ok(Some(E::UnsupportedNameSyntax));
            }
            if looks_like_host(host)
                && let Some(error) = objection(Name::Dns(Cow::Borrowed(host.as_bytes())))?
            {
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
    Dns(Cow<'a, [u8]>),
    Address(Cow<'a, [u8]>),
    Email(Cow<'a, [u8]>),
    /// A mailbox outside of ASCII (RFC 8398); nothing if it is no UTF8String.
    International(Option<Cow<'a, [u8]>>),
    Uri(Cow<'a, [u8]>),
    /// In the form in which names are compared.
    Directory(Cow<'a, [u8]>),
    /// Of a type that OpenSSL does not compare: a constraint of the same type
    /// is one that it does not support.
    Unsupported(Kind),
}

/// What has to be the same for a name to be compared with a subtree: the type,
/// and of otherNames also theirs (`nc_match`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Other(Vec<u8>),
    Email,
    Dns,
    X400,
    Directory,
    EdiParty,
    Uri,
    Address,
    RegisteredId,
}

/// id-on-SmtpUTF8Mailbox (RFC 8398): 1.3.6.1.5.5.7.8.9.
const SMTP_UTF8_MAILBOX: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 8, 9];

impl<'a> Name<'a> {
    fn of(name: GeneralName<'a>) -> Self {
        match name {
            GeneralName::Other {
                type_id,
                tag,
                value,
            } if *type_id == *SMTP_UTF8_MAILBOX => {
                Self::International((tag == Tag::UTF8_STRING).then_some(value))
            }
            GeneralName::Other { .. }
            | GeneralName::X400
            | GeneralName::EdiParty
            | GeneralName::RegisteredId => Self::Unsupported(Kind::of_base(&name)),
            GeneralName::Email(text) => Self::Email(text),
            GeneralName::Dns(text) => Self::Dns(text),
            GeneralName::Directory(der) => {
                let name = parsed_name(der).map(|name| canonical(&name));
                Self::Directory(Cow::Owned(name.unwrap_or_default()))
            }
            GeneralName::Uri(text) => Self::Uri(text),
            GeneralName::Address(octets) => Self::Address(octets),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Email(_) | Self::International(_) => Kind::Email,
            Self::Dns(_) => Kind::Dns,
            Self::Directory(_) => Kind::Directory,
            Self::Uri(_) => Kind::Uri,
            Self::Address(_) => Kind::Address,
            Self::Unsupported(kind) => kind.clone(),
        }
    }

    /// Whether the name is in the subtree of `base`, which has the same type
    /// (`nc_match_single`).
    fn is_within(&self, base: &Self) -> Result<bool, E> {
        match (self, base) {
            (Self::Dns(name), Self::Dns(base)) => Ok(dns_within(name, base)),
            (Self::Address(address), Self::Address(base)) => address_within(address, base),
            (Self::Email(name), Self::Email(base)) => email_within(name, base),
            (Self::International(name), Self::Email(base)) => {
                international_within(name.as_deref(), base)
            }
            (Self::Uri(name), Self::Uri(base)) => uri_within(name, base),
            // `nc_dn`
            (Self::Directory(name), Self::Directory(base)) => Ok(name.starts_with(base)),
            _ => Err(E::UnsupportedConstraintType),
        }
    }
}

impl Kind {
    /// Of the base of a subtree.
    fn of_base(base: &GeneralName<'_>) -> Self {
        match base {
            GeneralName::Other { type_id, .. } => Self::Other(type_id.to_vec()),
            GeneralName::Email(_) => Self::Email,
            GeneralName::Dns(_) => Self::Dns,
            GeneralName::X400 => Self::X400,
            GeneralName::Directory(_) => Self::Directory,
            GeneralName::EdiParty => Self::EdiParty,
            GeneralName::Uri(_) => Self::Uri,
            GeneralName::Address(_) => Self::Address,
            GeneralName::RegisteredId => Self::RegisteredId,
        }
    }
}

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
            let base = base.to_ascii_lowercase();
            self.bases.entry(base).or_insert(place);
        }
        self.subtrees.push(subtree);
    }

    /// The first subtree of a dNSName that contains the name. Names are looked
    /// up, not compared with each base, because there may be thousands.
    fn first_with_host(&self, name: &[u8], spend: Spend<'_>) -> Result<Option<usize>, WorkUsedUp> {
        let name = name.to_ascii_lowercase();
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

impl<'a> Subtrees<'a> {
    /// From the value of the extension (RFC 5280 section 4.2.1.10).
    fn read(value: &'a [u8]) -> Self {
        let mut all = Self::default();
        let read = decode::name_constraints(value, |subtree| {
            let groups = if subtree.is_permitted {
                &mut all.permitted
            } else {
                &mut all.excluded
            };
            let kind = Kind::of_base(&subtree.base);
            groups.entry(kind).or_default().push(Subtree {
                base: Name::of(subtree.base),
                is_plain: subtree.is_plain,
            });
        });
        read.map(|()| all).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

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
        Name::Dns(Cow::Borrowed(text.as_bytes()))
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
            excluded: list(&[
                (dns("bad.ex.test"), true),
                (Name::Unsupported(Kind::RegisteredId), true),
            ]),
        };
        let host = |name: &str| judge(&subtrees, &dns(name));
        assert_eq!(host("a.other.test"), Ok(()));
        assert_eq!(host("a.test"), Err(E::PermittedSubtreeViolation));
        assert_eq!(host("aex.test"), Err(E::PermittedSubtreeViolation));
        assert_eq!(host("a.bad.EX.test"), Err(E::ExcludedSubtreeViolation));
        assert_eq!(
            judge(&subtrees, &Name::Unsupported(Kind::RegisteredId)),
            Err(E::UnsupportedConstraintType)
        );
        let mailbox = Name::Email(Cow::Borrowed(b"a@b"));
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
                assert_eq!(
                    looked_up,
                    dns_within(name.as_bytes(), base.as_bytes()),
                    "{name} {base}"
                );
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
            (
                vec![(Name::Address(Cow::Borrowed(&[0; 8])), false)],
                vec![],
                Ok(()),
            ),
        ] {
            let subtrees = Subtrees {
                permitted: list(&permitted),
                excluded: list(&excluded),
            };
            assert_eq!(judge(&subtrees, &dns("mx.ex.test")), expected);
        }
        let subtrees = Subtrees {
            permitted: list(&[(Name::Address(Cow::Borrowed(&[0; 8])), false)]),
            excluded: BTreeMap::new(),
        };
        assert_eq!(
            judge(&subtrees, &Name::Address(Cow::Borrowed(&[1; 4]))),
            minmax
        );
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
