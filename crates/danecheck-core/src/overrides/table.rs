//! A Postfix table in text form: logical lines, comments and all, so that it
//! can be written again (`postmap(1)`, `dict_thash_open` in Postfix's
//! `dict_thash.c`).

use std::collections::HashMap;
use std::ops::Range;

use crate::entry::Note;

use super::entry::{BYTE_ORDER_MARK, Entry, Place, place};

/// A table, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The lines as text, without their ends.
    lines: Vec<String>,
    /// The same as bytes, with their ends, in any encoding.
    bytes: Vec<Vec<u8>>,
    /// The overrides, in their order.
    pub entries: Vec<TableEntry>,
}

/// An override and the lines that it takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableEntry {
    /// The override.
    pub entry: Entry,
    /// Its own lines, with those that continue it.
    own: Range<usize>,
    /// The lines of the comment that danecheck put above it.
    comment: Range<usize>,
}

/// What to do with an override's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Remove them, with danecheck's comment.
    Remove,
    /// Replace them and danecheck's comment with these.
    Replace(Vec<String>),
}

impl Table {
    /// Reads a table; any text can be read as one. Bytes that are not UTF-8 can
    /// only be in comments, or in lines that do not count.
    pub fn read(bytes: impl AsRef<[u8]>) -> Self {
        let bytes: Vec<Vec<u8>> = bytes
            .as_ref()
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let lines: Vec<String> = bytes
            .iter()
            .map(|line| {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                String::from_utf8_lossy(line).into_owned()
            })
            .collect();
        let mut entries: Vec<TableEntry> = Vec::new();
        // The line of each key that has a value.
        let mut first: HashMap<String, usize> = HashMap::new();
        for own in logical_lines(&lines) {
            let above = comment_above(&lines, own.start);
            let logical = joined(slice(&lines, &own));
            let (key, value) = match logical.split_once(|c: char| c.is_ascii_whitespace()) {
                Some((key, value)) => (key, value.trim()),
                None => (logical.as_str(), ""),
            };
            let starts_blank = logical.is_empty();
            let key = key.to_ascii_lowercase();
            // A comment for another name says nothing about this line.
            let note = Note::read(slice(&lines, &above).iter().map(String::as_str))
                .filter(|note| note.is_for(&key));
            let comment = match &note {
                Some(_) => above,
                None => own.start..own.start,
            };
            // `postmap` uses the first of two and warns; `texthash:` rejects
            // the table.
            let earlier = first.get(&key).copied();
            if !starts_blank && !value.is_empty() {
                first.entry(key.clone()).or_insert(own.start + 1);
            }
            let place = match earlier {
                _ if starts_blank => Place::Nowhere {
                    why: "it begins with a blank, but there is no line above to continue: Postfix \
                          ignores it"
                        .to_owned(),
                    meant: None,
                },
                Some(line) if !value.is_empty() => Place::Shadowed { line },
                _ => place(&key, value),
            };
            entries.push(TableEntry {
                entry: Entry {
                    line: own.start + 1,
                    id: None,
                    key,
                    value: value.to_owned(),
                    note,
                    place,
                },
                own,
                comment,
            });
        }
        Self {
            lines,
            bytes,
            entries,
        }
    }

    /// The table with these changes, one for each override that changes. All
    /// other bytes stay.
    pub fn with(&self, change_of: impl Fn(usize) -> Option<Change>) -> Vec<u8> {
        let mut out: Vec<Option<Vec<u8>>> = self.bytes.iter().cloned().map(Some).collect();
        for (number, entry) in self.entries.iter().enumerate() {
            let Some(change) = change_of(number) else {
                continue;
            };
            // A comment between a line and what continues it stays.
            let own = entry.own.clone().filter(|at| {
                self.lines
                    .get(*at)
                    .is_some_and(|line| !is_comment_or_blank(line))
            });
            for at in entry.comment.clone().chain(own) {
                if let Some(slot) = out.get_mut(at) {
                    *slot = None;
                }
            }
            if let Change::Replace(lines) = change
                && let Some(slot) = out.get_mut(entry.own.start)
            {
                *slot = Some(self.written(&lines, entry.own.start));
            }
        }
        out.into_iter().flatten().flatten().collect()
    }

    /// This text of the table, with lines added at its end.
    pub(super) fn followed_by(&self, mut text: Vec<u8>, lines: &[String]) -> Vec<u8> {
        if lines.is_empty() {
            return text;
        }
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.extend(self.written(&[String::new()], self.bytes.len()));
        }
        text.extend(self.written(lines, self.bytes.len()));
        text
    }

    /// Lines with the line end of the line in this place.
    fn written(&self, lines: &[String], place: usize) -> Vec<u8> {
        let is_end = |line: &&Vec<u8>| line.ends_with(b"\n");
        let model = self.bytes.get(place).filter(is_end);
        let model = model.or_else(|| self.bytes.iter().rfind(is_end));
        let end = match model.is_some_and(|line| line.ends_with(b"\r\n")) {
            true => "\r\n",
            false => "\n",
        };
        lines
            .iter()
            .flat_map(|line| [line.as_bytes(), end.as_bytes()].concat())
            .collect()
    }
}

fn slice<'l>(lines: &'l [String], range: &Range<usize>) -> &'l [String] {
    lines.get(range.clone()).unwrap_or_default()
}

fn is_comment_or_blank(line: &str) -> bool {
    // A mark before a comment harms nobody.
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    let trimmed = line.trim_start();
    trimmed.is_empty() || trimmed.starts_with('#')
}

/// Where each logical line is: one that begins with a blank continues the one
/// above, over comments and blank lines in between (`readllines.c`).
fn logical_lines(lines: &[String]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if is_comment_or_blank(line) {
            continue;
        }
        match found.last_mut() {
            Some(last) if line.starts_with(|c: char| c.is_ascii_whitespace()) => {
                last.end = number + 1;
            }
            _ => found.push(number..number + 1),
        }
    }
    found
}

/// The lines of a logical line as one; empty if there is no key.
fn joined(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines.iter().filter(|line| !is_comment_or_blank(line)) {
        text.push_str(line);
        text.push(' ');
    }
    if text.starts_with(|c: char| c.is_ascii_whitespace()) {
        return String::new();
    }
    text.trim_end().to_owned()
}

/// The comment of danecheck's that ends right above this line.
fn comment_above(lines: &[String], line: usize) -> Range<usize> {
    let mut start = line;
    while let Some(above) = start.checked_sub(1).and_then(|at| lines.get(at)) {
        if Note::begins(above) {
            return start - 1..line;
        }
        if !Note::continues(above) {
            break;
        }
        start -= 1;
    }
    line..line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(table: &Table) -> Vec<(usize, &str, &str)> {
        table
            .entries
            .iter()
            .map(|entry| {
                let entry = &entry.entry;
                (entry.line, entry.key.as_str(), entry.value.as_str())
            })
            .collect()
    }

    /// What `postmap -s` of Postfix 3.7 makes of the same text, and what it
    /// warns of, in one.
    #[test]
    fn lines_are_joined_and_comments_skipped_as_postmap_does() {
        let table = Table::read(
            "# head\na.example encrypt\nA.example may\n  match=x\nb.example\n   \n\
             c.example\tmay\n# inside\n protocols=>=TLSv1\n\n   ciphers=high\n[H.example]:25 none\n",
        );
        assert_eq!(
            pairs(&table),
            [
                (2, "a.example", "encrypt"),
                (3, "a.example", "may   match=x"),
                (5, "b.example", ""),
                (7, "c.example", "may  protocols=>=TLSv1    ciphers=high"),
                (12, "[h.example]:25", "none"),
            ]
        );
        assert_eq!(table.entries[1].entry.place, Place::Shadowed { line: 2 });
        let lost = Table::read(" may\nx.example may\n");
        assert_eq!(pairs(&lost)[0], (1, "", ""));
    }

    #[test]
    fn danechecks_comment_belongs_to_the_line_below_it() {
        let text = "# ours\n# danecheck 2026-09-01 example.com: It matched nothing.\n\
                    #     Really.\n#   Remove when: it does\nexample.com  encrypt\n\
                    example.net may\n";
        let table = Table::read(text);
        let note = table.entries[0].entry.note.clone().unwrap();
        assert_eq!(note.date, "2026-09-01");
        assert_eq!(note.reason, "It matched nothing. Really.");
        assert_eq!(note.remove_when, "it does");
        assert_eq!(table.entries[1].entry.note, None);
        assert_eq!(table.with(|_| None), text.as_bytes());
        let removed = table.with(|number| (number == 0).then_some(Change::Remove));
        assert_eq!(removed, b"# ours\nexample.net may\n");
        let replaced = table.with(|number| {
            (number == 0).then(|| Change::Replace(vec!["# new".into(), "example.com  may".into()]))
        });
        assert_eq!(
            replaced,
            b"# ours\n# new\nexample.com  may\nexample.net may\n"
        );
    }

    #[test]
    fn a_comment_for_another_name_is_not_that_of_the_line_below_it() {
        for (head, remove_when, own) in [
            ("2026-09-01 example.com", "it does", true),
            ("2026-09-01 Example.COM", "it does", true),
            (
                "2026-09-01 example.net",
                "`danecheck example.com` says so",
                false,
            ),
            ("2026-09-01", "`danecheck example.com` says so", true),
            (
                "2026-09-01",
                "`danecheck --level may example.com` says so",
                true,
            ),
            ("2026-09-01", "`danecheck example.net` says so", false),
            ("2026-09-01", "it does", false),
        ] {
            let text = format!(
                "# danecheck {head}: Why.\n#   Remove when: {remove_when}\nexample.com may\n"
            );
            let table = Table::read(&text);
            let note = &table.entries[0].entry.note;
            assert_eq!(note.is_some(), own, "{head} {remove_when}");
            let removed = table.with(|_| Some(Change::Remove));
            assert_eq!(removed.is_empty(), own, "{removed:?}");
        }
    }

    #[test]
    fn a_comment_inside_a_line_that_goes_stays() {
        let table = Table::read("a.example may\n# why\n ciphers=high\nb.example may\n");
        let text = table.with(|number| (number == 0).then_some(Change::Remove));
        assert_eq!(text, b"# why\nb.example may\n");
    }

    #[test]
    fn what_does_not_change_keeps_its_bytes() {
        for bytes in [
            &b"# caf\xe9\r\na.example may\r\nb.example may"[..],
            b"\xef\xbb\xbf# mark\na.example\tmay\r\n\n\n",
            b"a.example may # \x85\n\xa0\n\r\n \t",
        ] {
            let table = Table::read(bytes);
            assert_eq!(table.with(|_| None), bytes);
        }
        let table = Table::read(b"# \xe9\r\na.example may\r\nb.example may");
        let change = |line: &str| Some(Change::Replace(vec![line.to_owned()]));
        let first = table.with(|number| (number == 0).then(|| change("a.example  encrypt"))?);
        assert_eq!(first, b"# \xe9\r\na.example  encrypt\r\nb.example may");
        let last = table.with(|number| (number == 1).then(|| change("b.example  encrypt"))?);
        assert_eq!(last, b"# \xe9\r\na.example may\r\nb.example  encrypt\r\n");
    }

    #[test]
    fn a_byte_order_mark_is_a_part_of_the_first_name_alone() {
        let table = Table::read("\u{feff}# ours\na.example may\n");
        assert_eq!(pairs(&table), [(2, "a.example", "may")]);
        let table = Table::read("\u{feff}a.example may\nb.example may\n");
        let Place::Nowhere { meant, .. } = &table.entries[0].entry.place else {
            panic!("{table:?}");
        };
        assert_eq!(meant, &"a.example".parse().ok());
        assert!(matches!(table.entries[1].entry.place, Place::NextHop(_)));
    }
}
