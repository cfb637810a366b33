//! The texts of the report if no mail server was checked.

use crate::entry::Language;
use crate::judge::{Standing, Verdict};
use crate::text::Tone;

use super::super::finding::FindingReport;
use super::super::model::{AddressReport, Report, SessionReport};
use super::super::no_override::{command_for_mailcow, not_needed};
use super::page::{Page, code, fate};

/// The assumption, right below the first line because everything that follows
/// depends on it.
pub(super) fn not_looked_at(page: &mut Page, report: &Report) {
    if let Some(assumed) = &report.assumed {
        page.blank();
        let tinted = format!("  {}", page.tint(Tone::Strong, "Assumption: "));
        page.paragraph("  Assumption: ", &tinted, &assumed.text);
    }
}

/// The words after the target's name; `None` for the usual words.
pub(super) fn headline_words(report: &Report) -> Option<(Tone, String)> {
    let assumed = report.assumed.as_ref()?;
    match &assumed.file {
        Some(_) => with_certificate(report),
        None => dns_only(report),
    }
}

fn dns_only(report: &Report) -> Option<(Tone, String)> {
    let (tone, words) = match report.verdict {
        Verdict::DaneOk => (Tone::Good, "DNS is right for DANE".to_owned()),
        Verdict::DanePartial => (
            Tone::Doubtful,
            "DNS does not let DANE protect all of this mail".to_owned(),
        ),
        Verdict::DaneUnusable => (Tone::Doubtful, "no TLSA record can be used".to_owned()),
        Verdict::NoDane => (Tone::Good, "no DANE".to_owned()),
        Verdict::DaneBroken if !report.outcomes.dane.varies => {
            let dane = &report.outcomes.dane;
            let words = format!("DANE senders {} this mail{}", fate(dane), code(dane));
            (Tone::Bad, words)
        }
        Verdict::DaneBroken | Verdict::Undeliverable | Verdict::Indeterminate => return None,
    };
    Some((tone, format!("{words}; no mail server was checked")))
}

fn with_certificate(report: &Report) -> Option<(Tone, String)> {
    let (tone, words) = match report.verdict {
        Verdict::DaneOk => (Tone::Good, "mail would flow, protected by DANE".to_owned()),
        Verdict::DanePartial => (
            Tone::Doubtful,
            "mail would flow, but DANE would not protect all of it".to_owned(),
        ),
        Verdict::DaneUnusable => (
            Tone::Doubtful,
            "mail would flow in TLS, but no TLSA record can be used".to_owned(),
        ),
        Verdict::NoDane => (Tone::Good, "mail would flow in TLS; no DANE".to_owned()),
        Verdict::DaneBroken => {
            let dane = &report.outcomes.dane;
            let words = format!("DANE senders would {} this mail{}", fate(dane), code(dane));
            (Tone::Bad, words)
        }
        Verdict::Undeliverable | Verdict::Indeterminate => return None,
    };
    Some((tone, format!("with the given certificate, {words}")))
}

/// The words in place of a session for an address that was not checked.
pub(in crate::report) fn stand_in(address: &AddressReport) -> Option<&SessionReport> {
    let mut sessions = address.sessions.iter();
    sessions.find(|session| session.end == "assumed")
}

/// The result for an address that was not checked; `None` if it was.
pub(super) fn standing_words(address: &AddressReport) -> Option<(Tone, &'static str)> {
    let stand_in = stand_in(address)?;
    let with_certificate = !stand_in.certificates.is_empty();
    Some(match address.dane {
        Standing::Assumed if with_certificate => (Tone::Good, "a TLSA record would match"),
        Standing::Assumed => (Tone::Quiet, "not checked; its TLSA records count"),
        Standing::WithoutTlsa => (Tone::Quiet, "not checked; no DANE"),
        Standing::Unusable => (Tone::Doubtful, "not checked; no TLSA record can be used"),
        Standing::Broken if address.records.is_empty() => {
            (Tone::Bad, "the lookup of its TLSA records fails")
        }
        Standing::Broken => (Tone::Bad, "no TLSA record would match"),
        Standing::NotJudged => (Tone::Doubtful, "not judged: a limit of danecheck"),
        Standing::Authenticated | Standing::Unseen => (Tone::Quiet, "not checked"),
    })
}

/// Whether a remedy is for servers that show the certificate already.
pub(in crate::report) fn comes_too_early(report: &Report, finding: &FindingReport) -> bool {
    let assumed = report.assumed.as_ref();
    assumed.is_some_and(|assumed| assumed.file.is_some()) && finding.subject.contains(" [")
}

/// That no override is needed, as far as that was looked at, and for whom.
pub(super) fn nothing_needed(page: &mut Page, report: &Report) {
    let words = not_needed(report).of(Language::En);
    let text = match command_for_mailcow(report) {
        Some(command) => format!("{words} `{command}`."),
        None => words.to_owned(),
    };
    page.paragraph("  ", "  ", &text);
}

/// What to do about a certificate before its deployment; returns whether
/// nothing else has to be said.
pub(super) fn deployment(page: &mut Page, report: &Report) -> bool {
    let Some(text) = deployment_text(report) else {
        return false;
    };
    page.blank();
    page.paragraph("  ", "  ", &text);
    true
}

/// Whether the assumed certificate may be deployed; `None` if that is not the
/// question, or unknown.
pub(in crate::report) fn deployment_text(report: &Report) -> Option<String> {
    let file = report.assumed.as_ref()?.file.as_ref()?;
    match report.verdict {
        Verdict::DaneOk | Verdict::DanePartial | Verdict::DaneUnusable | Verdict::NoDane => Some(
            format!("As far as DANE is concerned, you may deploy {file}."),
        ),
        Verdict::DaneBroken => Some(format!(
            "Do not deploy {file} now. `danecheck tlsa {file} --against {} --plan` gives the \
             order of steps that keeps mail flowing.",
            report.target
        )),
        Verdict::Undeliverable | Verdict::Indeterminate => None,
    }
}
