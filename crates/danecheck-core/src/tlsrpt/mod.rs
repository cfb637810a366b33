//! Reports of TLS (RFC 8460), for the receiver: who could not deliver, why, and
//! whether mail waited.

mod container;
mod look;
mod read;
#[cfg(test)]
mod tests;
mod text;

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::ExitStatus;

pub use container::LONGEST;
pub use look::{Now, StillThere};

/// The reports in what was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reports {
    /// The version of this form.
    pub schema_version: u32,
    /// The reports, in the order of the inputs.
    pub reports: Vec<Report>,
    /// What was not understood, or was cut.
    pub notes: Vec<String>,
    /// An input, or a part of one, held no report.
    #[serde(skip)]
    not_understood: bool,
}

/// One report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// Who reports: the sender.
    pub organization: Option<String>,
    /// Where the sender can be reached.
    pub contact: Option<String>,
    /// The first moment that it covers, RFC 3339.
    pub begin: Option<String>,
    /// The last moment.
    pub end: Option<String>,
    /// The policies, as the sender saw them.
    pub policies: Vec<Policy>,
    /// What does not fit together in the report.
    pub notes: Vec<String>,
}

/// One policy of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Policy {
    /// The domain; the MX host in some reports about TLSA records.
    pub domain: Option<String>,
    /// `tlsa`, `sts` or `no-policy-found`.
    pub r#type: String,
    /// The records or the lines of the policy, as the sender saw them.
    pub strings: Vec<String>,
    /// Sessions that succeeded.
    pub successful: u64,
    /// Sessions that failed.
    pub failed: u64,
    /// Why they failed.
    pub failures: Vec<Failure>,
    /// What is published now; null without a look.
    pub now: Option<Now>,
}

/// Sessions that failed alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Failure {
    /// The result type (RFC 8460 4.3); `not-specified` where the report counts
    /// failures without one.
    pub result: String,
    /// Sessions.
    pub count: u64,
    /// The MX host.
    pub mx_host: Option<String>,
    /// The address of the MX host.
    pub receiving_ip: Option<String>,
    /// The finding of danecheck that means this.
    pub finding: Option<&'static str>,
    /// Whether mail waited: not where MTA-STS is in testing mode, and not where
    /// no policy was found.
    pub mail_waited: bool,
    /// `failure-reason-code` and `additional-information`.
    pub detail: Option<String>,
    /// Whether it is still so; null without a look.
    pub now: Option<StillThere>,
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            schema_version: 1,
            reports: Vec::new(),
            notes: Vec::new(),
            not_understood: false,
        }
    }
}

/// The JSON Schema of what `danecheck explain --tlsrpt --json` prints.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Reports).into()
}

impl Reports {
    /// Reads one input: JSON, the same compressed, or whole mails. `name` is the
    /// file's; it names the domain where the report does not.
    pub fn read(&mut self, name: &str, bytes: &[u8]) {
        let mut contents = Vec::new();
        let notes = self.notes.len();
        container::open(name, bytes, 0, &mut contents, &mut self.notes);
        self.not_understood |= self.notes.len() > notes;
        let before = self.reports.len();
        let mut understood = true;
        for content in &contents {
            understood &= read::reports(content, &mut self.reports);
        }
        if self.reports.len() > before && !understood {
            self.not_understood = true;
            self.notes
                .push(format!("{}: a part of it", crate::text::printable(name)));
        }
        if self.reports.len() == before {
            self.not_understood = true;
            self.notes.push(format!(
                "{}: no TLS report in it",
                crate::text::printable(name)
            ));
        }
    }

    /// The domains of the policies, each once: what a look checks.
    pub fn domains(&self) -> Vec<String> {
        let mut domains: Vec<String> = Vec::new();
        for policy in self.reports.iter().flat_map(|report| &report.policies) {
            if let Some(domain) = &policy.domain
                && !domains.contains(domain)
            {
                domains.push(domain.clone());
            }
        }
        domains
    }

    /// 0 for no failures, 1 for failures while no mail waited, 2 for mail that
    /// waited, 3 for what was not understood.
    pub fn exit_status(&self) -> ExitStatus {
        let policies = || self.reports.iter().flat_map(|report| &report.policies);
        let failures = || policies().flat_map(|policy| &policy.failures);
        if failures().any(|failure| failure.mail_waited) {
            ExitStatus::Broken
        } else if self.not_understood || policies().next().is_none() {
            ExitStatus::Unknown
        } else if policies().any(|policy| policy.failed > 0) || failures().next().is_some() {
            ExitStatus::Warning
        } else {
            ExitStatus::Fine
        }
    }
}
