//! The README shows what the program prints.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and reads a file"
)]

mod support;

use danecheck::demo::{CASES, Case, MOST_INSTRUCTIVE, SharedAuthorities};
use danecheck_core::report::{HumanStyle, Report, human};

use support::now;

/// Whether a word is a day such as `2026-11-22`, as certificates are minted
/// for the day of the run.
fn is_day(word: &str) -> bool {
    let word = word.trim_end_matches([',', '.']);
    let parts: Vec<&str> = word.split('-').collect();
    parts.len() == 3 && word.len() == 10 && word.chars().all(|c| c.is_ascii_digit() || c == '-')
}

/// Keys and days are new in every run: they are put aside.
fn without_digests(text: &str) -> String {
    let is_digest = |word: &str| {
        word.len() >= 15
            && word
                .chars()
                .all(|c| c.is_ascii_hexdigit() || c == '.' || c == ':')
    };
    text.split('\n')
        .map(|line| {
            let words = line.split(' ').map(|word| {
                let bare = word.strip_prefix("match=").unwrap_or(word);
                if is_digest(bare) {
                    "DIGEST"
                } else if is_day(word) {
                    "DAY"
                } else {
                    word
                }
            });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn the_report_in_the_readme_is_what_the_demo_prints() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let shown = readme
        .split("```text\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let case = Case::find(MOST_INSTRUCTIVE).unwrap();
    let observation = case.observe(&SharedAuthorities::new(now())).await.unwrap();
    let printed = human(&Report::of(&observation), HumanStyle::default());
    assert_eq!(without_digests(shown), without_digests(&printed));
}

#[test]
fn the_readme_counts_the_cases_rightly() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    assert!(readme.contains(&format!("{} cases", CASES.len())));
}

#[test]
fn each_scenario_that_the_suite_lists_for_old_servers_is_recorded() {
    let readme = std::fs::read_to_string("tests/postfix/README.md").unwrap();
    let table = readme.split("| server | scenarios |").nth(1).unwrap();
    let table = table.split("\n\n").next().unwrap();
    let named: Vec<&str> = table.split('`').skip(1).step_by(2).collect();
    assert!(named.len() > 30, "{named:?}");
    for name in named {
        let record = format!("fixtures/postfix/{name}.json");
        assert!(std::path::Path::new(&record).exists(), "{record}");
    }
}
