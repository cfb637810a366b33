//! A tree of rows, drawn as SVG and written as a list.
//!
//! The drawing is a column as wide as a telephone, so that its text keeps its
//! size everywhere.

use maud::{Markup, html};

use super::mark::Mark;
use super::view::{View, clipped, name};
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
/// Columns of a title and of the words below it, at the left margin.
const TITLE_COLUMNS: usize = 40;
const WORDS_COLUMNS: usize = 52;

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
    let less = row.depth * STEP / 8;
    let shown = clipped(&row.title, TITLE_COLUMNS.saturating_sub(less));
    html! {
        circle class=(class) cx=(x) cy=(y) r="8" {}
        @if let Some(mark) = row.mark {
            text.sign x=(x) y=(y + 4) text-anchor="middle" { (mark.sign()) }
        }
        text.name x=(x + 15) y=(y + 4) { (shown) }
        @if !row.words.is_empty() {
            text.words x=(x + 15) y=(y + 19) {
                (clipped(&row.words, WORDS_COLUMNS.saturating_sub(less)))
            }
        }
    }
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
