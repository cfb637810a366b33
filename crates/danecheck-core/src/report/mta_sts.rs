//! The part of the report about MTA-STS and TLS reporting.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::{HostStanding, MtaSts, Unavailable, texts};
use crate::mta_sts::{Mode, Policy, RecordFault, report_record};
use crate::text::printable;

/// What the domain publishes for MTA-STS (RFC 8461) and TLS reporting (RFC
/// 8460). Postfix itself does not ask for it. Other senders do, and DANE has
/// precedence over it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MtaStsReport {
    /// The id of the TXT record; null if there is no valid record.
    pub id: Option<String>,
    /// The valid policy; null if there is none.
    pub policy: Option<PolicyReport>,
    /// Why there is no valid policy although the domain announces one; else
    /// null.
    pub problem: Option<String>,
    /// Each MX host compared with the policy.
    pub hosts: Vec<PolicyHostReport>,
    /// Where senders send reports of failures; empty if nowhere.
    pub reports_to: Vec<String>,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyReport {
    /// What the policy asks senders to do.
    pub mode: Mode,
    /// How many seconds senders may keep the policy.
    pub max_age: u64,
    /// The MX hosts that the policy allows: names, and `*.domain` for one label
    /// below.
    pub mx: Vec<String>,
}

/// One MX host compared with the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyHostReport {
    /// The host.
    pub name: String,
    /// Whether the policy allows it.
    pub listed: bool,
    /// Why its TLS does not pass at some address; null if it passes.
    pub problem: Option<String>,
}

impl MtaStsReport {
    pub(super) fn of(mta_sts: &MtaSts<'_>) -> Self {
        let policy = mta_sts.policy();
        let record = mta_sts.record.as_ref();
        let fault = match record {
            Some(Err(RecordFault::None)) | None => None,
            Some(Err(fault)) => Some(format!("the TXT record is invalid: {fault}")),
            Some(Ok(_)) => None,
        };
        let of_host = || {
            let visits = mta_sts.visits.iter();
            let of_visits = visits.filter_map(|(_, visit)| visit.as_ref().err());
            let why = mta_sts.no_address.iter().chain(of_visits).next();
            why.map(Unavailable::words)
        };
        let problem = match (policy, fault) {
            (Some(_), _) => None,
            (None, Some(fault)) => Some(fault),
            (None, None) if matches!(record, Some(Ok(_))) => of_host(),
            (None, None) => None,
        };
        let reports = texts(&mta_sts.seen.report).map(report_record);
        let addresses = match reports {
            Some(Ok(record)) => record.addresses,
            Some(Err(_)) | None => Vec::new(),
        };
        Self {
            id: record
                .and_then(|record| record.as_ref().ok())
                .map(|record| printable(&record.id)),
            policy: policy.map(policy_report),
            problem: problem.map(|problem| printable(&problem)),
            hosts: mta_sts.hosts.iter().map(host_report).collect(),
            reports_to: addresses.iter().map(|address| printable(address)).collect(),
        }
    }
}

fn policy_report(policy: &Policy) -> PolicyReport {
    PolicyReport {
        mode: policy.mode,
        max_age: policy.max_age,
        mx: policy
            .mx
            .iter()
            .map(|pattern| printable(&pattern.to_string()))
            .collect(),
    }
}

fn host_report(host: &HostStanding) -> PolicyHostReport {
    let problem = host
        .addresses
        .iter()
        .find_map(|(_, standing)| standing.as_ref().err());
    PolicyHostReport {
        name: printable(&host.name),
        listed: host.listed,
        problem: problem.map(|why| printable(why)),
    }
}
