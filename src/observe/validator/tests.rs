//! Own validation on the in-process world, against what its resolver says.

use std::str::FromStr;
use std::time::Duration;

use domain::base::ToName as _;

use super::super::budget::{Deadline, Times};
use super::super::wire::WireName;
use super::super::{Dial, NameAndType, Resolver, SingleSetup, look_up};
use super::{Base, Validator};
use danecheck_core::dnssec::{Fault, SecurityStatus, WeakLink};
use danecheck_core::observation::SingleLookup;
use danecheck_validation::trust_anchor::RootAnchors;
use danecheck_world::dns::now;
use danecheck_world::dns::{
    DnsWorld, Misbehaviour, ResolverKind, Rtype, RunningDns, Zone, ZoneFault,
};

/// The aliases of the longest answer.
const HOPS: usize = 20;

fn world() -> DnsWorld {
    let hops = (1..=HOPS).map(|hop| (format!("hop{hop}"), format!("hop{}", hop - 1)));
    let tlsa = |zone: Zone| {
        zone.a("@", [192, 0, 2, 1].into())
            .tlsa("_25._tcp", "3 1 1 ab12")
    };
    DnsWorld::new(now())
        .zone(
            hops.fold(tlsa(Zone::signed("good.test.")), |zone, (from, to)| {
                zone.cname(&from, &to)
            })
            .cname("to-plain", "plain.test.")
            .cname("to-good", "other")
            .cname("to-nothing", "nothing")
            .cname("to-expired", "expired.test.")
            .a("other", [192, 0, 2, 2].into())
            .cname("hop0", "other")
            .a("*.wild", [192, 0, 2, 3].into())
            .tlsa_bytes("short", &[3, 1]),
        )
        .zone(tlsa(Zone::signed("nsec3.test.").nsec3(0, false)))
        .zone(tlsa(Zone::signed("busy.test.").nsec3(600, false)))
        .zone(
            tlsa(Zone::unsigned("plain.test."))
                .cname("to-good", "good.test.")
                .tlsa_bytes("short", &[3, 1]),
        )
        .zone(Zone::signed("sub.good.test.").a("@", [192, 0, 2, 4].into()))
        .zone(faulty("expired.test.", ZoneFault::SignaturesExpired))
        .zone(faulty("early.test.", ZoneFault::SignaturesNotYetValid))
        .zone(faulty("mismatch.test.", ZoneFault::DsMismatch))
        .zone(faulty("keyless.test.", ZoneFault::DsWithoutDnskey))
        .zone(faulty("island.test.", ZoneFault::DsMissing))
        .zone(faulty("exotic.test.", ZoneFault::DsAlgorithmUnknown))
        .zone(faulty("ed448.test.", ZoneFault::DsAlgorithmEd448))
        .zone(tlsa(Zone::signed("toilsome.test.").nsec3(151, false)))
        .zone(Zone::unsigned("below.toilsome.test.").a("@", [192, 0, 2, 5].into()))
        .zone(faulty(
            "hasty.test.",
            ZoneFault::SigningKeyUnpublished {
                name: "@".to_owned(),
                rtype: Rtype::A,
            },
        ))
        .zone(faulty("proofless.test.", ZoneFault::DenialMissing))
        .zone(faulty(
            "bare.test.",
            ZoneFault::SignatureMissing { on: Rtype::A },
        ))
        .zone(faulty(
            "forged.test.",
            ZoneFault::BadSignature {
                name: "@".to_owned(),
                rtype: Rtype::A,
            },
        ))
        .zone(
            faulty(
                "badkey.test.",
                ZoneFault::BadSignature {
                    name: "@".to_owned(),
                    rtype: Rtype::DNSKEY,
                },
            )
            .tlsa_bytes("short", &[3]),
        )
}

fn faulty(apex: &str, fault: ZoneFault) -> Zone {
    Zone::signed(apex)
        .with(fault)
        .a("@", [192, 0, 2, 9].into())
        .tlsa_bytes("short", &[3, 1])
}

async fn ask(dns: &RunningDns, name: &str, rtype: &str) -> SingleLookup {
    let setup = SingleSetup {
        resolver: Resolver::at([dns.addr()]),
        root_anchors: RootAnchors::from_text(dns.trust_anchor()).unwrap(),
        now: now(),
        times: Times::default(),
        dial: Dial::Routed(dns.routes()),
        authoritative: false,
        allow_private: true,
    };
    look_up(&NameAndType::parse(name, rtype).unwrap(), &setup).await
}

/// Every question of these tests, with the status that unbound gives it.
const QUESTIONS: &[(&str, &str, SecurityStatus)] = {
    use SecurityStatus::{Bogus, Insecure, Secure};
    &[
        (".", "NS", Secure),
        ("good.test", "A", Secure),
        ("good.test", "AAAA", Secure),
        ("_25._tcp.good.test", "TLSA", Secure),
        ("_25._tcp.good.test", "A", Secure),
        ("_tcp.good.test", "TLSA", Secure),
        ("no.such.good.test", "TLSA", Secure),
        ("to-good.good.test", "A", Secure),
        ("to-nothing.good.test", "A", Secure),
        ("a.wild.good.test", "A", Secure),
        ("a.wild.good.test", "MX", Secure),
        ("short.good.test", "TLSA", Secure),
        ("sub.good.test", "A", Secure),
        ("sub.good.test", "DS", Secure),
        ("good.test", "DNSKEY", Secure),
        ("_25._tcp.nsec3.test", "TLSA", Secure),
        ("no.such.nsec3.test", "TLSA", Secure),
        ("nsec3.test", "MX", Secure),
        ("busy.test", "A", Secure),
        ("busy.test", "MX", Insecure),
        ("no.such.busy.test", "MX", Insecure),
        ("to-plain.good.test", "A", Insecure),
        ("plain.test", "A", Insecure),
        ("plain.test", "MX", Insecure),
        ("no.such.plain.test", "MX", Insecure),
        ("short.plain.test", "TLSA", Insecure),
        ("to-good.plain.test", "A", Insecure),
        ("island.test", "A", Insecure),
        ("short.island.test", "TLSA", Insecure),
        ("exotic.test", "A", Insecure),
        ("exotic.test", "MX", Insecure),
        ("expired.test", "A", Bogus),
        ("expired.test", "MX", Bogus),
        ("to-expired.good.test", "A", Bogus),
        ("early.test", "A", Bogus),
        ("mismatch.test", "A", Bogus),
        ("mismatch.test", "MX", Bogus),
        ("short.mismatch.test", "TLSA", Bogus),
        ("keyless.test", "A", Bogus),
        ("proofless.test", "A", Secure),
        ("proofless.test", "MX", Bogus),
        ("no.such.proofless.test", "A", Bogus),
        ("bare.test", "A", Bogus),
        ("bare.test", "MX", Secure),
        ("forged.test", "A", Bogus),
        ("hasty.test", "A", Bogus),
        ("toilsome.test", "A", Secure),
        ("toilsome.test", "MX", Insecure),
        ("below.toilsome.test", "A", Insecure),
        ("badkey.test", "A", Bogus),
        ("short.badkey.test", "TLSA", Bogus),
    ]
};

#[tokio::test]
async fn own_validation_is_right_behind_every_resolver_that_passes_signatures_on() {
    for kind in [
        ResolverKind::Validating,
        ResolverKind::AdStripped,
        ResolverKind::NotValidating,
    ] {
        let dns = world().resolver(kind).start().await.unwrap();
        let mut wrong = Vec::new();
        for (name, rtype, status) in QUESTIONS {
            let own = ask(&dns, name, rtype).await.own;
            if own.status != *status {
                wrong.push(format!("{name} {rtype}: {own:?}"));
            }
        }
        assert!(wrong.is_empty(), "{kind:?}: {wrong:#?}");
    }
}

#[tokio::test]
async fn a_long_chain_of_aliases_is_followed_to_its_end() {
    // The world's own validating resolver gives up on it.
    let dns = world().resolver(ResolverKind::NotValidating).start().await;
    let own = ask(&dns.unwrap(), &format!("hop{HOPS}.good.test"), "A")
        .await
        .own;
    assert_eq!(own.status, SecurityStatus::Secure, "{own:?}");
}

#[tokio::test]
async fn a_resolver_without_dnssec_leaves_everything_indeterminate() {
    let dns = world()
        .resolver(ResolverKind::NotDnssecCapable)
        .start()
        .await
        .unwrap();
    for (name, rtype, _) in QUESTIONS {
        let own = ask(&dns, name, rtype).await.own;
        assert_eq!(own.status, SecurityStatus::Indeterminate, "{name} {rtype}");
        assert!(own.reason.is_some(), "{name} {rtype}");
    }
}

#[tokio::test]
async fn the_weak_link_is_named() {
    let dns = world().start().await.unwrap();
    let link = async |name: &str, rtype: &str| ask(&dns, name, rtype).await.own.weak_link.unwrap();
    for (question, rtype, zone, record_set, fault) in [
        (
            "mismatch.test",
            "A",
            "mismatch.test.",
            "mismatch.test. DS",
            Fault::DsMatchesNoKey,
        ),
        (
            "keyless.test",
            "A",
            "keyless.test.",
            "keyless.test. DNSKEY",
            Fault::KeyMissing,
        ),
        (
            "bare.test",
            "A",
            "bare.test.",
            "bare.test. A",
            Fault::SignatureMissing,
        ),
        (
            "forged.test",
            "A",
            "forged.test.",
            "forged.test. A",
            Fault::SignatureWrong,
        ),
        (
            "badkey.test",
            "A",
            "badkey.test.",
            "badkey.test. DNSKEY",
            Fault::SignatureWrong,
        ),
        (
            "proofless.test",
            "MX",
            "proofless.test.",
            "proofless.test. MX",
            Fault::DenialProvesNothing,
        ),
    ] {
        let expected = WeakLink {
            zone: zone.to_owned(),
            record_set: record_set.to_owned(),
            fault,
        };
        assert_eq!(link(question, rtype).await, expected, "{question}");
    }
    let expired = link("to-expired.good.test", "A").await;
    assert_eq!(expired.record_set, "expired.test. DNSKEY");
    let Fault::SignatureExpired {
        inception,
        expiration,
    } = expired.fault
    else {
        panic!("{expired:?}");
    };
    assert_eq!(expiration.day(), now().plus_days(-3).day());
    assert_eq!(inception.day(), now().plus_days(-17).day());
    let early = link("early.test", "A").await;
    assert!(
        matches!(early.fault, Fault::SignatureNotYetValid { .. }),
        "{early:?}"
    );
    let hasty = link("hasty.test", "A").await;
    assert_eq!(hasty.record_set, "hasty.test. A");
    assert!(
        matches!(hasty.fault, Fault::SigningKeyMissing { .. }),
        "{hasty:?}"
    );
    assert_eq!(
        link("ed448.test", "A").await,
        WeakLink {
            zone: "ed448.test.".to_owned(),
            record_set: "ed448.test. DS".to_owned(),
            fault: Fault::UnsupportedAlgorithm { algorithm: 16 },
        }
    );
    let ed448 = ask(&dns, "ed448.test", "A").await.own;
    assert_eq!(ed448.status, SecurityStatus::Indeterminate);
}

#[tokio::test]
async fn the_place_is_named_at_which_the_unsigned_part_begins() {
    let dns = world().start().await.unwrap();
    for (name, rtype, zone, text) in [
        (
            "plain.test",
            "A",
            "plain.test.",
            "plain.test. has no DS record at test.",
        ),
        (
            "no.such.plain.test",
            "MX",
            "plain.test.",
            "plain.test. has no DS record at test.",
        ),
        (
            "to-plain.good.test",
            "A",
            "plain.test.",
            "plain.test. has no DS record at test.",
        ),
        (
            "to-good.plain.test",
            "A",
            "plain.test.",
            "plain.test. has no DS record at test.",
        ),
        (
            "short.plain.test",
            "TLSA",
            "plain.test.",
            "plain.test. has no DS record at test.",
        ),
        (
            "island.test",
            "A",
            "island.test.",
            "island.test. has no DS record at test.",
        ),
        (
            "exotic.test",
            "A",
            "exotic.test.",
            "the DS records of exotic.test. name algorithm 100, which no validator knows",
        ),
        (
            "toilsome.test",
            "MX",
            "toilsome.test.",
            "toilsome.test. hashes its NSEC3 names 151 times, more than validators accept",
        ),
        (
            "below.toilsome.test",
            "A",
            "toilsome.test.",
            "toilsome.test. hashes its NSEC3 names 151 times, more than validators accept",
        ),
        (
            "busy.test",
            "MX",
            "busy.test.",
            "busy.test. hashes its NSEC3 names 600 times, more than validators accept",
        ),
    ] {
        let own = ask(&dns, name, rtype).await.own;
        assert_eq!(own.status, SecurityStatus::Insecure, "{name}");
        let link = own.weak_link.unwrap();
        assert_eq!(
            (link.zone.as_str(), link.to_string().as_str()),
            (zone, text),
            "{name}"
        );
    }
}

#[tokio::test]
async fn another_root_is_indeterminate_and_not_bogus() {
    let dns = world().start().await.unwrap();
    let setup = SingleSetup {
        resolver: Resolver::at([dns.addr()]),
        root_anchors: RootAnchors::iana(),
        now: now(),
        times: Times::default(),
        dial: Dial::Routed(dns.routes()),
        authoritative: false,
        allow_private: true,
    };
    let question = NameAndType::parse("good.test", "A").unwrap();
    let own = look_up(&question, &setup).await.own;
    assert_eq!(own.status, SecurityStatus::Indeterminate);
    assert_eq!(own.weak_link.unwrap().fault, Fault::NoTrustAnchor);
}

#[tokio::test]
async fn what_the_resolver_withholds_is_indeterminate() {
    for (name, rtype, how) in [
        ("good.test.", Rtype::DS, Misbehaviour::ServFail),
        ("good.test.", Rtype::DNSKEY, Misbehaviour::Refused),
        ("test.", Rtype::DNSKEY, Misbehaviour::MalformedPacket),
        (".", Rtype::DNSKEY, Misbehaviour::ServFail),
        (".", Rtype::DNSKEY, Misbehaviour::SignaturesStripped),
    ] {
        let dns = world().misbehaving(name, rtype, how).start().await.unwrap();
        let own = ask(&dns, "good.test", "A").await.own;
        assert_eq!(own.status, SecurityStatus::Indeterminate, "{name} {rtype}");
    }
}

#[tokio::test]
async fn an_alias_by_itself_and_a_denial_without_soa_are_judged() {
    for (name, rtype, how, status) in [
        (
            "to-good.good.test.",
            Rtype::A,
            Misbehaviour::EmptyCnameOnly,
            SecurityStatus::Secure,
        ),
        (
            "to-good.plain.test.",
            Rtype::A,
            Misbehaviour::EmptyCnameOnly,
            SecurityStatus::Insecure,
        ),
        (
            "plain.test.",
            Rtype::MX,
            Misbehaviour::EmptyAnswer,
            SecurityStatus::Insecure,
        ),
        (
            "plain.test.",
            Rtype::MX,
            Misbehaviour::BareNxDomain,
            SecurityStatus::Insecure,
        ),
        (
            "good.test.",
            Rtype::MX,
            Misbehaviour::EmptyAnswer,
            SecurityStatus::Bogus,
        ),
        (
            "_tcp.good.test.",
            Rtype::TLSA,
            Misbehaviour::NodataAsNxDomain,
            SecurityStatus::Secure,
        ),
        (
            "good.test.",
            Rtype::MX,
            Misbehaviour::NodataAsNxDomain,
            SecurityStatus::Secure,
        ),
        (
            // unbound's leniency is for NSEC alone.
            "nsec3.test.",
            Rtype::MX,
            Misbehaviour::NodataAsNxDomain,
            SecurityStatus::Bogus,
        ),
        (
            "plain.test.",
            Rtype::MX,
            Misbehaviour::NodataAsNxDomain,
            SecurityStatus::Insecure,
        ),
        (
            "proofless.test.",
            Rtype::MX,
            Misbehaviour::NodataAsNxDomain,
            SecurityStatus::Bogus,
        ),
        (
            "good.test.",
            Rtype::A,
            Misbehaviour::SignaturesStripped,
            SecurityStatus::Bogus,
        ),
    ] {
        let dns = world().misbehaving(name, rtype, how).start().await.unwrap();
        let own = ask(&dns, name, &rtype.to_string()).await.own;
        assert_eq!(own.status, status, "{name} {rtype} {how:?}: {own:?}");
    }
}

#[tokio::test]
async fn the_weak_link_does_not_depend_on_which_answer_comes_first() {
    for late in ["good.test.", "expired.test.", "test."] {
        let dns = world()
            .misbehaving(
                late,
                Rtype::DNSKEY,
                Misbehaviour::DelayedBy(Duration::from_millis(200)),
            )
            .start()
            .await
            .unwrap();
        let own = ask(&dns, "to-expired.good.test", "A").await.own;
        let link = own.weak_link.clone().map(|link| link.record_set);
        assert_eq!(
            link.as_deref(),
            Some("expired.test. DNSKEY"),
            "{late} {own:?}"
        );
    }
}

#[tokio::test]
async fn lookups_at_once_do_not_take_a_new_algorithm_for_an_insecure_zone() {
    let zone = |apex| Zone::signed(apex).ed25519().a("@", [192, 0, 2, 1].into());
    let dns = DnsWorld::new(now())
        .zone(zone("edwards.test."))
        .zone(zone("sub.edwards.test."))
        .resolver(ResolverKind::NotValidating)
        .start()
        .await
        .unwrap();
    let deadline = Deadline::after(Times::default().total);
    let base = Base::new(
        &Resolver::at([dns.addr()]),
        &RootAnchors::from_text(dns.trust_anchor()).unwrap(),
        Times::default(),
        Times::default().total,
    );
    let validator = Validator::new(&base, now(), Times::default(), deadline);
    let ask = async |name: &str, rtype| {
        let name = WireName::from_str(name).unwrap();
        let upstream = validator.upstream();
        let reply = upstream.ask(&name.to_name(), rtype, deadline).await;
        validator.judge_lookup(&[reply.unwrap()], None).await.status
    };
    let statuses = tokio::join!(
        ask("edwards.test.", Rtype::A),
        ask("edwards.test.", Rtype::AAAA),
        ask("edwards.test.", Rtype::MX),
        ask("sub.edwards.test.", Rtype::A),
        ask("sub.edwards.test.", Rtype::MX),
        ask("no.such.edwards.test.", Rtype::A),
    );
    let secure = SecurityStatus::Secure;
    assert_eq!(statuses, (secure, secure, secure, secure, secure, secure));
}

#[tokio::test]
async fn a_lookup_costs_few_queries() {
    let dns = world().start().await.unwrap();
    ask(&dns, "_25._tcp.good.test", "TLSA").await;
    // The question, and a DS and a DNSKEY for each of two zones under the root.
    assert_eq!(dns.query_count(), 6, "{:?}", dns.asked());
}
