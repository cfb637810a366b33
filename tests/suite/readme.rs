//! The README shows what the program prints.

use danecheck::demo::stage::Stage;
use danecheck::demo::{CASES, Case, MOST_INSTRUCTIVE, SharedAuthorities};
use danecheck_core::report::{HumanStyle, Report, human};

use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::domain::{stale, with_record};
use crate::support::now;
use crate::support::program::run_on;

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

/// A queue: a domain whose records are stale, one that keeps no mail back any
/// more, and one that takes no STARTTLS.
const QUEUE: &[(&str, &str)] = &[
    ("example.com", "Server certificate not verified"),
    ("example.com", "Server certificate not verified"),
    ("example.net", "TLSA lookup error for mx.example.net:25"),
    (
        "example.org",
        "TLS is required, but was not offered by host mx.example.org[192.0.2.3]",
    ),
    (
        "example.org",
        "host mx.example.org[192.0.2.3] said: 450 4.2.0 Greylisted",
    ),
];

fn queue() -> String {
    let message = |(number, (domain, reason)): (usize, &(&str, &str))| {
        let message = serde_json::json!({
            "queue_name": "deferred",
            "queue_id": format!("4E7F099A1{number:02}"),
            "arrival_time": 1_795_312_923,
            "sender": "a@here.example",
            "recipients": [{"address": format!("u@{domain}"), "delay_reason": reason}],
        });
        format!("{message}\n")
    };
    QUEUE.iter().enumerate().map(message).collect()
}

/// `UPDATE_DOCS=1` writes what is printed.
#[tokio::test]
async fn the_answers_of_triage_in_the_readme_are_those_that_it_prints() {
    let mut stage = Stage::new(now());
    stale(&mut stage, "example.com", "192.0.2.1");
    let own = stage.identity("mx.example.net");
    stage.zone(with_record(
        "mx",
        "example.net",
        "192.0.2.2",
        &own.tlsa(3, 1, 1),
    ));
    stage.server("192.0.2.2", MailServer::new(own));
    let own = stage.identity("mx.example.org");
    stage.zone(with_record(
        "mx",
        "example.org",
        "192.0.2.3",
        &own.tlsa(3, 1, 1),
    ));
    let clear = MailServer::new(own).misbehaving([Misbehaviour::NoStartTls]);
    stage.server("192.0.2.3", clear);
    let stage = stage.start().await.unwrap();
    let mut readme = std::fs::read_to_string("README.md").unwrap();
    for (command, arguments) in [
        ("postqueue -j | danecheck triage", &["triage"][..]),
        (
            "docker compose exec -T postfix-mailcow postqueue -j | danecheck triage --sender mailcow",
            &["triage", "--sender", "mailcow"],
        ),
    ] {
        let ran = Box::pin(run_on(&stage, arguments, queue().as_bytes())).await;
        for line in ran.stdout.lines() {
            let is_call = line.starts_with("curl ");
            assert!(line.chars().count() <= 80 || is_call, "{line}");
        }
        let head = format!("`{command}`:\n\n```text\n");
        let (before, rest) = readme.split_once(&head).unwrap();
        let (shown, after) = rest.split_once("```").unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            readme = format!("{before}{head}{}```{after}", ran.stdout);
            std::fs::write("README.md", &readme).unwrap();
        } else {
            assert_eq!(shown, ran.stdout);
        }
    }
}

/// Forty next hops wait: what a person reads has two screens of fifty lines.
#[tokio::test]
async fn the_answer_for_forty_next_hops_is_short() {
    let mut stage = Stage::new(now());
    let mut queue = String::new();
    for number in 1..=40 {
        let domain = format!("d{number}.example");
        stale(&mut stage, &domain, &format!("192.0.2.{number}"));
        let recipient = serde_json::json!({
            "address": format!("u@{domain}"),
            "delay_reason": "Server certificate not verified",
        });
        let message = serde_json::json!({"queue_id": "4E7F099A10", "recipients": [recipient]});
        queue += &format!("{message}\n");
    }
    let stage = stage.start().await.unwrap();
    let ran = Box::pin(run_on(&stage, &["triage"], queue.as_bytes())).await;
    let lines = ran.stdout.lines().count();
    assert!(
        ran.stdout.matches("  encrypt\n").count() == 40,
        "{}",
        ran.stdout
    );
    assert!(lines <= 100, "{lines} lines:\n{}", ran.stdout);
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
