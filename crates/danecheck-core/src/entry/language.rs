//! The language of instructions.

/// The language of mailcow's form, of the instructions for it, of letters and of
/// pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl Language {
    /// Every one, English first.
    pub const ALL: [Self; 2] = [Self::En, Self::De];

    /// Its code (ISO 639-1).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// The one of two that is in this language.
    pub fn pick<T>(self, english: T, german: T) -> T {
        match self {
            Self::En => english,
            Self::De => german,
        }
    }
}
