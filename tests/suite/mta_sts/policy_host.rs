//! The policy over HTTPS (RFC 8461 section 3.3): who serves it, and which
//! deviations are tolerated.

use std::time::{Duration, Instant};

use danecheck::demo::stage::Stage;
use danecheck::observe::budget::Times;
use danecheck::observe::observe;
use danecheck_core::observation::PolicyEnd;
use danecheck_core::report::Report;
use danecheck_world::https::PolicyFault;
use danecheck_world::pki::{Authority, Identity, Leaf, Validity};

use super::scene::{RECORD, REPORTS, Scene, WEB, WEB_V6};
use crate::support::{ids, message};

/// Section 3.3 of RFC 8461: each rule on the response, the fault that breaks
/// it, and words of the finding; `None` if it is no fault.
fn responses() -> Vec<(
    &'static str,
    PolicyFault,
    Option<(&'static str, &'static str)>,
)> {
    const UNAVAILABLE: &str = "mta-sts-policy-unavailable";
    let redirect = "https://example.com/mta-sts.txt";
    vec![
        (
            "3.3 no redirection",
            PolicyFault::Redirect(redirect.into()),
            Some((
                UNAVAILABLE,
                "301, a redirection to https://example.com/mta-sts.txt",
            )),
        ),
        (
            "3.3 no redirection, 302",
            PolicyFault::Status(302),
            Some((UNAVAILABLE, "302, a redirection to nowhere")),
        ),
        (
            "3.3 status 200",
            PolicyFault::Status(404),
            Some((UNAVAILABLE, "404 instead of 200")),
        ),
        (
            "3.3 status 200",
            PolicyFault::Status(500),
            Some((UNAVAILABLE, "500 instead of 200")),
        ),
        (
            "3.3 status 200",
            PolicyFault::Status(203),
            Some((UNAVAILABLE, "203 instead of 200")),
        ),
        (
            "3.2 media type",
            PolicyFault::ContentType("text/html".into()),
            Some((UNAVAILABLE, "text/html, not as text/plain")),
        ),
        (
            "3.2 media type",
            PolicyFault::ContentType(String::new()),
            Some((UNAVAILABLE, "does not send the policy as text/plain")),
        ),
        (
            "3.2 parameters are ignored",
            PolicyFault::ContentType("Text/Plain; charset=utf-8".into()),
            None,
        ),
        ("3.3 HTTP as it comes", PolicyFault::Chunked, None),
        (
            "3.3 size",
            PolicyFault::EndlessBody,
            Some((UNAVAILABLE, "longer than 64 kilobytes")),
        ),
        (
            "10.2 size of all else",
            PolicyFault::EndlessHeader,
            Some((UNAVAILABLE, "no HTTP response")),
        ),
        (
            "3.3 HTTPS",
            PolicyFault::NoTls,
            Some((UNAVAILABLE, "no TLS")),
        ),
        (
            "3.3 HTTP",
            PolicyFault::NotHttp,
            Some((UNAVAILABLE, "no HTTP response")),
        ),
        (
            "3.3 a response",
            PolicyFault::Close,
            Some((UNAVAILABLE, "no HTTP response")),
        ),
        (
            "3.3 a whole response",
            PolicyFault::CloseInBody,
            Some((UNAVAILABLE, "no whole HTTP response")),
        ),
        // What is whole counts, however the connection ends.
        ("whole, no close_notify", PolicyFault::NoCloseNotify, None),
        ("whole, an empty line", PolicyFault::Behind("\r\n"), None),
        ("whole, junk", PolicyFault::Behind("\0\x01 junk"), None),
        (
            "whole, another response",
            PolicyFault::Behind("HTTP/1.1 500 -\r\nContent-Length: 2\r\n\r\nno"),
            None,
        ),
        (
            "whole, more of the same",
            PolicyFault::Behind("mx: other.example\r\n"),
            None,
        ),
    ]
}

#[tokio::test]
async fn each_rule_on_the_response_holds() {
    for (rule, fault, expected) in responses() {
        let report = Scene::served(fault.clone()).report().await;
        match expected {
            None => {
                assert_eq!(ids(&report), ["no-tlsa"], "{rule} {fault:?}");
                assert!(report.mta_sts.unwrap().policy.is_some(), "{rule}");
            }
            Some((id, words)) => {
                let message = message(&report, id);
                assert!(message.contains(words), "{rule} {fault:?}: {message}");
                let told = report.mta_sts.unwrap();
                assert_eq!(told.policy, None, "{rule}");
                assert!(told.problem.is_some(), "{rule}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_not_waited_for_and_no_fault_is_told() {
    // Section 3.3 and 10.2: "a timeout"; a check has less time than a sender.
    for fault in [
        PolicyFault::Hang,
        PolicyFault::HangInBody,
        PolicyFault::SilentInHandshake,
    ] {
        let stage = Scene::served(fault.clone()).start().await;
        let mut setup = stage.setup();
        setup.times = Times {
            after_the_rest: Duration::from_millis(50),
            ..setup.times
        };
        let begin = Instant::now();
        let observation = observe(&"example.com".parse().unwrap(), &setup).await;
        assert!(begin.elapsed() < Duration::from_secs(5), "{fault:?}");
        let report = Report::of(&observation);
        assert!(message(&report, "mta-sts-not-seen").contains("within seconds"));
        assert!(message(&report, "not-all-looked-at").contains("MTA-STS"));
        assert_eq!(report.verdict, danecheck_core::judge::Verdict::NoDane);
    }
}

#[tokio::test]
async fn the_certificate_of_the_policy_host_has_to_hold() {
    // Section 3.3: for the host, not expired, from a trusted authority; a
    // wildcard may stand for the first label.
    let cases: [(&str, fn(&Stage) -> Identity, Option<&str>); 6] = [
        (
            "another name",
            |stage| stage.identity("www.example.com"),
            Some("certificate is not valid"),
        ),
        (
            "expired",
            |stage| {
                stage
                    .issuer
                    .issue(Leaf::new(["mta-sts.example.com"]).validity(Validity::EXPIRED))
            },
            Some("expired"),
        ),
        (
            "self-signed",
            |stage| Leaf::new(["mta-sts.example.com"]).self_signed(stage.now),
            Some("self-signed"),
        ),
        (
            "of nobody known",
            |stage| Authority::root("Nobody", stage.now).issue(Leaf::new(["mta-sts.example.com"])),
            Some("certificate is not valid"),
        ),
        (
            "without the chain",
            |stage| stage.identity("mta-sts.example.com").sending_leaf_alone(),
            Some("did not send the issuer"),
        ),
        ("a wildcard", |stage| stage.identity("*.example.com"), None),
    ];
    for (case, web, expected) in cases {
        let scene = Scene {
            web: Some(web),
            ..Scene::default()
        };
        let report = scene.report().await;
        match expected {
            None => assert_eq!(ids(&report), ["no-tlsa"], "{case}"),
            Some(words) => {
                let message = message(&report, "mta-sts-policy-unavailable");
                assert!(message.contains(words), "{case}: {message}");
            }
        }
    }
}

#[tokio::test]
async fn the_policy_host_needs_an_address_that_answers() {
    let report = Scene {
        zone: format!("{RECORD}\n{REPORTS}"),
        ..Scene::default()
    }
    .report()
    .await;
    assert!(message(&report, "mta-sts-policy-unavailable").contains("it has no address"));
    // One family without a way there is not held against it, and the other
    // one serves.
    let report = Scene {
        zone: format!("{RECORD}\n{REPORTS}\nmta-sts A {WEB}\nmta-sts AAAA {WEB_V6}"),
        ..Scene::default()
    }
    .report()
    .await;
    assert!(message(&report, "mta-sts-not-seen").contains(WEB_V6));
    assert!(report.mta_sts.unwrap().policy.is_some());
}

#[tokio::test]
async fn a_reserved_address_is_not_connected_to() {
    let stage = Scene {
        zone: format!("{RECORD}\n{REPORTS}\nmta-sts A 192.168.1.1"),
        ..Scene::default()
    }
    .start()
    .await;
    let mut setup = stage.setup();
    setup.allow_private = false;
    let observation = observe(&"example.com".parse().unwrap(), &setup).await;
    let fetch = observation
        .mta_sts
        .as_ref()
        .unwrap()
        .fetch
        .as_ref()
        .unwrap();
    assert!(matches!(fetch.visits[0].end, PolicyEnd::Reserved(_)));
    let report = Report::of(&observation);
    assert!(message(&report, "mta-sts-not-seen").contains("192.168.0.0/16"));
}
