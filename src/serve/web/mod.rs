//! The pages of `danecheck serve --web`: a form, the look while it runs and its
//! report, the overview of one's own domains, and the changes of their verdicts.
//!
//! A visitor can make the exporter look at targets on its list, and fill
//! nothing: looks are shared, limited and kept for a short time, and no answer
//! sets a cookie.

mod events;
mod headers;
mod history;
mod kept;
mod last;
mod look;
mod looks;
mod pages;
mod path;
mod reader;
mod route;
mod words;

pub(super) use events::Events;
pub use history::{Change, History, Keep};
pub(super) use look::{Look, Seen};
pub(super) use looks::Looks;
pub(super) use route::{answer, is_page};

use danecheck_core::next_hop::{NextHop, NextHopError};

/// What the pages need besides the exporter's own settings.
#[derive(Debug)]
pub struct Web {
    /// The domains of the overview.
    pub domains: Vec<NextHop>,
    /// How a target is read as a person gives it.
    pub reads: fn(&str) -> Result<NextHop, NextHopError>,
    /// The changes of verdicts.
    pub history: History,
}
