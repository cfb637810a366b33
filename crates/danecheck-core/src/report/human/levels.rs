//! The table of levels: a row for the sender that was named, and one for the
//! reference Postfix.

use crate::judge::{Channel, Delivery, Outcome, Outcomes};
use crate::postfix::SecurityLevel;
use crate::text::Tone;

use super::super::answer::REFERENCE;
use super::super::model::Report;
use super::page::Page;

/// A cell and what its word means.
pub(in crate::report) struct Cell {
    pub(in crate::report) word: &'static str,
    shown: String,
    pub(in crate::report) tone: Tone,
}

impl Cell {
    /// Whether it depends on which server Postfix tries first.
    pub(in crate::report) fn varies(&self) -> bool {
        self.shown.contains('*')
    }

    /// Whether it is so only if the servers do their part, which was not
    /// checked.
    pub(in crate::report) fn is_assumed(&self) -> bool {
        self.word != UNKNOWN && self.shown.ends_with('?')
    }
}

/// The outcomes of one sender.
struct Row<'a> {
    name: &'a str,
    cells: Vec<Cell>,
}

pub(super) fn levels(page: &mut Page, report: &Report) {
    let row = |name, outcomes| Row {
        name,
        cells: cells(report, outcomes),
    };
    let sender = report.sender.as_ref();
    let mut rows: Vec<Row<'_>> = sender
        .map(|sender| row(sender.title(), &sender.outcomes))
        .into_iter()
        .collect();
    rows.push(row(REFERENCE, &report.outcomes));
    page.blank();
    match is_wide(page, &rows) {
        true => across(page, &rows),
        false => down(page, &rows),
    }
    let mut legend = legend(&rows);
    // Its policy is stricter than the level alone.
    if sender.is_some_and(|sender| sender.policy.text.contains(' ')) {
        legend.push_str("; each level is meant without attributes such as match=");
    }
    if !legend.is_empty() {
        page.paragraph("  ", "  ", &format!("({legend})"));
    }
}

/// The cells of one sender, in the order of `SecurityLevel::ALL`.
pub(in crate::report) fn cells(report: &Report, outcomes: &Outcomes) -> Vec<Cell> {
    let assumed = report.assumed.as_ref();
    let dns_only = assumed.is_some_and(|assumed| assumed.file.is_none());
    let cell = |level| {
        let outcome = outcomes.at(level);
        if !report.is_known(level, outcome) {
            return Cell {
                word: UNKNOWN,
                shown: UNKNOWN.to_owned(),
                tone: Tone::Quiet,
            };
        }
        let (word, tone) = word(outcome);
        let mark = if outcome.varies { "*" } else { "" };
        // DNS does not show the result of a check by certificates.
        let by_certificate = matches!(
            level,
            SecurityLevel::Fingerprint | SecurityLevel::Verify | SecurityLevel::Secure
        );
        let (word, doubt) = match dns_only && outcome.delivers() {
            true if by_certificate => ("", "?"),
            true => (word, "?"),
            false => (word, ""),
        };
        Cell {
            word,
            shown: format!("{word}{mark}{doubt}"),
            tone,
        }
    };
    SecurityLevel::ALL.into_iter().map(cell).collect()
}

/// The width of the first column.
fn margin(rows: &[Row<'_>]) -> usize {
    let names = rows.iter().map(|row| row.name.len());
    names.max().unwrap_or_default()
}

/// The widths of the columns, one for each level.
fn widths(rows: &[Row<'_>]) -> Vec<usize> {
    let width = |(place, level): (usize, SecurityLevel)| {
        let cells = rows.iter().filter_map(|row| row.cells.get(place));
        let widest = cells.map(|cell| cell.shown.len()).max();
        level.as_str().len().max(widest.unwrap_or_default())
    };
    SecurityLevel::ALL
        .into_iter()
        .enumerate()
        .map(width)
        .collect()
}

fn is_wide(page: &Page, rows: &[Row<'_>]) -> bool {
    let columns: usize = widths(rows).iter().map(|width| width + 1).sum();
    2 + margin(rows) + columns <= page.style.width
}

/// One line for each sender.
fn across(page: &mut Page, rows: &[Row<'_>]) {
    let (margin, widths) = (margin(rows), widths(rows));
    let mut names = format!("  {:margin$}", "level");
    for (level, width) in SecurityLevel::ALL.into_iter().zip(&widths) {
        names.push_str(&format!(" {:width$}", level.as_str()));
    }
    page.line(&names);
    for row in rows {
        let mut words = format!("  {:margin$}", row.name);
        for (cell, width) in row.cells.iter().zip(&widths) {
            let pad = width.saturating_sub(cell.shown.len());
            let shown = page.tint(cell.tone, &cell.shown);
            words.push_str(&format!(" {shown}{:pad$}", ""));
        }
        page.line(&words);
    }
}

/// One line for each level.
fn down(page: &mut Page, rows: &[Row<'_>]) {
    let mut heads = format!("  {:11}", "level");
    for row in rows {
        heads.push_str(&format!(" {:17}", row.name));
    }
    page.line(&heads);
    for (place, level) in SecurityLevel::ALL.into_iter().enumerate() {
        let mut line = format!("  {:11}", level.as_str());
        for row in rows {
            let Some(cell) = row.cells.get(place) else {
                continue;
            };
            let pad = 17_usize.saturating_sub(cell.shown.len());
            let shown = page.tint(cell.tone, &cell.shown);
            line.push_str(&format!(" {shown}{:pad$}", ""));
        }
        page.line(&line);
    }
}

fn legend(rows: &[Row<'_>]) -> String {
    let all = || rows.iter().flat_map(|row| &row.cells);
    let mut legend: Vec<&str> = Vec::new();
    for cell in all() {
        let meaning = meaning(cell.word);
        if !meaning.is_empty() && !legend.contains(&meaning) {
            legend.push(meaning);
        }
    }
    if all().any(Cell::is_assumed) {
        legend.push("? = if the servers do their part, which was not checked");
    }
    if all().any(Cell::varies) {
        legend.push("* = at worst: it depends on which server Postfix tries first");
    }
    legend.join("; ")
}

/// The word of an outcome of which nothing was seen.
const UNKNOWN: &str = "?";

fn word(outcome: &Outcome) -> (&'static str, Tone) {
    match (outcome.delivery, outcome.channel) {
        (Delivery::Bounced, _) => ("bounce", Tone::Bad),
        (Delivery::Deferred, _) => ("defer", Tone::Bad),
        (Delivery::DeliveredAfterRetry, _) => ("late", Tone::Doubtful),
        (Delivery::Delivered, Some(Channel::Authenticated)) => ("TLS+ID", Tone::Good),
        (Delivery::Delivered, Some(Channel::Encrypted)) => ("TLS", Tone::Good),
        (Delivery::Delivered, Some(Channel::Plaintext) | None) => ("clear", Tone::Doubtful),
    }
}

fn meaning(word: &str) -> &'static str {
    match word {
        "bounce" => "bounce = returned to the sender at once",
        "defer" => "defer = kept and tried again for days",
        "late" => "late = in plain text, minutes later",
        "TLS+ID" => "TLS+ID = encrypted, and the server proves who it is",
        "TLS" => "TLS = encrypted",
        "clear" => "clear = plain text",
        UNKNOWN => "? = unknown: nothing was seen that decides it",
        _ => "",
    }
}
