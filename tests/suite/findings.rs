//! Findings that no case of the demo raises, each on a stage of its own.

mod alias;
mod left_over;
mod resolver_answer;
mod server_name;
mod signatures;
mod wildcard_mx;

use danecheck::demo::stage::Stage;
use danecheck_core::judge::Verdict;
use danecheck_core::postfix::SecurityLevel;
use danecheck_core::report::Report;
use danecheck_world::dns::{Misbehaviour as DnsMisbehaviour, ResolverKind, Rtype, Zone, ZoneFault};
use danecheck_world::pki::{Authority, Leaf};
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::domain::{MX1, TLSA1, in_order, signed};
use crate::support::{ids, now, observed, report_on};

/// `example.com` signed, with one MX host and the right TLSA record.
fn domain(stage: &mut Stage, change: impl FnOnce(Zone) -> Zone, misbehaviours: &[Misbehaviour]) {
    let identity = stage.identity("mx1.example.com");
    stage.zone(change(in_order(&identity)));
    let server = MailServer::new(identity).misbehaving(misbehaviours.iter().cloned());
    stage.server(MX1, server);
}

async fn with_server(misbehaviour: Misbehaviour) -> Report {
    report_on("example.com", |stage| {
        domain(stage, |zone| zone, &[misbehaviour])
    })
    .await
}

async fn with_zone(change: impl FnOnce(Zone) -> Zone) -> Report {
    report_on("example.com", |stage| domain(stage, change, &[])).await
}

#[tokio::test]
async fn a_failed_address_lookup_is_told_although_the_other_family_answers() {
    let report = report_on("example.com", |stage| {
        domain(stage, |zone| zone, &[]);
        stage.lookup_misbehaving("mx1.example.com.", Rtype::AAAA, DnsMisbehaviour::ServFail);
    })
    .await;
    assert_eq!(
        ids(&report),
        ["address-lookup-failed", "name-servers-in-order"]
    );
    assert_eq!(report.verdict, Verdict::DaneOk);
}

#[tokio::test]
async fn a_certificate_that_openssl_calls_invalid_is_told_though_its_key_matches() {
    let report = report_on("example.com", |stage| {
        let root = Authority::root("Lab Root", now());
        // cRLDistributionPoints of NULL.
        let leaf = Leaf::new(["mx1.example.com"]).extension(&[2, 5, 29, 31], vec![5, 0], false);
        let identity = root.issue(leaf);
        stage.zone(in_order(&identity));
        stage.server(MX1, MailServer::new(identity));
    })
    .await;
    assert_eq!(ids(&report), ["certificate-invalid"]);
    assert_eq!(report.verdict, Verdict::DaneOk);
    let message = &report.findings.first().unwrap().message;
    assert!(
        message.ends_with("its extension cRLDistributionPoints cannot be decoded."),
        "{message}"
    );
}

#[tokio::test]
async fn a_refusal_at_ehlo_is_told_and_bounces() {
    let report = with_server(Misbehaviour::EhloAndHeloRefused).await;
    assert_eq!(ids(&report), ["ehlo-refused"]);
    assert_eq!(report.verdict, Verdict::Undeliverable);
    assert_eq!(
        report
            .outcomes
            .may
            .dsn
            .as_deref()
            .and_then(|dsn| dsn.get(..1)),
        Some("5")
    );
}

/// Each server is a reply ahead: what waits at strict levels is returned at
/// weaker ones, so no weaker level is advised.
#[tokio::test]
async fn a_server_out_of_step_is_named_with_its_cause_and_gets_no_override() {
    let proxy = "220 mx1.example.com ESMTP\n502 5.5.2 Error: command not recognized";
    let thrice = "220 mx1.example.com ESMTP\n500 what\n500 what\n500 what";
    let once_more = "250-mx1.example.com\n250 STARTTLS\n250-mx1.example.com\n250 STARTTLS";
    for (misbehaviour, cause) in [
        (
            Misbehaviour::GreetingReply(proxy.to_owned()),
            "PROXY header",
        ),
        (
            Misbehaviour::GreetingReply(thrice.to_owned()),
            "PROXY header",
        ),
        (
            Misbehaviour::GreetingReply("220 filter\n220 mx1.example.com".to_owned()),
            "two programs greet",
        ),
        (
            Misbehaviour::EhloReply("250 mx1.example.com\n250 STARTTLS".to_owned()),
            "answers EHLO",
        ),
        (
            Misbehaviour::EhloReply(once_more.to_owned()),
            "answers EHLO",
        ),
        (
            Misbehaviour::EhloAfterTlsReply("250 mx1.example.com\n250 HELP".to_owned()),
            "answers EHLO",
        ),
    ] {
        let in_tls = matches!(misbehaviour, Misbehaviour::EhloAfterTlsReply(_));
        let report = with_server(misbehaviour).await;
        let finding = &report.findings[0];
        assert_eq!(finding.id, "replies-out-of-step");
        assert!(finding.message.contains(cause), "{}", finding.message);
        // In plain text such a server is in step.
        let expected = if in_tls {
            Some(SecurityLevel::None)
        } else {
            None
        };
        assert_eq!(
            report.recommendation.policy, expected,
            "{}",
            finding.message
        );
    }
}

#[tokio::test]
async fn a_server_that_closes_the_connection_before_mail_is_named() {
    for (misbehaviour, delivers) in [
        (
            Misbehaviour::StartTlsReplyAndClose("421 4.7.0 later".to_owned()),
            [true, false, false],
        ),
        (
            Misbehaviour::StartTlsReplyAndClose("454 4.7.0 later".to_owned()),
            [true, false, false],
        ),
        (
            Misbehaviour::EhloReplyAndClose("250-mx1\n250 STARTTLS".to_owned()),
            [false, false, false],
        ),
        (
            Misbehaviour::EhloReplyAndClose("250 mx1".to_owned()),
            [false, false, false],
        ),
        (Misbehaviour::EhloAfterTlsAndClose, [true, true, false]),
    ] {
        let name = format!("{misbehaviour:?}");
        let report = with_server(misbehaviour).await;
        assert!(ids(&report).contains(&"closed-before-mail"), "{name}");
        let outcomes = &report.outcomes;
        let seen = [&outcomes.none, &outcomes.may, &outcomes.encrypt];
        assert_eq!(seen.map(|outcome| outcome.delivers()), delivers, "{name}");
    }
}

/// Replies without end: Postfix may go on, so nothing is said against the
/// server, and nothing is advised.
#[tokio::test]
async fn a_limit_of_danecheck_is_no_fault_of_the_server() {
    for misbehaviour in [
        Misbehaviour::MultilineFlood,
        Misbehaviour::EhloFlood,
        Misbehaviour::FloodAfterTls,
    ] {
        let name = format!("{misbehaviour:?}");
        let report = with_server(misbehaviour).await;
        assert_eq!(report.verdict, Verdict::Indeterminate, "{name}");
        assert_eq!(report.recommendation.policy, None, "{name}");
        assert!(ids(&report).contains(&"not-all-looked-at"), "{name}");
        assert!(!ids(&report).contains(&"handshake-failed"), "{name}");
    }
}

/// OpenSSL takes 100 KiB of certificates (`SSL_MAX_CERT_LIST_DEFAULT`), and
/// Postfix delivers; it ends the handshake at more.
#[tokio::test]
async fn a_chain_is_judged_up_to_what_openssl_reads() {
    for (more, verdict) in [
        (140, Verdict::DaneOk),
        (180, Verdict::DaneOk),
        (220, Verdict::DaneOk),
        (300, Verdict::DaneBroken),
    ] {
        let report = with_server(Misbehaviour::HugeChain(more)).await;
        assert_eq!(report.verdict, verdict, "{more}: {:?}", ids(&report));
    }
}

#[tokio::test]
async fn an_mx_record_with_an_address_is_told() {
    let report = with_zone(|zone| zone.mx("@", 20, "192.0.2.10.")).await;
    assert!(
        ids(&report).contains(&"mx-host-is-address"),
        "{:?}",
        ids(&report)
    );
}

#[tokio::test]
async fn an_mx_record_that_names_no_host_is_told_and_left_out() {
    let report = with_zone(|zone| zone.mx("@", 5, "-bad-")).await;
    assert!(
        ids(&report).contains(&"mx-host-name-invalid"),
        "{:?}",
        ids(&report)
    );
    assert_eq!(report.verdict, Verdict::DaneOk);
}

#[tokio::test]
async fn more_mx_hosts_than_anybody_tries_are_cut_and_the_cut_is_told() {
    let report =
        with_zone(|zone| (0..60).fold(zone, |zone, n| zone.mx("@", 100 + n, &format!("far{n}"))))
            .await;
    assert!(
        ids(&report).contains(&"not-all-looked-at"),
        "{:?}",
        ids(&report)
    );
    assert_eq!(report.outcomes.dane.via.as_deref(), Some("mx1.example.com"));
}

#[tokio::test]
async fn a_server_that_hangs_up_is_told_as_silent() {
    let report = with_server(Misbehaviour::DropBeforeGreeting).await;
    assert_eq!(ids(&report), ["server-silent"]);
    assert_eq!(report.outcomes.dane.dsn.as_deref(), Some("4.4.2"));
}

#[tokio::test]
async fn a_server_that_hangs_up_inside_tls_is_told() {
    let report = with_server(Misbehaviour::EhloAfterTlsDropped).await;
    assert_eq!(ids(&report), ["session-lost-in-tls"]);
    // Postfix falls back to plain text at may, after the back-off.
    assert!(report.outcomes.may.delivers() && !report.outcomes.may.delivers_at_once());
}

#[tokio::test]
async fn tlsa_records_behind_an_alias_out_of_the_signed_tree_do_not_count() {
    let report = report_on("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(signed().cname(TLSA1, "_25._tcp.mx1.example.net."));
        stage.zone(Zone::unsigned("example.net.").tlsa(TLSA1, &identity.tlsa(3, 1, 1)));
        stage.server(MX1, MailServer::new(identity));
    })
    .await;
    assert!(
        ids(&report).contains(&"tlsa-not-signed"),
        "{:?}",
        ids(&report)
    );
    assert_eq!(report.verdict, Verdict::NoDane);
    let mut told = report.findings.iter();
    let told = told.find(|it| it.id == "tlsa-not-signed").unwrap();
    let why = "(example.net. has no DS record at net.)";
    assert!(told.message.contains(why), "{}", told.message);
}

#[tokio::test]
async fn control_characters_of_a_server_reach_no_report() {
    let report = with_server(Misbehaviour::GreetingReply(
        "554 \u{1b}[31mgo\u{7} away\u{202e}".to_owned(),
    ))
    .await;
    let text = danecheck_core::report::human(
        &report,
        danecheck_core::report::HumanStyle::of(danecheck_core::report::Detail::Full),
    );
    let json = danecheck_core::report::json(&report);
    for output in [&text, &json] {
        assert!(
            !output
                .chars()
                .any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'),
            "{output:?}"
        );
        assert!(!output.contains("\\u001b"), "{output:?}");
    }
    assert!(text.contains("go? away"), "{text}");
}

#[tokio::test]
async fn a_family_that_works_nowhere_here_is_told_once_and_not_counted() {
    // No server at the IPv6 addresses: the stage has no route there.
    let report = with_zone(|zone| zone.records("mx1 AAAA 2001:db8::1\nmx1 AAAA 2001:db8::2")).await;
    assert_eq!(ids(&report), ["address-family-unreachable"]);
    assert_eq!(report.verdict, Verdict::DaneOk);
}

#[tokio::test]
async fn an_address_out_of_reach_beside_others_of_its_family_is_counted() {
    let report = with_zone(|zone| zone.records("mx1 A 192.0.2.99")).await;
    assert_eq!(ids(&report), ["connection-timed-out"]);
    assert_eq!(report.verdict, Verdict::DanePartial);
}

/// A healthy domain behind a resolver of some kind, which knows the zone that
/// is kept bogus for validators to be tried on.
async fn behind(kind: ResolverKind) -> Report {
    report_on("example.com", |stage| {
        domain(stage, |zone| zone, &[]);
        stage.zone(Zone::signed("dnssec-failed.org.").with(ZoneFault::DsMismatch));
        stage.resolver(kind);
    })
    .await
}

#[tokio::test]
async fn resolvers_without_ad_bit_are_told_apart() {
    for (kind, id, verdict) in [
        (
            ResolverKind::NotValidating,
            "resolver-does-not-validate",
            Verdict::DaneOk,
        ),
        (ResolverKind::AdStripped, "ad-stripped", Verdict::DaneOk),
        (
            ResolverKind::NotDnssecCapable,
            "resolver-not-dnssec-capable",
            Verdict::Indeterminate,
        ),
    ] {
        let report = behind(kind).await;
        assert_eq!(ids(&report), [id], "{kind:?}");
        assert_eq!(report.verdict, verdict, "{kind:?}");
        let says_what_happens_behind_it = report.findings[0]
            .message
            .contains("its level dane acts like level may");
        assert!(
            says_what_happens_behind_it,
            "{}",
            report.findings[0].message
        );
    }
}

#[tokio::test]
async fn a_resolver_that_withholds_bogus_data_of_the_domain_itself_validates() {
    let report = report_on("example.com", |stage| {
        let bogus = ZoneFault::BadSignature {
            name: "_25._tcp.mx1".to_owned(),
            rtype: Rtype::TLSA,
        };
        domain(stage, |zone| zone.with(bogus), &[]);
        stage.resolver(ResolverKind::AdStripped);
    })
    .await;
    assert_eq!(
        ids(&report),
        ["tlsa-lookup-failed", "signature-wrong", "ad-stripped"]
    );
    assert_eq!(report.verdict, Verdict::DaneBroken);
    let link = "The chain of trust breaks in example.com.: the signature of \
                _25._tcp.mx1.example.com. TLSA does not match it.";
    assert_eq!(report.findings[1].message, link);
}

#[tokio::test]
async fn bogus_data_is_predicted_as_behind_a_validating_resolver() {
    let report = report_on("example.com", |stage| {
        domain(stage, |zone| zone.with(ZoneFault::SignaturesExpired), &[]);
        stage.resolver(ResolverKind::NotValidating);
    })
    .await;
    assert_eq!(
        ids(&report),
        [
            "mx-lookup-failed",
            "signature-expired",
            "resolver-does-not-validate"
        ]
    );
    assert_eq!(report.verdict, Verdict::Undeliverable);
    let message = &report.findings[2].message;
    assert!(message.contains("would accept them"), "{message}");
}

#[tokio::test]
async fn a_lookup_on_which_the_resolver_and_own_validation_differ_is_told() {
    let report = report_on("example.com", |stage| {
        domain(stage, |zone| zone, &[]);
        stage.lookup_misbehaving(
            "mx1.example.com.",
            Rtype::A,
            DnsMisbehaviour::AuthenticDataCleared,
        );
    })
    .await;
    assert!(
        ids(&report).contains(&"resolver-and-validation-differ"),
        "{:?}",
        ids(&report)
    );
    // Postfix believes the resolver.
    assert_eq!(report.verdict, Verdict::NoDane);
}

#[tokio::test]
async fn a_resolver_on_another_machine_is_told_where_postfix_would_believe_it() {
    let mut seen = observed("example.com", |stage| domain(stage, |zone| zone, &[])).await;
    assert_eq!(ids(&Report::of(&seen)), [""; 0]);
    seen.resolver.addresses = vec!["192.0.2.53:53".to_owned()];
    assert_eq!(ids(&Report::of(&seen)), ["resolver-not-on-loopback"]);
}

#[tokio::test]
async fn a_refusal_for_now_is_told_as_such_and_not_as_a_missing_starttls() {
    for way in [
        Misbehaviour::Greeting421,
        Misbehaviour::Ehlo421,
        Misbehaviour::GreetingReply("450 4.7.1 come again".to_owned()),
        Misbehaviour::EhloReply("450 4.7.1 not now".to_owned()),
    ] {
        let report = with_server(way.clone()).await;
        assert_eq!(ids(&report), ["temporary-refusal"], "{way:?}");
        assert!(!report.outcomes.dane.delivers(), "{way:?}");
    }
    let report = with_server(Misbehaviour::StartTls454).await;
    assert_eq!(ids(&report), ["starttls-refused-for-now"]);
}

#[tokio::test]
async fn a_server_that_refuses_at_first_is_asked_once_more() {
    // One session without and one with the server's name, each twice.
    for (refused, id, verdict) in [
        (2, "refused-at-first", Verdict::DaneOk),
        (4, "temporary-refusal", Verdict::Undeliverable),
    ] {
        let report = with_server(Misbehaviour::Greeting421AtFirst(refused)).await;
        assert_eq!(ids(&report), [id]);
        assert_eq!(report.verdict, verdict);
    }
}

#[tokio::test]
async fn no_time_is_spent_on_a_pause_that_does_not_fit() {
    let mut stage = Stage::new(now());
    domain(&mut stage, |zone| zone, &[Misbehaviour::Greeting421]);
    let stage = stage.start().await.unwrap();
    let setup = danecheck::observe::Setup {
        times: danecheck::observe::budget::Times {
            pause: std::time::Duration::from_secs(3600),
            ..stage.setup().times
        },
        ..stage.setup()
    };
    let seen = danecheck::observe::observe(&"example.com".parse().unwrap(), &setup).await;
    assert_eq!(seen.hosts[0].addresses[0].refused_at_first, None);
    assert_eq!(stage.servers()[0].sessions().len(), 2);
    assert_eq!(ids(&Report::of(&seen)), ["temporary-refusal"]);
}
