//! The exit status: the monitoring-plugin convention, for every format.

/// What the process returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ExitStatus {
    /// Fine.
    Fine = 0,
    /// Mail flows, something is wrong.
    Warning = 1,
    /// A DANE sender's mail is deferred or bounced.
    Broken = 2,
    /// Unknown; also wrong usage.
    Unknown = 3,
}

/// What makes the exit status other than 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FailOn {
    /// Warnings and worse.
    #[default]
    Warning,
    /// Only what is broken or unknown.
    Error,
    /// Nothing that a check can find.
    Never,
}

impl FailOn {
    /// Every one, the strictest first.
    pub const ALL: [Self; 3] = [Self::Warning, Self::Error, Self::Never];

    /// The word for it in options and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Never => "never",
        }
    }
}

/// The worse of two, in the order 2, 3, 1, 0.
pub fn worst(one: ExitStatus, two: ExitStatus) -> ExitStatus {
    let rank = |status| match status {
        ExitStatus::Fine => 0,
        ExitStatus::Warning => 1,
        ExitStatus::Unknown => 2,
        ExitStatus::Broken => 3,
    };
    if rank(two) > rank(one) { two } else { one }
}
