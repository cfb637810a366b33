use std::io::Write as _;

use serde_json::json;

use super::read::finding;
use super::*;
use crate::finding::Rule;

fn report(policies: serde_json::Value) -> serde_json::Value {
    json!({
        "organization-name": "Sender Inc.",
        "date-range": {
            "start-datetime": "2026-11-26T00:00:00Z",
            "end-datetime": "2026-11-26T23:59:59Z",
        },
        "contact-info": null,
        "report-id": "1",
        "policies": policies,
    })
}

fn dane() -> serde_json::Value {
    report(json!([{
        "policy": {
            "policy-type": "TLSA",
            "policy-string": ["_25._tcp.mx.a.example. 3600 IN TLSA 3 1 1 AB12", "3 1 1 cd34"],
            "policy-domain": "A.Example.",
            "mx-host": "MX.a.example.",
        },
        "summary": {
            "total-successful-session-count": 98,
            "total-failure-session-count": 2,
        },
        "failure-details": [{
            "result-type": "Validation-Failure",
            "failed-session-count": "2",
            "receiving-mx-hostname": "mx.a.example.",
        }],
    }]))
}

fn read(bytes: &[u8]) -> Reports {
    let mut reports = Reports::default();
    reports.read("-", bytes);
    reports
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn mail(attachment: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(attachment);
    format!(
        "From: reports@sender.example\r\nTo: tls@a.example\r\n\
         Subject: Report Domain: a.example Submitter: sender.example Report-ID: <1@x>\r\n\
         TLS-Report-Domain: a.example\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=\"tlsrpt\"; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nThis is a report.\r\n\
         --b\r\nContent-Type: application/tlsrpt+gzip\r\n\
         Content-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename=\"s!a.example!1!2!1.json.gz\"\r\n\r\n\
         {body}\r\n--b--\r\n"
    )
    .into_bytes()
}

#[test]
fn a_report_is_the_same_as_json_compressed_and_in_a_mail() {
    let json = serde_json::to_vec(&dane()).unwrap();
    let plain = read(&json);
    let policy = &plain.reports[0].policies[0];
    assert_eq!(policy.domain.as_deref(), Some("a.example"));
    assert_eq!(policy.r#type, "tlsa");
    assert_eq!(policy.strings, ["3 1 1 AB12", "3 1 1 cd34"]);
    assert_eq!((policy.successful, policy.failed), (98, 2));
    let failure = &policy.failures[0];
    assert_eq!(failure.result, "validation-failure");
    assert_eq!(failure.count, 2);
    assert_eq!(failure.mx_host.as_deref(), Some("mx.a.example"));
    assert_eq!(failure.finding, Some("tlsa-mismatch"));
    assert!(failure.mail_waited);
    assert_eq!(plain.exit_status(), ExitStatus::Broken);
    for same in [
        read(&gzip(&json)),
        read(&mail(&gzip(&json))),
        read(&mail(&json)),
        read(&[b"\xef\xbb\xbf", json.as_slice()].concat()),
    ] {
        assert_eq!(same, plain);
    }
    let text = plain.human(80);
    for words in [
        "Sender Inc.",
        "98 sessions succeeded, 2 failed",
        "mail waited",
        "tlsa-mismatch",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn what_senders_leave_out_or_write_otherwise_is_read() {
    // No policy-domain: the subject has it; a list of MX hosts; sums that do
    // not add up; Microsoft's reason.
    let odd = report(json!([{
        "policy": {
            "policy-type": "sts",
            "policy-string": ["version: STSv1", "mode: enforce", "mx: mx1.a.example"],
            "mx-host": ["mx1.a.example", "mx2.a.example"],
        },
        "summary": {
            "total-successful-session-count": 5,
            "total-failure-session-count": 7,
        },
        "failure-details": [{
            "result-type": "validation-failure",
            "failed-session-count": 3,
            "failure-reason-code": "MX_HOSTS_MISMATCH",
        }],
    }]));
    let reports = read(&mail(&serde_json::to_vec(&odd).unwrap()));
    let policy = &reports.reports[0].policies[0];
    assert_eq!(policy.domain.as_deref(), Some("a.example"));
    assert_eq!(policy.failed, 7);
    assert_eq!(policy.failures[0].finding, Some("mta-sts-host-not-listed"));
    assert_eq!(policy.failures[0].mx_host.as_deref(), Some("mx1.a.example"));
    assert!(reports.reports[0].notes[0].contains("7 failed sessions"));
    assert_eq!(reports.exit_status(), ExitStatus::Broken);
}

#[test]
fn no_mail_waits_in_testing_mode_or_without_a_policy() {
    for (kind, strings, result, status) in [
        (
            "sts",
            json!(["mode: testing"]),
            "certificate-expired",
            ExitStatus::Warning,
        ),
        (
            "sts",
            json!(["mode: enforce"]),
            "certificate-expired",
            ExitStatus::Broken,
        ),
        (
            "sts",
            json!([]),
            "sts-policy-fetch-error",
            ExitStatus::Warning,
        ),
        (
            "no-policy-found",
            json!([]),
            "starttls-not-supported",
            ExitStatus::Warning,
        ),
        (
            "tlsa",
            json!([]),
            "starttls-not-supported",
            ExitStatus::Broken,
        ),
    ] {
        let one = report(json!([{
            "policy": {"policy-type": kind, "policy-string": strings, "policy-domain": "a.example"},
            "summary": {"total-successful-session-count": 0, "total-failure-session-count": 1},
            "failure-details": [{"result-type": result, "failed-session-count": 1}],
        }]));
        let reports = read(&serde_json::to_vec(&one).unwrap());
        assert_eq!(reports.exit_status(), status, "{kind} {result}");
    }
    let fine = report(json!([{
        "policy": {"policy-type": "no-policy-found", "policy-domain": "a.example"},
        "summary": {"total-successful-session-count": 3, "total-failure-session-count": 0},
    }]));
    let reports = read(&serde_json::to_vec(&fine).unwrap());
    assert_eq!(reports.exit_status(), ExitStatus::Fine);
}

#[test]
fn failures_without_details_are_not_dropped() {
    let one = report(json!([{
        "policy": {"policy-type": "tlsa", "policy-domain": "a.example"},
        "summary": {"total-successful-session-count": 0, "total-failure-session-count": 4},
    }]));
    let reports = read(&serde_json::to_vec(&one).unwrap());
    assert_eq!(reports.reports[0].policies[0].failures[0].count, 4);
    assert_eq!(reports.exit_status(), ExitStatus::Broken);
}

#[test]
fn a_report_without_policies_says_nothing_of_failures() {
    let empty = report(json!([]));
    let undated = json!({"organization-name": "S", "report-id": "1", "policies": []});
    for (one, head) in [
        (&empty, "Sender Inc., 2026-11-26 to 2026-11-26:"),
        (&undated, "S, no dates:"),
    ] {
        let reports = read(&serde_json::to_vec(one).unwrap());
        let whole = format!("{head} the report contains no policies, so it says nothing.\n");
        assert_eq!(reports.human(200), whole);
        assert_eq!(reports.exit_status(), ExitStatus::Unknown);
    }
}

#[test]
fn what_is_no_report_is_not_understood() {
    for bytes in [
        &b""[..],
        b"{}",
        b"[]",
        b"hello",
        b"\x1f\x8b\x08damaged",
        b"{\"policies\": 1}",
    ] {
        let reports = read(bytes);
        assert_eq!(reports.exit_status(), ExitStatus::Unknown, "{bytes:?}");
        assert!(reports.human(80).contains("no TLS report"));
    }
}

#[test]
fn every_result_type_is_a_finding_of_the_catalogue() {
    for result in [
        "starttls-not-supported",
        "certificate-host-mismatch",
        "certificate-expired",
        "certificate-not-trusted",
        "validation-failure",
        "tlsa-invalid",
        "dnssec-invalid",
        "dane-required",
        "sts-policy-fetch-error",
        "sts-policy-invalid",
        "sts-webpki-invalid",
    ] {
        for kind in ["tlsa", "sts", "no-policy-found"] {
            let id = finding(result, kind, "").unwrap();
            assert!(Rule::find(id).is_some(), "{id}");
        }
    }
    let id = finding("validation-failure", "sts", "MX_HOSTS_MISMATCH").unwrap();
    assert!(Rule::find(id).is_some(), "{id}");
}

/// What cannot be read is no success.
#[test]
fn a_part_that_is_not_understood_is_no_all_clear() {
    let fine = json!({
        "policy": {"policy-type": "tlsa", "policy-domain": "a.example"},
        "summary": {"total-successful-session-count": 5, "total-failure-session-count": 0},
    });
    let of = |policy: serde_json::Value| report(json!([policy])).to_string();
    let whole = of(fine.clone());
    assert_eq!(read(whole.as_bytes()).exit_status(), ExitStatus::Fine);
    let failing = dane().to_string();
    for text in [
        // The second report is cut off, or something stands before it.
        format!("{whole}\n{}", failing.split_at(failing.len() - 20).0),
        format!("{whole}\nxxx\n{failing}"),
        format!("{whole}\n{}", json!({"a": 1})),
        // No word of failures.
        of(json!({"policy": {"policy-type": "tlsa", "policy-domain": "a.example"}})),
        of(json!({
            "policy": {"policy-type": "tlsa"},
            "summary": {"total-successful-session-count": 5},
        })),
        of(json!("x")),
        of(json!({"policy": {"policyType": "tlsa"}, "failureDetails": [{}]})),
        // More than are read.
        report(vec![fine; 1001].into()).to_string(),
    ] {
        let reports = read(text.as_bytes());
        assert_eq!(reports.exit_status(), ExitStatus::Unknown, "{reports:?}");
    }
    let mut cut = gzip(whole.as_bytes());
    cut.truncate(cut.len() - 4);
    assert_eq!(read(&cut).exit_status(), ExitStatus::Unknown);
}

#[test]
fn failures_are_found_where_senders_put_them() {
    let details = json!([{"result-type": "tlsa-invalid", "failed-session-count": 3}]);
    let policy = json!({"policy-type": "tlsa", "policy-domain": "a.example"});
    let summary = |failed: serde_json::Value| json!({"total-successful-session-count": 5, "total-failure-session-count": failed});
    let count = |count: serde_json::Value| {
        json!({
            "policy": policy, "summary": summary(count.clone()),
            "failure-details": [{"result-type": "tlsa-invalid", "failed-session-count": count}],
        })
    };
    let inside = json!({"policy": {
        "policy-type": "tlsa", "policy-domain": "a.example",
        "summary": summary(3.into()), "failure-details": details,
    }});
    let list =
        json!({"policy": [policy], "summary": summary(3.into()), "failure-details": details});
    for (policies, failed) in [
        // One object for a list.
        (
            json!({"policy": policy, "summary": summary(3.into()), "failure-details": details}),
            3,
        ),
        (json!([inside]), 3),
        (json!([list]), 3),
        (json!([{"policy": policy, "failure-details": details}]), 3),
        (json!([count("1,234".into())]), 1234),
        (json!([count(" 7 ".into())]), 7),
        (json!([count(2.0.into())]), 2),
        // An entry whose number cannot be read is there all the same.
        (json!([count(serde_json::Value::Null)]), 1),
        (json!([count(true.into())]), 1),
        (json!([count((-2).into())]), 1),
    ] {
        let reports = read(report(policies).to_string().as_bytes());
        assert_eq!(reports.exit_status(), ExitStatus::Broken, "{reports:?}");
        let policy = &reports.reports[0].policies[0];
        assert_eq!(policy.failed, failed, "{policy:?}");
        assert_eq!(policy.r#type, "tlsa");
        assert_eq!(policy.domain.as_deref(), Some("a.example"));
    }
}

#[test]
fn a_policy_without_a_type_has_that_of_its_strings() {
    for (strings, kind, waited) in [
        (json!(["3 1 1 AB12"]), "tlsa", true),
        (
            json!("_25._tcp.mx.a.example. IN TLSA 2 1 1 AB12"),
            "tlsa",
            true,
        ),
        (json!(["version: STSv1", "mode: testing"]), "sts", false),
        (json!([]), "no-policy-found", false),
    ] {
        let policies = json!([{
            "policy": {"policy-domain": "a.example", "policy-string": strings},
            "failure-details": [{"result-type": "validation-failure", "failed-session-count": 2}],
        }]);
        let reports = read(report(policies).to_string().as_bytes());
        let policy = &reports.reports[0].policies[0];
        assert_eq!(policy.r#type, kind);
        assert_eq!(policy.failures[0].mail_waited, waited, "{kind}");
    }
}
