//! A resolver whose answer is not that of the zone, though all name servers have
//! the same one.

use crate::dnssec::{Fault, WeakLink};
use crate::finding::resolver::RESOLVER_ANSWERS_OTHERWISE;
use crate::finding::rule::{Finding, Findings};
use crate::observation::{AnyLookup, AuthoritySeen, NameServerReply};

use super::comparison::{listed, own};
use super::{Asked, Through, counts};

/// Whether only the resolver's answer is bogus, and no finding about the fault
/// itself blames the way between it and the zone.
pub(crate) fn is_bogus_at_the_resolver_alone(lookup: &AnyLookup<'_>) -> bool {
    let link = lookup.own.and_then(|own| own.weak_link.as_ref());
    lookup.is_bogus()
        && !link.is_some_and(speaks_for_itself)
        && lookup.authority.and_then(proven).is_some()
}

/// Whether the finding about a fault says that somebody changed the answer on
/// its way: then what it contains is not the domain's and is not shown.
fn speaks_for_itself(link: &WeakLink) -> bool {
    matches!(
        link.fault,
        Fault::ForeignAnswer
            | Fault::AliasNotOfDname { .. }
            | Fault::ResponseCodeContradicts
            | Fault::NoTrustAnchor
    )
}

/// The answer on which all name servers agree, if it is secure from each.
fn proven(seen: &AuthoritySeen) -> Option<&NameServerReply> {
    let mut answered = seen
        .addresses()
        .filter(|(_, address)| counts(seen, address))
        .filter_map(|(_, address)| address.answers.as_ref());
    let first = own(answered.next().filter(|answers| answers.secure)?)?;
    let alike = |reply: &NameServerReply| reply.records == first.records;
    answered
        .all(|answers| answers.secure && own(answers).is_some_and(alike))
        .then_some(first)
}

/// Raises the finding.
pub(super) fn check(asked: &Asked<'_>, findings: &mut Findings) {
    let seen = asked.seen;
    if asked.through != Through::Bogus || asked.link.is_some_and(speaks_for_itself) {
        return;
    }
    let Some(there) = proven(seen) else { return };
    let (what, zone) = (format!("{} {}", seen.name, seen.rtype), &seen.zone);
    let right = listed(&there.records);
    let message = match &asked.records {
        Some(here) if *here == there.records => format!(
            "The resolver answers {what} without valid signatures. Every name server of {zone} \
             sends valid ones, with the same answer: {right}."
        ),
        Some(here) => format!(
            "The resolver answers {what} with {}, but every name server of {zone} answers with \
             {right}. DNSSEC proves the answer of the name servers.",
            listed(here)
        ),
        None => format!(
            "The resolver's answer to {what} is bogus. Every name server of {zone} answers with \
             {right}, which DNSSEC proves."
        ),
    };
    let finding = Finding::new(&RESOLVER_ANSWERS_OTHERWISE, what, message)
        .known("NAME", &seen.name)
        .known("TYPE", &seen.rtype);
    findings.put(finding);
}
