//! Which mail systems deliver a letter to a receiver whose mail does not arrive.

use crate::judge::Delivery;

use super::super::model::Report;
use super::problem::Problem;

/// Which mail systems deliver the letter itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// All that are known to.
    Usual,
    /// All but the sender's own.
    Another,
    /// Those that do not use DANE.
    WithoutDane,
    /// Those that use no TLS.
    WithoutTls,
    /// Those whose resolver does not validate DNSSEC.
    WithoutDnssec,
    /// None.
    Nobody,
}

impl Carrier {
    pub(super) fn of(report: &Report, problem: &Problem<'_>) -> Self {
        let levels = &report.outcomes;
        if problem.is_lost_by_dnssec(report) {
            Self::WithoutDnssec
        } else if levels.dane.delivers() {
            match report.answer().delivers() {
                true => Self::Usual,
                false => Self::Another,
            }
        } else if levels.may.delivers() || levels.encrypt.delivers() {
            Self::WithoutDane
        } else if levels.none.delivers() {
            Self::WithoutTls
        } else {
            Self::Nobody
        }
    }

    /// What the person who sends the letter has to know, without the full stop;
    /// `None` for nothing.
    pub(super) fn warning(self, report: &Report) -> Option<String> {
        let without = match self {
            Self::Usual => return None,
            Self::Nobody => {
                return Some(
                    "no TLS level delivers mail to them, so this letter does not arrive either: \
                     call, or write to another domain of theirs"
                        .to_owned(),
                );
            }
            Self::Another => "another mail system",
            Self::WithoutDane => "a mail system that does not use DANE",
            Self::WithoutTls => "a mail system that uses no TLS",
            Self::WithoutDnssec => "a mail system whose resolver does not validate DNSSEC",
        };
        let own = match self {
            Self::Another => report.answer().delivery,
            _ => report.outcomes.dane.delivery,
        };
        let (theirs, this) = match own {
            Delivery::Bounced => ("is returned", "be returned"),
            _ => ("waits", "wait"),
        };
        Some(format!(
            "mail to them {theirs}, and this letter may {this} too: send it from {without}, or call"
        ))
    }
}
