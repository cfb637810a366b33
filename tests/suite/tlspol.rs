//! What mailcow's postfix-tlspol answers, release by release: what the real
//! 1.8.23 and 1.13.0 were seen to answer, and what is like it.

use danecheck::demo::stage::Stage;
use danecheck_core::judge::Horizon;
use danecheck_core::observation::{Answer, FailureKind, LookupFailure, Observation};
use danecheck_core::report::{Report, SenderReport};
use danecheck_core::sender::Sender;
use danecheck_world::dns::{Misbehaviour, Rtype, Zone};
use danecheck_world::https::{PolicyFault, PolicyServer};
use danecheck_world::smtp::MailServer;

use crate::support::domain::MX1;
use crate::support::{mailcow, observed};

/// One release of each kind, in order.
const RELEASES: [&str; 6] = ["1.8.23", "1.9.1", "1.10.0", "1.11.0", "1.12.2", "1.13.0"];

fn told(observation: &Observation, release: &str) -> SenderReport {
    let sender = Sender {
        tlspol: Some(release.parse().unwrap()),
        ..mailcow()
    };
    let report = Report::to(observation, Horizon::default(), &sender);
    report.sender.unwrap()
}

/// What each release answers: the first word of a policy, `TEMP`, or nothing
/// where main.cf decides.
fn answers(observation: &Observation) -> Vec<String> {
    let answer = |release: &str| {
        let policy = told(observation, release).policy;
        let text = policy.text.split(' ').next().unwrap_or_default().to_owned();
        match policy.source.as_str() {
            "main.cf" => String::new(),
            source => {
                assert_eq!(source, format!("postfix-tlspol {release}"));
                text
            }
        }
    };
    RELEASES.into_iter().map(answer).collect()
}

/// The same answer of all.
fn all(answer: &str) -> Vec<String> {
    vec![answer.to_owned(); RELEASES.len()]
}

/// One answer before this release, another from it on.
fn until(release: &str, before: &str, from: &str) -> Vec<String> {
    let at = RELEASES.iter().position(|it| *it == release).unwrap();
    let answer = |index: usize| if index < at { before } else { from };
    (0..RELEASES.len())
        .map(|index| answer(index).to_owned())
        .collect()
}

/// A signed zone with these records, in which `@@` is a TLSA record that
/// matches the server at MX1.
fn zone(stage: &mut Stage, origin: &str, records: &str) {
    let identity = stage.identity("mx1.example.com");
    let records = records.replace("@@", &format!("TLSA {}", identity.tlsa(3, 1, 1)));
    stage.zone(Zone::signed(origin).records(&records));
    stage.server(MX1, MailServer::new(identity));
}

async fn seen(records: &str) -> Observation {
    observed("example.com", |stage| zone(stage, "example.com.", records)).await
}

const WHOLE: &str = "@ MX 10 mx1\nmx1 A 192.0.2.10\n_25._tcp.mx1 @@";

#[tokio::test]
async fn the_release_that_was_assumed_is_in_the_report() {
    let observation = seen(WHOLE).await;
    for (release, rules) in [
        ("1.8.23", "measured"),
        ("1.11.0", "source"),
        ("1.14", "newest-known"),
    ] {
        let sender = told(&observation, release);
        assert_eq!(sender.policy.text, "dane-only");
        let service = sender.policy_service.unwrap();
        assert_eq!(
            (service.version.as_str(), service.rules_from.as_str()),
            (release, rules)
        );
    }
    let by_default = Report::to(&observation, Horizon::default(), &mailcow());
    let service = by_default.sender.unwrap().policy_service.unwrap();
    assert_eq!(
        (service.name.as_str(), service.version.as_str()),
        ("postfix-tlspol", "1.8.23")
    );
    // Where main.cf decides too.
    let observation = seen("@ MX 10 mx1\nmx1 A 192.0.2.10").await;
    let sender = told(&observation, "1.12.2");
    assert!(
        sender
            .policy
            .reason
            .unwrap()
            .starts_with("postfix-tlspol 1.12.2 gives no policy")
    );
    assert!(sender.policy_service.is_some());
}

#[tokio::test]
async fn a_name_with_an_underscore_is_none() {
    let domain = observed("a_b.example.com", |stage| {
        zone(stage, "example.com.", &WHOLE.replace("@ MX", "a_b MX"));
    });
    assert_eq!(answers(&domain.await), all(""));
    let only = seen(&WHOLE.replace("mx1", "mx_1")).await;
    assert_eq!(answers(&only), all(""));
    let both = format!("{WHOLE}\n@ MX 20 mx_2\nmx_2 A 192.0.2.10\n_25._tcp.mx_2 @@");
    assert_eq!(answers(&seen(&both).await), all("dane"));
    // Siblings: an address, and a hyphen at an end.
    let address = format!("{WHOLE}\n@ MX 20 192.0.2.10.");
    assert_eq!(answers(&seen(&address).await), all("dane"));
    let hyphen = format!("{WHOLE}\n@ MX 20 mx2-\nmx2- A 192.0.2.10\n_25._tcp.mx2- @@");
    assert_eq!(answers(&seen(&hyphen).await), all("dane"));
}

/// The domain in order but for the lookups of these types at mx1.
async fn failing(types: &[Rtype], records: &str) -> Observation {
    observed("example.com", |stage| {
        zone(stage, "example.com.", records);
        for rtype in types {
            stage.lookup_misbehaving("mx1.example.com.", *rtype, Misbehaviour::ServFail);
        }
    })
    .await
}

#[tokio::test]
async fn a_host_without_address_is_one_if_that_is_signed() {
    // A fails, AAAA is a signed NODATA.
    let observation = failing(&[Rtype::A], WHOLE).await;
    assert_eq!(answers(&observation), until("1.12.2", "dane-only", "TEMP"));
    // Siblings: the other way round; both fail; neither is there.
    let v6 = WHOLE.replace("A 192.0.2.10", "TXT x");
    let observation = failing(&[Rtype::AAAA], &v6).await;
    assert_eq!(answers(&observation), until("1.12.2", "dane-only", "TEMP"));
    let observation = failing(&[Rtype::A, Rtype::AAAA], WHOLE).await;
    assert_eq!(answers(&observation), until("1.11.0", "", "TEMP"));
    assert_eq!(answers(&seen(&v6).await), until("1.12.2", "dane-only", ""));
    // And a name that does not exist at all, in a signed zone.
    let nowhere = "@ MX 10 mx1";
    assert_eq!(answers(&seen(nowhere).await), all(""));
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_an_error_to_one_release() {
    // 1.11: unless that is signed.
    let observation = observed("example.com", |stage| {
        zone(
            stage,
            "example.com.",
            &format!("{WHOLE}\n@ MX 20 mx.example.net."),
        );
        stage.zone(Zone::unsigned("example.net."));
    })
    .await;
    let mut expected = all("dane");
    expected[3] = "TEMP".to_owned();
    assert_eq!(answers(&observation), expected);
    let signed = format!("{WHOLE}\n@ MX 20 gone");
    assert_eq!(answers(&seen(&signed).await), all("dane"));
}

#[tokio::test]
async fn a_null_mx_among_others_is_passed_over() {
    assert_eq!(
        answers(&seen(&format!("{WHOLE}\n@ MX 0 .")).await),
        all("dane")
    );
    // Siblings: by itself; beside a host without records, and one that is not
    // signed.
    assert_eq!(answers(&seen("@ MX 0 .").await), all(""));
    let bare = "@ MX 0 .\n@ MX 10 mx1\nmx1 A 192.0.2.10";
    assert_eq!(answers(&seen(bare).await), all(""));
    let observation = observed("example.com", |stage| {
        zone(stage, "example.com.", "@ MX 0 .\n@ MX 10 mx.example.net.");
        stage.zone(Zone::unsigned("example.net.").records("mx A 192.0.2.10"));
    })
    .await;
    assert_eq!(answers(&observation), all(""));
    // Postfix goes to nobody, and nobody is connected to.
    let observation = seen(&format!("{WHOLE}\n@ MX 0 .")).await;
    assert!(observation.hosts.is_empty());
    assert!(observation.passed_over[0].addresses.is_empty());
}

fn silence<T>() -> Answer<T> {
    Answer::Failed(LookupFailure {
        kind: FailureKind::Timeout,
        extended_error: None,
    })
}

#[tokio::test]
async fn silence_is_an_error_like_any_other() {
    let observation = seen(WHOLE).await;
    let mut tlsa = observation.clone();
    tlsa.hosts[0].tlsa[0].lookup.answer = silence();
    assert_eq!(answers(&tlsa), all("TEMP"));
    let mut mx = observation.clone();
    mx.mx.as_mut().unwrap().answer = silence();
    mx.hosts.clear();
    assert_eq!(answers(&mx), all("TEMP"));
    // About addresses only since 1.11; before 1.10 AAAA is not asked for then.
    let mut a = observation.clone();
    a.hosts[0].a.as_mut().unwrap().answer = silence();
    assert_eq!(
        answers(&a),
        ["", "", "dane-only", "dane-only", "TEMP", "TEMP"]
    );
}

#[tokio::test]
async fn since_1_12_a_domain_without_mx_records_is_its_own_host() {
    let implicit = "@ A 192.0.2.10\n_25._tcp @@";
    assert_eq!(
        answers(&seen(implicit).await),
        until("1.12.2", "", "dane-only")
    );
    let without = "@ A 192.0.2.10";
    assert_eq!(answers(&seen(without).await), all(""));
    let unusable = "@ A 192.0.2.10\n_25._tcp TLSA 1 1 1 ab";
    assert_eq!(answers(&seen(unusable).await), until("1.12.2", "", "dane"));
    let observation = observed("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(Zone::unsigned("example.com.").records("@ A 192.0.2.10"));
        stage.server(MX1, MailServer::new(identity));
    })
    .await;
    assert_eq!(answers(&observation), all(""));
}

/// A domain with MTA-STS and no DANE, and what is odd about it.
async fn with_policy(record: &str, body: &[u8], fault: Option<PolicyFault>) -> Observation {
    observed("example.com", |stage| {
        let mta_sts = format!("_mta-sts TXT {record}\nmta-sts A 192.0.2.80");
        zone(
            stage,
            "example.com.",
            &format!("@ MX 10 mx1\nmx1 A 192.0.2.10\n{mta_sts}"),
        );
        let web = stage.identity("mta-sts.example.com");
        let server = PolicyServer::new(web, body).misbehaving(fault);
        stage.policy_server("192.0.2.80", server);
    })
    .await
}

#[tokio::test]
async fn a_policy_of_mta_sts_counts_by_release() {
    const RECORD: &str = "\"v=STSv1; id=1;\"";
    const BODY: &[u8] = b"version: STSv1\nmode: enforce\nmx: mx1.example.com\nmax_age: 86400\n";
    let long = [BODY, &b"note: x\n".repeat(10_000)].concat();
    let html = PolicyFault::ContentType("text/html".to_owned());
    let second = PolicyFault::Behind("HTTP/1.1 404 -\r\n\r\n");
    let replacement = [BODY, "note: \u{fffd}\n".as_bytes()].concat();
    let not_utf8 = [BODY, b"note: \xff\n"].concat();
    let signed = String::from_utf8(BODY.to_vec())
        .unwrap()
        .replace("86400", "+86400");
    for (what, record, body, fault, expected) in [
        ("in order", RECORD, BODY, None, all("secure")),
        (
            "apart in the version",
            "\"v=ST\" \"Sv1; id=1;\"",
            BODY,
            None,
            until("1.12.2", "", "secure"),
        ),
        (
            "version in the second string",
            "\"x\" \"v=STSv1; id=1;\"",
            BODY,
            None,
            until("1.12.2", "secure", ""),
        ),
        (
            "without id",
            "\"v=STSv1;\"",
            BODY,
            None,
            until("1.12.2", "secure", ""),
        ),
        (
            "stalled",
            RECORD,
            BODY,
            Some(PolicyFault::HangInBody),
            until("1.9.1", "secure", ""),
        ),
        (
            "closed in the body",
            RECORD,
            BODY,
            Some(PolicyFault::CloseInBody),
            until("1.9.1", "secure", ""),
        ),
        (
            "no close_notify",
            RECORD,
            BODY,
            Some(PolicyFault::NoCloseNotify),
            all("secure"),
        ),
        (
            "another response",
            RECORD,
            BODY,
            Some(second),
            all("secure"),
        ),
        (
            "text/html",
            RECORD,
            BODY,
            Some(html),
            until("1.12.2", "secure", ""),
        ),
        (
            "too large",
            RECORD,
            &long,
            None,
            until("1.12.2", "secure", ""),
        ),
        ("a real U+FFFD", RECORD, &replacement, None, all("secure")),
        ("not UTF-8", RECORD, &not_utf8, None, all("")),
        ("a sign", RECORD, signed.as_bytes(), None, all("")),
    ] {
        let observation = with_policy(record, body, fault).await;
        assert_eq!(answers(&observation), expected, "{what}");
    }
}
