//! What the Postfix on this machine says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Its parameters, and what its policy tables say to one next hop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalSenderSeen {
    /// `postconf -x`, by name.
    pub parameters: BTreeMap<String, String>,
    /// `postmap -q`, in the order in which Postfix asks: each table for the
    /// next hop itself, then each for `.parent`. What comes after the first
    /// answer is what Postfix would not ask any more.
    #[serde(default)]
    pub lookups: Vec<PolicyLookup>,
}

/// One question to one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyLookup {
    /// `hash:/etc/postfix/tls_policy`.
    pub table: String,
    /// What it was asked for.
    pub key: String,
    /// What it said.
    pub answer: TableAnswer,
}

/// What a table says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableAnswer {
    /// This value.
    Found(String),
    /// Nothing.
    NotFound,
    /// It could not be asked; why, in one line.
    Failed(String),
}
