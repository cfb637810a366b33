//! What DANE does at an address, in the page's language.
//!
//! `human` has the words. The German ones are their translation; what a server
//! said stays as it is.

use maud::{Markup, html};

use crate::entry::Language;
use crate::report::human::standing_words;

use super::super::model::AddressReport;
use super::mark::Mark;
use super::view::{View, name};

/// How good it is, and the words.
pub(super) fn standing(view: &View<'_>, address: &AddressReport) -> (Mark, Markup) {
    let (tone, english) = standing_words(address);
    let words = match (view.language, english.split_once(": ")) {
        (Language::En, _) => name(&english),
        (Language::De, _) if german(&english).is_some() => {
            html! { (german(&english).unwrap_or_default()) }
        }
        (Language::De, Some((end, detail))) => html! {
            @match german(end) {
                Some(end) => (end),
                None => (view.english(end)),
            }
            ": " (view.english(name(detail)))
        },
        (Language::De, None) => view.english(name(&english)),
    };
    (Mark::of_tone(tone), words)
}

/// The same as plain text.
pub(super) fn standing_text(view: &View<'_>, address: &AddressReport) -> (Mark, String) {
    let (tone, english) = standing_words(address);
    let words = match view.language {
        Language::En => None,
        Language::De => german(&english).map(str::to_owned).or_else(|| {
            let (end, detail) = english.split_once(": ")?;
            Some(format!("{}: {detail}", german(end)?))
        }),
    };
    (Mark::of_tone(tone), words.unwrap_or(english))
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
];
