//! A machine, the domains that it looks at, and what `doctor` says of them.

use std::collections::BTreeMap;
use std::time::Duration;

use danecheck::demo::stage::Stage;
use danecheck::observe::{MachineSetup, Setup, examine};
use danecheck_core::doctor::{CheckResult, CheckStatus, Checkup};
use danecheck_core::observation::{
    LocalSenderSeen, MachineSeen, MailcowParts, PolicyLookup, PolicyServiceSeen, TableAnswer,
};
use danecheck_world::dns::{Zone, ZoneFault};
use danecheck_world::pki::Identity;
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::mailcow_parts::{MAIN_CF, ROWS};
use crate::support::now;

pub(super) const TARGETS: [&str; 2] = ["one.example", "two.test"];

/// The zones of a world in order: two domains at different operators, and the
/// zone that is bogus on purpose.
pub(super) fn zones(stage: &mut Stage) {
    stage.zone(Zone::signed("dnssec-failed.org.").with(ZoneFault::DsMismatch));
    for (number, domain) in TARGETS.iter().enumerate() {
        let zone = Zone::signed(&format!("{domain}.")).mx("@", 10, "mx");
        let addresses = format!("mx A 192.0.2.1{number}\nmx AAAA 2001:db8::1{number}");
        stage.zone(zone.records(&addresses));
    }
    stage.patience(Duration::from_millis(700));
}

#[derive(Clone, Copy)]
pub(super) enum Family {
    Both,
    Four,
    None,
}

/// The servers of both domains.
pub(super) fn servers(
    stage: &mut Stage,
    family: Family,
    ways: &[Misbehaviour],
    key: Option<&Identity>,
) {
    for (number, domain) in TARGETS.iter().enumerate() {
        let own = stage.identity(&format!("mx.{domain}"));
        let identity = key.cloned().unwrap_or(own);
        let server = MailServer::new(identity).misbehaving(ways.iter().cloned());
        let four = format!("192.0.2.1{number}");
        let six = format!("2001:db8::1{number}");
        if !matches!(family, Family::None) {
            stage.server(&four, server.clone());
        }
        if matches!(family, Family::Both) {
            stage.server(&six, server);
        }
    }
}

/// A Postfix in order.
pub(super) fn postfix() -> LocalSenderSeen {
    let parameters = [
        ("mail_version", "3.7.11"),
        ("smtp_dns_support_level", "dnssec"),
        ("smtp_tls_security_level", "dane"),
        ("smtp_tls_CAfile", "/etc/ssl/certs/ca-certificates.crt"),
        ("smtp_tls_policy_maps", "hash:/etc/postfix/tls_policy"),
        ("relayhost", ""),
        ("ignore_mx_lookup_error", "no"),
        ("disable_dns_lookups", "no"),
        ("smtp_tls_mandatory_protocols", ">=TLSv1"),
        ("smtp_tls_protocols", ">=TLSv1"),
    ];
    LocalSenderSeen {
        parameters: parameters
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        openssl: None,
        unread: BTreeMap::new(),
        lookups: vec![answered("danecheck.invalid", TableAnswer::NotFound)],
    }
}

pub(super) fn answered(key: &str, answer: TableAnswer) -> PolicyLookup {
    PolicyLookup {
        table: "hash:/etc/postfix/tls_policy".to_owned(),
        key: key.to_owned(),
        answer,
    }
}

pub(super) async fn machine(setup: Setup, via: &[&str]) -> MachineSeen {
    let mut seen = examine(&MachineSetup {
        setup,
        postfix: Err("not asked".to_owned()),
        mailcow: None,
        mailcow_resolver: None,
        targets: via.iter().map(|target| target.parse().unwrap()).collect(),
    })
    .await;
    seen.trust_store.source = "system".to_owned();
    seen.postfix = Ok(postfix());
    for (target, name) in seen.targets.iter_mut().zip(via) {
        target.local_sender = Some(LocalSenderSeen {
            lookups: vec![answered(name, TableAnswer::NotFound)],
            ..postfix()
        });
    }
    seen
}

/// What was seen on a stage.
pub(super) async fn on(set: impl FnOnce(&mut Stage)) -> MachineSeen {
    let mut stage = Stage::new(now());
    zones(&mut stage);
    set(&mut stage);
    let stage = stage.start().await.unwrap();
    machine(stage.setup(), &TARGETS).await
}

pub(super) const CONTAINERS: &str = r#"{"postfix-mailcow":{"image":"ghcr.io/mailcow/postfix:3.10.12-1"},
    "postfix-tlspol-mailcow":{"image":"ghcr.io/mailcow/postfix-tlspol:1.8.23"}}"#;

/// A mailcow in order.
pub(super) fn mailcow(seen: &MachineSeen) -> MailcowParts {
    MailcowParts {
        root: Some(seen.probes.root.clone()),
        beside: false,
        containers: Some(Ok(CONTAINERS.to_owned())),
        rows: Some(Ok(ROWS.to_owned())),
        main_cf: Some(Ok(MAIN_CF.to_owned())),
        extra_cf: Some("myhostname = mail.example.com\n".to_owned()),
        policy_service: Some(PolicyServiceSeen {
            address: "172.22.1.10:8642".to_owned(),
            answer: Ok("NOTFOUND ".to_owned()),
        }),
    }
}

pub(super) async fn in_order() -> MachineSeen {
    let mut seen = on(|stage| servers(stage, Family::Both, &[], None)).await;
    seen.mailcow = Some(mailcow(&seen));
    seen
}

/// The ids of checks that complain.
pub(super) fn complaints(checkup: &Checkup) -> Vec<&str> {
    let bad = |status| matches!(status, CheckStatus::Error | CheckStatus::Warning);
    let checks = checkup.checks.iter().filter(|check| bad(check.status));
    checks.map(|check| check.id.as_str()).collect()
}

/// The check with this id.
pub(super) fn named<'c>(checkup: &'c Checkup, id: &str) -> &'c CheckResult {
    let mut checks = checkup.checks.iter();
    checks.find(|check| check.id == id).unwrap()
}

pub(super) fn expect(what: &str, seen: &MachineSeen, id: &str, status: CheckStatus) {
    let checkup = Checkup::of(seen);
    assert_eq!(complaints(&checkup), [id], "{what}: {checkup:#?}");
    let check = named(&checkup, id);
    assert_eq!(check.status, status, "{what}: {checkup:#?}");
    assert!(check.remedy.is_some(), "{what}");
}
