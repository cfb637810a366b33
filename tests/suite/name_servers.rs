//! Findings about name servers, each asked directly: which one fails, and at
//! what.

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::observe::observe;
use danecheck_core::observation::Observation;
use danecheck_core::report::Report;
use danecheck_world::dns::{
    Misbehaviour, NameServerFault, ResolverKind, Rtype, RunningDns, Zone, ZoneFault,
};
use danecheck_world::smtp::MailServer;

use crate::support::domain::{MX1, in_order};
use crate::support::{ids, now};

const NS1: &str = "192.0.2.53";
const NS2: &str = "192.0.2.54";
const TLSA: &str = "_25._tcp.mx1.example.com.";

/// `example.com` with two name servers, in good order.
fn domain(stage: &mut Stage, change: impl FnOnce(Zone) -> Zone) {
    let identity = stage.identity("mx1.example.com");
    let zone = in_order(&identity)
        .name_server("ns1", NS1.parse().unwrap())
        .name_server("ns2", NS2.parse().unwrap());
    stage.zone(change(zone));
    stage.server(MX1, MailServer::new(identity));
}

async fn look(stage: &RunningStage, authoritative: bool) -> Observation {
    let mut setup = stage.setup();
    setup.authoritative = authoritative;
    setup.times.query = std::time::Duration::from_millis(800);
    observe(&"example.com".parse().unwrap(), &setup).await
}

/// A report where the TLSA lookup fails through the resolver.
async fn failing(faults: &[(&str, NameServerFault)]) -> Report {
    let mut stage = Stage::new(now());
    domain(&mut stage, |zone| zone);
    stage.lookup_misbehaving(TLSA, Rtype::TLSA, Misbehaviour::ServFail);
    for (address, fault) in faults {
        stage.name_server_misbehaving(address.parse().unwrap(), *fault);
    }
    Report::of(&look(&stage.start().await.unwrap(), false).await)
}

/// A report on a healthy domain whose name servers are asked all the same.
async fn asked(faults: &[(&str, NameServerFault)], change: impl FnOnce(Zone) -> Zone) -> Report {
    let mut stage = Stage::new(now());
    domain(&mut stage, change);
    for (address, fault) in faults {
        stage.name_server_misbehaving(address.parse().unwrap(), *fault);
    }
    Report::of(&look(&stage.start().await.unwrap(), true).await)
}

fn messages<'a>(report: &'a Report, id: &str) -> Vec<&'a str> {
    let findings = report.findings.iter();
    findings
        .filter(|finding| finding.id == id)
        .map(|finding| finding.message.as_str())
        .collect()
}

fn questions(dns: &RunningDns) -> usize {
    dns.asked_of_name_servers().len()
}

#[tokio::test]
async fn a_healthy_check_asks_no_name_server_and_at_most_24_questions() {
    let mut stage = Stage::new(now());
    domain(&mut stage, |zone| zone);
    let stage = stage.start().await.unwrap();
    let report = Report::of(&look(&stage, false).await);
    assert_eq!(ids(&report), [""; 0]);
    assert_eq!(questions(stage.dns()), 0);
    let asked = stage.dns().asked();
    assert!(asked.len() <= 24, "{} {asked:#?}", asked.len());
}

#[tokio::test]
async fn the_server_that_fails_at_a_failing_lookup_is_named() {
    for (fault, id, message) in [
        (
            NameServerFault::ServFailToTlsa,
            "name-server-fails",
            "ns2.example.com (192.0.2.54), a name server of example.com., answers SERVFAIL to \
             TLSA, over UDP and TCP.",
        ),
        (
            NameServerFault::NotImpToTlsa,
            "name-server-fails",
            "ns2.example.com (192.0.2.54), a name server of example.com., answers NOTIMP to TLSA, \
             over UDP and TCP.",
        ),
        (
            NameServerFault::Refused,
            "name-server-lacks-zone",
            "ns2.example.com (192.0.2.54), a name server of example.com., has not loaded the \
             zone: it answers REFUSED even to a query for its SOA record.",
        ),
        (
            NameServerFault::NotLoaded,
            "name-server-lacks-zone",
            "ns2.example.com (192.0.2.54), a name server of example.com., has not loaded the \
             zone: it answers SERVFAIL even to a query for its SOA record.",
        ),
        (
            NameServerFault::SilentToTlsa,
            "name-server-silent",
            "ns2.example.com (192.0.2.54), a name server of example.com., does not answer queries \
             for TLSA, over UDP and TCP (it answers other queries).",
        ),
        (
            NameServerFault::TcpRefused,
            "name-server-silent",
            "ns2.example.com (192.0.2.54), a name server of example.com., does not listen over \
             TCP.",
        ),
        (
            NameServerFault::Lame,
            "name-server-not-authoritative",
            "The NS records of example.com. name ns2.example.com (192.0.2.54), but it does not \
             serve the zone.",
        ),
        (
            NameServerFault::LacksSignature,
            "name-server-lacks-signatures",
            "ns2.example.com (192.0.2.54), a name server of example.com., sends TLSA without \
             signatures.",
        ),
        (
            NameServerFault::OldSerial,
            "name-server-behind",
            "ns2.example.com (192.0.2.54) has serial 0 of example.com., but others have 1.",
        ),
    ] {
        let report = failing(&[(NS2, fault)]).await;
        assert_eq!(messages(&report, id), [message], "{fault:?}");
        let about_servers: Vec<&str> = ids(&report)
            .into_iter()
            .filter(|it| it.starts_with("name-server"))
            .collect();
        let also_in_order = fault == NameServerFault::OldSerial;
        assert_eq!(
            about_servers.iter().filter(|it| **it != id).count(),
            usize::from(also_in_order),
            "{fault:?}: {about_servers:?}"
        );
    }
}

/// The zone expired, or does not load, on every server.
#[tokio::test]
async fn a_zone_that_no_server_has_loaded_is_told_once() {
    for (one, other, words) in [
        (
            NameServerFault::NotLoaded,
            NameServerFault::NotLoaded,
            "ns1.example.com (192.0.2.53) answers SERVFAIL, ns2.example.com (192.0.2.54) answers \
             SERVFAIL.",
        ),
        (
            NameServerFault::Refused,
            NameServerFault::NotLoaded,
            "ns1.example.com (192.0.2.53) answers REFUSED, ns2.example.com (192.0.2.54) answers \
             SERVFAIL.",
        ),
    ] {
        let mut stage = Stage::new(now());
        domain(&mut stage, |zone| zone);
        for name in ["example.com.", "mx1.example.com.", TLSA] {
            for rtype in [Rtype::SOA, Rtype::NS, Rtype::MX, Rtype::A, Rtype::TLSA] {
                stage.lookup_misbehaving(name, rtype, Misbehaviour::ServFail);
            }
        }
        stage.name_server_misbehaving(NS1.parse().unwrap(), one);
        stage.name_server_misbehaving(NS2.parse().unwrap(), other);
        let report = Report::of(&look(&stage.start().await.unwrap(), false).await);
        let told = messages(&report, "zone-not-loaded");
        let start = "No name server of example.com. has loaded the zone: even to a query for its \
                     SOA record ";
        assert_eq!(told, [format!("{start}{words}")]);
        let others = [
            "name-server-fails",
            "name-server-lacks-zone",
            "name-servers-in-order",
        ];
        assert!(
            !ids(&report).iter().any(|id| others.contains(id)),
            "{:?}",
            ids(&report)
        );
    }
}

#[tokio::test]
async fn a_server_that_lacks_the_record_is_told_with_what_others_have() {
    let report = failing(&[(NS2, NameServerFault::LacksRecord)]).await;
    let told = messages(&report, "name-servers-disagree");
    assert_eq!(told.len(), 1, "{:?}", ids(&report));
    let start = "The name servers of example.com. disagree on _25._tcp.mx1.example.com. TLSA: \
                 ns1.example.com (192.0.2.53) has 3 1 1 ";
    assert!(told[0].starts_with(start), "{}", told[0]);
    let end = "; ns2.example.com (192.0.2.54) has none.";
    assert!(told[0].ends_with(end), "{}", told[0]);
}

#[tokio::test]
async fn a_server_whose_denial_does_not_hold_is_told() {
    let id = "name-server-answer-bogus";
    let fault = NameServerFault::DenialIncomplete;
    let report = asked(&[(NS2, fault)], |zone| zone).await;
    assert_eq!(ids(&report), [id]);
    assert_eq!(
        messages(&report, id),
        [
            "ns2.example.com (192.0.2.54), a name server of example.com., sends a bogus answer to \
             AAAA: example.com. does not prove that mx1.example.com. AAAA does not exist."
        ]
    );
    // Where all do, it is the zone that is told of.
    let report = asked(&[(NS1, fault), (NS2, fault)], |zone| zone).await;
    assert!(!ids(&report).contains(&id), "{:?}", ids(&report));
}

#[tokio::test]
async fn where_all_servers_answer_it_is_the_resolver() {
    let report = failing(&[]).await;
    assert_eq!(
        messages(&report, "name-servers-in-order"),
        [
            "Every name server of example.com. answers _25._tcp.mx1.example.com. TLSA directly. \
             Only the resolver gets no answer."
        ]
    );
}

#[tokio::test]
async fn truncation_over_udp_is_no_fault() {
    let report = asked(&[(NS2, NameServerFault::Truncates)], |zone| zone).await;
    assert_eq!(ids(&report), [""; 0]);
}

#[tokio::test]
async fn servers_are_asked_about_every_lookup_where_that_is_wanted() {
    let mut stage = Stage::new(now());
    domain(&mut stage, |zone| zone);
    let stage = stage.start().await.unwrap();
    let seen = look(&stage, true).await;
    assert_eq!(ids(&Report::of(&seen)), [""; 0]);
    let mut asked: Vec<String> = stage
        .dns()
        .asked_of_name_servers()
        .into_iter()
        .filter(|(address, _)| address.to_string() == NS1)
        .map(|(_, asked)| format!("{} {} {:?}", asked.name, asked.rtype, asked.transport))
        .collect();
    asked.sort();
    assert_eq!(
        asked,
        [
            "_25._tcp.mx1.example.com. TLSA Tcp",
            "_25._tcp.mx1.example.com. TLSA Udp",
            "example.com. MX Tcp",
            "example.com. MX Udp",
            // Once, whatever is asked of the zone.
            "example.com. SOA Udp",
            "mx1.example.com. A Tcp",
            "mx1.example.com. A Udp",
            "mx1.example.com. AAAA Tcp",
            "mx1.example.com. AAAA Udp",
        ]
    );
    // And what they said goes with the lookup, into the report as well.
    let report = Report::of(&seen);
    let servers = report.hosts[0].tlsa[0].lookup.name_servers.as_ref();
    let servers = &servers.unwrap().servers;
    assert_eq!(servers.len(), 2);
    assert!(servers[0].udp.as_ref().unwrap().signed);
    assert_eq!(servers[0].serial, Some(1));
}

#[tokio::test]
async fn a_bogus_lookup_is_asked_of_the_servers_too() {
    let mut stage = Stage::new(now());
    domain(&mut stage, |zone| zone.with(ZoneFault::SignaturesExpired));
    stage.resolver(ResolverKind::NotValidating);
    let stage = stage.start().await.unwrap();
    let seen = look(&stage, false).await;
    let mx = seen.mx.as_ref().unwrap();
    let authority = mx.authority.as_ref().unwrap();
    assert_eq!(authority.zone, "example.com.");
    let until: Vec<_> = authority
        .addresses()
        .filter_map(|(_, it)| it.answers.as_ref()?.whole()?.signed_until)
        .collect();
    assert!(until.len() == 2 && until.iter().all(|until| *until < now()));
    // All have the same: it is the zone that is told of, not its servers.
    let report = Report::of(&seen);
    assert!(ids(&report).contains(&"signature-expired"));
    assert!(!ids(&report).iter().any(|id| id.starts_with("name-server")));
}

#[tokio::test]
async fn an_old_signature_is_told_where_other_servers_have_a_new_one() {
    let mut stage = Stage::new(now());
    domain(&mut stage, |zone| zone);
    let stage = stage.start().await.unwrap();
    let mut seen = look(&stage, true).await;
    // As after days without a zone transfer.
    let tlsa = &mut seen.hosts[0].tlsa[0].lookup.authority.as_mut().unwrap();
    let answers = tlsa.servers[1].addresses[0].answers.as_mut().unwrap();
    let yesterday = now().plus_days(-1);
    for answer in [&mut answers.udp, &mut answers.tcp] {
        if let danecheck_core::observation::NameServerAnswer::Reply(reply) = answer {
            reply.signed_until = Some(yesterday);
        }
    }
    let report = Report::of(&seen);
    assert_eq!(
        messages(&report, "name-server-signature-expired"),
        [format!(
            "ns2.example.com (192.0.2.54), a name server of example.com., sends TLSA with a \
             signature that expired at {yesterday}."
        )]
    );
}

#[tokio::test]
async fn servers_of_a_zone_of_which_the_resolver_knows_nothing_are_found_from_above() {
    let mut stage = Stage::new(now());
    domain(&mut stage, |zone| zone);
    let names = [
        "example.com.",
        "_tcp.mx1.example.com.",
        "mx1.example.com.",
        TLSA,
    ];
    for name in names {
        for rtype in [Rtype::SOA, Rtype::NS, Rtype::MX, Rtype::A, Rtype::TLSA] {
            stage.lookup_misbehaving(name, rtype, Misbehaviour::ServFail);
        }
    }
    for address in [NS1, NS2] {
        stage.name_server_misbehaving(address.parse().unwrap(), NameServerFault::Silent);
    }
    let report = Report::of(&look(&stage.start().await.unwrap(), false).await);
    assert_eq!(
        messages(&report, "name-server-silent"),
        [
            "ns1.example.com (192.0.2.53), a name server of example.com., does not answer queries \
             for MX, over UDP and TCP.",
            "ns2.example.com (192.0.2.54), a name server of example.com., does not answer queries \
             for MX, over UDP and TCP.",
        ]
    );
}

#[tokio::test]
async fn servers_that_the_resolver_cannot_name_are_found_from_above() {
    let mut stage = Stage::new(now());
    domain(&mut stage, |zone| zone);
    stage.lookup_misbehaving("example.com.", Rtype::NS, Misbehaviour::ServFail);
    let seen = look(&stage.start().await.unwrap(), true).await;
    let mx = seen.mx.as_ref().unwrap().authority.as_ref().unwrap();
    assert_eq!(mx.zone, "example.com.");
    assert_eq!(mx.servers.len(), 2);
    assert_eq!(ids(&Report::of(&seen)), [""; 0]);
}

#[tokio::test]
async fn a_name_server_without_address_is_told() {
    let report = asked(&[], |zone| zone.records("@ NS ns3")).await;
    assert_eq!(ids(&report), ["name-server-without-address"]);
}

#[tokio::test]
async fn a_name_server_at_an_address_that_is_not_public_is_not_asked() {
    let mut stage = Stage::new(now());
    domain(&mut stage, |zone| {
        zone.name_server("ns3", "10.0.0.53".parse().unwrap())
    });
    let stage = stage.start().await.unwrap();
    let mut setup = stage.setup();
    setup.authoritative = true;
    setup.allow_private = false;
    let seen = observe(&"example.com".parse().unwrap(), &setup).await;
    // Those of the documentation are not public either.
    assert_eq!(questions(stage.dns()), 0);
    let report = Report::of(&seen);
    assert_eq!(
        messages(&report, "name-server-not-public").first(),
        Some(
            &"danecheck did not ask ns1.example.com (192.0.2.53), a name server of example.com.: \
              its address is not public (192.0.2.0/24, documentation)."
        )
    );
    assert_eq!(messages(&report, "name-server-not-public").len(), 3);
}

#[tokio::test]
async fn silence_all_around_is_not_held_against_the_servers() {
    let faults = [
        (NS1, NameServerFault::Silent),
        (NS2, NameServerFault::Silent),
    ];
    let report = asked(&faults, |zone| zone).await;
    assert_eq!(ids(&report), ["name-servers-out-of-reach"]);
}

#[tokio::test]
async fn a_family_that_is_silent_everywhere_is_not_held_against_the_servers() {
    let (one, two) = ("2001:db8::53", "2001:db8::54");
    let faults = [
        (one, NameServerFault::Silent),
        (two, NameServerFault::Silent),
    ];
    let report = asked(&faults, |zone| {
        zone.name_server("ns1", one.parse().unwrap())
            .name_server("ns2", two.parse().unwrap())
    })
    .await;
    assert_eq!(ids(&report), [""; 0]);
}

#[tokio::test]
async fn no_zone_makes_it_ask_without_end() {
    let mut stage = Stage::new(now());
    domain(&mut stage, |zone| {
        (0..40_u8).fold(zone, |zone, number| {
            zone.name_server(&format!("far{number}"), [192, 0, 2, 100 + number].into())
                .records(&format!(
                    "far{number} A 198.51.100.{number}\nfar{number} A 203.0.113.{number}"
                ))
        })
    });
    let stage = stage.start().await.unwrap();
    let report = Report::of(&look(&stage, true).await);
    assert!(
        ids(&report).contains(&"not-all-looked-at"),
        "{:?}",
        ids(&report)
    );
    assert!(questions(stage.dns()) <= 400, "{}", questions(stage.dns()));
}

#[tokio::test]
async fn lookups_beyond_the_bound_are_told_of() {
    let mut stage = Stage::new(now());
    domain(&mut stage, |zone| {
        (0..6).fold(zone, |zone, number| {
            zone.mx("@", 20, &format!("mx{number}"))
                .records(&format!("mx{number} A {MX1}"))
        })
    });
    let stage = stage.start().await.unwrap();
    let seen = look(&stage, true).await;
    let asked = seen.hosts.iter().filter_map(|host| host.a.as_ref());
    let asked = asked.filter(|lookup| lookup.authority.is_some()).count();
    assert!((1..6).contains(&asked), "{asked}");
    let report = Report::of(&seen);
    let told = messages(&report, "not-all-looked-at");
    // One MX lookup, three for each of six hosts, and twelve of them asked about.
    let sentence = "danecheck asked name servers directly about 12 lookups, but not about 7 more.";
    assert_eq!(told, [sentence]);
}
