//! The text under construction, and words that several parts of it share.

use crate::entry::Language;
use crate::judge::{Delivery, Outcome};
use crate::text::{TextStyle, Tone, columns, wrap};

/// How the report looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HumanStyle {
    /// Whether colours are used; they repeat what the words say.
    pub color: bool,
    /// The width of a line in characters.
    pub width: usize,
    /// The language of the steps in mailcow's form.
    pub language: Language,
    /// How much is said.
    pub detail: Detail,
}

/// How much a report for people tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Whether mail flows, the cause, whose move it is, and the line to paste.
    #[default]
    Short,
    /// Also the other findings, the hosts with their records and certificates,
    /// the levels, and stricter lines.
    Full,
    /// All that is known, whatever its length.
    Everything,
}

impl Detail {
    /// What this many `-v` stand for.
    pub fn of(verbose: u8) -> Self {
        match verbose {
            0 => Self::Short,
            1 => Self::Full,
            _ => Self::Everything,
        }
    }
}

impl HumanStyle {
    /// The usual style with this much detail.
    pub fn of(detail: Detail) -> Self {
        Self {
            detail,
            ..Self::default()
        }
    }
}

impl Default for HumanStyle {
    fn default() -> Self {
        Self {
            color: false,
            width: 80,
            language: Language::default(),
            detail: Detail::default(),
        }
    }
}

/// The text under construction.
pub(super) struct Page {
    pub(super) text: String,
    pub(super) style: HumanStyle,
    /// Whether something was cut off.
    pub(super) is_cut: bool,
    /// Whether whole sentences were left out.
    pub(super) leaves_out: bool,
}

impl Page {
    /// An empty one.
    pub(super) fn new(style: HumanStyle) -> Self {
        Self {
            text: String::new(),
            style,
            is_cut: false,
            leaves_out: false,
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
        let style = TextStyle {
            width: self.style.width,
            color: self.style.color,
        };
        style.tint(tone, text)
    }

    /// The columns that are left on a line that begins so.
    pub(super) fn room_after(&self, first: &str) -> usize {
        self.style.width.saturating_sub(columns(first)).max(16)
    }

    /// A line in a colour that hangs over its end, of this many lines at most.
    pub(super) fn hanging(&mut self, text: &str, tone: Tone, most: usize) {
        let lines = wrap(text, self.room_after("   "));
        let is_cut = lines.len() > most;
        self.is_cut |= is_cut;
        for (number, line) in lines.into_iter().take(most).enumerate() {
            let margin = if number == 0 { "" } else { "   " };
            let rest = if is_cut && number + 1 == most {
                " ..."
            } else {
                ""
            };
            let line = self.tint(tone, &line);
            self.line(&format!("{margin}{line}{rest}"));
        }
    }

    /// A paragraph of this many lines at most; `...` stands for the rest.
    pub(super) fn clipped(&mut self, first: &str, tinted: &str, text: &str, most: usize) {
        let width = self.room_after(first);
        let lines = wrap(text, width);
        if lines.len() <= most {
            self.paragraph(first, tinted, text);
            return;
        }
        self.is_cut = true;
        let mut kept: Vec<&str> = lines.iter().take(most).map(String::as_str).collect();
        if let Some(last) = kept.last_mut() {
            while columns(last) + 4 > width {
                let words = last.rsplit_once(' ').map(|(before, _)| before);
                let end = last.char_indices().nth_back(3).map(|(at, _)| at);
                let letters = end.and_then(|end| last.get(..end));
                match words.or(letters) {
                    Some(shorter) => *last = shorter,
                    None => break,
                }
            }
        }
        self.paragraph(first, tinted, &format!("{} ...", kept.join(" ")));
    }

    /// A list, broken between its parts and within a part only at blanks: what
    /// people copy stays whole.
    pub(super) fn list(&mut self, first: &str, parts: &[String]) {
        let indent = columns(first);
        let width = self.room_after(first);
        let mut lines: Vec<String> = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let comma = if number + 1 < parts.len() { "," } else { "" };
            let part = format!("{part}{comma}");
            let pieces: Vec<&str> = match columns(&part) > width {
                true => part.split(' ').collect(),
                false => vec![&part],
            };
            for piece in pieces {
                match lines.last_mut() {
                    Some(line) if columns(line) + 1 + columns(piece) <= width => {
                        line.push(' ');
                        line.push_str(piece);
                    }
                    _ => lines.push(piece.to_owned()),
                }
            }
        }
        for (number, line) in lines.iter().enumerate() {
            match number {
                0 => self.line(&format!("{first}{line}")),
                _ => self.line(&format!("{:indent$}{line}", "")),
            }
        }
    }

    /// A paragraph: `first` before its first line, as many blanks before the
    /// others.
    pub(super) fn paragraph(&mut self, first: &str, tinted: &str, text: &str) {
        let indent = columns(first);
        let width = self.room_after(first);
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
