//! MTA-STS (RFC 8461) and TLS reporting on stage: the policy over HTTPS
//! (section 3.3), the MX hosts against it (section 4), and what becomes of
//! mailcow's mail. The rules on the texts themselves (sections 3.1 and 3.2)
//! are in `src/mta_sts/tests.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::type_complexity,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by panicking, and meets sockets; its cases are tables"
)]

mod support;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use danecheck::judge::{Action, Channel, Horizon, SecurityLevel};
use danecheck::observation::{MtaStsSeen, Observation, PolicyEnd};
use danecheck::observe::budget::Times;
use danecheck::observe::observe;
use danecheck::report::Report;
use danecheck::world::dns::{Misbehaviour as DnsMisbehaviour, Rtype};
use danecheck::world::https::{PolicyFault, PolicyServer};
use danecheck::world::pki::{Authority, Identity, Leaf, Validity};
use danecheck::world::smtp::{MailServer, Misbehaviour};
use danecheck::world::stage::{RunningStage, Stage};

use support::domain::{MX1, in_order, signed};
use support::{ids, mailcow, message, now, observed};

const WEB: &str = "192.0.2.80";
const WEB_V6: &str = "2001:db8::80";
const RECORD: &str = "_mta-sts TXT \"v=STSv1; id=20261122;\"";
const REPORTS: &str = "_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls@example.com\"";
const ENFORCE: &str =
    "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmax_age: 604800\r\n";

/// A domain with MTA-STS, and what is odd about it.
struct Scene {
    zone: String,
    body: Vec<u8>,
    faults: Vec<PolicyFault>,
    web: Option<fn(&Stage) -> Identity>,
    mx: Option<fn(&Stage) -> Identity>,
    mail: Vec<Misbehaviour>,
    tlsa: bool,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            zone: format!("{RECORD}\n{REPORTS}\nmta-sts A {WEB}"),
            body: ENFORCE.into(),
            faults: Vec::new(),
            web: None,
            mx: None,
            mail: Vec::new(),
            tlsa: false,
        }
    }
}

impl Scene {
    fn saying(body: &str) -> Self {
        Self {
            body: body.into(),
            ..Self::default()
        }
    }

    fn with_record(record: &str) -> Self {
        Self {
            zone: format!("{record}\n{REPORTS}\nmta-sts A {WEB}"),
            ..Self::default()
        }
    }

    fn served(fault: PolicyFault) -> Self {
        Self {
            faults: vec![fault],
            ..Self::default()
        }
    }

    async fn start(self) -> RunningStage {
        let mut stage = Stage::new(now());
        let identity = match self.mx {
            Some(mx) => mx(&stage),
            None => stage.identity("mx1.example.com"),
        };
        let zone = match self.tlsa {
            true => in_order(&identity),
            false => signed(),
        };
        stage.zone(zone.records(&self.zone));
        stage.server(MX1, MailServer::new(identity).misbehaving(self.mail));
        let web = match self.web {
            Some(web) => web(&stage),
            None => stage.identity("mta-sts.example.com"),
        };
        let server = PolicyServer::new(web, self.body).misbehaving(self.faults);
        stage.policy_server(WEB, server);
        stage.start().await.unwrap()
    }

    async fn observe(self) -> Observation {
        self.start().await.observe("example.com").await.unwrap()
    }

    async fn report(self) -> Report {
        Report::of(&self.observe().await)
    }
}

#[tokio::test]
async fn a_policy_that_all_fits_is_told_and_found_nothing_wrong_with() {
    let stage = Scene::default().start().await;
    let observation = stage.observe("example.com").await.unwrap();
    let report = Report::of(&observation);
    assert_eq!(ids(&report), ["no-tlsa"]);
    let told = report.mta_sts.unwrap();
    assert_eq!(told.id.as_deref(), Some("20261122"));
    let policy = told.policy.unwrap();
    assert_eq!((policy.mode.as_str(), policy.max_age), ("enforce", 604_800));
    assert_eq!(policy.mx, ["mx1.example.com"]);
    assert_eq!(told.problem, None);
    assert!(
        told.hosts
            .iter()
            .all(|host| host.listed && host.problem.is_none())
    );
    assert_eq!(told.reports_to, ["mailto:tls@example.com"]);
    // Section 6.1: the server name of the policy host; and the request that
    // section 3.3 has.
    let requests = stage.policy_requests();
    assert_eq!(requests[0].sni.as_deref(), Some("mta-sts.example.com"));
    assert!(
        requests[0]
            .request
            .starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\r\n")
    );
    assert!(
        requests[0]
            .request
            .contains("host: mta-sts.example.com\r\n")
    );
    // And of the MX host, which no TLSA record asks for here.
    let sessions = stage.servers()[0].sessions_after(2).await;
    let names: HashSet<_> = sessions.iter().map(|session| session.sni.clone()).collect();
    assert!(
        names.contains(&Some("mx1.example.com".to_owned())),
        "{names:?}"
    );
}

#[tokio::test]
async fn nothing_is_fetched_where_nothing_is_promised() {
    for record in ["", "_mta-sts TXT \"v=spf1 -all\""] {
        let stage = Scene::with_record(record).start().await;
        let observation = stage.observe("example.com").await.unwrap();
        assert_eq!(observation.mta_sts.unwrap().fetch, None);
        assert_eq!(stage.policy_requests(), []);
        assert_eq!(stage.servers()[0].sessions_after(1).await.len(), 1);
    }
}

#[tokio::test]
async fn a_next_hop_in_brackets_has_no_policy() {
    let stage = Scene::default().start().await;
    let observation = stage.observe("[mx1.example.com]").await.unwrap();
    assert_eq!(observation.mta_sts, None);
}

#[tokio::test]
async fn a_record_that_does_not_count_is_told() {
    for (record, why) in [
        ("_mta-sts TXT \"v=STSv1;\"", "it has no field `id`"),
        (
            "_mta-sts TXT \"v=STSv1; id=a-b\"",
            "it has 1 to 32 letters and digits",
        ),
        (
            "_mta-sts TXT \"v=STSv1; id=1\"\n_mta-sts TXT \"v=STSv1; id=2\"",
            "there are 2 of them",
        ),
        ("_mta-sts TXT \"v=STSv1 id=1\"", "there is none"),
    ] {
        let report = Scene::with_record(record).report().await;
        let message = message(&report, "mta-sts-record-invalid");
        assert!(message.contains(why), "{record}: {message}");
        assert_eq!(report.mta_sts.unwrap().policy, None, "{record}");
    }
}

#[tokio::test]
async fn strings_of_a_record_and_an_alias_are_put_up_with() {
    // Section 3.1: concatenated; and "MAY return a CNAME".
    for record in [
        "_mta-sts TXT \"v=STSv1; i\" \"d=1\"",
        "_mta-sts CNAME sts\nsts TXT \"v=STSv1; id=1\"",
    ] {
        let report = Scene::with_record(record).report().await;
        assert_eq!(report.mta_sts.unwrap().id.as_deref(), Some("1"), "{record}");
    }
}

/// Section 3.3 of RFC 8461: each rule on the response, the fault that breaks
/// it, and words of the finding; none where it is no fault.
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
            Some((UNAVAILABLE, "404 in place of 200")),
        ),
        (
            "3.3 status 200",
            PolicyFault::Status(500),
            Some((UNAVAILABLE, "500 in place of 200")),
        ),
        (
            "3.3 status 200",
            PolicyFault::Status(203),
            Some((UNAVAILABLE, "203 in place of 200")),
        ),
        (
            "3.2 media type",
            PolicyFault::ContentType("text/html".into()),
            Some((UNAVAILABLE, "text/html, not text/plain")),
        ),
        (
            "3.2 media type",
            PolicyFault::ContentType(String::new()),
            Some((UNAVAILABLE, "does not call the policy text/plain")),
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
            Some((UNAVAILABLE, "no HTTP response")),
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
        assert_eq!(report.verdict, danecheck::judge::Verdict::NoDane);
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
            Some("certificate does not hold"),
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
            Some("certificate does not hold"),
        ),
        (
            "without the chain",
            |stage| stage.identity("mta-sts.example.com").sending_leaf_alone(),
            Some("neither sent"),
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
async fn a_policy_that_is_none_is_told_with_the_reason() {
    for (body, why) in [
        (
            "version: STSv1\nmode: enforce\nmax_age: 1\n",
            "it has no field `mx`",
        ),
        ("<html>", "line 1 is no field"),
        ("", "it has no field `version`"),
    ] {
        let report = Scene::saying(body).report().await;
        let message = message(&report, "mta-sts-policy-invalid");
        assert!(message.contains(why), "{message}");
    }
    let scene = Scene {
        body: b"version: STSv1\nmode: none\nmax_age: 1\nnote: \xff\n".to_vec(),
        ..Scene::default()
    };
    let report = scene.report().await;
    assert!(message(&report, "mta-sts-policy-invalid").contains("UTF-8"));
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

#[tokio::test]
async fn an_mx_host_that_the_policy_does_not_list_is_told() {
    // Section 4.1: MX host validation.
    for mx in ["mx2.example.com", "*.mx1.example.com", "*.com"] {
        let body = format!("version: STSv1\nmode: enforce\nmx: {mx}\nmax_age: 604800\n");
        let report = Scene::saying(&body).report().await;
        assert_eq!(
            ids(&report),
            [
                "mta-sts-no-host-passes",
                "mta-sts-host-not-listed",
                "no-tlsa",
                "mta-sts-pattern-unused"
            ],
            "{mx}"
        );
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
            "the common name alone",
            |stage| {
                stage
                    .issuer
                    .issue(Leaf::common_name_only("mx1.example.com"))
            },
            &[],
            Some("common name alone"),
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
            Some("no TLS comes about"),
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

#[tokio::test]
async fn what_is_not_enforced_keeps_nothing_back() {
    // Section 5: testing is reported and delivered, none is no policy.
    for (body, expected) in [
        (
            "version: STSv1\nmode: testing\nmx: mx2.example.com\nmax_age: 604800\n",
            &[
                "mta-sts-host-not-listed",
                "no-tlsa",
                "mta-sts-not-enforced",
                "mta-sts-pattern-unused",
            ][..],
        ),
        (
            "version: STSv1\nmode: none\nmax_age: 604800\n",
            &["no-tlsa", "mta-sts-not-enforced"],
        ),
    ] {
        let observation = Scene::saying(body).observe().await;
        assert_eq!(ids(&Report::of(&observation)), expected, "{body}");
        let report = Report::to(&observation, Horizon::default(), &mailcow());
        let sender = report.sender.unwrap();
        assert_eq!(sender.policy.source, "main.cf");
        assert_eq!(sender.outcome.channel, Some(Channel::Encrypted));
    }
}

#[tokio::test]
async fn an_age_that_protects_nobody_is_told() {
    for (age, odd) in [
        ("3600", true),
        ("86400", false),
        ("31557600", false),
        ("31557601", true),
    ] {
        let body = format!("version: STSv1\nmode: enforce\nmx: mx1.example.com\nmax_age: {age}\n");
        let report = Scene::saying(&body).report().await;
        assert_eq!(ids(&report).contains(&"mta-sts-max-age-odd"), odd, "{age}");
    }
}

#[tokio::test]
async fn tls_reporting_that_reaches_nobody_is_told() {
    for (record, id) in [
        ("", Some("tls-reporting-missing")),
        (
            "_smtp._tls TXT \"v=TLSRPTv1; rua=tls@example.com\"",
            Some("tls-reporting-invalid"),
        ),
        (
            "_smtp._tls TXT \"v=TLSRPT1; rua=mailto:tls@example.com\"",
            Some("tls-reporting-invalid"),
        ),
        (REPORTS, None),
    ] {
        let scene = Scene {
            zone: format!("{RECORD}\n{record}\nmta-sts A {WEB}"),
            ..Scene::default()
        };
        let report = scene.report().await;
        let told = ids(&report)
            .into_iter()
            .find(|id| id.starts_with("tls-reporting"));
        assert_eq!(told, id, "{record}");
    }
}

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
    // Made-up MX records would look the same.
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

#[tokio::test]
async fn an_observation_is_saved_and_judged_again_with_all_of_it() {
    let observation = Scene::default().observe().await;
    let saved = serde_json::to_string(&observation).unwrap();
    let again: Observation = serde_json::from_str(&saved).unwrap();
    assert_eq!(again, observation);
    assert_eq!(Report::of(&again), Report::of(&observation));
    // One from before there was any of this.
    let mut value: serde_json::Value = serde_json::from_str(&saved).unwrap();
    value.as_object_mut().unwrap().remove("mta_sts");
    let old: Observation = serde_json::from_value(value).unwrap();
    assert_eq!(Report::of(&old).mta_sts, None);
    let _: Option<MtaStsSeen> = old.mta_sts;
}
