//! Text that is copied: a block, with a button that appears where it works.

use maud::{Markup, html};

use super::view::View;
use super::words;

/// A block of text to copy, in this language; `None` for what is no language.
pub(super) fn copied(view: &View<'_>, part: &str, text: &str, language: Option<&str>) -> Markup {
    let id = view.id(part);
    html! {
        div.copied {
            pre id=(id) lang=[language] translate="no" { (text) }
            span.note role="status" {}
            button type="button" hidden data-copy=(id) data-copied=(view.say(words::COPIED)) {
                (view.say(words::COPY))
            }
        }
    }
}
