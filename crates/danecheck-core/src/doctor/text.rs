//! The result for a person.

use std::fmt::Write as _;

use crate::text::{break_lines, plural, shown};

use super::{Certainty, CheckResult, CheckStatus, Checkup};

impl Checkup {
    /// The checks for a person: a verdict first, then what is wrong, then the
    /// rest.
    pub fn human(&self, width: usize) -> String {
        let count = |status| {
            let checks = self.checks.iter();
            checks.fold(0, |count, check| count + u64::from(check.status == status))
        };
        let (errors, warnings) = (count(CheckStatus::Error), count(CheckStatus::Warning));
        let unknown = count(CheckStatus::Unknown);
        let first = match (errors, warnings) {
            (0, 0) => "This machine: no fault found".to_owned(),
            (0, warnings) => format!("This machine: {}", of_warnings(warnings)),
            (errors, 0) => format!("This machine: {}", of_faults(errors)),
            (errors, warnings) => format!(
                "This machine: {}, {}",
                of_faults(errors),
                of_warnings(warnings)
            ),
        };
        let mut text = match unknown {
            0 => format!("{first}\n"),
            unknown => format!("{first}; {} unknown\n", plural(unknown, "check", "checks")),
        };
        let order = [
            CheckStatus::Error,
            CheckStatus::Warning,
            CheckStatus::Unknown,
            CheckStatus::Ok,
        ];
        let mut said: Vec<&str> = Vec::new();
        for status in order {
            for check in self.checks.iter().filter(|check| check.status == status) {
                one(&mut text, check, width, &mut said);
            }
        }
        shown(&text).into_owned()
    }
}

fn of_faults(count: u64) -> String {
    plural(count, "fault", "faults")
}

fn of_warnings(count: u64) -> String {
    plural(count, "warning", "warnings")
}

fn one<'c>(text: &mut String, check: &'c CheckResult, width: usize, said: &mut Vec<&'c str>) {
    let word = match check.status {
        CheckStatus::Ok => "ok",
        CheckStatus::Warning => "warning",
        CheckStatus::Error => "error",
        CheckStatus::Unknown => "unknown",
    };
    let sure = match (check.status, check.certainty) {
        (CheckStatus::Error | CheckStatus::Warning, Certainty::Likely) => " (likely)",
        (CheckStatus::Error | CheckStatus::Warning, Certainty::Possible) => " (possibly)",
        _ => "",
    };
    let mut line = |indent: &str, words: &str| {
        let room = width.saturating_sub(indent.len()).max(20);
        for piece in break_lines(words, room) {
            let _ = writeln!(text, "{indent}{piece}");
        }
    };
    line(
        "  ",
        &format!("{word} {}{sure}: {}", check.id, check.message),
    );
    if check.status == CheckStatus::Ok {
        return;
    }
    for item in &check.evidence {
        line("      - ", item);
    }
    if let Some(remedy) = &check.remedy
        && !said.contains(&remedy.as_str())
    {
        said.push(remedy);
        line("      ", remedy);
    }
}
