//! The catalogue has every rule of the sources, `docs/findings.md` is what the
//! program prints of it, and its words follow `docs/style.md`.

#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads a file"
)]

mod support;

use std::path::Path;

use danecheck_core::finding::{RULES, markdown};

use support::top;

/// The ids of the rules in the sources at or below a path, as they are written
/// there.
fn ids_in(path: &Path) -> Vec<String> {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).unwrap();
        return entries
            .flat_map(|entry| ids_in(&entry.unwrap().path()))
            .collect();
    }
    let text = std::fs::read_to_string(path).unwrap();
    // Only what is a rule of its own has its id as a literal.
    let rules = text.split(": Rule = Rule {").skip(1);
    rules
        .map(|rule| {
            let (_, rest) = rule.split_once("id: \"").unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        })
        .collect()
}

/// A rule that is raised and is not in the catalogue has no explanation, no
/// page, and no test that it is raised at all.
#[test]
fn every_rule_of_the_sources_is_in_the_catalogue() {
    let mut written = ids_in(Path::new("src"));
    written.sort_unstable();
    let listed: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(written, listed);
}

/// Run with `UPDATE_DOCS=1` to write the file anew.
#[test]
fn the_page_of_findings_is_current() {
    let path = top().join("docs/findings.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, markdown()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(
        page == markdown(),
        "{} is not current: run UPDATE_DOCS=1 cargo test -p danecheck-core --test catalogue",
        path.display()
    );
}

/// "So what do I do?" has an answer for every finding.
#[test]
fn every_finding_has_a_remedy() {
    for rule in RULES {
        assert!(
            !rule.sender.is_empty() || !rule.receiver.is_empty(),
            "{}: there is nothing to do",
            rule.id
        );
        for remedy in [rule.sender, rule.receiver] {
            assert!(
                remedy.is_empty() || remedy.ends_with('.'),
                "{}: {remedy}",
                rule.id
            );
        }
    }
}

/// Words in a sentence at most (`docs/style.md`).
const LONGEST_SENTENCE: usize = 30;

/// The verbs that remedies begin with. A new one is welcome: it has to be an
/// imperative.
const IMPERATIVES: &[&str] = &[
    "Add",
    "Allow",
    "Ask",
    "Check",
    "Compare",
    "Configure",
    "Connect",
    "Correct",
    "Delete",
    "Do",
    "Find",
    "Flush",
    "Give",
    "Install",
    "Keep",
    "Leave",
    "Let",
    "Load",
    "Look",
    "Make",
    "Offer",
    "Open",
    "Order",
    "Publish",
    "Put",
    "Read",
    "Remove",
    "Renew",
    "Repair",
    "Replace",
    "Run",
    "Search",
    "Set",
    "Sign",
    "Start",
    "Stop",
    "Switch",
    "Tell",
    "Transfer",
    "Try",
    "Update",
    "Use",
];

/// Every text of the catalogue, with the id of its rule.
fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    RULES.iter().flat_map(|rule| {
        [rule.meaning, rule.receiver, rule.sender]
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| (rule.id, text))
    })
}

/// The quoted words in the first column of the style page's second table.
fn words_to_avoid() -> Vec<String> {
    let page = std::fs::read_to_string(top().join("docs/style.md")).unwrap();
    let (_, table) = page.split_once("| avoid | better |").unwrap();
    let first = table.lines().filter_map(|line| line.split('|').nth(1));
    let words: Vec<String> = first
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_lowercase)
        .collect();
    assert!(words.len() > 15, "{words:?}");
    words
}

/// Whether a text has these words, and not as a part of others.
fn has(text: &str, words: &str) -> bool {
    let text = text.to_lowercase();
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(words).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + words.len()..]);
        !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    })
}

#[test]
fn no_sentence_is_too_long() {
    for (id, text) in texts() {
        for sentence in text.split(". ") {
            let words = sentence.split_whitespace().count();
            assert!(words <= LONGEST_SENTENCE, "{id}: {words} words: {sentence}");
        }
    }
}

/// The first words of commands.
const COMMANDS: [&str; 12] = [
    "danecheck overrides",
    "danecheck tlsa",
    "docker compose",
    "newaliases",
    "openssl",
    "postconf -",
    "postfix reload",
    "postmap -",
    "postqueue",
    "rndc",
    "ssh -",
    "systemctl",
];

#[test]
fn commands_stand_between_backticks() {
    for (id, text) in texts() {
        let outside: String = text.split('`').step_by(2).collect();
        for command in COMMANDS {
            assert!(!outside.contains(command), "{id}: {command}: {text}");
        }
        assert!(!has(&outside, "run postmap"), "{id}: {text}");
        assert_eq!(text.matches('`').count() % 2, 0, "{id}: {text}");
    }
}

/// Inside a report the override stands below.
#[test]
fn no_text_sends_a_reader_of_the_report_to_the_report() {
    for (id, text) in texts() {
        for words in ["override of the report", "the report shows"] {
            assert!(!text.contains(words), "{id}: {text}");
        }
    }
}

#[test]
fn a_remedy_begins_with_an_imperative() {
    for rule in RULES {
        for remedy in [rule.receiver, rule.sender] {
            let first = remedy.split([' ', ':']).next().unwrap();
            assert!(
                remedy.is_empty() || IMPERATIVES.contains(&first),
                "{}: {remedy}",
                rule.id
            );
        }
    }
}

#[test]
fn the_catalogue_and_the_pages_avoid_what_the_style_page_names() {
    let avoid = words_to_avoid();
    assert!(has("An answer that, whoever asks, is good.", "whoever"));
    assert!(!has("They recommend it.", "mend"));
    for (id, text) in texts() {
        for words in &avoid {
            assert!(!has(text, words), "{id}: `{words}`: {text}");
        }
    }
    let pages = std::fs::read_dir(top().join("docs")).unwrap();
    let pages = pages.map(|entry| entry.unwrap().path());
    let others = ["README.md", "CONTRIBUTING.md"].map(|name| top().join(name));
    for path in pages.chain(others) {
        if path.extension().is_none_or(|it| it != "md") || path.ends_with("style.md") {
            continue;
        }
        let page = std::fs::read_to_string(&path).unwrap();
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in &avoid {
            assert!(!has(&page, words), "{}: `{words}`", path.display());
        }
    }
}
