//! Many targets for people: a line for each, and at the end the worst of them
//! and how many there are of each kind. It needs no more memory for more targets.

use std::fmt::Write as _;

use crate::finding::rule::Severity;
use crate::judge::Action;
use crate::text::shown;

use super::human::headline;
use super::model::Report;
use super::status::ExitStatus;
use super::told::told;

/// Targets that the summary names.
const NAMED: usize = 20;

/// The most characters of one line that the summary keeps.
const LONGEST: usize = 400;

/// One line for a target, with its line end.
pub fn line(report: &Report, status: ExitStatus) -> String {
    shown(&format!(
        "{:8} {}: {}\n",
        word(status),
        report.target,
        headline(report)
    ))
    .into_owned()
}

fn word(status: ExitStatus) -> &'static str {
    match status {
        ExitStatus::Fine => "fine",
        ExitStatus::Warning => "warning",
        ExitStatus::Broken => "broken",
        ExitStatus::Unknown => "unknown",
    }
}

/// What is known of the targets so far.
#[derive(Debug, Default)]
pub struct Summary {
    fine: u64,
    warned: u64,
    broken: u64,
    unknown: u64,
    /// The worst first; among equals in the order in which they came.
    worst: Vec<Troubled>,
}

/// A target that is not fine.
#[derive(Debug)]
struct Troubled {
    /// How bad it is; larger is worse.
    rank: (u8, usize),
    text: String,
}

impl Summary {
    /// Counts a report.
    pub fn add(&mut self, report: &Report, status: ExitStatus) {
        *match status {
            ExitStatus::Fine => &mut self.fine,
            ExitStatus::Warning => &mut self.warned,
            ExitStatus::Unknown => &mut self.unknown,
            ExitStatus::Broken => &mut self.broken,
        } += 1;
        if status == ExitStatus::Fine {
            return;
        }
        let rank = rank(report, status);
        let place = self.worst.partition_point(|other| other.rank >= rank);
        if place < NAMED {
            let text = troubled(report, status);
            self.worst.insert(place, Troubled { rank, text });
            self.worst.truncate(NAMED);
        }
    }

    /// Whether every target was fine.
    pub fn is_fine(&self) -> bool {
        self.worst.is_empty()
    }

    /// The summary, with a line end after the last line.
    pub fn text(&self) -> String {
        let all = self.fine + self.warned + self.broken + self.unknown;
        let counts = [
            (self.broken, "broken"),
            (self.unknown, "unknown"),
            (self.warned, "with a warning"),
            (self.fine, "fine"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let mut text = format!("\n{all} targets: {}\n", counts.join(", "));
        let troubled = all - self.fine;
        if troubled == 0 {
            return text;
        }
        let named = u64::try_from(self.worst.len()).unwrap_or(u64::MAX);
        let _ = match troubled > named {
            true => writeln!(text, "The {named} worst:"),
            false => writeln!(text, "Not fine:"),
        };
        for one in &self.worst {
            text.push_str(&one.text);
        }
        text.push_str(
            "`danecheck TARGET` says what to do about one, `--entry NAME` prints entries.\n",
        );
        text
    }
}

/// How bad a report is beside others; larger is worse.
pub(super) fn rank(report: &Report, status: ExitStatus) -> (u8, usize) {
    let rank = match status {
        ExitStatus::Fine => 0,
        ExitStatus::Warning => 1,
        ExitStatus::Unknown => 2,
        ExitStatus::Broken => 3,
    };
    let errors = report.findings.iter();
    let errors = errors.filter(|finding| finding.severity == Severity::Error);
    (rank, errors.count())
}

/// The id of the worst finding, if one is more than a note.
pub(super) fn cause(report: &Report) -> Option<&str> {
    let told = told(report, usize::MAX);
    let mut told = told.iter();
    let cause = told.find(|one| one.finding.severity > Severity::Info);
    cause.map(|one| one.finding.id.as_str())
}

/// The line of a target that is not fine, with its cause and its override.
fn troubled(report: &Report, status: ExitStatus) -> String {
    let mut text = format!("  {}", line(report, status).trim_end());
    if let Some(cause) = cause(report) {
        let _ = write!(text, " [{cause}]");
    }
    let advice = &report.recommendation;
    if let (Action::Override, Some(policy)) = (advice.action, advice.policy) {
        let _ = write!(text, " override: {policy}");
    }
    let mut kept: String = shown(&text).chars().take(LONGEST).collect();
    kept.push('\n');
    kept
}
