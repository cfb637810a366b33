//! The writer of `--format html`: one document for all targets of a run.

use maud::html;

use crate::entry::Language;

use super::super::format::Writer;
use super::super::model::Report;
use super::super::status::ExitStatus;
use super::document::{Frame, document};
use super::section::section;

/// Keeps the sections, and writes the document at the end.
#[derive(Debug, Default)]
pub struct Html {
    language: Language,
    sections: Vec<String>,
}

impl Html {
    /// A document in this language.
    pub fn new(language: Language) -> Self {
        Self {
            language,
            sections: Vec::new(),
        }
    }
}

impl Writer for Html {
    fn report(&mut self, report: &Report, status: ExitStatus) -> String {
        let frame = Frame {
            language: self.language,
            links: &[],
        };
        let section = section(report, status, &frame, 1);
        self.sections.push(section.into_string());
        String::new()
    }

    fn end(&mut self) -> String {
        let frame = Frame {
            language: self.language,
            links: &[],
        };
        let sections = self.sections.iter().map(maud::PreEscaped);
        let content = html! { @for section in sections { (section) } };
        document("danecheck", content, &frame)
    }
}
