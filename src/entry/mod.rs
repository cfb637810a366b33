//! Overrides in the form in which each mail system takes them.

mod mailcow;
mod postfix;

pub use mailcow::MailcowEntry;
pub use postfix::postfix_line;

use crate::judge::SecurityLevel;

/// An override, before it is written down for some system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The exact next hop; never a parent domain, which another map could
    /// overrule for the very name that is meant.
    pub next_hop: String,
    /// The level.
    pub policy: SecurityLevel,
    /// Attributes such as `match=mx1.example.com:mx2.example.com`; no value
    /// holds a blank or a comma, which would end it.
    pub parameters: Vec<String>,
}
