//! What a rule and a finding are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cause::Cause;

/// How bad a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Mail flows, something is wrong.
    Warning,
    /// Mail does not flow, or the result is unknown.
    Error,
}

impl Severity {
    /// The word of the reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One kind of finding.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The stable id, in kebab-case.
    pub id: &'static str,
    /// How bad it usually is; [`Rule::worse_if`] may raise it for a target.
    pub severity: Severity,
    /// The RFC section or the Postfix function.
    pub reference: &'static str,
    /// What it means, and why it matters.
    pub meaning: &'static str,
    /// What the sender's administrator does; empty for nothing.
    pub sender: &'static str,
    /// What the receiver's administrator does; empty for nothing.
    pub receiver: &'static str,
}

/// A rule that holds for a target, with the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is for this target and this sender.
    pub severity: Severity,
    /// The host, address, name or record that it is about.
    pub subject: String,
    /// One sentence with the evidence filled in.
    pub message: String,
    /// What to do: the rule's steps, or closer ones where more is known.
    pub remedy: String,
    /// Why a session fails, where the check knows it closer than the rule.
    pub(super) cause: Option<Cause>,
}

impl Rule {
    /// What to do: the receiver's step first, because it repairs the cause.
    pub fn remedy(&self) -> String {
        remedy(self.receiver, self.sender)
    }
}

/// The sender's step where only the receiver can repair the cause.
pub(super) const TELL: &str = "Tell the receiver by phone or through another mail system.";

/// Who takes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Receiver,
    Sender,
}

impl Side {
    /// The word before the step.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Receiver => "Receiver",
            Self::Sender => "Sender",
        }
    }
}

/// The steps of a remedy as [`remedy`] writes it, the receiver's first.
pub(crate) fn steps(remedy: &str) -> impl Iterator<Item = (Side, &str)> {
    let (receiver, sender) = match remedy.strip_prefix("Receiver: ") {
        Some(steps) => match steps.split_once(" Sender: ") {
            Some((receiver, sender)) => (Some(receiver), Some(sender)),
            None => (Some(steps), None),
        },
        None => (None, remedy.strip_prefix("Sender: ")),
    };
    let receiver = receiver.map(|step| (Side::Receiver, step));
    let sender = sender.map(|step| (Side::Sender, step));
    receiver.into_iter().chain(sender)
}

fn remedy(receiver: &str, sender: &str) -> String {
    match (receiver, sender) {
        ("", "") => String::new(),
        ("", sender) => format!("Sender: {sender}"),
        (receiver, "") => format!("Receiver: {receiver}"),
        (receiver, sender) => format!("Receiver: {receiver} Sender: {sender}"),
    }
}

impl Finding {
    /// A finding with the severity and the steps of its rule.
    pub(crate) fn new(
        rule: &'static Rule,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity: rule.severity,
            subject: subject.into(),
            message: message.into(),
            remedy: rule.remedy(),
            cause: None,
        }
    }

    /// The same with this step for the receiver in the place of the rule's.
    pub(super) fn receiver(mut self, step: &str) -> Self {
        self.remedy = remedy(step, self.rule.sender);
        self
    }

    /// The same with this step for the sender in the place of the rule's.
    pub(super) fn sender(mut self, step: &str) -> Self {
        self.remedy = remedy(self.rule.receiver, step);
        self
    }

    /// The same with these steps in the place of the rule's.
    pub(super) fn steps(mut self, receiver: &str, sender: &str) -> Self {
        self.remedy = remedy(receiver, sender);
        self
    }

    /// The same with this cause of a failed session in the place of the rule's.
    pub(super) fn because(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    /// The same with a name in the place of its placeholder, such as `HOST`. A
    /// name that a shell would not take as it is stays out: people paste
    /// commands.
    pub(super) fn known(mut self, placeholder: &str, name: &str) -> Self {
        let is_plain = !name.starts_with('-')
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-_:[]".contains(c));
        if is_plain && !name.is_empty() {
            self.remedy = self.remedy.replace(placeholder, name);
        }
        self
    }
}

/// What the checks write to: each finding once per subject.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn add(
        &mut self,
        rule: &'static Rule,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) {
        self.put(Finding::new(rule, subject, message));
    }

    pub(super) fn put(&mut self, finding: Finding) {
        let says_the_same = |other: &Finding| {
            other.rule == finding.rule
                && other.subject == finding.subject
                && other.message == finding.message
        };
        if !self.0.iter().any(says_the_same) {
            self.0.push(finding);
        }
    }

    /// Puts a name in the place of its placeholder in all steps.
    pub(super) fn know(&mut self, placeholder: &str, name: &str) {
        let all = std::mem::take(&mut self.0).into_iter();
        self.0 = all.map(|one| one.known(placeholder, name)).collect();
    }

    /// All that were added so far.
    pub(super) fn all(&self) -> &[Finding] {
        &self.0
    }

    /// The worst first, those that always are before those that were raised to
    /// it; among equals the order in which they were added.
    pub(super) fn sorted(mut self) -> Vec<Finding> {
        self.0
            .sort_by_key(|finding| std::cmp::Reverse((finding.severity, finding.rule.severity)));
        self.0
    }

    /// Raises the severity of those of which this is true to an error.
    pub(super) fn raise(&mut self, is_error: impl Fn(&Finding) -> bool) {
        for finding in &mut self.0 {
            if is_error(finding) {
                finding.severity = Severity::Error;
            }
        }
    }
}
