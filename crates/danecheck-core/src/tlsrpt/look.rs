//! What is published now, beside what the senders saw.

use schemars::JsonSchema;
use serde::Serialize;

use crate::finding::Rule;
use crate::judge::{Standing, Verdict};
use crate::mta_sts::Mode;
use crate::report;

use super::{Failure, Reports};

/// What a look at a domain shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Now {
    /// The verdict on the domain.
    pub verdict: Verdict,
    /// Its TLSA records, each after the name of its MX host, or the lines of its
    /// MTA-STS policy.
    pub strings: Vec<String>,
}

/// Whether a failure is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StillThere {
    /// The same failure is found now.
    StillSo,
    /// It is not found any more.
    SinceFixed,
    /// It is not found any more, but something else fails at this host.
    FailsOtherwise,
    /// The look could not tell.
    NotKnown,
}

impl StillThere {
    /// The words for a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StillSo => "still so",
            Self::SinceFixed => "since fixed",
            Self::FailsOtherwise => "since changed, and fails otherwise now",
            Self::NotKnown => "now not known",
        }
    }
}

impl Reports {
    /// Adds what a look at a domain shows.
    pub fn looked(&mut self, domain: &str, report: &report::Report) {
        let policies = self.reports.iter_mut().flat_map(|one| &mut one.policies);
        for policy in policies.filter(|policy| policy.domain.as_deref() == Some(domain)) {
            let of_sts = policy.r#type == "sts";
            policy.now = Some(Now {
                verdict: report.verdict,
                strings: if of_sts { sts(report) } else { tlsa(report) },
            });
            for failure in &mut policy.failures {
                failure.now = Some(still_there(failure, of_sts, report));
            }
        }
    }
}

fn tlsa(report: &report::Report) -> Vec<String> {
    let mut all = Vec::new();
    for host in &report.hosts {
        for record in host.tlsa.iter().flat_map(|lookup| &lookup.records) {
            all.push(format!("{} {record}", host.name));
        }
    }
    all
}

fn sts(report: &report::Report) -> Vec<String> {
    let mta_sts = report.mta_sts.as_ref();
    let Some(policy) = mta_sts.and_then(|mta_sts| mta_sts.policy.as_ref()) else {
        return Vec::new();
    };
    let mode = format!("mode: {}", policy.mode.as_str());
    let mut lines = vec!["version: STSv1".to_owned(), mode];
    lines.extend(policy.mx.iter().map(|pattern| format!("mx: {pattern}")));
    lines.push(format!("max_age: {}", policy.max_age));
    lines
}

fn still_there(failure: &Failure, of_sts: bool, report: &report::Report) -> StillThere {
    if report.verdict == Verdict::Indeterminate {
        return StillThere::NotKnown;
    }
    let is_host = |name: &str| {
        let name = name.trim_end_matches('.');
        let wanted = failure.mx_host.as_deref();
        wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(name))
    };
    let errors = || {
        report
            .findings
            .iter()
            .filter(|finding| finding.severity == crate::finding::Severity::Error)
    };
    // The records that match nothing have findings of their own, which say more.
    let is_same = |id: &str| {
        failure.finding == Some(id)
            || (failure.finding == Some("tlsa-mismatch") && id.starts_with("tlsa-"))
    };
    let same = report
        .findings
        .iter()
        .any(|finding| failure.finding == Some(finding.id.as_str()))
        || errors().any(|finding| is_same(&finding.id));
    if same {
        return StillThere::StillSo;
    }
    let is_broken = report
        .hosts
        .iter()
        .filter(|host| is_host(&host.name))
        .flat_map(|host| &host.addresses)
        .any(|address| address.dane == Standing::Broken);
    let is_kept_back = of_sts
        && report.mta_sts.as_ref().is_some_and(|mta_sts| {
            let enforced = mta_sts.policy.as_ref();
            enforced.is_some_and(|policy| policy.mode == Mode::Enforce)
                && mta_sts
                    .hosts
                    .iter()
                    .any(|host| is_host(&host.name) && (!host.listed || host.problem.is_some()))
        });
    if (!of_sts && is_broken) || is_kept_back || report.verdict == Verdict::Undeliverable {
        return StillThere::FailsOtherwise;
    }
    match failure.finding.and_then(Rule::find) {
        // What danecheck does not look for cannot be said to be over.
        None => StillThere::NotKnown,
        Some(_) => StillThere::SinceFixed,
    }
}
