//! One report, as a section of a page sees it.

use maud::{Markup, Render, html};

use crate::entry::Language;

use super::super::both::Both;
use super::super::model::Report;
use super::super::status::ExitStatus;

/// A report, and how the page shows it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) report: &'a Report,
    pub(super) status: ExitStatus,
    pub(super) language: Language,
    /// The level of the heading with the target's name.
    pub(super) level: u8,
    /// The section's number in the document: ids begin with it.
    pub(super) number: usize,
}

impl View<'_> {
    /// The words in the page's language.
    pub(super) fn say(&self, words: Both) -> &'static str {
        words.of(self.language)
    }

    /// A text that exists only in English.
    pub(super) fn english(&self, text: impl Render) -> Markup {
        html! {
            @match self.language {
                Language::En => (text),
                Language::De => span lang="en" { (text) },
            }
        }
    }

    /// An id that no other section has.
    pub(super) fn id(&self, part: &str) -> String {
        format!("t{}-{part}", self.number)
    }

    /// The id of the heading of a part that is a landmark. In a document about
    /// several targets it is none: landmarks have names of their own.
    pub(super) fn label(&self, part: &str) -> Option<String> {
        (self.level == 1).then(|| self.id(part))
    }

    /// The section's own id.
    pub(super) fn anchor(&self) -> String {
        format!("t{}", self.number)
    }

    /// The heading of a part, with the id by which the part is labelled.
    pub(super) fn titled(&self, below: u8, part: &str, words: Both) -> Markup {
        let (id, words) = (self.id(part), self.say(words));
        html! {
            @match self.level.saturating_add(below) {
                1 => h1 id=(id) { (words) },
                2 => h2 id=(id) { (words) },
                3 => h3 id=(id) { (words) },
                4 => h4 id=(id) { (words) },
                _ => h5 id=(id) { (words) },
            }
        }
    }

    /// A heading so many levels below that of the target.
    pub(super) fn heading(&self, below: u8, content: impl Render) -> Markup {
        html! {
            @match self.level.saturating_add(below) {
                1 => h1 { (content) },
                2 => h2 { (content) },
                3 => h3 { (content) },
                4 => h4 { (content) },
                _ => h5 { (content) },
            }
        }
    }
}

/// A name or a text from the network: its direction of writing ends with it.
pub(super) fn name(text: &str) -> Markup {
    html! { bdi translate="no" { (text) } }
}

/// Sentences of danecheck's, in which `commands` and names stand between such
/// marks.
pub(super) fn prose(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    let is_paired = parts.len() % 2 == 1;
    html! {
        bdi {
            @if is_paired {
                @for (number, part) in parts.iter().enumerate() {
                    @if number % 2 == 1 { code { (part) } } @else { (part) }
                }
            } @else {
                (text)
            }
        }
    }
}

/// The first of a list, and how many are left out.
pub(super) fn cut<T>(all: &[T], most: usize) -> (&[T], usize) {
    let shown = all.get(..most).unwrap_or(all);
    (shown, all.len().saturating_sub(shown.len()))
}
