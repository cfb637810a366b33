//! What an override gives up, and when it goes, in the page's language.
//!
//! `judge` has the words. The German ones are their translation; a sentence that
//! has none stays English, and is marked so.

use maud::{Markup, html};

use crate::entry::Language;

use super::view::{View, prose};
use super::words;

/// What is missing with the override.
pub(super) fn given_up(view: &View<'_>, english: &str) -> Markup {
    let german = match view.language {
        Language::En => None,
        Language::De => german(english),
    };
    html! {
        @match german {
            Some(german) => (german),
            None => (view.english(prose(english))),
        }
    }
}

/// When it is no longer needed: a command says so.
pub(super) fn removable(view: &View<'_>, english: &str) -> Markup {
    let says = words::SAYS_NOT_NEEDED;
    let command = english
        .strip_suffix(says.of(Language::En))
        .map(str::trim_end);
    html! {
        @match command {
            Some(command) => { (prose(command)) " " (view.say(says)) },
            None => (view.english(prose(english))),
        }
    }
}

/// The parts of a sentence, each translated; `None` if one of them cannot be.
fn german(english: &str) -> Option<String> {
    if let Some((_, german)) = PHRASES.iter().find(|(words, _)| *words == english) {
        return Some((*german).to_owned());
    }
    if let Some((first, second)) = english.split_once("; ") {
        return Some(format!("{}; {}", german(first)?, german(second)?));
    }
    let oldest = english.strip_prefix(OLD)?;
    Some(format!("diese Domain darf TLS ab {oldest} nutzen"))
}

const OLD: &str = "this domain may use TLS as old as ";

const PHRASES: &[(&str, &str)] = &[
    ("nothing else changes", "sonst ändert sich nichts"),
    (
        "DANE still applies to hosts where it is complete; other hosts get mail without it",
        "DANE gilt weiter für Hosts, bei denen es vollständig ist; andere Hosts erhalten Mail ohne \
         DANE",
    ),
    (
        "a trusted CA still proves who the server is, but only DNS says which server is right",
        "eine vertraute CA beweist weiter, wer der Server ist, aber nur das DNS sagt, welcher der \
         richtige ist",
    ),
    (
        "TLS stays, but nothing proves who answers",
        "TLS bleibt, aber nichts beweist, wer antwortet",
    ),
    (
        "everybody on the way can read the mail",
        "jeder auf dem Weg kann die Mail lesen",
    ),
    (
        "everybody on the way may be able to read the mail",
        "jeder auf dem Weg kann die Mail womöglich lesen",
    ),
];
