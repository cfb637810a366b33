//! The short report: an answer that fits on a screen.

use crate::entry::mailcow_fields;
use crate::finding::NO_TLSA;
use crate::finding::rule::Severity;
use crate::judge::Action;
use crate::text::{Tone, wrap};

use super::super::model::Report;
use super::super::told::{Told, told_naming};
use super::assumed;
use super::findings::word;
use super::first_line;
use super::page::{HumanStyle, Page};
use super::recommendation::{Ways, level, reason};
use super::sender::policy;

/// Lines for one fault on one host, for any domain, and for any domain on a
/// narrow terminal.
const FOR_ONE_FAULT: usize = 15;
const FOR_ANY: usize = 22;
const FOR_NARROW: usize = 30;

/// Below this width a terminal is narrow.
const NARROW: usize = 80;

/// How many lines each part may take; the report gets the first of these with
/// which it fits.
#[derive(Clone, Copy)]
struct Room {
    headline: usize,
    assumption: usize,
    policy: usize,
    cause: usize,
    /// Whether what to do stands there; else where to read it.
    step: bool,
    /// Hosts of a finding about several that are named.
    named: usize,
    also: usize,
    /// Other findings that are said in a sentence, not by their ids alone.
    said: usize,
    caution: usize,
    line: usize,
}

const WIDEST: Room = Room {
    headline: 4,
    assumption: 4,
    policy: 3,
    cause: 8,
    step: true,
    named: 3,
    also: 2,
    said: 2,
    caution: 5,
    line: 3,
};

const ROOMS: [Room; 6] = [
    WIDEST,
    Room { said: 0, ..WIDEST },
    Room {
        cause: 4,
        said: 0,
        caution: 4,
        ..WIDEST
    },
    Room {
        headline: 3,
        assumption: 3,
        policy: 2,
        cause: 3,
        named: 2,
        said: 0,
        caution: 4,
        ..WIDEST
    },
    Room {
        headline: 2,
        assumption: 3,
        policy: 2,
        cause: 2,
        named: 1,
        also: 1,
        said: 0,
        caution: 4,
        line: 2,
        ..WIDEST
    },
    Room {
        headline: 2,
        assumption: 2,
        policy: 1,
        cause: 2,
        step: false,
        named: 1,
        also: 1,
        said: 0,
        caution: 3,
        line: 2,
    },
];

pub(super) fn short(report: &Report, style: HumanStyle) -> Page {
    let told = faults(report, 1);
    let hard = match style.width < NARROW {
        true => FOR_NARROW,
        false => FOR_ANY,
    };
    let most = match told.len() <= 1 && report.hosts.len() <= 1 {
        true if style.width >= NARROW => FOR_ONE_FAULT,
        _ => hard,
    };
    let pages = || ROOMS.iter().map(|room| within(report, style, room));
    let lines = |page: &Page| page.text.lines().count();
    // Long names need more room: half a sentence helps nobody, and a place to
    // read the step helps less than the step.
    let mut best: Option<((bool, bool), Page)> = None;
    for room in ROOMS.iter().filter(|room| room.step) {
        let page = within(report, style, room);
        if page.is_cut || lines(&page) > hard {
            continue;
        }
        let wants = (lines(&page) > most, page.leaves_out);
        if wants == (false, false) {
            return page;
        }
        if best.as_ref().is_none_or(|(known, _)| wants < *known) {
            best = Some((wants, page));
        }
    }
    let whole = best.map(|(_, page)| page);
    let any = whole.or_else(|| pages().find(|page| lines(page) <= hard));
    any.or_else(|| pages().next_back())
        .unwrap_or_else(|| Page::new(style))
}

/// The errors and warnings.
fn faults(report: &Report, named: usize) -> Vec<Told<'_>> {
    let told = told_naming(report, usize::MAX, named);
    told.into_iter()
        .filter(|one| one.finding.severity > Severity::Info)
        .collect()
}

fn within(report: &Report, style: HumanStyle, room: &Room) -> Page {
    let told = faults(report, room.named);
    let mut page = Page::new(style);
    first_line(&mut page, report, room.headline);
    if let Some(text) = policy(report) {
        page.clipped("  ", "  ", &text, room.policy);
    }
    if let Some(assumed) = &report.assumed {
        let tinted = format!("  {}", page.tint(Tone::Strong, "Assumption: "));
        page.clipped("  Assumption: ", &tinted, &assumed.text, room.assumption);
    }
    if !report.skipped_hosts.is_empty() {
        let hosts = report.skipped_hosts.join(", ");
        let text = format!("{hosts}, as danecheck.toml says.");
        let lead = "  Not checked: ";
        page.clipped(lead, lead, &text, room.policy);
    }
    page.blank();
    if let Some((first, others)) = told.split_first() {
        cause(&mut page, report, first, room);
        also(&mut page, &first.finding.id, others, room);
    } else if let Some(note) = told_naming(report, usize::MAX, room.named)
        .iter()
        .find(|one| one.finding.is_of(&NO_TLSA))
    {
        page.clipped("  note: ", "  note: ", &note.message, room.cause);
        page.blank();
    }
    advice(&mut page, report, told.first(), room);
    page
}

/// The cause, and whose move it is.
fn cause(page: &mut Page, report: &Report, told: &Told<'_>, room: &Room) {
    let finding = told.finding;
    let (word, tone) = word(finding.severity);
    let lead = format!("  {word}");
    let tinted = format!("  {}", page.tint(tone, word));
    let (text, is_all) = sentences(&told.message, page.room_after(&lead), room.cause);
    page.leaves_out |= !is_all;
    match room.step {
        true => page.paragraph(&lead, &tinted, &text),
        false => page.clipped(&lead, &tinted, &text, room.cause),
    }
    if assumed::comes_too_early(report, finding) {
        return;
    }
    let Some((side, step)) = finding.steps().next() else {
        return;
    };
    let who = side.as_str();
    let text = match room.step {
        true => format!("{who}: {step}"),
        // Half a step would mislead.
        false => format!("{who}: `danecheck explain {}` says what to do.", finding.id),
    };
    page.paragraph("  ", "  ", &text);
}

/// Stands where sentences were left out.
const MORE: &str = " (-v says more)";

/// The first sentence, and as many more as fit into these lines; whether that is
/// all of them. Else a mark stands at the end.
fn sentences(text: &str, width: usize, most: usize) -> (String, bool) {
    if wrap(text, width).len() <= most {
        return (text.to_owned(), true);
    }
    let mut all = split(text);
    let mut taken = all.next().unwrap_or_default().to_owned();
    let mut is_all = true;
    for sentence in all {
        let longer = format!("{taken} {sentence}");
        is_all = wrap(&format!("{longer}{MORE}"), width).len() <= most;
        if !is_all {
            taken.push_str(MORE);
            break;
        }
        taken = longer;
    }
    (taken, is_all)
}

/// Sentences: a full stop, a blank and a capital letter part them, but not
/// inside brackets, where names of DNS end with a full stop.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let ends = rest.match_indices(". ").map(|(at, _)| at + 1);
        let mut ends = ends.filter(|at| {
            let (before, after) = rest.split_at(*at);
            is_closed(before)
                && after
                    .trim_start()
                    .starts_with(|c: char| c.is_ascii_uppercase())
        });
        let end = ends.next().unwrap_or(rest.len());
        let (sentence, after) = rest.split_at(end);
        rest = after.trim_start();
        Some(sentence)
    })
}

/// Whether as many brackets close as open.
fn is_closed(text: &str) -> bool {
    [('(', ')'), ('<', '>')]
        .iter()
        .all(|(open, close)| text.matches(*open).count() == text.matches(*close).count())
}

/// The other errors and warnings: the first in a sentence each where there is
/// room, the rest by their ids.
fn also(page: &mut Page, cause: &str, others: &[Told<'_>], room: &Room) {
    let mut others: Vec<&Told<'_>> = others
        .iter()
        .filter(|one| one.finding.id != cause)
        .collect();
    others.dedup_by_key(|one| one.finding.id.as_str());
    for one in others.iter().take(room.said) {
        let sentence = split(&one.message).next().unwrap_or_default();
        page.paragraph("  Also: ", "  Also: ", sentence);
    }
    let rest = others.iter().skip(room.said);
    let ids: Vec<&str> = rest.map(|one| one.finding.id.as_str()).collect();
    if ids.is_empty() {
        return;
    }
    let text = match ids.len() {
        0..=4 => ids.join(", "),
        all => {
            let named: Vec<&str> = ids.iter().copied().take(3).collect();
            format!("{} and {} more", named.join(", "), all - 3)
        }
    };
    page.clipped("  Also: ", "  Also: ", &text, room.also);
}

/// What to paste and until when, or why nothing.
fn advice(page: &mut Page, report: &Report, cause: Option<&Told<'_>>, room: &Room) {
    if assumed::deployment(page, report) {
        return;
    }
    let advice = &report.recommendation;
    match advice.action {
        Action::Keep => {
            if cause.is_some() {
                page.blank();
            }
            assumed::nothing_needed(page, report);
        }
        Action::NotFixable => {
            if cause.is_some() {
                page.blank();
            }
            let text = match cause {
                // The cause says why nothing is known.
                Some(_) if !report.is_answered() => {
                    "danecheck advises no override, because nothing is known.".to_owned()
                }
                _ => reason(report),
            };
            page.clipped("  ", "  ", &text, room.cause);
        }
        Action::Override => {
            page.blank();
            entry(page, report, room);
        }
    }
    let hint = match cause {
        Some(cause) => {
            let id = &cause.finding.id;
            format!("-v shows more; `danecheck explain {id}` explains.")
        }
        None => "-v shows hosts, records and levels.".to_owned(),
    };
    page.clipped("  ", "  ", &hint, room.also);
}

fn entry(page: &mut Page, report: &Report, room: &Room) {
    let advice = &report.recommendation;
    let (lead, tinted, text) = level(page, advice);
    page.clipped(&lead, &tinted, &text, room.line);
    if let Some(caution) = &advice.caution {
        let tinted = format!("  {}", page.tint(Tone::Doubtful, "First: "));
        page.clipped("  First: ", &tinted, caution, room.caution);
    }
    let ways = Ways::of(report);
    if let Some(line) = advice.entries.postfix.as_ref().filter(|_| ways.postfix) {
        page.line("  Postfix, in the table of smtp_tls_policy_maps:");
        page.line(&format!("     {}", page.tint(Tone::Strong, line)));
    }
    if let Some(entry) = advice.entries.mailcow.as_ref().filter(|_| ways.mailcow) {
        page.list("  mailcow: ", &mailcow_fields(entry, page.style.language));
    }
    if let Some(when) = &advice.remove_when {
        page.clipped("  ", "  ", &format!("Remove it when {when}."), room.line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_that_are_left_out_leave_a_mark() {
        let text = "It fails. Mail waits. Most likely a proxy does it.";
        for (width, most, said, is_all) in [
            (80, 1, text, true),
            (30, 2, text, true),
            (30, 1, "It fails. (-v says more)", false),
            (36, 1, "It fails. Mail waits. (-v says more)", false),
            (35, 1, "It fails. (-v says more)", false),
            (8, 1, "It fails. (-v says more)", false),
        ] {
            let found = sentences(text, width, most);
            assert_eq!(found, (said.to_owned(), is_all), "{width} {most}");
        }
        let alone = "One sentence of several lines.";
        assert_eq!(sentences(alone, 10, 1), (alone.to_owned(), true));
    }

    #[test]
    fn a_sentence_does_not_end_inside_brackets() {
        for (text, sentences) in [
            ("It fails. Mail waits.", &["It fails.", "Mail waits."][..]),
            (
                "SERVFAIL (failure <_25._tcp.mx.example. TLSA IN>). Mail waits.",
                &[
                    "SERVFAIL (failure <_25._tcp.mx.example. TLSA IN>).",
                    "Mail waits.",
                ],
            ),
            (
                "The zone example. is signed.",
                &["The zone example. is signed."],
            ),
        ] {
            assert_eq!(split(text).collect::<Vec<_>>(), sentences, "{text}");
        }
    }
}
