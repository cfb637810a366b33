//! The safe order of steps (RFC 7671 section 8.1): publish, wait, deploy,
//! remove.

use schemars::JsonSchema;
use serde::Serialize;

use super::outlook::{HostOutlook, Outlook};

/// The steps, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Plan(pub Vec<Step>);

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// `publish`, `wait`, `deploy`, `check` or `remove`.
    pub step: &'static str,
    /// What to do, in one sentence.
    pub text: String,
    /// The lines of the zone file for this step.
    pub records: Vec<String>,
    /// How long to wait, in seconds.
    pub seconds: Option<u32>,
}

impl Plan {
    /// The steps that lead from what is published to the new certificate.
    pub(super) fn of(target: &str, outlook: Outlook, hosts: &[HostOutlook]) -> Self {
        let mut steps = Vec::new();
        let mut step = |step, text: &str, records, seconds| {
            steps.push(Step {
                step,
                text: text.to_owned(),
                records,
                seconds,
            });
        };
        if outlook == Outlook::Unknown {
            step(
                "check",
                "Repair the lookups first: danecheck cannot plan while they fail.",
                Vec::new(),
                None,
            );
            return Self(steps);
        }
        let lines = |wanted: Outlook| -> Vec<String> {
            let hosts = hosts.iter().filter(|host| host.outlook == wanted);
            hosts
                .filter_map(|host| Some(host.add.as_ref()?.zone_line()))
                .collect()
        };
        let missing = lines(Outlook::WouldBreak);
        if !missing.is_empty() {
            step(
                "publish",
                "Publish these beside the existing records (remove none yet):",
                missing,
                None,
            );
            let ttl = hosts.iter().filter_map(|host| host.ttl).max();
            step(
                "wait",
                &match ttl {
                    Some(ttl) => format!(
                        "Wait until every name server of the zone has them. Then wait at least {} \
                         more: the TTL of the old answer in the resolver (the zone's TTL may be \
                         longer). Then run this check again: it has to say that the new \
                         certificate matches.",
                        duration(ttl)
                    ),
                    None => "Wait until every name server of the zone has them. Then wait for the \
                             TTL of the old answer."
                        .to_owned(),
                },
                Vec::new(),
                ttl,
            );
        }
        step(
            "deploy",
            "Install the new certificate and key on every address of these mail servers, and \
             reload them.",
            Vec::new(),
            None,
        );
        let absent = lines(Outlook::NoDane);
        if !absent.is_empty() {
            step(
                "publish",
                "Publish these now for servers that have no usable record yet:",
                absent,
                None,
            );
        }
        step(
            "check",
            &format!("Run `danecheck {target}`: it has to say that DANE protects the mail."),
            Vec::new(),
            None,
        );
        let stale: Vec<String> = hosts
            .iter()
            .flat_map(|host| {
                host.published
                    .iter()
                    .filter(|record| !record.matches)
                    .map(|record| format!("{} IN TLSA {}", host.owner, record.record))
            })
            .collect();
        if !stale.is_empty() {
            step(
                "remove",
                "Remove the records that no longer match anything, unless one is for a spare key:",
                stale,
                None,
            );
        }
        Self(steps)
    }
}

/// `1 hour`, `90 minutes`, `45 seconds`.
pub(super) fn duration(seconds: u32) -> String {
    let unit = |count: u32, name: &str| match count {
        1 => format!("1 {name}"),
        _ => format!("{count} {name}s"),
    };
    match seconds {
        0 => "no time".to_owned(),
        s if s % 86_400 == 0 => unit(s / 86_400, "day"),
        s if s % 3600 == 0 => unit(s / 3600, "hour"),
        s if s % 60 == 0 => unit(s / 60, "minute"),
        s => unit(s, "second"),
    }
}
