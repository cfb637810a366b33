//! The finding about addresses that Postfix never tries.

use crate::finding::rule::{Findings, Rule, Severity};
use crate::judge::{ADDRESS_LIMIT, Judged, Route, Standing, Verdict, never_tried};

pub(super) static MORE_ADDRESSES_THAN_TRIED: Rule = Rule {
    id: "more-addresses-than-tried",
    severity: Severity::Info,
    reference: "Postfix smtp_mx_address_limit",
    meaning: "Postfix tries at most five addresses of a domain, the most preferred first. If it \
              has addresses of both families, each family gets a share of the five. A server that \
              comes later never gets mail from Postfix, even if all five before it fail.",
    sender: "Tell the receiver. A larger smtp_mx_address_limit in main.cf makes Postfix try more.",
    receiver: "Repair the preferred servers, or remove their MX records, so that a server that \
               works is among the first five addresses.",
};

/// Raises the finding if a server that takes mail is never tried.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    let Route::Addresses(candidates) = &judged.evidence.route else {
        return;
    };
    if judged.verdict == Verdict::Indeterminate {
        return;
    }
    let hosts = &judged.evidence.hosts;
    let places = hosts.iter().enumerate().flat_map(|(index, host)| {
        let addresses = 0..host.addresses.len();
        addresses.map(move |place| (index, place))
    });
    let taking: Vec<(usize, usize)> = places
        .zip(&judged.standings)
        .filter(|(_, standing)| {
            matches!(
                standing,
                Standing::Authenticated
                    | Standing::Assumed
                    | Standing::WithoutTlsa
                    | Standing::Unusable
            )
        })
        .map(|(place, _)| place)
        .collect();
    let mut names: Vec<&str> = never_tried(candidates)
        .filter(|one| taking.contains(&(one.host, one.address)))
        .filter_map(|one| Some(hosts.get(one.host)?.seen.name.as_str()))
        .collect();
    names.dedup();
    let named = match names.as_slice() {
        [] => return,
        [one] => (*one).to_owned(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    };
    let target = judged.evidence.observation.next_hop.to_string();
    let message = format!(
        "{target} has {} addresses, and Postfix tries {ADDRESS_LIMIT} at most. So it never tries \
         {named}, which would take the mail.",
        candidates.len()
    );
    findings.add(&MORE_ADDRESSES_THAN_TRIED, target, message);
}
