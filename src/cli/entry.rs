//! `--entry NAME`: the entry alone, and the notes on standard error.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::entry::{Language, SYSTEMS, System, Written};
use crate::judge::Action;
use crate::report::Report;

/// Which entry is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) system: &'static System,
    pub(super) language: Language,
}

/// The output for one report.
pub(super) struct Said {
    /// For standard output; empty if there is nothing to paste.
    pub(super) text: String,
    /// For standard error.
    pub(super) beside: Option<String>,
    /// Whether there is anything to print for this sender.
    pub(super) needed: bool,
}

impl Entry {
    pub(super) fn say(self, report: &Report) -> Said {
        let nothing = |beside, needed| Said {
            text: String::new(),
            beside,
            needed,
        };
        let Some(request) = report.entry_request(self.language) else {
            return nothing(None, report.recommendation.action != Action::Keep);
        };
        let sentence = |text: String| Some(format!("danecheck: {}: {text}\n", report.target));
        match self.system.write(&request) {
            Written::Entry { text, beside } => {
                let caution = report.recommendation.caution.clone().and_then(sentence);
                let parts: Vec<String> = caution.into_iter().chain(beside).collect();
                Said {
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
pub(super) fn system() -> impl TypedValueParser<Value = &'static System> {
    let names = SYSTEMS
        .iter()
        .map(|system| PossibleValue::new(system.name).help(system.about));
    PossibleValuesParser::new(names).try_map(|name| System::find(&name).ok_or("unknown system"))
}
