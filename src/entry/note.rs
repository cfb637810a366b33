//! The comment that an entry carries: since when, why, until when, and how it
//! is set and taken out. `danecheck overrides` reads it again.

use crate::report::{break_lines, masked, printable};

/// A line of a comment has so many characters at most.
const WIDTH: usize = 80;

/// How the first line begins, after the comment sign.
const HEAD: &str = " danecheck ";
/// How a paragraph begins.
const PARAGRAPH: &str = "   ";
/// How a broken paragraph goes on.
const CONTINUED: &str = "     ";
const REMOVE_WHEN: &str = "Remove when: ";

/// Since when an override stands, why, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The day on which it was advised, `2026-11-22`.
    pub date: String,
    /// Why, in one sentence.
    pub reason: String,
    /// What has to be true for it to go.
    pub remove_when: String,
}

/// How an entry is handled in one mail system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HowTo {
    /// Where it is put.
    pub goes_into: String,
    /// What makes it count.
    pub in_force: String,
    /// How it is taken out again.
    pub taken_out: String,
}

impl HowTo {
    fn paragraphs(&self) -> [String; 3] {
        [
            format!("Goes into: {}", self.goes_into),
            format!("In force: {}", self.in_force),
            format!("Taken out: {}", self.taken_out),
        ]
    }
}

impl Note {
    /// The comment, each line with the system's comment sign, the last one
    /// with its line end too.
    pub fn comment(&self, sign: &str, how: &HowTo, remarks: &[String]) -> String {
        let mut lines = Vec::new();
        for paragraph in how.paragraphs().iter().chain(remarks) {
            wrapped(&mut lines, PARAGRAPH, paragraph);
        }
        let own = self.lines();
        let own = own.iter().filter_map(|line| line.strip_prefix('#'));
        own.chain(lines.iter().map(String::as_str))
            .map(|line| format!("{sign}{line}\n"))
            .collect()
    }

    /// Its lines without instructions, as they stand above a line of
    /// Postfix's.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        wrapped(&mut lines, HEAD, &format!("{}: {}", self.date, self.reason));
        wrapped(
            &mut lines,
            PARAGRAPH,
            &format!("{REMOVE_WHEN}{}", self.remove_when),
        );
        lines.into_iter().map(|line| format!("#{line}")).collect()
    }

    /// Whether this line begins such a comment.
    pub fn begins(line: &str) -> bool {
        head(line).is_some()
    }

    /// Whether this line goes on with one.
    pub fn continues(line: &str) -> bool {
        line.strip_prefix('#')
            .is_some_and(|rest| rest.starts_with(PARAGRAPH))
    }

    /// Reads the comment whose lines these are.
    pub fn read<'l>(mut lines: impl Iterator<Item = &'l str>) -> Option<Self> {
        let (date, reason) = head(lines.next()?)?;
        let mut paragraphs = vec![reason.to_owned()];
        for line in lines {
            let rest = line.strip_prefix('#')?;
            let text = rest.trim();
            match paragraphs.last_mut() {
                Some(last) if rest.starts_with(CONTINUED) => {
                    last.push(' ');
                    last.push_str(text);
                }
                _ => paragraphs.push(text.to_owned()),
            }
        }
        let remove_when = paragraphs
            .iter()
            .find_map(|paragraph| paragraph.strip_prefix(REMOVE_WHEN))
            .unwrap_or_default()
            .to_owned();
        Some(Self {
            date: date.to_owned(),
            reason: paragraphs.swap_remove(0),
            remove_when,
        })
    }
}

/// Date and reason of a first line.
fn head(line: &str) -> Option<(&str, &str)> {
    let (date, reason) = line
        .strip_prefix('#')?
        .strip_prefix(HEAD)?
        .split_once(": ")?;
    let is_date = date.len() == 10
        && date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_date.then_some((date, reason.trim_end()))
}

/// Stands for a blank at which no line is broken.
const KEPT: char = '\u{e000}';

/// Adds a paragraph, broken into lines but for what stands in backticks. A
/// backslash would join a comment of Exim's with the line below it.
fn wrapped(lines: &mut Vec<String>, first: &str, text: &str) {
    let mut in_command = false;
    let text: String = masked(&printable(text))
        .chars()
        .map(|c| {
            in_command ^= c == '`';
            match c {
                ' ' if in_command => KEPT,
                '\\' => '?',
                c => c,
            }
        })
        .collect();
    let width = WIDTH.saturating_sub(1 + HEAD.len());
    for (number, line) in break_lines(&text, width).iter().enumerate() {
        let lead = if number == 0 { first } else { CONTINUED };
        lines.push(format!("{lead}{line}").replace(KEPT, " "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn how() -> HowTo {
        HowTo {
            goes_into: "a file".to_owned(),
            in_force: "a restart".to_owned(),
            taken_out: "the line deleted".to_owned(),
        }
    }

    fn note(reason: &str) -> Note {
        Note {
            date: "2026-11-22".to_owned(),
            reason: reason.to_owned(),
            remove_when: "`danecheck example.com` says again that the dane level delivers"
                .to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let long = "The certificate of mx1.example.com, issued on 2026-10-23, matches none \
                    of its TLSA records: most often the key was changed and the records were not.";
        for reason in ["Short.", long] {
            let note = note(reason);
            let comment = note.comment("#", &how(), &["A remark.".to_owned()]);
            assert!(comment.lines().all(|line| line.len() <= 80), "{comment}");
            assert!(Note::begins(comment.lines().next().unwrap()));
            assert!(comment.lines().skip(1).all(Note::continues), "{comment}");
            let short = note.lines();
            let read = Note::read(short.iter().map(String::as_str));
            assert_eq!(read.as_ref(), Some(&note));
            assert_eq!(Note::read(comment.lines()), Some(note));
        }
    }

    #[test]
    fn nothing_else_is_taken_for_one() {
        for other in [
            "# danecheck yesterday: no date",
            "# partner of ours",
            "danecheck 2026-11-22: no comment",
            "# danecheck 2026-11-22 no colon",
            "",
        ] {
            assert!(!Note::begins(other), "{other}");
            assert_eq!(Note::read([other].into_iter()), None);
        }
    }

    #[test]
    fn no_reason_breaks_out_of_the_comment() {
        let hostile = note("550 go\\\r\nexample.net none \u{1b}[31m");
        let comment = hostile.comment("#", &how(), &[]);
        assert!(
            comment.lines().all(|line| line.starts_with('#')),
            "{comment}"
        );
        assert!(!comment.contains(['\\', '\r', '\u{1b}']), "{comment}");
    }
}
