//! `--entry NAME`: the entry alone, and the notes on standard error.

use clap::builder::TypedValueParser;

use danecheck_core::entry::{Language, MailSystem, Request, SYSTEMS, Written};
use danecheck_core::judge::Action;
use danecheck_core::report::Report;

use super::choice::choice;

/// Which entry is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) system: &'static MailSystem,
    pub(super) language: Language,
}

/// The output for one report.
pub(super) struct EntryOutput {
    /// For standard output; empty if there is nothing to paste.
    pub(super) text: String,
    /// For standard error.
    pub(super) beside: Option<String>,
    /// Whether there is anything to print for this sender.
    pub(super) needed: bool,
}

impl Entry {
    pub(super) fn say(self, report: &Report, request: Option<&Request>) -> EntryOutput {
        let nothing = |beside, needed| EntryOutput {
            text: String::new(),
            beside,
            needed,
        };
        let sentence = |text: String| Some(format!("danecheck: {}: {text}\n", report.target));
        let Some(request) = request else {
            let advice = &report.recommendation;
            let why = match advice.action {
                Action::Keep => None,
                // Only with --strictest: the override stands, and nothing stricter.
                Action::Override => {
                    let strictest = advice.strictest.as_ref();
                    strictest.and_then(|none| sentence(format!("no entry. {}", none.reason)))
                }
                Action::NotFixable => sentence(format!("no entry. {}", advice.reason)),
            };
            return nothing(why, advice.action != Action::Keep);
        };
        let request = Request {
            language: self.language,
            ..request.clone()
        };
        match self.system.write(&request) {
            Written::Entry { text, beside } => {
                let caution = report.recommendation.caution.clone().and_then(sentence);
                let parts: Vec<String> = caution.into_iter().chain(beside).collect();
                EntryOutput {
                    text,
                    beside: (!parts.is_empty()).then(|| parts.concat()),
                    needed: true,
                }
            }
            Written::NotNeeded(why) => nothing(sentence(why), false),
            Written::Inexpressible(why) => nothing(sentence(why), true),
        }
    }
}

/// Reads the name of a system.
pub(super) fn system() -> impl TypedValueParser<Value = &'static MailSystem> {
    let systems = SYSTEMS.iter();
    choice(systems.map(|system| (system, system.name, system.about)))
}

/// Reads the code of a language.
pub(super) fn language() -> impl TypedValueParser<Value = Language> {
    choice(Language::ALL.map(|language| {
        let name = match language {
            Language::En => "English",
            Language::De => "German",
        };
        (language, language.as_str(), name)
    }))
}
