//! The document around the sections: head, landmarks, style and script.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::entry::Language;

/// The style of every page. It stands in the document.
const STYLE: &str = include_str!("style.css");

/// Makes the buttons that copy work. Every page is whole without it.
const SCRIPT: &str = include_str!("script.js");

/// What is around the content of a page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frame<'a> {
    /// The language of the page's own words.
    pub language: Language,
    /// Links above the content, to other pages of the same site; none in a file.
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
/// (CSP 3, section 2.3.1). A `meta` cannot say `frame-ancestors`.
pub fn content_security_policy() -> String {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

/// A whole document with this content between header and footer. The content is
/// what stands in `main`: its first heading is an `h1`.
pub fn document(title: &str, content: Markup, frame: &Frame<'_>) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang=(frame.language.as_str()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_security_policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                @if !frame.links.is_empty() {
                    header {
                        nav {
                            @for link in frame.links {
                                a href=(link.href) { (link.text) }
                            }
                        }
                    }
                }
                main { (content) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    let mut text = markup.into_string();
    text.push('\n');
    text
}
