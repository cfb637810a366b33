//! Many targets for people: a line for each, and at the end the worst of them
//! and how many there are of each kind. It needs no more memory for more targets.

use std::fmt::Write as _;

use crate::finding::rule::Severity;
use crate::judge::Action;
use crate::text::{break_lines, plural, shown};

use super::human::headline;
use super::model::Report;
use super::status::ExitStatus;
use super::told::told;

/// Targets that the summary names, and lines that stand directly above it.
const NAMED: usize = 20;

/// The most characters of one line that the summary keeps.
const LONGEST: usize = 400;

/// The blanks before what continues a target's line.
const MARGIN: &str = "         ";

/// One line for a target, with its cause and its override; longer ones are
/// broken to this width. With its line end.
pub fn line(report: &Report, status: ExitStatus, width: usize) -> String {
    broken("", &about(report, status), width)
}

/// What a line says of a target.
fn about(report: &Report, status: ExitStatus) -> String {
    let mut text = format!("{:8} {}: {}", word(status), report.target, headline(report));
    if status == ExitStatus::Fine {
        return text;
    }
    if let Some(cause) = cause(report) {
        let _ = write!(text, " [{cause}]");
    }
    let advice = &report.recommendation;
    if let (Action::Override, Some(policy)) = (advice.action, advice.policy) {
        let _ = write!(text, " override: {policy}");
    }
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).chain(" ...".chars()).collect();
    }
    text
}

/// The text after these blanks; what continues it stands under the target.
fn broken(first: &str, text: &str, width: usize) -> String {
    let text = shown(text);
    let room = width.saturating_sub(first.len() + MARGIN.len());
    // The word and the blanks behind it stay as they are.
    let (word, rest) = text.split_at_checked(MARGIN.len()).unwrap_or(("", &text));
    let mut lines = break_lines(rest, room).into_iter();
    let mut all = format!("{first}{word}{}\n", lines.next().unwrap_or_default());
    for line in lines {
        let _ = writeln!(all, "{first}{MARGIN}{line}");
    }
    all
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
    /// Lines that were printed, one for each target.
    lines: u64,
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
            let text = about(report, status);
            self.worst.insert(place, Troubled { rank, text });
            self.worst.truncate(NAMED);
        }
    }

    /// A line of a target was printed.
    pub fn printed(&mut self) {
        self.lines += 1;
    }

    /// Whether every target was fine.
    pub fn is_fine(&self) -> bool {
        self.worst.is_empty()
    }

    /// The summary, with a line end after the last line. What is not fine is not
    /// named again where all of it stands directly above.
    pub fn text(&self, width: usize) -> String {
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
        let targets = plural(all, "target", "targets");
        let mut text = format!("\n{targets}: {}\n", counts.join(", "));
        let troubled = all - self.fine;
        if troubled == 0 {
            return text;
        }
        let most = u64::try_from(NAMED).unwrap_or(u64::MAX);
        let stand_above = self.lines <= most && self.lines >= troubled;
        if !stand_above {
            let named = u64::try_from(self.worst.len()).unwrap_or(u64::MAX);
            let _ = match troubled > named {
                true => writeln!(text, "The {named} worst:"),
                false => writeln!(text, "Not fine:"),
            };
            for one in &self.worst {
                text.push_str(&broken("  ", &one.text, width));
            }
        }
        let hint = "`danecheck TARGET` says what to do about one, `--entry NAME` prints entries.";
        for line in break_lines(hint, width) {
            let _ = writeln!(text, "{line}");
        }
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
