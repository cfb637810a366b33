//! The lines that the steps of a survey read and write.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::need::Need;
use crate::observation::{Cut, Observation, PolicyVisit, Session};
use crate::unix_time::UnixTime;

/// What `survey dns` writes of a target. `survey hosts` adds the sessions, or
/// the program that shuffles the lines. `D` is the observation, or its text for
/// a step that does not read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(bound = "")]
pub struct TargetLine<D = Observation> {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// The normalised next hop, or the text that is none.
    pub target: String,
    /// When DNS was asked.
    pub checked_at: UnixTime,
    /// The sessions that the judgement needs.
    pub needs: Vec<Need>,
    /// What DNS says: an observation with a place for each session. `null` if
    /// nothing was asked.
    #[schemars(with = "Option<serde_json::Value>")]
    pub dns: Option<D>,
    /// Why the text is not a target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<String>,
    /// Its owner does not want it to be looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opted_out: bool,
    /// The sessions that were held for its needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<Vec<HostsLine>>,
}

/// What `survey hosts` writes of a need.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostsLine {
    /// What was needed.
    #[serde(flatten)]
    pub need: Need,
    /// The session; `null` if none was held.
    #[schemars(with = "Option<serde_json::Value>")]
    pub session: Option<Session>,
    /// The same session by itself, if the server turned it away while another
    /// one came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub alone: Option<Session>,
    /// The same session after a pause, if the server refused for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub later: Option<Session>,
    /// The fetch of a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    pub policy: Option<PolicyVisit>,
    /// What budgets cut off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<serde_json::Value>")]
    pub cuts: Vec<Cut>,
    /// The reserved block of the address, if danecheck did not connect because
    /// of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<String>,
    /// Its owner does not want it to be connected to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opted_out: bool,
}

impl HostsLine {
    /// A need for which nothing was held yet.
    pub fn nothing(need: Need) -> Self {
        Self {
            need,
            session: None,
            alone: None,
            later: None,
            policy: None,
            cuts: Vec::new(),
            reserved: None,
            opted_out: false,
        }
    }
}

/// The answer to a line that a step cannot read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// Why it cannot be read.
    pub error: String,
    /// Its number, from 1.
    pub line_number: u64,
    /// Its first characters.
    pub line: String,
}
