//! The writer of `--format html`: one document for all targets of a run.

use crate::entry::Language;

use super::super::format::Writer;
use super::super::model::Report;
use super::super::status::ExitStatus;
use super::document::{Frame, document};
use super::overview::Overview;
use super::section::page;
use super::view::View;

/// Writes the document at the end: the table on top has the worst first. It keeps
/// a fixed number of rows and of bytes, whatever the number of targets.
#[derive(Debug, Default)]
pub struct Html {
    language: Language,
    came: usize,
    /// The document about the only target so far.
    single: Option<String>,
    overview: Overview,
}

impl Html {
    /// A document in this language.
    pub fn new(language: Language) -> Self {
        Self {
            language,
            ..Self::default()
        }
    }

    fn frame(&self) -> Frame<'static> {
        Frame {
            language: self.language,
            ..Frame::default()
        }
    }
}

impl Writer for Html {
    fn report(&mut self, report: &Report, status: ExitStatus) -> String {
        self.came += 1;
        self.single = (self.came == 1).then(|| page(report, status, &self.frame()));
        self.overview.add(&View {
            report,
            status,
            language: self.language,
            level: 2,
            number: self.came,
        });
        String::new()
    }

    fn end(&mut self) -> String {
        if let Some(single) = self.single.take() {
            return single;
        }
        let overview = std::mem::take(&mut self.overview);
        let title = format!("danecheck: {}", overview.title(self.language));
        let content = overview.content(self.language);
        document(&title, &content, &self.frame())
    }
}
