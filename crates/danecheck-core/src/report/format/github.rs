//! `github`: workflow commands, which GitHub Actions turns into annotations.

use std::fmt::Write as _;

use crate::finding::rule::Severity;
use crate::report::human::headline;
use crate::report::status::ExitStatus;
use crate::text::shown;

use super::super::model::Report;
use super::super::told::{SHOWN_OF_A_KIND, told};
use super::writer::{Writer, advice};

/// Annotations for the findings of one target: the runner shows ten of a kind
/// for each step, and one of them is about the target.
const SHOWN: usize = 9;

/// One annotation for the target, and one for each finding, each thing once.
#[derive(Debug, Default)]
pub struct Github;

impl Writer for Github {
    fn report(&mut self, report: &Report, status: ExitStatus) -> String {
        let mut text = String::new();
        let kind = match status {
            ExitStatus::Fine => "notice",
            ExitStatus::Warning => "warning",
            ExitStatus::Broken | ExitStatus::Unknown => "error",
        };
        let title = property(&format!("danecheck {}", report.target));
        let words = data(&format!("{}: {}", report.target, headline(report)));
        let _ = writeln!(text, "::{kind} title={title}::{words}");
        let told = told(report, SHOWN_OF_A_KIND);
        for (number, one) in told.iter().enumerate() {
            let finding = one.finding;
            let kind = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "notice",
            };
            let title = property(&format!("{}: {}", report.target, finding.id));
            let mut words = advice(one);
            if one.left_out > 0 {
                let _ = write!(words, " And {} more of the same kind.", one.left_out);
            }
            let rest = told.len().saturating_sub(SHOWN);
            if number + 1 == SHOWN && rest > 0 {
                let _ = write!(words, " And {rest} more findings: danecheck -v lists them.");
            }
            let _ = writeln!(text, "::{kind} title={title}::{}", data(&words));
            if number + 1 == SHOWN {
                break;
            }
        }
        text
    }
}

/// The message of a workflow command. It cannot contain another command.
fn data(text: &str) -> String {
    shown(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
