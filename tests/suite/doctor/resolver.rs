//! The resolver and the clock.

use danecheck::demo::stage::Stage;
use danecheck::observe::Setup;
use danecheck_core::doctor::{CheckStatus, Checkup};
use danecheck_world::dns::{Misbehaviour as DnsMisbehaviour, ResolverKind, Rtype, Zone};
use serde_json::Value;

use super::machine::{
    Family, TARGETS, complaints, expect, in_order, machine, named, on, servers, zones,
};
use crate::support::now;

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
    let message = &named(&checkup, "resolver-validates").message;
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
