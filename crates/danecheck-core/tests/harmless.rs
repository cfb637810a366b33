//! Text from outside in every field of a report and in every format: it hides
//! nothing, makes no link, and gives no command to a workflow runner.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and reads files"
)]

#[path = "harmless/page.rs"]
mod page;
mod support;

use danecheck_core::diagnosis::{Diagnosis, Question};
use danecheck_core::entry::{Language, Note, Request, SYSTEMS, Written};
use danecheck_core::observation::Observation;
use danecheck_core::report::{
    Detail, FailOn, Github, HumanStyle, JUnit, Markdown, Nagios, Prometheus, Report, Writer,
    exit_status, human, json,
};
use serde_json::Value;

/// Fillers, blanks, joiners, directions, tags, marks on other characters; the
/// commands of runners; links, mentions and markup.
const HOSTILE: &str = "a\u{3164}b\u{115f}c\u{180e}d\u{34f}e\u{2800}f\u{fe0f}g\u{301}\u{302}h\u{202e}\
    i\u{e0041}j\u{200b}k\u{1160}l\u{a0}m\u{1f3fd}n\u{e000}o\u{378} ::stop-commands::x \
    ::add-mask::y ##[group]z ##vso[task.x]a https://evil.example/a www.evil.example \
    HTTP://evil.example <http://evil.example> [a](http://evil.example) ![b](c) u@evil.example \
    @all #1 mailto:u@evil.example |x| `c` ``@d`` $m$ %0A *b* <b> &lt;";

/// Begins a line with a command.
const COMMAND: &str = "::stop-commands::x";

fn hides(page: &str) -> Option<char> {
    let hidden = |c: char| HOSTILE.contains(c) && !c.is_ascii();
    page.chars().find(|c| hidden(*c))
}

/// Whether GitHub's runner obeys a line (`ActionCommand.TryParseV2` and
/// `TryParse`), or Azure's.
fn obeyed(line: &str) -> bool {
    let command = line.trim_start().strip_prefix("::");
    command.is_some_and(|rest| rest.contains("::"))
        || line.contains("##[")
        || line.contains("##vso[")
}

/// Every text in a value, by its place.
fn texts(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(place.to_owned()),
        Value::Array(values) => {
            for (number, value) in values.iter().enumerate() {
                texts(value, &format!("{place}/{number}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                texts(value, &format!("{place}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// The report with this text in every field that takes any, and how many.
fn poisoned(report: &Report, text: &str) -> (Report, usize) {
    let mut value = serde_json::to_value(report).unwrap();
    let mut places = Vec::new();
    texts(&value, "", &mut places);
    let mut taken = 0;
    for place in places {
        // What is pasted is made of the next hop, which has been parsed.
        if place.starts_with("/recommendation/entries/") {
            continue;
        }
        let field = value.pointer_mut(&place).unwrap();
        let before = std::mem::replace(field, Value::String(text.to_owned()));
        if serde_json::from_value::<Report>(value.clone()).is_ok() {
            taken += 1;
        } else {
            *value.pointer_mut(&place).unwrap() = before;
        }
    }
    (serde_json::from_value(value).unwrap(), taken)
}

/// What was recorded of servers, of all kinds.
fn recorded() -> Vec<Observation> {
    let paths = support::recorded();
    let some = paths.iter().step_by(25);
    some.map(|path| support::observation(path)).collect()
}

fn harmless(page: &str, what: &str) {
    assert_eq!(hides(page), None, "{what}: {page}");
    for line in page.lines() {
        assert!(!obeyed(line), "{what}: {line}");
    }
}

#[test]
fn one_hostile_text_in_every_field_passes_through_no_format() {
    for seen in recorded() {
        let report = Report::of(&seen);
        for hostile in [HOSTILE, COMMAND] {
            let (report, taken) = poisoned(&report, hostile);
            assert!(taken > 10, "{taken}");
            let status = exit_status(&report, false, FailOn::Warning);

            let line = json(&report);
            harmless(&line, "json");
            let read: Report = serde_json::from_str(&line).unwrap();
            assert_eq!(read, report);
            if hostile == HOSTILE {
                assert!(line.contains("a\\u3164b\\u115fc"), "{line}");
            }

            for detail in [Detail::Short, Detail::Full, Detail::Everything] {
                for (width, color) in [(20, false), (80, false), (80, true)] {
                    let style = HumanStyle {
                        width,
                        color,
                        ..HumanStyle::of(detail)
                    };
                    harmless(&human(&report, style), "human");
                }
            }
            let writers: [(&str, Box<dyn Writer>); 4] = [
                ("nagios", Box::new(Nagios::default())),
                ("prometheus", Box::new(Prometheus::default())),
                ("junit", Box::new(JUnit::default())),
                ("markdown", Box::new(Markdown::default())),
            ];
            for (name, mut writer) in writers {
                let page = writer.report(&report, status) + &writer.end();
                harmless(&page, name);
                if name == "markdown" {
                    assert_eq!(links(&page), Vec::<&str>::new(), "{page}");
                }
            }
            for line in Github.report(&report, status).lines() {
                assert_eq!(hides(line), None, "{line}");
                let parts: Vec<&str> = line.splitn(3, "::").collect();
                assert_eq!(parts.len(), 3, "{line}");
                assert!(
                    parts[0].is_empty() && parts[1].contains(" title="),
                    "{line}"
                );
                assert!(!obeyed(parts[2]) && !parts[1].contains("##["), "{line}");
            }
        }
    }
}

#[test]
fn one_hostile_text_in_every_word_of_an_entry_passes_through_no_system() {
    let mut written = 0;
    for seen in recorded() {
        let diagnosis = Diagnosis::of(&Question::of(&seen));
        for hostile in [HOSTILE, COMMAND] {
            for language in [Language::En, Language::De] {
                let Some(request) = diagnosis.entry_request(language) else {
                    continue;
                };
                let request = Request {
                    note: Note {
                        next_hop: Some(hostile.to_owned()),
                        reason: hostile.to_owned(),
                        caution: Some(hostile.to_owned()),
                        remove_when: hostile.to_owned(),
                        ..request.note
                    },
                    ..request
                };
                for system in SYSTEMS {
                    match system.write(&request) {
                        Written::Entry { text, beside } => {
                            harmless(&text, system.name);
                            harmless(&beside.unwrap_or_default(), system.name);
                            written += 1;
                        }
                        Written::NotNeeded(why) | Written::Inexpressible(why) => {
                            harmless(&why, system.name);
                        }
                    }
                }
            }
        }
    }
    assert!(written > 50, "{written}");
}

/// What of a page of markdown sites would make a link, a mention or a
/// reference of: it stands in no code.
fn links(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let outside_blocks = page.split("\n```").step_by(2);
    for line in outside_blocks.flat_map(str::lines) {
        // An escaped one begins no code, and all are of the same length.
        let line = line.replace("\\`", "\\'");
        let mut rest = line.as_str();
        let mut outside = Vec::new();
        while let Some(at) = rest.find('`') {
            let (before, code) = rest.split_at(at);
            outside.push(before);
            let fence = code.len() - code.trim_start_matches('`').len();
            let (fence, code) = code.split_at(fence);
            let mut from = 0;
            let end = loop {
                let Some(at) = code[from..].find(fence).map(|at| at + from) else {
                    break code.len();
                };
                let run = code[at..].len() - code[at..].trim_start_matches('`').len();
                if run == fence.len() {
                    break at + run;
                }
                from = at + run;
            };
            rest = &code[end..];
        }
        outside.push(rest);
        for text in outside {
            let lower = text.to_ascii_lowercase();
            let signs = ["://", "www.", "http:", "mailto:", "@", "<", "]("];
            found.extend(signs.iter().filter(|sign| lower.contains(**sign)));
            // A reference is a number after its sign.
            let mut signs = text.match_indices('#');
            if signs.any(|(at, _)| text[at + 1..].starts_with(|c: char| c.is_ascii_digit())) {
                found.push("#");
            }
        }
    }
    found
}

#[test]
fn links_are_found_where_they_are() {
    assert_eq!(links("see https://a.example"), ["://"]);
    assert_eq!(
        links("`https://a.example` and ``x`@y``"),
        Vec::<&str>::new()
    );
    assert_eq!(links("`a` www.b.example `c`"), ["www."]);
}
