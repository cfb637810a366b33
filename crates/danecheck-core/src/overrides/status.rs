//! What is said of an override, and what is to be done with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entry::Note;
use crate::judge::Outcome;
use crate::postfix::Override;
use crate::text::printable;

/// The result for an override.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Word")]
#[non_exhaustive]
pub enum OverrideStatus {
    /// Mail waits without it, and no stricter line delivers.
    Needed,
    /// It asks for more than the policy without it, and mail flows: the
    /// administrator's choice.
    Deliberate,
    /// Mail flows without it, at least as well protected; or danecheck advised
    /// it, and mail flows again without it.
    NoLongerNeeded,
    /// A stricter line delivers too.
    StricterWouldDo,
    /// Mail waits or bounces despite it.
    NotEnough,
    /// Postfix does not read it as it is meant.
    Malformed,
    /// The same next hop has a line already.
    Duplicate,
    /// No next hop ever matches it.
    NeverUsed,
    /// It is switched off.
    SwitchedOff,
    /// Unknown.
    CouldNotTell,
}

impl OverrideStatus {
    /// The words for a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Needed => "still needed",
            Self::Deliberate => "a choice of yours",
            Self::NoLongerNeeded => "no longer needed",
            Self::StricterWouldDo => "stricter would do",
            Self::NotEnough => "not enough",
            Self::Malformed => "malformed",
            Self::Duplicate => "a duplicate",
            Self::NeverUsed => "never used",
            Self::SwitchedOff => "switched off",
            Self::CouldNotTell => "could not tell",
        }
    }

    /// Which of several results for one line counts: the most serious.
    pub(super) fn weight(self) -> u8 {
        match self {
            Self::NotEnough | Self::Malformed | Self::Duplicate => 5,
            Self::CouldNotTell => 4,
            Self::Needed => 3,
            Self::Deliberate => 2,
            Self::StricterWouldDo => 1,
            Self::NoLongerNeeded | Self::NeverUsed | Self::SwitchedOff => 0,
        }
    }
}

/// What to do with an override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// It stays.
    Leave,
    /// Remove it.
    Remove,
    /// Replace it with this.
    Replace {
        /// The override.
        entry: Box<Override>,
        /// Since when, why, until when.
        note: Option<Note>,
    },
}

/// The report on one override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The word.
    pub word: OverrideStatus,
    /// Why, in a sentence or two.
    pub reason: String,
    /// What to do with it.
    pub proposal: Proposal,
    /// What happens to mail with it; `None` if it was not checked.
    pub with: Option<Outcome>,
    /// What would happen to mail without it.
    pub without: Option<Outcome>,
    /// The policy after the change asks for less than the policy in force.
    pub weaker: bool,
    /// What to check before it is changed.
    pub caution: Option<String>,
    /// It stays unchanged: the user did not accept that the policy asks for
    /// less.
    pub kept: bool,
}

impl Judgement {
    /// One that stays, without a check.
    pub(super) fn unseen(
        word: OverrideStatus,
        reason: impl Into<String>,
        proposal: Proposal,
    ) -> Self {
        Self {
            word,
            reason: printable(&reason.into()),
            proposal,
            with: None,
            without: None,
            weaker: false,
            caution: None,
            kept: false,
        }
    }

    /// The same, for a change that asks for less than before.
    pub(super) fn weakening(self, caution: String) -> Self {
        Self {
            weaker: true,
            caution: Some(printable(&caution)),
            kept: true,
            ..self
        }
    }

    /// What is done about it.
    pub fn change(&self) -> &Proposal {
        match self.kept {
            true => &Proposal::Leave,
            false => &self.proposal,
        }
    }
}
