//! MTA-STS (RFC 8461) and TLS reporting on stage: the policy over HTTPS
//! (section 3.3), the MX hosts against it (section 4), and what happens to
//! mailcow's mail. The rules on the texts themselves (sections 3.1 and 3.2)
//! are in `src/mta_sts/tests.rs` of the core.

mod mailcow;
mod mx_hosts;
mod policy_host;
mod scene;

use std::collections::HashSet;

use danecheck_core::judge::{Channel, Horizon};
use danecheck_core::observation::{MtaStsSeen, Observation};
use danecheck_core::report::Report;

use crate::support::{ids, mailcow, message};
use scene::{RECORD, REPORTS, Scene, WEB};

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
            "it has to be 1 to 32 letters and digits",
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

#[tokio::test]
async fn a_policy_that_is_none_is_told_with_the_reason() {
    for (body, why) in [
        (
            "version: STSv1\nmode: enforce\nmax_age: 1\n",
            "it has no field `mx`",
        ),
        ("<html>", "line 1 is not of the form"),
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
async fn what_is_not_enforced_keeps_nothing_back() {
    // Section 5: with mode testing senders report and deliver; mode none is no
    // policy.
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
