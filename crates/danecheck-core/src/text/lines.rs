//! Text in lines.

use super::harmless::{column_count, columns, shown};

/// A number with its noun: `1 fault`, `2 faults`.
pub fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The text, broken at blanks into lines of at most `width` columns; characters
/// that are not harmless are shown by their numbers.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    break_lines(&shown(text), width)
}

/// The same for text that is already harmless.
pub fn break_lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word;
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        while line.is_empty() && columns(word) > width {
            let (head, tail) = word.split_at(fitting(word, width));
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

/// How many bytes of a word fit into this many columns; at least one character.
fn fitting(word: &str, width: usize) -> usize {
    let mut taken = 0;
    for (at, c) in word.char_indices() {
        taken += column_count(c);
        if at > 0 && taken > width {
            return at;
        }
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_and_long_words_are_cut() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 10), Vec::<String>::new());
        assert_eq!(wrap("ab", 0), ["a", "b", ""][..2]);
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        assert_eq!(
            wrap("\u{8a9e}\u{8a9e}\u{8a9e} a", 4),
            ["\u{8a9e}\u{8a9e}", "\u{8a9e} a"]
        );
        assert_eq!(wrap("\u{8a9e}b", 1), ["\u{8a9e}", "b"]);
    }

    #[test]
    fn what_is_shown_by_its_number_counts_as_it_is_shown() {
        assert_eq!(wrap("a \u{3164} b", 9), ["a", "\\u{3164}", "b"]);
    }
}
