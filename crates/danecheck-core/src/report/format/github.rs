//! `github`: workflow commands, which GitHub Actions turns into annotations.

use std::fmt::Write as _;

use crate::finding::rule::Severity;
use crate::report::human::headline;
use crate::report::status::ExitStatus;
use crate::text::shown;

use super::super::model::Report;
use super::writer::{Writer, advice};

/// One annotation for the target, one for each finding.
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
        for finding in &report.findings {
            let kind = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "notice",
            };
            let title = property(&format!("{}: {}", report.target, finding.id));
            let _ = writeln!(text, "::{kind} title={title}::{}", data(&advice(finding)));
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
