//! The strictest line that delivers, beside the smallest override.

use crate::entry::mailcow_fields;
use crate::judge::Action;
use crate::text::Tone;

use super::super::model::Report;
use super::page::Page;
use super::recommendation::Ways;

pub(super) fn strictest(page: &mut Page, report: &Report) {
    let advice = &report.recommendation;
    let Some(strictest) = &advice.strictest else {
        return;
    };
    page.blank();
    let (Some(line), Some(row)) = (&strictest.entries.postfix, &strictest.entries.mailcow) else {
        page.paragraph(
            "  ",
            "  ",
            &format!("Strictest line: none. {}", strictest.reason),
        );
        return;
    };
    let ways = Ways::of(report);
    let noun = if ways.postfix { "line" } else { "row" };
    let has_override = advice.action == Action::Override;
    let is_override = has_override && advice.entries.postfix.as_ref() == Some(line);
    if is_override {
        let text = format!("The {noun} above is also the strictest that delivers now.");
        page.paragraph("  ", "  ", &text);
    } else {
        let instead = match has_override {
            true => ". Set it in place of the override above, not beside it",
            false => "",
        };
        let text = format!(
            "The strictest {noun} that delivers now, for a partner or a known \
             certificate{instead}:"
        );
        page.paragraph("  ", "  ", &text);
    }
    if let Some(caution) = strictest.caution.as_ref().filter(|_| !is_override) {
        let tinted = format!("     {}", page.tint(Tone::Doubtful, "First: "));
        let text = match advice.caution.as_ref() == Some(caution) {
            true => "check the same as for the override.",
            false => caution,
        };
        page.paragraph("     First: ", &tinted, text);
    }
    if !is_override {
        if ways.postfix {
            let tinted = format!("     Postfix   {}", page.tint(Tone::Strong, line));
            page.line(&tinted);
        }
        if ways.mailcow {
            let fields = mailcow_fields(row, page.style.language);
            page.list("     mailcow   ", &fields);
        }
    }
    let rest = [&strictest.breaks_when, &strictest.notice];
    let sentences = std::iter::once(strictest.reason.as_str())
        .chain(rest.into_iter().flatten().map(String::as_str));
    for sentence in sentences {
        page.paragraph("     ", "     ", sentence);
    }
}
