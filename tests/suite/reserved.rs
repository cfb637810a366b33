//! Names with addresses that no host in the public internet has.

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::observe::{Setup, observe};
use danecheck_core::judge::{Standing, Verdict};
use danecheck_core::report::{Detail, ExitStatus, FailOn, HumanStyle, Report, exit_status, human};
use danecheck_world::dns::Zone;
use danecheck_world::smtp::MailServer;

use crate::support::program::run_with;
use crate::support::{Temporary, ids, now};

/// Nothing goes there: the stage routes it to loopback.
const PUBLIC: &str = "192.0.1.10";
const PRIVATE: &str = "10.0.0.10";

/// A domain in order whose MX records and addresses these are, with a server
/// at both addresses.
async fn stage(records: &str) -> RunningStage {
    let mut stage = Stage::new(now());
    let identity = stage.identity("mx1.example.com");
    stage.zone(
        Zone::signed("example.com.")
            .records(records)
            .tlsa("_25._tcp.mx1", &identity.tlsa(3, 1, 1)),
    );
    for address in [PUBLIC, PRIVATE] {
        stage.server(address, MailServer::new(identity.clone()));
    }
    stage.start().await.unwrap()
}

async fn look(stage: &RunningStage, target: &str, allow_private: bool) -> Report {
    let setup = Setup {
        allow_private,
        ..stage.setup()
    };
    Report::of(&observe(&target.parse().unwrap(), &setup).await)
}

/// How many clients the public and the private address had.
fn visits(stage: &RunningStage) -> Vec<usize> {
    let servers = stage.servers().iter();
    servers.map(|server| server.sessions().len()).collect()
}

#[tokio::test]
async fn a_private_address_is_told_and_left_alone() {
    let stage = stage(&format!("@ MX 10 mx1\nmx1 A {PRIVATE}")).await;
    let report = look(&stage, "example.com", false).await;
    assert_eq!(visits(&stage), [0, 0]);
    assert_eq!(ids(&report), ["reserved-address"]);
    assert_eq!(report.verdict, Verdict::Indeterminate);
    assert_eq!(
        exit_status(&report, false, FailOn::Warning),
        ExitStatus::Unknown
    );
    assert_eq!(
        report.outcomes.dane.reason.as_deref(),
        Some("mx1.example.com[10.0.0.10] was not checked: 10.0.0.0/8, private use")
    );
    let text = human(&report, HumanStyle::of(Detail::Full));
    for words in [
        "not connected to (10.0.0.0/8, private use)",
        "--allow-private",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn a_private_address_is_connected_to_by_wish() {
    let stage = stage(&format!("@ MX 10 mx1\nmx1 A {PRIVATE}")).await;
    let report = look(&stage, "example.com", true).await;
    assert_eq!(visits(&stage), [0, 2]);
    assert_eq!(ids(&report), [""; 0]);
    assert_eq!(report.verdict, Verdict::DaneOk);
}

#[tokio::test]
async fn a_private_address_beside_a_public_one_is_not_counted() {
    let stage = stage(&format!("@ MX 10 mx1\nmx1 A {PUBLIC}\nmx1 A {PRIVATE}")).await;
    let report = look(&stage, "example.com", false).await;
    assert_eq!(visits(&stage), [2, 0]);
    assert_eq!(ids(&report), ["reserved-address"]);
    assert_eq!(report.verdict, Verdict::DaneOk);
    let standings: Vec<Standing> = report
        .hosts
        .iter()
        .flat_map(|host| &host.addresses)
        .map(|address| address.dane)
        .collect();
    assert_eq!(standings, [Standing::Unseen, Standing::Authenticated]);
    assert_eq!(
        exit_status(&report, false, FailOn::Warning),
        ExitStatus::Warning
    );
}

#[tokio::test]
async fn an_mx_record_with_a_private_address_in_it_is_no_way_in() {
    let stage = stage(&format!("@ MX 10 {PRIVATE}.")).await;
    let report = look(&stage, "example.com", false).await;
    assert_eq!(visits(&stage), [0, 0]);
    assert_eq!(ids(&report), ["mx-host-is-address", "reserved-address"]);
}

#[tokio::test]
async fn an_address_that_was_typed_is_connected_to() {
    let stage = stage("@ MX 10 mx1").await;
    let report = look(&stage, "[10.0.0.10]", false).await;
    assert_eq!(visits(&stage), [0, 0]);
    assert_eq!(ids(&report), ["reserved-address"]);
    let setup = Setup {
        allow_private: false,
        typed: true,
        ..stage.setup()
    };
    let report = Report::of(&observe(&"[10.0.0.10]".parse().unwrap(), &setup).await);
    assert_eq!(visits(&stage), [0, 1]);
    assert_eq!(report.verdict, Verdict::NoDane);
}

/// Loopback, private use, and an IPv4 address within one of IPv6.
const LITERALS: [&str; 5] = [
    "127.0.0.1",
    "10.0.0.10",
    "fd00::10",
    "::1",
    "::ffff:10.0.0.10",
];

/// A run of the program with this literal as the target, and whether any
/// server was connected to.
async fn opens(arguments: &[&str], stdin: &str) -> (bool, String) {
    let mut stage = Stage::new(now());
    let identity = stage.identity("mx1.example.com");
    for address in LITERALS {
        stage.server(address, MailServer::new(identity.clone()));
    }
    let stage = stage.start().await.unwrap();
    let resolver = stage.dns().addr().to_string();
    let all = [arguments, &["--resolver", &resolver]].concat();
    let ran = run_with(&all, stdin.as_bytes(), stage.dial()).await;
    let visited = visits(&stage).iter().any(|visits| *visits > 0);
    (visited, ran.stdout + &ran.stderr)
}

#[tokio::test]
async fn a_private_literal_that_others_wrote_is_left_alone() {
    for address in LITERALS {
        let literal = match address.contains(':') {
            true => format!("[IPv6:{address}]"),
            false => format!("[{address}]"),
        };
        let (visited, said) = opens(&[&literal], "").await;
        assert!(visited, "{literal}: {said}");

        let table = Temporary::with("table", &format!("[{address}] may\n"));
        let config = Temporary::with("toml", &format!("[[domain]]\nname = \"{literal}\"\n"));
        let log = format!(
            "Nov 22 02:36:41 mx postfix/smtp[8]: 4E7F: to=<a@{literal}>, relay=none, delay=1, \
             dsn=4.7.5, status=deferred (Server certificate not verified)\n"
        );
        for (arguments, stdin) in [
            (&["-v", "-"][..], literal.as_str()),
            (&["overrides", table.path()], ""),
            (&["--config", config.path()], ""),
            (&["explain", "--log", "--check"], &log),
        ] {
            let (visited, said) = opens(arguments, stdin).await;
            assert!(!visited, "{literal} {arguments:?}: {said}");
            if arguments[0] != "overrides" {
                let told = said.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(told.contains("--allow-private"), "{arguments:?}: {said}");
            }
            let (visited, said) = opens(&[arguments, &["--allow-private"]].concat(), stdin).await;
            assert!(visited, "{literal} {arguments:?} --allow-private: {said}");
        }
    }
}

#[tokio::test]
async fn to_name_the_resolver_opens_no_private_address() {
    let stage = stage(&format!("@ MX 10 mx1\nmx1 A {PRIVATE}")).await;
    let resolver = stage.dns().addr().to_string();
    let anchor = Temporary::with("anchor", stage.dns().trust_anchor());
    let named = ["--resolver", &resolver, "--trust-anchor", anchor.path()];
    let table = Temporary::with("table", "example.com may\n");
    let mut before = 0;
    for (command, opens) in [
        (&["example.com"][..], false),
        (&["[mx1.example.com]"], false),
        (&["overrides", table.path()], false),
        (&["example.com", "--allow-private"], true),
        (&["overrides", table.path(), "--allow-private"], true),
    ] {
        let ran = run_with(&[command, &named].concat(), b"", stage.dial()).await;
        let visits = visits(&stage).iter().sum::<usize>();
        assert_eq!(visits > before, opens, "{command:?}: {}", ran.stdout);
        before = visits;
    }
}
