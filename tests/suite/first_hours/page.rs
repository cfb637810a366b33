//! C: the page, for one target and for many.

use danecheck::cli::Environment;
use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::demo::{Case, SharedAuthorities};
use danecheck_core::report::{ExitStatus, HumanStyle, Report, human};
use danecheck_world::dns::Zone;
use danecheck_world::pki::stale_tlsa;
use danecheck_world::smtp::MailServer;

use super::{formats, hosts};
use crate::support::program::{run_in, run_on};
use crate::support::{now, report_on};

/// `good.example`, `stale.example` and `plain.example`.
async fn three() -> RunningStage {
    let mut stage = Stage::new(now());
    for (domain, address) in [
        ("good.example", "192.0.2.1"),
        ("stale.example", "192.0.2.2"),
        ("plain.example", "192.0.2.3"),
    ] {
        let identity = stage.identity(&format!("mx.{domain}"));
        let zone = Zone::signed(&format!("{domain}."))
            .mx("@", 10, "mx")
            .records(&format!("mx A {address}"));
        let owner = "_25._tcp.mx";
        stage.zone(match domain {
            "good.example" => zone.tlsa(owner, &identity.tlsa(3, 1, 1)),
            "stale.example" => zone.tlsa(owner, &stale_tlsa(3, 1, 1)),
            _ => zone,
        });
        stage.server(address, MailServer::new(identity));
    }
    stage.start().await.unwrap()
}

/// C: many targets have a line each, and the worst come again at the end.
#[tokio::test]
async fn many_targets_have_a_line_each_and_a_summary() {
    let stage = three().await;
    let all = ["good.example", "stale.example", "plain.example"];
    let ran = run_on(&stage, &all, b"").await;
    assert_eq!(ran.status, ExitStatus::Broken);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let fine = "fine     good.example: mail flows, protected by DANE";
    let broken = "broken   stale.example: DANE senders defer this mail (4.7.5) [tlsa-mismatch]";
    assert!(lines[..4].contains(&fine), "{}", ran.stdout);
    let place = lines.iter().position(|line| *line == broken).unwrap();
    assert_eq!(lines[place + 1], "         override: encrypt");
    assert!(
        ran.stdout.contains("3 targets: 1 broken, 2 fine"),
        "{}",
        ran.stdout
    );
    // What stands directly above is not repeated.
    assert_eq!(ran.stdout.matches("stale.example").count(), 1);
    assert!(!ran.stdout.contains("Not fine:"), "{}", ran.stdout);
    // A long list is: then the worst come first.
    let list = "good.example\nstale.example\n".repeat(11);
    let ran = run_on(&stage, &["-"], list.as_bytes()).await;
    let (_, summary) = ran
        .stdout
        .split_once("22 targets: 11 broken, 11 fine")
        .unwrap();
    assert!(
        summary.contains("Not fine:\n  broken   stale.example: "),
        "{summary}"
    );
    assert_eq!(summary.matches("stale.example").count(), 11, "{summary}");
    // With -q eleven lines stand above, and are all that is not fine.
    let ran = run_on(&stage, &["-q", "-"], list.as_bytes()).await;
    assert_eq!(
        ran.stdout.matches("stale.example").count(),
        11,
        "{}",
        ran.stdout
    );
    // -v has whole reports above, so that the list is worth its lines.
    let ran = run_on(&stage, &[&["-v"], &all[..]].concat(), b"").await;
    assert!(
        ran.stdout.contains("Not fine:\n  broken   stale.example"),
        "{}",
        ran.stdout
    );
    for width in [60, 80, 120] {
        for options in [&["-"][..], &["-v", "-"]] {
            let resolver = stage.dns().addr().to_string();
            let all = [options, &["--allow-private", "--resolver", &resolver]].concat();
            let input = list.as_bytes();
            let set = |environment: &mut Environment| environment.width = width;
            let ran = Box::pin(run_in(&all, input, stage.dial(), set)).await;
            for line in ran.stdout.lines() {
                // What people copy stays on one line.
                let is_copied = line.contains(" match=");
                assert!(
                    is_copied || line.chars().count() <= width,
                    "{width}: {line}"
                );
            }
        }
    }
    // Nothing is said of what is fine; a single target has its whole report.
    let ran = run_on(&stage, &[&["-q"], &all[..]].concat(), b"").await;
    assert!(!ran.stdout.contains("good.example"), "{}", ran.stdout);
    assert!(ran.stdout.contains("stale.example"), "{}", ran.stdout);
    for quiet in [
        vec!["-q", "good.example"],
        vec!["-q", "good.example", "plain.example"],
    ] {
        let ran = run_on(&stage, &quiet, b"").await;
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
        assert_eq!(ran.status, ExitStatus::Fine);
    }
    let ran = run_on(&stage, &["-q", "stale.example"], b"").await;
    assert!(
        ran.stdout.contains("Until it is fixed: encrypt"),
        "{}",
        ran.stdout
    );
    // JSON promises a report for each target.
    let ran = run_on(&stage, &["-q", "--json", "good.example"], b"").await;
    assert_eq!(ran.stdout.lines().count(), 1);
    // Of many, too, -v shows hosts.
    let ran = run_on(&stage, &[&["-v"], &all[..]].concat(), b"").await;
    assert!(ran.stdout.contains("DNSSEC: signed"), "{}", ran.stdout);
    assert!(ran.stdout.contains("3 targets: "), "{}", ran.stdout);
}

#[tokio::test]
async fn reports_come_in_the_order_of_their_targets_if_that_is_wanted() {
    let stage = three().await;
    let names = ["stale.example", "a..b", "plain.example", "good.example"];
    let list: Vec<&str> = names.iter().copied().cycle().take(40).collect();
    let stdin = list.join("\n");
    for jobs in ["1", "3", "64"] {
        let arguments = ["--json", "--in-order", "--jobs", jobs, "-"];
        let ran = run_on(&stage, &arguments, stdin.as_bytes()).await;
        let targets: Vec<String> = ran
            .stdout
            .lines()
            .map(|line| serde_json::from_str::<Report>(line).unwrap().target)
            .collect();
        assert_eq!(targets, list, "{jobs}");
    }
}

#[tokio::test]
async fn the_exporter_and_the_textfile_know_how_long_a_check_took() {
    let stage = three().await;
    let ran = run_on(&stage, &["--format", "prometheus", "good.example"], b"").await;
    let sample = "danecheck_check_duration_seconds{target=\"good.example\"} ";
    let line = ran
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix(sample));
    let seconds: f64 = line.unwrap().parse().unwrap();
    assert!(seconds > 0.0, "{seconds}");
}

/// C: one fault on one host takes fifteen lines.
#[tokio::test]
async fn one_fault_on_one_host_takes_fifteen_lines() {
    let shared = SharedAuthorities::new(now());
    for name in ["stale-key", "starttls-gone", "handshake-fails", "null-mx"] {
        let case = Case::find(name).unwrap();
        let report = Report::of(&case.observe(&shared).await.unwrap());
        let text = human(&report, HumanStyle::default());
        assert!(text.lines().count() <= 15, "{name}\n{text}");
    }
}

/// C: what is the same for several hosts is said once.
#[tokio::test]
async fn equal_faults_of_several_hosts_are_told_once_in_every_format() {
    let all: Vec<String> = (1..=5).map(|last| format!("192.0.2.{last}")).collect();
    let all: Vec<(&str, bool)> = all.iter().map(|it| (it.as_str(), true)).collect();
    let report = report_on("example.com", |stage| hosts(stage, &all)).await;
    let errors = report.findings.iter();
    let errors = errors.filter(|finding| finding.id == "tlsa-mismatch");
    assert_eq!(errors.count(), 5);
    for (format, text) in formats(&report) {
        // JUnit has a case for each host.
        if format == "junit" {
            continue;
        }
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = "of each of mx1.example.com, mx2.example.com, mx3.example.com and 2 more";
        assert_eq!(words.matches(told).count(), 1, "{format}: {text}");
        assert_eq!(
            words.matches("matches none of its").count(),
            1,
            "{format}: {text}"
        );
    }
}

/// C: a page is as wide as the terminal says, within bounds.
#[test]
fn a_page_is_as_wide_as_columns_says_from_60_to_120() {
    for (columns, least, most) in [
        (Some("60"), 50, 60),
        (Some("100"), 85, 100),
        (Some("20"), 50, 60),
        (Some("500"), 100, 120),
        (Some("no"), 70, 80),
        (None, 70, 80),
    ] {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_danecheck"));
        program
            .args(["demo", "mx-not-signed"])
            .env_remove("COLUMNS");
        if let Some(columns) = columns {
            program.env("COLUMNS", columns);
        }
        let page = String::from_utf8(program.output().unwrap().stdout).unwrap();
        let widest = page.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(
            (least..=most).contains(&widest),
            "{columns:?}: {widest}\n{page}"
        );
    }
}
