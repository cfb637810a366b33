//! What the Postfix on this machine reports.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Its parameters, and what its policy tables answer for one next hop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalSenderSeen {
    /// `postconf -x`, by name.
    pub parameters: BTreeMap<String, String>,
    /// Parameters that no prediction takes into account, with values other than
    /// Postfix's own ([`crate::postfix::UNREAD`]).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unread: BTreeMap<String, String>,
    /// `postconf -T run-version`: the release of the OpenSSL that it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openssl: Option<String>,
    /// `postmap -q`, in the order in which Postfix asks: each table for the
    /// next hop itself, then each for `.parent`. Postfix would not ask anything
    /// after the first answer.
    #[serde(default)]
    pub lookups: Vec<PolicyLookup>,
}

/// One question to one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyLookup {
    /// `hash:/etc/postfix/tls_policy`.
    pub table: String,
    /// The key.
    pub key: String,
    /// Its answer.
    pub answer: TableAnswer,
}

/// The answer of a table.
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
