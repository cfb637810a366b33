//! The catalogue holds every rule that the sources have, and
//! `docs/findings.md` is what the program prints of it.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads a file"
)]

use std::path::Path;

use danecheck::finding::{RULES, markdown};

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
    let path = "docs/findings.md";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap();
    assert!(
        page == markdown(),
        "{path} is not current: run UPDATE_DOCS=1 cargo test --test catalogue"
    );
}

/// "So what do I do?" has an answer for everything that is said.
#[test]
fn every_finding_has_a_remedy() {
    for rule in RULES {
        assert!(
            !rule.sender.is_empty() || !rule.receiver.is_empty(),
            "{}: nobody is told what to do",
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
