//! Options with a fixed list of values.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// Reads one of these values by its word; `--help` lists each with what it
/// means.
pub(super) fn choice<T>(
    values: impl IntoIterator<Item = (T, &'static str, &'static str)>,
) -> impl TypedValueParser<Value = T>
where
    T: Copy + Send + Sync + 'static,
{
    let values: Vec<_> = values.into_iter().collect();
    let possible = values
        .iter()
        .map(|(_, word, meaning)| PossibleValue::new(*word).help(*meaning));
    PossibleValuesParser::new(possible).try_map(move |chosen| {
        let known = values.iter().find(|(_, word, _)| *word == chosen);
        known.map(|(value, ..)| *value).ok_or("unknown value")
    })
}
