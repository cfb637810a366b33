//! What every format does, and what several of them share.

use super::super::model::{AddressReport, HostReport, Report};
use super::super::status::ExitStatus;
use super::super::told::Told;

/// Writes the reports of one run.
pub trait Writer {
    /// The text for this report; empty if it has to wait for the end.
    fn report(&mut self, report: &Report, status: ExitStatus) -> String;

    /// The text after the last report.
    fn end(&mut self) -> String {
        String::new()
    }
}

/// Every address with its host.
pub(super) fn addresses(report: &Report) -> impl Iterator<Item = (&HostReport, &AddressReport)> {
    report
        .hosts
        .iter()
        .flat_map(|host| host.addresses.iter().map(move |address| (host, address)))
}

/// Message and remedy of a finding in one text; the remedy only once for all
/// of its kind.
pub(super) fn advice(told: &Told<'_>) -> String {
    match told.finding.remedy.as_str() {
        remedy if told.is_last && !remedy.is_empty() => format!("{} {remedy}", told.message),
        _ => told.message.clone(),
    }
}
