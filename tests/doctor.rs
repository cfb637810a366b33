//! `danecheck doctor`: each check with a machine in order and with one that is
//! not; then it alone complains. `tests/doctor/run` does it with real parts.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and meets files and sockets"
)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use danecheck::demo::stage::Stage;
use danecheck::observe::{MachineSetup, Setup, examine};
use danecheck_core::doctor::{CheckStatus, Checkup};
use danecheck_core::observation::{
    ChrootSeen, LocalSenderSeen, MachineSeen, MailcowParts, PolicyLookup, PolicyServiceSeen,
    TableAnswer,
};
use danecheck_core::report::ExitStatus;
use danecheck_world::dns::{Misbehaviour as DnsMisbehaviour, ResolverKind, Rtype, Zone, ZoneFault};
use danecheck_world::pki::{Identity, Leaf};
use danecheck_world::smtp::{MailServer, Misbehaviour};
use serde_json::Value;

use support::mailcow_parts::{MAIN_CF, ROWS};
use support::now;
use support::program::{run_on, schema_faults};

const TARGETS: [&str; 2] = ["one.example", "two.test"];

/// The zones of a world in order: two domains at different operators, and the
/// zone that is bogus on purpose.
fn zones(stage: &mut Stage) {
    stage.zone(Zone::signed("dnssec-failed.org.").with(ZoneFault::DsMismatch));
    for (number, domain) in TARGETS.iter().enumerate() {
        let zone = Zone::signed(&format!("{domain}.")).mx("@", 10, "mx");
        let addresses = format!("mx A 192.0.2.1{number}\nmx AAAA 2001:db8::1{number}");
        stage.zone(zone.records(&addresses));
    }
    stage.patience(Duration::from_millis(700));
}

#[derive(Clone, Copy)]
enum Family {
    Both,
    Four,
    None,
}

/// The servers of both domains.
fn servers(stage: &mut Stage, family: Family, ways: &[Misbehaviour], key: Option<&Identity>) {
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
fn postfix() -> LocalSenderSeen {
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

fn answered(key: &str, answer: TableAnswer) -> PolicyLookup {
    PolicyLookup {
        table: "hash:/etc/postfix/tls_policy".to_owned(),
        key: key.to_owned(),
        answer,
    }
}

async fn machine(setup: Setup, via: &[&str]) -> MachineSeen {
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
async fn on(set: impl FnOnce(&mut Stage)) -> MachineSeen {
    let mut stage = Stage::new(now());
    zones(&mut stage);
    set(&mut stage);
    let stage = stage.start().await.unwrap();
    machine(stage.setup(), &TARGETS).await
}

const CONTAINERS: &str = r#"{"postfix-mailcow":{"image":"ghcr.io/mailcow/postfix:3.10.12-1"},
    "postfix-tlspol-mailcow":{"image":"ghcr.io/mailcow/postfix-tlspol:1.8.23"}}"#;

/// A mailcow in order.
fn mailcow(seen: &MachineSeen) -> MailcowParts {
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

async fn in_order() -> MachineSeen {
    let mut seen = on(|stage| servers(stage, Family::Both, &[], None)).await;
    seen.mailcow = Some(mailcow(&seen));
    seen
}

/// The ids of checks that complain.
fn complaints(checkup: &Checkup) -> Vec<&str> {
    let bad = |status| matches!(status, CheckStatus::Error | CheckStatus::Warning);
    let checks = checkup.checks.iter().filter(|check| bad(check.status));
    checks.map(|check| check.id.as_str()).collect()
}

fn expect(what: &str, seen: &MachineSeen, id: &str, status: CheckStatus) {
    let checkup = Checkup::of(seen);
    assert_eq!(complaints(&checkup), [id], "{what}: {checkup:#?}");
    let check = checkup.checks.iter().find(|check| check.id == id).unwrap();
    assert_eq!(check.status, status, "{what}: {checkup:#?}");
    assert!(check.remedy.is_some(), "{what}");
}

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
async fn each_fault_of_the_resolver_is_named_alone() {
    use CheckStatus::{Error, Warning};
    let well = |stage: &mut Stage| servers(stage, Family::Both, &[], None);
    for (kind, id) in [
        (ResolverKind::NotValidating, "resolver-validates"),
        (ResolverKind::AdStripped, "resolver-marks"),
        (ResolverKind::NotDnssecCapable, "resolver-signatures"),
    ] {
        let seen = on(|stage| {
            well(stage);
            stage.resolver(kind);
        })
        .await;
        expect(id, &seen, id, Error);
    }
    for (name, rtype, how, id) in [
        (
            "_25._tcp.arpa.",
            Rtype::TLSA,
            DnsMisbehaviour::NotImp,
            "resolver-tlsa",
        ),
        (
            "_25._tcp.arpa.",
            Rtype::TLSA,
            DnsMisbehaviour::Silence,
            "resolver-tlsa",
        ),
        (
            ".",
            Rtype::DNSKEY,
            DnsMisbehaviour::Silence,
            "resolver-large-answers",
        ),
        (
            ".",
            Rtype::DNSKEY,
            DnsMisbehaviour::TruncatedWithoutTcp,
            "resolver-large-answers",
        ),
        (
            "arpa.",
            Rtype::NS,
            DnsMisbehaviour::TruncatedWithoutTcp,
            "resolver-tcp",
        ),
        (
            "ns.",
            Rtype::A,
            DnsMisbehaviour::EmptyAnswer,
            "resolver-truthful",
        ),
        (
            "mx.one.example.",
            Rtype::A,
            DnsMisbehaviour::EmptyAnswer,
            "resolver-own-answers",
        ),
    ] {
        let seen = on(|stage| {
            well(stage);
            stage.lookup_misbehaving(name, rtype, how);
        })
        .await;
        expect(&format!("{name} {how:?}"), &seen, id, Error);
    }
    // A resolver that has an address for every name.
    let moment = now();
    let mut stage = Stage::new(moment);
    zones(&mut stage);
    well(&mut stage);
    stage.zone(Zone::signed("com.").records(&format!("danecheck-{} A 192.0.2.99", moment.0)));
    let stage = stage.start().await.unwrap();
    let seen = machine(stage.setup(), &TARGETS).await;
    expect("invented", &seen, "resolver-truthful", Error);
    let mut seen = in_order().await;
    seen.resolver = vec!["192.0.2.53:53".to_owned()];
    expect("elsewhere", &seen, "resolver-on-loopback", Warning);
}

#[tokio::test]
async fn what_a_resolver_makes_up_or_marks_wrongly_is_named_alone() {
    use CheckStatus::Error;
    let well = |stage: &mut Stage| servers(stage, Family::Both, &[], None);
    // The bogus answer passes, with the mark of a validated one.
    let mut seen = on(|stage| {
        well(stage);
        stage.resolver(ResolverKind::NotValidating);
    })
    .await;
    let probes = &mut seen.probes;
    for probe in [&mut probes.root, &mut probes.bogus] {
        probe.reply.as_mut().unwrap().authentic = true;
    }
    expect("AD on everything", &seen, "resolver-validates", Error);
    let checkup = Checkup::of(&seen);
    let check = checkup.checks.iter();
    let mut check = check.filter(|it| it.id == "resolver-validates");
    let message = &check.next().unwrap().message;
    assert!(message.contains("believes forged records"), "{message}");
    // A filter answers for TLSA, and proves nothing.
    for how in [DnsMisbehaviour::EmptyAnswer, DnsMisbehaviour::BareNxDomain] {
        let seen = on(|stage| {
            well(stage);
            stage.lookup_misbehaving("_25._tcp.arpa.", Rtype::TLSA, how);
        })
        .await;
        expect("TLSA made up", &seen, "resolver-tlsa", Error);
    }
    // Without TCP what is large does not arrive either: that is one fault.
    let seen = on(|stage| {
        well(stage);
        for (name, rtype) in [(".", Rtype::DNSKEY), ("arpa.", Rtype::NS)] {
            stage.lookup_misbehaving(name, rtype, DnsMisbehaviour::TruncatedWithoutTcp);
        }
    })
    .await;
    expect("no TCP", &seen, "resolver-tcp", Error);
}

/// Every such text below, replaced.
fn replace(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => *text = to.to_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, from, to)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| replace(field, from, to)),
        _ => {}
    }
}

#[tokio::test]
async fn other_answers_than_the_zones_are_told_from_healthy_differences() {
    use CheckStatus::{Error, Warning};
    let seen = in_order().await;
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut seen = seen.clone();
        let target = &mut seen.targets[0];
        let mut value = serde_json::to_value(&*target).unwrap();
        edit(&mut value["hosts"][0]);
        *target = serde_json::from_value(value).unwrap();
        seen
    };
    let unsigned = |lookup: &mut Value| {
        replace(lookup, "secure", "insecure");
        lookup["own"] = serde_json::json!({ "status": "insecure", "reason": null });
    };
    // DNSSEC proves both: one of them is from before a change.
    let cached = edited(&|host| replace(&mut host["a"]["authority"], "192.0.2.10", "192.0.2.77"));
    assert_eq!(complaints(&Checkup::of(&cached)), [""; 0]);
    // Some zones give each client its own address.
    let own = edited(&|host| {
        unsigned(&mut host["a"]);
        replace(&mut host["a"]["authority"], "192.0.2.10", "192.0.2.77");
    });
    expect("another address", &own, "resolver-own-answers", Warning);
    // DNS64.
    let made = edited(&|host| {
        let six = &mut host["aaaa"];
        unsigned(six);
        replace(&mut six["answer"], "2001:db8::10", "64:ff9b::c000:20a");
    });
    expect("DNS64", &made, "resolver-own-answers", Error);
    let checkup = Checkup::of(&made);
    assert!(
        checkup.checks.iter().any(|it| it.message.contains("DNS64")),
        "{checkup:#?}"
    );
}

#[tokio::test]
async fn a_resolver_that_is_silent_is_the_only_fault() {
    let stage = Stage::new(now()).start().await.unwrap();
    let nowhere = danecheck::observe::Resolver::at(["127.0.0.1:1".parse().unwrap()]);
    let setup = Setup {
        resolver: nowhere,
        ..stage.setup()
    };
    let seen = machine(setup, &[]).await;
    expect("silent", &seen, "resolver-answers", CheckStatus::Error);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_named_alone() {
    let mut stage = Stage::new(now());
    zones(&mut stage);
    servers(&mut stage, Family::Both, &[], None);
    let stage = stage.start().await.unwrap();
    for days in [-40, 40] {
        let setup = Setup {
            checked_at: now().plus_days(days),
            ..stage.setup()
        };
        let seen = machine(setup, &TARGETS).await;
        expect(&format!("{days}"), &seen, "clock", CheckStatus::Error);
    }
}

#[tokio::test]
async fn a_network_that_blocks_or_strips_is_told_from_one_server() {
    use CheckStatus::{Error, Unknown, Warning};
    let seen = on(|stage| servers(stage, Family::None, &[], None)).await;
    let checkup = Checkup::of(&seen);
    let bad = complaints(&checkup);
    assert_eq!(bad, ["port-25-ipv4", "port-25-ipv6"], "{checkup:#?}");
    let seen = on(|stage| servers(stage, Family::Four, &[], None)).await;
    expect("IPv6", &seen, "port-25-ipv6", Warning);
    for way in [
        Misbehaviour::NoStartTls,
        Misbehaviour::StartTlsMasked,
        Misbehaviour::StartTls454,
        Misbehaviour::DropAfterStartTlsReply,
    ] {
        let what = format!("{way:?}");
        let seen = on(|stage| servers(stage, Family::Both, &[way], None)).await;
        expect(&what, &seen, "starttls", Error);
    }
    let key = Leaf::new(["firewall.example"]).self_signed(now());
    let seen = on(|stage| servers(stage, Family::Both, &[], Some(&key))).await;
    expect("interception", &seen, "tls-end-to-end", Error);
    // One alone is no word against the network.
    for way in [Misbehaviour::NoStartTls, Misbehaviour::StartTlsMasked] {
        let mut stage = Stage::new(now());
        zones(&mut stage);
        servers(&mut stage, Family::Both, &[way], None);
        let stage = stage.start().await.unwrap();
        let seen = machine(stage.setup(), &TARGETS[..1]).await;
        let checkup = Checkup::of(&seen);
        assert_eq!(complaints(&checkup), [""; 0], "{checkup:#?}");
        let check = checkup
            .checks
            .iter()
            .find(|it| it.id == "starttls")
            .unwrap();
        assert_eq!(check.status, Unknown, "{check:#?}");
    }
}

#[tokio::test]
async fn a_network_that_takes_connections_or_answers_itself_is_named() {
    let both = ["port-25-ipv4", "port-25-ipv6"];
    for way in [Misbehaviour::NoGreeting, Misbehaviour::DropBeforeGreeting] {
        let what = format!("{way:?}");
        let seen = on(|stage| servers(stage, Family::Both, &[way], None)).await;
        let checkup = Checkup::of(&seen);
        assert_eq!(complaints(&checkup), both, "{what}: {checkup:#?}");
        let message = &checkup
            .checks
            .iter()
            .find(|it| it.id == both[0])
            .unwrap()
            .message;
        assert!(message.contains("does not greet"), "{what}: {message}");
    }
    let seen = on(|stage| servers(stage, Family::Both, &[Misbehaviour::Greeting554], None)).await;
    let checkup = Checkup::of(&seen);
    assert_eq!(complaints(&checkup), both, "{checkup:#?}");
    let check = checkup.checks.iter().find(|it| it.id == both[0]).unwrap();
    assert_eq!(check.status, CheckStatus::Warning, "{check:#?}");
    assert!(check.evidence[0].contains("554"), "{check:#?}");
    // A firewall that overwrites the greeting and knows no EHLO.
    let ways = [
        Misbehaviour::GreetingReply("220 ****************************".to_owned()),
        Misbehaviour::EhloRefused5xx,
    ];
    let seen = on(|stage| servers(stage, Family::Both, &ways, None)).await;
    expect("220 ***", &seen, "starttls", CheckStatus::Error);
    // Two operators of one country.
    let mut seen =
        on(|stage| servers(stage, Family::Both, &[Misbehaviour::NoStartTls], None)).await;
    for (target, name) in seen
        .targets
        .iter_mut()
        .zip(["mx.one.co.uk", "mx.two.co.uk"])
    {
        target.hosts[0].name = name.to_owned();
    }
    expect("co.uk", &seen, "starttls", CheckStatus::Error);
    for (target, name) in seen.targets.iter_mut().zip(["a.one.co.uk", "b.one.co.uk"]) {
        target.hosts[0].name = name.to_owned();
    }
    assert_eq!(complaints(&Checkup::of(&seen)), [""; 0]);
}

#[tokio::test]
async fn a_firewall_for_one_address_family_is_named() {
    let key = Leaf::new(["firewall.example"]).self_signed(now());
    for (way, other, id) in [
        (Some(Misbehaviour::NoStartTls), None, "starttls"),
        (Some(Misbehaviour::StartTlsMasked), None, "starttls"),
        (None, Some(&key), "tls-end-to-end"),
    ] {
        for stripped in ["192.0.2.1", "2001:db8::1"] {
            let seen = on(|stage| {
                for (number, domain) in TARGETS.iter().enumerate() {
                    for address in ["192.0.2.1", "2001:db8::1"] {
                        let own = stage.identity(&format!("mx.{domain}"));
                        let is_bad = address == stripped;
                        let identity = other.filter(|_| is_bad).cloned().unwrap_or(own);
                        let ways = way.iter().filter(|_| is_bad).cloned();
                        let server = MailServer::new(identity).misbehaving(ways);
                        stage.server(&format!("{address}{number}"), server);
                    }
                }
            })
            .await;
            expect(&format!("{id} {stripped}"), &seen, id, CheckStatus::Error);
        }
    }
}

#[tokio::test]
async fn one_server_without_starttls_is_not_the_network() {
    let seen = on(|stage| {
        for (number, domain) in TARGETS.iter().enumerate() {
            let identity = stage.identity(&format!("mx.{domain}"));
            let ways = match number {
                0 => vec![Misbehaviour::NoStartTls],
                _ => Vec::new(),
            };
            let server = MailServer::new(identity).misbehaving(ways);
            stage.server(&format!("192.0.2.1{number}"), server.clone());
            stage.server(&format!("2001:db8::1{number}"), server);
        }
    })
    .await;
    let checkup = Checkup::of(&seen);
    assert_eq!(complaints(&checkup), [""; 0], "{checkup:#?}");
    let check = checkup
        .checks
        .iter()
        .find(|it| it.id == "starttls")
        .unwrap();
    assert!(
        check
            .evidence
            .contains(&"one.example: STARTTLS is not offered".to_owned()),
        "{check:#?}"
    );
}

#[tokio::test]
async fn each_fault_of_the_sender_is_named_alone() {
    use CheckStatus::{Error, Warning};
    let seen = in_order().await;
    let changed = |name: &str, value: &str| {
        let mut seen = seen.clone();
        let senders = seen
            .targets
            .iter_mut()
            .filter_map(|it| it.local_sender.as_mut());
        for local in senders.chain(seen.postfix.as_mut().ok()) {
            local.parameters.insert(name.to_owned(), value.to_owned());
        }
        seen
    };
    for (name, value, id, status) in [
        ("smtp_dns_support_level", "", "postfix-dane", Error),
        ("smtp_host_lookup", "native", "postfix-dane", Error),
        ("ignore_mx_lookup_error", "yes", "postfix-dane", Error),
        ("disable_dns_lookups", "yes", "postfix-dane", Error),
        ("smtp_tls_security_level", "may", "postfix-level", Warning),
        ("smtp_tls_security_level", "", "postfix-level", Warning),
        ("relayhost", "[relay.example]:587", "postfix-relay", Warning),
    ] {
        expect(
            &format!("{name}={value}"),
            &changed(name, value),
            id,
            status,
        );
    }
    let mut without_store = changed("smtp_tls_CAfile", "");
    assert_eq!(complaints(&Checkup::of(&without_store)), [""; 0]);
    let local = without_store.postfix.as_mut().unwrap();
    let level = ("smtp_tls_security_level".to_owned(), "secure".to_owned());
    local.parameters.extend([level]);
    let checkup = Checkup::of(&without_store);
    assert_eq!(
        complaints(&checkup),
        ["postfix-level", "postfix-trust-store"]
    );
    let mut broken = seen.clone();
    let why = TableAnswer::Failed("postmap: fatal: open database".to_owned());
    broken.postfix.as_mut().unwrap().lookups = vec![answered("danecheck.invalid", why)];
    expect("tables", &broken, "postfix-tables", Error);
    for (value, status) in [
        ("encrypt protocols=TLSv9", Error),
        ("nonsense", Error),
        ("none", Warning),
    ] {
        let mut entry = seen.clone();
        let local = entry.targets[0].local_sender.as_mut().unwrap();
        local.lookups = vec![answered(TARGETS[0], TableAnswer::Found(value.to_owned()))];
        expect(value, &entry, "postfix-entries", status);
    }
    let mut shadowed = seen.clone();
    let local = shadowed.targets[0].local_sender.as_mut().unwrap();
    local.lookups = ["dane", "may"]
        .map(|value| answered(TARGETS[0], TableAnswer::Found(value.to_owned())))
        .into();
    expect("shadowed", &shadowed, "postfix-entries", Warning);
    let mut store = seen.clone();
    store.trust_store.source = "mozilla".to_owned();
    expect("trust store", &store, "trust-store", Warning);
}

#[tokio::test]
async fn what_master_cf_sets_is_corrected_there() {
    let mut seen = in_order().await;
    let may = ("smtp_tls_security_level".to_owned(), "may".to_owned());
    seen.postfix.as_mut().unwrap().parameters.extend([may]);
    seen.service.overridden = vec!["smtp_tls_security_level".to_owned()];
    expect("level", &seen, "postfix-level", CheckStatus::Warning);
    let checkup = Checkup::of(&seen);
    let check = checkup.checks.iter().find(|it| it.id == "postfix-level");
    let remedy = check.unwrap().remedy.as_deref().unwrap();
    assert!(remedy.contains("in master.cf"), "{remedy}");
    assert!(!remedy.contains("postconf -e"), "{remedy}");
}

#[tokio::test]
async fn a_postfix_that_is_locked_in_sees_the_files_there() {
    let seen = in_order().await;
    let locked = |inside: Option<&[&str]>, outside: &[&str], has_ca_path| {
        let mut seen = seen.clone();
        let parse = |all: &[&str]| all.iter().map(|it| it.parse().unwrap()).collect();
        seen.service.chroot = Some(ChrootSeen {
            directory: "/var/spool/postfix".to_owned(),
            name_servers: inside.map(parse),
            name_servers_outside: Some(parse(outside)),
            has_ca_path,
        });
        seen
    };
    let loopback: &[&str] = &["127.0.0.1"];
    for healthy in [
        locked(Some(loopback), loopback, None),
        // The C library asks 127.0.0.1.
        locked(None, loopback, None),
        locked(Some(&[]), loopback, Some(true)),
        // smtp_tls_CAfile is read before.
        locked(Some(loopback), loopback, Some(false)),
    ] {
        assert_eq!(complaints(&Checkup::of(&healthy)), [""; 0]);
    }
    for other in [
        locked(None, &["192.0.2.53"], None),
        locked(Some(&["8.8.8.8"]), loopback, None),
        locked(Some(&["127.0.0.1", "8.8.8.8"]), loopback, None),
    ] {
        expect("resolver", &other, "postfix-chroot", CheckStatus::Warning);
    }
    let mut without = locked(Some(loopback), loopback, Some(false));
    for (name, value) in [
        ("smtp_tls_CAfile", ""),
        ("smtp_tls_CApath", "/etc/ssl/certs"),
    ] {
        let parameter = (name.to_owned(), value.to_owned());
        without
            .postfix
            .as_mut()
            .unwrap()
            .parameters
            .extend([parameter]);
    }
    expect("CAs", &without, "postfix-chroot", CheckStatus::Warning);
}

#[tokio::test]
async fn each_fault_of_mailcow_is_named_alone() {
    use CheckStatus::{Error, Warning};
    let seen = in_order().await;
    let with = |change: &dyn Fn(&mut MailcowParts)| {
        let mut seen = seen.clone();
        change(seen.mailcow.as_mut().unwrap());
        seen
    };
    let main_cf = |text: &str| {
        let text = format!("{MAIN_CF}{text}");
        with(&|parts| parts.main_cf = Some(Ok(text.clone())))
    };
    let service = |answer: Result<&str, &str>| {
        let answer = answer.map(str::to_owned).map_err(str::to_owned);
        with(&|parts| parts.policy_service.as_mut().unwrap().answer = answer.clone())
    };
    let denied = r#"{"type":"error","msg":"api access denied for ip 172.22.1.9"}"#;
    let row = r#"[{"id":7,"dest":"example.com","policy":"encrypt",
        "parameters":"protocols=!SSLv2,!SSLv3","active":1}]"#;
    let mut unmarked = seen.probes.root.clone();
    unmarked.reply.as_mut().unwrap().authentic = false;
    let off = "smtp_tls_security_level = may\n";
    for (what, seen, id, status) in [
        (
            "unbound without validation",
            with(&|parts| parts.root = Some(unmarked.clone())),
            "mailcow-resolver",
            Error,
        ),
        (
            "a key that is refused",
            with(&|parts| parts.containers = Some(Err("401 Unauthorized".to_owned()))),
            "mailcow-api",
            Warning,
        ),
        (
            "an address that is refused",
            with(&|parts| parts.rows = Some(Ok(denied.to_owned()))),
            "mailcow-api",
            Warning,
        ),
        ("level may", main_cf(off), "mailcow-postfix", Warning),
        (
            "no DNSSEC",
            main_cf("smtp_dns_support_level = enabled\n"),
            "mailcow-postfix",
            Error,
        ),
        (
            "only postfix-tlspol",
            main_cf("smtp_tls_policy_maps = socketmap:inet:postfix-tlspol:8642:QUERY\n"),
            "mailcow-postfix",
            Warning,
        ),
        (
            "only its own table",
            main_cf("smtp_tls_policy_maps = proxy:mysql:/a/mysql_tls_policy_override_maps.cf\n"),
            "mailcow-postfix",
            Warning,
        ),
        (
            "a folder without main.cf",
            with(&|parts| parts.main_cf = Some(Err("/mailcow/main.cf: not there".to_owned()))),
            "mailcow-postfix",
            Warning,
        ),
        (
            "extra.cf before the restart",
            with(&|parts| parts.extra_cf = Some(off.to_owned())),
            "mailcow-extra-cf",
            Warning,
        ),
        (
            "a row with commas",
            with(&|parts| parts.rows = Some(Ok(row.to_owned()))),
            "mailcow-entries",
            Error,
        ),
        (
            "postfix-tlspol without an answer",
            service(Err("Connection refused (os error 111)")),
            "mailcow-policy-service",
            Error,
        ),
        (
            "postfix-tlspol without a resolver",
            service(Ok("TEMP ")),
            "mailcow-policy-service",
            Error,
        ),
    ] {
        expect(what, &seen, id, status);
    }
    // The resolver explains the policy service.
    let both = with(&|parts| {
        parts.root = Some(unmarked.clone());
        parts.policy_service.as_mut().unwrap().answer = Ok("TEMP ".to_owned());
    });
    expect("both", &both, "mailcow-resolver", Error);
    // What was not asked is unknown, and no fault.
    let nothing = with(&|parts| *parts = MailcowParts::default());
    let checkup = Checkup::of(&nothing);
    assert_eq!(complaints(&checkup), [""; 0], "{checkup:#?}");
    let unknown = |check: &&danecheck_core::doctor::CheckResult| {
        check.id.starts_with("mailcow-") && check.status == CheckStatus::Unknown
    };
    assert_eq!(
        checkup.checks.iter().filter(unknown).count(),
        5,
        "{checkup:#?}"
    );
    // In the container the resolver is mailcow's.
    let mut beside = with(&|parts| parts.beside = true);
    beside.resolver = vec!["172.22.1.254:53".to_owned()];
    assert_eq!(complaints(&Checkup::of(&beside)), [""; 0]);
}

#[tokio::test]
async fn one_provider_is_no_interception() {
    let status = |checkup: &Checkup| {
        let mut checks = checkup.checks.iter();
        checks.find(|it| it.id == "tls-end-to-end").unwrap().status
    };
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
