//! Findings about DNSSEC signatures that end soon.
//!
//! Most zones are signed again and again by a program. The end of a signature
//! is a fault only if it should have been renewed by now.

use std::collections::HashSet;

use crate::dnssec::{OwnValidation, SecurityStatus, SignatureSpan};
use crate::finding::rule::{Findings, Rule, Severity};
use crate::judge::Judged;
use crate::observation::{Observation, SingleLookup};
use crate::unix_time::UnixTime;

pub(super) static SIGNATURE_ENDS_SOON: Rule = Rule {
    id: "signature-ends-soon",
    severity: Severity::Warning,
    reference: "RFC 6781 section 4.4.2",
    meaning: "A signature of the zone ends within two days, with less than a fifth of its lifetime \
              left, or within the days of --warn-days. Signing software renews signatures earlier \
              (BIND five days before the end, Knot DNS seven, OpenDNSSEC three), so most likely it \
              is not running. Once the signature has ended, no validating sender delivers.",
    sender: "Tell the domain's administrator.",
    receiver: "Find out why the zone is not signed again: the signing service, its keys, or the \
               transfer to the name servers. Then sign it.",
};

pub(super) static SIGNATURES_END_BY_THEN: Rule = Rule {
    id: "signatures-end-by-then",
    severity: Severity::Info,
    reference: "RFC 4034 section 3.1.5",
    meaning: "The report is for a later moment, and a DNSSEC signature ends before it. Most zones \
              renew signatures by program, so the report assumes a renewal in time. Without a \
              renewal, no validating sender delivers from then on.",
    sender: "",
    receiver: "Do nothing if a program signs the zone. If you sign it by hand, sign it again \
               before that day.",
};

pub(super) static SIGNATURE_WITHIN_CLOCK_SKEW: Rule = Rule {
    id: "signature-within-clock-skew",
    severity: Severity::Warning,
    reference: "unbound val-sig-skew-max",
    meaning: "A signature of the zone has ended or not begun, but by less than unbound allows for \
              clock differences. unbound allows a tenth of the signature's lifetime, at least an \
              hour and at most a day. Senders behind unbound deliver for now. Stricter validators \
              (BIND, its delv) treat the records as bogus, and mail waits.",
    sender: "Check the clock of this host, and tell the domain's administrator.",
    receiver: "Sign the zone again at once. Find out why it was not signed in time, and set the \
               clock of the machine that signs.",
};

/// Seconds before the end of a signature at which working software has long
/// renewed it.
const SOON: i64 = 2 * 86_400;

/// And at most this part of its lifetime is left: some signers make signatures
/// on demand, for only two days.
const PART: i64 = 5;

/// Whether working software would have renewed a signature by now.
fn is_overdue(span: &SignatureSpan, now: UnixTime) -> bool {
    let left = span.expiration.0.saturating_sub(now.0);
    let whole = span.expiration.0.saturating_sub(span.inception.0);
    left < SOON && left.saturating_mul(PART) < whole
}

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    let observation = judged.evidence.observation;
    // The moment of the judgement, and the moment at which the signature was
    // seen: only the latter shows whether a renewal is overdue.
    let (then, seen) = (judged.evidence.now, observation.checked_at);
    let warned_of = |span: &SignatureSpan| match judged.horizon.warn_days {
        Some(days) => span.expiration <= then.plus_days(days.into()),
        None => is_overdue(span, seen),
    };
    for own in observation.lookups().filter_map(|lookup| lookup.own) {
        forgiven(own, findings);
    }
    for span in first_of_each_zone(observation) {
        let ends_by_then = seen < then && span.expiration <= then;
        if warned_of(span) {
            let mut text = ends_text(span);
            if ends_by_then {
                text.push_str(" That is before the moment that this report is for.");
            }
            findings.add(&SIGNATURE_ENDS_SOON, span.zone.clone(), text);
        } else if ends_by_then {
            findings.add(
                &SIGNATURES_END_BY_THEN,
                span.zone.clone(),
                format!(
                    "The signature of {} ends at {}, before the moment that this report is for. \
                     The report assumes that {} is signed again by then. If not, no validating \
                     sender delivers.",
                    span.record_set, span.expiration, span.zone
                ),
            );
        }
    }
}

/// The finding about one lookup by itself.
pub(super) fn of_single(lookup: &SingleLookup, now: UnixTime, findings: &mut Findings) {
    forgiven(&lookup.own, findings);
    if is_forgiven(&lookup.own) {
        return;
    }
    if let Some(span) = lookup.own.first_to_end.as_deref()
        && is_overdue(span, now)
    {
        findings.add(&SIGNATURE_ENDS_SOON, span.zone.clone(), ends_text(span));
    }
}

/// A signature that only unbound accepts.
fn forgiven(own: &OwnValidation, findings: &mut Findings) {
    let Some(forgiven) = own.forgiven.as_deref() else {
        return;
    };
    if own.status != SecurityStatus::Secure {
        return;
    }
    let SignatureSpan {
        zone,
        record_set,
        inception,
        expiration,
    } = &forgiven.signature;
    let until = forgiven.until;
    let text = if until == *inception {
        format!(
            "The signature of {record_set} is not valid before {inception}. unbound accepts it \
             already, because clocks may differ. delv and other validators do not."
        )
    } else {
        format!(
            "The signature of {record_set} ended at {expiration}. unbound still accepts it until \
             {until}, because clocks may differ. delv and other validators do not."
        )
    };
    findings.add(&SIGNATURE_WITHIN_CLOCK_SKEW, zone.clone(), text);
}

/// Whether the signature that ends first has ended, and that was reported.
fn is_forgiven(own: &OwnValidation) -> bool {
    let forgiven = own.forgiven.as_deref().map(|it| &it.signature);
    forgiven.is_some() && forgiven == own.first_to_end.as_deref()
}

fn ends_text(span: &SignatureSpan) -> String {
    format!(
        "The signature of {} ends at {}, and nobody has renewed it since {}.",
        span.record_set, span.expiration, span.inception
    )
}

/// The signature of each zone that ends first, of those on which the delivery
/// depends: if an answer is not secure, nothing breaks when they end.
fn first_of_each_zone(observation: &Observation) -> Vec<&SignatureSpan> {
    let own = observation.lookups().filter_map(|lookup| lookup.own);
    let secure = |own: &&OwnValidation| own.status == SecurityStatus::Secure;
    let mut spans: Vec<&SignatureSpan> = own
        .filter(secure)
        .filter(|own| !is_forgiven(own))
        .filter_map(|own| own.first_to_end.as_deref())
        .collect();
    spans.sort_by_key(|span| span.expiration);
    let mut zones = HashSet::new();
    spans.retain(|span| zones.insert(&span.zone));
    spans
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
            // Made on demand, for two days.
            (1, 24, false),
            // A week, on the last day.
            (6, 23, true),
            // Past its end altogether.
            (14, -1, true),
        ] {
            let span = span(days_before, hours_left);
            assert_eq!(is_overdue(&span, now), soon, "{days_before} {hours_left}");
        }
    }
}
