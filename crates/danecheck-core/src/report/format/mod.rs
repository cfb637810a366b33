//! The report for programs and pages other than JSON: one writer each, over
//! the same report.

mod github;
mod junit;
mod markdown;
mod nagios;
mod prometheus;

use super::finding::FindingReport;
use super::model::{AddressReport, HostReport, Report};
use super::status::ExitStatus;

pub use github::Github;
pub use junit::JUnit;
pub use markdown::Markdown;
pub use nagios::Nagios;
pub use prometheus::Prometheus;

/// Writes the reports of one run.
pub trait Writer {
    /// What is written for this report now; empty where it waits for the end.
    fn report(&mut self, report: &Report, status: ExitStatus) -> String;

    /// What is written after the last report.
    fn end(&mut self) -> String {
        String::new()
    }
}

/// Every address with its host.
fn addresses(report: &Report) -> impl Iterator<Item = (&HostReport, &AddressReport)> {
    report
        .hosts
        .iter()
        .flat_map(|host| host.addresses.iter().map(move |address| (host, address)))
}

/// Message and remedy of a finding in one text.
fn advice(finding: &FindingReport) -> String {
    if finding.remedy.is_empty() {
        finding.message.clone()
    } else {
        format!("{} {}", finding.message, finding.remedy)
    }
}

#[cfg(test)]
mod tests;
