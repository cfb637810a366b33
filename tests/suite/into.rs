//! `--into FILE`: the whole table with the overrides set in it, each once.

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck_core::report::ExitStatus;
use danecheck_world::smtp::{MailServer, Misbehaviour};
use serde_json::json;

use crate::support::domain::{stale, with_record};
use crate::support::program::{Ran, run_on};
use crate::support::{Temporary, now};

async fn ground() -> RunningStage {
    let mut stage = Stage::new(now());
    stale(&mut stage, "stale.example", "192.0.2.1");
    stale(&mut stage, "stale2.example", "192.0.2.2");
    let own = stage.identity("mx.good.example");
    stage.zone(with_record(
        "mx",
        "good.example",
        "192.0.2.3",
        &own.tlsa(3, 1, 1),
    ));
    stage.server("192.0.2.3", MailServer::new(own));
    let own = stage.identity("mx.clear.example");
    stage.zone(with_record(
        "mx",
        "clear.example",
        "192.0.2.4",
        &own.tlsa(3, 1, 1),
    ));
    let clear = MailServer::new(own).misbehaving([Misbehaviour::NoStartTls]);
    stage.server("192.0.2.4", clear);
    let own = stage.identity("mx.down.example");
    stage.zone(with_record(
        "mx",
        "down.example",
        "192.0.2.5",
        &own.tlsa(3, 1, 1),
    ));
    stage.refusing("192.0.2.5");
    stage.start().await.unwrap()
}

async fn into(stage: &RunningStage, table: &str, options: &[&str]) -> Ran {
    let file = Temporary::with("table", table);
    let arguments = [&["--entry", "postfix", "--into", file.path()], options].concat();
    Box::pin(run_on(stage, &arguments, b"")).await
}

/// The lines that are no comment.
fn lines(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.trim_start().starts_with('#'))
        .collect()
}

#[tokio::test]
async fn a_line_is_set_once_whatever_stands_in_the_table() {
    let stage = ground().await;
    for (table, targets, expected) in [
        // There was none.
        ("", &["stale.example"][..], &["stale.example  encrypt"][..]),
        ("# ours", &["stale.example"], &["stale.example  encrypt"]),
        (
            "other.example may\n",
            &["stale.example", "stale2.example"],
            &[
                "other.example may",
                "stale.example  encrypt",
                "stale2.example  encrypt",
            ],
        ),
        // The same stands there, or what asks for more and delivers.
        (
            "stale.example encrypt\n",
            &["stale.example"],
            &["stale.example encrypt"],
        ),
        (
            "STALE.example\tencrypt\n",
            &["stale.example"],
            &["STALE.example\tencrypt"],
        ),
        // What asks for less is replaced.
        (
            "stale.example may\n",
            &["stale.example"],
            &["stale.example  encrypt"],
        ),
        (
            "stale.example none\n  # x\n",
            &["stale.example"],
            &["stale.example  encrypt"],
        ),
        // Two are one.
        (
            "stale.example may\nother.example may\nstale.example encrypt\n",
            &["stale.example"],
            &["other.example may", "stale.example encrypt"],
        ),
        // Nobody asks for this key, and the line for a parent is another one.
        (
            "stale.example. may\n.example may\n",
            &["stale.example"],
            &[
                "stale.example. may",
                ".example may",
                "stale.example  encrypt",
            ],
        ),
        // Other lines stay, whatever is wrong with them.
        (
            "*.x.example may\ny.example encrpyt\ngood.example encrypt\n",
            &["stale.example"],
            &[
                "*.x.example may",
                "y.example encrpyt",
                "good.example encrypt",
                "stale.example  encrypt",
            ],
        ),
        // It needs none, and has none afterwards.
        (
            "other.example may\n",
            &["good.example"],
            &["other.example may"],
        ),
        (
            "good.example may\nother.example may\n",
            &["good.example"],
            &["other.example may"],
        ),
        // The same target twice.
        (
            "",
            &["stale.example", "stale.example"],
            &["stale.example  encrypt"],
        ),
    ] {
        let ran = into(&stage, table, targets).await;
        assert_eq!(lines(&ran.stdout), expected, "{table:?}: {}", ran.stderr);
        assert_eq!(ran.status, ExitStatus::Fine, "{table:?}: {}", ran.stderr);
        // A second time changes nothing.
        let again = into(&stage, &ran.stdout, targets).await;
        assert_eq!(again.stdout, ran.stdout, "{table:?}");
    }
}

#[tokio::test]
async fn a_line_that_would_ask_for_less_stays_until_that_is_accepted() {
    let stage = ground().await;
    let table = "clear.example encrypt\r\nstale.example secure match=mx.other.example\r\n";
    let targets = ["clear.example", "stale.example"];
    let ran = into(&stage, table, &targets).await;
    assert_eq!(ran.stdout, table);
    assert_eq!(ran.status, ExitStatus::Broken);
    for name in targets {
        let word = format!("{name}: ");
        assert!(ran.stderr.contains(&word), "{}", ran.stderr);
    }
    assert!(
        ran.stderr.contains("--accept-weaker=clear.example"),
        "{}",
        ran.stderr
    );
    let options = [
        "clear.example",
        "stale.example",
        "--accept-weaker=clear.example",
    ];
    let ran = into(&stage, table, &options).await;
    assert!(
        ran.stdout.contains("\r\nclear.example  may\r\n"),
        "{:?}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("\r\nstale.example secure match"),
        "{:?}",
        ran.stdout
    );
    let options = ["clear.example", "--accept-weaker"];
    let ran = into(&stage, table, &options).await;
    assert!(
        ran.stdout.contains("\r\nclear.example  may\r\n"),
        "{:?}",
        ran.stdout
    );
    assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stderr);
    // Without a line before, it is a new exception with its caution.
    let ran = into(&stage, "", &["clear.example"]).await;
    assert_eq!(lines(&ran.stdout), ["clear.example  may"]);
    assert!(ran.stdout.starts_with("# danecheck "), "{}", ran.stdout);
    assert!(ran.stderr.contains("clear.example: "), "{}", ran.stderr);
}

#[tokio::test]
async fn what_no_line_helps_is_said_and_the_table_stays() {
    let stage = ground().await;
    let table = "# ours\nother.example may";
    let ran = into(&stage, table, &["down.example"]).await;
    assert_eq!(ran.stdout, table);
    assert_eq!(ran.status, ExitStatus::Broken);
    let ran = into(&stage, table, &["no such target"]).await;
    assert_eq!(
        (ran.stdout.as_str(), ran.status),
        (table, ExitStatus::Unknown)
    );
}

#[tokio::test]
async fn only_systems_with_a_table_and_only_tables_are_taken() {
    let stage = ground().await;
    let table = Temporary::with("table", "other.example may\n");
    for (system, right) in [
        ("mailu", true),
        ("docker-mailserver", true),
        ("mail-in-a-box", true),
        ("mailcow", false),
        ("exim", false),
        ("maddy", false),
    ] {
        let arguments = ["--entry", system, "--into", table.path(), "stale.example"];
        let ran = Box::pin(run_on(&stage, &arguments, b"")).await;
        assert_eq!(
            ran.stdout.contains("\nstale.example  encrypt\n"),
            right,
            "{system}"
        );
        assert_eq!(
            ran.status == ExitStatus::Unknown,
            !right,
            "{system}: {}",
            ran.stderr
        );
    }
    for (words, text) in [
        ("mysql:", "user = x\npassword = hunter2\nquery = x\n"),
        ("takes effect one by one", "[]"),
        (
            "takes effect one by one",
            "{\"dest\":\"a.example\",\"policy\":\"may\"}",
        ),
    ] {
        let ran = into(&stage, text, &["stale.example"]).await;
        assert_eq!((ran.stdout.as_str(), ran.status), ("", ExitStatus::Unknown));
        let words = words.replace("takes effect", "take effect");
        assert!(ran.stderr.contains(&words), "{}", ran.stderr);
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    }
    let without = ["--into", table.path(), "stale.example"];
    let ran = Box::pin(run_on(&stage, &without, b"")).await;
    assert!(ran.stderr.contains("--entry"), "{}", ran.stderr);
}

#[tokio::test]
async fn triage_sets_the_lines_of_everything_that_waits() {
    let stage = ground().await;
    let mut queue = String::new();
    for domain in ["stale.example", "stale2.example", "good.example"] {
        let recipient = json!({
            "address": format!("u@{domain}"),
            "delay_reason": "Server certificate not verified",
        });
        let message = json!({"queue_name": "deferred", "queue_id": "4E7F099A10B",
            "recipients": [recipient]});
        queue += &format!("{message}\n");
    }
    let table = Temporary::with("table", "# ours\nstale2.example may\nother.example may\n");
    let arguments = ["triage", "--into", table.path()];
    let ran = Box::pin(run_on(&stage, &arguments, queue.as_bytes())).await;
    assert_eq!(
        lines(&ran.stdout),
        [
            "stale2.example  encrypt",
            "other.example may",
            "stale.example  encrypt"
        ]
    );
    assert!(ran.stdout.starts_with("# ours\n"), "{}", ran.stdout);
    assert_eq!(ran.status, ExitStatus::Broken);
    for words in [
        "receiver  encrypt (!)",
        "flows now",
        "Then flush the queue: postqueue -f",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    // A fault of this machine is no reason for lines.
    let queue = queue.replace(
        "Server certificate not verified",
        "client TLS configuration problem",
    );
    let ran = Box::pin(run_on(&stage, &arguments, queue.as_bytes())).await;
    assert_eq!(
        ran.stdout,
        "# ours\nstale2.example may\nother.example may\n"
    );
    assert!(ran.stderr.contains("No entries for 2"), "{}", ran.stderr);
    let one = [&arguments[..], &["--accept-weaker=stale.example"]].concat();
    let ran = Box::pin(run_on(&stage, &one, queue.as_bytes())).await;
    assert_eq!(
        lines(&ran.stdout),
        [
            "stale2.example may",
            "other.example may",
            "stale.example  encrypt"
        ]
    );
}
