//! What is remembered of the last look at a target.

use danecheck_core::entry::Language;
use danecheck_core::judge::Verdict;
use danecheck_core::report::ExitStatus;
use danecheck_core::unix_time::UnixTime;

/// What the overview says of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) checked_at: UnixTime,
    pub(super) verdict: Verdict,
    pub(super) status: ExitStatus,
    /// The answer in each language, in the order of [`Language::ALL`].
    pub(super) answers: [String; Language::ALL.len()],
}

impl Last {
    /// The answer in a sentence.
    pub(super) fn answer(&self, language: Language) -> &str {
        in_language(&self.answers, language).map_or("", String::as_str)
    }
}

/// What there is in this language, of what there is in each.
pub(super) fn in_language<T>(all: &[T; Language::ALL.len()], language: Language) -> Option<&T> {
    let mut pairs = Language::ALL.iter().zip(all);
    pairs.find_map(|(other, one)| (*other == language).then_some(one))
}
