//! The table of levels: what becomes of the mail at each, in words.

use maud::{Markup, html};

use crate::judge::Outcomes;
use crate::postfix::SecurityLevel;
use crate::report::human::{Cell, cells};

use super::mark::Mark;
use super::view::{View, name};
use super::words;

/// The section; empty if nothing was seen of which it could speak.
pub(super) fn levels(view: &View<'_>) -> Markup {
    let report = view.report;
    if report.hosts.is_empty() && report.mx.is_none() {
        return Markup::default();
    }
    let sender = report.sender.as_ref();
    let of_sender = sender.map(|sender| {
        let title = match sender.title() {
            "this Postfix" => html! { (view.say(words::THIS_POSTFIX)) },
            title => name(title),
        };
        (title, &sender.outcomes)
    });
    let reference = html! { (view.say(words::REFERENCE)) };
    let columns = of_sender.into_iter().chain([(reference, &report.outcomes)]);
    let columns: Vec<_> = columns
        .map(|(title, outcomes)| (title, outcomes, cells(report, outcomes)))
        .collect();
    html! {
        section aria-labelledby=[view.label("levels")] {
            (view.titled(1, "levels", words::LEVELS))
            table.levels {
                thead {
                    tr {
                        th scope="col" { (view.say(words::LEVEL)) }
                        @for (title, ..) in &columns { th scope="col" { (title) } }
                    }
                }
                tbody {
                    @for (place, level) in SecurityLevel::ALL.into_iter().enumerate() {
                        tr {
                            th scope="row" {
                                code { (level.as_str()) }
                                span.quiet { (view.say(words::level(level))) }
                            }
                            @for (_, outcomes, cells) in &columns {
                                td { (cell(view, outcomes, cells.get(place), level)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(view: &View<'_>, outcomes: &Outcomes, cell: Option<&Cell>, level: SecurityLevel) -> Markup {
    let Some(cell) = cell else {
        return Markup::default();
    };
    let mark = Mark::of_tone(cell.tone);
    let outcome = outcomes.at(level);
    let is_known = view.report.is_known(level, outcome);
    let reason = outcome.reason.as_deref().filter(|_| is_known);
    // What is in no language: the words of the log.
    let logged = match (&outcome.dsn, reason) {
        (Some(dsn), Some(reason)) if !outcome.delivers() => Some(format!("{dsn} {reason}")),
        (_, Some(reason)) => Some(reason.to_owned()),
        _ => None,
    };
    html! {
        span class=(format!("standing {}", mark.class())) {
            span aria-hidden="true" { (mark.sign()) } " " (view.say(words::fate(cell.word)))
        }
        @if cell.is_assumed() { " " (view.say(words::IF_SERVERS)) }
        @if cell.varies() { " " (view.say(words::AT_WORST)) }
        @if let Some(logged) = logged {
            span.quiet.log lang="en" { (name(&logged)) }
        }
    }
}
