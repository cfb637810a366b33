//! `danecheck demo`: one case for each thing that can go right or wrong, each
//! on its own stage, through the same code as any check.

mod case;
mod cases;
pub mod stage;

pub use case::{Case, SharedAuthorities, TARGET};
pub use cases::CASES;

/// The case with the most instructive report.
pub const MOST_INSTRUCTIVE: &str = "stale-key";
