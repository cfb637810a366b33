//! One report's JSON (RFC 8460 4.4), read as senders write it: upper case, final
//! dots, texts for numbers, lists for texts.

use serde_json::Value;

use crate::text::printable;

use super::container::Content;
use super::{Failure, Policy, Report};

/// Policies of one report, and failures of one policy.
const MOST: usize = 1000;

/// Adds the reports of a text: one, several, or a list.
pub(super) fn reports(content: &Content, all: &mut Vec<Report>) {
    let values = serde_json::Deserializer::from_slice(&content.json).into_iter::<Value>();
    for value in values {
        let Ok(value) = value else {
            return;
        };
        match &value {
            Value::Array(items) => {
                for item in items {
                    all.extend(report(item, content.domain.as_deref()));
                }
            }
            other => all.extend(report(other, content.domain.as_deref())),
        }
        if all.len() >= MOST {
            return;
        }
    }
}

fn report(value: &Value, named: Option<&str>) -> Option<Report> {
    let policies = field(value, "policies")?.as_array()?;
    let range = field(value, "date-range");
    let moment = |name: &str| range.and_then(|range| text(range, name));
    let mut report = Report {
        organization: text(value, "organization-name"),
        contact: text(value, "contact-info"),
        begin: moment("start-datetime"),
        end: moment("end-datetime"),
        policies: Vec::new(),
        notes: Vec::new(),
    };
    for one in policies.iter().take(MOST) {
        let policy = policy(one, named, &mut report.notes);
        report.policies.push(policy);
    }
    if policies.len() > MOST {
        report
            .notes
            .push(format!("only the first {MOST} policies were read"));
    }
    Some(report)
}

fn policy(value: &Value, named: Option<&str>, notes: &mut Vec<String>) -> Policy {
    // Some write the fields of `policy` beside it.
    let policy = field(value, "policy")
        .filter(|policy| policy.is_object())
        .unwrap_or(value);
    let kind = text(policy, "policy-type")
        .unwrap_or_else(|| "no-policy-found".to_owned())
        .to_ascii_lowercase();
    let strings: Vec<String> = texts(policy, "policy-string");
    let mx_hosts: Vec<String> = texts(policy, "mx-host")
        .iter()
        .filter_map(|name| host(name))
        .collect();
    let domain = text(policy, "policy-domain")
        .and_then(|name| host(&name))
        .or_else(|| named.map(str::to_owned))
        .or_else(|| mx_hosts.first().cloned());
    let summary = field(value, "summary").unwrap_or(value);
    let successful = number(summary, "total-successful-session-count");
    let failed = number(summary, "total-failure-session-count");
    let is_testing = strings.iter().any(|line| {
        let line: String = line.to_ascii_lowercase().split_whitespace().collect();
        line.contains("mode:testing") || line.contains("mode:none")
    });
    let mut failures: Vec<Failure> = field(value, "failure-details")
        .map(|details| match details {
            Value::Array(items) => items.iter().take(MOST).collect(),
            Value::Null => Vec::new(),
            one => vec![one],
        })
        .unwrap_or_default()
        .into_iter()
        .map(|detail| failure(detail, &kind, is_testing, &mx_hosts))
        .collect();
    let sum: u64 = failures
        .iter()
        .fold(0, |sum, one| sum.saturating_add(one.count));
    let shown = domain
        .clone()
        .unwrap_or_else(|| "a policy without a domain".to_owned());
    if sum != failed {
        notes.push(format!(
            "{shown}: the summary counts {failed} failed sessions, the details {sum}"
        ));
    }
    let failed = failed.max(sum);
    if failures.is_empty() && failed > 0 {
        failures.push(Failure {
            result: "not-specified".to_owned(),
            count: failed,
            mx_host: mx_hosts.first().cloned(),
            receiving_ip: None,
            finding: None,
            mail_waited: waited("not-specified", &kind, is_testing),
            detail: None,
            now: None,
        });
    }
    Policy {
        domain,
        r#type: kind,
        strings: strings.iter().map(|line| record(line)).collect(),
        successful,
        failed,
        failures,
        now: None,
    }
}

fn failure(value: &Value, kind: &str, is_testing: bool, mx_hosts: &[String]) -> Failure {
    let result = text(value, "result-type")
        .unwrap_or_else(|| "not-specified".to_owned())
        .trim()
        .to_ascii_lowercase()
        .replace('_', "-");
    let reason = text(value, "failure-reason-code");
    let more = text(value, "additional-information");
    let detail: Vec<String> = reason.iter().chain(&more).cloned().collect();
    let count =
        field(value, "failed-session-count").map_or(1, |_| number(value, "failed-session-count"));
    Failure {
        count,
        mx_host: text(value, "receiving-mx-hostname")
            .and_then(|name| host(&name))
            .or_else(|| mx_hosts.first().cloned()),
        receiving_ip: text(value, "receiving-ip"),
        finding: finding(&result, kind, reason.as_deref().unwrap_or_default()),
        mail_waited: count > 0 && waited(&result, kind, is_testing),
        detail: (!detail.is_empty()).then(|| detail.join("; ")),
        now: None,
        result,
    }
}

/// The finding that a result type means (RFC 8460 4.3).
pub(super) fn finding(result: &str, kind: &str, reason: &str) -> Option<&'static str> {
    let of_dane = kind == "tlsa";
    let not_listed = reason.to_ascii_uppercase().contains("MX_HOSTS_MISMATCH")
        || reason.to_ascii_uppercase().contains("MX-MISMATCH");
    Some(match result {
        "starttls-not-supported" => "starttls-not-offered",
        _ if !of_dane && not_listed => "mta-sts-host-not-listed",
        "certificate-host-mismatch" if of_dane => "dane-ta-name-mismatch",
        "certificate-expired" if of_dane => "dane-ta-certificate-expired",
        "certificate-not-trusted" if of_dane => "dane-ta-chain-refused",
        // Senders call a certificate that matches no record by either name.
        "validation-failure" | "tlsa-invalid" if of_dane => "tlsa-mismatch",
        "tlsa-invalid" => "tlsa-mismatch",
        "dnssec-invalid" => "tlsa-lookup-failed",
        "dane-required" => "no-tlsa",
        "sts-policy-fetch-error" | "sts-webpki-invalid" => "mta-sts-policy-unavailable",
        "sts-policy-invalid" => "mta-sts-policy-invalid",
        "certificate-host-mismatch"
        | "certificate-expired"
        | "certificate-not-trusted"
        | "validation-failure" => "mta-sts-host-fails",
        _ => return None,
    })
}

/// Whether mail waited for a failed session.
fn waited(result: &str, kind: &str, is_testing: bool) -> bool {
    let of_policy = matches!(
        result,
        "sts-policy-fetch-error" | "sts-policy-invalid" | "sts-webpki-invalid"
    );
    // Without a policy, and with a policy that cannot be used, mail flows as
    // before (RFC 8461 5). DANE fails closed (RFC 7672 2.2).
    match kind {
        "tlsa" => true,
        "sts" => !is_testing && !of_policy,
        "no-policy-found" => {
            matches!(result, "tlsa-invalid" | "dnssec-invalid" | "dane-required")
        }
        _ => true,
    }
}

/// `3 1 1 ab12...` of a whole record.
fn record(line: &str) -> String {
    let upper = line.to_ascii_uppercase();
    match upper.find(" TLSA ") {
        Some(at) => line.get(at + 6..).unwrap_or(line).trim().to_owned(),
        None => line.trim().to_owned(),
    }
}

/// A field by its name, in any case, and with `_` for `-`.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    fields.get(name).or_else(|| {
        fields
            .iter()
            .find(|(key, _)| key.replace('_', "-").eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

fn text(value: &Value, name: &str) -> Option<String> {
    texts(value, name).into_iter().next()
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::String(text) if !text.trim().is_empty() => Some(printable(text.trim())),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match field(value, name) {
        Some(Value::Array(items)) => items.iter().filter_map(one).take(MOST).collect(),
        Some(other) => one(other).into_iter().collect(),
        None => Vec::new(),
    }
}

fn number(value: &Value, name: &str) -> u64 {
    match field(value, name) {
        Some(Value::Number(number)) => number
            .as_u64()
            .unwrap_or_else(|| number.as_f64().map_or(0, |number| number.max(0.0) as u64)),
        Some(Value::String(text)) => text.trim().parse().unwrap_or(0),
        _ => 0,
    }
}

/// A name in lower case, without its final dot.
fn host(name: &str) -> Option<String> {
    let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
    (!name.is_empty()).then_some(name)
}
