//! Text from the network, made harmless.

/// Longer text is cut: no reply, name or subject is worth more in a report.
const LONGEST: usize = 400;

/// The text with every control character, and every character that moves
/// others about, replaced by `?`, as Postfix does before it logs; and cut
/// where it is longer than any report can use.
pub fn printable(text: &str) -> String {
    let mut clean: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if is_harmless(c) { c } else { '?' })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        clean.push_str("...");
    }
    clean
}

/// No control character, no direction mark, nothing without a width.
pub(crate) fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The text broken into lines of at most `width` characters at blanks.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word;
        let length = line.chars().count();
        if !line.is_empty() && length + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        while line.is_empty() && word.chars().count() > width {
            let (at, _) = word
                .char_indices()
                .nth(width.max(1))
                .unwrap_or((word.len(), ' '));
            let (head, tail) = word.split_at(at);
            lines.push(head.to_owned());
            word = tail;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        assert_eq!(printable("a\u{1b}[31mb\r\n\u{202e}c\u{9b}"), "a?[31mb???c?");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(printable(&"a".repeat(5000)).len(), LONGEST + 3);
    }

    #[test]
    fn lines_break_at_blanks_and_long_words_are_cut() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 10), Vec::<String>::new());
    }
}
