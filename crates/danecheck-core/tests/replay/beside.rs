//! What Postfix did, compared with what danecheck says beside its reports.

use std::collections::BTreeSet;

use danecheck_core::evidence::Reading;
use danecheck_core::judge::Horizon;
use danecheck_core::overrides::{Around, OverrideStatus, judge_line};
use danecheck_core::sender::Sender;

use super::{Judged, all};

/// Of the servers with an ECDSA and an RSA certificate, a thorough look shows
/// the other one, and danecheck names the one that no record covers.
#[test]
fn a_thorough_look_at_openssl_shows_both_certificates() {
    for (name, expected) in [
        ("two-keys-both", [Some(true), Some(true)]),
        ("two-keys-ecdsa", [Some(true), Some(false)]),
        ("two-keys-rsa", [Some(false), Some(true)]),
        ("two-keys-own-ca", [Some(true), Some(true)]),
    ] {
        let fixture = all()
            .iter()
            .find(|judged| judged.fixture.scenario == name)
            .unwrap();
        let address = &fixture.report.hosts[0].addresses[0];
        let looks: Vec<_> = address
            .limited
            .iter()
            .map(|look| (look.offer.as_str(), look.covered))
            .collect();
        assert_eq!(
            looks,
            [("tls12", expected[0]), ("rsa", expected[1])],
            "{name}"
        );
        let named = fixture
            .report
            .findings
            .iter()
            .any(|finding| finding.id == "certificate-not-covered");
        assert_eq!(named, expected.contains(&Some(false)), "{name}");
    }
}

/// What `danecheck overrides` says of each level: the advised one is needed,
/// for a weaker one a stricter would do, and a stricter one is not enough.
#[test]
fn the_words_on_overrides_agree_with_what_postfix_did() {
    let sender = Sender::default();
    let around = Around {
        sender: &sender,
        horizon: Horizon::default(),
        parent: None,
        advised: false,
    };
    let mut wrong = Vec::new();
    let mut judged = 0;
    for Judged { fixture, .. } in all() {
        let advised = fixture.recommendation.policy.as_deref();
        let kept = fixture.recommendation.action == "keep";
        if !kept && advised.is_none() {
            continue;
        }
        for level in ["none", "may", "encrypt"] {
            let word = judge_line(&fixture.observation, Some(level), around).word;
            let delivers = fixture.outcomes[level].delivery.starts_with("delivered");
            let right = if !delivers {
                vec![OverrideStatus::NotEnough]
            } else if Some(level) == advised {
                vec![OverrideStatus::Needed]
            } else if kept && level == "encrypt" {
                vec![OverrideStatus::NoLongerNeeded, OverrideStatus::Deliberate]
            } else if kept {
                vec![OverrideStatus::NoLongerNeeded]
            } else if level == "encrypt" {
                // It delivers, if not at once, and is stricter than advised.
                vec![OverrideStatus::Needed]
            } else {
                vec![OverrideStatus::StricterWouldDo]
            };
            judged += 1;
            if !right.contains(&word) {
                wrong.push(format!("{} {level}: {word:?}", fixture.scenario));
            }
        }
    }
    assert!(judged > 1500, "{judged}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_text_that_postfix_logged_is_explained() {
    let outcomes = all()
        .iter()
        .flat_map(|judged| judged.fixture.outcomes.values());
    let texts: BTreeSet<(&str, &str)> = outcomes
        .flat_map(|measured| measured.dsn.iter().zip(&measured.reason))
        .filter_map(|(dsn, reason)| Some((dsn.as_deref()?, reason.as_deref()?)))
        // What a server says of a message is mostly no matter of the connection.
        .filter(|(_, text)| !text.ends_with("(in reply to end of DATA command)"))
        .collect();
    assert!(texts.len() > 100, "{}", texts.len());
    let mut unexplained = Vec::new();
    for (dsn, text) in texts {
        let status = if dsn.starts_with('5') {
            "bounced"
        } else {
            "deferred"
        };
        let line = format!(
            "Nov 22 02:36:41 mx postfix/smtp[1]: 4E7F099A10B: to=<a@a.test>, relay=none, \
             delay=0.05, delays=0/0/0/0, dsn={dsn}, status={status} ({text})\n"
        );
        let mut reading = Reading::default();
        reading.bytes(line.as_bytes());
        if reading.triage().causes.len() != 1 {
            unexplained.push((dsn, text));
        }
    }
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}
