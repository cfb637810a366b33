//! The new certificate at one MX host.

use schemars::JsonSchema;
use serde::Serialize;

/// A record to publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NewRecord {
    /// The name at which to publish it; null if no host was named.
    pub owner: Option<String>,
    /// The record, `3 1 1 ab12...`.
    pub record: String,
    /// Whose key it is.
    pub of: String,
}

impl NewRecord {
    /// The line of a zone file.
    pub fn zone_line(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{owner} IN TLSA {}", self.record),
            None => self.record.clone(),
        }
    }
}

/// The result for the new certificate at one MX host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outlook {
    /// A published record matches it.
    Matches,
    /// DANE does not apply, or no record is usable: nothing can match, and
    /// nothing breaks.
    NoDane,
    /// The published records match something else: mail would wait.
    WouldBreak,
    /// The records could not be looked up.
    Unknown,
}

/// One published record compared with the new certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Published {
    /// The record.
    pub record: String,
    /// Whether it matches the new certificate.
    pub matches: bool,
    /// What the record is, if it does not match and that is known.
    pub what_it_is: Option<String>,
}

/// The new certificate compared with the records of one MX host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HostOutlook {
    /// The host.
    pub host: String,
    /// The result.
    pub outlook: Outlook,
    /// Why, in one sentence.
    pub reason: String,
    /// The name of its TLSA records.
    pub owner: String,
    /// The TTL of the published records, in seconds.
    pub ttl: Option<u32>,
    /// The published records.
    pub published: Vec<Published>,
    /// The record to publish before the certificate is deployed.
    pub add: Option<NewRecord>,
}
