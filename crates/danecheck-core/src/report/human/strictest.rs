//! The strictest line that delivers, beside the smallest override.

use super::super::model::Report;
use super::page::{Page, Tone};

pub(super) fn strictest(page: &mut Page, report: &Report) {
    let Some(strictest) = &report.recommendation.strictest else {
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
    page.line("  The strictest line that delivers now:");
    if let Some(caution) = &strictest.caution {
        let tinted = format!("     {}", page.tint(Tone::Doubtful, "First: "));
        page.paragraph("     First: ", &tinted, caution);
    }
    let tinted = format!("     Postfix   {}", page.tint(Tone::Strong, line));
    page.line(&tinted);
    let parameters = match row.parameters.as_str() {
        "" => "(empty)",
        given => given,
    };
    page.line(&format!(
        "     mailcow   target {}, policy {}, parameters {parameters}",
        row.dest, row.policy
    ));
    let rest = [&strictest.breaks_when, &strictest.notice];
    let sentences = std::iter::once(strictest.reason.as_str())
        .chain(rest.into_iter().flatten().map(String::as_str));
    for sentence in sentences {
        page.paragraph("     ", "     ", sentence);
    }
}
