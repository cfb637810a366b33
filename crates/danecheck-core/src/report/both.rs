//! Texts that reports have in both languages.

use crate::entry::Language;

/// A text in English and in German.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) struct Both(
    pub(in crate::report) &'static str,
    pub(in crate::report) &'static str,
);

impl Both {
    /// The text in this language.
    pub(in crate::report) fn of(self, language: Language) -> &'static str {
        language.pick(self.0, self.1)
    }
}
