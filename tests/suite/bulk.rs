//! Many targets in one run: each gets the report that it would get alone.

use danecheck::demo::stage::RunningStage;
use danecheck::demo::{CASES, SharedAuthorities, TARGET};
use danecheck::observe::{Pool, Setup, observe};
use danecheck_core::report::Report;
use futures_util::future::join_all;
use serde_json::Value;

use crate::support::hosts::shared_hosts;
use crate::support::program::{Ran, run_on, targets};
use crate::support::{now, strip_times};

/// A report as its reader sees it, without what a clock or a cache decides.
fn seen(report: &Report) -> Value {
    let mut value = serde_json::to_value(report).unwrap();
    strip_times(&mut value);
    value
}

async fn look(target: &str, setup: &Setup) -> Value {
    seen(&Report::of(&observe(&target.parse().unwrap(), setup).await))
}

/// The target of a case, and its first hosts asked for by themselves: they
/// share their hosts, and nothing else may pass from one to the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_in_company_has_the_report_of_one_alone() {
    let shared = SharedAuthorities::new(now());
    for cases in CASES.chunks(8) {
        join_all(cases.iter().map(|case| async {
            let stage = case.stage(&shared).start().await.unwrap();
            let alone = stage.setup();
            let first = look(TARGET, &alone).await;
            let mut targets = vec![TARGET.to_owned(); 3];
            for host in first["hosts"].as_array().unwrap().iter().take(2) {
                let name = host["name"].as_str().unwrap();
                let target = format!("[{name}]");
                if target.parse::<danecheck_core::next_hop::NextHop>().is_ok() {
                    targets.push(target);
                }
            }
            let shared = Setup {
                pool: Some(Pool::default()),
                ..stage.setup()
            };
            let at_once = join_all(targets.iter().map(|target| look(target, &shared)));
            let mut together = at_once.await;
            // And once more, when all is known.
            together.extend(join_all(targets.iter().map(|it| look(it, &shared))).await);
            for (target, report) in targets.iter().chain(&targets).zip(together) {
                let expected = look(target, &alone).await;
                assert_eq!(
                    serde_json::to_string_pretty(&report).unwrap(),
                    serde_json::to_string_pretty(&expected).unwrap(),
                    "{}: {target}",
                    case.name
                );
            }
        }))
        .await;
    }
}

/// So many hosts, which so many domains share.
const HOSTS: u8 = 12;
const DOMAINS: usize = 300;

fn domain(number: usize) -> String {
    format!("d{number}.example")
}

async fn check(stage: &RunningStage, arguments: &[&str], stdin: &str) -> Ran {
    run_on(stage, arguments, stdin.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_has_its_report_and_each_host_is_met_once() {
    let stage = shared_hosts(DOMAINS, HOSTS).await;
    let mut lines: Vec<String> = (0..DOMAINS).map(domain).collect();
    // A line that comes twice has two reports; a line that is not a target has
    // one.
    lines.push(domain(7));
    lines.push("not a domain".to_owned());
    let stdin = format!("# all of them\n\n{}", lines.join("\n"));
    let ran = check(&stage, &["--json", "-"], &stdin).await;
    lines.sort();
    assert_eq!(targets(&ran.stdout), lines, "{}", ran.stderr);
    let well = ran.stdout.matches(r#""verdict":"dane-ok""#).count();
    assert_eq!(well, DOMAINS + 1, "{}", ran.stdout);
    for server in stage.servers() {
        let mut names: Vec<Option<String>> =
            server.sessions().into_iter().map(|it| it.sni).collect();
        names.sort();
        assert_eq!(names.len(), 2, "{names:?}");
        assert!(names[0].is_none() && names[1].is_some(), "{names:?}");
    }
    // Each host costs four lookups; each domain its MX records and the two TXT
    // records of MTA-STS and TLS reporting; the rest is shared. What a busy
    // machine asks twice has room; hosts looked up for each domain have none.
    let asked = stage.dns().query_count();
    assert!(
        asked < DOMAINS * 5 + usize::from(HOSTS) * 8,
        "{asked} questions"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_at_a_time_gives_the_same_reports() {
    let stage = shared_hosts(DOMAINS, HOSTS).await;
    let stdin: String = (0..40).map(|number| domain(number) + "\n").collect();
    let sorted = |ran: &Ran| {
        let reports = ran.stdout.lines().map(|line| {
            let mut report: Value = serde_json::from_str(line).unwrap();
            strip_times(&mut report);
            report.to_string()
        });
        let mut reports: Vec<String> = reports.collect();
        reports.sort();
        reports
    };
    let at_once = check(&stage, &["--json", "--jobs", "40", "-"], &stdin).await;
    let in_turn = check(&stage, &["--json", "--jobs", "1", "-"], &stdin).await;
    let (at_once, in_turn) = (sorted(&at_once), sorted(&in_turn));
    assert_eq!((at_once.len(), in_turn.len()), (40, 40));
    for (one, other) in at_once.iter().zip(&in_turn) {
        assert_eq!(one, other);
    }
}
