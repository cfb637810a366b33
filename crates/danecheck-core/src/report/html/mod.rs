//! `html`: one document that needs nothing else, for a browser, a printer and
//! somebody else's mailbox.
//!
//! The templates escape every text, and each section is made harmless as a whole
//! (`text::shown`) when it is finished. The document allows its own style and
//! script by their digests, and nothing else. Every list is cut at a fixed length,
//! and says so: a section has a size that no report can exceed by much.

mod answer;
mod bytes;
mod compared;
mod copied;
mod document;
mod entry;
mod evidence;
mod findings;
mod given_up;
mod headline;
mod letter;
mod levels;
mod mark;
mod overview;
mod path;
mod picture;
mod records;
mod section;
mod standing;
mod view;
mod words;
mod writer;

pub use document::{BASE_STYLE, Frame, Link, content_security_policy};
pub use headline::answer_in;
pub use mark::Mark;
pub use section::page;
pub use writer::Html;
