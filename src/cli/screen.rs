//! The options of what a person sees beside the answer itself: colours, and the
//! progress of what takes time.

use clap::{Args, ValueEnum};

use super::environment::Environment;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct ColorArguments {
    /// Colours; NO_COLOR is respected
    #[arg(
        long,
        hide_short_help = true,
        value_name = "WHEN",
        default_value = "auto"
    )]
    color: Color,
}

impl ColorArguments {
    /// Whether colours are used.
    pub(super) fn wanted(&self, environment: &Environment) -> bool {
        match self.color {
            Color::Auto => environment.colors,
            Color::Always => true,
            Color::Never => false,
        }
    }
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct ScreenArguments {
    /// Show no progress
    #[arg(long, hide_short_help = true)]
    pub(super) no_progress: bool,

    #[command(flatten)]
    pub(super) colors: ColorArguments,
}
