//! Why a policy is in force.

use std::fmt;

/// Why a policy is in force, as half a sentence; empty if nothing is to be said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Why {
    /// Nothing is to be said.
    #[default]
    Unsaid,
    /// The domain's policy of MTA-STS says enforce.
    MtaSts(SeenOfPolicy),
    /// Something else.
    Said(String),
}

/// How much was seen of a policy of MTA-STS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeenOfPolicy {
    /// All of it.
    Whole,
    /// As much as danecheck reads.
    Cut,
    /// What arrived.
    Unfinished,
}

impl Why {
    /// Whether nothing is to be said.
    pub fn is_unsaid(&self) -> bool {
        *self == Self::Unsaid
    }
}

impl From<&str> for Why {
    fn from(text: &str) -> Self {
        Self::Said(text.to_owned())
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsaid => "",
            Self::MtaSts(SeenOfPolicy::Whole) => "the MTA-STS policy says enforce",
            Self::MtaSts(SeenOfPolicy::Cut) => {
                "the MTA-STS policy says enforce, as far as danecheck read it"
            }
            Self::MtaSts(SeenOfPolicy::Unfinished) => {
                "the part of the MTA-STS policy that arrives says enforce"
            }
            Self::Said(text) => text,
        })
    }
}
