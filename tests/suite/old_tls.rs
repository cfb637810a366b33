//! Servers whose TLS rustls does not support, from the observation to the
//! report. `tests/postfix/scenarios/old_tls.py` compares the same with real
//! Postfix.

use danecheck_core::judge::{Horizon, Verdict};
use danecheck_core::observation::{
    HandshakeFailure, KeyExchange, LegacyAnswer, LegacySeen, LegacyTls, Observation, SessionEnd,
};
use danecheck_core::report::{Detail, HumanStyle, Report, human};
use danecheck_core::sender::Sender;
use danecheck_world::smtp::MailServer;

use crate::support::domain::{MX1, in_order};
use crate::support::{ids, observed};

fn tls(version: &str, key_exchange: KeyExchange) -> LegacyTls {
    LegacyTls {
        version: version.to_owned(),
        cipher: "TLS_RSA_WITH_AES_256_CBC_SHA".to_owned(),
        anonymous: false,
        signed: key_exchange != KeyExchange::Rsa,
        sha1_signature: false,
        key_exchange,
        chain: Vec::new(),
    }
}

fn x25519() -> KeyExchange {
    KeyExchange::Group("x25519".to_owned())
}

/// A domain in order, seen as if its server had answered so to a ClientHello
/// of Postfix, with the certificate that it has.
async fn seen(verifying: Option<LegacyTls>, lenient: Option<LegacyTls>) -> Observation {
    let mut observation = observed("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(in_order(&identity));
        stage.server(MX1, MailServer::new(identity));
    })
    .await;
    let sessions = observation
        .hosts
        .iter_mut()
        .flat_map(|host| &mut host.addresses)
        .flat_map(|address| &mut address.sessions);
    for session in sessions {
        let chain = session.tls.take().unwrap().chain;
        let answer = |tls: &Option<LegacyTls>| match tls {
            Some(tls) => LegacyAnswer::Spoken(LegacyTls {
                chain: if tls.anonymous {
                    Vec::new()
                } else {
                    chain.clone()
                },
                ..tls.clone()
            }),
            None => LegacyAnswer::Refused("the server sent the alert handshake_failure".to_owned()),
        };
        session.legacy = Some(LegacySeen {
            verifying: answer(&verifying),
            lenient: verifying.is_none().then(|| answer(&lenient)),
            newer: None,
        });
        session.end = SessionEnd::HandshakeFailed(HandshakeFailure {
            text: "the server sent the alert handshake_failure".to_owned(),
            alert: Some("handshake_failure".to_owned()),
            timed_out: false,
            ours: false,
            limit: false,
        });
    }
    observation
}

/// The reason at `encrypt`, `dane` and `verify`; `None` if mail goes.
fn reasons(report: &Report) -> [Option<&str>; 3] {
    let outcomes = &report.outcomes;
    [&outcomes.encrypt, &outcomes.dane, &outcomes.verify].map(|outcome| outcome.reason.as_deref())
}

const HANDSHAKE: Option<&str> = Some("Cannot start TLS: handshake failure");

#[tokio::test]
async fn rsa_key_exchange_is_outdated_and_good_for_dane() {
    let report = Report::of(&seen(Some(tls("TLSv1.2", KeyExchange::Rsa)), None).await);
    assert_eq!(ids(&report), ["tls-outdated"]);
    assert_eq!(report.verdict, Verdict::DaneOk);
    assert_eq!(reasons(&report), [None; 3]);
    let text = human(&report, HumanStyle::of(Detail::Full));
    assert!(text.contains("TLSv1.2"), "{text}");
    assert!(text.contains("only outdated TLS"), "{text}");
}

/// Whether mail is delivered at `encrypt` and `dane` by a sender of this release.
fn delivers(observation: &Observation, release: &str) -> [bool; 2] {
    let sender = Sender {
        release: Some(release.parse().unwrap()),
        ..Sender::default()
    };
    let report = Report::to(observation, Horizon::default(), &sender);
    let outcomes = report.sender.unwrap().outcomes;
    [outcomes.encrypt.delivers(), outcomes.dane.delivers()]
}

#[tokio::test]
async fn tls_1_0_without_a_signature_depends_on_the_openssl() {
    let observation = seen(Some(tls("TLSv1", KeyExchange::Rsa)), None).await;
    let report = Report::of(&observation);
    assert_eq!(ids(&report), ["tls-outdated", "tls-differs-by-release"]);
    assert_eq!(reasons(&report), [None; 3]);
    assert_eq!(delivers(&observation, "3.7.11"), [true; 2]);
    assert_eq!(delivers(&observation, "3.10.13"), [true, false]);
}

#[tokio::test]
async fn suites_of_dsa_keys_depend_on_the_postfix() {
    let dsa = LegacyTls {
        cipher: "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384".to_owned(),
        ..tls("TLSv1.2", KeyExchange::FiniteField(2048))
    };
    let mut observation = seen(Some(dsa), None).await;
    // Nothing is claimed where the other ClientHello was not sent.
    assert_eq!(ids(&Report::of(&observation)), ["tls-outdated"]);
    assert_eq!(delivers(&observation, "3.10.13"), [false; 2]);
    let refused =
        || LegacyAnswer::Refused("the server sent the alert handshake_failure".to_owned());
    for session in observation.hosts[0].addresses[0].sessions.iter_mut() {
        session.legacy.as_mut().unwrap().newer = Some(Box::new(LegacySeen {
            verifying: refused(),
            lenient: Some(refused()),
            newer: None,
        }));
    }
    let found = Report::of(&observation);
    assert_eq!(ids(&found), ["tls-outdated", "tls-differs-by-release"]);
    assert_eq!(delivers(&observation, "3.7.11"), [true; 2]);
    assert_eq!(delivers(&observation, "3.8.6"), [false; 2]);
}

/// The observation with every session as it is with a group of newer Postfix alone.
async fn in_group(group: &str) -> Observation {
    let refused = seen(None, None).await;
    let mut observation = observed("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(in_order(&identity));
        stage.server(MX1, MailServer::new(identity));
    })
    .await;
    let others = &refused.hosts[0].addresses[0].sessions;
    for (session, other) in observation.hosts[0].addresses[0]
        .sessions
        .iter_mut()
        .zip(others)
    {
        let mut newer = session.clone();
        newer.tls.as_mut().unwrap().group = Some(group.to_owned());
        *session = other.clone();
        session.newer_groups = Some(Box::new(newer));
    }
    observation
}

#[tokio::test]
async fn groups_depend_on_the_postfix() {
    for (group, first, message) in [
        ("FFDHE2048", "3.8", "Postfix 3.8 and newer delivers"),
        ("FFDHE3072", "3.8", "Postfix 3.8 and newer delivers"),
        (
            "X25519MLKEM768",
            "3.11",
            "Postfix 3.11 and newer on OpenSSL 3.5 delivers",
        ),
    ] {
        let observation = in_group(group).await;
        let report = Report::of(&observation);
        assert_eq!(report.verdict, Verdict::DaneBroken, "{group}");
        assert_eq!(reasons(&report), [HANDSHAKE; 3], "{group}");
        for (release, delivered) in [
            ("3.7.11", false),
            ("3.8.6", first == "3.8"),
            ("3.10.13", first == "3.8"),
            ("3.11.7", true),
        ] {
            let here = delivers(&observation, release);
            assert_eq!(here, [delivered; 2], "{group} {release}");
        }
        let found = report.findings.iter();
        let mut differs = found.filter(|finding| finding.id == "tls-differs-by-release");
        assert!(differs.next().unwrap().message.contains(message), "{group}");
    }
}

#[tokio::test]
async fn a_limit_of_this_program_is_no_verdict() {
    let own = |answer: &LegacyAnswer| LegacySeen {
        verifying: answer.clone(),
        lenient: Some(answer.clone()),
        newer: None,
    };
    let in_tls13 = LegacyAnswer::Refused("the server answers with TLS 1.3".to_owned());
    let gone = LegacyAnswer::Refused("the second connection failed".to_owned());
    for legacy in [None, Some(own(&in_tls13)), Some(own(&gone))] {
        let mut observation = seen(None, None).await;
        for session in &mut observation.hosts[0].addresses[0].sessions {
            session.legacy.clone_from(&legacy);
            session.end = SessionEnd::HandshakeFailed(HandshakeFailure {
                text: "the server sent TLS that this program does not take".to_owned(),
                alert: None,
                timed_out: false,
                ours: true,
                limit: true,
            });
        }
        let report = Report::of(&observation);
        assert_eq!(report.verdict, Verdict::Indeterminate, "{legacy:?}");
        assert!(!ids(&report).contains(&"handshake-failed"), "{legacy:?}");
    }
    // Where the second look says how it goes on, it is told.
    let mut observation = seen(Some(tls("TLSv1.2", KeyExchange::Rsa)), None).await;
    for session in &mut observation.hosts[0].addresses[0].sessions {
        if let SessionEnd::HandshakeFailed(failure) = &mut session.end {
            failure.limit = true;
        }
    }
    assert_eq!(Report::of(&observation).verdict, Verdict::DaneOk);
}

#[tokio::test]
async fn tls_1_0_is_too_old_for_dane() {
    let report = Report::of(&seen(Some(tls("TLSv1", x25519())), None).await);
    assert_eq!(ids(&report), ["tls-too-old"]);
    assert_eq!(report.verdict, Verdict::DaneBroken);
    assert_eq!(reasons(&report), [None, HANDSHAKE, HANDSHAKE]);
}

#[tokio::test]
async fn an_anonymous_server_is_good_for_encrypt_alone() {
    let anonymous = LegacyTls {
        anonymous: true,
        ..tls("TLSv1.2", x25519())
    };
    let report = Report::of(&seen(None, Some(anonymous)).await);
    assert_eq!(ids(&report), ["tls-too-old"]);
    assert_eq!(reasons(&report), [None, HANDSHAKE, HANDSHAKE]);
}

#[tokio::test]
async fn a_short_prime_is_a_failed_handshake() {
    let short = tls("TLSv1.2", KeyExchange::FiniteField(768));
    let report = Report::of(&seen(Some(short), None).await);
    assert!(
        ids(&report).contains(&"handshake-failed"),
        "{:?}",
        ids(&report)
    );
    assert_eq!(reasons(&report), [HANDSHAKE; 3]);
}

#[tokio::test]
async fn what_was_saved_reads_back_and_what_was_saved_earlier_too() {
    let observation = seen(Some(tls("TLSv1", x25519())), None).await;
    let mut saved = serde_json::to_value(&observation).unwrap();
    let again: Observation = serde_json::from_value(saved.clone()).unwrap();
    assert_eq!(again, observation);
    let sessions = saved
        .pointer_mut("/hosts/0/addresses/0/sessions")
        .and_then(|sessions| sessions.as_array_mut())
        .unwrap();
    for session in sessions {
        session.as_object_mut().unwrap().remove("legacy").unwrap();
    }
    let earlier: Observation = serde_json::from_value(saved).unwrap();
    assert!(ids(&Report::of(&earlier)).contains(&"handshake-failed"));
}
