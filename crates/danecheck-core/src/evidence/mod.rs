//! What people have in their hands when mail waits: logs, queue listings,
//! notices. Each form is recognised by its content and read as a stream; what
//! they say is counted by cause and by next hop.
//!
//! Memory has a limit for every input: one entry for each cause, a limited
//! number of next hops, and what the latest processes said.

mod alone;
#[cfg(test)]
mod bounds_tests;
mod carried;
mod cause;
mod classify;
mod destination;
mod exim;
mod filter;
mod forms;
mod json;
mod kind;
mod later;
mod line;
mod lines;
mod look;
mod maddy;
mod notice;
mod objects;
mod operators;
mod queue;
mod reading;
mod reply;
mod stalwart;
mod table;
mod tag;
mod tally;
#[cfg(test)]
mod tests;
mod text;
mod triage;
mod unread;
mod utf16;
mod words;

pub use alone::cause_of_text;
pub use cause::{CAUSES, Cause, Concern, Side};
pub use destination::Certainty;
pub use kind::Kind;
pub use reading::Reading;
pub use triage::{
    CommonFault, Explained, InputReport, NextHopCount, Triage, WaitingNextHop, schema,
};
