//! What a page says about one target.

use maud::{Markup, PreEscaped, html};

use crate::text::shown;

use super::super::model::Report;
use super::super::status::ExitStatus;
use super::answer::answer;
use super::document::{Frame, document};
use super::entry::entry;
use super::evidence::evidence;
use super::findings::findings;
use super::letter::letter;
use super::levels::levels;
use super::mark::Mark;
use super::path::path;
use super::records::records;
use super::view::View;

/// The document about one target. `status` colours it: a page is never better
/// than the status of its report.
pub fn page(report: &Report, status: ExitStatus, frame: &Frame<'_>) -> String {
    let view = View {
        report,
        status,
        language: frame.language,
        level: 1,
        number: 1,
    };
    document(&title(&view), &section(&view), frame)
}

/// `example.com: Broken`.
pub(super) fn title(view: &View<'_>) -> String {
    let mark = Mark::of(view.report, view.status);
    format!("{}: {}", view.report.target, view.say(mark.word()))
}

/// What a page says about a target: harmless, whatever is in the report.
pub(super) fn section(view: &View<'_>) -> Markup {
    let markup = html! {
        article id=(view.anchor()) {
            (answer(view))
            (path(view))
            (records(view))
            (levels(view))
            (findings(view))
            (entry(view))
            (letter(view))
            (evidence(view))
        }
    };
    harmless(&markup)
}

/// A part of a page in which nothing hides or moves other text. Colours of a
/// terminal have no place in it.
pub(super) fn harmless(markup: &Markup) -> Markup {
    let text = shown(&markup.0);
    PreEscaped(text.replace('\u{1b}', "\\u{1b}"))
}
