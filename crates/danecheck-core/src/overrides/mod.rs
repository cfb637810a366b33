//! Active overrides: read from a Postfix table or from mailcow's list, each
//! judged by an observation of its next hop, and written again as they should
//! be.
//!
//! | question | module |
//! | --- | --- |
//! | is a file a table at all, and what is it otherwise | `foreign` |
//! | what a table contains, and which line continues which | `table` |
//! | what mailcow's list contains | `rows` |
//! | which next hops match a line | `entry` |
//! | which line counts for a next hop | `index` |
//! | is it needed, enough, too weak | `judgement` |
//! | the words for that, and what to do | `status` |
//! | what do the lines around it change | `examiner` |
//! | how do new ones get into a table | `into` |
//! | how is that reported | `report`, `text` |

mod entry;
mod examination;
mod examiner;
mod foreign;
#[cfg(test)]
mod foreign_tests;
mod index;
mod into;
mod judgement;
mod report;
mod rows;
mod status;
mod table;
mod text;

pub use entry::{Entry, Place};
pub use examination::{Examination, NoOverrides, Overrides};
pub use examiner::Accepted;
pub use foreign::Foreign;
pub use into::{Became, SetNextHop, WithOverrides};
pub use judgement::{Around, judge_line, judge_lines};
pub use report::{OverrideReport, OverridesReport};
pub use rows::{NoRows, Rows};
pub use status::{Judgement, OverrideStatus, Proposal};

/// The JSON Schema of what `danecheck overrides --json` prints.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(OverridesReport).into()
}
