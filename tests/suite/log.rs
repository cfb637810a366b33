//! `danecheck explain --log`: what a Postfix log says about mail that waits.

use danecheck::demo::stage::Stage;
use danecheck::observe::Dial;
use danecheck_core::report::ExitStatus;

use crate::support::domain::stale;
use crate::support::program::{run_with, schema_faults};
use crate::support::{Temporary, now};

const LOG: &str = "fixtures/log/postfix-3.11.log";

#[tokio::test]
async fn a_log_is_read_from_a_file_or_from_standard_input() {
    let file = run_with(&["explain", "--log", LOG], b"", Dial::default()).await;
    let content = std::fs::read(LOG).unwrap();
    let stdin = run_with(&["explain", "--log"], &content, Dial::default()).await;
    // Mail waits.
    assert_eq!(file.status, ExitStatus::Broken);
    assert_eq!(file.stdout, stdin.stdout);
    for words in [
        "Server certificate not verified (num=65",
        "a-ee-mismatch.lab 2",
        "tls=!dane",
        "Do: Check the next hop",
        "Not caused by TLS or DANE:",
    ] {
        assert!(file.stdout.contains(words), "{words}: {}", file.stdout);
    }
    for line in file.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let json = run_with(&["explain", "--log", LOG, "--json"], b"", Dial::default()).await;
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["causes"][0]["id"], "starttls-not-offered");
    assert_eq!(json["causes"][0]["tls"], true);
    assert_eq!(json["causes"][0]["next_hops"][0]["count"], 5);
    assert_eq!(schema_faults("log", &json).await, [""; 0]);
    let mut spoilt = json;
    spoilt["causes"][0]["next_hops"][0]["count"] = "five".into();
    assert_eq!(schema_faults("log", &spoilt).await.len(), 1);
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_told() {
    let ran = run_with(&["explain", "--log", "/no/such/log"], b"", Dial::default()).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(
        ran.stderr.contains("/no/such/log: cannot be read"),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn the_next_hops_of_a_log_are_checked_where_that_is_asked_for() {
    let mut stage = Stage::new(now());
    stale(&mut stage, "stale.example", "192.0.2.1");
    let ca = Temporary::with("pem", &stage.root.certificate().pem());
    let stage = stage.start().await.unwrap();
    let resolver = stage.dns().addr().to_string();
    // A name in a log is never taken for an option or a file.
    let log = ["stale.example", "--json", "-", "bad name"]
        .map(|domain| {
            format!(
                "Nov 22 02:36:41 mx postfix/smtp[8]: 4E7F: to=<a@{domain}>, relay=none, \
                 delay=1, dsn=4.7.5, status=deferred (Server certificate not verified)\n"
            )
        })
        .concat();
    let arguments = [
        "explain",
        "--log",
        "--check",
        "--allow-private",
        "--resolver",
        &resolver,
    ];
    let ran = run_with(&arguments, log.as_bytes(), stage.dial()).await;
    assert_eq!(ran.status, ExitStatus::Broken, "{}", ran.stderr);
    for words in [
        "certificate not verified",
        "The next hops, checked now",
        "stale.example: DANE senders defer this mail",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    assert_eq!(ran.stdout.matches("DANE senders").count(), 1);
    // One object, with what `triage` says, as any sender and with any store.
    let more = [
        "--json",
        "--sender",
        "mailcow",
        "--ca-file",
        ca.path(),
        "--timeout",
        "20",
    ];
    let arguments = [&arguments[..], &more].concat();
    let ran = run_with(&arguments, log.as_bytes(), stage.dial()).await;
    let object: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(schema_faults("log", &object).await, [""; 0]);
    assert_eq!(object["causes"][0]["id"], "certificate-not-verified");
    let hops = object["next_hops"].as_array().unwrap();
    let hop = hops
        .iter()
        .find(|hop| hop["name"] == "stale.example")
        .unwrap();
    assert_eq!(hop["action"], "override");
    assert_eq!(hop["entries"]["mailcow"]["dest"], "stale.example");
    assert_eq!(ran.status, ExitStatus::Broken);
    let idle = ["explain", "--log", "--sender", "mailcow"];
    let ran = run_with(&idle, b"", Dial::default()).await;
    assert!(ran.stderr.contains("--check"), "{}", ran.stderr);
}
