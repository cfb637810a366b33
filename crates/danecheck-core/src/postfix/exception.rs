//! A policy exception: a line of a table with its key.

use std::fmt;

use super::line::PolicyLine;

/// An override, before it is written down for some system. It is displayed as
/// `texthash:`, `hash:` and `lmdb:` tables take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The exact next hop; never a parent domain, which another map could
    /// overrule for the very name that is meant.
    pub next_hop: String,
    /// The level and its attributes.
    pub line: PolicyLine,
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.next_hop, self.line)
    }
}
