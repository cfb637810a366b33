//! How text for people looks: its width and its colours.

use anstyle::{AnsiColor, Style};

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextStyle {
    /// The width of a line in characters.
    pub width: usize,
    /// Whether colours are used; they repeat what the words say.
    pub color: bool,
}

impl From<usize> for TextStyle {
    /// This width, without colours.
    fn from(width: usize) -> Self {
        Self {
            width,
            color: false,
        }
    }
}

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Doubtful,
    Bad,
    Strong,
    Quiet,
}

impl TextStyle {
    /// The text in a colour, if colours are used.
    pub(crate) fn tint(self, tone: Tone, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Good => AnsiColor::Green.on_default().bold(),
            Tone::Doubtful => AnsiColor::Yellow.on_default().bold(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Strong => Style::new().bold(),
            Tone::Quiet => Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }
}
