//! `danecheck doctor`: this machine as a sender, judged from what was seen of
//! it.

mod mailcow;
mod network;
mod resolver;
mod sender;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observation::MachineSeen;
use crate::report::ExitStatus;

/// The result of all checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Doctor")]
pub struct Checkup {
    /// 1; raised only by a change that breaks readers.
    pub schema_version: u32,
    /// The checks, in the order in which faults depend on each other.
    pub checks: Vec<CheckResult>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Check")]
pub struct CheckResult {
    /// The stable id, in kebab-case.
    pub id: String,
    /// The result.
    pub status: CheckStatus,
    /// What was found, in one sentence.
    pub message: String,
    /// What to do; null if nothing has to be done.
    pub remedy: Option<String>,
    /// How sure the result is.
    pub certainty: Certainty,
    /// What was seen, one item in each line.
    pub evidence: Vec<String>,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// In order.
    Ok,
    /// Mail flows, something is wrong.
    Warning,
    /// Mail waits, or is not protected as it should be.
    Error,
    /// It is unknown: it was not asked for, or does not show itself.
    Unknown,
}

/// How sure a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// What was seen proves it.
    Certain,
    /// What was seen has hardly another cause.
    Likely,
    /// It may have another cause.
    Possible,
}

impl Checkup {
    /// Judges what was seen.
    pub fn of(seen: &MachineSeen) -> Self {
        let mut checks = Vec::new();
        resolver::check(seen, &mut checks);
        network::check(seen, &mut checks);
        sender::check(seen, &mut checks);
        mailcow::check(seen, &mut checks);
        Self {
            schema_version: 1,
            checks,
        }
    }

    /// The exit status: errors count first, then warnings. What is unknown, such
    /// as port 25 without targets, does not count.
    pub fn exit_status(&self) -> ExitStatus {
        let has = |status| self.checks.iter().any(|check| check.status == status);
        if has(CheckStatus::Error) {
            ExitStatus::Broken
        } else if has(CheckStatus::Warning) {
            ExitStatus::Warning
        } else {
            ExitStatus::Fine
        }
    }
}

/// The JSON Schema of what `danecheck doctor --json` prints.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Checkup).into()
}

impl CheckResult {
    fn new(id: &str, status: CheckStatus, message: impl Into<String>) -> Self {
        Self {
            id: id.to_owned(),
            status,
            message: crate::text::printable(&message.into()),
            remedy: None,
            certainty: Certainty::Certain,
            evidence: Vec::new(),
        }
    }

    fn ok(id: &str, message: impl Into<String>) -> Self {
        Self::new(id, CheckStatus::Ok, message)
    }

    fn unknown(id: &str, message: impl Into<String>) -> Self {
        Self {
            certainty: Certainty::Possible,
            ..Self::new(id, CheckStatus::Unknown, message)
        }
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(crate::text::printable(&remedy.into()));
        self
    }

    fn likely(mut self) -> Self {
        self.certainty = Certainty::Likely;
        self
    }

    fn seen(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        let clean = evidence.into_iter().map(|it| crate::text::printable(&it));
        self.evidence.extend(clean.take(MOST_EVIDENCE));
        self
    }
}

/// Items of evidence that one check shows.
const MOST_EVIDENCE: usize = 20;
