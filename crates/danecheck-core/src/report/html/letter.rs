//! The letter to the receiver, folded.

use maud::{Markup, html};

use super::super::letter::{Carrier, Letter};
use super::copied::copied;
use super::view::View;
use super::words;

/// The letter, if there is something to write about.
pub(super) fn of(view: &View<'_>) -> Option<Letter> {
    let letter = Letter::of(view.report, view.language);
    (!letter.text.is_empty()).then_some(letter)
}

pub(super) fn letter(view: &View<'_>) -> Markup {
    let Some(letter) = of(view) else {
        return Markup::default();
    };
    let beside = match letter.carrier {
        Carrier::Usual => words::READ_FIRST,
        Carrier::Another => words::LETTER_ELSEWHERE,
        Carrier::WithoutDane => words::LETTER_WITHOUT_DANE,
        Carrier::WithoutTls => words::LETTER_WITHOUT_TLS,
        Carrier::WithoutDnssec => words::LETTER_WITHOUT_DNSSEC,
        Carrier::Nobody => words::LETTER_IN_VAIN,
    };
    html! {
        section aria-labelledby=[view.label("letter")] {
            (view.titled(1, "letter", words::LETTER))
            p { (view.say(beside)) }
            details.letter {
                summary { (view.say(words::TO_LETTER)) }
                (copied(view, "mail", &letter.text, Some(view.language.as_str())))
            }
        }
    }
}
