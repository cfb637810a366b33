//! What a lookup that failed is called, and what repairs it.

use std::fmt::Debug;

use crate::finding::name_server::is_bogus_at_the_resolver_alone;
use crate::finding::rule::{Finding, Rule};
use crate::observation::{AnyLookup, InZoneFile, Lookup, LookupFailure};

use super::weak_link;

/// The finding about a lookup that failed: with its name in the steps, and with
/// the step for the link of the chain of trust that breaks, if that is known.
pub(super) fn failed<T: InZoneFile + Debug>(
    rule: &'static Rule,
    subject: &str,
    lookup: &Lookup<T>,
    failure: &LookupFailure,
) -> Finding {
    let message = format!(
        "The {} lookup for {} failed: {}.",
        lookup.record_type,
        lookup.name,
        failure_text(failure)
    );
    let finding = Finding::new(rule, subject, message);
    let finding = match broken_link(lookup, failure) {
        Some(link) => finding.receiver(link.receiver),
        None => finding,
    };
    finding
        .known("NAME", &lookup.name)
        .known("TYPE", &lookup.record_type.to_string())
}

/// The rule for the link that breaks: as danecheck's own validation says, else
/// as the resolver says (RFC 8914 section 4).
fn broken_link<T: InZoneFile + Debug>(
    lookup: &Lookup<T>,
    failure: &LookupFailure,
) -> Option<&'static Rule> {
    // The zone is not to blame for what only the resolver has.
    if is_bogus_at_the_resolver_alone(&AnyLookup::from(lookup)) {
        return None;
    }
    let own = lookup.own.as_ref().filter(|own| own.is_bogus());
    if let Some(link) = own.and_then(|own| own.weak_link.as_ref()) {
        return weak_link::rule(&link.fault);
    }
    let error = failure.extended_error.as_ref()?;
    let is_of_signature = error.text.contains("signature");
    match error.code {
        6 if is_of_signature => Some(&weak_link::SIGNATURE_WRONG),
        7 => Some(&weak_link::SIGNATURE_EXPIRED),
        8 => Some(&weak_link::SIGNATURE_NOT_YET_VALID),
        // unbound gives it also for a key whose signature is wrong.
        9 if is_of_signature => Some(&weak_link::SIGNATURE_WRONG),
        9 => Some(&weak_link::DS_MATCHES_NO_KEY),
        10 => Some(&weak_link::SIGNATURE_MISSING),
        12 => Some(&weak_link::DENIAL_PROVES_NOTHING),
        25 => Some(&weak_link::SIGNATURE_DATES_REVERSED),
        _ => None,
    }
}

/// The failure in words, with the resolver's reason.
pub(super) fn failure_text(failure: &LookupFailure) -> String {
    let kind = failure.kind.as_text();
    match &failure.extended_error {
        None => kind.to_owned(),
        Some(error) if error.text.is_empty() => format!("{kind} ({})", error.name()),
        Some(error) => {
            let (name, reason) = (error.name(), brief(&error.text));
            match reason.starts_with(&name) {
                true => format!("{kind} ({reason})"),
                false => format!("{kind} ({name}: {reason})"),
            }
        }
    }
}

/// A resolver's reason without what the sentence says already: unbound begins
/// with the question, and names a server once for each attempt.
fn brief(text: &str) -> String {
    let rest = match text.strip_prefix("validation failure <") {
        Some(rest) => rest.split_once(">: ").map_or(text, |(_, rest)| rest),
        None => text,
    };
    let mut words: Vec<&str> = Vec::new();
    for word in rest.split(' ') {
        words.push(word);
        if let [.., first, "and", second] = words.as_slice()
            && first == second
        {
            words.truncate(words.len().saturating_sub(2));
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {

    #[test]
    fn a_reason_says_nothing_twice() {
        for (text, brief) in [
            ("", ""),
            ("no answer", "no answer"),
            (
                "validation failure <a.example. MX IN>: signature expired from 192.0.2.1",
                "signature expired from 192.0.2.1",
            ),
            (
                "key from 192.0.2.1 and 192.0.2.1 and 192.0.2.1 for a.example.",
                "key from 192.0.2.1 for a.example.",
            ),
            (
                "from 192.0.2.1 and 192.0.2.2",
                "from 192.0.2.1 and 192.0.2.2",
            ),
            ("validation failure <cut", "validation failure <cut"),
        ] {
            assert_eq!(super::brief(text), brief);
        }
    }
}
