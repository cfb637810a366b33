//! Several targets: what a document keeps of them, and the table on top.

use std::collections::VecDeque;

use maud::{Markup, PreEscaped, html};

use crate::entry::Language;
use crate::judge::Action;

use super::super::summary::{cause, rank};
use super::headline;
use super::mark::Mark;
use super::section::{harmless, section};
use super::view::{View, name};
use super::words;

/// Rows of the table: the worst targets.
const ROWS: usize = 1000;

/// The most that the sections of a document weigh together, in bytes.
const SECTIONS: usize = 16 << 20;

/// What a document keeps of its targets: so many rows, and sections for the
/// worst of them. The others are counted.
#[derive(Debug, Default)]
pub(super) struct Overview {
    good: u64,
    doubtful: u64,
    bad: u64,
    unknown: u64,
    /// The worst first; among equals in the order in which they came.
    rows: Vec<Row>,
    /// The bytes of all sections.
    weight: usize,
}

#[derive(Debug)]
struct Row {
    rank: (u8, usize),
    number: usize,
    mark: Mark,
    target: String,
    /// The cells after the target's.
    cells: String,
    section: Option<String>,
}

impl Overview {
    /// Adds a target, which is the only one with this number.
    pub(super) fn add(&mut self, view: &View<'_>) {
        let mark = Mark::of(view.report, view.status);
        *match mark {
            Mark::Good => &mut self.good,
            Mark::Doubtful => &mut self.doubtful,
            Mark::Bad => &mut self.bad,
            Mark::Unknown | Mark::Neutral => &mut self.unknown,
        } += 1;
        let rank = rank(view.report, view.status);
        let place = self.rows.partition_point(|other| other.rank >= rank);
        if place >= ROWS {
            return;
        }
        let section = section(view).into_string();
        self.weight += section.len();
        let row = Row {
            rank,
            number: view.number,
            mark,
            target: view.report.target.clone(),
            cells: cells(view).into_string(),
            section: Some(section),
        };
        self.rows.insert(place, row);
        if let Some(dropped) = self.rows.get(ROWS) {
            self.weight -= dropped.section.as_ref().map_or(0, String::len);
            self.rows.truncate(ROWS);
        }
        let mut least = self.rows.iter_mut().rev();
        while self.weight > SECTIONS
            && let Some(row) = least.next()
        {
            let section = row.section.take();
            self.weight -= section.map_or(0, |section| section.len());
        }
    }

    fn all(&self) -> u64 {
        self.good + self.doubtful + self.bad + self.unknown
    }

    /// `3 targets`.
    pub(super) fn title(&self, language: Language) -> String {
        match self.all() {
            0 => words::NO_TARGET.of(language).to_owned(),
            1 => format!("1 {}", words::ONE_TARGET.of(language)),
            all => format!("{all} {}", words::TARGETS.of(language)),
        }
    }

    /// The table and the sections below it. The sections are given away as they
    /// are written.
    pub(super) fn content(self, language: Language) -> Markup {
        let counts = [
            (Mark::Bad, self.bad),
            (Mark::Unknown, self.unknown),
            (Mark::Doubtful, self.doubtful),
            (Mark::Good, self.good),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        let listed = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        let not_listed = self.all().saturating_sub(listed);
        let bare = self.rows.iter().filter(|row| row.section.is_none()).count();
        let title = self.title(language);
        let table = html! {
            h1 id="top" { (title) }
            p.counts {
                @for (mark, count) in counts {
                    span class=(format!("badge {}", mark.class())) {
                        span aria-hidden="true" { (mark.sign()) } " "
                        (count) " " (mark.word().of(language))
                    }
                    " "
                }
            }
            @if !self.rows.is_empty() {
                div.scroll role="group" tabindex="0" aria-label=(words::OVERVIEW.of(language)) {
                    table.overview {
                        caption { (words::OVERVIEW.of(language)) }
                        thead {
                            tr {
                                th scope="col" { (words::STATE.of(language)) }
                                th scope="col" { (words::TARGET.of(language)) }
                                th scope="col" { (words::ANSWER.of(language)) }
                                th scope="col" { (words::FINDINGS.of(language)) }
                                th scope="col" { (words::OVERRIDE.of(language)) }
                            }
                        }
                        tbody { @for row in &self.rows { (row.markup(language)) } }
                    }
                }
            }
            @if not_listed > 0 { p { (not_listed) " " (words::NOT_LISTED.of(language)) } }
            @if bare > 0 { p { (bare) " " (words::WITHOUT_SECTION.of(language)) } }
        };
        let mut text = harmless(&table).into_string();
        let mut rows: VecDeque<Row> = self.rows.into();
        while let Some(row) = rows.pop_front() {
            if let Some(section) = row.section {
                text.push_str(&section);
                let up = html! { p.up { a href="#top" { (words::TO_TOP.of(language)) } } };
                text.push_str(&up.into_string());
            }
        }
        PreEscaped(text)
    }
}

impl Row {
    fn markup(&self, language: Language) -> Markup {
        html! {
            tr {
                td {
                    span class=(format!("standing {}", self.mark.class())) {
                        span aria-hidden="true" { (self.mark.sign()) } " "
                        (self.mark.word().of(language))
                    }
                }
                th scope="row" {
                    @match self.section {
                        Some(_) => a href=(format!("#t{}", self.number)) { (name(&self.target)) },
                        None => (name(&self.target)),
                    }
                }
                (PreEscaped(&self.cells))
            }
        }
    }
}

fn cells(view: &View<'_>) -> Markup {
    let advice = &view.report.recommendation;
    html! {
        td { (headline::answer(view)) }
        td { @if let Some(id) = cause(view.report) { code { (id) } } }
        td {
            @match (advice.action, advice.policy) {
                (Action::Override, Some(policy)) => code { (policy.as_str()) },
                (Action::NotFixable, _) if !view.report.is_answered() => {
                    (view.say(words::OVERRIDE_UNKNOWN))
                },
                (action, _) => (view.say(words::action(action))),
            }
        }
    }
}
