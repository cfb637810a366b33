//! The person who reads a page: the language, and how links keep it.

use form_urlencoded::parse;
use hyper::Request;
use hyper::header::{ACCEPT_LANGUAGE, HeaderMap};

use danecheck_core::entry::Language;

/// Who reads a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reader {
    pub(super) language: Language,
    /// The address names the language, so that the links do too.
    pub(super) chose: bool,
}

impl Reader {
    /// By `?lang=`, else by the browser's settings.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        match parameter(query.as_bytes(), "lang").and_then(|code| language(&code)) {
            Some(language) => Self {
                language,
                chose: true,
            },
            None => Self {
                language: accepted(request.headers()),
                chose: false,
            },
        }
    }

    /// The address of another page for the same reader.
    pub(super) fn link(self, path: &str) -> String {
        match self.chose {
            true => format!("{path}?lang={}", self.language.as_str()),
            false => path.to_owned(),
        }
    }
}

/// The first value of a parameter in a query or a form.
pub(super) fn parameter(form: &[u8], wanted: &str) -> Option<String> {
    let mut parameters = parse(form);
    let found = parameters.find(|(name, _)| name == wanted);
    found.map(|(_, value)| value.into_owned())
}

/// The language of a code.
pub(super) fn language(code: &str) -> Option<Language> {
    Language::ALL
        .into_iter()
        .find(|language| language.as_str().eq_ignore_ascii_case(code))
}

/// The language that a browser prefers (RFC 9110 section 12.5.4).
fn accepted(headers: &HeaderMap) -> Language {
    let ranges = headers.get_all(ACCEPT_LANGUAGE).iter();
    let ranges = ranges.filter_map(|value| value.to_str().ok());
    let mut best = (0.0, Language::default());
    for range in ranges.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let code = tag.split('-').next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        let weight: f32 = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        if let Some(language) = language(code)
            && weight > best.0
        {
            best = (weight, language);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_counts_before_the_settings() {
        for (address, accepts, expected, chose) in [
            ("/", "", Language::En, false),
            ("/", "de", Language::De, false),
            ("/", "de-AT,de;q=0.9,en;q=0.8", Language::De, false),
            ("/", "fr, en;q=0.5, de;q=0.7", Language::De, false),
            ("/", "en, de", Language::En, false),
            ("/", "de;q=0, en;q=0.1", Language::En, false),
            ("/", "de;q=nonsense", Language::En, false),
            ("/", "fr", Language::En, false),
            ("/?lang=de", "en", Language::De, true),
            ("/?x=1&lang=EN", "de", Language::En, true),
            ("/?lang=fr", "de", Language::De, false),
        ] {
            let request = Request::builder().uri(address);
            let request = request.header("accept-language", accepts).body(()).unwrap();
            let reader = Reader::of(&request);
            assert_eq!(
                reader,
                Reader {
                    language: expected,
                    chose
                },
                "{address} {accepts}"
            );
        }
        let reader = Reader {
            language: Language::De,
            chose: true,
        };
        assert_eq!(reader.link("/history"), "/history?lang=de");
    }
}
