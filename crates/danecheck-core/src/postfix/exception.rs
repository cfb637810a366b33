//! A policy exception: a line of a table with its key.

use std::fmt;

use super::line::PolicyLine;

/// An override, before it is written for a system. [`fmt::Display`] writes the
/// line for `texthash:`, `hash:` and `lmdb:` tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The exact next hop; never a parent domain, because another map could
    /// overrule that for the name itself.
    pub next_hop: String,
    /// The level and its attributes.
    pub line: PolicyLine,
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.next_hop, self.line)
    }
}
