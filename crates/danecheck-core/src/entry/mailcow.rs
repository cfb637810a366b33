//! mailcow: a row of its TLS policy table, by form or by API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::postfix::Override;

use super::language::Language;
use super::system::{MailSystem, Request, Written};

/// The fields of mailcow's form, in the form's order; also the body of
/// `POST /api/v1/add/tls-policy-map`, which takes them flat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MailcowEntry {
    /// Target: the exact next hop.
    pub dest: String,
    /// Policy.
    pub policy: String,
    /// Parameters, separated by single blanks; often empty.
    pub parameters: String,
    /// Active; without this a row is created switched off.
    pub active: String,
}

impl MailcowEntry {
    /// The row for this override.
    pub fn new(entry: &Override) -> Self {
        Self {
            dest: entry.next_hop.clone(),
            policy: entry.line.level.to_string(),
            parameters: entry.line.attributes(),
            active: "1".to_owned(),
        }
    }
}

/// The words of mailcow's form in each language, from its guide to TLS
/// policies, and the words around them.
struct Words {
    path: &'static str,
    target: &'static str,
    policy: &'static str,
    parameters: &'static str,
    leave_empty: &'static str,
    active: &'static str,
    yes: &'static str,
    save: &'static str,
    with_api: &'static str,
    at_once: &'static str,
    remove: &'static str,
}

const ENGLISH: Words = Words {
    path: "E-Mail > Configuration > TLS Policies > Add TLS policy entry",
    target: "Target",
    policy: "Policy",
    parameters: "Parameters",
    leave_empty: "(leave empty)",
    active: "Active",
    yes: "yes",
    save: "Add",
    with_api: "or with its API",
    at_once: "It takes effect at once: mailcow and Postfix need no restart.",
    remove: "To remove it: the same tab, the bin in the row. mailcow has no field for a comment: \
             `danecheck overrides` says when you can remove the entry.",
};

const GERMAN: Words = Words {
    path: "E-Mail > Konfiguration > TLS-Richtlinien > TLS-Richtlinieneintrag hinzuf\u{fc}gen",
    target: "Ziel",
    policy: "Richtlinie",
    parameters: "Parameter",
    leave_empty: "(leer lassen)",
    active: "Aktiv",
    yes: "ja",
    save: "Hinzuf\u{fc}gen",
    with_api: "oder mit der API",
    at_once: "Die Richtlinie ist sofort aktiv: weder mailcow noch Postfix m\u{fc}ssen neu \
              gestartet werden.",
    remove: "Zum Entfernen: derselbe Reiter, Papierkorb neben dem Eintrag. F\u{fc}r einen \
             Kommentar hat mailcow kein Feld: `danecheck overrides` sagt, wann der Eintrag \
             wegkann.",
};

const fn words(language: Language) -> &'static Words {
    match language {
        Language::En => &ENGLISH,
        Language::De => &GERMAN,
    }
}

/// The steps in mailcow's form and the same as an API call: lines without
/// margin; `strong` marks the values of the form.
pub fn mailcow_steps(
    entry: &MailcowEntry,
    language: Language,
    strong: impl Fn(&str) -> String,
) -> Vec<String> {
    let words = words(language);
    let parameters = if entry.parameters.is_empty() {
        words.leave_empty
    } else {
        &entry.parameters
    };
    let body = serde_json::to_string(entry).unwrap_or_default();
    vec![
        format!("{}:", words.path),
        format!("   {:<12}{}", words.target, strong(&entry.dest)),
        format!("   {:<12}{}", words.policy, strong(&entry.policy)),
        format!("   {:<12}{parameters}", words.parameters),
        format!("   {:<12}{}", words.active, words.yes),
        format!("          {}:", words.with_api),
        "   curl -H \"X-API-Key: $KEY\" -H 'Content-Type: application/json' \\".to_owned(),
        format!("     -d '{body}' \\"),
        "     https://MAILCOW/api/v1/add/tls-policy-map".to_owned(),
    ]
}

/// The fields of the row in one line.
pub fn mailcow_row(entry: &MailcowEntry, language: Language) -> String {
    let words = words(language);
    let parameters = match entry.parameters.as_str() {
        "" => words.leave_empty,
        parameters => parameters,
    };
    format!(
        "{} {}, {} {}, {} {parameters}",
        words.target, entry.dest, words.policy, entry.policy, words.parameters
    )
}

/// The instructions for the body alone.
fn beside(entry: &MailcowEntry, language: Language) -> String {
    let words = words(language);
    let mut text = String::new();
    for line in mailcow_steps(entry, language, str::to_owned) {
        text.push_str(&line);
        text.push('\n');
        if line.trim_start().starts_with(words.active) {
            text.push_str(&format!("   > {}\n", words.save));
        }
    }
    for paragraph in [words.at_once, words.remove] {
        for line in crate::text::wrap(paragraph, 78) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

fn write(request: &Request) -> Written {
    let entry = MailcowEntry::new(&request.entry);
    let body = serde_json::to_string(&entry).unwrap_or_default();
    Written::Entry {
        text: format!("{body}\n"),
        beside: Some(beside(&entry, request.language)),
    }
}

pub(super) const MAILCOW: MailSystem = MailSystem {
    name: "mailcow",
    about: "the body for mailcow's API",
    in_table: false,
    write,
};
