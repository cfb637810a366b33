//! The comment that an entry carries: since when, for which next hop, why,
//! until when, and how to set and remove it. `danecheck overrides` reads it
//! again.

use crate::next_hop::NextHop;
use crate::text::{break_lines, masked, printable};

/// The most characters in a line of a comment.
const WIDTH: usize = 80;

/// How the first line begins, after the comment sign.
const HEAD: &str = " danecheck ";
/// How a paragraph begins.
const PARAGRAPH: &str = "   ";
/// The beginning of the other lines of a paragraph.
const CONTINUED: &str = "     ";
const REMOVE_WHEN: &str = "Remove when: ";
const FIRST: &str = "First: ";

/// Since when an override is set, why, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The day on which it was advised, `2026-11-22`.
    pub date: String,
    /// The next hop that the override is for, as its key; `None` if an old
    /// comment does not say so.
    pub next_hop: Option<String>,
    /// Why, in one sentence.
    pub reason: String,
    /// What to check before it is set; `None` for nothing.
    pub caution: Option<String>,
    /// The condition under which it can be removed.
    pub remove_when: String,
}

/// How to use an entry in one mail system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HowTo {
    /// Where it belongs.
    pub goes_into: String,
    /// How to activate it.
    pub in_force: String,
    /// How to remove it.
    pub taken_out: String,
}

impl HowTo {
    fn paragraphs(&self) -> [String; 3] {
        [
            format!("Goes into: {}", self.goes_into),
            format!("To activate: {}", self.in_force),
            format!("To remove: {}", self.taken_out),
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

    /// Its lines without instructions, for a place above a line of Postfix's.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let head = match &self.next_hop {
            Some(next_hop) => format!("{} {next_hop}: {}", self.date, self.reason),
            None => format!("{}: {}", self.date, self.reason),
        };
        wrapped(&mut lines, HEAD, &head);
        if let Some(caution) = &self.caution {
            wrapped(&mut lines, PARAGRAPH, &format!("{FIRST}{caution}"));
        }
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

    /// Whether this line continues such a comment.
    pub fn continues(line: &str) -> bool {
        line.strip_prefix('#')
            .is_some_and(|rest| rest.starts_with(PARAGRAPH))
    }

    /// Reads the comment whose lines these are. An old one names its next hop
    /// only in the command of `Remove when`.
    pub fn read<'l>(mut lines: impl Iterator<Item = &'l str>) -> Option<Self> {
        let head = head(lines.next()?)?;
        let mut paragraphs = vec![head.reason.to_owned()];
        for line in lines {
            let rest = line.strip_prefix('#')?;
            let text = rest.trim();
            match paragraphs.last_mut() {
                Some(last) if rest.starts_with(CONTINUED) => {
                    if !last.is_empty() {
                        last.push(' ');
                    }
                    last.push_str(text);
                }
                _ => paragraphs.push(text.to_owned()),
            }
        }
        let reason = paragraphs.remove(0);
        let after = |lead: &str| {
            let mut found = paragraphs.iter();
            found.find_map(|paragraph| paragraph.strip_prefix(lead))
        };
        let remove_when = after(REMOVE_WHEN).unwrap_or_default();
        Some(Self {
            date: head.date.to_owned(),
            next_hop: head
                .next_hop
                .or_else(|| named_in(remove_when))
                .map(str::to_ascii_lowercase),
            reason,
            caution: after(FIRST).map(str::to_owned),
            remove_when: remove_when.to_owned(),
        })
    }

    /// Whether it is about the override with this key.
    pub fn is_for(&self, key: &str) -> bool {
        let key_of = |text: &str| text.parse::<NextHop>().map(|parsed| parsed.policy_key());
        self.next_hop.as_ref().is_some_and(|next_hop| {
            next_hop == key || key_of(next_hop).is_ok_and(|next_hop| next_hop == key)
        })
    }
}

/// The next hop in `danecheck --sender mailcow example.com`, between backticks.
fn named_in(remove_when: &str) -> Option<&str> {
    let (_, rest) = remove_when.split_once("`danecheck ")?;
    let (command, _) = rest.split_once('`')?;
    command.split_whitespace().next_back()
}

/// What a first line says.
struct Head<'l> {
    date: &'l str,
    next_hop: Option<&'l str>,
    reason: &'l str,
}

/// Reads a first line: `DATE NEXTHOP: REASON`, in old comments `DATE: REASON`.
fn head(line: &str) -> Option<Head<'_>> {
    let rest = line.strip_prefix('#')?.strip_prefix(HEAD)?;
    let (date, rest) = rest.split_at_checked(10)?;
    let is_date = date.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if !is_date {
        return None;
    }
    let (next_hop, reason) = match rest.strip_prefix(": ") {
        Some(reason) => (None, reason),
        None => {
            let rest = rest.strip_prefix(' ')?;
            // A long word of the reason is on the next line.
            let (next_hop, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            (Some(next_hop.strip_suffix(':')?), reason)
        }
    };
    if next_hop.is_some_and(str::is_empty) {
        return None;
    }
    Some(Head {
        date,
        next_hop,
        reason: reason.trim_end(),
    })
}

/// Stands for a blank at which a line must not break.
const KEPT: char = '\u{e000}';

/// Adds a paragraph, broken into lines, but never inside backticks or after the
/// date of a first line. A backslash would join a comment of Exim's with the
/// line below it.
fn wrapped(lines: &mut Vec<String>, first: &str, text: &str) {
    let mut in_command = false;
    let mut in_head = first == HEAD;
    let text: String = masked(&printable(text))
        .chars()
        .map(|c| {
            in_command ^= c == '`';
            match c {
                ' ' if in_head => {
                    in_head = false;
                    KEPT
                }
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
            next_hop: Some("example.com".to_owned()),
            reason: reason.to_owned(),
            caution: None,
            remove_when: "`danecheck example.com` says that the dane level delivers again"
                .to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let long = "The certificate of mx1.example.com, issued on 2026-10-23, matches none of its \
                    TLSA records. Most often somebody changed the key and not the records.";
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
    fn the_next_hop_has_a_field_of_its_own() {
        for next_hop in ["example.com", "[192.0.2.1]:25", "[ipv6:2001:db8::1]"] {
            let long = "a".repeat(60);
            for reason in ["Short: it is.", &long] {
                let note = Note {
                    next_hop: Some(next_hop.to_owned()),
                    caution: Some("Ask the receiver by phone, for it may be an attack.".to_owned()),
                    ..note(reason)
                };
                let lines = note.lines();
                let first = format!("# danecheck 2026-11-22 {next_hop}: ");
                assert!(format!("{} ", lines[0]).starts_with(&first), "{lines:?}");
                let read = Note::read(lines.iter().map(String::as_str)).unwrap();
                assert_eq!(read, note);
                assert!(read.is_for(next_hop) && !read.is_for("example.net"));
            }
        }
    }

    #[test]
    fn an_old_comment_names_its_next_hop_in_the_command() {
        for (remove_when, next_hop) in [
            ("`danecheck example.com` says so", Some("example.com")),
            (
                "`danecheck --sender mailcow [Mx.example]:25` says so",
                Some("[mx.example]:25"),
            ),
            ("it does", None),
            ("`danecheck ` says so", None),
        ] {
            let lines = [
                "# danecheck 2026-09-01: It matched nothing.",
                &format!("#   Remove when: {remove_when}"),
            ];
            let read = Note::read(lines.into_iter()).unwrap();
            assert_eq!(read.next_hop.as_deref(), next_hop, "{remove_when}");
            assert_eq!(read.reason, "It matched nothing.");
        }
    }

    #[test]
    fn nothing_else_is_taken_for_one() {
        for other in [
            "# danecheck yesterday: no date",
            "# partner of ours",
            "danecheck 2026-11-22: no comment",
            "# danecheck 2026-11-22 no colon",
            "# danecheck 2026-11-22 : no next hop",
            "# danecheck 2026-11-22 two words: no next hop",
            "# danecheck 2026-11-2\u{fc}",
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
