//! Findings about looks from other places (`--also-from`).

use crate::judge::{Agreement, DifferenceKind, Judged};

use super::rule::{Findings, Rule, Severity};

pub(super) static VANTAGE_POINTS_AGREE: Rule = Rule {
    id: "vantage-points-agree",
    severity: Severity::Info,
    reference: "RFC 7672 section 1.2",
    meaning: "From another place the same was seen, or what differs has an innocent cause. So \
              nobody near this machine changes what it sees.",
    sender: "Do nothing: this confirms the rest of the report.",
    receiver: "",
};

pub(super) static VANTAGE_POINT_BLIND: Rule = Rule {
    id: "vantage-point-blind",
    severity: Severity::Warning,
    reference: "RFC 1928 section 6",
    meaning: "From the other place the target could not be seen, or not all of it. So it confirms \
              nothing.",
    sender: "Check that the proxy works, and that the host at its other end may connect to port \
             25 and 53. Name a resolver with --also-resolver if it has none of its own.",
    receiver: "",
};

pub(crate) static VANTAGE_POINTS_DIFFER: Rule = Rule {
    id: "vantage-points-differ",
    severity: Severity::Error,
    reference: "RFC 7672 section 1.2",
    meaning: "From another place something else is seen: another certificate at the same address, \
              STARTTLS here and not there, other answers of DNS. Nothing proves that both are \
              genuine. A person in between could cause that, near this machine or near the other \
              place.",
    sender: "Set no override. Look from a third place. Ask the receiver by phone which of the two \
             is right, and read him the fingerprint of the certificate.",
    receiver: "Compare the certificate and the records with what your servers really have.",
};

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    for look in &judged.elsewhere {
        let compared = &look.compared;
        let from = look.from;
        match compared.agreement() {
            Agreement::Unexplained => {
                let unexplained = compared.differences.iter();
                let unexplained = unexplained.filter(|it| it.kind == DifferenceKind::Unexplained);
                for one in unexplained {
                    let subject = match one.address {
                        Some(address) => format!("{} [{address}]", one.host),
                        None => one.host.clone(),
                    };
                    let message = format!(
                        "From {from} {} of {subject} is not the same. Here: {}. There: {}.",
                        one.what.words(),
                        one.a,
                        one.b
                    );
                    findings.add(&VANTAGE_POINTS_DIFFER, subject, message);
                }
            }
            Agreement::Unknown => {
                let unseen = compared.differences.iter();
                let mut unseen = unseen.filter(|it| it.kind == DifferenceKind::NotSeen);
                let why = compared.obstacle.clone().or_else(|| {
                    let one = unseen.next()?;
                    Some(format!(
                        "Of {}, one look says: {}; the other: {}.",
                        one.host, one.a, one.b
                    ))
                });
                let why = why.unwrap_or_default();
                let message = format!("From {from} the target could not be compared. {why}");
                findings.add(&VANTAGE_POINT_BLIND, from, message.trim_end());
            }
            Agreement::Same => {
                let message = format!("From {from} the same was seen.");
                findings.add(&VANTAGE_POINTS_AGREE, from, message);
            }
            Agreement::Explained => {
                let message = format!(
                    "From {from} the same was seen, but for what has an innocent cause: {}.",
                    compared
                        .differences
                        .iter()
                        .map(|one| format!("{} of {}", one.what.words(), one.host))
                        .collect::<Vec<_>>()
                        .join(", ")
                );
                findings.add(&VANTAGE_POINTS_AGREE, from, message);
            }
        }
    }
}
