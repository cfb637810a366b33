//! The command line: what goes in, what comes out, and the exit status.

mod dns;
mod help;

use std::process::{Command, Stdio};

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::observe::Dial;
use danecheck_core::report::{ExitStatus, Report};
use danecheck_world::dns::Zone;
use danecheck_world::pki::stale_tlsa;
use danecheck_world::smtp::MailServer;

use crate::support::program::{Ran, run_with};
use crate::support::{Temporary, now};

/// A run that needs no network.
async fn run_alone(arguments: &[&str]) -> Ran {
    run_with(arguments, b"", Dial::default()).await
}

/// `good.example` with DANE in order, `stale.example` with a stale record,
/// `plain.example` without any.
async fn stage() -> RunningStage {
    let mut stage = Stage::new(now());
    for (domain, address) in [
        ("good.example", "192.0.2.1"),
        ("stale.example", "192.0.2.2"),
        ("plain.example", "192.0.2.3"),
    ] {
        let host = format!("mx.{domain}");
        let identity = stage.identity(&host);
        let zone = Zone::signed(&format!("{domain}."))
            .mx("@", 10, "mx")
            .records(&format!("mx A {address}"));
        stage.zone(match domain {
            "good.example" => zone.tlsa("_25._tcp.mx", &identity.tlsa(3, 1, 1)),
            "stale.example" => zone.tlsa("_25._tcp.mx", &stale_tlsa(3, 1, 1)),
            _ => zone,
        });
        stage.server(address, MailServer::new(identity));
    }
    stage.start().await.unwrap()
}

async fn check(stage: &RunningStage, arguments: &[&str], stdin: &str) -> Ran {
    let resolver = stage.dns().addr().to_string();
    let mut all = vec!["--allow-private", "--resolver", &resolver];
    all.extend(arguments);
    run_with(&all, stdin.as_bytes(), stage.dial()).await
}

fn reports(ran: &Ran) -> Vec<Report> {
    ran.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn the_exit_status_follows_the_verdict_and_the_worst_counts() {
    let stage = stage().await;
    for (arguments, status) in [
        (vec!["good.example"], ExitStatus::Fine),
        (vec!["plain.example"], ExitStatus::Fine),
        (vec!["stale.example"], ExitStatus::Broken),
        (vec!["good.example", "stale.example"], ExitStatus::Broken),
        (vec!["--require-dane", "good.example"], ExitStatus::Fine),
        (vec!["--require-dane", "plain.example"], ExitStatus::Broken),
        (
            vec!["--fail-on", "never", "stale.example"],
            ExitStatus::Fine,
        ),
        (
            vec!["--fail-on", "error", "stale.example"],
            ExitStatus::Broken,
        ),
    ] {
        let ran = check(&stage, &arguments, "").await;
        assert_eq!(ran.status, status, "{arguments:?}\n{}", ran.stdout);
        assert_eq!(ran.stderr, "", "{arguments:?}");
    }
}

#[tokio::test]
async fn quiet_says_nothing_of_a_target_that_is_fine() {
    let stage = stage().await;
    for option in ["-q", "--quiet"] {
        let ran = check(&stage, &[option, "good.example", "plain.example"], "").await;
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.as_str(), ran.status),
            ("", "", ExitStatus::Fine)
        );
        let ran = check(&stage, &[option, "good.example", "stale.example"], "").await;
        let line = "broken   stale.example: ";
        assert!(ran.stdout.starts_with(line), "{}", ran.stdout);
        assert!(!ran.stdout.contains("good.example"), "{}", ran.stdout);
        assert_eq!(ran.status, ExitStatus::Broken);
    }
    let ran = check(&stage, &["-q", "-v", "good.example"], "").await;
    assert_eq!(ran.status, ExitStatus::Unknown);
}

#[tokio::test]
async fn json_is_one_line_for_each_target() {
    let stage = stage().await;
    let ran = check(&stage, &["--json", "good.example", "stale.example"], "").await;
    let mut targets: Vec<String> = reports(&ran).into_iter().map(|r| r.target).collect();
    targets.sort();
    assert_eq!(targets, ["good.example", "stale.example"]);
}

#[tokio::test]
async fn a_list_without_targets_is_no_all_clear() {
    let stage = stage().await;
    for stdin in ["", "\n# comment\n\n"] {
        for options in [&["-"][..], &["--json", "-"], &["--format", "nagios", "-"]] {
            let ran = check(&stage, options, stdin).await;
            assert_eq!(ran.status, ExitStatus::Unknown, "{options:?}");
            assert_eq!(ran.stdout, "", "{options:?}");
            assert_eq!(ran.stderr, "danecheck: no targets on standard input\n");
        }
    }
    // A target was named beside it.
    let ran = check(&stage, &["--json", "good.example", "-"], "").await;
    assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stderr);
}

#[tokio::test]
async fn a_line_that_is_no_target_gets_its_report_too() {
    let stage = stage().await;
    let stdin = "# comment\n\ngood.example\n a..b \nuser@plain.example";
    let ran = check(&stage, &["--json", "-"], stdin).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    let reports = reports(&ran);
    let invalid = reports
        .iter()
        .find(|report| report.target == "a..b")
        .unwrap();
    assert_eq!(
        invalid.verdict,
        danecheck_core::judge::Verdict::Indeterminate
    );
    assert_eq!(invalid.findings[0].id, "invalid-target");
    assert_eq!(reports.len(), 3);
    let schema = jsonschema::validator_for(&danecheck_core::report::schema()).unwrap();
    assert!(schema.is_valid(&serde_json::to_value(invalid).unwrap()));
}

#[tokio::test]
async fn every_format_has_every_target_and_the_same_exit_status() {
    let stage = stage().await;
    let targets = ["good.example", "stale.example", "a..b"];
    for format in [
        "json",
        "nagios",
        "prometheus",
        "junit",
        "github",
        "markdown",
        "html",
    ] {
        let ran = check(&stage, &[&["--format", format], &targets[..]].concat(), "").await;
        assert_eq!(ran.status, ExitStatus::Broken, "{format}");
        // Where all is fine nagios names nobody.
        for target in &targets[1..] {
            assert!(ran.stdout.contains(target), "{format}: {}", ran.stdout);
        }
        let ran = check(&stage, &["--format", format, "good.example"], "").await;
        assert_eq!(ran.status, ExitStatus::Fine, "{format}");
        assert!(
            ran.stdout.contains("good.example"),
            "{format}: {}",
            ran.stdout
        );
    }
}

#[tokio::test]
async fn a_line_of_any_length_is_one_target() {
    let stage = stage().await;
    let stdin = format!("{}\ngood.example\n", "a".repeat(1_000_000));
    let ran = check(&stage, &["--json", "-"], &stdin).await;
    assert_eq!(reports(&ran).len(), 2);
}

#[tokio::test]
async fn a_bad_target_on_the_command_line_is_named_and_the_others_are_checked() {
    let stage = stage().await;
    let ran = check(&stage, &["exa mple.com", "good.example"], "").await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(
        ran.stderr.contains("`exa mple.com` is not a domain name"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains(" good.example: "), "{}", ran.stdout);
}

#[tokio::test]
async fn only_the_entry_is_printed_and_nothing_where_none_is_needed() {
    let stage = stage().await;
    let ran = check(&stage, &["--entry", "postfix", "stale.example"], "").await;
    let (comment, line): (Vec<&str>, Vec<&str>) =
        ran.stdout.lines().partition(|line| line.starts_with('#'));
    assert_eq!(line, ["stale.example  encrypt"]);
    let note = danecheck_core::entry::Note::read(comment.into_iter()).unwrap();
    assert_eq!(note.date, now().day());
    assert!(note.reason.contains("matches none"), "{}", note.reason);
    // It asks for less: the caution is in the comment, and beside it.
    let caution = note.caution.unwrap();
    assert_eq!(ran.stderr, format!("danecheck: stale.example: {caution}\n"));
    // The entry is there, so that what follows with `&&` runs.
    assert_eq!(ran.status, ExitStatus::Fine);
    let ran = check(&stage, &["--entry", "mailcow", "stale.example"], "").await;
    assert!(ran.stderr.contains(&caution), "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        "{\"dest\":\"stale.example\",\"policy\":\"encrypt\",\"parameters\":\"\",\"active\":\"1\"}\n"
    );
    assert!(ran.stderr.contains("TLS Policies"), "{}", ran.stderr);
    let ran = check(
        &stage,
        &["--entry", "mailcow", "--lang", "de", "stale.example"],
        "",
    )
    .await;
    assert!(
        ran.stderr.contains("Ziel        stale.example"),
        "{}",
        ran.stderr
    );
    for system in danecheck_core::entry::SYSTEMS {
        for fine in ["plain.example", "good.example"] {
            let ran = check(&stage, &["--entry", system.name, fine], "").await;
            assert_eq!(
                (ran.stdout.as_str(), ran.stderr.as_str(), ran.status),
                ("", "", ExitStatus::Fine),
                "{}",
                system.name
            );
        }
    }
}

#[tokio::test]
async fn where_no_entry_helps_standard_error_says_why() {
    let shared = danecheck::demo::SharedAuthorities::new(now());
    for (case, status, why) in [
        (
            "connection-refused",
            ExitStatus::Broken,
            "no entry. No TLS policy makes this mail flow: ",
        ),
        (
            "null-mx",
            ExitStatus::Broken,
            "no entry. No TLS policy makes this mail flow: ",
        ),
        (
            "port-blocked",
            ExitStatus::Unknown,
            "no entry. danecheck could not reach any mail server from here",
        ),
    ] {
        let case = danecheck::demo::Case::find(case).unwrap();
        let observation = case.observe(&shared).await.unwrap();
        let line = serde_json::to_string(&observation).unwrap();
        let file = Temporary::with("json", &format!("{line}\n"));
        for system in ["postfix", "mailcow", "exim"] {
            let ran = run_alone(&["--replay", file.path(), "--entry", system]).await;
            assert_eq!(
                (ran.stdout.as_str(), ran.status),
                ("", status),
                "{}",
                ran.stderr
            );
            let lead = format!("danecheck: {}: {why}", observation.next_hop);
            assert!(ran.stderr.starts_with(&lead), "{}", ran.stderr);
            assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        }
    }
}

#[tokio::test]
async fn a_file_that_was_not_saved_is_named_and_what_to_do_with_it() {
    let queue = r#"{"queue_name":"deferred","queue_id":"A1","recipients":[]}"#;
    let report = run_alone(&["demo", "all-well", "--json"]).await.stdout;
    let triage = run_with(
        &["triage", "--no-check", "--json"],
        queue.as_bytes(),
        Dial::default(),
    )
    .await;
    let tlsrpt = r#"{"organization-name":"x","policies":[]}"#;
    for (content, said) in [
        (
            queue,
            "it is a queue listing of `postqueue -j`. Give it to `danecheck triage`",
        ),
        (
            report.trim_end(),
            "it is a report of --json, which has less. Make an observation with --save FILE",
        ),
        (
            triage.stdout.trim_end(),
            "it is the answer of `danecheck triage --json`.",
        ),
        (
            tlsrpt,
            "it is a TLS report. Give it to `danecheck explain --tlsrpt`",
        ),
        (
            r#"{"a":1}"#,
            "it is JSON of another kind. Make one with --save FILE",
        ),
        (
            r#"{"format":2,"next_hop":1,"checked_at":"x"}"#,
            "it has fields that this program does not know, or lacks some. Save it again",
        ),
        ("{a}", "it is not JSON. Make one with --save FILE"),
        ("words", "it is not JSON. Make one with --save FILE"),
    ] {
        // With and without a line end: half an object is another matter.
        for end in ["", "\n"] {
            let file = Temporary::with("json", &format!("{content}{end}"));
            let ran = run_alone(&["--replay", file.path()]).await;
            let path = file.path();
            let whole = format!(
                "danecheck: {path}: line 1 is not an observation that --save wrote: {said}"
            );
            assert!(ran.stderr.starts_with(&whole), "{content}: {}", ran.stderr);
            assert!(!ran.stderr.contains("expected one of"), "{}", ran.stderr);
            assert_eq!(ran.status, ExitStatus::Unknown);
        }
    }
    let newer = r#"{"format":99,"next_hop":"a.example","more":1}"#;
    for (content, said) in [
        (r#"{"format":2,"next_"#, "line 1 is incomplete"),
        (
            newer,
            "line 1 has format 99, but this program reads formats up to 2",
        ),
    ] {
        let file = Temporary::with("json", content);
        let ran = run_alone(&["--replay", file.path()]).await;
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn a_system_that_needs_no_entry_or_cannot_say_it_is_told_so() {
    let stage = stage().await;
    let ran = check(&stage, &["--entry", "haraka", "stale.example"], "").await;
    assert_eq!((ran.stdout.as_str(), ran.status), ("", ExitStatus::Fine));
    assert!(
        ran.stderr.contains("does not look at TLSA"),
        "{}",
        ran.stderr
    );
    let ran = check(&stage, &["--entry", "maddy", "[mx.stale.example]"], "").await;
    assert_eq!((ran.stdout.as_str(), ran.status), ("", ExitStatus::Broken));
    assert!(ran.stderr.contains("recipient's domain"), "{}", ran.stderr);
    let ran = check(&stage, &["--entry", "sendmail", "stale.example"], "").await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    assert!(ran.stderr.contains("kumomta"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_saved_observation_gives_the_same_report_without_the_network() {
    let stage = stage().await;
    let file = std::env::temp_dir().join(format!("danecheck-save-{}.json", std::process::id()));
    let path = file.to_str().unwrap();
    let seen = check(&stage, &["--json", "--save", path, "stale.example"], "").await;
    drop(stage);
    let replayed = run_alone(&["--json", "--replay", path]).await;
    std::fs::remove_file(&file).unwrap();
    assert_eq!(replayed.stdout, seen.stdout);
    assert_eq!(replayed.status, ExitStatus::Broken);
}

#[tokio::test]
async fn a_resolver_that_does_not_answer_is_named() {
    // Bound and dropped, so that nobody is there.
    let port = std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let ran = run_alone(&[
        "--json",
        "--timeout",
        "1",
        "--resolver",
        &port.to_string(),
        "example.com",
    ])
    .await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    let report = &reports(&ran)[0];
    // One cause, one finding: the domain's own name servers are not to blame.
    let ids: Vec<_> = report.findings.iter().map(|finding| &finding.id).collect();
    assert_eq!(ids, ["resolver-silent"]);
    assert!(report.findings[0].message.contains(&port.to_string()));

    let ran = run_alone(&[
        "-v",
        "--timeout",
        "1",
        "--resolver",
        &port.to_string(),
        "[mail.example.com]",
    ])
    .await;
    assert!(ran.stdout.contains("address unknown"), "{}", ran.stdout);
}

#[tokio::test]
async fn wrong_usage_is_status_3_and_says_what_is_wrong() {
    for (arguments, words) in [
        (vec!["--resolver", "nonsense", "example.com"], "127.0.0.1"),
        (vec!["--timeout", "0", "example.com"], "above 0"),
        (vec!["--frobnicate"], "--frobnicate"),
        (
            vec!["--ca-file", "/no/such/file", "example.com"],
            "/no/such/file: cannot be read",
        ),
        (
            vec!["--trust-anchor", "/no/such/file", "example.com"],
            "/no/such/file: cannot be read",
        ),
        (
            vec!["--replay", "/no/such/file"],
            "/no/such/file: cannot be read",
        ),
        (
            vec!["--replay", "Cargo.toml"],
            "not an observation that --save wrote",
        ),
        (
            vec!["--trust-anchor", "Cargo.toml", "example.com"],
            "DS or DNSKEY records",
        ),
        (vec!["--ca-file", "Cargo.toml", "example.com"], "PEM"),
        (
            vec!["--save", "/no/such/folder/file", "example.com"],
            "cannot be written",
        ),
        (vec!["--replay", "."], "cannot be read"),
        (vec!["explain", "no-such-finding"], "explain --list"),
        (vec!["demo", "no-such-case"], "demo --list"),
        (vec![], "Usage"),
    ] {
        let ran = run_alone(&arguments).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{arguments:?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn help_version_schema_and_the_catalogue_are_answers() {
    for (arguments, words) in [
        (vec!["--help"], "--require-dane"),
        (vec!["--version"], env!("CARGO_PKG_VERSION")),
        (vec!["schema"], "\"$schema\""),
        (vec!["schema", "dns"], "\"LookupViews\""),
        (vec!["schema", "log"], "\"Triage\""),
        (vec!["schema", "tlsa"], "\"TlsaOutput\""),
        (vec!["explain", "--list"], "tlsa-mismatch"),
        (vec!["explain", "tlsa-mismatch"], "What the receiver does"),
        (vec!["demo", "--list"], "stale-key"),
    ] {
        let ran = run_alone(&arguments).await;
        assert_eq!(ran.status, ExitStatus::Fine, "{arguments:?}");
        assert_eq!(ran.stderr, "", "{arguments:?}");
        assert!(ran.stdout.contains(words), "{arguments:?}: {}", ran.stdout);
    }
}

#[tokio::test]
async fn the_demo_prints_a_line_for_each_case_and_one_report() {
    let ran = run_alone(&["demo"]).await;
    assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stderr);
    for case in danecheck::demo::CASES {
        let lines = ran
            .stdout
            .lines()
            .filter(|line| line.starts_with(case.name));
        assert!(lines.count() >= 1, "{}", case.name);
    }
    assert!(ran.stdout.contains("DANE senders defer this mail (4.7.5)"));
}

#[test]
fn a_broken_pipe_ends_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_danecheck"))
        .args(["explain", "--list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(
        output.status.code().is_some(),
        "killed: {:?}",
        output.status
    );
}

#[test]
fn the_program_itself_returns_the_status() {
    let output = Command::new(env!("CARGO_BIN_EXE_danecheck"))
        .arg("not a domain")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("danecheck: `not a domain`"));
}
