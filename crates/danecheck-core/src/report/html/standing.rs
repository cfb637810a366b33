//! What DANE does at an address, in the page's language.
//!
//! `human` has the words. The German ones are their translation; what a server
//! said stays as it is.

use maud::{Markup, html};

use crate::entry::Language;
use crate::judge::Standing;
use crate::report::human::{stand_in, standing_words};
use crate::text::Tone;

use super::super::model::AddressReport;
use super::mark::Mark;
use super::view::{View, name};

/// How good it is, and the words.
pub(super) fn standing(view: &View<'_>, address: &AddressReport) -> (Mark, Markup) {
    let (tone, english) = standing_words(address);
    let (own, seen) = said(view.language, &english);
    let words = html! {
        @match (view.language, own) {
            (Language::De, Some(own)) => {
                (name(&own))
                @if let Some(seen) = seen { ": " (view.english(name(seen))) }
            },
            (Language::De, None) => (view.english(name(&english))),
            (Language::En, _) => (name(&english)),
        }
    };
    (mark(tone, address), words)
}

/// The same as plain text.
pub(super) fn standing_text(view: &View<'_>, address: &AddressReport) -> (Mark, String) {
    let (tone, english) = standing_words(address);
    let words = match said(view.language, &english) {
        (Some(own), Some(seen)) => format!("{own}: {seen}"),
        (Some(own), None) => own,
        (None, _) => english,
    };
    (mark(tone, address), words)
}

/// That there is no DANE is known, and neither good nor bad.
fn mark(tone: Tone, address: &AddressReport) -> Mark {
    match (tone, address.dane) {
        (Tone::Quiet, Standing::WithoutTlsa) if stand_in(address).is_none() => Mark::Neutral,
        _ => Mark::of_tone(tone),
    }
}

/// The page's own words, and what was seen there; no words of its own where there
/// is no translation.
fn said(language: Language, english: &str) -> (Option<String>, Option<&str>) {
    if language == Language::En {
        return (Some(english.to_owned()), None);
    }
    if let Some(block) = english.strip_prefix("not connected to (") {
        return (Some(format!("keine Verbindung aufgebaut ({block}")), None);
    }
    if let Some(whole) = german(english) {
        return (Some(whole.to_owned()), None);
    }
    let both = |(first, second)| Some((german(first)?, german(second)?));
    if let Some((first, second)) = english.split_once("; ").and_then(both) {
        return (Some(format!("{first}; {second}")), None);
    }
    let Some((end, detail)) = english.split_once(": ") else {
        return (None, None);
    };
    match (german(end), german(detail)) {
        (Some(end), Some(detail)) => (Some(format!("{end}: {detail}")), None),
        (Some(end), None) => (Some(end.to_owned()), Some(detail)),
        (None, _) => (None, None),
    }
}

pub(super) fn german(english: &str) -> Option<&'static str> {
    let mut phrases = PHRASES.iter();
    let found = phrases.find(|(words, _)| *words == english);
    found.map(|(_, german)| *german)
}

const PHRASES: &[(&str, &str)] = &[
    ("a TLSA record matches", "ein TLSA-Eintrag passt"),
    ("a TLSA record would match", "ein TLSA-Eintrag würde passen"),
    ("no DANE", "kein DANE"),
    (
        "no TLSA record can be used",
        "kein TLSA-Eintrag ist verwendbar",
    ),
    ("no TLSA record matches", "kein TLSA-Eintrag passt"),
    (
        "no TLSA record would match",
        "kein TLSA-Eintrag würde passen",
    ),
    (
        "the lookup of its TLSA records fails",
        "die Abfrage der TLSA-Einträge schlägt fehl",
    ),
    (
        "not checked; its TLSA records count",
        "nicht geprüft; die TLSA-Einträge zählen",
    ),
    ("not checked; no DANE", "nicht geprüft; kein DANE"),
    (
        "not checked; no TLSA record can be used",
        "nicht geprüft; kein TLSA-Eintrag ist verwendbar",
    ),
    ("not checked", "nicht geprüft"),
    (
        "not judged: a limit of danecheck",
        "nicht beurteilt: eine Grenze von danecheck",
    ),
    ("not looked at", "nicht angesehen"),
    (
        "no STARTTLS, but DANE requires TLS",
        "kein STARTTLS, aber DANE verlangt TLS",
    ),
    ("no STARTTLS: plain text", "kein STARTTLS: Klartext"),
    ("no connection", "keine Verbindung"),
    ("no greeting", "keine Begrüßung"),
    ("refused in the greeting", "in der Begrüßung abgewiesen"),
    ("no reply to EHLO", "keine Antwort auf EHLO"),
    ("refused at EHLO", "bei EHLO abgewiesen"),
    ("no reply to STARTTLS", "keine Antwort auf STARTTLS"),
    ("STARTTLS refused", "STARTTLS abgelehnt"),
    ("TLS handshake failed", "TLS-Handshake gescheitert"),
    ("no reply to EHLO in TLS", "keine Antwort auf EHLO in TLS"),
    ("refused at EHLO in TLS", "bei EHLO in TLS abgewiesen"),
    ("ended early", "vorzeitig beendet"),
    ("only outdated TLS", "nur veraltetes TLS"),
    ("only TLS without a certificate", "nur TLS ohne Zertifikat"),
    (
        "only TLS that is too old where a certificate must match",
        "nur TLS, das zu alt ist, wo ein Zertifikat passen muss",
    ),
    ("the connection was lost", "die Verbindung brach ab"),
    ("no answer in time", "keine Antwort in der Zeit"),
    ("it did not end in time", "nicht rechtzeitig beendet"),
    ("an endless answer", "eine Antwort ohne Ende"),
    (
        "the server sent something that is not TLS",
        "der Server sendet etwas anderes als TLS",
    ),
];
