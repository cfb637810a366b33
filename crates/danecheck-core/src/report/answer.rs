//! What a report answers: what becomes of the mail of the sender that was asked
//! about. Every format and the exit status take it from here.

use crate::finding::rule::Severity;
use crate::finding::{MTA_STS_MAILCOW_WAITS, MTA_STS_NO_HOST_PASSES};
use crate::judge::{Channel, Delivery, Outcome, Verdict};
use crate::postfix::SecurityLevel;

use super::model::Report;
use super::sender::SenderReport;
use super::status::{ExitStatus, FailOn};

impl Report {
    /// What happens to the mail of the sender that was named, else to that of
    /// the reference Postfix at level `dane`.
    pub fn answer(&self) -> &Outcome {
        match &self.sender {
            Some(sender) => &sender.outcome,
            None => &self.outcomes.dane,
        }
    }

    /// Whether it is known what happens to that mail.
    pub fn is_answered(&self) -> bool {
        self.verdict != Verdict::Indeterminate && self.answer().is_told()
    }

    /// Whether mailcow keeps the mail back that this sender delivers.
    pub(super) fn mailcow_waits(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| finding.is_of(&MTA_STS_MAILCOW_WAITS))
    }

    /// Whether senders that honour the domain's policy of MTA-STS keep the mail
    /// back that this sender delivers.
    pub(super) fn policy_waits(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| finding.is_of(&MTA_STS_NO_HOST_PASSES))
    }

    /// What level `dane-only` does with mail of the reference Postfix that goes
    /// past DANE in plain text today; `None` where that is not so.
    pub(super) fn instead_of_plain_text(&self) -> Option<Delivery> {
        let (dane, stricter) = (&self.outcomes.dane, &self.outcomes.dane_only);
        let asked = self.sender.is_none() && self.assumed.is_none() && self.is_answered();
        let is_past_dane =
            self.verdict == Verdict::DanePartial && dane.channel == Some(Channel::Plaintext);
        (asked && is_past_dane && stricter.is_told() && !stricter.varies)
            .then_some(stricter.delivery)
    }

    /// Whether mail that waits today may be returned to its sender at a level that
    /// asks for less.
    pub(super) fn returns_if_weaker(&self) -> bool {
        let outcomes = match &self.sender {
            Some(sender) => &sender.outcomes,
            None => &self.outcomes,
        };
        let weaker = [
            SecurityLevel::None,
            SecurityLevel::May,
            SecurityLevel::Encrypt,
        ];
        self.answer().delivery == Delivery::Deferred
            && weaker.into_iter().any(|level| {
                let outcome = outcomes.at(level);
                self.is_known(level, outcome) && outcome.delivery == Delivery::Bounced
            })
    }

    /// Whether an outcome at this level rests on something that was seen.
    pub(super) fn is_known(&self, level: SecurityLevel, outcome: &Outcome) -> bool {
        let by_dane = matches!(level, SecurityLevel::Dane | SecurityLevel::DaneOnly);
        let is_blind = self.verdict == Verdict::Indeterminate;
        outcome.is_told() && !(is_blind && (by_dane || !outcome.delivers()))
    }
}

/// The status for one report: about the sender that was named, else about a
/// DANE sender.
pub fn exit_status(report: &Report, require_dane: bool, fail_on: FailOn) -> ExitStatus {
    let warned = report
        .findings
        .iter()
        .any(|finding| finding.severity >= Severity::Warning);
    let status = match (&report.sender, report.verdict) {
        // Where a sender is named, the status is about its mail.
        (Some(_), _) if !report.is_answered() => ExitStatus::Unknown,
        (Some(_), _) if !report.answer().delivers() => ExitStatus::Broken,
        (Some(_), Verdict::DaneOk | Verdict::NoDane)
            if !warned && report.answer().delivers_at_once() =>
        {
            ExitStatus::Fine
        }
        (Some(_), _) => ExitStatus::Warning,
        (None, Verdict::DaneBroken | Verdict::Undeliverable) => ExitStatus::Broken,
        (None, Verdict::Indeterminate) => ExitStatus::Unknown,
        (None, Verdict::DanePartial | Verdict::DaneUnusable) => ExitStatus::Warning,
        (None, Verdict::DaneOk | Verdict::NoDane) if warned => ExitStatus::Warning,
        (None, Verdict::DaneOk | Verdict::NoDane) => ExitStatus::Fine,
    };
    let status = match status {
        // These servers are not the domain's, even if they work.
        _ if report.mx_differs => ExitStatus::Broken,
        // "At least 2": an unknown result stays 3.
        ExitStatus::Fine | ExitStatus::Warning
            if require_dane && report.verdict != Verdict::DaneOk =>
        {
            ExitStatus::Broken
        }
        status => status,
    };
    match (fail_on, status) {
        (FailOn::Never, _) | (FailOn::Error, ExitStatus::Warning) => ExitStatus::Fine,
        (FailOn::Warning | FailOn::Error, status) => status,
    }
}

impl SenderReport {
    /// What reports call it.
    pub fn title(&self) -> &str {
        match self.name.as_str() {
            "postfix" | "local" => "this Postfix",
            name => name,
        }
    }
}

/// What reports call the Postfix that `outcomes` and `verdict` are about.
pub(super) const REFERENCE: &str = "reference Postfix";

/// Whether mail flows as it should: at once, and not in plain text.
pub(super) fn flows_well(outcome: &Outcome) -> bool {
    outcome.delivery == Delivery::Delivered && outcome.channel != Some(Channel::Plaintext)
}
