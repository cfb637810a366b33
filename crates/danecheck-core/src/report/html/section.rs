//! What a page says about one target.

use maud::{Markup, PreEscaped, html};

use crate::report::human::headline;
use crate::text::shown;

use super::super::model::Report;
use super::super::status::ExitStatus;
use super::document::{Frame, document};

/// The document about one target.
pub fn page(report: &Report, status: ExitStatus, frame: &Frame<'_>) -> String {
    let title = format!("{}: {}", report.target, headline(report));
    document(&shown(&title), section(report, status, frame, 1), frame)
}

/// What a page says about a target; its heading is of this level, the next lower
/// ones of the levels after it.
pub fn section(report: &Report, _status: ExitStatus, _frame: &Frame<'_>, _level: u8) -> Markup {
    let markup = html! {
        h1 { (report.target) }
        p { (headline(report)) }
    };
    PreEscaped(shown(&markup.into_string()).into_owned())
}
