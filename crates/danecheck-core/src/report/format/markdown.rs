//! `markdown`: for an issue or the summary of a job.

use std::fmt::Write as _;

use crate::entry::{Language, mailcow_row};
use crate::finding::rule::Severity;
use crate::judge::{Channel, Delivery, Outcome, Standing};
use crate::postfix::SecurityLevel;
use crate::report::human::headline;
use crate::report::status::ExitStatus;
use crate::text::shown;

use super::super::answer::REFERENCE;
use super::super::model::Report;
use super::super::told::{SHOWN_OF_A_KIND, told};
use super::writer::{Writer, addresses, advice};

/// One section for each target.
#[derive(Debug, Default)]
pub struct Markdown {
    written: bool,
}

impl Writer for Markdown {
    fn report(&mut self, report: &Report, status: ExitStatus) -> String {
        let mut text = String::new();
        if self.written {
            text.push('\n');
        }
        self.written = true;
        let mark = match status {
            ExitStatus::Fine => "\u{2705}",
            ExitStatus::Warning => "\u{26a0}",
            ExitStatus::Broken => "\u{274c}",
            ExitStatus::Unknown => "\u{2753}",
        };
        let _ = writeln!(
            text,
            "## {mark} {}: {}\n",
            plain(&report.target),
            plain(&headline(report))
        );
        if let Some(sender) = &report.sender {
            let policy = &sender.policy;
            let words = format!("Policy {}, from {}.", policy.text, policy.source);
            let _ = writeln!(text, "{}\n", plain(&words));
        }
        findings(&mut text, report);
        hosts(&mut text, report);
        levels(&mut text, report);
        let recommendation = &report.recommendation;
        let _ = writeln!(text, "{}", plain(&recommendation.reason));
        if let Some(caution) = &recommendation.caution {
            let _ = writeln!(text, "\nFirst: {}", plain(caution));
        }
        let is_mailcow = report
            .sender
            .as_ref()
            .is_some_and(|it| it.name == "mailcow");
        let entries = &recommendation.entries;
        match (&entries.postfix, &entries.mailcow) {
            (_, Some(row)) if is_mailcow => {
                let row = mailcow_row(row, Language::default());
                let _ = writeln!(text, "\n```text\n{row}\n```");
            }
            (Some(line), _) => {
                let _ = writeln!(text, "\n```text\n{line}\n```");
            }
            (None, _) => {}
        }
        if let Some(when) = &recommendation.remove_when {
            let _ = writeln!(text, "\nRemove it when {}.", plain(when));
        }
        shown(&text).into_owned()
    }
}

fn findings(text: &mut String, report: &Report) {
    let told = told(report, SHOWN_OF_A_KIND);
    for one in &told {
        let finding = one.finding;
        let word = match finding.severity {
            Severity::Error => "**error**",
            Severity::Warning => "**warning**",
            Severity::Info => "note",
        };
        let _ = writeln!(
            text,
            "- {word} {}: {}",
            code(&finding.id),
            plain(&advice(one))
        );
        if one.left_out > 0 {
            let _ = writeln!(text, "  - and {} more of the same kind", one.left_out);
        }
    }
    if !told.is_empty() {
        text.push('\n');
    }
}

fn hosts(text: &mut String, report: &Report) {
    if addresses(report).next().is_none() {
        return;
    }
    text.push_str("| MX host | address | DANE |\n| --- | --- | --- |\n");
    for (host, address) in addresses(report) {
        let standing = match address.dane {
            Standing::Authenticated => "a TLSA record matches",
            Standing::Assumed => "not checked; a TLSA record would match",
            Standing::WithoutTlsa => "no DANE",
            Standing::Unusable => "no TLSA record can be used",
            Standing::Broken => "does not deliver",
            Standing::NotJudged => "not judged: a limit of danecheck",
            Standing::Unseen => "not checked",
        };
        let _ = writeln!(
            text,
            "| {} | {} | {standing} |",
            plain(&host.name),
            plain(&address.address)
        );
    }
    text.push('\n');
}

fn levels(text: &mut String, report: &Report) {
    let sender = report.sender.as_ref();
    let named = sender.map(|sender| (sender.title(), &sender.outcomes));
    let rows: Vec<_> = named
        .into_iter()
        .chain([(REFERENCE, &report.outcomes)])
        .collect();
    let names: Vec<String> = rows.iter().map(|(name, _)| plain(name)).collect();
    let _ = writeln!(text, "| level | {} |", names.join(" | "));
    let _ = writeln!(text, "| --- |{}", " --- |".repeat(rows.len()));
    for level in SecurityLevel::ALL {
        let _ = write!(text, "| `{}` |", level.as_str());
        for (_, outcomes) in &rows {
            let outcome = outcomes.at(level);
            let words = match report.is_known(level, outcome) {
                true => fate(outcome),
                false => "unknown".to_owned(),
            };
            let _ = write!(text, " {words} |");
        }
        text.push('\n');
    }
    text.push('\n');
}

fn fate(outcome: &Outcome) -> String {
    let channel = match outcome.channel {
        Some(Channel::Authenticated) => "in TLS, authenticated",
        Some(Channel::Encrypted) => "in TLS",
        Some(Channel::Plaintext) => "in plain text",
        None => "",
    };
    let reason = outcome.reason.as_deref().map(plain).unwrap_or_default();
    let worst = if outcome.varies { " (at worst)" } else { "" };
    match outcome.delivery {
        Delivery::Delivered => format!("delivered {channel}{worst}"),
        Delivery::DeliveredAfterRetry => format!("delivered at the retry {channel}{worst}"),
        Delivery::Deferred => format!("deferred{worst}: {reason}"),
        Delivery::Bounced => format!("bounced{worst}: {reason}"),
    }
}

/// Escaped text: nothing in it is markup, a link, a mention or a table.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (number, word) in shown(text).split([' ', '\n', '\t']).enumerate() {
        if number > 0 {
            out.push(' ');
        }
        // A bar ends a cell everywhere, also in code (GitHub Flavored Markdown,
        // "Tables").
        for (number, part) in word.split('|').enumerate() {
            if number > 0 {
                out.push_str("\\|");
            }
            match is_link(part) {
                true => out.push_str(&code(part)),
                false => escape(&mut out, part),
            }
        }
    }
    out
}

/// Whether sites make a link, a mention or a reference of a word, even with
/// escapes and entities (GitHub Flavored Markdown, "Autolinks").
fn is_link(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let begins = ["www.", "http:", "https:", "ftp:", "mailto:", "xmpp:", "gh-"];
    word.contains(['@', '#', '!'])
        || lower.contains("://")
        || begins.iter().any(|it| lower.contains(it))
}

/// A word in a code span, where nothing is markup: its fence is longer than any
/// fence in the word (CommonMark, "Code spans").
fn code(word: &str) -> String {
    let runs = word.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or_default() + 1);
    let pad = if word.starts_with('`') || word.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{word}{pad}{fence}")
}

fn escape(out: &mut String, word: &str) {
    for c in word.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '>' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
}
