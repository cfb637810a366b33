//! A survey in three steps gives the reports of one run.

use std::collections::{BTreeMap, BTreeSet};

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::demo::{CASES, SharedAuthorities, TARGET};
use danecheck_core::report::ExitStatus;
use serde_json::Value;

use crate::support::hosts::shared_hosts;
use crate::support::program::{Ran, run_on, run_with, schema_faults};
use crate::support::{Temporary, now, strip_times};

/// The three steps on one stage.
struct Survey<'a> {
    stage: &'a RunningStage,
    ca: Temporary,
}

impl<'a> Survey<'a> {
    fn new(stage: &'a RunningStage) -> Self {
        let ca = Temporary::with(
            "pem",
            &Stage::new(now()).identity("ca.test").chain()[0].pem(),
        );
        Self { stage, ca }
    }

    async fn step(&self, arguments: &[&str], stdin: &str) -> Vec<String> {
        let ran = run_with(arguments, stdin.as_bytes(), self.stage.dial()).await;
        assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stderr);
        ran.stdout.lines().map(str::to_owned).collect()
    }

    async fn dns(&self, targets: &str, more: &[&str]) -> Vec<String> {
        let ran: Ran = run_on(
            self.stage,
            &[&["survey", "dns"], more].concat(),
            targets.as_bytes(),
        )
        .await;
        assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stderr);
        ran.stdout.lines().map(str::to_owned).collect()
    }

    async fn hosts(&self, lines: &[String], more: &[&str]) -> Vec<String> {
        let arguments = [&["survey", "hosts", "--allow-private"], more].concat();
        self.step(&arguments, &lines.join("\n")).await
    }

    async fn judge(&self, lines: &[String]) -> Vec<String> {
        let arguments = ["survey", "judge", "--ca-file", self.ca.path()];
        self.step(&arguments, &lines.join("\n")).await
    }

    /// The reports of one run over the same targets.
    async fn at_once(&self, targets: &str) -> Vec<String> {
        let arguments = ["--json", "--ca-file", self.ca.path(), "-"];
        let ran = run_on(self.stage, &arguments, targets.as_bytes()).await;
        ran.stdout.lines().map(str::to_owned).collect()
    }
}

/// Reports without what a clock or a cache decides, in the order of their text.
fn seen(reports: &[String]) -> Vec<String> {
    let read = |line: &String| serde_json::from_str::<Value>(line).unwrap();
    let mut all: Vec<Value> = reports.iter().map(read).collect();
    all.iter_mut().for_each(strip_times);
    let mut all: Vec<String> = all
        .iter()
        .map(|it| serde_json::to_string_pretty(it).unwrap())
        .collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn each_case_of_the_demo_has_the_same_report() {
    let shared = SharedAuthorities::new(now());
    for case in CASES {
        let stage = case.stage(&shared).start().await.unwrap();
        let survey = Survey::new(&stage);
        let lines = survey.dns(TARGET, &[]).await;
        let lines = survey.hosts(&lines, &[]).await;
        let reports = survey.judge(&lines).await;
        let expected = survey.at_once(TARGET).await;
        assert_eq!(seen(&reports), seen(&expected), "{}", case.name);
    }
}

const HOSTS: u8 = 6;
const DOMAINS: usize = 40;

fn domains() -> String {
    (0..DOMAINS)
        .map(|number| format!("d{number}.example\n"))
        .collect()
}

/// The needs of all lines, each once, in the order of their addresses.
fn distinct_needs(lines: &[String]) -> Vec<String> {
    let needs: BTreeSet<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .flat_map(|line| line["needs"].as_array().unwrap().clone())
        .map(|need| need.to_string())
        .collect();
    needs.into_iter().collect()
}

/// Each line with the sessions for its needs, as an engine joins them.
fn joined(lines: &[String], sessions: &[String]) -> Vec<String> {
    let key = |it: &Value| {
        let of = |name| it[name].to_string();
        ["address", "port", "server_name", "client_hello"].map(of)
    };
    let by_need: BTreeMap<_, Value> = sessions
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|session| (key(&session), session))
        .collect();
    let join = |line: &String| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let needs = line["needs"].as_array().unwrap().clone();
        let sessions: Vec<Value> = needs
            .iter()
            .filter_map(|need| by_need.get(&key(need)).cloned())
            .collect();
        line["sessions"] = sessions.into();
        line.to_string()
    };
    lines.iter().map(join).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn needs_that_were_shuffled_are_met_once_each() {
    let stage = shared_hosts(DOMAINS, HOSTS).await;
    let survey = Survey::new(&stage);
    let lines = survey.dns(&domains(), &[]).await;
    assert!(
        stage.servers().iter().all(|it| it.sessions().is_empty()),
        "DNS alone connects to no server"
    );
    let needs = distinct_needs(&lines);
    assert_eq!(needs.len(), 2 * usize::from(HOSTS));
    let sessions = survey.hosts(&needs, &[]).await;
    assert_eq!(sessions.len(), needs.len(), "one line for each need");
    for server in stage.servers() {
        assert_eq!(server.sessions().len(), 2);
    }
    let reports = survey.judge(&joined(&lines, &sessions)).await;
    assert_eq!(reports.len(), 40);
    for line in &lines {
        let line = serde_json::from_str(line).unwrap();
        assert_eq!(schema_faults("survey-dns", &line).await, [""; 0]);
    }
    for session in &sessions {
        let session = serde_json::from_str(session).unwrap();
        assert_eq!(schema_faults("survey-hosts", &session).await, [""; 0]);
    }
    assert_eq!(seen(&reports), seen(&survey.at_once(&domains()).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_missing_is_no_verdict() {
    let stage = shared_hosts(DOMAINS, HOSTS).await;
    let survey = Survey::new(&stage);
    let lines = survey.dns("d1.example", &[]).await;
    let reports = survey.judge(&lines).await;
    let report: Value = serde_json::from_str(&reports[0]).unwrap();
    assert_eq!(report["verdict"], "indeterminate", "{report:#}");
    // Nor is one of two.
    let one = survey.hosts(&distinct_needs(&lines)[..1], &[]).await;
    let reports = survey.judge(&joined(&lines, &one)).await;
    let report: Value = serde_json::from_str(&reports[0]).unwrap();
    assert_ne!(report["verdict"], "dane-broken", "{report:#}");
    assert_ne!(report["verdict"], "undeliverable", "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_cannot_be_read_is_answered_in_each_step() {
    let stage = shared_hosts(DOMAINS, HOSTS).await;
    let survey = Survey::new(&stage);
    let lines = survey.dns("not a domain\nd1.example\n", &[]).await;
    assert_eq!(lines.len(), 2);
    let all = [lines, vec!["{\"half\":".to_owned(), "word".to_owned()]].concat();
    let lines = survey.hosts(&all, &[]).await;
    assert_eq!(lines.len(), 4, "{lines:?}");
    let reports = survey.judge(&[lines, vec!["[]".to_owned()]].concat()).await;
    assert_eq!(reports.len(), 5, "{reports:?}");
    let of = |name: &str| {
        let has = |line: &&String| line.contains(name);
        reports.iter().filter(has).count()
    };
    assert_eq!(of("\"error\":"), 3, "{reports:?}");
    assert_eq!(of("\"line_number\":3"), 1, "{reports:?}");
    let expected = survey.at_once("not a domain\nd1.example\n").await;
    let whole: Vec<String> = reports
        .iter()
        .filter(|line| line.contains("\"verdict\""))
        .cloned()
        .collect();
    assert_eq!(seen(&whole), seen(&expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_opted_out_are_left_alone() {
    let stage = shared_hosts(DOMAINS, HOSTS).await;
    let survey = Survey::new(&stage);
    let list = Temporary::with("txt", "d1.example\n192.0.2.1/32\nmx2.hosts.test\n");
    let opt_out = ["--opt-out", list.path()];
    let targets = "d0.example\nd1.example\nd2.example\nd3.example\n";
    let lines = survey.dns(targets, &opt_out).await;
    let left_alone = |line: &&String| line.contains("\"opted_out\":true");
    assert_eq!(lines.iter().filter(left_alone).count(), 1);
    let lines = survey.hosts(&lines, &opt_out).await;
    // By its address, as nobody's host, and by its own name.
    assert_eq!(stage.servers()[0].sessions().len(), 0);
    assert_eq!(stage.servers()[1].sessions().len(), 0);
    assert_eq!(stage.servers()[2].sessions().len(), 0);
    assert_eq!(stage.servers()[3].sessions().len(), 2);
    let reports = survey.judge(&lines).await;
    assert_eq!(reports.len(), 4);
    let verdicts: BTreeMap<String, String> = reports
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|it| (it["target"].to_string(), it["verdict"].to_string()))
        .collect();
    assert_eq!(verdicts["\"d0.example\""], "\"indeterminate\"");
    assert_eq!(verdicts["\"d1.example\""], "null");
    assert_eq!(verdicts["\"d2.example\""], "\"indeterminate\"");
    assert_eq!(verdicts["\"d3.example\""], "\"dane-ok\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_leaves_names_addresses_and_networks_alone_by_itself() {
    let stage = shared_hosts(DOMAINS, HOSTS).await;
    let survey = Survey::new(&stage);
    let lines = survey.dns(&domains(), &[]).await;
    let needs = distinct_needs(&lines);
    // A name with all that is below it, by itself or with an asterisk.
    let list = "mx0.hosts.test\n*.MX1.hosts.test.\n192.0.2.3\n192.0.2.4/31 # two\n";
    let list = Temporary::with("txt", list);
    let sessions = survey.hosts(&needs, &["--opt-out", list.path()]).await;
    assert_eq!(sessions.len(), needs.len());
    let met: Vec<usize> = stage
        .servers()
        .iter()
        .map(|it| it.sessions().len())
        .collect();
    assert_eq!(met, [0, 0, 0, 0, 0, 2]);
    let left_alone = |line: &&String| line.contains("\"opted_out\":true");
    assert_eq!(sessions.iter().filter(left_alone).count(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_a_name_that_others_need_is_held() {
    let stage = shared_hosts(DOMAINS, HOSTS).await;
    let survey = Survey::new(&stage);
    let list = Temporary::with("txt", "mx0.hosts.test\n");
    let need = |name: &str| {
        format!(
            r#"{{"address":"192.0.2.1","port":25,"server_name":{name},"client_hello":"postfix"}}"#
        )
    };
    let needs = ["null", r#""mx0.hosts.test""#, r#""mx.example""#].map(need);
    let sessions = survey.hosts(&needs, &["--opt-out", list.path()]).await;
    assert_eq!(sessions.len(), 3);
    let met = stage.servers()[0].sessions();
    let names: BTreeSet<Option<String>> = met.iter().map(|it| it.sni.clone()).collect();
    assert_eq!(names, [None, Some("mx.example".to_owned())].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn dns_asks_nothing_about_those_who_opted_out() {
    let stage = shared_hosts(DOMAINS, HOSTS).await;
    let survey = Survey::new(&stage);
    let list = Temporary::with("txt", "d1.example\n*.d2.example\n192.0.2.0/24\n");
    let targets = "d1.example\nD2.Example.\nbelow.d2.example\n[192.0.2.1]\nd3.example\n";
    let lines = survey.dns(targets, &["--opt-out", list.path()]).await;
    let asked: Vec<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| !line["dns"].is_null())
        .map(|line| line["target"].to_string())
        .collect();
    assert_eq!(asked, ["\"d3.example\""]);
    assert_eq!(lines.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_is_not_connected_to_without_a_word() {
    let stage = shared_hosts(DOMAINS, HOSTS).await;
    let survey = Survey::new(&stage);
    let lines = survey.dns("d1.example", &[]).await;
    let lines = survey.step(&["survey", "hosts"], &lines.join("\n")).await;
    assert!(
        lines[0].contains("\"reserved\":\"192.0.2.0/24"),
        "{lines:?}"
    );
    assert!(stage.servers().iter().all(|it| it.sessions().is_empty()));
}
