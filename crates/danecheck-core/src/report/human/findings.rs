//! The findings: one sentence for each, and what to do after errors and
//! warnings.

use crate::finding::rule::Severity;
use crate::text::Tone;

use super::super::model::Report;
use super::super::told::{SHOWN_OF_A_KIND, told};
use super::assumed;
use super::page::{Detail, Page};

/// The word before a finding, and its colour.
pub(super) fn word(severity: Severity) -> (&'static str, Tone) {
    match severity {
        Severity::Error => ("error: ", Tone::Bad),
        Severity::Warning => ("warning: ", Tone::Doubtful),
        Severity::Info => ("note: ", Tone::Quiet),
    }
}

pub(super) fn findings(page: &mut Page, report: &Report) {
    let most = match page.style.detail {
        Detail::Everything => usize::MAX,
        Detail::Short | Detail::Full => SHOWN_OF_A_KIND,
    };
    let told = told(report, most);
    if !told.is_empty() {
        page.blank();
    }
    for one in &told {
        let finding = one.finding;
        let (word, tone) = word(finding.severity);
        let tinted = format!("  {}", page.tint(tone, word));
        page.paragraph(&format!("  {word}"), &tinted, &one.message);
        if one.left_out > 0 {
            let (more, id) = (one.left_out, &finding.id);
            let text = format!("and {more} more of the same kind; -vv lists them ({id})");
            page.paragraph("      ", "      ", &text);
        }
        // The same step is printed once, after the last finding that it
        // repairs.
        let is_next_step =
            finding.severity > Severity::Info && !assumed::comes_too_early(report, finding);
        if is_next_step && one.is_last {
            for (side, step) in finding.steps() {
                let text = format!("{}: {step}", side.as_str());
                page.paragraph("      ", "      ", &text);
            }
        }
    }
}
