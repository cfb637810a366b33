//! The findings, each of which opens.

use maud::{Markup, html};

use crate::finding::rule::{Severity, Side};
use crate::report::human::comes_too_early;

use super::super::finding::FindingReport;
use super::super::told::{SHOWN_OF_A_KIND, Told, told};
use super::records::rest;
use super::view::{View, cut, name, prose};
use super::words;

/// Findings that a page shows.
const SHOWN: usize = 40;

pub(super) fn findings(view: &View<'_>) -> Markup {
    let told = told(view.report, SHOWN_OF_A_KIND);
    let (shown, more) = cut(&told, SHOWN);
    html! {
        section aria-labelledby=[view.label("findings")] {
            (view.titled(1, "findings", words::FINDINGS))
            @if shown.is_empty() { p { (view.say(words::NO_FINDINGS)) } }
            @for one in shown { (finding(view, one)) }
            @if more > 0 { (rest(view, more, words::MORE_FINDINGS)) }
        }
    }
}

fn finding(view: &View<'_>, one: &Told<'_>) -> Markup {
    let finding = one.finding;
    let (class, word) = match finding.severity {
        Severity::Error => ("bad", words::ERROR),
        Severity::Warning => ("doubtful", words::WARNING),
        Severity::Info => ("unknown", words::NOTE),
    };
    let is_next_step = finding.severity > Severity::Info && !comes_too_early(view.report, finding);
    html! {
        details.finding {
            summary {
                span class=(format!("badge {class}")) { (view.say(word)) } " "
                (view.english(sentence(one)))
                @if one.left_out > 0 {
                    " " span.quiet { "+ " (one.left_out) " " (view.say(words::MORE_OF_KIND)) }
                }
            }
            div {
                @if is_next_step { (remedy(view, finding)) }
                p.quiet {
                    (view.say(words::RULE)) ": " (view.english(name(&finding.reference))) ". "
                    code { "danecheck explain " (finding.id) } " " (view.say(words::EXPLAINED))
                }
            }
        }
    }
}

/// What a finding says; the name of what it is about keeps its direction of
/// writing to itself.
pub(super) fn sentence(one: &Told<'_>) -> Markup {
    let subject = one.finding.subject.as_str();
    // Marks around the subject need both halves.
    if subject.is_empty() || one.message.contains('`') {
        return prose(&one.message);
    }
    let parts: Vec<&str> = one.message.split(subject).collect();
    html! {
        @for (number, part) in parts.iter().enumerate() {
            @if number > 0 { (name(subject)) }
            bdi { (part) }
        }
    }
}

/// What to do: a paragraph for each who can act.
pub(super) fn remedy(view: &View<'_>, finding: &FindingReport) -> Markup {
    let who = |side| match side {
        Side::Receiver => words::RECEIVER,
        Side::Sender => words::SENDER,
    };
    html! {
        @for (side, step) in finding.steps() {
            p.step { strong { (view.say(who(side))) ":" } " " (view.english(prose(step))) }
        }
    }
}
