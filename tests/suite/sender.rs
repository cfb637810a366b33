//! What happens to the mail of a sender with its own policy, and the advice for
//! it: mailcow with its postfix-tlspol, other levels, releases and protocols.

use danecheck::demo::stage::Stage;
use danecheck_core::judge::{Action, Channel, Delivery, Horizon, Verdict};
use danecheck_core::observation::Observation;
use danecheck_core::postfix::SecurityLevel;
use danecheck_core::report::{ExitStatus, FailOn, Report, SenderReport, exit_status};
use danecheck_core::sender::Sender;
use danecheck_world::dns::{Misbehaviour as DnsMisbehaviour, Rtype, Zone};
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::domain::{MX1, hosted, publishing};
use crate::support::{ids, mailcow, observed};

const MX2: &str = "192.0.2.20";

/// One signed domain with one MX host, and whatever is changed of it.
fn domain(stage: &mut Stage, tlsa: &[&str], change: impl FnOnce(Zone) -> Zone) {
    let identity = stage.identity("mx1.example.com");
    let records = tlsa.iter().map(|fields| {
        let numbers: Vec<u8> = fields.split(' ').map(|n| n.parse().unwrap()).collect();
        identity.tlsa(numbers[0], numbers[1], numbers[2])
    });
    stage.zone(change(publishing(records)));
    stage.server(MX1, MailServer::new(identity));
}

fn told(observation: &Observation, sender: &Sender) -> (Report, SenderReport) {
    let report = Report::to(observation, Horizon::default(), sender);
    let part = report.sender.clone().unwrap();
    (report, part)
}

fn at(level: SecurityLevel) -> Sender {
    Sender {
        level: Some(level),
        ..Sender::default()
    }
}

/// What mailcow's sender is under, and from where.
async fn policy_of_mailcow(set: impl FnOnce(&mut Stage)) -> (String, String) {
    let observation = observed("example.com", set).await;
    let (_, sender) = told(&observation, &mailcow());
    (sender.policy.text, sender.policy.source)
}

const TLSPOL: &str = "postfix-tlspol 1.8.23";

#[tokio::test]
async fn nobody_is_named_in_a_report_unless_somebody_was_asked_for() {
    let observation = observed("example.com", |stage| {
        domain(stage, &["3 1 1"], |zone| zone)
    })
    .await;
    assert_eq!(Report::of(&observation).sender, None);
    let assumed = Report::to(&observation, Horizon::default(), &Sender::default());
    assert_eq!(assumed, Report::of(&observation));
}

#[tokio::test]
async fn tlspol_asks_for_dane_and_nothing_less_where_every_host_has_it() {
    let observation = observed("example.com", |stage| {
        domain(stage, &["3 1 1"], |zone| zone)
    })
    .await;
    let (report, sender) = told(&observation, &mailcow());
    assert_eq!(
        (sender.policy.text.as_str(), sender.policy.source.as_str()),
        ("dane-only", TLSPOL)
    );
    assert_eq!(sender.outcome.channel, Some(Channel::Authenticated));
    assert_eq!(report.recommendation.action, Action::Keep);
    assert_eq!(sender.postfix_version.as_deref(), Some("3.10.12"));
}

#[tokio::test]
async fn tlspol_asks_for_dane_where_only_some_have_it() {
    // One of two MX hosts has no TLSA records (R94).
    let policy = policy_of_mailcow(|stage| {
        domain(stage, &["3 1 1"], |zone| {
            zone.mx("@", 20, "mx2").records(&format!("mx2 A {MX2}"))
        });
        let identity = stage.identity("mx2.example.com");
        stage.server(MX2, MailServer::new(identity));
    });
    assert_eq!(policy.await, ("dane".to_owned(), TLSPOL.to_owned()));
    // None of the records can be used.
    let policy = policy_of_mailcow(|stage| domain(stage, &["1 1 1"], |zone| zone));
    assert_eq!(policy.await, ("dane".to_owned(), TLSPOL.to_owned()));
    // The MX records are not signed, the host is.
    let policy = policy_of_mailcow(|stage| {
        let domain = Zone::unsigned("example.com.");
        hosted(stage, domain, Zone::signed("example.net."));
    });
    assert_eq!(policy.await, ("dane".to_owned(), TLSPOL.to_owned()));
}

#[tokio::test]
async fn where_tlspol_finds_no_dane_main_cf_decides() {
    let dane = || ("dane".to_owned(), "main.cf".to_owned());
    assert_eq!(
        policy_of_mailcow(|stage| domain(stage, &[], |zone| zone)).await,
        dane()
    );
    // There are records, but they are not secure.
    let policy = policy_of_mailcow(|stage| {
        let identity = stage.identity("mx1.example.com");
        let zone = Zone::unsigned("example.com.").mx("@", 10, "mx1");
        let zone = zone.records(&format!("mx1 A {MX1}"));
        stage.zone(zone.tlsa("_25._tcp.mx1", &identity.tlsa(3, 1, 1)));
        stage.server(MX1, MailServer::new(identity));
    });
    assert_eq!(policy.await, dane());
    // A null MX.
    let policy = policy_of_mailcow(|stage| {
        stage.zone(Zone::signed("example.com.").mx("@", 0, "."));
    });
    assert_eq!(policy.await, dane());
    // It knows no aliases: Postfix finds the records at the end of one.
    let observation = observed("example.com", |stage| {
        let identity = stage.identity("cdn.example.com");
        let zone = Zone::signed("example.com.")
            .mx("@", 10, "mx1")
            .cname("mx1", "cdn");
        let zone = zone.records(&format!("cdn A {MX1}"));
        stage.zone(zone.tlsa("_25._tcp.cdn", &identity.tlsa(3, 1, 1)));
        stage.server(MX1, MailServer::new(identity));
    })
    .await;
    let (_, sender) = told(&observation, &mailcow());
    assert_eq!((sender.policy.text, sender.policy.source), dane());
    assert_eq!(sender.outcome.channel, Some(Channel::Authenticated));
}

#[tokio::test]
async fn tlspol_answers_for_domains_alone() {
    for target in ["[mx1.example.com]", "example.com:25", "[192.0.2.10]"] {
        let observation = observed(target, |stage| domain(stage, &["3 1 1"], |zone| zone)).await;
        let (_, sender) = told(&observation, &mailcow());
        assert_eq!(sender.policy.source, "main.cf", "{target}");
        assert_eq!(sender.policy.text, "dane", "{target}");
    }
}

#[tokio::test]
async fn a_dns_error_makes_tlspol_fail_and_the_log_name_the_configuration() {
    let observation = observed("example.com", |stage| {
        domain(stage, &["3 1 1"], |zone| zone);
        let name = "_25._tcp.mx1.example.com.";
        stage.lookup_misbehaving(name, Rtype::TLSA, DnsMisbehaviour::ServFail);
    })
    .await;
    let (report, sender) = told(&observation, &mailcow());
    assert_eq!(sender.policy.text, "TEMP");
    assert_eq!(sender.policy.level, None);
    assert_eq!(
        sender.outcome.reason.as_deref(),
        Some("client TLS configuration problem")
    );
    assert_eq!(sender.outcome.dsn.as_deref(), Some("4.7.5"));
    assert_eq!(report.recommendation.policy, Some(SecurityLevel::Encrypt));
    assert!(ids(&report).contains(&"policy-service-fails"));
    // What every other sender meets is told as before.
    assert_eq!(report.outcomes, Report::of(&observation).outcomes);
    assert_eq!(report.verdict, Verdict::DaneBroken);
}

#[tokio::test]
async fn the_override_is_relative_to_the_level_of_the_sender() {
    // Nothing to authenticate anybody by: who insists waits.
    let observation = observed("example.com", |stage| {
        let zone = Zone::unsigned("example.com.").mx("@", 10, "mx1");
        stage.zone(zone.records(&format!("mx1 A {MX1}")));
        let identity = stage.identity("mx1.example.net");
        stage.server(MX1, MailServer::new(identity));
    })
    .await;
    for (level, action, policy) in [
        (SecurityLevel::None, Action::Keep, None),
        (SecurityLevel::May, Action::Keep, None),
        (SecurityLevel::Encrypt, Action::Keep, None),
        (SecurityLevel::Dane, Action::Keep, None),
        (
            SecurityLevel::DaneOnly,
            Action::Override,
            Some(SecurityLevel::Dane),
        ),
        (
            SecurityLevel::Verify,
            Action::Override,
            Some(SecurityLevel::Encrypt),
        ),
        (
            SecurityLevel::Secure,
            Action::Override,
            Some(SecurityLevel::Encrypt),
        ),
    ] {
        let (report, sender) = told(&observation, &at(level));
        let advice = &report.recommendation;
        assert_eq!((advice.action, advice.policy), (action, policy), "{level}");
        assert_eq!(sender.level, level);
        assert_eq!(report.verdict, Verdict::NoDane, "{level}");
        let status = exit_status(&report, false, FailOn::Error);
        let waits = action == Action::Override;
        assert_eq!(status == ExitStatus::Broken, waits, "{level}");
        assert_eq!(
            ids(&report).contains(&"sender-stricter-than-dane"),
            waits,
            "{level}"
        );
    }
    let (report, _) = told(&observation, &at(SecurityLevel::DaneOnly));
    assert_eq!(
        report.recommendation.entries.postfix.as_deref(),
        Some("example.com  dane")
    );
    assert_eq!(
        report.recommendation.remove_when.as_deref(),
        Some("`danecheck --level dane-only example.com` says that no override is needed")
    );
}

#[tokio::test]
async fn for_secure_the_names_of_the_mx_hosts_come_first() {
    let observation = observed("example.com", |stage| {
        let identity = stage.identity("mx1.example.net");
        stage.zone(Zone::unsigned("example.com.").mx("@", 10, "mx1.example.net."));
        stage.zone(Zone::unsigned("example.net.").records(&format!("mx1 A {MX1}")));
        stage.server(MX1, MailServer::new(identity));
    })
    .await;
    let (report, _) = told(&observation, &at(SecurityLevel::Secure));
    assert_eq!(
        report.recommendation.entries.postfix.as_deref(),
        Some("example.com  secure match=mx1.example.net")
    );
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

#[tokio::test]
async fn a_sender_may_refuse_the_tls_of_the_server() {
    let observation = observed("example.com", |stage| {
        domain(stage, &["3 1 1"], |zone| zone)
    })
    .await;
    let observation = speaking(observation, "TLSv1.2");
    let sender = |version: &str| Sender {
        min_tls: Some(version.parse().unwrap()),
        ..Sender::default()
    };
    let (report, part) = told(&observation, &sender("TLSv1.2"));
    assert_eq!(part.outcome.delivery, Delivery::Delivered);
    assert!(!ids(&report).contains(&"sender-refuses-old-tls"));
    let (report, part) = told(&observation, &sender("TLSv1.3"));
    assert_eq!(
        part.outcome.reason.as_deref(),
        Some("Cannot start TLS: handshake failure")
    );
    assert_eq!(
        report.recommendation.entries.postfix.as_deref(),
        Some("example.com  dane protocols=>=TLSv1.2")
    );
    assert!(ids(&report).contains(&"sender-refuses-old-tls"));
    // `may` has protocols of its own.
    assert_eq!(part.outcomes.may.channel, Some(Channel::Encrypted));
    assert_eq!(report.outcomes.dane.channel, Some(Channel::Authenticated));
}

#[tokio::test]
async fn mailcow_takes_no_old_tls_at_any_level() {
    let observation = observed("example.com", |stage| domain(stage, &[], |zone| zone)).await;
    let observation = speaking(observation, "TLSv1");
    let (report, sender) = told(&observation, &mailcow());
    // Late and in plain text, where a Postfix at its defaults has TLS.
    assert_eq!(sender.outcome.delivery, Delivery::DeliveredAfterRetry);
    assert_eq!(sender.outcome.channel, Some(Channel::Plaintext));
    assert_eq!(report.outcomes.dane.channel, Some(Channel::Encrypted));
    let finding = report
        .findings
        .iter()
        .find(|it| it.id == "sender-refuses-old-tls");
    let message = &finding.unwrap().message;
    assert!(
        message.contains(
            "The row `Target example.com, Policy encrypt, Parameters protocols=>=TLSv1` lets it \
             deliver."
        ),
        "{message}"
    );
}

#[tokio::test]
async fn releases_differ_behind_mx_records_that_are_not_signed() {
    let observation = observed("example.com", |stage| {
        let identity = stage.identity("mx1.example.net");
        stage.zone(Zone::unsigned("example.com.").mx("@", 10, "mx1.example.net."));
        let zone = Zone::signed("example.net.").records(&format!("mx1 A {MX1}"));
        stage.zone(zone.tlsa("_25._tcp.mx1", &danecheck_world::pki::stale_tlsa(3, 1, 1)));
        stage.server(MX1, MailServer::new(identity));
    })
    .await;
    let outcome = |level, release: &str| {
        let sender = Sender {
            release: Some(release.parse().unwrap()),
            ..at(level)
        };
        told(&observation, &sender).1.outcomes.dane.delivery
    };
    // A table's `dane` before the fix, where main.cf says something else (R27).
    assert_eq!(outcome(SecurityLevel::May, "3.7.11"), Delivery::Delivered);
    assert_eq!(outcome(SecurityLevel::May, "3.10.0"), Delivery::Deferred);
    assert_eq!(outcome(SecurityLevel::Dane, "3.7.11"), Delivery::Deferred);
}

#[tokio::test]
async fn older_releases_die_of_a_record_without_data() {
    let observation = observed("example.com", |stage| {
        domain(stage, &["3 1 1"], |zone| {
            zone.tlsa("_25._tcp.mx1", "\\# 3 030101")
        });
    })
    .await;
    let sender = |release: &str| Sender {
        release: Some(release.parse().unwrap()),
        ..Sender::default()
    };
    let (report, part) = told(&observation, &sender("3.7.11"));
    assert_eq!(part.outcome.delivery, Delivery::Deferred);
    assert_eq!(part.outcome.dsn.as_deref(), Some("4.3.0"));
    assert_eq!(
        part.outcome.reason.as_deref(),
        Some("unknown mail transport error")
    );
    assert_eq!(report.recommendation.policy, Some(SecurityLevel::Encrypt));
    assert_eq!(report.outcomes.dane.channel, Some(Channel::Authenticated));
    let (report, part) = told(&observation, &sender("3.8.18"));
    assert_eq!(part.outcome.delivery, Delivery::Delivered);
    assert_eq!(report.recommendation.action, Action::Keep);
}

#[tokio::test]
async fn a_server_without_starttls_is_beyond_every_sender_that_insists() {
    let observation = observed("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        let zone = Zone::signed("example.com.").mx("@", 10, "mx1");
        stage.zone(zone.records(&format!("mx1 A {MX1}")));
        let server = MailServer::new(identity).misbehaving([Misbehaviour::NoStartTls]);
        stage.server(MX1, server);
    })
    .await;
    for (level, policy) in [
        (SecurityLevel::Encrypt, SecurityLevel::May),
        (SecurityLevel::DaneOnly, SecurityLevel::Dane),
        (SecurityLevel::Verify, SecurityLevel::May),
    ] {
        let (report, _) = told(&observation, &at(level));
        assert_eq!(report.recommendation.policy, Some(policy), "{level}");
    }
}
