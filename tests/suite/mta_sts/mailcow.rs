//! What happens to mailcow's mail: its postfix-tlspol follows the policy.

use danecheck_core::judge::{Action, Channel, Horizon};
use danecheck_core::postfix::SecurityLevel;
use danecheck_core::report::Report;
use danecheck_world::dns::{Misbehaviour as DnsMisbehaviour, Rtype};
use danecheck_world::https::{PolicyFault, PolicyServer};
use danecheck_world::pki::Leaf;
use danecheck_world::smtp::{MailServer, Misbehaviour};

use super::scene::{ENFORCE, RECORD, REPORTS, Scene, WEB};
use crate::support::domain::{MX1, in_order};
use crate::support::{ids, mailcow, observed};

#[tokio::test]
async fn mailcow_goes_by_an_enforced_policy_unless_there_is_dane() {
    let observation = Scene::default().observe().await;
    let report = Report::to(&observation, Horizon::default(), &mailcow());
    let sender = report.sender.unwrap();
    assert_eq!(
        sender.policy.text,
        "secure match=mx1.example.com servername=hostname"
    );
    assert_eq!(sender.policy.source, "postfix-tlspol 1.8.23");
    assert_eq!(sender.outcome.channel, Some(Channel::Authenticated));
    assert_eq!(report.recommendation.action, Action::Keep);
    // Section 2: DANE has precedence.
    let scene = Scene {
        tlsa: true,
        ..Scene::default()
    };
    let report = Report::to(&scene.observe().await, Horizon::default(), &mailcow());
    assert_eq!(report.sender.unwrap().policy.text, "dane-only");
}

#[tokio::test]
async fn for_a_broken_policy_mailcow_is_advised_the_strictest_that_delivers() {
    // The policy lists another host: the names of today, from a trusted CA.
    let body = "version: STSv1\nmode: enforce\nmx: *.example.net\nmax_age: 604800\n";
    let observation = Scene::saying(body).observe().await;
    let report = Report::to(&observation, Horizon::default(), &mailcow());
    let sender = report.sender.clone().unwrap();
    assert_eq!(
        sender.policy.text,
        "secure match=.example.net servername=hostname"
    );
    assert_eq!(sender.outcome.dsn.as_deref(), Some("4.7.5"));
    assert_eq!(
        report.recommendation.entries.postfix.as_deref(),
        Some("example.com  secure match=mx1.example.com")
    );
    assert_eq!(report.recommendation.policy, Some(SecurityLevel::Secure));
    // Forged MX records would look the same.
    assert!(report.recommendation.caution.is_some());
    assert!(ids(&report).contains(&"sender-stricter-than-dane"));
    // The certificate is nobody's: TLS alone.
    let scene = Scene {
        mx: Some(|stage| Leaf::new(["mx1.example.com"]).self_signed(stage.now)),
        ..Scene::default()
    };
    let report = Report::to(&scene.observe().await, Horizon::default(), &mailcow());
    assert_eq!(report.recommendation.policy, Some(SecurityLevel::Encrypt));
    // Nobody offers TLS.
    let scene = Scene {
        mail: vec![Misbehaviour::NoStartTls],
        ..Scene::default()
    };
    let report = Report::to(&scene.observe().await, Horizon::default(), &mailcow());
    assert_eq!(report.recommendation.policy, Some(SecurityLevel::May));
}

#[tokio::test]
async fn postfix_tlspol_takes_what_the_letter_does_not() {
    // It asks for neither the media type nor the version nor a single record.
    let lax = [
        Scene::served(PolicyFault::ContentType("text/html".into())),
        Scene::saying("mode: enforce\nmx: mx1.example.com\n"),
        Scene::with_record("_mta-sts TXT \"v=STSv1 id=1\""),
        Scene::with_record("_mta-sts TXT \"v=STSv1; id=1\"\n_mta-sts TXT \"v=STSv1; id=2\""),
    ];
    for scene in lax {
        let observation = scene.observe().await;
        let report = Report::to(&observation, Horizon::default(), &mailcow());
        assert_eq!(report.mta_sts.unwrap().policy, None);
        let text = report.sender.unwrap().policy.text;
        assert_eq!(text, "secure match=mx1.example.com servername=hostname");
    }
    // But the certificate has to hold, and the status to be 200.
    let strict = [
        Scene::served(PolicyFault::Status(404)),
        Scene::saying("mode: enforce\nmx 1\n"),
        Scene::saying("version: STSv1\nmode: enforce\nmax_age: 1\n"),
        Scene::saying("version: STSv1\nmode: enforce\nmx: -x\nmax_age: 1\n"),
        Scene {
            web: Some(|stage| stage.identity("www.example.com")),
            ..Scene::default()
        },
    ];
    for scene in strict {
        let observation = scene.observe().await;
        let report = Report::to(&observation, Horizon::default(), &mailcow());
        assert_eq!(report.sender.unwrap().policy.source, "main.cf");
    }
}

#[tokio::test]
async fn a_dns_error_counts_more_for_tlspol_than_a_policy() {
    let observation = observed("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        let records = format!("{RECORD}\n{REPORTS}\nmta-sts A {WEB}");
        stage.zone(in_order(&identity).records(&records));
        stage.server(MX1, MailServer::new(identity));
        let web = stage.identity("mta-sts.example.com");
        stage.policy_server(WEB, PolicyServer::new(web, ENFORCE));
        let name = "_25._tcp.mx1.example.com.";
        stage.lookup_misbehaving(name, Rtype::TLSA, DnsMisbehaviour::ServFail);
    })
    .await;
    let report = Report::to(&observation, Horizon::default(), &mailcow());
    assert_eq!(report.sender.unwrap().policy.text, "TEMP");
}

/// What the report names, `--sender mailcow` prints; and where it prints nothing,
/// the report names nothing.
#[tokio::test]
async fn other_senders_are_told_of_mailcow_only_where_it_has_an_override() {
    const ID: &str = "mta-sts-mailcow-waits";
    let other = "version: STSv1\nmode: enforce\nmx: *.example.net\nmax_age: 604800\n";
    let nobodys = || Scene {
        mx: Some(|stage| Leaf::new(["mx1.example.com"]).self_signed(stage.now)),
        ..Scene::default()
    };
    let beside_dane = || Scene {
        tlsa: true,
        body: other.into(),
        ..Scene::default()
    };
    let refusing = || Scene {
        mail: vec![Misbehaviour::Greeting554],
        ..Scene::saying(other)
    };
    for (scene, waits) in [
        (Scene::saying(other), true),
        (nobodys(), true),
        (Scene::default(), false),
        // DANE has precedence.
        (beside_dane(), false),
        // No override helps.
        (refusing(), false),
    ] {
        let observation = scene.observe().await;
        let report = Report::of(&observation);
        let told = ids(&report).contains(&ID);
        assert_eq!(told, waits, "{:?}", ids(&report));
        let of_mailcow = Report::to(&observation, Horizon::default(), &mailcow());
        let printed = of_mailcow.recommendation.entries.mailcow.is_some();
        assert_eq!(printed, waits, "{:?}", of_mailcow.recommendation);
        assert!(!ids(&of_mailcow).contains(&ID));
    }
}
