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
    look: &'static str,
    no_row: &'static str,
    row: &'static str,
    flush: &'static str,
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
    look: "Look first: is there a row with this target?",
    no_row: "No: add it.",
    row: "Yes: edit it, with its id. To add it again is refused \
          (tls_policy_map_entry_exists).",
    flush: "Then deliver what waits:",
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
    look: "Zuerst nachsehen: Gibt es eine Zeile mit diesem Ziel?",
    no_row: "Nein: hinzuf\u{fc}gen.",
    row: "Ja: mit ihrer id \u{e4}ndern. Ein zweites Hinzuf\u{fc}gen wird abgelehnt \
          (tls_policy_map_entry_exists).",
    flush: "Dann zustellen, was wartet:",
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

/// The lines of the steps that are about the form: its path and its fields.
const FORM_LINES: usize = 5;

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
    mailcow_fields(entry, language).join(", ")
}

/// The fields of the row, each with its name.
pub fn mailcow_fields(entry: &MailcowEntry, language: Language) -> [String; 3] {
    let words = words(language);
    let parameters = match entry.parameters.as_str() {
        "" => words.leave_empty,
        parameters => parameters,
    };
    [
        format!("{} {}", words.target, entry.dest),
        format!("{} {}", words.policy, entry.policy),
        format!("{} {parameters}", words.parameters),
    ]
}

/// The steps with mailcow's API: look, then `add`, or `edit` of the row found.
/// Lines without margin.
fn api_steps(entry: &MailcowEntry, words: &Words) -> Vec<String> {
    let json = |value: &serde_json::Value| value.to_string();
    let body = serde_json::to_string(entry).unwrap_or_default();
    let change = json(&serde_json::json!({
        "items": ["ID"],
        "attr": {
            "policy": entry.policy,
            "parameters": entry.parameters,
            "active": entry.active,
        },
    }));
    let post = |body: &str, path: &str| {
        [
            "   curl -H \"X-API-Key: $KEY\" -H 'Content-Type: application/json' \\".to_owned(),
            format!("     -d '{body}' \\"),
            format!("     https://MAILCOW/api/v1/{path}/tls-policy-map"),
        ]
    };
    let look = [
        format!("1. {}", words.look),
        "   curl -H \"X-API-Key: $KEY\" https://MAILCOW/api/v1/get/tls-policy-map/all".to_owned(),
        format!("2. {}", words.no_row),
    ];
    let row = crate::text::wrap(words.row, 75);
    let row = row.into_iter().map(|line| format!("   {line}"));
    let flush = [
        format!("3. {}", words.flush),
        "   docker compose exec postfix-mailcow postqueue -f".to_owned(),
    ];
    look.into_iter()
        .chain(post(&body, "add"))
        .chain(row)
        .chain(post(&change, "edit"))
        .chain(flush)
        .collect()
}

/// The call of mailcow's API that adds, changes or deletes rows: `what` is `add`,
/// `edit` or `delete`.
pub fn mailcow_call(what: &str, body: &str) -> String {
    format!(
        "curl -H \"X-API-Key: $KEY\" -H 'Content-Type: application/json' -d '{body}' \
         https://MAILCOW/api/v1/{what}/tls-policy-map"
    )
}

/// The call that changes a row.
pub fn mailcow_edit(id: u64, row: &MailcowEntry) -> String {
    let body = serde_json::json!({
        "items": [id.to_string()],
        "attr": {"dest": row.dest, "policy": row.policy, "parameters": row.parameters},
    });
    mailcow_call("edit", &body.to_string())
}

/// The instructions for the body alone.
fn beside(entry: &MailcowEntry, language: Language) -> String {
    let words = words(language);
    let steps = mailcow_steps(entry, language, str::to_owned);
    let of_form = steps.into_iter().take(FORM_LINES);
    let save = std::iter::once(format!("   > {}", words.save));
    let with_api = std::iter::once(format!("{}:", words.with_api));
    let api = api_steps(entry, words);
    let paragraphs = [words.at_once, words.remove].into_iter();
    let paragraphs = paragraphs.flat_map(|text| crate::text::wrap(text, 78));
    let lines = of_form
        .chain(save)
        .chain(with_api)
        .chain(api)
        .chain(paragraphs);
    lines.map(|line| line + "\n").collect()
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
