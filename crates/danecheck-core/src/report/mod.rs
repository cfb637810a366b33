//! The report: one model, and one writer for each format.
//!
//! Everything here is a function of its arguments; colour and width are
//! arguments too.

mod answer;
mod both;
mod build;
mod clean;
mod entry;
mod extended_error;
mod finding;
mod format;
pub mod html;
mod human;
mod invalid_target;
mod letter;
mod lookup;
mod model;
mod mta_sts;
mod name_server;
mod no_override;
mod recommendation;
mod sender;
mod side_by_side;
mod status;
mod summary;
mod told;

pub use answer::exit_status;
pub use extended_error::ExtendedErrorReport;
pub use finding::FindingReport;
pub use format::{Github, JUnit, Markdown, Nagios, Prometheus, Writer};
pub use human::{Detail, HumanStyle, headline, human};
pub use letter::{Carrier, Letter};
pub use lookup::{LookupViews, ResolverView};
pub use model::{
    AddressReport, AssumedReport, CertificateReport, FailureReport, HostReport, LookupReport,
    MxReport, MxReportRecord, RecordReport, Report, ResolverReport, SessionReport, TlsaReport,
};
pub use mta_sts::{MtaStsReport, PolicyHostReport, PolicyReport};
pub use name_server::{AuthorityReport, NameServerAnswerReport, NameServerReport};
pub use recommendation::{AlternativeReport, Entries, RecommendationReport, StrictestReport};
pub use sender::{PolicyServiceReport, SenderPolicyReport, SenderReport};
pub use side_by_side::{DifferenceReport, LookReport, SideBySideReport, comparison_schema};
pub use status::{ExitStatus, FailOn, worst};
pub use summary::{Summary, line};

pub use crate::text::{break_lines, masked, printable, shown, shown_json, to_json, wrap};

/// The report as one line of JSON, without the line end.
pub fn json(report: &Report) -> String {
    to_json(report)
}

/// The JSON Schema of a report.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).into()
}

/// The JSON Schema of what `danecheck dns --json` prints.
pub fn lookup_schema() -> serde_json::Value {
    schemars::schema_for!(LookupViews).into()
}
