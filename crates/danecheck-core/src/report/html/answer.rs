//! The answer: what becomes of the mail, why, and what to do.

use maud::{Markup, html};

use crate::finding::rule::Severity;
use crate::judge::Action;
use crate::report::human::{comes_too_early, deployment_text, policy};

use super::super::no_override::{command_for_mailcow, no_help as why_no_help, not_needed};
use super::super::told::told;
use super::findings::{remedy, sentence};
use super::headline;
use super::mark::Mark;
use super::view::{View, cut, name, prose};
use super::words;

/// Resolver addresses and skipped hosts that are named.
const NAMED: usize = 8;

/// The heading with everything that has to be read.
pub(super) fn answer(view: &View<'_>) -> Markup {
    let report = view.report;
    let mark = Mark::of(report, view.status);
    html! {
        div class=(format!("answer {}", mark.class())) {
            (view.heading(0, name(&report.target)))
            p.headline {
                span.badge {
                    span aria-hidden="true" { (mark.sign()) } " " (view.say(mark.word()))
                }
                " " strong { (headline::answer(view)) }
            }
            @if let Some(text) = policy(report) { p { (view.english(prose(&text))) } }
            @if let Some(assumed) = &report.assumed {
                p { strong { (view.say(words::ASSUMPTION)) ":" } " " (view.english(prose(&assumed.text))) }
            }
            @if !report.skipped_hosts.is_empty() {
                p {
                    (view.say(words::SKIPPED)) ": "
                    (list(&report.skipped_hosts)) "."
                }
            }
            (cause(view))
            (advice(view))
        }
        (facts(view))
    }
}

/// The names, with a number for those that are too many.
fn list(names: &[String]) -> Markup {
    let (shown, more) = cut(names, NAMED);
    html! {
        @for (number, one) in shown.iter().enumerate() {
            @if number > 0 { ", " }
            (name(one))
        }
        @if more > 0 { " +" (more) }
    }
}

/// The worst finding, and whose move it is.
fn cause(view: &View<'_>) -> Markup {
    let told = told(view.report, 1);
    let worst = told
        .iter()
        .find(|one| one.finding.severity > Severity::Info);
    html! {
        @if let Some(one) = worst {
            p { (view.english(sentence(one))) }
            @if !comes_too_early(view.report, one.finding) {
                (remedy(view, one.finding))
            }
        }
    }
}

fn advice(view: &View<'_>) -> Markup {
    let report = view.report;
    let advice = &report.recommendation;
    html! {
        @if let Some(text) = deployment_text(report) {
            p { strong { (view.english(prose(&text))) } }
        } @else {
            p {
                @match advice.action {
                    Action::Keep => (nothing_needed(view)),
                    Action::NotFixable => (no_help(view)),
                    Action::Override => {
                        (view.say(words::UNTIL_FIXED)) ": "
                        a href=(format!("#{}", view.id("entry"))) { (view.say(words::TO_ENTRY)) }
                        "."
                    },
                }
                @if super::letter::of(view).is_some() {
                    " " a href=(format!("#{}", view.id("letter"))) { (view.say(words::TO_LETTER)) }
                    "."
                }
            }
        }
    }
}

fn nothing_needed(view: &View<'_>) -> Markup {
    let report = view.report;
    html! {
        strong { (view.say(not_needed(report))) }
        @if let Some(command) = command_for_mailcow(report) {
            " " code { (command) } "."
        }
    }
}

/// Why no override is advised.
fn no_help(view: &View<'_>) -> Markup {
    let report = view.report;
    let answer = report.answer();
    html! {
        (view.say(why_no_help(report)))
        @if !report.is_answered() {
            " " (view.english(prose(&report.recommendation.reason)))
        } @else {
            @if let Some(reason) = &answer.reason {
                " " (view.say(words::POSTFIX_LOGS)) ": " (view.english(html! { q { (name(reason)) } })) "."
            }
        }
    }
}

/// When, by which resolver, and the verdict.
fn facts(view: &View<'_>) -> Markup {
    let report = view.report;
    let resolver = &report.resolver;
    let sender = report.sender.as_ref();
    let logged = sender.filter(|sender| !sender.outcome.delivers() && report.is_answered());
    html! {
        dl.facts {
            (fact(view.say(words::VERDICT), &html! { code { (report.verdict.as_str()) } }))
            (fact(view.say(words::CHECKED_AT), &moment(&report.checked_at.to_string())))
            @if report.judged_at != report.checked_at {
                (fact(view.say(words::JUDGED_AT), &moment(&report.judged_at.to_string())))
            }
            @if !resolver.addresses.is_empty() {
                (fact(view.say(words::RESOLVER), &html! {
                    (list(&resolver.addresses)) ", "
                    (view.say(match resolver.validates {
                        Some(true) => words::VALIDATES,
                        Some(false) => words::DOES_NOT_VALIDATE,
                        None => words::DID_NOT_ANSWER,
                    }))
                }))
            }
            @if let Some(proxy) = &report.proxy {
                (fact(view.say(words::PROXY), &name(proxy)))
            }
            @if let Some(sender) = sender {
                (fact(view.say(words::SENDER), &name(&sender.name)))
            }
            @if let Some(reason) = logged.and_then(|sender| sender.outcome.reason.as_ref()) {
                (fact(view.say(words::WILL_LOG), &view.english(html! { q { (name(reason)) } })))
            }
        }
    }
}

fn fact(term: &str, value: &Markup) -> Markup {
    html! { div { dt { (term) } dd { (value) } } }
}

/// `2026-11-29T04:57:21Z`, for a person.
fn moment(text: &str) -> Markup {
    let words = text.replace('T', " ").replace('Z', " UTC");
    html! { time datetime=(text) { (words) } }
}
