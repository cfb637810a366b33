//! `danecheck doctor`: each check with a machine in order and with one that is
//! not; then it alone complains. `tests/doctor/run` does it with real parts.

mod machine;
mod mailcow;
mod network;
mod resolver;
mod sender;

use danecheck::demo::stage::Stage;
use danecheck_core::doctor::{CheckStatus, Checkup};
use danecheck_core::report::ExitStatus;
use danecheck_world::dns::{Zone, ZoneFault};
use danecheck_world::pki::Leaf;
use danecheck_world::smtp::MailServer;
use serde_json::Value;

use crate::support::now;
use crate::support::program::{run_on, schema_faults};
use machine::{Family, TARGETS, complaints, expect, in_order, machine, named, on, servers, zones};

#[tokio::test]
async fn a_machine_in_order_has_no_fault_and_nothing_unknown() {
    let checkup = Checkup::of(&in_order().await);
    for check in &checkup.checks {
        assert_eq!(check.status, CheckStatus::Ok, "{check:#?}");
    }
    assert!(checkup.checks.len() >= 20, "{checkup:#?}");
    assert_eq!(checkup.exit_status(), ExitStatus::Fine);
}

#[tokio::test]
async fn one_provider_is_no_interception() {
    let status = |checkup: &Checkup| named(checkup, "tls-end-to-end").status;
    // One server under two names.
    let mut stage = Stage::new(now());
    stage.zone(Zone::signed("dnssec-failed.org.").with(ZoneFault::DsMismatch));
    for domain in TARGETS {
        let zone = Zone::signed(&format!("{domain}.")).mx("@", 10, "mx");
        stage.zone(zone.records("mx A 192.0.2.10\nmx AAAA 2001:db8::10"));
    }
    let identity = stage.identity("mx.one.example");
    stage.server("192.0.2.10", MailServer::new(identity.clone()));
    stage.server("2001:db8::10", MailServer::new(identity));
    let stage = stage.start().await.unwrap();
    let checkup = Checkup::of(&machine(stage.setup(), &TARGETS).await);
    assert_eq!(complaints(&checkup), [""; 0], "{checkup:#?}");
    assert_eq!(status(&checkup), CheckStatus::Unknown);
    // One certificate for the hosts of both.
    let seen = on(|stage| {
        let leaf = Leaf::new(["mx.one.example", "mx.two.test"]);
        let identity = stage.issuer.issue(leaf);
        servers(stage, Family::Both, &[], Some(&identity));
    })
    .await;
    let checkup = Checkup::of(&seen);
    assert_eq!(complaints(&checkup), [""; 0], "{checkup:#?}");
    assert_eq!(status(&checkup), CheckStatus::Ok);
    // One certificate that names only one of them.
    let seen = on(|stage| {
        let identity = stage.issuer.issue(Leaf::new(["mx.one.example"]));
        servers(stage, Family::Both, &[], Some(&identity));
    })
    .await;
    expect("one key", &seen, "tls-end-to-end", CheckStatus::Warning);
}

#[tokio::test]
async fn without_via_no_mail_server_is_connected_to() {
    let mut stage = Stage::new(now());
    zones(&mut stage);
    servers(&mut stage, Family::Both, &[], None);
    let stage = stage.start().await.unwrap();
    let ran = run_on(&stage, &["doctor", "--json"], b"").await;
    let checkup: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(schema_faults("doctor", &checkup).await, [""; 0]);
    assert_eq!(checkup["schema_version"], 1);
    let checks = checkup["checks"].as_array().unwrap();
    for id in ["port-25-ipv4", "port-25-ipv6", "starttls"] {
        let check = checks.iter().find(|check| check["id"] == id).unwrap();
        assert_eq!(check["status"], "unknown", "{check}");
        let remedy = check["remedy"].as_str().unwrap();
        assert!(remedy.contains("danecheck doctor --via"), "{remedy}");
    }
    let sessions = stage.servers().iter().map(|server| server.sessions().len());
    assert_eq!(sessions.sum::<usize>(), 0);
    // With it, the targets are.
    let via = ["doctor", "--json", "--via", TARGETS[0], TARGETS[1]];
    let ran = run_on(&stage, &via, b"").await;
    let checkup: Value = serde_json::from_str(&ran.stdout).unwrap();
    let checks = checkup["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["id"] == "port-25-ipv4");
    assert_eq!(check.unwrap()["status"], "ok", "{}", ran.stdout);
    // A clock by argument.
    let ran = run_on(&stage, &["doctor", "--at", "+40d"], b"").await;
    assert_eq!(ran.status, ExitStatus::Broken, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("error clock (likely): "),
        "{}",
        ran.stdout
    );
    let ran = run_on(&stage, &["doctor", "--via", "no_hop@"], b"").await;
    assert_eq!(ran.status, ExitStatus::Unknown, "{}", ran.stdout);
}
