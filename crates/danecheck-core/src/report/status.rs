//! The exit status: the monitoring-plugin convention, for every format.

use crate::finding::rule::Severity;
use crate::judge::Verdict;

use super::model::Report;

/// What the process returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitStatus {
    /// Fine.
    Fine = 0,
    /// Mail flows, something is wrong.
    Warning = 1,
    /// A DANE sender's mail is deferred or bounced.
    Broken = 2,
    /// Unknown; also wrong usage.
    Unknown = 3,
}

/// What makes the exit status other than 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FailOn {
    /// Warnings and worse.
    #[default]
    Warning,
    /// Only what is broken or unknown.
    Error,
    /// Nothing that a check can find.
    Never,
}

impl FailOn {
    /// Every one, the strictest first.
    pub const ALL: [Self; 3] = [Self::Warning, Self::Error, Self::Never];

    /// The word for it in options and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Never => "never",
        }
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

/// The worse of two, in the order 2, 3, 1, 0.
pub fn worst(one: ExitStatus, two: ExitStatus) -> ExitStatus {
    let rank = |status| match status {
        ExitStatus::Fine => 0,
        ExitStatus::Warning => 1,
        ExitStatus::Unknown => 2,
        ExitStatus::Broken => 3,
    };
    if rank(two) > rank(one) { two } else { one }
}
