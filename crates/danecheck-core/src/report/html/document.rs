//! The document around the sections: head, landmarks, style and script.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::entry::Language;
use crate::text::shown;

use super::words;

/// What a report and other pages beside it have in common, as CSS: colours and text.
pub const BASE_STYLE: &str = include_str!("base.css");

/// The style of every page. It stands in the document.
const STYLE: &str = concat!(include_str!("base.css"), include_str!("style.css"));

/// Makes the buttons that copy work. Every page is whole without it.
const SCRIPT: &str = include_str!("script.js");

/// What is around the content of a page. The default is right for a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frame<'a> {
    /// The language of the page's own words.
    pub language: Language,
    /// Links above the content, to other pages of the same site.
    pub links: &'a [Link<'a>],
}

/// A link to another page.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// What is shown.
    pub text: &'a str,
    /// Where it leads.
    pub href: &'a str,
}

/// The Content-Security-Policy of a page, for its `meta` and for the header of a
/// server: nothing but the page's own style and script, known by their digests
/// (CSP 3, section 2.3.1). A server adds `frame-ancestors 'none'`, which a `meta`
/// cannot say.
pub fn content_security_policy() -> String {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        digest(STYLE),
        digest(SCRIPT),
    )
}

/// A whole document with this content in its `main`, beginning with an `h1`.
/// Harmless are the title and the links; the content is what the caller made of
/// it.
pub(super) fn document(title: &str, content: &Markup, frame: &Frame<'_>) -> String {
    let language = frame.language;
    let markup = html! {
        (DOCTYPE)
        html lang=(language.as_str()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_security_policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (shown(title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                @if !frame.links.is_empty() {
                    header.site {
                        nav aria-label=(words::SITE.of(language)) {
                            @for link in frame.links {
                                a href=(link.href) { (shown(link.text)) }
                            }
                        }
                    }
                }
                main { (content) }
                footer.site {
                    p {
                        (words::MADE_BY.of(language)) " danecheck " (env!("CARGO_PKG_VERSION")) ". "
                        (words::FOOT.of(language))
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    let mut text = markup.into_string();
    text.push('\n');
    text
}
