//! The answers of DNS, side by side.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::dnssec::SecurityStatus;
use crate::observation::{
    Answer, FailureKind, Lookup, MxRecord, Observation, RecordType, ResolverValidation,
};
use crate::tlsa::TlsaRecord;

use super::super::evidence::{Evidence, HostEvidence};
use super::servers::prove_themselves;
use super::{Aspect, Difference, DifferenceKind, Found, common_hosts, listed};

/// Why nothing can be compared: in one of the looks no resolver answered.
pub(super) fn silence(a: &Observation, b: &Observation) -> Option<String> {
    let silent = |look: &Observation| look.resolver.validation == ResolverValidation::NoAnswer;
    (silent(a) || silent(b)).then(|| "In one of the looks, no resolver answered.".to_owned())
}

/// Compares all lookups on the way to the mail servers.
pub(super) fn compare<'a>(a: &Evidence<'a>, b: &Evidence<'a>, found: &mut Found) {
    if let (Some(one), Some(other)) = (&a.observation.mx, &b.observation.mx) {
        let show = |record: &MxRecord| {
            let host = match record.host.as_str() {
                "" => ".",
                host => host,
            };
            format!("{} {host}", record.preference)
        };
        lookups(Aspect::Mx, (one, other), show, || None, found);
    }
    for (one, other) in common_hosts(a, b) {
        let families = [
            (&one.seen.a, &other.seen.a),
            (&one.seen.aaaa, &other.seen.aaaa),
        ];
        for lookup in families {
            if let (Some(first), Some(second)) = lookup {
                let ipv4 = first.record_type == RecordType::A;
                let explain = || rotation((a, one), (b, other), ipv4);
                let show = <IpAddr as ToString>::to_string;
                lookups(Aspect::Address, (first, second), show, explain, found);
            }
        }
        if let (Some(first), Some(second)) = (&one.seen.alias, &other.seen.alias) {
            lookups(
                Aspect::Alias,
                (first, second),
                String::clone,
                || None,
                found,
            );
        }
        for tlsa in &one.seen.tlsa {
            let mut others = other.seen.tlsa.iter();
            if let Some(second) = others.find(|it| it.base_domain == tlsa.base_domain) {
                let pair = (&tlsa.lookup, &second.lookup);
                lookups(
                    Aspect::Tlsa,
                    pair,
                    <TlsaRecord as ToString>::to_string,
                    || None,
                    found,
                );
            }
        }
    }
}

/// What a lookup gave, as far as it can be compared.
enum Content {
    Records(BTreeSet<String>),
    Denied,
    Failed(FailureKind),
}

impl Content {
    fn of<T>(lookup: &Lookup<T>, show: impl Fn(&T) -> String) -> Self {
        match &lookup.answer {
            Answer::Records(set) => {
                let records = &set.open().regardless().records;
                Self::Records(records.iter().map(show).collect())
            }
            Answer::Denied(_) => Self::Denied,
            Answer::Failed(failure) => Self::Failed(failure.kind),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Records(records) => listed(records),
            Self::Denied => "none".to_owned(),
            Self::Failed(kind) => format!("the lookup fails ({})", kind.as_text()),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Records(one), Self::Records(other)) => one == other,
            (Self::Denied, Self::Denied) | (Self::Failed(_), Self::Failed(_)) => true,
            _ => false,
        }
    }
}

/// Compares two lookups of one name and type; `explain` says why unproven
/// answers may differ.
pub(super) fn lookups<T>(
    what: Aspect,
    (a, b): (&Lookup<T>, &Lookup<T>),
    show: impl Fn(&T) -> String,
    explain: impl FnOnce() -> Option<String>,
    found: &mut Found,
) {
    let (one, other) = (Content::of(a, &show), Content::of(b, &show));
    let name = a.name.clone();
    let add = |found: &mut Found, what, a: String, b: String, kind, reason: String| {
        found.add(Difference {
            what,
            host: name.clone(),
            address: None,
            a,
            b,
            kind,
            reason,
        });
    };
    if one.is_same(&other) {
        // MTA-STS needs no DNSSEC (RFC 8461 section 3.1).
        if matches!(one, Content::Failed(_)) || what == Aspect::MtaStsRecord {
            return;
        }
        if let Some((kind, reason)) = status_difference(a, b) {
            let words = |lookup: &Lookup<T>| status_words(lookup);
            add(found, Aspect::Dnssec, words(a), words(b), kind, reason);
        }
        return;
    }
    let failed = matches!(one, Content::Failed(_)) || matches!(other, Content::Failed(_));
    let (kind, reason) = if !failed && is_proven(a) && is_proven(b) {
        let reason = match from_cache(a).or_else(|| from_cache(b)) {
            Some(cached) => cached,
            None => "DNSSEC proves both answers: the zone published both, at different times or \
                     on different name servers."
                .to_owned(),
        };
        (DifferenceKind::Explained, reason)
    } else if failed {
        let reason = "A person in between can make a lookup fail; so can a broken resolver or \
                      name server.";
        (DifferenceKind::Unexplained, reason.to_owned())
    } else if let Some(reason) = explain() {
        (DifferenceKind::Explained, reason)
    } else {
        let reason = "DNSSEC does not prove both answers, so one of them can be forged.";
        (DifferenceKind::Unexplained, reason.to_owned())
    };
    add(found, what, one.words(), other.words(), kind, reason);
}

fn is_proven<T>(lookup: &Lookup<T>) -> bool {
    own_status(lookup) == Some(SecurityStatus::Secure)
}

fn own_status<T>(lookup: &Lookup<T>) -> Option<SecurityStatus> {
    lookup.own.as_ref().map(|own| own.status)
}

/// Why an answer is old, if it comes from a cache.
fn from_cache<T>(lookup: &Lookup<T>) -> Option<String> {
    let Answer::Records(set) = &lookup.answer else {
        return None;
    };
    let set = set.open().regardless();
    let original = set.original_ttl.filter(|original| *original > set.ttl)?;
    Some(format!(
        "DNSSEC proves both answers, and one comes from a cache, where it may stay {} seconds of \
         its TTL of {original}: the zone may have changed since.",
        set.ttl
    ))
}

/// What differs in the status of an answer that is the same.
fn status_difference<T>(a: &Lookup<T>, b: &Lookup<T>) -> Option<(DifferenceKind, String)> {
    if a.status() == b.status() {
        return None;
    }
    let own = [own_status(a), own_status(b)];
    if own.contains(&Some(SecurityStatus::Bogus)) {
        let reason = "One of the two answers contradicts its signatures: it was changed on the \
                      way, or its zone is broken.";
        return Some((DifferenceKind::Unexplained, reason.to_owned()));
    }
    if own == [Some(SecurityStatus::Secure); 2] {
        // One resolver does not validate. The answer is proven all the same.
        return None;
    }
    let reason = "The records are the same. One of the resolvers withholds their signatures or \
                  does not validate.";
    Some((DifferenceKind::Explained, reason.to_owned()))
}

fn status_words<T>(lookup: &Lookup<T>) -> String {
    let status = lookup.status().map_or("unknown", SecurityStatus::as_str);
    match own_status(lookup) {
        Some(own) if Some(own) != lookup.status() => {
            format!(
                "{} is {status}, own validation: {}",
                lookup.record_type,
                own.as_str()
            )
        }
        _ => format!("{} is {status}", lookup.record_type),
    }
}

/// Why the addresses of a host may differ: every server that only one look saw
/// proves that it is the host's.
fn rotation<'a>(
    (a, one): (&Evidence<'a>, &HostEvidence<'a>),
    (b, other): (&Evidence<'a>, &HostEvidence<'a>),
    ipv4: bool,
) -> Option<String> {
    let mut servers = 0_usize;
    for (here, there) in [((a, one), (b, other)), ((b, other), (a, one))] {
        let (host, elsewhere) = (here.1, there.1);
        let known = addresses(elsewhere, ipv4);
        for address in addresses(host, ipv4).difference(&known) {
            let mut seen = host.addresses.iter();
            let seen = seen.find(|it| it.seen.address == *address)?;
            if !prove_themselves(here, seen, there) {
                return None;
            }
            servers += 1;
        }
    }
    (servers > 0).then(|| {
        "The host has more addresses than one answer shows, and the server at each address that \
         only one look saw proves that it is this host's."
            .to_owned()
    })
}

/// The addresses of a family that DNS gave.
fn addresses(host: &HostEvidence<'_>, ipv4: bool) -> BTreeSet<IpAddr> {
    let lookup = if ipv4 { &host.seen.a } else { &host.seen.aaaa };
    match lookup.as_ref().map(|lookup| &lookup.answer) {
        Some(Answer::Records(set)) => {
            let records = set.open().regardless().records.iter();
            records.copied().collect()
        }
        _ => BTreeSet::new(),
    }
}
