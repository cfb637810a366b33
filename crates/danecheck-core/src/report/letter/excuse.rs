//! Faults of which it is unknown whether they are the receiver's: no letter blames
//! him for them.

use crate::finding::{
    NAME_SERVERS_IN_ORDER, RECORDS_CHANGE_SPREADING, RESOLVER_AND_VALIDATION_DIFFER,
    RESOLVER_ANSWERS_OTHERWISE, Rule, VANTAGE_POINTS_DIFFER,
};

use super::super::model::Report;

/// Why nobody writes to the receiver about this report; `None` if the letter may
/// say what it says.
pub(super) fn of(report: &Report) -> Option<&'static str> {
    let reasons: [(&Rule, &str); 5] = [
        (
            &VANTAGE_POINTS_DIFFER,
            "no letter: from another place something else is seen, so it is unknown whether the \
             receiver has to repair anything.",
        ),
        (
            &NAME_SERVERS_IN_ORDER,
            "no letter: the name servers of the zone answer what the resolver does not, so the \
             fault is not the receiver's.",
        ),
        (
            &RESOLVER_ANSWERS_OTHERWISE,
            "no letter: the name servers of the zone answer otherwise than the resolver, so the \
             fault is not the receiver's.",
        ),
        (
            &RESOLVER_AND_VALIDATION_DIFFER,
            "no letter: the resolver and danecheck's own validation disagree, so it is unknown \
             whether the receiver has to repair anything.",
        ),
        (
            &RECORDS_CHANGE_SPREADING,
            "no letter: the receiver has changed the records already, and the resolver still has \
             the old ones.",
        ),
    ];
    reasons.into_iter().find_map(|(rule, why)| {
        let mut findings = report.findings.iter();
        findings.any(|finding| finding.is_of(rule)).then_some(why)
    })
}
