//! The report for people: whether mail flows and how it is protected, what is
//! wrong and where, the levels, the entry to paste, and when to remove it.

mod assumed;
mod hosts;
mod levels;
mod mta_sts;
mod page;
mod recommendation;
mod sender;
mod strictest;

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::finding::rule::Severity;
use crate::judge::{Channel, Delivery, Outcome, Verdict};
use crate::text::shown;

use super::finding::FindingReport;
use super::model::Report;

pub use page::HumanStyle;
use page::{Page, Tone, code, fate};

/// The report as text, with a line end after the last line.
pub fn human(report: &Report, style: HumanStyle) -> String {
    let mut page = Page::new(style);
    first_line(&mut page, report);
    sender::sender(&mut page, report);
    assumed::not_looked_at(&mut page, report);
    findings(&mut page, report);
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
    strictest::strictest(&mut page, report);
    if page.text.contains("TLSA") {
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

/// The report in a few words, as they follow the target's name.
pub(super) fn headline(report: &Report) -> String {
    headline_words(report).1
}

fn first_line(page: &mut Page, report: &Report) {
    let (tone, words) = headline_words(report);
    let mut line = page.tint(Tone::Strong, &report.target);
    let _ = write!(line, ": {}", page.tint(tone, &words));
    if report.judged_at != report.checked_at {
        let _ = write!(line, " (as of {})", report.judged_at.day());
    }
    page.line(&line);
}

fn headline_words(report: &Report) -> (Tone, String) {
    if let Some(words) = assumed::headline_words(report) {
        return words;
    }
    let dane = &report.outcomes.dane;
    match report.verdict {
        Verdict::DaneOk => (Tone::Good, "mail flows, protected by DANE".to_owned()),
        Verdict::DanePartial => (
            Tone::Doubtful,
            "mail flows, but DANE does not protect all of it".to_owned(),
        ),
        Verdict::DaneUnusable => (
            Tone::Doubtful,
            "mail flows in TLS, but no TLSA record can be used".to_owned(),
        ),
        Verdict::NoDane => without_dane(dane),
        Verdict::DaneBroken | Verdict::Undeliverable if dane.varies => (
            Tone::Bad,
            format!(
                "senders may {} this mail, depending on the server{}",
                fate(dane),
                code(dane)
            ),
        ),
        Verdict::DaneBroken => (
            Tone::Bad,
            format!("DANE senders {} this mail{}", fate(dane), code(dane)),
        ),
        Verdict::Undeliverable => (
            Tone::Bad,
            format!("every sender {} this mail{}", fate_of_one(dane), code(dane)),
        ),
        Verdict::Indeterminate => (Tone::Doubtful, "cannot be determined from here".to_owned()),
    }
}

fn without_dane(dane: &Outcome) -> (Tone, String) {
    match (dane.delivery, dane.channel) {
        (Delivery::DeliveredAfterRetry, _) => (
            Tone::Doubtful,
            "mail flows late and in plain text; no DANE".to_owned(),
        ),
        (_, Some(Channel::Plaintext)) => (
            Tone::Doubtful,
            "mail flows in plain text; no DANE".to_owned(),
        ),
        _ => (
            Tone::Good,
            "mail flows in TLS without authentication; no DANE".to_owned(),
        ),
    }
}

fn fate_of_one(outcome: &Outcome) -> &'static str {
    match outcome.delivery {
        Delivery::Bounced => "bounces",
        _ => "defers",
    }
}

/// Findings of one kind that the report shows a person.
const FINDINGS_SHOWN: usize = 6;

/// One sentence for each finding; what to do follows errors and warnings.
fn findings(page: &mut Page, report: &Report) {
    let told = gathered(report);
    if !told.is_empty() {
        page.blank();
    }
    let mut of_kind: HashMap<&str, usize> = HashMap::new();
    for (finding, _) in &told {
        *of_kind.entry(&finding.id).or_default() += 1;
    }
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (finding, message) in &told {
        let before = seen.entry(&finding.id).or_default();
        *before += 1;
        let all = of_kind
            .get(finding.id.as_str())
            .copied()
            .unwrap_or_default();
        if *before > FINDINGS_SHOWN && all > FINDINGS_SHOWN + 1 {
            continue;
        }
        let (word, tone) = match finding.severity {
            Severity::Error => ("error: ", Tone::Bad),
            Severity::Warning => ("warning: ", Tone::Doubtful),
            Severity::Info => ("note: ", Tone::Quiet),
        };
        let tinted = format!("  {}", page.tint(tone, word));
        page.paragraph(&format!("  {word}"), &tinted, message);
        let cut = *before == FINDINGS_SHOWN && all > FINDINGS_SHOWN + 1;
        if cut {
            let more = all - FINDINGS_SHOWN;
            let id = &finding.id;
            let text = format!("and {more} more of the same kind; --json lists them ({id})");
            page.paragraph("      ", "      ", &text);
        }
        // The same step is printed once, after the last finding that it
        // repairs.
        let is_next_step =
            finding.severity > Severity::Info && !assumed::comes_too_early(report, finding);
        if is_next_step && (cut || *before == all) {
            page.paragraph("      ", "      ", &finding.remedy);
        }
    }
}

/// The findings with their messages; findings that differ only in the address
/// of a host become one that names all addresses, or no address if it is about
/// all.
fn gathered(report: &Report) -> Vec<(&FindingReport, String)> {
    let mut groups: Vec<(&FindingReport, Vec<&str>)> = Vec::new();
    let mut known: HashMap<(&str, &str, String), usize> = HashMap::new();
    let frame = |finding: &FindingReport| finding.message.replace(&finding.subject, "\n");
    for finding in assumed::without_the_assumption(report) {
        let key = (
            finding.id.as_str(),
            host_of(&finding.subject),
            frame(finding),
        );
        let place = *known.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, subjects)) => subjects.push(&finding.subject),
            None => groups.push((finding, vec![&finding.subject])),
        }
    }
    groups
        .into_iter()
        .map(|(first, subjects)| {
            let host = host_of(&first.subject);
            let addresses: Vec<&str> = subjects
                .iter()
                .map(|subject| subject.get(host.len()..).unwrap_or_default().trim())
                .collect();
            let seen = report.hosts.iter().find(|seen| seen.name == host);
            let all = seen.is_some_and(|seen| seen.addresses.len() == addresses.len());
            let named = if all {
                host.to_owned()
            } else {
                format!("{host} {}", addresses.join(" and "))
            };
            (first, frame(first).replace('\n', named.trim_end()))
        })
        .collect()
}

/// The host in `host [address]`.
fn host_of(subject: &str) -> &str {
    subject.split_once(" [").map_or(subject, |(host, _)| host)
}
