//! Turns a diagnosis into the entry that it advises.

use crate::diagnosis::Diagnosis;
use crate::entry::{Language, Note, Request};
use crate::finding::expectation::MX_NOT_AS_EXPECTED;
use crate::finding::rule::Severity;
use crate::judge::{Delivery, Standing};
use crate::text::printable;

/// Only the first part of a longer reason is printed.
const LONGEST_REASON: usize = 200;

impl Diagnosis<'_> {
    /// The data from which an entry for any mail system is written; `None` if
    /// no override is advised.
    pub fn entry_request(&self, language: Language) -> Option<Request> {
        let judged = &self.judged;
        let entry = judged.recommendation.entry.clone()?;
        Some(Request {
            entry,
            hosts: self.broken_hosts(),
            by_plain_text_retry: judged.sending.outcomes.may.delivery
                == Delivery::DeliveredAfterRetry,
            note: self.note(),
            language,
        })
    }

    /// The same for the strictest line that delivers.
    pub fn strictest_request(&self, language: Language) -> Option<Request> {
        let strictest = self.strictest.as_ref()?;
        Some(Request {
            entry: strictest.entry.clone()?,
            hosts: self.broken_hosts(),
            by_plain_text_retry: false,
            note: Note {
                caution: strictest.caution.clone(),
                reason: strictest.breaks_when.clone().unwrap_or_default(),
                remove_when: "`danecheck overrides` says that mail waits because of it".to_owned(),
                ..self.note()
            },
            language,
        })
    }

    /// What the comment of an entry says.
    pub fn note(&self) -> Note {
        let judged = &self.judged;
        let observation = judged.evidence.observation;
        let target = observation.next_hop.to_string();
        // That the MX records name other hosts is no reason for an override.
        let worst = self.findings.iter().find(|finding| {
            finding.severity == Severity::Error && *finding.rule != MX_NOT_AS_EXPECTED
        });
        let logged = judged.sending.outcome.reason.as_deref();
        let reason = worst
            .map(|finding| finding.message.as_str())
            .or(logged)
            .unwrap_or("the policy in force does not deliver");
        let advice = &judged.recommendation;
        Note {
            date: observation.checked_at.day(),
            caution: advice.caution.clone(),
            reason: shortened(&printable(reason)),
            remove_when: advice
                .remove_when
                .clone()
                .unwrap_or_else(|| format!("`danecheck {target}` says so")),
            next_hop: Some(target),
        }
    }

    /// The hosts to which the `dane` level does not deliver; all hosts if no
    /// such host is known. Entries do not contain invalid host names.
    fn broken_hosts(&self) -> Vec<String> {
        let mut standings = self.judged.standings.iter();
        let mut all = Vec::new();
        let mut broken = Vec::new();
        for host in &self.judged.evidence.hosts {
            let of_host = standings.by_ref().take(host.addresses.len());
            let failing = of_host.filter(|standing| **standing == Standing::Broken);
            let is_broken = failing.count() > 0;
            let name = printable(&host.seen.name);
            if is_host(&name) {
                if is_broken {
                    broken.push(name.clone());
                }
                all.push(name);
            }
        }
        match broken.is_empty() {
            true => all,
            false => broken,
        }
    }
}

fn is_host(name: &str) -> bool {
    crate::next_hop::host_name_fault(name).is_none() || name.parse::<std::net::IpAddr>().is_ok()
}

/// The first sentence, or the part before its first colon if the sentence is
/// long, and a mark that there is more.
fn shortened(reason: &str) -> String {
    if reason.chars().count() <= LONGEST_REASON {
        return reason.to_owned();
    }
    let ends = [": ", ". "].into_iter().filter_map(|end| reason.find(end));
    let first = ends.min().and_then(|end| reason.get(..end));
    let kept: String = first
        .unwrap_or(reason)
        .chars()
        .take(LONGEST_REASON)
        .collect();
    format!("{kept} ...")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_a_reason_leaves_a_mark() {
        let rest = "x".repeat(LONGEST_REASON);
        for (reason, kept) in [
            ("It fails: so.".to_owned(), "It fails: so.".to_owned()),
            (format!("It fails: {rest}"), "It fails ...".to_owned()),
            (format!("It fails. {rest}"), "It fails ...".to_owned()),
            (format!("{rest}x"), format!("{rest} ...")),
        ] {
            assert_eq!(shortened(&reason), kept);
        }
    }
}
