//! The report on a text that is not a target.

use crate::finding::overall::invalid_target;
use crate::judge::{Delivery, Outcome, Outcomes, Verdict};
use crate::next_hop::NextHopError;
use crate::text::printable;
use crate::unix_time::UnixTime;

use super::finding::FindingReport;
use super::model::{Report, ResolverReport, SCHEMA_VERSION};
use super::recommendation::RecommendationReport;

impl Report {
    /// The report on a text that is not a target: nothing was checked.
    pub fn on_invalid_target(text: &str, error: &NextHopError, checked_at: UnixTime) -> Self {
        let finding = invalid_target(text, error);
        let outcome = Outcome {
            delivery: Delivery::Bounced,
            channel: None,
            via: None,
            // What Postfix says of a name that it cannot look up.
            dsn: Some("5.4.4".to_owned()),
            reason: Some(printable(&format!(
                "Name service error for {text}: invalid host or domain name"
            ))),
            varies: false,
        };
        Self {
            schema_version: SCHEMA_VERSION,
            target: printable(text),
            domain: None,
            checked_at,
            judged_at: checked_at,
            verdict: Verdict::Indeterminate,
            outcomes: Outcomes::of(|_| outcome.clone()),
            sender: None,
            recommendation: RecommendationReport::not_fixable(&finding.message),
            resolver: ResolverReport {
                addresses: Vec::new(),
                validates: None,
                shortcoming: None,
            },
            mx: None,
            hosts: Vec::new(),
            mta_sts: None,
            contact: None,
            proxy: None,
            assumed: None,
            skipped_hosts: Vec::new(),
            vantage_points: Vec::new(),
            findings: vec![FindingReport::of(&finding)],
            mx_differs: false,
            took: None,
        }
    }
}
