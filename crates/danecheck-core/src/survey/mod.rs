//! A survey in three steps, which different machines may take: what DNS says of
//! a target, the sessions that it needs, and the judgement of both.
//!
//! The lines between the steps are objects of JSON. Each can be made again, and
//! none depends on the one before it.

mod assemble;
mod line;
mod need;

pub use assemble::assemble;
pub use line::{HostsLine, TargetLine, Unread};
pub use need::{ClientHello, Need, leave_alone, needs};

/// The version of the lines between the steps.
pub const SCHEMA_VERSION: u32 = 1;

/// The JSON Schema of a line of `survey dns`.
pub fn targets_schema() -> serde_json::Value {
    schemars::schema_for!(TargetLine<crate::observation::Observation>).into()
}

/// The JSON Schema of a line of `survey hosts` for one need.
pub fn hosts_schema() -> serde_json::Value {
    schemars::schema_for!(HostsLine).into()
}
