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

/// The status for one report.
pub fn exit_status(report: &Report, require_dane: bool, fail_on: FailOn) -> ExitStatus {
    let warned = report
        .findings
        .iter()
        .any(|finding| finding.severity >= Severity::Warning);
    let status = match report.verdict {
        Verdict::DaneBroken | Verdict::Undeliverable => ExitStatus::Broken,
        Verdict::Indeterminate => ExitStatus::Unknown,
        Verdict::DanePartial | Verdict::DaneUnusable => ExitStatus::Warning,
        Verdict::DaneOk | Verdict::NoDane if warned => ExitStatus::Warning,
        Verdict::DaneOk | Verdict::NoDane => ExitStatus::Fine,
    };
    // This sender's mail waits, whatever happens to the mail of others.
    let own_mail_waits = report
        .sender
        .as_ref()
        .is_some_and(|sender| !sender.outcome.delivers());
    let status = match status {
        // These servers are not the domain's, even if they work.
        _ if report.mx_differs => ExitStatus::Broken,
        ExitStatus::Fine | ExitStatus::Warning if own_mail_waits => ExitStatus::Broken,
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
