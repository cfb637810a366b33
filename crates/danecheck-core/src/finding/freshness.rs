//! Findings about caches that still have old records.

use crate::finding::name_server::{is_bogus_at_the_resolver_alone, listed};
use crate::finding::resolver::RESOLVER_ADDRESSES_DIFFER;
use crate::finding::rule::{Findings, Rule, Severity};
use crate::judge::{DaneRecords, Judged, Standing};
use crate::observation::{
    Answer, AnyLookup, AuthoritySeen, ExtendedError, NameServerReply, Observation, RecordSet,
    RecordType, SingleLookup,
};

pub(crate) static RECORDS_CHANGE_SPREADING: Rule = Rule {
    id: "records-change-spreading",
    severity: Severity::Info,
    reference: "RFC 1034 section 3.6",
    meaning: "The name servers of the zone and the resolver have different records. The resolver \
              still has its copy from before a change. Senders may use either until the old \
              records have left all caches.",
    sender: "Flush the name from the resolver's cache to use the new records at once.",
    receiver: "Keep the old certificate and key in use until the TTL has passed. Or keep the old \
               TLSA records published beside the new ones for that time.",
};

pub(super) static RESOLVER_SERVES_STALE: Rule = Rule {
    id: "resolver-serves-stale",
    severity: Severity::Warning,
    reference: "RFC 8767",
    meaning: "The resolver answers with expired data, because it gets nothing newer from the name \
              servers of the zone. The records may have changed since.",
    sender: "Check whether the resolver reaches the name servers: ask them with --authoritative.",
    receiver: "Check that the name servers of the zone answer.",
};

pub(super) static TLSA_FROM_CACHE: Rule = Rule {
    id: "tlsa-from-cache",
    severity: Severity::Info,
    reference: "RFC 6698 appendix A.4",
    meaning: "The TLSA records that match nothing come from the resolver's cache. If the domain \
              has corrected them, senders whose resolvers still have the old ones keep their mail \
              back until the TTL has passed.",
    sender: "Ask the name servers directly with --authoritative. Flush the name from the \
             resolver's cache once they have the right records.",
    receiver: "",
};

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    let observation = judged.evidence.observation;
    stale(observation, findings);
    cached(judged, findings);
    spreading(observation, findings);
}

/// The findings about one lookup by itself.
pub(super) fn of_single(lookup: &SingleLookup, findings: &mut Findings) {
    let reason = lookup.reply.as_ref().ok();
    let reason = reason.and_then(|reply| reply.extended_error.as_ref());
    if reason.is_some_and(|reason| reason.is_stale()) {
        let what = format!("{} {}", lookup.name, lookup.rtype);
        findings.add(&RESOLVER_SERVES_STALE, what.clone(), stale_text(&what));
    }
}

fn stale_text(what: &str) -> String {
    format!("The resolver answers {what} with expired data (stale answer).")
}

fn stale(observation: &Observation, findings: &mut Findings) {
    for lookup in observation.lookups() {
        if lookup.extended_error.is_some_and(ExtendedError::is_stale) {
            let what = lookup.what();
            let text = stale_text(&what);
            findings.add(&RESOLVER_SERVES_STALE, what, text);
        }
    }
}

/// TLSA records that match nothing and come from a cache.
fn cached(judged: &Judged<'_>, findings: &mut Findings) {
    let addresses = judged.evidence.addresses().zip(&judged.standings);
    for ((_, address), standing) in addresses {
        let DaneRecords::Usable(tlsa, _) = &address.dane else {
            continue;
        };
        let Answer::Records(set) = &tlsa.lookup.answer else {
            continue;
        };
        let set = set.open().regardless();
        let Some((original, age)) = age(set) else {
            continue;
        };
        // An address may be broken for other reasons.
        let mismatch = address
            .dane_session()
            .and_then(|session| session.dane.as_ref())
            .is_some_and(|matching| matching.authenticates() == Some(false));
        if *standing == Standing::Broken && mismatch {
            findings.add(
                &TLSA_FROM_CACHE,
                tlsa.lookup.name.clone(),
                format!(
                    "The TLSA records at {} come from the resolver's cache. It fetched them {} ago \
                     and asks again in {}. If the domain has corrected them, senders may use the \
                     old ones for up to {} after the change.",
                    tlsa.lookup.name,
                    duration(age),
                    duration(set.ttl),
                    duration(original)
                ),
            );
        }
    }
}

/// The zone's TTL, and how much of it has passed.
fn age<T>(set: &RecordSet<T>) -> Option<(u32, u32)> {
    let original = set.original_ttl?;
    let age = original.checked_sub(set.ttl)?;
    (age > 0).then_some((original, age))
}

/// `45 minutes`.
fn duration(seconds: u32) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Raises the findings if all name servers have different records from the
/// resolver.
fn spreading(observation: &Observation, findings: &mut Findings) {
    for lookup in observation.lookups() {
        if !is_bogus_at_the_resolver_alone(&lookup) {
            spreads(&lookup, findings);
        }
    }
}

fn spreads(lookup: &AnyLookup<'_>, findings: &mut Findings) {
    let seen = lookup.authority_at_end();
    let (Some(seen), Some(here)) = (seen, lookup.records()) else {
        return;
    };
    let Some(reply) = unanimous(seen) else {
        return;
    };
    let mut there: Vec<String> = reply.records.iter().map(|it| it.to_lowercase()).collect();
    there.sort();
    if here == there {
        return;
    }
    let what = lookup.what();
    let is_address = matches!(lookup.record_type, RecordType::A | RecordType::Aaaa);
    // Name servers may give each client different addresses.
    if is_address && !here.is_empty() && !there.is_empty() {
        if !here.iter().any(|address| there.contains(address)) {
            findings.add(
                &RESOLVER_ADDRESSES_DIFFER,
                lookup.name,
                format!(
                    "The resolver answers {what} with {}, and the name servers of {} answer with \
                     {}.",
                    listed(&here),
                    seen.zone,
                    listed(&there)
                ),
            );
        }
        return;
    }
    let until = lookup
        .ttl()
        .map(|ttl| format!(" for up to {} after the change", duration(ttl)));
    findings.add(
        &RECORDS_CHANGE_SPREADING,
        lookup.name,
        format!(
            "The name servers of {} answer {what} with {}, and the resolver with {}. Senders may \
             use the old answer{}.",
            seen.zone,
            listed(&there),
            listed(&here),
            until.unwrap_or_default()
        ),
    );
}

/// The records on which all name servers of the zone agree.
fn unanimous(seen: &AuthoritySeen) -> Option<&NameServerReply> {
    let mut replies = seen
        .addresses()
        .filter_map(|(_, address)| address.answers.as_ref()?.whole())
        .filter(|reply| reply.authoritative);
    let first = replies.next()?;
    replies
        .all(|reply| reply.records == first.records)
        .then_some(first)
}
