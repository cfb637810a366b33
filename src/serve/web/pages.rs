//! The pages. What is put into a template is escaped by it, and every page is
//! made harmless as a whole.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::events::{counted, protocol};
use super::history::Change;
use super::last::Last;
use super::path::{self, CHECK, Wanted};
use super::reader::Reader;
use super::words::{Words, words};
use crate::observe::StepsSeen;
use danecheck_core::entry::Language;
use danecheck_core::judge::Verdict;
use danecheck_core::next_hop::NextHop;
use danecheck_core::report::html::{Frame, Link, Mark, page};
use danecheck_core::report::{ExitStatus, Report, printable, shown};
use danecheck_core::unix_time::UnixTime;

/// The paths of what the pages load.
pub(super) const STYLE: &str = "/web/style.css";
pub(super) const SCRIPT: &str = "/web/script.js";
pub(super) const ICON: &str = "/web/icon.svg";
pub(super) const HISTORY: &str = "/history";

/// The parameter of an address that asks for a new look.
pub(super) const AGAIN: &str = "again";

/// The longest text that the form takes.
const LONGEST_TARGET: usize = 400;

/// How often a page without script reloads, in seconds.
const RELOADS: u8 = 2;

/// The page of a report, with links to the others.
pub(super) fn result_page(
    report: &Report,
    status: ExitStatus,
    target: &NextHop,
    language: Language,
) -> String {
    let words = words(language);
    let reader = Reader {
        language,
        chose: true,
    };
    let here = path::of(target, Wanted::Page);
    let again = format!("{}&{AGAIN}=1", reader.link(&here));
    let home = reader.link("/");
    let history = reader.link(HISTORY);
    let json = path::of(target, Wanted::Json);
    let other = other(reader).link(&here);
    let link = |text, href| Link { text, href };
    let links = [
        link("danecheck", home.as_str()),
        link(words.look_again, &again),
        link(words.json, &json),
        link(words.history, &history),
        link(words.other_language, &other),
    ];
    page(
        report,
        status,
        &Frame {
            language,
            links: &links,
        },
    )
}

/// The first page: the form, the own domains and the last changes.
pub(super) struct Home<'a> {
    pub(super) domains: &'a [(NextHop, Option<Last>)],
    pub(super) changes: &'a [Change],
    pub(super) now: UnixTime,
    /// The last change could not be written.
    pub(super) is_behind: bool,
}

pub(super) fn home(reader: Reader, home: &Home<'_>) -> String {
    let words = words(reader.language);
    let content = html! {
        h1 { (words.title) }
        p.lead { (words.lead) }
        (form(reader, ""))
        @if home.is_behind { p.notice role="status" { (words.behind) } }
        @if !home.domains.is_empty() {
            section aria-labelledby="own" {
                h2 #own { (words.own_domains) }
                (overview(reader, home, words))
            }
        }
        @if !home.changes.is_empty() {
            section aria-labelledby="changes" {
                h2 #changes { (words.last_changes) }
                (changes(reader, home.changes, words))
                p { a href=(reader.link(HISTORY)) { (words.all_changes) } }
            }
        }
    };
    document(reader, "/", &Head::titled("danecheck"), &content)
}

fn overview(reader: Reader, home: &Home<'_>, words: &Words) -> Markup {
    html! {
        table.overview {
            thead {
                tr {
                    th scope="col" { (words.domain) }
                    th scope="col" { (words.state) }
                    th scope="col" { (words.looked_at) }
                }
            }
            tbody {
                @for (domain, last) in home.domains {
                    tr {
                        th scope="row" {
                            a href=(reader.link(&path::of(domain, Wanted::Page))) { bdi { (domain) } }
                            @if let Some(last) = last { p { bdi { (last.answer(reader.language)) } } }
                        }
                        td { @if let Some(last) = last { (state(last.status, words)) } }
                        td {
                            @match last {
                                Some(last) => (ago(last.checked_at, home.now, words)),
                                None => (words.never),
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A status: its word, and a mark that is not only a colour.
fn state(status: ExitStatus, words: &Words) -> Markup {
    let mark = Mark::of_status(status);
    html! {
        span class={ "badge " (mark.class()) } {
            span aria-hidden="true" { (mark.sign()) } " " (words.status(status))
        }
    }
}

fn ago(at: UnixTime, now: UnixTime, words: &Words) -> Markup {
    html! { time datetime=(at) title=(at) { (words.ago(now.0.saturating_sub(at.0))) } }
}

/// The page of all changes.
pub(super) struct AllChanges<'a> {
    pub(super) changes: &'a [Change],
    /// There are more than these.
    pub(super) is_cut: bool,
    pub(super) is_behind: bool,
    /// There is a file.
    pub(super) is_kept: bool,
}

pub(super) fn history(reader: Reader, all: &AllChanges<'_>) -> String {
    let words = words(reader.language);
    let content = html! {
        h1 { (words.changes_of) }
        @if all.is_behind { p.notice role="status" { (words.behind) } }
        @if all.changes.is_empty() {
            p { (words.no_changes) }
        } @else {
            (changes(reader, all.changes, words))
        }
        @if all.is_cut { p { (words.more_changes) } }
        @if !all.is_kept { p.quiet { (words.not_kept) } }
    };
    document(reader, HISTORY, &Head::titled(words.changes_of), &content)
}

fn changes(reader: Reader, changes: &[Change], words: &Words) -> Markup {
    html! {
        table.changes {
            thead {
                tr {
                    th scope="col" { (words.when) }
                    th scope="col" { (words.domain) }
                    th scope="col" { (words.before) }
                    th scope="col" { (words.since) }
                }
            }
            tbody {
                @for change in changes {
                    tr {
                        td { (moment(change.at)) }
                        th scope="row" { (changed_target(reader, change)) }
                        td {
                            @match change.before {
                                Some(before) => (verdict(before)),
                                None => (words.first_look),
                            }
                        }
                        td { (verdict(change.verdict)) }
                    }
                }
            }
        }
    }
}

fn changed_target(reader: Reader, change: &Change) -> Markup {
    html! {
        @match change.target.parse::<NextHop>() {
            Ok(target) => a href=(reader.link(&path::of(&target, Wanted::Page))) {
                bdi { (change.target) }
            },
            Err(_) => bdi { (change.target) },
        }
    }
}

/// A moment to the minute, in UTC.
fn moment(at: UnixTime) -> Markup {
    let text = at.to_string();
    let short: String = text.chars().take(16).collect();
    html! { time datetime=(text) { (short.replace('T', " ")) " UTC" } }
}

fn verdict(verdict: Verdict) -> Markup {
    let class = match verdict {
        Verdict::DaneOk | Verdict::NoDane => "good",
        Verdict::DanePartial | Verdict::DaneUnusable => "doubtful",
        Verdict::DaneBroken | Verdict::Undeliverable => "bad",
        Verdict::Indeterminate => "unknown",
    };
    html! { code class=(class) { (verdict.as_str()) } }
}

/// The page of a look under way.
pub(super) fn under_way(reader: Reader, target: &NextHop, seen: &StepsSeen) -> String {
    let words = words(reader.language);
    let here = path::of(target, Wanted::Page);
    let title = format!("{} {target}", words.looking_at);
    let content = html! {
        h1 { (words.looking_at) " " bdi { (target) } }
        p.lead { (words.looking_note) }
        noscript { p { (words.reloads) } }
        p #count role="status" { (counted(seen, words)) }
        section aria-labelledby="asks" {
            h2 #asks { (words.asks) }
            ol.steps #steps data-ended=(words.step_ended) data-runs=(words.step_runs) {
                @for step in &seen.kept {
                    li class=(if step.ended { "ended" } else { "runs" }) {
                        span.kind { (protocol(step.kind)) } " "
                        bdi { (step.text) } " "
                        span.word { (if step.ended { words.step_ended } else { words.step_runs }) }
                    }
                }
            }
        }
    };
    let head = Head {
        title: &title,
        reload: Some(&reader.link(&here)),
        events: Some(&reader.link(&path::of(target, Wanted::Events))),
    };
    document(reader, &here, &head, &content)
}

/// The page that asks before a look begins.
pub(super) fn confirmation(reader: Reader, target: &NextHop) -> String {
    let words = words(reader.language);
    let content = html! {
        h1 { (words.confirm) }
        p.lead { (words.confirm_note) }
        (form(reader, &target.to_string()))
    };
    let here = path::of(target, Wanted::Page);
    document(reader, &here, &Head::titled(words.confirm), &content)
}

/// Why there is no look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The text is not a target.
    Invalid,
    /// The target is not on the list.
    NotAllowed,
    /// Too many looks wait.
    Busy,
    /// The look failed.
    Failed,
    /// A page of somebody else asks.
    Foreign,
    /// The form is too large, or is none.
    BadForm,
}

/// The page that says why there is no look. `given` is what was asked for, and
/// `detail` an English sentence.
pub(super) fn refusal(reader: Reader, why: Refusal, given: &str, detail: Option<&str>) -> String {
    let words = words(reader.language);
    let (title, note) = match why {
        Refusal::Invalid => (words.invalid, None),
        Refusal::NotAllowed => (words.not_allowed, Some(words.not_allowed_note)),
        Refusal::Busy => (words.busy, Some(words.busy_note)),
        Refusal::Failed => (words.failed, Some(words.failed_note)),
        Refusal::Foreign => (words.foreign, Some(words.foreign_note)),
        Refusal::BadForm => (words.bad_form, None),
    };
    let content = html! {
        h1 { (title) }
        @if let Some(note) = note { p.lead { (note) } }
        @if let Some(detail) = detail { p.notice lang="en" { bdi { (printable(detail)) } } }
        @if why != Refusal::Foreign { (form(reader, given)) }
    };
    document(reader, "/", &Head::titled(title), &content)
}

/// The form that asks for a target.
fn form(reader: Reader, value: &str) -> Markup {
    let words = words(reader.language);
    let value = printable(value);
    html! {
        form.ask method="post" action=(CHECK) {
            label for="target" { (words.target) }
            div.row {
                input #target name="target" type="text" value=(value) required maxlength=(LONGEST_TARGET)
                    autocomplete="off" autocapitalize="none" spellcheck="false" inputmode="url"
                    aria-describedby="hint";
                @if reader.chose {
                    input type="hidden" name="lang" value=(reader.language.as_str());
                }
                button type="submit" { (words.look) }
            }
            p.hint #hint { (words.target_hint) }
        }
    }
}

/// What stands in the head of a page.
struct Head<'a> {
    title: &'a str,
    /// Where a browser without script goes after a moment.
    reload: Option<&'a str>,
    /// Where the script follows the look.
    events: Option<&'a str>,
}

impl<'a> Head<'a> {
    fn titled(title: &'a str) -> Self {
        Self {
            title,
            reload: None,
            events: None,
        }
    }
}

fn other(reader: Reader) -> Reader {
    Reader {
        language: match reader.language {
            Language::En => Language::De,
            Language::De => Language::En,
        },
        chose: true,
    }
}

/// A whole page; `here` is its path.
fn document(reader: Reader, here: &str, head: &Head<'_>, content: &Markup) -> String {
    let words = words(reader.language);
    let other = other(reader);
    let title = match head.title {
        "danecheck" => "danecheck".to_owned(),
        title => format!("{title} \u{b7} danecheck"),
    };
    let markup = html! {
        (DOCTYPE)
        html lang=(reader.language.as_str()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(reload) = head.reload {
                    noscript {
                        meta http-equiv="refresh" content={ (RELOADS) ";url=" (reload) };
                    }
                }
                title { (title) }
                link rel="icon" href=(ICON) type="image/svg+xml";
                link rel="stylesheet" href=(STYLE);
                @if head.events.is_some() { script src=(SCRIPT) defer {} }
            }
            body data-events=[head.events] data-page=[head.reload] {
                header {
                    nav aria-label=(words.navigation) {
                        a.home href=(reader.link("/")) { "danecheck" }
                        a href=(reader.link(HISTORY)) { (words.history) }
                        a href=(other.link(here)) lang=(other.language.as_str())
                            hreflang=(other.language.as_str()) { (words.other_language) }
                    }
                }
                main { (content) }
            }
        }
    };
    let mut text = shown(&PreEscaped(markup.into_string()).0).into_owned();
    text.push('\n');
    text
}
