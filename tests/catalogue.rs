//! `docs/findings.md` is what the program prints.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads a file"
)]

use danecheck::finding::{RULES, markdown};

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
