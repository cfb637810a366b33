//! `nagios`: the output of a monitoring plugin (Monitoring Plugins Development
//! Guidelines, "Plugin Output for Nagios").

use crate::finding::rule::Severity;
use crate::judge::Standing;
use crate::report::human::headline;
use crate::report::status::{ExitStatus, worst};
use crate::text::{printable, shown};

use super::super::model::Report;
use super::super::told::{SHOWN_OF_A_KIND, told};
use super::writer::{Writer, addresses};

/// Targets that are named in the status line; the others follow below.
const NAMED: usize = 5;

/// One status line with performance data, the findings below it.
#[derive(Debug, Default)]
pub struct Nagios {
    targets: usize,
    /// Those that are not fine, in words.
    troubled: Vec<String>,
    /// The words for a single target.
    words: String,
    long: String,
    status: Option<ExitStatus>,
    counts: Counts,
}

/// The performance data.
#[derive(Debug, Default)]
struct Counts {
    delivering: usize,
    addresses: usize,
    authenticated: usize,
    errors: usize,
    warnings: usize,
}

impl Writer for Nagios {
    fn report(&mut self, report: &Report, status: ExitStatus) -> String {
        self.targets += 1;
        self.words = format!("{}: {}", report.target, headline(report));
        if status != ExitStatus::Fine {
            self.troubled.push(report.target.clone());
        }
        self.status = Some(self.status.map_or(status, |so_far| worst(so_far, status)));
        let counts = &mut self.counts;
        counts.delivering += usize::from(report.answer().delivers());
        for (_, address) in addresses(report) {
            counts.addresses += 1;
            counts.authenticated += usize::from(address.dane == Standing::Authenticated);
        }
        for finding in &report.findings {
            match finding.severity {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Info => {}
            }
        }
        for one in told(report, SHOWN_OF_A_KIND) {
            let finding = one.finding;
            if finding.severity == Severity::Info {
                continue;
            }
            let word = finding.severity.as_str();
            let rest = match one.left_out {
                0 => String::new(),
                more => format!(" And {more} more of the same kind."),
            };
            self.long.push_str(&clean(&format!(
                "{}: {word} {}: {}{rest}",
                report.target, finding.id, one.message
            )));
            self.long.push('\n');
        }
        String::new()
    }

    fn end(&mut self) -> String {
        let status = self.status.unwrap_or(ExitStatus::Unknown);
        let words = match (self.targets, self.troubled.as_slice()) {
            (0, _) => "no target".to_owned(),
            (1, _) => self.words.clone(),
            (all, []) => format!("all {all} targets fine"),
            (all, troubled) => {
                let named: Vec<&str> = troubled.iter().take(NAMED).map(String::as_str).collect();
                let more = if troubled.len() > NAMED { ", ..." } else { "" };
                let (count, named) = (troubled.len(), named.join(", "));
                format!("{count} of {all} targets not fine: {named}{more}")
            }
        };
        let Counts {
            delivering,
            addresses,
            authenticated,
            errors,
            warnings,
        } = self.counts;
        let targets = self.targets;
        format!(
            "DANE {} - {} | targets={targets};;;0 delivering={delivering};;;0;{targets} \
             addresses={addresses};;;0 authenticated={authenticated};;;0;{addresses} \
             errors={errors};;;0 warnings={warnings};;;0\n{}",
            word(status),
            clean(&words),
            self.long
        )
    }
}

fn word(status: ExitStatus) -> &'static str {
    match status {
        ExitStatus::Fine => "OK",
        ExitStatus::Warning => "WARNING",
        ExitStatus::Broken => "CRITICAL",
        ExitStatus::Unknown => "UNKNOWN",
    }
}

/// A bar would begin the performance data.
fn clean(text: &str) -> String {
    shown(&printable(text)).replace('|', "/")
}
