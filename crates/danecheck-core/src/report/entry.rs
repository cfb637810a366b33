//! Turns a report into the entry that it advises.

use crate::entry::{Language, Note, Request};
use crate::finding::Severity;
use crate::judge::{Action, Delivery, Standing};

use crate::postfix::{Override, PolicyLine};

use super::model::{HostReport, Report};

/// Only the first part of a longer reason is printed.
const LONGEST_REASON: usize = 200;

impl Report {
    /// The data from which an entry for any mail system is written; `None` if
    /// no override is advised.
    pub fn entry_request(&self, language: Language) -> Option<Request> {
        let advice = &self.recommendation;
        let row = advice.entries.mailcow.as_ref()?;
        let policy = advice.policy?;
        if advice.action != Action::Override {
            return None;
        }
        Some(Request {
            entry: Override {
                next_hop: row.dest.clone(),
                line: PolicyLine::parse(&format!("{policy} {}", row.parameters), None).ok()?,
            },
            hosts: self.broken_hosts(),
            by_plain_text_retry: self.outcomes.may.delivery == Delivery::DeliveredAfterRetry,
            note: self.note(),
            language,
        })
    }

    /// What the comment of an entry says.
    pub fn note(&self) -> Note {
        let worst = self
            .findings
            .iter()
            .find(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.message.as_str());
        let logged = self.outcomes.dane.reason.as_deref();
        let reason = worst
            .or(logged)
            .unwrap_or("the dane level does not deliver");
        Note {
            date: self.checked_at.day(),
            next_hop: Some(self.target.clone()),
            caution: self.recommendation.caution.clone(),
            reason: shortened(reason),
            remove_when: self
                .recommendation
                .remove_when
                .clone()
                .unwrap_or_else(|| format!("`danecheck {}` says so", self.target)),
        }
    }

    /// The hosts to which the `dane` level does not deliver; all hosts if no
    /// such host is known. Entries do not contain invalid host names.
    fn broken_hosts(&self) -> Vec<String> {
        let broken = |host: &&HostReport| {
            host.addresses
                .iter()
                .any(|address| address.dane == Standing::Broken)
        };
        let names = |hosts: Vec<&HostReport>| -> Vec<String> {
            hosts
                .into_iter()
                .map(|host| host.name.clone())
                .filter(|name| is_host(name))
                .collect()
        };
        let some = names(self.hosts.iter().filter(broken).collect());
        if some.is_empty() {
            names(self.hosts.iter().collect())
        } else {
            some
        }
    }
}

fn is_host(name: &str) -> bool {
    crate::next_hop::host_name_fault(name).is_none() || name.parse::<std::net::IpAddr>().is_ok()
}

/// The first sentence, or the part before its first colon if the sentence is
/// long: the rest only explains.
fn shortened(reason: &str) -> String {
    if reason.chars().count() <= LONGEST_REASON {
        return reason.to_owned();
    }
    let ends = [": ", ". "].into_iter().filter_map(|end| reason.find(end));
    ends.min()
        .and_then(|end| reason.get(..end))
        .unwrap_or(reason)
        .chars()
        .take(LONGEST_REASON)
        .collect()
}
