//! Text on its way out: made harmless, and broken into lines.

mod harmless;
mod lines;
mod nearest;
mod style;

#[cfg(any(test, fuzzing))]
pub(crate) use harmless::is_harmless;
pub(crate) use harmless::{column_count, columns};
pub use harmless::{masked, printable, shown, shown_json, to_json};
pub use lines::{break_lines, plural, wrap};
pub use nearest::{is_typing_error, nearest};
pub use style::TextStyle;
pub(crate) use style::Tone;
