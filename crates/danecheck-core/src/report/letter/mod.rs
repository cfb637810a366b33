//! `--format letter`: a mail to the receiver's postmaster about what keeps mail
//! back, with one thing to do. A person reads it before it is sent.

mod carrier;
mod commands;
mod dnssec;
mod excuse;
mod fate;
mod known;
mod problem;
mod session;
mod tlsa;
mod words;

use crate::entry::Language;
use crate::text::{break_lines, shown};

pub use self::carrier::Carrier;
use self::problem::Problem;
use super::model::Report;

/// The width of its lines, in columns.
const WIDTH: usize = 72;

/// A letter, and what to say beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// A mail (RFC 5322) without `From` and `Date`, which `sendmail -t` and mail
    /// programs add; empty if there is nothing to write about.
    pub text: String,
    /// A sentence for the person who sends it.
    pub beside: String,
    /// Which mail systems deliver the letter itself.
    pub carrier: Carrier,
}

impl Letter {
    /// The letter about a report.
    pub fn of(report: &Report, language: Language) -> Self {
        let without = |why: &str| Self {
            text: String::new(),
            beside: format!("{}: {why}", report.target),
            carrier: Carrier::Usual,
        };
        let Some(domain) = &report.domain else {
            return without("no letter: an address has no postmaster of its own.");
        };
        if let Some(why) = excuse::of(report) {
            return without(why);
        }
        let Some(problem) = Problem::of(report) else {
            return without(
                "no letter: danecheck knows of nothing that the receiver has to repair.",
            );
        };
        let speaker = words::Speaker {
            language,
            report,
            domain,
            problem: &problem,
        };
        let mut to = vec![format!("postmaster@{domain}")];
        to.extend(report.contact.clone());
        to.dedup();
        let mut text = format!(
            "To: {}\n{}\nMIME-Version: 1.0\nContent-Type: text/plain; \
             charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n",
            to.join(",\n "),
            folded(&format!("Subject: {}", speaker.subject()))
        );
        for part in speaker.body() {
            match part {
                Part::Paragraph(words) => {
                    let indent = if words.starts_with("- ") { "  " } else { "" };
                    let lines = break_lines(&shown(&words), WIDTH - indent.len());
                    for (number, line) in lines.iter().enumerate() {
                        text.push_str(if number == 0 { "" } else { indent });
                        text.push_str(line);
                        text.push('\n');
                    }
                }
                Part::Line(line) => {
                    text.push_str(&shown(&line));
                    text.push('\n');
                }
                Part::Blank => text.push('\n'),
            }
        }
        let carrier = Carrier::of(report, &problem);
        let target = &report.target;
        let beside = match carrier.warning(report) {
            Some(warning) => {
                format!("{target}: {warning}. Read it, and add your name, before you send it.")
            }
            None => format!("{target}: read the letter, and add your name, before you send it."),
        };
        Self {
            text,
            beside,
            carrier,
        }
    }
}

/// A header field, folded at blanks (RFC 5322 section 2.2.3).
fn folded(field: &str) -> String {
    let mut text = String::new();
    let mut room = WIDTH;
    for word in field.split(' ') {
        let length = word.chars().count();
        match text.is_empty() {
            true => {}
            false if length < room => {
                text.push(' ');
                room -= 1;
            }
            false => {
                text.push_str("\n ");
                room = WIDTH - 1;
            }
        }
        text.push_str(word);
        room = room.saturating_sub(length);
    }
    text
}

/// A piece of the body.
enum Part {
    /// Broken into lines.
    Paragraph(String),
    /// Kept as it is, because it is copied.
    Line(String),
    Blank,
}
