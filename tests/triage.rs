//! `danecheck triage` and `danecheck explain --tlsrpt`: from what people have in
//! their hands to what to do.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and meets files and sockets"
)]

mod support;

use danecheck::demo::stage::Stage;
use danecheck::observe::Dial;
use danecheck_core::report::ExitStatus;
use danecheck_world::dns::Zone;
use danecheck_world::pki::stale_tlsa;
use danecheck_world::smtp::MailServer;
use serde_json::{Value, json};

use support::now;
use support::program::{run_with, schema_faults};

fn queue(domain: &str, reason: &str) -> String {
    let message = json!({
        "queue_name": "deferred",
        "queue_id": "4E7F099A10B",
        "arrival_time": 1_795_312_923,
        "recipients": [{"address": format!("u@{domain}"), "delay_reason": reason}],
    });
    format!("{message}\n")
}

#[tokio::test]
async fn each_exit_status_is_that_of_the_contract() {
    let offline = ["triage", "--no-check"];
    for (input, status) in [
        (
            queue("a.example", "TLSA lookup error for mx.a.example:25"),
            ExitStatus::Broken,
        ),
        (
            queue("a.example", "host mx[192.0.2.1] said: 450 later"),
            ExitStatus::Fine,
        ),
        ("Mail queue is empty\n".to_owned(), ExitStatus::Fine),
        (
            "postfix/smtp[1]: warning: TLS policy lookup for a.example/mx.a.example: TLSA lookup \
             error for mx.a.example:25\n"
                .to_owned(),
            ExitStatus::Warning,
        ),
        ("hello\n".to_owned(), ExitStatus::Unknown),
        (String::new(), ExitStatus::Unknown),
    ] {
        let ran = run_with(&offline, input.as_bytes(), Dial::default()).await;
        assert_eq!(ran.status, status, "{input}: {}{}", ran.stdout, ran.stderr);
    }
}

#[tokio::test]
async fn the_next_hops_are_looked_at_and_the_entries_are_one_block() {
    let mut stage = Stage::new(now());
    let identity = stage.identity("mx.stale.example");
    stage.zone(
        Zone::signed("stale.example.")
            .mx("@", 10, "mx")
            .records("mx A 192.0.2.1")
            .tlsa("_25._tcp.mx", &stale_tlsa(3, 1, 1)),
    );
    stage.server("192.0.2.1", MailServer::new(identity));
    let stage = stage.start().await.unwrap();
    let resolver = stage.dns().addr().to_string();
    let input = queue("stale.example", "Server certificate not verified").repeat(2)
        + &queue("--json", "Server certificate not verified");
    let arguments = ["triage", "--allow-private", "--resolver", &resolver];
    let ran = run_with(&arguments, input.as_bytes(), stage.dial()).await;
    assert_eq!(ran.status, ExitStatus::Broken, "{}", ran.stderr);
    for words in [
        "2 waiting",
        "override: encrypt",
        "\nstale.example  encrypt",
        "Then flush the queue: postqueue -f",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    let arguments = [
        "triage",
        "--json",
        "--allow-private",
        "--resolver",
        &resolver,
    ];
    let ran = run_with(&arguments, input.as_bytes(), stage.dial()).await;
    let triage: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(schema_faults("triage", &triage).await, [""; 0]);
    let hop = &triage["next_hops"][0];
    assert_eq!(hop["name"], "stale.example");
    assert_eq!(hop["waiting"], 2);
    assert_eq!(hop["verdict"], "dane-broken");
    assert_eq!(hop["action"], "override");
    assert_eq!(hop["entries"]["postfix"], "stale.example  encrypt");
    // What is no next hop is named, and not looked at.
    assert_eq!(triage["next_hops"][1]["verdict"], Value::Null);
}

#[tokio::test]
async fn a_fault_of_this_machine_gives_no_block() {
    let mut stage = Stage::new(now());
    let mut input = String::new();
    for (number, domain) in ["one.example", "two.test", "three.invalid"]
        .iter()
        .enumerate()
    {
        let host = format!("mx.{domain}");
        let identity = stage.identity(&host);
        let address = format!("192.0.2.{}", number + 1);
        stage.zone(
            Zone::signed(&format!("{domain}."))
                .mx("@", 10, "mx")
                .records(&format!("mx A {address}"))
                .tlsa("_25._tcp.mx", &stale_tlsa(3, 1, 1)),
        );
        stage.server(&address, MailServer::new(identity));
        let reason = format!("TLS is required, but was not offered by host {host}[192.0.2.1]");
        input += &queue(domain, &reason);
    }
    let stage = stage.start().await.unwrap();
    let resolver = stage.dns().addr().to_string();
    let arguments = ["triage", "--allow-private", "--resolver", &resolver];
    let ran = run_with(&arguments, input.as_bytes(), stage.dial()).await;
    assert!(
        ran.stdout
            .starts_with("This machine or its network: 3 next hops"),
        "{}",
        ran.stdout
    );
    assert!(
        !ran.stdout.contains("\none.example  encrypt"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("No entries for 3"), "{}", ran.stdout);
    let arguments = [
        "triage",
        "--accept-weaker",
        "--allow-private",
        "--resolver",
        &resolver,
    ];
    let ran = run_with(&arguments, input.as_bytes(), stage.dial()).await;
    assert!(
        ran.stdout.contains("\none.example  encrypt"),
        "{}",
        ran.stdout
    );
}

#[tokio::test]
async fn reports_of_tls_are_explained_to_the_receiver() {
    let report = json!({
        "organization-name": "Sender Inc.",
        "date-range": {
            "start-datetime": "2026-11-26T00:00:00Z",
            "end-datetime": "2026-11-26T23:59:59Z",
        },
        "report-id": "1",
        "policies": [{
            "policy": {"policy-type": "tlsa", "policy-domain": "a.example"},
            "summary": {
                "total-successful-session-count": 98,
                "total-failure-session-count": 2,
            },
            "failure-details": [{
                "result-type": "validation-failure",
                "failed-session-count": 2,
                "receiving-mx-hostname": "mx.a.example",
            }],
        }],
    });
    let bytes = report.to_string().into_bytes();
    let arguments = ["explain", "--json", "--tlsrpt", "-"];
    let ran = run_with(&arguments, &bytes, Dial::default()).await;
    assert_eq!(ran.status, ExitStatus::Broken, "{}", ran.stderr);
    let explained: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(schema_faults("tlsrpt", &explained).await, [""; 0]);
    let policy = &explained["reports"][0]["policies"][0];
    assert_eq!(policy["type"], "tlsa");
    assert_eq!(policy["failures"][0]["finding"], "tlsa-mismatch");
    assert_eq!(policy["failures"][0]["mail_waited"], true);
    let ran = run_with(&["explain", "--tlsrpt", "-"], b"hello", Dial::default()).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    // `triage` points to it, and is never an all-clear.
    let ran = run_with(&["triage", "--no-check"], &bytes, Dial::default()).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(ran.stdout.contains("explain --tlsrpt"), "{}", ran.stdout);
}

#[tokio::test]
async fn the_words_that_people_see_are_explained() {
    for (word, words) in [
        ("dane-broken", "(verdict)"),
        ("4.7.5", "(status code)"),
        (
            "Server certificate not verified",
            "certificate-not-verified",
        ),
        ("tlsa-missmatch", "tlsa-mismatch (error)"),
    ] {
        let ran = run_with(&["explain", word], b"", Dial::default()).await;
        assert_eq!(ran.status, ExitStatus::Fine, "{word}: {}", ran.stderr);
        assert!(ran.stdout.contains(words), "{word}: {}", ran.stdout);
    }
    let ran = run_with(&["explain", "nothing-like-it"], b"", Dial::default()).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(ran.stderr.contains("unknown finding `nothing-like-it`"));
}
