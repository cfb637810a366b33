//! The report for people. The short one says whether mail flows, why not, whose
//! move it is, what to paste and when to remove it; the full one adds what was
//! seen of each host.

mod assumed;
mod findings;
mod headline;
mod hosts;
mod levels;
mod mta_sts;
mod page;
mod recommendation;
mod sender;
mod short;
mod strictest;

use crate::text::{Tone, columns, shown};

use super::model::Report;

pub(super) use assumed::{comes_too_early, deployment_text, stand_in};
pub use headline::headline;
pub(super) use headline::headline_words;
pub(super) use hosts::{groups, short_record, standing_words};
pub(super) use levels::{Cell, cells};
use page::Page;
pub use page::{Detail, HumanStyle};
pub(super) use recommendation::Ways;
pub(super) use sender::{assumed_service, policy};

/// The report as text, with a line end after the last line.
pub fn human(report: &Report, style: HumanStyle) -> String {
    let mut page = match style.detail {
        Detail::Short => short::short(report, style),
        Detail::Full | Detail::Everything => full(report, style),
    };
    // It was asked for, in any detail.
    strictest::strictest(&mut page, report);
    if style.detail == Detail::Everything && page.text.contains("TLSA") {
        page.blank();
        page.paragraph(
            "  ",
            "  ",
            "(A TLSA record says in DNS which certificate is right, and DNSSEC protects it. DANE \
             means that senders check the server against this record.)",
        );
    }
    shown(&page.text).into_owned()
}

fn full(report: &Report, style: HumanStyle) -> Page {
    let mut page = Page::new(style);
    first_line(&mut page, report, usize::MAX);
    sender::sender(&mut page, report);
    assumed::not_looked_at(&mut page, report);
    findings::findings(&mut page, report);
    hosts::hosts(&mut page, report);
    mta_sts::mta_sts(&mut page, report);
    if let Some(proxy) = &report.proxy {
        page.blank();
        page.paragraph(
            "  ",
            "  ",
            &format!("danecheck connected to the mail servers through {proxy}."),
        );
    }
    // If nothing was checked, there is nothing to predict.
    if !report.hosts.is_empty() || report.mx.is_some() {
        levels::levels(&mut page, report);
    }
    recommendation::recommendation(&mut page, report);
    page
}

/// What becomes of the mail, in this many lines at most.
fn first_line(page: &mut Page, report: &Report, most: usize) {
    let (tone, words) = headline_words(report);
    let as_of = match report.judged_at == report.checked_at {
        true => String::new(),
        false => format!(" (as of {})", report.judged_at.day()),
    };
    let line = format!("{}: {words}{as_of}", report.target);
    if columns(&line) > page.style.width {
        page.hanging(&line, tone, most);
        return;
    }
    let target = page.tint(Tone::Strong, &report.target);
    let words = page.tint(tone, &words);
    page.line(&format!("{target}: {words}{as_of}"));
}
