//! The part of the report about one sender.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::judge::{Outcome, Outcomes, Sending};
use crate::observation::Observation;
use crate::postfix::{SecurityLevel, TlsVersion};
use crate::text::printable;

use super::clean::{clean_outcome, clean_outcomes};

/// The sender that was named, and what happens to its mail today. `outcomes`
/// and `verdict` of the report are still about a Postfix with default settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SenderReport {
    /// `postfix`, `mailcow` or `local`.
    pub name: String,
    /// The release of Postfix that danecheck assumed; null for the newest, with the
    /// TLS of Debian 12.
    pub postfix_version: Option<String>,
    /// The level of its main.cf.
    pub level: SecurityLevel,
    /// The oldest TLS version that it accepts if TLS is mandatory.
    pub min_tls: TlsVersion,
    /// The policy service that was assumed; null where this sender has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_service: Option<PolicyServiceReport>,
    /// The policy in force for this next hop.
    pub policy: SenderPolicyReport,
    /// What happens to its mail with that policy.
    pub outcome: Outcome,
    /// What would happen to its mail at each level.
    pub outcomes: Outcomes,
}

/// The service that answers a sender's question for a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyServiceReport {
    /// `postfix-tlspol`.
    pub name: String,
    /// Its release: `1.8.23`.
    pub version: String,
    /// Where danecheck knows its answers from: `measured` (the release itself was
    /// asked), `source` (its source was read), `newest-known` (it is newer than
    /// all that danecheck knows, and is taken for the newest of these).
    pub rules_from: String,
}

/// A policy in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SenderPolicyReport {
    /// The policy as it is written: `dane-only`, `secure match=...`.
    pub text: String,
    /// Its level; null if Postfix rejects the policy.
    pub level: Option<SecurityLevel>,
    /// Where the policy comes from: `main.cf`, `postfix-tlspol 1.8.23`.
    pub source: String,
    /// Why it is in force, or why Postfix rejects it; null if there is nothing
    /// to say.
    pub reason: Option<String>,
}

impl SenderReport {
    pub(super) fn of(sending: &Sending, observation: &Observation) -> Self {
        let in_force = &sending.in_force;
        let reason = match &in_force.policy.line {
            Err(fault) if in_force.why.is_unsaid() => fault.clone(),
            Err(fault) => format!("{fault}: {}", in_force.why),
            Ok(_) => in_force.why.to_string(),
        };
        Self {
            name: sending.sender.system.as_str().to_owned(),
            postfix_version: sending
                .sender
                .release(observation)
                .map(|release| release.to_string()),
            level: sending.sender.main_level(observation),
            min_tls: sending.settings.oldest_above,
            policy_service: sending
                .sender
                .policy_service()
                .map(|release| PolicyServiceReport {
                    name: "postfix-tlspol".to_owned(),
                    version: release.to_string(),
                    rules_from: release.rules_from().as_str().to_owned(),
                }),
            policy: SenderPolicyReport {
                text: printable(&in_force.policy.text),
                level: in_force.policy.line.as_ref().ok().map(|line| line.level),
                source: printable(&in_force.source),
                reason: (!reason.is_empty()).then(|| printable(&reason)),
            },
            outcome: clean_outcome(&sending.outcome),
            outcomes: clean_outcomes(&sending.outcomes),
        }
    }
}
