//! The answer in the page's language.
//!
//! `human::headline` alone decides what the answer is. The German one is its
//! translation, phrase by phrase. A phrase that has no translation stays English,
//! and is marked so; a test over all recorded scenarios looks for these.

use maud::{Markup, html};

use crate::entry::Language;
use crate::report::human::headline;
use crate::report::model::Report;

use super::view::View;

/// What becomes of the mail, as a sentence.
pub(super) fn answer(view: &View<'_>) -> Markup {
    let english = headline(view.report);
    let german = match view.language {
        Language::En => None,
        Language::De => translated(&english, sender_of(view.report)),
    };
    html! {
        @match german {
            Some(german) => (sentence(&german)),
            None => (view.english(sentence(&english))),
        }
    }
}

/// The same as text, for other pages: in English where it has no translation.
pub fn answer_in(report: &Report, language: Language) -> String {
    let english = headline(report);
    let german = match language {
        Language::En => None,
        Language::De => translated(&english, sender_of(report)),
    };
    sentence(&german.unwrap_or(english))
}

/// What the headline calls the sender that was named.
fn sender_of(report: &Report) -> &str {
    let sender = report.sender.as_ref();
    sender.map_or("", |sender| sender.title())
}

fn sentence(words: &str) -> String {
    // It writes itself so.
    if words.starts_with("mailcow ") {
        return format!("{words}.");
    }
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// The headline in German; `None` if it contains a phrase without translation.
pub(super) fn translated(headline: &str, sender: &str) -> Option<String> {
    let parts: Option<Vec<String>> = headline
        .split("; ")
        .map(|part| phrase(part, sender))
        .collect();
    Some(parts?.join("; "))
}

fn phrase(part: &str, sender: &str) -> Option<String> {
    for (english, german) in BEGINNINGS {
        if let Some(rest) = part.strip_prefix(english) {
            return Some(format!("{german}{}", phrase(rest, sender)?));
        }
    }
    let (words, code) = match part
        .strip_suffix(')')
        .and_then(|part| part.rsplit_once(" ("))
    {
        Some((words, code)) => (words, log_code(code)),
        None => (part, String::new()),
    };
    let known = |words: &str| {
        let mut phrases = PHRASES.iter();
        phrases.find(|(english, _)| *english == words)
    };
    if let Some((_, german)) = known(words) {
        return Some(format!("{german}{code}"));
    }
    let of_sender = words.strip_prefix(sender).filter(|_| !sender.is_empty())?;
    let (_, german) = known(of_sender.trim_start_matches(' '))?;
    let sender = match sender {
        "this Postfix" => "dieses Postfix",
        name => name,
    };
    Some(format!("{sender} {german}{code}"))
}

/// The status code of Postfix's log, and the server that it is about.
fn log_code(code: &str) -> String {
    let tried_last = code.strip_suffix(", tried last");
    match tried_last.and_then(|code| code.split_once(", from ")) {
        Some((code, server)) => format!(" ({code}, von {server}, zuletzt versucht)"),
        None => format!(" ({code})"),
    }
}

const BEGINNINGS: &[(&str, &str)] = &[
    ("at worst, ", "schlimmstenfalls: "),
    ("as far as DNS shows, ", "nach dem, was im DNS steht: "),
    (
        "with the given certificate, ",
        "mit dem angegebenen Zertifikat: ",
    ),
];

const PHRASES: &[(&str, &str)] = &[
    (
        "cannot be determined from here",
        "lässt sich von hier aus nicht feststellen",
    ),
    (
        "the MX records name other hosts than expected",
        "die MX-Einträge nennen andere Hosts als erwartet",
    ),
    (
        "a Postfix behind this resolver uses no DANE",
        "ein Postfix hinter diesem Resolver nutzt kein DANE",
    ),
    (
        "no mail server was checked",
        "kein Mailserver wurde geprüft",
    ),
    (
        "mail flows, and the domain's DANE is right",
        "Mail kommt an, und DANE ist bei dieser Domain in Ordnung",
    ),
    (
        "mail flows, protected by DANE",
        "Mail kommt an, geschützt durch DANE",
    ),
    (
        "mail flows, but DANE does not protect all of it",
        "Mail kommt an, aber DANE schützt sie nicht durchweg",
    ),
    (
        "mail flows, protected by DANE, but not every server works",
        "Mail kommt an, geschützt durch DANE, aber nicht jeder Server funktioniert",
    ),
    (
        "mail flows, but a part of it may go in plain text",
        "Mail kommt an, ein Teil aber womöglich im Klartext",
    ),
    (
        "mail flows in plain text, past DANE",
        "Mail kommt im Klartext an, an DANE vorbei",
    ),
    (
        "mailcow and others that honour MTA-STS keep it back",
        "mailcow und andere, die MTA-STS beachten, halten sie zurück",
    ),
    (
        "senders that honour MTA-STS keep it back",
        "Absender, die MTA-STS beachten, halten sie zurück",
    ),
    ("mailcow keeps it back", "mailcow hält sie zurück"),
    (
        "other senders' mail may wait",
        "Mail anderer Absender wartet womöglich",
    ),
    (
        "mail flows in TLS, but no TLSA record can be used",
        "Mail kommt in TLS an, aber kein TLSA-Eintrag ist verwendbar",
    ),
    (
        "mail flows late and in plain text",
        "Mail kommt später und im Klartext an",
    ),
    ("mail flows in plain text", "Mail kommt im Klartext an"),
    (
        "mail flows in TLS without authentication",
        "Mail kommt in TLS an, aber ohne Authentisierung des Servers",
    ),
    ("no DANE", "kein DANE"),
    (
        "senders may bounce this mail, depending on the server",
        "Absender geben diese Mail je nach Server zurück",
    ),
    (
        "senders may defer this mail, depending on the server",
        "Absender halten diese Mail je nach Server zurück",
    ),
    (
        "DANE senders bounce this mail",
        "Absender mit DANE geben diese Mail zurück",
    ),
    (
        "DANE senders defer this mail",
        "Absender mit DANE halten diese Mail zurück",
    ),
    (
        "every sender bounces this mail",
        "jeder Absender gibt diese Mail zurück",
    ),
    (
        "every sender defers this mail",
        "jeder Absender hält diese Mail zurück",
    ),
    ("some others bounce it", "manche andere geben sie zurück"),
    ("some others defer it", "manche andere halten sie zurück"),
    ("some others deliver it", "manche andere stellen sie zu"),
    ("returns this mail", "gibt diese Mail zurück"),
    (
        "may return this mail, depending on the server",
        "gibt diese Mail je nach Server zurück",
    ),
    ("keeps this mail back", "hält diese Mail zurück"),
    (
        "may keep this mail back, depending on the server",
        "hält diese Mail je nach Server zurück",
    ),
    (
        "delivers this mail late and in plain text",
        "stellt diese Mail später und im Klartext zu",
    ),
    (
        "delivers this mail, and the server proves who it is",
        "stellt diese Mail zu, und der Server weist sich aus",
    ),
    (
        "delivers this mail in TLS without authentication",
        "stellt diese Mail in TLS zu, aber ohne Authentisierung des Servers",
    ),
    (
        "delivers this mail in plain text",
        "stellt diese Mail im Klartext zu",
    ),
    ("DNS is right for DANE", "das DNS ist für DANE in Ordnung"),
    (
        "DNS does not let DANE protect all of this mail",
        "das DNS lässt DANE diese Mail nicht durchweg schützen",
    ),
    (
        "no TLSA record can be used",
        "kein TLSA-Eintrag ist verwendbar",
    ),
    (
        "mail would flow, protected by DANE",
        "Mail käme an, geschützt durch DANE",
    ),
    (
        "mail would flow, but DANE would not protect all of it",
        "Mail käme an, aber DANE würde sie nicht durchweg schützen",
    ),
    (
        "mail would flow in TLS, but no TLSA record can be used",
        "Mail käme in TLS an, aber kein TLSA-Eintrag ist verwendbar",
    ),
    ("mail would flow in TLS", "Mail käme in TLS an"),
    (
        "DANE senders would bounce this mail",
        "Absender mit DANE würden diese Mail zurückgeben",
    ),
    (
        "DANE senders would defer this mail",
        "Absender mit DANE würden diese Mail zurückhalten",
    ),
];
