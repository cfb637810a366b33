//! The data of a record, with the bytes that are equal to those of another.

use maud::{Markup, html};

use super::view::View;
use super::words;

/// Hexadecimal digits of a record that a page shows: 64 bytes, of SHA-512.
const DIGITS: usize = 128;

/// Equal digits in a row that are no chance: four bytes.
const RUN: usize = 8;

/// A part of a record's data.
#[derive(Debug, PartialEq, Eq)]
struct Part<'a> {
    text: &'a str,
    is_equal: bool,
}

/// The fields `3 1 1`, and the data.
pub(super) fn split(record: &str) -> (&str, &str) {
    record.rsplit_once(' ').unwrap_or((record, ""))
}

/// A record; the bytes are marked that are equal in one of the others, at the
/// same place and with the same selector and matching type. All of them are
/// where the record is known to match.
pub(super) fn record<'a>(
    view: &View<'_>,
    record: &str,
    matches: bool,
    others: impl Iterator<Item = &'a str>,
) -> Markup {
    let (fields, data) = split(record);
    let (shown, is_cut) = match data.get(..DIGITS) {
        Some(shown) if data.len() > DIGITS => (shown, true),
        _ => (data, false),
    };
    let kind = |fields: &str| fields.split_once(' ').map(|(_, kind)| kind.to_owned());
    let alike = others
        .map(split)
        .filter(|(other, _)| kind(other) == kind(fields));
    let alike: Vec<&str> = alike.map(|(_, data)| data).collect();
    let parts = match matches {
        true => vec![Part {
            text: shown,
            is_equal: true,
        }],
        false => parts(shown, &alike),
    };
    html! {
        code.record {
            span.fields { (fields) } " "
            @for part in &parts {
                @if part.is_equal { mark { (part.text) } } @else { (part.text) }
            }
            @if is_cut { "\u{2026}" }
        }
        @if is_cut { " (" (view.say(words::CUT_DATA)) ")" }
        @if !matches && parts.iter().any(|part| part.is_equal) {
            " "
            span.quiet {
                (equal(&parts) / 2) " " (view.say(words::EQUAL_BYTES))
            }
        }
    }
}

fn equal(parts: &[Part<'_>]) -> usize {
    let equal = parts.iter().filter(|part| part.is_equal);
    equal.map(|part| part.text.len()).sum()
}

/// The data, parted where it begins and ends to be equal.
fn parts<'a>(data: &'a str, others: &[&str]) -> Vec<Part<'a>> {
    let mut is_equal = vec![false; data.len()];
    for other in others {
        let mut run = 0;
        let pairs = data.bytes().zip(other.bytes());
        for (place, (one, other)) in pairs.enumerate() {
            run = match one == other {
                true => run + 1,
                false => 0,
            };
            // A run begins at a whole byte.
            if run >= RUN + (place + 1 - run) % 2 {
                let from = (place + 2 - run) / 2 * 2;
                let marked = is_equal.get_mut(from..place.div_ceil(2) * 2);
                marked.into_iter().flatten().for_each(|digit| *digit = true);
            }
        }
    }
    let mut parts = Vec::new();
    let mut from = 0;
    for place in 1..=data.len() {
        let (before, here) = (is_equal.get(place - 1), is_equal.get(place));
        if before == here {
            continue;
        }
        if let (Some(text), Some(before)) = (data.get(from..place), before) {
            parts.push(Part {
                text,
                is_equal: *before,
            });
            from = place;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(data: &str, others: &[&str]) -> String {
        let parts = parts(data, others).into_iter();
        parts
            .map(|part| match part.is_equal {
                true => format!("[{}]", part.text),
                false => part.text.to_owned(),
            })
            .collect()
    }

    #[test]
    fn runs_of_four_whole_bytes_are_marked() {
        for (data, others, marked) in [
            ("", &["aa"][..], ""),
            ("aabbccdd", &["aabbccdd"], "[aabbccdd]"),
            // A record that was cut.
            ("aabbccddee", &["aabbccddeeff0011"], "[aabbccddee]"),
            // Three equal bytes are chance.
            ("aabbcc00", &["aabbcc11"], "aabbcc00"),
            // Half a byte at both ends does not count.
            ("1abbccddee2f", &["0abbccddee3f"], "1a[bbccddee]2f"),
            ("1abbccdd2f", &["0abbccdd3f"], "1abbccdd2f"),
            // Two others, each for one end.
            (
                "0011223344556677889900",
                &["00112233ffffffffffffff", "ffffffffffffff77889900"],
                "[00112233]445566[77889900]",
            ),
            ("aabbccdd", &["ffaabbcc", ""], "aabbccdd"),
        ] {
            assert_eq!(shown(data, others), marked, "{data}");
        }
    }
}
