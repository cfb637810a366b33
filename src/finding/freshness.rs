//! Findings about how long DNS data lasts: signatures that are about to end,
//! caches that still have what was changed.

use crate::dnssec::{SignatureSpan, Validated};
use crate::judge::{DaneRecords, Judged, Standing};
use crate::observation::{
    Answer, AuthoritySeen, Lookup, MxRecord, NameServerReply, Observation, RecordSet, SingleLookup,
};
use crate::tlsa::TlsaRecord;
use crate::unix_time::UnixTime;

use super::{Findings, Rule, Severity};

pub(super) static RECORDS_CHANGE_SPREADING: Rule = Rule {
    id: "records-change-spreading",
    severity: Severity::Info,
    reference: "RFC 1034 section 3.6",
    meaning: "The name servers of the zone have other records than the resolver, which has its \
              own from before a change. Senders may use either until the old ones have run out \
              of all caches.",
    sender: "flush the name from the resolver's cache to use the new records at once.",
    receiver: "keep the old certificate and key in use, or the old TLSA records published beside \
               the new ones, until the TTL has passed.",
};

pub(super) static RESOLVER_SERVES_STALE: Rule = Rule {
    id: "resolver-serves-stale",
    severity: Severity::Warning,
    reference: "RFC 8767",
    meaning: "The resolver answers with data whose time has run out, because it gets nothing \
              newer from the name servers of the zone. What it says may have changed since.",
    sender: "see whether the resolver reaches the name servers: ask them with --authoritative.",
    receiver: "see that the name servers of the zone answer.",
};

pub(super) static SIGNATURE_ENDS_SOON: Rule = Rule {
    id: "signature-ends-soon",
    severity: Severity::Warning,
    reference: "RFC 6781 section 4.4.2",
    meaning: "A signature of the zone ends within two days, with less than a fifth of its time \
              left. Signing software renews signatures well before (BIND five days, Knot DNS \
              seven, OpenDNSSEC three), so that it most likely does not run. Once the signature \
              has ended, no validating sender delivers.",
    sender: "tell the domain.",
    receiver: "see why the zone is not signed again (the signing service, its keys, the transfer \
               to the name servers), and sign it.",
};

pub(super) static TLSA_FROM_CACHE: Rule = Rule {
    id: "tlsa-from-cache",
    severity: Severity::Info,
    reference: "RFC 6698 appendix A.4",
    meaning: "The TLSA records that match nothing come from the resolver's cache. If they were \
              corrected since, senders whose resolvers still have the old ones keep their mail \
              back until the TTL has passed.",
    sender: "ask the name servers themselves with --authoritative; flush the name from the \
             resolver's cache once they have the right records.",
    receiver: "",
};

/// So many seconds before its end a signature is due, where software that
/// works has long renewed it.
const SOON: i64 = 2 * 86_400;

/// And this part of its time is left at most: some signers make signatures for
/// two days only, as they are asked for.
const PART: i64 = 5;

/// Whether a signature is about to end: within the days that were asked for,
/// or where working software would have renewed it.
fn ends_soon(span: &SignatureSpan, now: UnixTime, warn_days: Option<u32>) -> bool {
    if let Some(days) = warn_days {
        return span.expiration <= now.plus_days(days.into());
    }
    let left = span.expiration.0.saturating_sub(now.0);
    let whole = span.expiration.0.saturating_sub(span.inception.0);
    left < SOON && left.saturating_mul(PART) < whole
}

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    let observation = judged.evidence.observation;
    signatures(observation, judged.horizon.warn_days, findings);
    stale(observation, findings);
    cached(judged, findings);
    spreading(observation, findings);
}

/// What is said of one lookup, whatever its type.
struct Lasting<'a> {
    what: String,
    span: Option<&'a SignatureSpan>,
    stale: bool,
}

fn lasting<T>(lookup: &Lookup<T>) -> Lasting<'_> {
    let own = lookup.own.as_ref();
    let reason = lookup.extended_error.as_ref();
    Lasting {
        what: format!("{} {}", lookup.name, lookup.record_type),
        span: own.and_then(|own| own.first_to_end.as_deref()),
        stale: reason.is_some_and(|reason| reason.is_stale()),
    }
}

fn all(observation: &Observation) -> Vec<Lasting<'_>> {
    let mut all: Vec<Lasting<'_>> = observation.mx.iter().map(lasting).collect();
    for host in &observation.hosts {
        all.extend(host.a.iter().chain(&host.aaaa).map(lasting));
        all.extend(host.alias.iter().map(lasting));
        all.extend(host.tlsa.iter().map(|tlsa| lasting(&tlsa.lookup)));
    }
    all
}

/// The first signature of each zone that is about to end.
fn signatures(observation: &Observation, warn_days: Option<u32>, findings: &mut Findings) {
    let now = observation.checked_at;
    let lookups = all(observation);
    let mut spans: Vec<&SignatureSpan> = lookups.iter().filter_map(|it| it.span).collect();
    spans.retain(|span| ends_soon(span, now, warn_days));
    spans.sort_by_key(|span| span.expiration);
    let mut zones: Vec<&str> = Vec::new();
    for span in spans {
        if zones.contains(&span.zone.as_str()) {
            continue;
        }
        zones.push(&span.zone);
        findings.add(&SIGNATURE_ENDS_SOON, span.zone.clone(), ends_text(span));
    }
}

fn ends_text(span: &SignatureSpan) -> String {
    format!(
        "The signature of {} ends at {}, and was not renewed since {}.",
        span.record_set, span.expiration, span.inception
    )
}

/// The findings about one lookup by itself.
pub(super) fn of_single(lookup: &SingleLookup, now: UnixTime, findings: &mut Findings) {
    if let Some(span) = lookup.own.first_to_end.as_deref()
        && ends_soon(span, now, None)
    {
        findings.add(&SIGNATURE_ENDS_SOON, span.zone.clone(), ends_text(span));
    }
    let reason = lookup.reply.as_ref().ok();
    let reason = reason.and_then(|reply| reply.extended_error.as_ref());
    if reason.is_some_and(|reason| reason.is_stale()) {
        let what = format!("{} {}", lookup.name, lookup.rtype);
        findings.add(&RESOLVER_SERVES_STALE, what.clone(), stale_text(&what));
    }
}

fn stale_text(what: &str) -> String {
    format!("The resolver answers {what} with data whose time has run out (stale answer).")
}

fn stale(observation: &Observation, findings: &mut Findings) {
    for lookup in all(observation).iter().filter(|lookup| lookup.stale) {
        findings.add(
            &RESOLVER_SERVES_STALE,
            lookup.what.clone(),
            stale_text(&lookup.what),
        );
    }
}

/// TLSA records that match nothing, and come from a cache.
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
        if *standing == Standing::Broken {
            findings.add(
                &TLSA_FROM_CACHE,
                tlsa.lookup.name.clone(),
                format!(
                    "The TLSA records at {} come from the resolver's cache: it fetched them {} \
                     ago, and asks again in {}. Where they were corrected since, senders may use \
                     the old ones for up to {} after the change.",
                    tlsa.lookup.name,
                    duration(age),
                    duration(set.ttl),
                    duration(original)
                ),
            );
        }
    }
}

/// The TTL that the zone gives, and how much of it has passed.
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

/// Where all name servers have other records than the resolver.
fn spreading(observation: &Observation, findings: &mut Findings) {
    if let Some(mx) = &observation.mx {
        let text = |record: &MxRecord| format!("{} {}.", record.preference, record.host);
        spreads(mx, text, findings);
    }
    for tlsa in observation.hosts.iter().flat_map(|host| &host.tlsa) {
        spreads(&tlsa.lookup, TlsaRecord::to_string, findings);
    }
}

fn spreads<T>(lookup: &Lookup<T>, text: impl Fn(&T) -> String, findings: &mut Findings) {
    let Some(seen) = &lookup.authority else {
        return;
    };
    let (mut here, ttl) = match &lookup.answer {
        Answer::Records(set) => {
            let set = Validated::open(set).regardless();
            let records = set.records.iter().map(text).collect();
            (records, Some(set.original_ttl.unwrap_or(set.ttl)))
        }
        Answer::Denied(_) => (Vec::new(), None),
        Answer::Failed(_) => return,
    };
    here.sort();
    let Some(there) = unanimous(seen) else {
        return;
    };
    let mut records: Vec<String> = there.records.iter().map(|it| it.to_lowercase()).collect();
    records.sort();
    if here == records {
        return;
    }
    let until = ttl.map(|ttl| format!(" for up to {} after the change", duration(ttl)));
    findings.add(
        &RECORDS_CHANGE_SPREADING,
        lookup.name.clone(),
        format!(
            "The name servers of {} have other records for {} {} than the resolver: senders may \
             use the old ones{}.",
            seen.zone,
            lookup.name,
            lookup.record_type,
            until.unwrap_or_default()
        ),
    );
}

/// What all name servers that speak for the zone say alike.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn span(days_before: i64, hours_left: i64) -> SignatureSpan {
        let now = UnixTime(1_700_000_000);
        SignatureSpan {
            zone: "example.com.".to_owned(),
            record_set: "example.com. MX".to_owned(),
            inception: now.plus_days(-days_before),
            expiration: UnixTime(now.0 + hours_left * 3_600),
        }
    }

    #[test]
    fn signatures_are_due_where_working_software_has_renewed_them() {
        let now = UnixTime(1_700_000_000);
        for (days_before, hours_left, soon) in [
            // Two weeks, as BIND, Knot DNS and OpenDNSSEC make them.
            (12, 47, true),
            (11, 3 * 24, false),
            (1, 13 * 24, false),
            // Made as they are asked for, for two days.
            (1, 24, false),
            // A week, of the last day.
            (6, 23, true),
            // Past its end altogether.
            (14, -1, true),
        ] {
            let span = span(days_before, hours_left);
            assert_eq!(
                ends_soon(&span, now, None),
                soon,
                "{days_before} {hours_left}"
            );
        }
    }
}
