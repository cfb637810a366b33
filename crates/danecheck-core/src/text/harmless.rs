//! Makes text from the network harmless: it cannot control a terminal, hide,
//! move or cover other text, or give commands to programs that read a log.
//!
//! A report contains the original text without control characters. The output
//! shows every other character without visible width as `\u{3164}`, and as
//! `\u3164` in JSON, which means the same text there.

use std::borrow::Cow;

use icu_properties::props::{
    DefaultIgnorableCodePoint, EastAsianWidth, GeneralCategory, GraphemeClusterBreak,
};
use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed, CodePointSetData, CodePointSetDataBorrowed,
};

const CATEGORY: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::new();
const CLUSTER: CodePointMapDataBorrowed<'static, GraphemeClusterBreak> = CodePointMapData::new();
const WIDTH: CodePointMapDataBorrowed<'static, EastAsianWidth> = CodePointMapData::new();
const IGNORABLE: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<DefaultIgnorableCodePoint>();

/// Longer text is cut: no reply, name or subject needs more in a report.
const LONGEST: usize = 400;

/// The text with every control character replaced by `?`, as Postfix does
/// before it logs; and cut if it is longer than the limit.
pub fn printable(text: &str) -> String {
    // Most text is short, and all of it is visible.
    if text.len() <= LONGEST && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut clean: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        clean.push_str("...");
    }
    clean
}

/// Whether a character is visible in its place and does not change others. Not
/// control characters, combining marks, direction marks, characters without
/// width or ink except the space, and unassigned characters.
pub(crate) fn is_harmless(c: char) -> bool {
    use GeneralCategory as Category;
    use GraphemeClusterBreak as Break;
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let seen = !matches!(
        CATEGORY.get(c),
        Category::Control
            | Category::Format
            | Category::Surrogate
            | Category::PrivateUse
            | Category::Unassigned
            | Category::SpaceSeparator
            | Category::LineSeparator
            | Category::ParagraphSeparator
            | Category::NonspacingMark
            | Category::SpacingMark
            | Category::EnclosingMark
    );
    // Characters that stand alone (UAX 29): not a Hangul vowel, a skin colour
    // or a prefix.
    let by_itself = matches!(
        CLUSTER.get(c),
        Break::Other | Break::L | Break::LV | Break::LVT | Break::RegionalIndicator
    );
    seen && by_itself && !IGNORABLE.contains(c) && !is_blank(c)
}

/// Symbols and letters that fonts draw without ink, although Unicode's
/// properties do not say so.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        // Braille pattern blank, musical null notehead, hieroglyphic blanks,
        // the object placeholder.
        '\u{2800}' | '\u{1d159}' | '\u{13441}' | '\u{13442}' | '\u{fffc}'
    )
}

/// The columns that harmless text takes on a terminal (UAX 11).
pub(crate) fn columns(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.chars().map(column_count).sum()
}

pub(crate) fn column_count(c: char) -> usize {
    let is_wide = !c.is_ascii()
        && matches!(
            WIDTH.get(c),
            EastAsianWidth::Wide | EastAsianWidth::Fullwidth
        );
    1 + usize::from(is_wide)
}

/// Text for a person: characters that are not harmless are shown by their
/// numbers, and commands for workflow runners are broken by such a number. Line
/// ends, tabs and our own colours stay.
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |out, c| {
        out.extend(c.escape_unicode());
    })
}

/// The same with `?` in place of numbers.
pub fn masked(text: &str) -> Cow<'_, str> {
    escaped(text, |out, _| out.push('?'))
}

/// JSON with the same characters as escapes (RFC 8259 section 7). Outside its
/// strings there are no such characters.
pub fn shown_json(json: String) -> String {
    let escaped = escaped(&json, |out, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    });
    match escaped {
        Cow::Borrowed(_) => json,
        Cow::Owned(escaped) => escaped,
    }
}

/// One line of JSON, without the line end.
pub fn to_json(value: &impl serde::Serialize) -> String {
    // Strings, numbers and lists: writing them cannot fail.
    shown_json(serde_json::to_string(value).unwrap_or_default())
}

fn escaped(text: &str, escape: impl Fn(&mut String, char)) -> Cow<'_, str> {
    let mut out = String::new();
    // Everything before this is in `out`.
    let mut taken = 0;
    // The byte before this one, if it was not escaped.
    let mut before = 0;
    let mut next = 0;
    while let Some((at, c)) = suspect(text, next, before) {
        let (head, rest) = text.split_at(at);
        let has_to_go = match c {
            ':' => is_command(head, rest),
            '#' => is_old_command(rest),
            '\u{1b}' => false,
            c => !is_harmless(c),
        };
        next = at + c.len_utf8();
        before = 0;
        if has_to_go {
            out.push_str(text.get(taken..at).unwrap_or_default());
            escape(&mut out, c);
            taken = next;
        } else if c.is_ascii() {
            before = u8::try_from(c).unwrap_or_default();
        }
    }
    if taken == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(taken..).unwrap_or_default());
    Cow::Owned(out)
}

/// The first character after a place that has to be checked: most text has
/// none. `before` is the byte before that place.
fn suspect(text: &str, from: usize, mut before: u8) -> Option<(usize, char)> {
    let rest = text.get(from..)?;
    let mut passed = 0;
    for block in rest.as_bytes().chunks(BLOCK) {
        if !is_plain(before, block) {
            break;
        }
        passed += block.len();
        before = block.last().copied().unwrap_or(before);
    }
    let at = rest.bytes().skip(passed).position(|byte| {
        let found = is_pair(before, byte) | is_odd(byte);
        before = byte;
        found
    })?;
    let at = passed + at;
    let c = rest.get(at..)?.chars().next()?;
    Some((from + at, c))
}

/// Bytes that are looked at together.
const BLOCK: usize = 256;

fn is_odd(byte: u8) -> bool {
    !matches!(byte, b'\n' | b'\t' | b' '..=b'~')
}

fn is_pair(before: u8, byte: u8) -> bool {
    (before == byte) & ((byte == b':') | (byte == b'#'))
}

/// Whether nothing in a block has to be checked. Without a way out in between,
/// the processor looks at many bytes at a time.
fn is_plain(before: u8, block: &[u8]) -> bool {
    let starts = block.first().is_some_and(|first| is_pair(before, *first));
    let odd = block.iter().fold(false, |any, byte| any | is_odd(*byte));
    let next = block.get(1..).unwrap_or_default();
    let pairs = block.iter().zip(next);
    let pairs = pairs.fold(false, |any, (one, other)| any | is_pair(*one, *other));
    !(starts | odd | pairs)
}

/// Whether the second of two colons, with which `rest` begins, would make a
/// command for the runner of GitHub Actions: `::stop-commands::x`, which it
/// obeys at the beginning of a line. Parts of an IPv6 address do not.
fn is_command(head: &str, rest: &str) -> bool {
    let after = rest.strip_prefix(':').unwrap_or(rest);
    let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    let word = end.map_or(after, |end| after.split_at(end).0);
    let is_group = word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let line = head.rsplit('\n').next().unwrap_or_default();
    let begins_line = line.trim() == ":";
    let line_after = after.split('\n').next().unwrap_or_default();
    !is_group || begins_line && line_after.contains("::")
}

/// Whether the second of two `#` would make a command that runners of GitHub,
/// Azure and TeamCity obey anywhere in a line: `##[group]`, `##vso[...]`.
fn is_old_command(rest: &str) -> bool {
    rest.strip_prefix('#')
        .is_some_and(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        let text = printable("a\u{1b}[31mb\r\n\u{202e}c\u{9b}");
        assert_eq!(shown(&text), "a?[31mb??\\u{202e}c?");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(printable(&"a".repeat(5000)).len(), LONGEST + 3);
    }

    #[test]
    fn what_has_no_visible_width_is_shown_by_its_number() {
        // The characters that were seen to get through, and siblings of each
        // that stand in no list.
        for hidden in [
            '\u{3164}',
            '\u{115f}',
            '\u{1160}',
            '\u{ffa0}',
            '\u{180e}',
            '\u{180b}',
            '\u{34f}',
            '\u{17b4}',
            '\u{2800}',
            '\u{1d159}',
            '\u{fe0f}',
            '\u{fe00}',
            '\u{e0100}',
            '\u{300}',
            '\u{489}',
            '\u{20dd}',
            '\u{903}',
            '\u{e47}',
            '\u{1f3fd}',
            '\u{200b}',
            '\u{200d}',
            '\u{2060}',
            '\u{feff}',
            '\u{ad}',
            '\u{61c}',
            '\u{202e}',
            '\u{2066}',
            '\u{2028}',
            '\u{2029}',
            '\u{a0}',
            '\u{3000}',
            '\u{2003}',
            '\u{1680}',
            '\u{e0041}',
            '\u{e000}',
            '\u{f0000}',
            '\u{378}',
            '\u{ffff}',
            '\u{2065}',
            '\u{fff9}',
            '\u{1d173}',
            '\u{11a8}',
            '\u{7f}',
            '\u{85}',
            '\u{600}',
            '\u{110bd}',
            '\u{fffc}',
            '\u{13441}',
        ] {
            assert!(!is_harmless(hidden), "{hidden:?}");
            let text = format!("a{hidden}b");
            let number = u32::from(hidden);
            assert_eq!(shown(&text), format!("a\\u{{{number:x}}}b"));
            assert_eq!(masked(&text), "a?b");
            let json = to_json(&text);
            assert!(json.is_ascii() && !json.contains('\u{7f}'), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
        for letter in "aä\u{e9}ß€Жעا語한\u{ac01}ไ✅⚠❌•–„“🦀".chars() {
            assert!(is_harmless(letter), "{letter:?}");
            assert_eq!(shown(&letter.to_string()), letter.to_string());
            assert_eq!(to_json(&letter), format!("\"{letter}\""));
        }
    }

    #[test]
    fn no_command_of_a_runner_is_left_in_any_place() {
        for (text, written) in [
            ("::stop-commands::x", ":\\u{3a}stop-commands:\\u{3a}x"),
            ("a ::add-mask::b", "a :\\u{3a}add-mask::b"),
            ("a::group::long-word", "a:\\u{3a}group:\\u{3a}long-word"),
            ("  ::error file=a::b", "  :\\u{3a}error file=a::b"),
            ("x\n ::dead::b", "x\n :\\u{3a}dead::b"),
            (":::group::", ":\\u{3a}:group::"),
            ("a##[group]b", "a#\\u{23}[group]b"),
            ("###[add-mask]b", "##\\u{23}[add-mask]b"),
            ("##vso[task.setvariable]", "#\\u{23}vso[task.setvariable]"),
            ("##teamcity[x]", "#\\u{23}teamcity[x]"),
        ] {
            let page = shown(text);
            assert_eq!(page, written);
            assert_eq!(shown(&page), page, "{text}");
            assert!(!obeyed(&page), "{text}: {page}");
            let json = to_json(&text);
            assert!(!obeyed(&json), "{json}");
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
        for plain in [
            "2001:db8::10: TLSv1.3",
            "::1",
            "[::ffff:192.0.2.1]:25",
            "fe80::abcd, fd00::",
            "# comment",
            "## heading",
            "a: b:c",
        ] {
            assert_eq!(shown(plain), plain);
        }
    }

    /// After `ActionCommand.TryParseV2` and `TryParse` of GitHub's runner.
    fn obeyed(page: &str) -> bool {
        page.lines().any(|line| {
            let line = line.trim_start();
            line.contains("##[")
                || line
                    .strip_prefix("::")
                    .is_some_and(|rest| rest.contains("::"))
        })
    }

    #[test]
    fn columns_are_those_of_a_terminal() {
        assert_eq!(columns("abc"), 3);
        assert_eq!(columns("\u{e4}\u{e9}"), 2);
        assert_eq!(columns("\u{8a9e}\u{ff21}"), 4);
    }
}
