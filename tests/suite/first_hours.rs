//! What three people met in their first hours: each point is a test, with
//! siblings of the same kind.

mod page;

use danecheck::demo::stage::Stage;
use danecheck::demo::{Case, SharedAuthorities};
use danecheck_core::finding::{RULES, Severity};
use danecheck_core::judge::{Action, Horizon, Verdict};
use danecheck_core::observation::Observation;
use danecheck_core::postfix::SecurityLevel;
use danecheck_core::report::{
    Detail, ExitStatus, FailOn, Github, HumanStyle, JUnit, Markdown, Nagios, Prometheus, Report,
    Writer, exit_status, human,
};
use danecheck_core::sender::Sender;
use danecheck_world::dns::{Misbehaviour as DnsMisbehaviour, ResolverKind, Rtype, Zone};
use danecheck_world::pki::stale_tlsa;
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::domain::{MX1, in_order, publishing, signed};
use crate::support::{ids, mailcow, message, now, observed, report_on};

fn at(level: SecurityLevel) -> Sender {
    Sender {
        level: Some(level),
        ..Sender::default()
    }
}

/// A server with a stale record.
fn stale(stage: &mut Stage) {
    stage.zone(publishing([stale_tlsa(3, 1, 1)]));
    let identity = stage.identity("mx1.example.com");
    stage.server(MX1, MailServer::new(identity));
}

/// A server without TLSA records.
fn plain(stage: &mut Stage) {
    stage.zone(signed());
    let identity = stage.identity("mx1.example.com");
    stage.server(MX1, MailServer::new(identity));
}

/// The same, had the server spoken this version of TLS.
fn speaking(mut observation: Observation, version: &str) -> Observation {
    for host in &mut observation.hosts {
        for session in host.addresses.iter_mut().flat_map(|it| &mut it.sessions) {
            session.tls.as_mut().unwrap().version = Some(version.to_owned());
        }
    }
    observation
}

fn to(observation: &Observation, sender: &Sender) -> Report {
    Report::to(observation, Horizon::default(), sender)
}

fn full(report: &Report) -> String {
    human(report, HumanStyle::of(Detail::Full))
}

fn status(report: &Report) -> ExitStatus {
    exit_status(report, false, FailOn::Warning)
}

/// The report in every format for people and programs, but JSON.
fn formats(report: &Report) -> Vec<(&'static str, String)> {
    let writers: [(&str, Box<dyn Writer>); 4] = [
        ("nagios", Box::new(Nagios::default())),
        ("markdown", Box::new(Markdown::default())),
        ("github", Box::new(Github)),
        ("junit", Box::new(JUnit::default())),
    ];
    let mut texts = vec![
        ("short", human(report, HumanStyle::default())),
        ("full", full(report)),
    ];
    for (name, mut writer) in writers {
        let text = writer.report(report, status(report));
        texts.push((name, text + &writer.end()));
    }
    texts
}

fn severity(report: &Report, id: &str) -> Severity {
    let finding = report.findings.iter().find(|finding| finding.id == id);
    finding.unwrap().severity
}

/// A1, A2: the headline, and so every format, is about the sender that was
/// named.
#[tokio::test]
async fn every_format_says_what_becomes_of_the_mail_of_the_sender_that_was_named() {
    let old = speaking(observed("example.com", plain).await, "TLSv1");
    let plain = observed("example.com", plain).await;
    let stale = observed("example.com", stale).await;
    for (observation, sender, words, code, delivers) in [
        (
            &old,
            mailcow(),
            "mailcow delivers this mail late and in plain text",
            ExitStatus::Warning,
            1,
        ),
        (
            &plain,
            at(SecurityLevel::DaneOnly),
            "this Postfix keeps this mail back (4.7.5)",
            ExitStatus::Broken,
            0,
        ),
        (
            &stale,
            at(SecurityLevel::May),
            "this Postfix delivers this mail in TLS without authentication",
            ExitStatus::Warning,
            1,
        ),
        (
            &stale,
            mailcow(),
            "mailcow keeps this mail back (4.7.5)",
            ExitStatus::Broken,
            0,
        ),
    ] {
        let report = to(observation, &sender);
        assert_eq!(status(&report), code, "{words}");
        for (format, text) in formats(&report) {
            // JUnit names the cause only of a case that failed.
            let passes = format == "junit" && delivers == 1;
            assert!(passes || text.contains(words), "{format}: {text}");
            assert!(!text.contains("mail flows"), "{format}: {text}");
            assert!(!text.contains("DANE senders"), "{format}: {text}");
            // It asks for no DANE, so it fails over from no server.
            assert!(!text.contains("downgrade-by-fail-over"), "{format}: {text}");
        }
        let mut metrics = Prometheus::default();
        metrics.report(&report, status(&report));
        let metrics = metrics.end();
        let name = report.sender.as_ref().unwrap().name.as_str();
        let sample = format!(
            "danecheck_sender_delivers{{target=\"example.com\",sender=\"{name}\"}} {delivers}\n"
        );
        assert!(metrics.contains(&sample), "{metrics}");
        let channels = metrics.matches("danecheck_sender_channel{").count();
        assert_eq!(channels, 3, "{metrics}");
    }
}

/// A3: the reference Postfix stands beside the sender under its own name.
#[tokio::test]
async fn the_table_has_a_row_for_the_sender_and_one_for_the_reference_postfix() {
    let old = speaking(observed("example.com", plain).await, "TLSv1");
    let tls13 = Sender {
        min_tls: Some("TLSv1.3".parse().unwrap()),
        ..Sender::default()
    };
    for (sender, name) in [(mailcow(), "mailcow"), (tls13, "this Postfix")] {
        let report = to(&old, &sender);
        assert_eq!(report.outcomes, Report::of(&old).outcomes);
        let text = full(&report);
        let row = |name: &str| {
            let mut lines = text.lines();
            let found = lines.find(|line| line.trim_start().starts_with(name));
            let row = found.unwrap().trim_start().trim_start_matches(name);
            row.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(row("reference Postfix")[2..4], ["TLS", "TLS"], "{text}");
        assert_eq!(row(name)[2], "defer", "{text}");
        let mut markdown = Markdown::default();
        let text = markdown.report(&report, status(&report));
        let head = format!("| level | {name} | reference Postfix |");
        assert!(text.contains(&head), "{text}");
    }
    let alone = full(&Report::of(&old));
    assert!(alone.contains("reference Postfix"), "{alone}");
    assert!(!alone.contains("mailcow  "), "{alone}");
}

/// A4: no remedy promises what the table, for this sender, does not show.
#[tokio::test]
async fn remedies_promise_no_level_and_the_lines_of_findings_deliver() {
    for rule in RULES {
        for level in ["encrypt", "may", "dane", "none"] {
            let promise = format!("level {level} delivers");
            let remedy = rule.remedy();
            assert!(!remedy.contains(&promise), "{}: {remedy}", rule.id);
        }
        assert!(!rule.sender.contains("delivers, still"), "{}", rule.id);
    }
    let identity_of = |stage: &mut Stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(in_order(&identity));
        stage.server(MX1, MailServer::new(identity));
    };
    for (set, version) in [
        (identity_of as fn(&mut Stage), "TLSv1.2"),
        (plain, "TLSv1"),
        (plain, "TLSv1.1"),
    ] {
        let observation = speaking(observed("example.com", set).await, version);
        for sender in [
            mailcow(),
            Sender {
                min_tls: Some("TLSv1.3".parse().unwrap()),
                ..Sender::default()
            },
        ] {
            let report = to(&observation, &sender);
            if !ids(&report).contains(&"sender-refuses-old-tls") {
                continue;
            }
            let words = message(&report, "sender-refuses-old-tls");
            // The override is printed once, in the form of the sender.
            if report.recommendation.entries.postfix.is_some() {
                assert!(!words.contains('`'), "{words}");
                assert_eq!(report.findings[0].id, "sender-refuses-old-tls");
            }
        }
    }
}

/// `example.com` with these MX hosts in their order, each with one address; the
/// stale ones have a record that matches nothing.
fn hosts(stage: &mut Stage, all: &[(&str, bool)]) {
    let mut zone = Zone::signed("example.com.");
    for (number, (address, is_stale)) in (1_u16..).zip(all) {
        let host = format!("mx{number}");
        let identity = stage.identity(&format!("{host}.example.com"));
        let family = if address.contains(':') { "AAAA" } else { "A" };
        let record = match is_stale {
            true => stale_tlsa(3, 1, 1),
            false => identity.tlsa(3, 1, 1),
        };
        zone = zone
            .mx("@", number * 10, &host)
            .records(&format!("{host} {family} {address}"))
            .tlsa(&format!("_25._tcp.{host}"), &record);
        stage.server(address, MailServer::new(identity));
    }
    stage.zone(zone);
}

/// A5: Postfix tries five addresses, and the report says so.
#[tokio::test]
async fn a_server_that_postfix_never_reaches_is_named() {
    let (bad, good) = (true, false);
    let v4 = |last| ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", last];
    let five: Vec<(&str, bool)> = v4("192.0.2.5").map(|it| (it, bad)).to_vec();
    let sixth = [&five[..], &[("192.0.2.6", good)]].concat();
    let report = report_on("example.com", |stage| hosts(stage, &sixth)).await;
    assert_eq!(report.verdict, Verdict::DaneBroken);
    let words = message(&report, "more-addresses-than-tried");
    assert!(
        words.contains("6 addresses") && words.contains("mx6.example.com"),
        "{words}"
    );
    assert_eq!(
        severity(&report, "more-addresses-than-tried"),
        Severity::Error
    );
    let text = human(&report, HumanStyle::default());
    assert!(text.contains("6 addresses"), "{text}");

    // Of both families each has its share: the fourth of one is never tried.
    let mixed = [
        ("192.0.2.1", bad),
        ("192.0.2.2", bad),
        ("192.0.2.3", bad),
        ("192.0.2.4", good),
        ("2001:db8::1", bad),
        ("2001:db8::2", bad),
    ];
    let report = report_on("example.com", |stage| hosts(stage, &mixed)).await;
    assert_eq!(report.verdict, Verdict::DaneBroken);
    let words = message(&report, "more-addresses-than-tried");
    assert!(words.contains("mx4.example.com"), "{words}");

    // Where mail flows it is a note; five addresses are all tried.
    let flows = [&[("192.0.2.9", good)], &sixth[..]].concat();
    let report = report_on("example.com", |stage| hosts(stage, &flows)).await;
    assert_eq!(
        severity(&report, "more-addresses-than-tried"),
        Severity::Info
    );
    let report = report_on("example.com", |stage| {
        hosts(stage, &[&five[..4], &[("192.0.2.6", good)]].concat());
    })
    .await;
    assert!(!ids(&report).contains(&"more-addresses-than-tried"));
}

/// A6: a name that does not exist has its own finding, and no MX record is to
/// blame.
#[tokio::test]
async fn a_name_that_does_not_exist_is_a_typing_error_and_not_an_mx_record() {
    for target in [
        "typo.example.com",
        "[mx9.example.com]",
        "a.b.example.com:25",
    ] {
        let report = report_on(target, plain).await;
        assert_eq!(report.verdict, Verdict::Undeliverable, "{target}");
        let words = message(&report, "name-does-not-exist");
        assert!(words.contains("NXDOMAIN"), "{words}");
        assert_eq!(severity(&report, "name-does-not-exist"), Severity::Error);
        for (format, text) in formats(&report) {
            assert!(!text.contains("MX record"), "{target} {format}: {text}");
            assert!(
                format == "nagios" || text.contains("spelling"),
                "{format}: {text}"
            );
        }
        assert_eq!(ids(&report).len(), 1, "{:?}", ids(&report));
    }
    // A host that is named by an MX record, and a domain without any address.
    let report = report_on("example.com", |stage| {
        stage.zone(Zone::signed("example.com.").mx("@", 10, "gone"));
    })
    .await;
    let words = message(&report, "mx-host-without-address");
    assert!(words.contains("does not exist"), "{words}");
    let report = report_on("example.com", |stage| {
        stage.zone(Zone::signed("example.com.").records("www A 192.0.2.1"));
    })
    .await;
    let words = message(&report, "no-mx-record");
    assert!(words.contains("no address of its own"), "{words}");
    assert!(!ids(&report).contains(&"name-does-not-exist"));
}

/// A7: where nothing could be seen, nothing is predicted.
#[tokio::test]
async fn the_table_has_question_marks_where_nothing_was_seen() {
    let case = Case::find("port-blocked").unwrap();
    let blocked = case.observe(&SharedAuthorities::new(now())).await.unwrap();
    let reserved = observed("example.com", |stage| {
        stage.zone(
            Zone::signed("example.com.")
                .mx("@", 10, "mx1")
                .records("mx1 A 10.0.0.10"),
        );
    })
    .await;
    let mut denied = observed("example.com", stale).await;
    denied.resolver.shortcoming = serde_json::from_str("\"denies-the-root\"").unwrap();
    for (what, observation, all) in [
        ("blocked", &blocked, true),
        ("reserved", &reserved, false),
        ("denied", &denied, false),
    ] {
        let report = Report::of(observation);
        if what == "reserved" && report.verdict != Verdict::Indeterminate {
            // The stage connects to its own private addresses.
            continue;
        }
        assert_eq!(report.verdict, Verdict::Indeterminate, "{what}");
        let text = full(&report);
        let row = text.lines().find(|line| line.contains("reference Postfix"));
        let row = row.unwrap();
        assert!(
            !row.contains("defer") && !row.contains("bounce"),
            "{what}: {row}"
        );
        assert!(!all || row.matches('?').count() == 8, "{what}: {row}");
        let mut metrics = Prometheus::default();
        metrics.report(&report, status(&report));
        let metrics = metrics.end();
        let dane = "danecheck_delivers{target=\"example.com\",level=\"dane\"}";
        assert!(!metrics.contains(dane), "{metrics}");
        let markdown = Markdown::default().report(&report, status(&report));
        assert!(markdown.contains("| `dane` | unknown |"), "{markdown}");
    }
}

/// A8: what alone stops all mail is an error, and else a warning.
#[tokio::test]
async fn a_fault_that_alone_stops_all_mail_is_an_error() {
    let with = |misbehaviour: Option<Misbehaviour>, backup: bool| {
        move |stage: &mut Stage| {
            let identity = stage.identity("mx1.example.com");
            let mut zone = in_order(&identity);
            if let Some(misbehaviour) = misbehaviour {
                stage.server(MX1, MailServer::new(identity).misbehaving([misbehaviour]));
            } else {
                stage.refusing(MX1);
            }
            if backup {
                let identity = stage.identity("mx2.example.com");
                zone = zone
                    .mx("@", 20, "mx2")
                    .records("mx2 A 192.0.2.20")
                    .tlsa("_25._tcp.mx2", &identity.tlsa(3, 1, 1));
                stage.server("192.0.2.20", MailServer::new(identity));
            }
            stage.zone(zone);
        }
    };
    let refuses = || Misbehaviour::GreetingReply("554 5.7.1 no".to_owned());
    for (misbehaviour, id) in [
        (None, "connection-refused"),
        (Some(refuses()), "greeting-refused"),
        (Some(Misbehaviour::EhloAndHeloRefused), "ehlo-refused"),
    ] {
        let alone = report_on("example.com", with(misbehaviour.clone(), false)).await;
        assert_eq!(severity(&alone, id), Severity::Error, "{id}");
        assert_eq!(status(&alone), ExitStatus::Broken, "{id}");
        let beside = report_on("example.com", with(misbehaviour, true)).await;
        if beside.outcomes.dane.channel.is_some() {
            assert_eq!(severity(&beside, id), Severity::Warning, "{id}");
            assert_eq!(status(&beside), ExitStatus::Warning, "{id}");
        }
        let rule = RULES.iter().find(|rule| rule.id == id).unwrap();
        assert_eq!(rule.severity, Severity::Warning);
        let page = danecheck_core::finding::markdown();
        let (_, page) = page.split_once(&format!("\n## {id}\n\n")).unwrap();
        assert!(page.starts_with("*warning* (*error* if "), "{id}");
    }
}

/// A9: a resolver that denies what must exist is not believed.
#[tokio::test]
async fn a_resolver_that_denies_the_root_is_not_believed() {
    let nothing = DnsMisbehaviour::BareNxDomain;
    let denies_all = |stage: &mut Stage| {
        stale(stage);
        stage.lookup_misbehaving(".", Rtype::NS, nothing);
        stage.lookup_misbehaving(".", Rtype::DNSKEY, nothing);
        for rtype in [Rtype::MX, Rtype::A, Rtype::AAAA] {
            stage.lookup_misbehaving("example.com.", rtype, nothing);
        }
    };
    // With an AD bit on what the domain's zone denies.
    let denies_the_root_alone = |stage: &mut Stage| {
        plain(stage);
        stage.lookup_misbehaving(".", Rtype::NS, nothing);
    };
    // It knows the domain, but no DNSSEC and no root.
    let knows_some = |stage: &mut Stage| {
        plain(stage);
        stage.resolver(ResolverKind::NotDnssecCapable);
        stage.lookup_misbehaving(".", Rtype::NS, nothing);
    };
    let reports = [
        report_on("example.com", denies_all).await,
        report_on("typo.example.com", denies_the_root_alone).await,
        report_on("[typo.example.com]", denies_the_root_alone).await,
        report_on("example.com", knows_some).await,
    ];
    for report in reports {
        assert_eq!(report.verdict, Verdict::Indeterminate, "{:?}", ids(&report));
        assert_eq!(status(&report), ExitStatus::Unknown);
        assert_eq!(report.recommendation.action, Action::NotFixable);
        assert!(
            ids(&report).contains(&"resolver-denies-the-root"),
            "{:?}",
            ids(&report)
        );
        assert!(
            !ids(&report).contains(&"name-does-not-exist"),
            "{:?}",
            ids(&report)
        );
        let text = human(&report, HumanStyle::default());
        assert!(text.contains("cannot be determined"), "{text}");
    }
    // An honest one is believed.
    let report = report_on("typo.example.com", plain).await;
    assert_eq!(report.verdict, Verdict::Undeliverable);
}

/// A10: behind a resolver that does not validate, Postfix uses no DANE.
#[tokio::test]
async fn the_headline_says_that_a_postfix_behind_this_resolver_uses_no_dane() {
    let words = "a Postfix behind this resolver uses no DANE";
    for kind in [
        ResolverKind::NotValidating,
        ResolverKind::AdStripped,
        ResolverKind::NotDnssecCapable,
    ] {
        let observation = observed("example.com", |stage| {
            let identity = stage.identity("mx1.example.com");
            stage.zone(in_order(&identity));
            stage.server(MX1, MailServer::new(identity));
            stage.resolver(kind);
        })
        .await;
        let report = Report::of(&observation);
        let known = report.verdict != Verdict::Indeterminate;
        assert_eq!(known, kind != ResolverKind::NotDnssecCapable);
        for (format, text) in formats(&report) {
            let says = text.replace("\n   ", " ").contains(words);
            assert!(says || !known || format == "junit", "{format}: {text}");
        }
        assert_ne!(status(&report), ExitStatus::Fine);
        if known {
            assert_eq!(report.verdict, Verdict::DaneOk);
            assert_eq!(status(&report), ExitStatus::Warning);
            // Also where a sender is named.
            let report = to(&observation, &mailcow());
            assert!(full(&report).replace("\n   ", " ").contains(words));
            assert_eq!(status(&report), ExitStatus::Warning);
        }
    }
}
