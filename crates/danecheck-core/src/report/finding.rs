//! A finding in a report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Cause;
use crate::finding::rule::{Finding, Rule, Severity, Side, steps};
use crate::text::printable;

/// One finding.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct FindingReport {
    /// The stable id; `danecheck explain ID` says more.
    pub id: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// One sentence with the evidence.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// The RFC section or the Postfix function.
    pub reference: String,
    /// Why the session with its subject fails, for letters. It is not in the JSON: the
    /// letter about a report that was read from it uses general words.
    #[serde(skip)]
    pub(super) cause: Option<Cause>,
}

/// Two are equal if their JSON is.
impl PartialEq for FindingReport {
    fn eq(&self, other: &Self) -> bool {
        self.severity == other.severity
            && self.id == other.id
            && self.subject == other.subject
            && self.message == other.message
            && self.remedy == other.remedy
            && self.reference == other.reference
    }
}

impl FindingReport {
    /// Whether it is of this rule.
    pub(super) fn is_of(&self, rule: &Rule) -> bool {
        self.id == rule.id
    }

    /// What to do, by who does it, the receiver first.
    pub(super) fn steps(&self) -> impl Iterator<Item = (Side, &str)> {
        steps(&self.remedy)
    }

    pub(super) fn of(finding: &Finding) -> Self {
        Self {
            id: finding.rule.id.to_owned(),
            severity: finding.severity,
            subject: printable(&finding.subject),
            message: printable(&finding.message),
            remedy: printable(&finding.remedy),
            reference: finding.rule.reference.to_owned(),
            cause: finding.cause_of_failed_session(),
        }
    }
}
