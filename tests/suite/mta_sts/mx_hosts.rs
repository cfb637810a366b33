//! The MX hosts against the policy (RFC 8461 section 4).

use danecheck::demo::stage::Stage;
use danecheck_world::pki::{Identity, Leaf, Validity};
use danecheck_world::smtp::Misbehaviour;

use super::scene::Scene;
use crate::support::{ids, message};

#[tokio::test]
async fn an_mx_host_that_the_policy_does_not_list_is_told() {
    // Section 4.1: MX host validation.
    for mx in ["mx2.example.com", "*.mx1.example.com", "*.com"] {
        let body = format!("version: STSv1\nmode: enforce\nmx: {mx}\nmax_age: 604800\n");
        let report = Scene::saying(&body).report().await;
        let mut expected = vec![
            "mta-sts-no-host-passes",
            "mta-sts-host-not-listed",
            "mta-sts-mailcow-waits",
            "no-tlsa",
            "mta-sts-pattern-unused",
        ];
        // postfix-tlspol makes `match=.com` of it, which Postfix takes for all
        // names below.
        if mx == "*.com" {
            expected.retain(|id| *id != "mta-sts-mailcow-waits");
        }
        assert_eq!(ids(&report), expected, "{mx}");
    }
    let body = "version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 604800\n";
    assert_eq!(ids(&Scene::saying(body).report().await), ["no-tlsa"]);
}

#[tokio::test]
async fn an_mx_host_needs_tls_and_a_certificate_that_holds() {
    // Section 4.1: "MUST not be expired", "MUST chain to a root CA", "MUST
    // have a subject alternative name with a DNS-ID that matches"; 4.2: TLS.
    let cases: [(&str, fn(&Stage) -> Identity, &[Misbehaviour], Option<&str>); 7] = [
        (
            "another name",
            |stage| stage.identity("mail.example.com"),
            &[],
            Some("does not pass"),
        ),
        (
            "expired",
            |stage| {
                stage
                    .issuer
                    .issue(Leaf::new(["mx1.example.com"]).validity(Validity::EXPIRED))
            },
            &[],
            Some("expired"),
        ),
        (
            "self-signed",
            |stage| Leaf::new(["mx1.example.com"]).self_signed(stage.now),
            &[],
            Some("self-signed"),
        ),
        (
            "only the common name",
            |stage| {
                stage
                    .issuer
                    .issue(Leaf::common_name_only("mx1.example.com"))
            },
            &[],
            Some("only in its common name"),
        ),
        (
            "a wildcard",
            |stage| stage.identity("*.example.com"),
            &[],
            None,
        ),
        (
            "no STARTTLS",
            |stage| stage.identity("mx1.example.com"),
            &[Misbehaviour::NoStartTls],
            Some("does not offer STARTTLS"),
        ),
        (
            "no handshake",
            |stage| stage.identity("mx1.example.com"),
            &[Misbehaviour::HandshakeAlert],
            Some("TLS handshake fails"),
        ),
    ];
    for (case, mx, mail, expected) in cases {
        let scene = Scene {
            mx: Some(mx),
            mail: mail.to_vec(),
            ..Scene::default()
        };
        let report = scene.report().await;
        match expected {
            None => assert_eq!(ids(&report), ["no-tlsa"], "{case}"),
            Some(words) => {
                let message = message(&report, "mta-sts-host-fails");
                assert!(message.contains(words), "{case}: {message}");
                assert!(ids(&report).contains(&"mta-sts-no-host-passes"), "{case}");
            }
        }
    }
}
