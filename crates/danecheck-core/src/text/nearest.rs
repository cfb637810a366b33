//! The known word that a mistyped one most likely means.

/// Below this, two words have little in common.
const ALIKE: f64 = 0.8;

/// The known word that is most like this one; `None` if none is like it.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = word.to_ascii_lowercase().replace('_', "-");
    known
        .into_iter()
        .map(|known| {
            (
                strsim::jaro_winkler(&plain, &known.to_ascii_lowercase()),
                known,
            )
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}

/// Whether a word is a typing error of a known one: one letter more, less or
/// other, or two exchanged; in longer words two of these.
pub fn is_typing_error(word: &str, known: &str) -> bool {
    let most = if known.chars().count() <= 4 { 1 } else { 2 };
    let word = word.to_ascii_lowercase();
    word != known && strsim::damerau_levenshtein(&word, known) <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 4] = ["tlsa", "overrides", "explain", "dns"];

    #[test]
    fn a_mistyped_word_has_its_nearest() {
        for (word, near) in [
            ("tls", Some("tlsa")),
            ("override", Some("overrides")),
            ("explian", Some("explain")),
            ("OVER_RIDES", Some("overrides")),
            ("completions", None),
        ] {
            assert_eq!(nearest(word, WORDS), near, "{word}");
        }
    }

    #[test]
    fn a_typing_error_is_told_from_another_word() {
        for (word, known, error) in [
            ("tls", "tlsa", true),
            ("dsn", "dns", true),
            ("explian", "explain", true),
            ("overide", "overrides", true),
            ("tlsa", "tlsa", false),
            ("com", "dns", false),
            ("test", "tlsa", false),
        ] {
            assert_eq!(is_typing_error(word, known), error, "{word}");
        }
    }
}
