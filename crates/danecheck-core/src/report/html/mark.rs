//! How bad a report is, as a sign, a word and a colour.

use crate::report::human::headline_words;
use crate::text::Tone;

use super::super::both::Both;
use super::super::model::Report;
use super::super::status::ExitStatus;
use super::words;

/// A sign and a word with a colour; each says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is fine.
    Good,
    /// Something is wrong.
    Doubtful,
    /// It is broken.
    Bad,
    /// It is not known.
    Unknown,
    /// Neither good nor bad, and known; only of a part of a report.
    Neutral,
}

impl Mark {
    /// That of the report's headline, and never better than the status.
    pub(super) fn of(report: &Report, status: ExitStatus) -> Self {
        let of_tone = match headline_words(report).0 {
            _ if !report.is_answered() => Self::Unknown,
            Tone::Bad => Self::Bad,
            Tone::Doubtful => Self::Doubtful,
            Tone::Good | Tone::Strong | Tone::Quiet => Self::Good,
        };
        match (of_tone, status) {
            (_, ExitStatus::Broken) => Self::Bad,
            (Self::Good, ExitStatus::Warning) => Self::Doubtful,
            (Self::Good, ExitStatus::Unknown) => Self::Unknown,
            (of_tone, _) => of_tone,
        }
    }

    /// That of an exit status.
    pub fn of_status(status: ExitStatus) -> Self {
        match status {
            ExitStatus::Fine => Self::Good,
            ExitStatus::Warning => Self::Doubtful,
            ExitStatus::Broken => Self::Bad,
            ExitStatus::Unknown => Self::Unknown,
        }
    }

    /// That of a part of the report.
    pub(super) fn of_tone(tone: Tone) -> Self {
        match tone {
            Tone::Good => Self::Good,
            Tone::Doubtful => Self::Doubtful,
            Tone::Bad => Self::Bad,
            Tone::Strong | Tone::Quiet => Self::Unknown,
        }
    }

    /// The class of the elements in its colour.
    pub fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Doubtful => "doubtful",
            Self::Bad => "bad",
            Self::Unknown | Self::Neutral => "unknown",
        }
    }

    /// Its sign, one character.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Good => "\u{2713}",
            Self::Doubtful => "!",
            Self::Bad => "\u{2717}",
            Self::Unknown => "?",
            Self::Neutral => "\u{2013}",
        }
    }

    /// Its word.
    pub(super) fn word(self) -> Both {
        match self {
            Self::Good => words::FINE,
            Self::Doubtful => words::WARNING,
            Self::Bad => words::BROKEN,
            Self::Unknown | Self::Neutral => words::UNKNOWN,
        }
    }
}
