//! `danecheck dns`: one lookup in both views, and its exit status.

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck_core::report::ExitStatus;
use danecheck_world::dns::{NameServerFault, ResolverKind, Zone, ZoneFault};

use super::run_alone;
use crate::support::now;
use crate::support::program::{Ran, run_on};

/// `good.example`, `expired.example` and `plain.example`.
async fn dns_stage(kind: ResolverKind) -> RunningStage {
    let mut stage = Stage::new(now());
    let tlsa = |zone: Zone| zone.mx("@", 10, "mx").tlsa("_25._tcp.mx", "3 1 1 AB12");
    stage.zone(tlsa(Zone::signed("good.example.")));
    stage.zone(tlsa(
        Zone::signed("expired.example.").with(ZoneFault::SignaturesExpired),
    ));
    stage.zone(tlsa(Zone::unsigned("plain.example.")));
    stage.resolver(kind);
    stage.start().await.unwrap()
}

async fn run_dns(stage: &RunningStage, arguments: &[&str]) -> Ran {
    run_on(stage, &[&["dns"], arguments].concat(), b"").await
}

#[tokio::test]
async fn dns_shows_both_views_of_a_lookup() {
    let stage = dns_stage(ResolverKind::Validating).await;
    let ran = run_dns(&stage, &["_25._tcp.mx.good.example", "TLSA", "--json"]).await;
    assert_eq!(ran.stderr, "");
    let mut shown: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    // It depends on the day.
    let span = shown["validated"]["first_to_end"].take();
    assert_eq!(span["zone"], "good.example.");
    let expected = serde_json::json!({
        "name": "_25._tcp.mx.good.example.", "type": "TLSA",
        "resolver": {
            "address": stage.dns().addr().to_string(), "rcode": "NOERROR", "ad": true,
            "status": "secure", "extended_error": null, "ttl": 300, "failure": null,
        },
        "validated": {
            "status": "secure", "reason": null, "weak_link": null, "first_to_end": null,
        },
        "answer": "records",
        "records": ["3 1 1 ab12"],
        "name_servers": null,
        "findings": [],
    });
    assert_eq!(shown, expected);

    let ran = run_dns(&stage, &["expired.example", "MX", "--json"]).await;
    let shown: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(shown["resolver"]["status"], "failed");
    assert_eq!(shown["resolver"]["rcode"], "SERVFAIL");
    assert_eq!(shown["resolver"]["extended_error"]["code"], 7);
    assert_eq!(shown["validated"]["status"], "bogus");
    let link = &shown["validated"]["weak_link"];
    assert_eq!(link["zone"], "expired.example.");
    assert_eq!(link["record_set"], "expired.example. DNSKEY");
    assert_eq!(link["fault"], "signature-expired");
    assert!(link["expiration"].as_str().unwrap().ends_with('Z'));
    assert_eq!(shown["answer"], "failure");
    assert_eq!(ran.status, ExitStatus::Broken);

    let ran = run_dns(&stage, &["expired.example", "MX"]).await;
    let words: Vec<&str> = ran.stdout.split_whitespace().collect();
    let link = "weak link expired.example.: the signature of expired.example. DNSKEY expired at";
    assert!(words.join(" ").contains(link), "{}", ran.stdout);
}

#[tokio::test]
async fn dns_tells_how_the_views_differ_by_its_exit_status() {
    for (kind, name, rtype, status) in [
        (
            ResolverKind::Validating,
            "good.example",
            "MX",
            ExitStatus::Fine,
        ),
        (
            ResolverKind::Validating,
            "good.example",
            "TYPE257",
            ExitStatus::Fine,
        ),
        (
            ResolverKind::Validating,
            "good.example.",
            "dnskey",
            ExitStatus::Fine,
        ),
        (
            ResolverKind::Validating,
            "plain.example",
            "SOA",
            ExitStatus::Fine,
        ),
        (
            ResolverKind::Validating,
            "no.good.example",
            "A",
            ExitStatus::Fine,
        ),
        (
            ResolverKind::NotValidating,
            "good.example",
            "MX",
            ExitStatus::Warning,
        ),
        (
            ResolverKind::NotValidating,
            "plain.example",
            "MX",
            ExitStatus::Fine,
        ),
        (
            ResolverKind::NotValidating,
            "expired.example",
            "MX",
            ExitStatus::Broken,
        ),
        (
            ResolverKind::AdStripped,
            "good.example",
            "TXT",
            ExitStatus::Warning,
        ),
        (
            ResolverKind::NotDnssecCapable,
            "good.example",
            "NS",
            ExitStatus::Unknown,
        ),
    ] {
        let stage = dns_stage(kind).await;
        let ran = run_dns(&stage, &[name, rtype]).await;
        assert_eq!(
            ran.status, status,
            "{kind:?} {name} {rtype}\n{}",
            ran.stdout
        );
    }
}

#[tokio::test]
async fn dns_shows_the_name_servers_one_by_one_and_keeps_to_its_schema() {
    let mut stage = Stage::new(now());
    let (ns1, ns2) = ([192, 0, 2, 53].into(), [192, 0, 2, 54].into());
    stage.zone(
        Zone::signed("good.example.")
            .tlsa("_25._tcp.mx", "3 1 1 AB12")
            .name_server("ns1", ns1)
            .name_server("ns2", ns2),
    );
    stage.name_server_misbehaving(ns2, NameServerFault::NotImpToTlsa);
    let stage = stage.start().await.unwrap();
    let question = ["_25._tcp.mx.good.example", "TLSA"];
    let schema = jsonschema::validator_for(&danecheck_core::report::lookup_schema()).unwrap();
    for (arguments, servers, status) in [
        (vec!["--json"], 0, ExitStatus::Fine),
        (vec!["--json", "--authoritative"], 2, ExitStatus::Warning),
    ] {
        let all: Vec<&str> = question.into_iter().chain(arguments).collect();
        let ran = run_dns(&stage, &all).await;
        let shown: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert!(schema.is_valid(&shown), "{shown}");
        let seen = shown["name_servers"]["servers"].as_array();
        assert_eq!(seen.map_or(0, Vec::len), servers);
        assert_eq!(ran.status, status);
    }
    let ran = run_dns(&stage, &[question[0], question[1], "--authoritative"]).await;
    let words: Vec<&str> = ran.stdout.split_whitespace().collect();
    let line = "ns2.good.example (192.0.2.54): NOTIMP over UDP and TCP; serial 1";
    assert!(words.join(" ").contains(line), "{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80));
}

#[tokio::test]
async fn dns_refuses_what_is_no_question() {
    for (arguments, why) in [
        (["a..b", "A"], "danecheck: `a..b` is not a domain name"),
        (
            ["example.com", "NOTYPE"],
            "danecheck: unknown record type `NOTYPE`",
        ),
        (
            ["example.com", "ANY"],
            "danecheck: unknown record type `ANY`",
        ),
    ] {
        let ran = run_alone(&["dns", arguments[0], arguments[1]]).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{arguments:?}");
        assert!(ran.stderr.starts_with(why), "{}", ran.stderr);
    }
}
