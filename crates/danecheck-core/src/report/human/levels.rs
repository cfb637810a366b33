//! The table of levels.

use crate::judge::{Channel, Delivery, Outcome};
use crate::postfix::SecurityLevel;

use super::super::model::Report;
use super::page::{Page, Tone};

/// A cell and what its word means.
struct Cell {
    level: &'static str,
    word: &'static str,
    shown: String,
    tone: Tone,
}

pub(super) fn levels(page: &mut Page, report: &Report) {
    let assumed = report.assumed.as_ref();
    let dns_only = assumed.is_some_and(|assumed| assumed.file.is_none());
    let sender = report.sender.as_ref();
    let outcomes = sender.map_or(&report.outcomes, |sender| &sender.outcomes);
    let cells = SecurityLevel::ALL.map(|level| {
        let outcome = outcomes.at(level);
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
            level: level.as_str(),
            word,
            shown: format!("{word}{mark}{doubt}"),
            tone,
        }
    });
    page.blank();
    let mut names = "  level   ".to_owned();
    let mut words = "  Postfix ".to_owned();
    for cell in &cells {
        let width = cell.level.len().max(cell.shown.len());
        names.push_str(&format!(" {:width$}", cell.level));
        let pad = width.saturating_sub(cell.shown.len());
        words.push_str(&format!(
            " {}{:pad$}",
            page.tint(cell.tone, &cell.shown),
            ""
        ));
    }
    page.line(&names);
    page.line(&words);
    let mut legend: Vec<&str> = Vec::new();
    for cell in &cells {
        let meaning = meaning(cell.word);
        if !meaning.is_empty() && !legend.contains(&meaning) {
            legend.push(meaning);
        }
    }
    if cells.iter().any(|cell| cell.shown.ends_with('?')) {
        legend.push("? = if the servers do their part, which was not checked");
    }
    if cells.iter().any(|cell| cell.shown.contains('*')) {
        legend.push("* = at worst: it depends on which server Postfix tries first");
    }
    let legend = legend.join("; ");
    if !legend.is_empty() {
        page.paragraph("           ", "           ", &format!("({legend})"));
    }
}

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
        _ => "",
    }
}
