//! The override to paste, what it gives up, and when to remove it.

use maud::{Markup, html};

use crate::entry::{mailcow_row, mailcow_steps};
use crate::judge::Action;
use crate::report::human::{Ways, deployment_text};
use crate::report::recommendation::StrictestReport;

use super::copied::copied;
use super::given_up;
use super::view::{View, cut, name, prose};
use super::words;

/// Stricter lines that are shown.
const STRICTER: usize = 6;

/// The section; empty where no override is advised.
pub(super) fn entry(view: &View<'_>) -> Markup {
    let report = view.report;
    let advice = &report.recommendation;
    let is_asked = deployment_text(report).is_none();
    html! {
        @if is_asked && advice.action == Action::Override {
            section aria-labelledby=[view.label("entry")] {
                (view.titled(1, "entry", words::ENTRY))
                (lines(view))
            }
        }
        (strictest(view))
    }
}

fn lines(view: &View<'_>) -> Markup {
    let report = view.report;
    let advice = &report.recommendation;
    let ways = Ways::of(report);
    let postfix = advice.entries.postfix.as_ref().filter(|_| ways.postfix);
    let mailcow = advice.entries.mailcow.as_ref().filter(|_| ways.mailcow);
    let (stricter, _) = cut(&advice.alternatives, STRICTER);
    html! {
        @if let Some(policy) = advice.policy {
            p {
                (view.say(words::UNTIL_FIXED)) ": " strong { code { (policy.as_str()) } } ". "
                @if let Some(gives_up) = &advice.gives_up {
                    (view.say(words::GIVES_UP)) ": " (given_up::given_up(view, gives_up)) "."
                }
            }
        }
        @if let Some(caution) = &advice.caution { (first(view, caution)) }
        @if let Some(line) = postfix {
            p.column { (view.say(words::FOR_POSTFIX)) }
            (copied(view, "postfix", &with_comment(view, line), Some("en")))
            p {
                (view.say(words::GOES_INTO)) ": " (prose(view.say(words::FIRST_TABLE))) " "
                (view.say(words::TO_ACTIVATE)) ": " (prose(view.say(words::ACTIVATION)))
            }
        }
        @if let Some(row) = mailcow {
            p.column { (view.say(words::FOR_MAILCOW)) }
            (copied(
                view,
                "mailcow",
                &mailcow_steps(row, view.language, str::to_owned).join("\n"),
                Some(view.language.as_str()),
            ))
        }
        @if let Some(when) = &advice.remove_when {
            p { (view.say(words::REMOVE)) " " (given_up::removable(view, when)) "." }
        }
        @if !stricter.is_empty() {
            details.stricter {
                summary { (view.say(words::STRICTER)) }
                ul.records {
                    @for one in stricter {
                        li {
                            @match one.mailcow.as_ref().filter(|_| !ways.postfix) {
                                Some(row) => (name(&mailcow_row(row, view.language))),
                                None => code { (one.postfix) },
                            }
                            p.quiet { (view.english(prose(&one.cost))) }
                        }
                    }
                }
            }
        }
    }
}

/// The line below its comment. It ends, so that a line before which it is pasted
/// stays a line of its own.
fn with_comment(view: &View<'_>, line: &str) -> String {
    let comment = view.report.recommendation.entries.comment.iter().flatten();
    let mut text: String = comment.map(|line| format!("{line}\n")).collect();
    text.push_str(line);
    text.push('\n');
    text
}

/// What to check before the line is set.
fn first(view: &View<'_>, caution: &str) -> Markup {
    html! {
        p.caution {
            strong { (view.say(words::FIRST)) ":" } " " (view.english(prose(caution)))
        }
    }
}

/// The strictest line, if it was asked for.
fn strictest(view: &View<'_>) -> Markup {
    let advice = &view.report.recommendation;
    let Some(strictest) = &advice.strictest else {
        return Markup::default();
    };
    let sentences = [&strictest.breaks_when, &strictest.notice];
    let has_override = advice.action == Action::Override;
    let line = &strictest.entries.postfix;
    let is_override = has_override && advice.entries.postfix == *line;
    html! {
        section aria-labelledby=[view.label("strictest")] {
            (view.titled(1, "strictest", words::STRICTEST))
            @match line {
                None => p { (view.say(words::NO_LINE)) },
                Some(_) if is_override => p { (view.say(words::IS_OVERRIDE)) },
                Some(line) => (strictest_line(view, strictest, line, has_override)),
            }
            p { (view.english(prose(&strictest.reason))) }
            @for sentence in sentences.into_iter().flatten() {
                p { (view.english(prose(sentence))) }
            }
        }
    }
}

/// The line in the forms of the sender.
fn strictest_line(
    view: &View<'_>,
    strictest: &StrictestReport,
    line: &str,
    has_override: bool,
) -> Markup {
    let ways = Ways::of(view.report);
    let purpose = match has_override {
        true => words::IN_PLACE,
        false => words::FOR_PARTNER,
    };
    html! {
        p { (view.say(purpose)) }
        @if let Some(caution) = &strictest.caution { (first(view, caution)) }
        @if ways.postfix { (copied(view, "strictest-line", &format!("{line}\n"), None)) }
        @if let Some(row) = strictest.entries.mailcow.as_ref().filter(|_| ways.mailcow) {
            p { (view.say(words::FOR_MAILCOW)) ": " (name(&mailcow_row(row, view.language))) }
        }
    }
}
