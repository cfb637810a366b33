//! A tree of rows, drawn as SVG and written as a list.
//!
//! The drawing is a column as wide as a telephone, so that its text keeps its
//! size everywhere.

use maud::{Markup, html};

use crate::text::{column_count, shown};

use super::mark::Mark;
use super::view::{View, name};
use super::words;

/// How the line to a row is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// DNSSEC protects what leads here.
    Signed,
    /// It does not, or that is unknown.
    Unsigned,
    /// DNS or DNSSEC fails.
    Broken,
    /// A connection, or no line: DNSSEC has no part in it.
    Plain,
}

impl Edge {
    fn class(self) -> &'static str {
        match self {
            Self::Signed => "edge signed",
            Self::Unsigned => "edge unsigned",
            Self::Broken => "edge broken",
            Self::Plain => "edge",
        }
    }
}

/// One row of the picture.
#[derive(Debug)]
pub(super) struct Row {
    /// How many rows stand above it in the tree.
    pub(super) depth: usize,
    /// The line that leads to it.
    pub(super) edge: Edge,
    /// Its sign; none for what is neither good nor bad.
    pub(super) mark: Option<Mark>,
    /// The name.
    pub(super) title: String,
    /// What is said about it.
    pub(super) words: String,
    /// What the drawing has no room for; mostly empty.
    pub(super) more: String,
}

/// The measures of the drawing, in its own units, which are about pixels.
const WIDTH: usize = 352;
const ROW: usize = 42;
const STEP: usize = 20;
const LEFT: usize = 12;
/// The room for a title and for the words below it at the left margin, in the
/// units of `breadth`, and how much less each step to the right leaves.
const TITLE_ROOM: usize = 140;
const TITLE_LESS: usize = 9;
const WORDS_ROOM: usize = 180;
const WORDS_LESS: usize = 12;

/// The drawing, and the same as a list beside it.
pub(super) fn picture(view: &View<'_>, rows: &[Row]) -> Markup {
    let height = rows.len() * ROW + 4;
    let (title, desc) = (view.id("title"), view.id("desc"));
    let labels = format!("{title} {desc}");
    let said = |row: &Row| match row.words.as_str() {
        "" => row.title.clone(),
        words => format!("{}: {words}", row.title),
    };
    let all: Vec<String> = rows.iter().map(said).collect();
    html! {
        figure.picture {
            svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby=(labels)
                xmlns="http://www.w3.org/2000/svg" {
                title id=(title) { (view.say(words::PICTURE)) " " (view.report.target) }
                desc id=(desc) { (all.join(". ")) }
                @for (number, row) in rows.iter().enumerate() {
                    (line(rows, number, row))
                }
                @for (number, row) in rows.iter().enumerate() {
                    (node(number, row))
                }
            }
            figcaption {
                p.quiet { (view.say(words::IN_WORDS)) ":" }
                (list(rows, 0))
                (key(view, rows))
            }
        }
    }
}

fn x(depth: usize) -> usize {
    LEFT + depth * STEP
}

fn y(number: usize) -> usize {
    number * ROW + 16
}

/// The line from the row above in the tree.
fn line(rows: &[Row], number: usize, row: &Row) -> Markup {
    let mut before = rows.iter().take(number).enumerate();
    let parent = before.rfind(|(_, other)| other.depth < row.depth);
    html! {
        @if let Some((parent, above)) = parent {
            path class=(row.edge.class()) d=(format!(
                "M{} {}V{}H{}", x(above.depth), y(parent) + 8, y(number), x(row.depth) - 8
            )) {}
        }
    }
}

fn node(number: usize, row: &Row) -> Markup {
    let (x, y) = (x(row.depth), y(number));
    let class = row.mark.map_or("node", |mark| match mark {
        Mark::Good => "node good",
        Mark::Doubtful => "node doubtful",
        Mark::Bad => "node bad",
        Mark::Unknown | Mark::Neutral => "node unknown",
    });
    let title_room = TITLE_ROOM.saturating_sub(row.depth * TITLE_LESS);
    let words_room = WORDS_ROOM.saturating_sub(row.depth * WORDS_LESS);
    html! {
        circle class=(class) cx=(x) cy=(y) r="8" {}
        @if let Some(mark) = row.mark {
            text.sign x=(x) y=(y + 4) text-anchor="middle" { (mark.sign()) }
        }
        text.name x=(x + 15) y=(y + 4) { (clipped(&row.title, title_room)) }
        @if !row.words.is_empty() {
            text.words x=(x + 15) y=(y + 19) {
                (clipped(&row.words, words_room))
            }
        }
    }
}

/// How much of a line a character takes, in sixths of a wide letter of a wide font.
fn breadth(letter: char) -> usize {
    match letter {
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '\u{2026}' => 6,
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' => 2,
        'f' | 'r' | 't' | '-' | '(' | ')' | '[' | ']' => 3,
        other => 4 * column_count(other),
    }
}

/// A text that fits into this room as it will be shown, with `\u{2026}` in its middle for
/// the rest.
fn clipped(text: &str, room: usize) -> String {
    let text = shown(text);
    let all: Vec<char> = text.chars().collect();
    let all_of = |chars: &[char]| chars.iter().copied().map(breadth).sum::<usize>();
    if all_of(&all) <= room {
        return text.into_owned();
    }
    // What tells names apart stands mostly at their beginning.
    let (mut head, mut tail) = (all.len().min(room), all.len());
    while head > 0 && all_of(all.get(..head).unwrap_or_default()) > room * 3 / 5 {
        head -= 1;
    }
    let room = room.saturating_sub(room * 3 / 5 + breadth('\u{2026}'));
    while tail > head && all_of(all.get(tail - 1..).unwrap_or_default()) <= room {
        tail -= 1;
    }
    let head = all.get(..head).unwrap_or_default().iter();
    let tail = all.get(tail..).unwrap_or_default().iter();
    head.chain([&'\u{2026}']).chain(tail).collect()
}

/// The rows of this depth, each with those below it.
fn list(rows: &[Row], depth: usize) -> Markup {
    let mut parts: Vec<&[Row]> = Vec::new();
    let starts: Vec<usize> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.depth == depth)
        .map(|(number, _)| number)
        .collect();
    for (place, start) in starts.iter().enumerate() {
        let end = starts.get(place + 1).copied().unwrap_or(rows.len());
        parts.extend(rows.get(*start..end));
    }
    html! {
        @if !parts.is_empty() {
            ul {
                @for part in parts {
                    @if let Some((row, below)) = part.split_first() {
                        li {
                            strong { (name(&row.title)) }
                            @if !row.words.is_empty() { ": " (name(&row.words)) }
                            @if !row.more.is_empty() { ". " (name(&row.more)) }
                            (list(below, depth + 1))
                        }
                    }
                }
            }
        }
    }
}

/// What the lines mean that the drawing has.
fn key(view: &View<'_>, rows: &[Row]) -> Markup {
    let known = [
        (Edge::Signed, words::KEY_SIGNED),
        (Edge::Unsigned, words::KEY_UNSIGNED),
        (Edge::Broken, words::KEY_BROKEN),
    ];
    let there = known
        .into_iter()
        .filter(|(edge, _)| rows.iter().any(|row| row.edge == *edge))
        .map(|(_, words)| view.say(words));
    let there: Vec<&str> = there.collect();
    html! {
        @if !there.is_empty() { p.quiet { (there.join("; ")) "." } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_in_its_middle_to_what_fits() {
        for (text, room, expected) in [
            ("", 4, ""),
            ("mx1.example", 44, "mx1.example"),
            ("mx1.example", 32, "mx1.\u{2026}le"),
            ("WWWWWWWWWW", 40, "WWWW\u{2026}W"),
            ("illillillill", 24, "illillillill"),
            // As it is shown: nothing is longer on the page.
            (
                "a\u{301}\u{301}\u{301}\u{301}",
                60,
                "a\\u{301}\\\u{2026}301}",
            ),
            ("ab", 0, "\u{2026}"),
        ] {
            let cut = clipped(text, room);
            assert_eq!(cut, expected, "{text}");
            assert!(cut.chars().map(breadth).sum::<usize>() <= room.max(6));
        }
    }
}
