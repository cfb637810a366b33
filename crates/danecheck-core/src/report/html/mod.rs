//! `html`: one document that needs nothing else, for a browser, a printer and
//! somebody else's mailbox.
//!
//! Every text from the network is escaped by the templates, and each section is
//! made harmless as a whole (`text::shown`) when it is finished. The document
//! allows its own style and script by their digests, and nothing else.

mod document;
mod section;
mod writer;

pub use document::{Frame, Link, content_security_policy, document};
pub use section::{page, section};
pub use writer::Html;
