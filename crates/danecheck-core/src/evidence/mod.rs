//! What people have in their hands when mail waits: logs, queue listings,
//! notices. Each form is recognised by its content and read as a stream; what
//! they say is counted by cause and by next hop.
//!
//! Memory has a limit for every input: one entry for each cause, a limited
//! number of next hops, and what the latest processes said.

mod carried;
mod cause;
mod classify;
mod destination;
mod exim;
mod filter;
mod forms;
mod json;
mod kind;
mod line;
mod lines;
mod look;
mod maddy;
mod notice;
mod objects;
mod operators;
mod queue;
mod reading;
mod stalwart;
mod table;
mod tally;
#[cfg(test)]
mod tests;
mod text;
mod triage;
mod utf16;
mod words;

pub use cause::{CAUSES, Cause, Concern, Side};
pub use destination::Certainty;
pub use kind::Kind;
pub use reading::Reading;
pub use triage::{
    CommonFault, Explained, InputReport, NextHopCount, Triage, WaitingNextHop, schema,
};

/// The cause that a text of a log, of a queue listing or of a notice has: the
/// text in the parentheses, a whole line, or the line before a delivery.
pub fn cause_of_text(text: &str) -> Option<&'static Cause> {
    let inner = match line::Line::parse(text).map(|line| line.body) {
        Some(line::Body::Delivery(delivery)) => delivery.text.into_owned(),
        _ => text.to_owned(),
    };
    classify::delivery(&line::single_blanks(&inner), None, None)
        .or_else(|| classify::hint(text))
        .or_else(|| classify::remark(text))
}
