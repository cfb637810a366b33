//! The entry to paste, and when to remove it.

use crate::entry::{MailcowEntry, mailcow_steps};
use crate::judge::{Action, Verdict};

use super::super::model::Report;
use super::assumed;
use super::page::{Page, Tone};

pub(super) fn recommendation(page: &mut Page, report: &Report) {
    if assumed::deployment(page, report) {
        return;
    }
    let advice = &report.recommendation;
    match advice.action {
        Action::Keep => {
            page.blank();
            page.line(match report.assumed {
                None => "  No override is needed.",
                Some(_) => "  As far as DNS is concerned, no override is needed.",
            });
            return;
        }
        Action::NotFixable => {
            page.blank();
            let lead = if report.verdict == Verdict::Indeterminate {
                "danecheck advises no override. "
            } else {
                "No override can help. "
            };
            page.paragraph("  ", "  ", &format!("{lead}{}", advice.reason));
            return;
        }
        Action::Override => {}
    }
    page.blank();
    let policy = advice.policy.map_or("", |policy| policy.as_str());
    let gives_up = advice.gives_up.as_deref().unwrap_or_default();
    let lead = format!("  Until it is fixed: {policy}   ");
    let tinted = format!(
        "  Until it is fixed: {}   ",
        page.tint(Tone::Strong, policy)
    );
    page.paragraph(&lead, &tinted, &format!("({gives_up})"));
    if let Some(caution) = &advice.caution {
        let tinted = format!("  {}", page.tint(Tone::Doubtful, "First: "));
        page.paragraph("  First: ", &tinted, caution);
    }
    if let Some(line) = &advice.entries.postfix {
        page.line("     Postfix   a line in the table of smtp_tls_policy_maps:");
        page.line(&format!("        {}", page.tint(Tone::Strong, line)));
    }
    if let Some(entry) = &advice.entries.mailcow {
        mailcow(page, entry);
    }
    for (number, alternative) in advice.alternatives.iter().enumerate() {
        if number == 0 {
            page.line("  Stricter lines that also deliver:");
        }
        page.line(&format!("     {}", alternative.postfix));
        page.paragraph("        ", "        ", &format!("({})", alternative.cost));
    }
    if let Some(when) = &advice.remove_when {
        page.paragraph("  ", "  ", &format!("Remove it when {when}."));
    }
}

/// The form's fields in the form's order, and the same as an API call.
fn mailcow(page: &mut Page, entry: &MailcowEntry) {
    let steps = mailcow_steps(entry, page.style.language, |text| {
        page.tint(Tone::Strong, text)
    });
    for (number, step) in steps.iter().enumerate() {
        let margin = if number == 0 {
            "     mailcow   "
        } else {
            "     "
        };
        page.line(&format!("{margin}{step}"));
    }
}
