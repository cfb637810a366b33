//! A policy as it is written somewhere, whether Postfix accepts it or not.

use super::line::PolicyLine;
use super::release::Release;

/// What a table, a policy service or main.cf says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedPolicy {
    /// The text as it is written there.
    pub text: String,
    /// The policy, or why Postfix rejects it. If the text leaves names or pins
    /// to main.cf, those of main.cf are in the policy.
    pub line: Result<PolicyLine, String>,
}

impl StatedPolicy {
    /// This line, written as it is.
    pub fn of(line: PolicyLine) -> Self {
        Self {
            text: line.to_string(),
            line: Ok(line),
        }
    }

    /// A text, as this release reads it; the newest if none is given.
    pub fn read(text: &str, release: Option<Release>) -> Self {
        Self {
            text: text.trim().to_owned(),
            line: PolicyLine::parse(text, release).map_err(|fault| fault.to_string()),
        }
    }

    /// A text that Postfix rejects.
    pub fn refused(text: &str, fault: &str) -> Self {
        Self {
            text: text.to_owned(),
            line: Err(fault.to_owned()),
        }
    }
}
