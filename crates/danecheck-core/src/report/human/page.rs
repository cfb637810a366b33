//! The text under construction, and words that several parts of it share.

use anstyle::{AnsiColor, Style};

use crate::entry::Language;
use crate::judge::{Delivery, Outcome};
use crate::text::{columns, wrap};

/// How the report looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HumanStyle {
    /// Whether colours are used; they repeat what the words say.
    pub color: bool,
    /// The width of a line in characters.
    pub width: usize,
    /// The language of the steps in mailcow's form.
    pub language: Language,
    /// How much is said: how often `-v` was given.
    pub verbosity: u8,
}

impl Default for HumanStyle {
    fn default() -> Self {
        Self {
            color: false,
            width: 80,
            language: Language::default(),
            verbosity: 0,
        }
    }
}

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Doubtful,
    Bad,
    Strong,
    Quiet,
}

/// The text under construction.
pub(super) struct Page {
    pub(super) text: String,
    pub(super) style: HumanStyle,
}

impl Page {
    /// An empty one.
    pub(super) fn new(style: HumanStyle) -> Self {
        Self {
            text: String::new(),
            style,
        }
    }

    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// The text in a colour, if colours are used.
    pub(super) fn tint(&self, tone: Tone, text: &str) -> String {
        if !self.style.color {
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

    /// A paragraph: `first` before its first line, as many blanks before the
    /// others.
    pub(super) fn paragraph(&mut self, first: &str, tinted: &str, text: &str) {
        let indent = columns(first);
        let width = self.style.width.saturating_sub(indent).max(20);
        for (number, line) in wrap(text, width).into_iter().enumerate() {
            if number == 0 {
                self.line(&format!("{tinted}{line}"));
            } else {
                self.line(&format!("{:indent$}{line}", ""));
            }
        }
    }
}

/// What senders do with the mail.
pub(super) fn fate(outcome: &Outcome) -> &'static str {
    match outcome.delivery {
        Delivery::Bounced => "bounce",
        _ => "defer",
    }
}

/// The DSN code in brackets, after a blank; empty if there is none.
pub(super) fn code(outcome: &Outcome) -> String {
    outcome
        .dsn
        .as_ref()
        .map_or_else(String::new, |dsn| format!(" ({dsn})"))
}
