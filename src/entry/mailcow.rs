//! mailcow: a row of its TLS policy table, by form or by API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Override;

/// The fields of mailcow's form, in the form's order; also the body of
/// `POST /api/v1/add/tls-policy-map`, which takes them flat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MailcowEntry {
    /// Target: the exact next hop.
    pub dest: String,
    /// Policy.
    pub policy: String,
    /// Parameters, separated by single blanks; often empty.
    pub parameters: String,
    /// Active; a row is created switched off where this is left out.
    pub active: String,
}

impl MailcowEntry {
    /// The row for this override.
    pub fn new(entry: &Override) -> Self {
        Self {
            dest: entry.next_hop.clone(),
            policy: entry.policy.to_string(),
            parameters: entry.parameters.join(" "),
            active: "1".to_owned(),
        }
    }
}
