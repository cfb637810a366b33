//! The entry to paste, and when to remove it.

use crate::entry::{Language, MailcowEntry, mailcow_fields, mailcow_row, mailcow_steps};
use crate::judge::Action;
use crate::postfix::SecurityLevel;
use crate::text::Tone;

use super::super::model::Report;
use super::super::no_override::no_help;
use super::super::recommendation::RecommendationReport;
use super::assumed;
use super::page::{Detail, Page};

pub(super) fn recommendation(page: &mut Page, report: &Report) {
    if assumed::deployment(page, report) {
        return;
    }
    let advice = &report.recommendation;
    match advice.action {
        Action::Keep => {
            page.blank();
            assumed::nothing_needed(page, report);
            return;
        }
        Action::NotFixable => {
            page.blank();
            page.paragraph("  ", "  ", &reason(report));
            let logged = report.answer().reason.as_deref();
            if let Some(logged) = logged.filter(|_| report.is_answered()) {
                page.paragraph("  ", "  ", &format!("Postfix will log: {logged}"));
            }
            return;
        }
        Action::Override => {}
    }
    page.blank();
    let (lead, tinted, text) = level(page, advice);
    page.paragraph(&lead, &tinted, &text);
    if let Some(caution) = &advice.caution {
        let tinted = format!("  {}", page.tint(Tone::Doubtful, "First: "));
        page.paragraph("  First: ", &tinted, caution);
    }
    let ways = Ways::of(report);
    if let Some(line) = advice.entries.postfix.as_ref().filter(|_| ways.postfix) {
        page.line("     Postfix   a line in the table of smtp_tls_policy_maps:");
        page.line(&format!("        {}", page.tint(Tone::Strong, line)));
    }
    if let Some(entry) = advice.entries.mailcow.as_ref().filter(|_| ways.mailcow) {
        mailcow(page, entry);
    }
    for (number, alternative) in advice.alternatives.iter().enumerate() {
        if number == 0 {
            page.line("  Stricter, and delivers too, in place of it:");
        }
        match alternative.mailcow.as_ref().filter(|_| !ways.postfix) {
            Some(entry) => page.line(&format!("     {}", mailcow_row(entry, page.style.language))),
            None => page.line(&format!("     {}", alternative.postfix)),
        }
        page.paragraph("        ", "        ", &format!("({})", alternative.cost));
    }
    if let Some(when) = &advice.remove_when {
        page.paragraph("  ", "  ", &format!("Remove it when {when}."));
    }
}

/// The policy to set, and what it gives up: what stands before the text, the same
/// tinted, and the text.
pub(super) fn level(page: &Page, advice: &RecommendationReport) -> (String, String, String) {
    const LEAD: &str = "  Until it is fixed: ";
    let policy = advice.policy.map_or("", SecurityLevel::as_str);
    let gives_up = advice.gives_up.as_deref().unwrap_or_default();
    match advice.oldest_tls {
        // The level alone may be the one that is in force.
        Some(oldest) => (
            LEAD.to_owned(),
            LEAD.to_owned(),
            format!("{policy} with {oldest} allowed ({gives_up})"),
        ),
        None => (
            format!("{LEAD}{policy}   "),
            format!("{LEAD}{}   ", page.tint(Tone::Strong, policy)),
            format!("({gives_up})"),
        ),
    }
}

/// For which mail systems the report has an entry: for the sender that was
/// named, else for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) struct Ways {
    pub(in crate::report) postfix: bool,
    pub(in crate::report) mailcow: bool,
}

impl Ways {
    pub(in crate::report) fn of(report: &Report) -> Self {
        let sender = report.sender.as_ref();
        let is_mailcow = sender.map(|sender| sender.name == "mailcow");
        Self {
            postfix: is_mailcow != Some(true),
            mailcow: is_mailcow != Some(false),
        }
    }
}

/// Why no override is advised, without the words of Postfix's log.
pub(super) fn reason(report: &Report) -> String {
    let words = no_help(report).of(Language::En);
    match report.is_answered() {
        true => words.to_owned(),
        false => format!("{words} {}", report.recommendation.reason),
    }
}

/// The row; with everything, also the form's fields and the call.
fn mailcow(page: &mut Page, entry: &MailcowEntry) {
    let language = page.style.language;
    if page.style.detail < Detail::Everything {
        page.list("     mailcow   ", &mailcow_fields(entry, language));
        return;
    }
    let steps = mailcow_steps(entry, language, |text| page.tint(Tone::Strong, text));
    for (number, step) in steps.iter().enumerate() {
        let margin = if number == 0 {
            "     mailcow   "
        } else {
            "     "
        };
        page.line(&format!("{margin}{step}"));
    }
}
