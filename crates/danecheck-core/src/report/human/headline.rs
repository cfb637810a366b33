//! The first line: what becomes of the mail of the sender that was asked about.

use crate::finding::rule::Severity;
use crate::judge::{Channel, Delivery, Outcome, Standing, Verdict};
use crate::postfix::SecurityLevel;
use crate::text::Tone;

use super::super::answer::flows_well;
use super::super::finding::FindingReport;
use super::super::model::{AddressReport, Report};
use super::super::sender::SenderReport;
use super::assumed;
use super::page::{code, fate};

/// The report in a few words, as they follow the target's name.
pub fn headline(report: &Report) -> String {
    headline_words(report).1
}

pub(in crate::report) fn headline_words(report: &Report) -> (Tone, String) {
    let (tone, words) = match &report.sender {
        _ if !report.is_answered() && report.sender.is_some() => unknown(),
        Some(sender) => of_sender(report, sender),
        None => assumed::headline_words(report).unwrap_or_else(|| of_reference(report)),
    };
    let (tone, words) = match others(report) {
        Some(others) => (Tone::Doubtful, format!("{words}; {others}")),
        None => (tone, words),
    };
    let (tone, words) = if report.mx_differs {
        let words = format!("the MX records name other hosts than expected; {words}");
        (Tone::Bad, words)
    } else {
        (tone, words)
    };
    let uses_no_dane = report.resolver.validates == Some(false)
        && !matches!(
            report.verdict,
            Verdict::Indeterminate | Verdict::Undeliverable
        );
    match (uses_no_dane, tone) {
        (false, _) => (tone, words),
        (true, tone) => {
            let tone = if tone == Tone::Good {
                Tone::Doubtful
            } else {
                tone
            };
            let words = format!("{words}; a Postfix behind this resolver uses no DANE");
            (tone, words)
        }
    }
}

/// What becomes of other senders' mail, where this sender's flows and theirs
/// does not.
fn others(report: &Report) -> Option<&'static str> {
    if !report.is_answered() || !report.answer().delivers() {
        return None;
    }
    let mut findings = report.findings.iter();
    match (report.policy_waits(), report.mailcow_waits()) {
        (true, true) => Some("mailcow and others that honour MTA-STS keep it back"),
        (true, false) => Some("senders that honour MTA-STS keep it back"),
        (false, true) => Some("mailcow keeps it back"),
        (false, false) => {
            let works = flows_well(report.answer()) && !fails_somewhere(report);
            let is_error = |one: &FindingReport| one.severity == Severity::Error;
            (works && findings.any(is_error)).then_some("other senders' mail may wait")
        }
    }
}

/// Whether some address fails DANE, while another one takes the mail.
fn fails_somewhere(report: &Report) -> bool {
    let mut addresses = report.hosts.iter().flat_map(|host| &host.addresses);
    addresses.any(|address| address.dane == Standing::Broken)
}

/// The part of the mail that DANE protects, where that is not all of it.
fn partly(report: &Report, dane: &Outcome) -> &'static str {
    let mut addresses = report.hosts.iter().flat_map(|host| &host.addresses);
    let is_protected = |address: &AddressReport| {
        !matches!(address.dane, Standing::WithoutTlsa | Standing::Unusable)
    };
    match (dane.channel, dane.varies) {
        (Some(Channel::Plaintext), true) => "mail flows, but a part of it may go in plain text",
        (Some(Channel::Plaintext), false) => "mail flows in plain text, past DANE",
        (Some(Channel::Authenticated), _)
            if fails_somewhere(report) && addresses.all(is_protected) =>
        {
            "mail flows, protected by DANE, but not every server works"
        }
        _ => "mail flows, but DANE does not protect all of it",
    }
}

/// The DSN code in brackets. Postfix logs that of the server that it tried last:
/// where the report is about another server's fault, the log would seem to contradict it.
fn log_code(report: &Report, outcome: &Outcome) -> String {
    let plain = code(outcome);
    let mut told = report.findings.iter();
    let told = told.find(|one| one.severity > Severity::Info);
    let (Some(told), Some(dsn), Some(reason)) = (told, &outcome.dsn, &outcome.reason) else {
        return plain;
    };
    let hosts = || report.hosts.iter().map(|host| host.name.as_str());
    let logged = hosts().find(|name| reason.contains(&format!("{name}[")));
    let faulty = hosts().find(|name| told.subject.contains(name));
    match logged.zip(faulty) {
        Some((logged, faulty)) if logged != faulty => {
            format!(" ({dsn}, from {logged}, tried last)")
        }
        _ => plain,
    }
}

fn unknown() -> (Tone, String) {
    (Tone::Doubtful, "cannot be determined from here".to_owned())
}

/// What a Postfix at its defaults, at level `dane`, does.
fn of_reference(report: &Report) -> (Tone, String) {
    let dane = &report.outcomes.dane;
    match report.verdict {
        // A Postfix behind such a resolver is not protected by it.
        Verdict::DaneOk if report.resolver.validates == Some(false) => (
            Tone::Doubtful,
            "mail flows, and the domain's DANE is right".to_owned(),
        ),
        Verdict::DaneOk => (Tone::Good, "mail flows, protected by DANE".to_owned()),
        Verdict::DanePartial => (Tone::Doubtful, partly(report, dane).to_owned()),
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
            format!(
                "DANE senders {} this mail{}",
                fate(dane),
                log_code(report, dane)
            ),
        ),
        Verdict::Undeliverable => match otherwise(report) {
            None => (
                Tone::Bad,
                format!(
                    "every sender {} this mail{}",
                    fate_of_one(dane),
                    log_code(report, dane)
                ),
            ),
            Some(others) => (
                Tone::Bad,
                format!(
                    "DANE senders {} this mail{}; {others}",
                    fate(dane),
                    log_code(report, dane)
                ),
            ),
        },
        Verdict::Indeterminate => unknown(),
    }
}

/// What senders at another level do with mail that level `dane` does not deliver,
/// where that is something else.
fn otherwise(report: &Report) -> Option<&'static str> {
    let outcomes = &report.outcomes;
    let levels = SecurityLevel::ALL.into_iter();
    let others = levels.filter(|level| report.is_known(*level, outcomes.at(*level)));
    let other = others
        .map(|level| outcomes.at(level).delivery)
        .filter(|delivery| *delivery != outcomes.dane.delivery)
        .max()?;
    Some(match other {
        Delivery::Bounced => "some others bounce it",
        Delivery::Deferred => "some others defer it",
        Delivery::Delivered | Delivery::DeliveredAfterRetry => "some others deliver it",
    })
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

/// What the sender that was named does.
fn of_sender(report: &Report, sender: &SenderReport) -> (Tone, String) {
    let outcome = &sender.outcome;
    let name = sender.title();
    if !outcome.delivers() {
        let verb = match (outcome.delivery, outcome.varies) {
            (Delivery::Bounced, false) => "returns this mail",
            (Delivery::Bounced, true) => "may return this mail, depending on the server",
            (_, false) => "keeps this mail back",
            (_, true) => "may keep this mail back, depending on the server",
        };
        let words = format!("{name} {verb}{}", log_code(report, outcome));
        return match report.assumed.as_ref().map(|assumed| &assumed.file) {
            None => (Tone::Bad, words),
            Some(None) => (Tone::Bad, format!("{words}; no mail server was checked")),
            Some(Some(_)) => (Tone::Bad, format!("with the given certificate, {words}")),
        };
    }
    let how = match (outcome.delivery, outcome.channel) {
        (Delivery::DeliveredAfterRetry, _) => " late and in plain text",
        (_, Some(Channel::Authenticated)) => ", and the server proves who it is",
        (_, Some(Channel::Encrypted)) => " in TLS without authentication",
        (_, Some(Channel::Plaintext) | None) => " in plain text",
    };
    let worst = if outcome.varies { "at worst, " } else { "" };
    let words = format!("{worst}{name} delivers this mail{how}");
    let tone = match flows_well(outcome) {
        true => Tone::Good,
        false => Tone::Doubtful,
    };
    match report.assumed.as_ref().map(|assumed| &assumed.file) {
        None => (tone, words),
        Some(None) => (
            tone,
            format!("as far as DNS shows, {words}; no mail server was checked"),
        ),
        Some(Some(_)) => (tone, format!("with the given certificate, {words}")),
    }
}
