//! Over which address family, and from which address, mail servers are connected
//! to.

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::observe::Dial;
use danecheck_core::judge::{Delivery, Standing, Verdict};
use danecheck_core::report::{ExitStatus, Report};
use danecheck_world::dns::Zone;
use danecheck_world::smtp::MailServer;

use crate::support;
use crate::support::program::{report_of, run_on, run_with};
use crate::support::{ids, message, now};

/// `both.example` in order over IPv4 and with another key over IPv6,
/// `four.example` and `six.example` in order with one family each.
async fn stage() -> RunningStage {
    let mut stage = Stage::new(now());
    for (domain, records) in [
        ("both.example", "mx A 192.0.2.1\nmx AAAA 2001:db8::1"),
        ("four.example", "mx A 192.0.2.2"),
        ("six.example", "mx AAAA 2001:db8::3"),
    ] {
        let identity = stage.identity(&format!("mx.{domain}"));
        stage.zone(
            Zone::signed(&format!("{domain}."))
                .mx("@", 10, "mx")
                .records(records)
                .tlsa("_25._tcp.mx", &identity.tlsa(3, 1, 1)),
        );
        for record in records.lines() {
            let address = record.split_whitespace().last().unwrap();
            let own = match address {
                "2001:db8::1" => stage.identity("mx.both.example"),
                _ => identity.clone(),
            };
            stage.server(address, MailServer::new(own));
        }
    }
    stage.start().await.unwrap()
}

fn standings(report: &Report) -> Vec<(&str, Standing, usize)> {
    let addresses = report.hosts.iter().flat_map(|host| &host.addresses);
    addresses
        .map(|it| (it.address.as_str(), it.dane, it.sessions.len()))
        .collect()
}

#[tokio::test]
async fn one_family_alone_is_looked_at_and_used() {
    let stage = stage().await;
    let look = async |options: &[&str]| {
        let arguments = [&["--json"], options].concat();
        report_of(&run_on(&stage, &arguments, b"").await)
    };
    for option in ["-4", "--ipv4"] {
        let report = look(&[option, "both.example"]).await;
        assert_eq!(report.verdict, Verdict::DaneOk, "{option}");
        let [four, six] = standings(&report)[..] else {
            panic!("{:?}", standings(&report));
        };
        assert_eq!((four.0, four.1), ("192.0.2.1", Standing::Authenticated));
        assert_eq!(six, ("2001:db8::1", Standing::Unseen, 0));
        let told = message(&report, "address-family-not-looked-at");
        assert!(
            told.contains("1 IPv6 addresses were not looked at"),
            "{told}"
        );
    }
    // The server that is stale over IPv6 alone: mail of such a sender waits.
    let report = look(&["-6", "both.example"]).await;
    assert_eq!(report.verdict, Verdict::DaneBroken);
    let unseen = ("192.0.2.1", Standing::Unseen, 0);
    assert!(
        standings(&report).contains(&unseen),
        "{:?}",
        standings(&report)
    );
    let report = look(&["both.example"]).await;
    assert_eq!(report.verdict, Verdict::DanePartial);
    // Without an address of the family Postfix finds none.
    for (option, target) in [("-6", "four.example"), ("-4", "six.example")] {
        let report = look(&[option, target]).await;
        assert_eq!(report.verdict, Verdict::Undeliverable, "{target}");
        let dane = &report.outcomes.dane;
        assert_eq!(dane.delivery, Delivery::Bounced, "{target}");
        assert_eq!(dane.dsn.as_deref(), Some("5.4.4"), "{target}");
        assert!(ids(&report).contains(&"address-family-not-looked-at"));
        let standings = standings(&report);
        assert!(
            standings.iter().all(|it| it.1 == Standing::Unseen),
            "{standings:?}"
        );
    }
    for (option, target) in [("-4", "four.example"), ("-6", "six.example")] {
        let report = look(&[option, target]).await;
        assert_eq!(report.verdict, Verdict::DaneOk, "{target}");
        assert_eq!(ids(&report), [""; 0], "{target}");
    }
    // A person reads which addresses were left out.
    let ran = run_on(&stage, &["-4", "-vv", "both.example"], b"").await;
    assert!(ran.stdout.contains("not looked at"), "{}", ran.stdout);
}

#[tokio::test]
async fn what_was_seen_over_one_family_is_judged_so_again() {
    let stage = stage().await;
    let saved = support::Temporary::with("saved", "");
    let options = ["--json", "-4", "--save", saved.path(), "both.example"];
    let seen = run_on(&stage, &options, b"").await;
    let again = ["--json", "--replay", saved.path()];
    let replayed = run_with(&again, b"", Dial::default()).await;
    assert_eq!(replayed.stdout, seen.stdout);
}

#[tokio::test]
async fn connections_come_from_the_address_that_is_named() {
    let stage = stage().await;
    for (option, target) in [
        ("--source=127.0.0.1", "four.example"),
        ("--source=127.0.0.2", "four.example"),
        ("--source=[::1]", "six.example"),
        // Of the other family: the system chooses.
        ("--source=::1", "four.example"),
    ] {
        let ran = run_on(&stage, &["--json", option, target], b"").await;
        assert_eq!(report_of(&ran).verdict, Verdict::DaneOk, "{option}");
    }
    let both = [
        "--source",
        "127.0.0.2",
        "--source",
        "::1",
        "--json",
        "four.example",
    ];
    let ran = run_on(&stage, &both, b"").await;
    assert_eq!(report_of(&ran).verdict, Verdict::DaneOk);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_what_to_give() {
    for (options, said) in [
        (
            &["--source", "192.0.2.9"][..],
            "give one of its own addresses",
        ),
        (&["--source", "eth0"], "give an address of this machine"),
        (
            &["--source", "127.0.0.1", "--source", "127.0.0.2"],
            "one for IPv4 and one for IPv6",
        ),
        (&["-6", "--source", "127.0.0.1"], "its family is excluded"),
        (&["-4", "-6"], "cannot be used with"),
        (
            &["--source", "127.0.0.1", "--proxy", "127.0.0.1:1"],
            "cannot be used with",
        ),
    ] {
        let all = [options, &["--resolver", "127.0.0.1:1", "example.com"]].concat();
        let ran = run_with(&all, b"", Dial::default()).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{options:?}");
        assert!(ran.stderr.contains(said), "{options:?}: {}", ran.stderr);
    }
    let empty = support::Temporary::with("saved", "");
    for options in [&["-4"][..], &["-6"], &["--source", "127.0.0.1"]] {
        let all = [options, &["--replay", empty.path()]].concat();
        let ran = run_with(&all, b"", Dial::default()).await;
        assert!(
            ran.stderr.contains("--replay"),
            "{options:?}: {}",
            ran.stderr
        );
    }
}

/// Each command that connects as a check does takes the same options.
#[tokio::test]
async fn other_commands_look_over_one_family_and_from_the_address_that_is_named() {
    let stage = stage().await;
    let table = support::Temporary::with("table", "both.example encrypt\n");
    let overrides = async |options: &[&str]| {
        let all = [&["overrides", "--json"], options, &[table.path()]].concat();
        let ran = run_on(&stage, &all, b"").await;
        let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        found["overrides"][0]["word"]
            .as_str()
            .unwrap_or("?")
            .to_owned()
    };
    // Over IPv6 alone the server is stale.
    assert_eq!(overrides(&["-6"]).await, "needed");
    assert_ne!(overrides(&["-4"]).await, "needed");
    assert_ne!(overrides(&["-4", "--source", "127.0.0.2"]).await, "needed");

    let log = b"Nov 22 02:36:41 mx postfix/smtp[1]: 4E7F099A10B: to=<a@both.example>, \
                relay=mx.both.example[192.0.2.1]:25, delay=0.05, delays=0/0/0/0, dsn=4.7.5, \
                status=deferred (Server certificate not verified)\n";
    for command in [&["triage"][..], &["explain", "--log", "--check"]] {
        for (options, verdict) in [
            (&["-4"][..], "dane-ok"),
            (&["-6", "--source=::1"], "dane-broken"),
            (&["--source=127.0.0.1"], "dane-partial"),
        ] {
            let all = [command, &["--json"], options].concat();
            let ran = run_on(&stage, &all, log).await;
            let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
            let seen = &found["next_hops"][0]["verdict"];
            assert_eq!(seen, verdict, "{all:?}: {}", ran.stdout);
        }
    }

    // Of a survey, the first step says which addresses count, and the second
    // connects.
    let dns = run_on(&stage, &["survey", "dns", "-4"], b"both.example\n").await;
    let line: serde_json::Value = serde_json::from_str(dns.stdout.trim()).unwrap();
    let needs = line["needs"].as_array().unwrap();
    assert!(!needs.is_empty());
    assert!(
        needs.iter().all(|need| need["address"] == "192.0.2.1"),
        "{needs:?}"
    );
    let hosts = [
        "survey",
        "hosts",
        "--allow-private",
        "--source",
        "127.0.0.2",
    ];
    let hosts = run_with(&hosts, dns.stdout.as_bytes(), stage.dial()).await;
    let judged = run_with(&["survey", "judge"], hosts.stdout.as_bytes(), stage.dial()).await;
    assert_eq!(
        report_of(&judged).verdict,
        Verdict::DaneOk,
        "{}",
        judged.stdout
    );

    // What was not examined is no fault of this machine.
    let options = [
        "doctor",
        "--json",
        "-4",
        "--via",
        "both.example,",
        "four.example",
    ];
    let doctor = run_on(&stage, &options, b"").await;
    let found: serde_json::Value = serde_json::from_str(&doctor.stdout).unwrap();
    let checks = found["checks"].as_array().unwrap();
    let six = checks
        .iter()
        .find(|check| check["id"] == "port-25-ipv6")
        .unwrap();
    assert_eq!(six["status"], "unknown", "{six}");
    let four = checks
        .iter()
        .find(|check| check["id"] == "port-25-ipv4")
        .unwrap();
    assert_eq!(four["status"], "ok", "{four}");
}
