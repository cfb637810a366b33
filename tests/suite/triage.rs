//! `danecheck triage` and `danecheck explain --tlsrpt`: from what people have in
//! their hands to what to do.

use danecheck::cli::Terminals;
use danecheck::demo::stage::Stage;
use danecheck::observe::Dial;
use danecheck_core::evidence::Reading;
use danecheck_core::report::ExitStatus;
use danecheck_world::dns::{Misbehaviour as NoAnswer, Rtype};
use danecheck_world::pki::stale_tlsa;
use danecheck_world::smtp::{MailServer, Misbehaviour};
use serde_json::{Value, json};

use crate::support::domain::{stale, with_record};
use crate::support::now;
use crate::support::program::{run_in, run_on, run_with, schema_faults};

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

/// A line that somebody copied out of a log, without the rest of it.
#[tokio::test]
async fn a_text_alone_is_explained_by_its_cause() {
    for (input, id) in [
        (
            "TLSA lookup error for mx.example.com:25",
            "tlsa-lookup-error",
        ),
        (
            "Server certificate not verified",
            "certificate-not-verified",
        ),
        (
            "(TLS is required, but was not offered by host mx.example.com[192.0.2.1])",
            "starttls-not-offered",
        ),
    ] {
        for options in [&["triage", "--no-check"][..], &["explain", "--log"]] {
            let ran = run_with(options, input.as_bytes(), Dial::default()).await;
            assert_eq!(ran.status, ExitStatus::Unknown, "{input}");
            let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
            let command = format!("no next hop: `danecheck explain {id}` says what the text means");
            assert!(text.contains(&command), "{text}");
            let explained = run_with(&["explain", id], b"", Dial::default()).await;
            assert_eq!(explained.status, ExitStatus::Fine);
        }
    }
    let ran = run_with(&["triage", "--no-check"], b"hello\n", Dial::default()).await;
    assert!(!ran.stdout.contains("explain"), "{}", ran.stdout);
}

/// The options of the check, here too.
#[tokio::test]
async fn colours_and_progress_are_as_those_of_the_check() {
    let mut stage = Stage::new(now());
    stale(&mut stage, "stale.example", "192.0.2.1");
    let stage = stage.start().await.unwrap();
    let resolver = stage.dns().addr().to_string();
    let input = queue("stale.example", "Server certificate not verified")
        + &queue("other.invalid", "Server certificate not verified");
    let terminal = Terminals {
        stderr: true,
        ..Terminals::default()
    };
    for (options, colors, has_color, has_progress) in [
        (&[][..], true, true, true),
        (&[], false, false, true),
        (&["--color=never"], true, false, true),
        (&["--color", "always"], false, true, true),
        (&["--no-progress"], true, true, false),
    ] {
        let all = ["triage", "--allow-private", "--resolver", &resolver];
        let all = [&all[..], options].concat();
        let ran = Box::pin(run_in(
            &all,
            input.as_bytes(),
            stage.dial(),
            |environment| {
                environment.terminals = terminal;
                environment.colors = colors;
            },
        ))
        .await;
        assert_eq!(ran.stdout.contains("\u{1b}["), has_color, "{options:?}");
        assert_eq!(
            ran.stderr.contains("of 2 done"),
            has_progress,
            "{options:?}"
        );
        assert!(ran.stderr.is_empty() || ran.stderr.ends_with("\r\u{1b}[K"));
        let plain = ran.stdout.contains("receiver  encrypt (!)");
        assert_eq!(plain, !has_color, "{}", ran.stdout);
        assert!(
            ran.stdout.contains("\nstale.example  encrypt"),
            "{}",
            ran.stdout
        );
    }
}

#[tokio::test]
async fn the_next_hops_are_looked_at_and_the_entries_are_one_block() {
    let mut stage = Stage::new(now());
    stale(&mut stage, "stale.example", "192.0.2.1");
    let stage = stage.start().await.unwrap();
    let resolver = stage.dns().addr().to_string();
    let input = queue("stale.example", "Server certificate not verified").repeat(2)
        + &queue("--json", "Server certificate not verified");
    let arguments = ["triage", "--allow-private", "--resolver", &resolver];
    let ran = run_with(&arguments, input.as_bytes(), stage.dial()).await;
    assert_eq!(ran.status, ExitStatus::Broken, "{}", ran.stderr);
    for words in [
        "stale.example?  2 ",
        "receiver  encrypt (!)",
        "\nstale.example  encrypt",
        "Then flush the queue: postqueue -f",
        "Run:\n  danecheck doctor --via stale.example\n",
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
        stale(&mut stage, domain, &format!("192.0.2.{}", number + 1));
        let host = format!("mx.{domain}");
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

/// What stands between this machine and everybody.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Between {
    /// Nothing: each domain has a fault of its own.
    Nothing,
    /// One certificate in place of all.
    OneCertificate,
    /// STARTTLS is taken away.
    NoStartTls,
    /// TLSA lookups fail.
    NoTlsaLookups,
}

/// The queue names no fault that all have in common: the looks do.
#[tokio::test]
async fn what_the_looks_show_alike_at_several_operators_is_this_machines() {
    const DOMAINS: [&str; 3] = ["one.example", "two.test", "three.invalid"];
    for (between, words) in [
        (Between::Nothing, ""),
        (Between::OneCertificate, "one and the same certificate"),
        (Between::NoStartTls, "takes STARTTLS away"),
        (Between::NoTlsaLookups, "TLSA lookups fail"),
    ] {
        for count in [2, 3] {
            let mut stage = Stage::new(now());
            let shown = stage.identity("filter.here.example");
            let mut input = String::new();
            for (number, domain) in DOMAINS.iter().take(count).enumerate() {
                let address = format!("192.0.2.{}", number + 1);
                let own = stage.identity(&format!("mx.{domain}"));
                let record = match between {
                    Between::Nothing => stale_tlsa(3, 1, 1),
                    _ => own.tlsa(3, 1, 1),
                };
                stage.zone(with_record("mx", domain, &address, &record));
                let server = match between {
                    Between::OneCertificate => MailServer::new(shown.clone()),
                    Between::NoStartTls => {
                        MailServer::new(own).misbehaving([Misbehaviour::NoStartTls])
                    }
                    _ => MailServer::new(own),
                };
                stage.server(&address, server);
                if between == Between::NoTlsaLookups {
                    let name = format!("_25._tcp.mx.{domain}.");
                    stage.lookup_misbehaving(&name, Rtype::TLSA, NoAnswer::ServFail);
                }
                input += &queue(domain, "Server certificate not verified");
            }
            let stage = stage.start().await.unwrap();
            let arguments = ["triage", "--timeout", "20"];
            let ran = run_on(&stage, &arguments, input.as_bytes()).await;
            let alike = between != Between::Nothing && count == 3;
            let first = ran.stdout.lines().next().unwrap_or_default();
            let is_said =
                first.starts_with("This machine or its network: 3 next hops of 3 operators");
            assert_eq!(is_said, alike, "{between:?} {count}: {}", ran.stdout);
            assert_eq!(
                ran.stdout.contains(words) && !words.is_empty(),
                alike,
                "{}",
                ran.stdout
            );
            let block = "\none.example  ";
            let entries = ran.stdout.contains(&format!("{block}encrypt"))
                || ran.stdout.contains(&format!("{block}may"));
            assert_eq!(entries, !alike, "{between:?} {count}: {}", ran.stdout);
            if alike {
                let arguments = ["triage", "--accept-weaker", "--timeout", "20"];
                let ran = run_on(&stage, &arguments, input.as_bytes()).await;
                assert!(ran.stdout.contains(block), "{between:?}: {}", ran.stdout);
            }
        }
    }
}

/// A fault of this machine's own TLS settings is named by the queue alone.
#[tokio::test]
async fn a_client_tls_configuration_problem_is_this_machines_in_any_case() {
    let mut stage = Stage::new(now());
    stale(&mut stage, "stale.example", "192.0.2.1");
    let stage = stage.start().await.unwrap();
    let input = queue("stale.example", "client TLS configuration problem");
    let ran = run_on(&stage, &["triage"], input.as_bytes()).await;
    let first = ran.stdout.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("This machine is the cause for 1 next hop"),
        "{first}"
    );
    assert!(!ran.stdout.contains("\nstale.example  "), "{}", ran.stdout);
    let arguments = ["triage", "--accept-weaker=stale.example"];
    let ran = run_on(&stage, &arguments, input.as_bytes()).await;
    assert!(
        ran.stdout.contains("\nstale.example  encrypt"),
        "{}",
        ran.stdout
    );
}

#[tokio::test]
async fn what_is_published_now_stands_beside_what_the_senders_saw() {
    let mut stage = Stage::new(now());
    stale(&mut stage, "stale.example", "192.0.2.1");
    let own = stage.identity("mx.good.example");
    stage.zone(with_record(
        "mx",
        "good.example",
        "192.0.2.2",
        &own.tlsa(3, 1, 1),
    ));
    stage.server("192.0.2.2", MailServer::new(own));
    let own = stage.identity("mx.clear.example");
    stage.zone(with_record(
        "mx",
        "clear.example",
        "192.0.2.3",
        &own.tlsa(3, 1, 1),
    ));
    let clear = MailServer::new(own).misbehaving([Misbehaviour::NoStartTls]);
    stage.server("192.0.2.3", clear);
    let stage = stage.start().await.unwrap();
    let policies: Vec<Value> = ["stale.example", "good.example", "clear.example"]
        .map(|domain| {
            json!({
                "policy": {
                    "policy-type": "tlsa",
                    "policy-domain": domain,
                    "policy-string": ["3 1 1 00ff"],
                },
                "summary": {
                    "total-successful-session-count": 0,
                    "total-failure-session-count": 3,
                },
                "failure-details": [
                    {"result-type": "validation-failure", "failed-session-count": 2,
                     "receiving-mx-hostname": format!("mx.{domain}")},
                    {"result-type": "something-new", "failed-session-count": 1},
                ],
            })
        })
        .into();
    let report = json!({"organization-name": "S", "policies": policies}).to_string();
    let arguments = ["explain", "--tlsrpt", "-", "--check", "--json"];
    let ran = run_on(&stage, &arguments, report.as_bytes()).await;
    let reports: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(schema_faults("tlsrpt", &reports).await, [""; 0]);
    let policies = &reports["reports"][0]["policies"];
    for (at, verdict, now, unknown) in [
        (0, "dane-broken", "still-so", "fails-otherwise"),
        (1, "dane-ok", "since-fixed", "not-known"),
        (2, "dane-broken", "fails-otherwise", "fails-otherwise"),
    ] {
        assert_eq!(policies[at]["now"]["verdict"], verdict);
        assert_eq!(policies[at]["failures"][0]["now"], now, "{at}");
        assert_eq!(policies[at]["failures"][1]["now"], unknown, "{at}");
    }
    // The status is about what the report says.
    assert_eq!(ran.status, ExitStatus::Broken);
    let ran = run_on(&stage, &arguments[..4], report.as_bytes()).await;
    for words in [
        "; still so;",
        "; since fixed;",
        "Seen then",
        "Published now",
        "3 1 1 00ff",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
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

/// No entry helps, and yet people see what waits, since when, and what to do.
#[tokio::test]
async fn mail_that_waits_for_a_connection_is_named() {
    let refused = "connect to mx.a.example[192.0.2.4]:25: Connection timed out";
    let lost = "lost connection with mx.c.test[192.0.2.5] while performing the EHLO handshake";
    let one = queue("a.example", refused) + &queue("c.test", lost);
    let ran = run_with(&["triage"], one.as_bytes(), Dial::default()).await;
    assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stderr);
    for words in [
        "not-connected: deferred 1, the oldest since 2026-11-22T02:02:03Z, for a.example",
        "Run `nc -vz HOST 25`",
        "lost-connection: deferred 1, ",
    ] {
        let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "{words}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("Port 25"), "{}", ran.stdout);
    let several = queue("a.example", refused) + &queue("b.test", refused);
    let ran = run_with(&["triage"], several.as_bytes(), Dial::default()).await;
    for words in [
        "Port 25 of this machine may be blocked",
        "danecheck doctor --via a.example b.test\n",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
}

/// Four of many fail alike: perhaps it is this machine, which reached the others.
#[tokio::test]
async fn a_fault_that_most_next_hops_do_not_have_is_only_perhaps_this_machines() {
    let not_found = |domain: &str| {
        let reason = format!(
            "Host or domain name not found. Name service error for name={domain} type=MX: Host \
             not found, try again"
        );
        queue(domain, &reason)
    };
    let mut input = queue("first.example", "Server certificate not verified").repeat(2);
    for domain in ["x.example", "y.test", "z.invalid"] {
        input += &not_found(domain);
    }
    let offline = ["triage", "--no-check"];
    let ran = run_with(&offline, input.as_bytes(), Dial::default()).await;
    assert!(
        ran.stdout
            .starts_with("This machine or its network: 3 next hops of 3 operators"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("--via x.example y.test z.invalid\n"),
        "{}",
        ran.stdout
    );
    // Names that were connected to were found.
    for number in 0..3 {
        let reason = "connect to mx[192.0.2.4]:25: Connection refused";
        input += &queue(&format!("d{number}.test"), reason);
    }
    let ran = run_with(&offline, input.as_bytes(), Dial::default()).await;
    let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.starts_with(
            "Perhaps this machine or its network: 3 next hops of 3 operators fail alike \
             (dns-try-again), and 4 others do not."
        ),
        "{text}"
    );
}

#[tokio::test]
async fn without_an_answer_it_is_unknown_whether_an_override_helps() {
    let input = queue("a.example", "TLSA lookup error for mx.a.example:25");
    let dead = ["triage", "--resolver", "127.0.0.1:9", "--timeout", "3"];
    let ran = run_with(&dead, input.as_bytes(), Dial::default()).await;
    assert!(ran.stdout.contains("unknown\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("none helps"), "{}", ran.stdout);
    // Nor does a text promise what nobody looked at.
    let offline = ["triage", "--no-check"];
    let ran = run_with(&offline, input.as_bytes(), Dial::default()).await;
    assert!(
        ran.stdout.contains("Check first: `danecheck NEXTHOP`"),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("delivers."), "{}", ran.stdout);
}

#[test]
fn nothing_is_cut_where_the_screen_is_narrow() {
    let domain = "a-rather-long-name-of-a-town-hall.department.a.example";
    let long = format!(
        "11/22/2026, 2:36:05 AM | info | 4E7F050A10B: to=<u0@{domain}>, relay=none, delay=3, \
         dsn=4.7.5, status=deferred (host mx5.d5.example[192.0.2.5] said: 450 4.2.0 Greylisted"
    );
    for text in [")", &format!(" {})", "x".repeat(200))] {
        let input = queue(domain, "Server certificate not verified")
            + &queue("b.test", "Server certificate not verified");
        let mut reading = Reading::default();
        reading.bytes(input.as_bytes());
        reading.begin("log");
        reading.bytes(format!("{long}{text}\n").as_bytes());
        let triage = reading.triage();
        for width in [40, 60, 80, 120] {
            let table = triage.table(width);
            for line in table.lines() {
                assert!(line.chars().count() <= width, "{width}: {table}");
            }
            let rest = table.split_whitespace().collect::<Vec<_>>().join(" ");
            for words in ["override", "not looked", "said: 450 4.2.0 Greylisted"] {
                assert!(rest.contains(words), "{words}: {table}");
            }
            let is_marked = rest.replace(' ', "").contains("...");
            assert_eq!(is_marked, text.len() > 1, "{table}");
        }
    }
}
