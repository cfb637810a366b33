//! One report's JSON (RFC 8460 4.4), read as senders write it: upper case, final
//! dots, texts for numbers, lists for texts.

use serde_json::Value;

use crate::text::printable;

use super::container::Content;
use super::{Failure, Policy, Report};

/// Policies of one report, and failures of one policy.
const MOST: usize = 1000;

/// Adds the reports of a text: one, several, or a list. `false` where a part of it
/// was not understood.
pub(super) fn reports(content: &Content, all: &mut Vec<Report>) -> bool {
    let mut understood = true;
    let values = serde_json::Deserializer::from_slice(&content.json).into_iter::<Value>();
    for value in values {
        let Ok(value) = value else {
            return false;
        };
        let items = match &value {
            Value::Array(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        };
        for item in items {
            if all.len() >= MOST {
                return false;
            }
            match report(item, content.domain.as_deref()) {
                Some((report, whole)) => {
                    all.push(report);
                    understood &= whole;
                }
                None => understood = false,
            }
        }
    }
    understood
}

/// A report, and whether all of it was understood.
fn report(value: &Value, named: Option<&str>) -> Option<(Report, bool)> {
    let policies = match field(value, "policies")? {
        Value::Array(policies) => policies.as_slice(),
        one if one.is_object() => std::slice::from_ref(one),
        _ => return None,
    };
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
    let mut understood = true;
    for one in policies.iter().take(MOST) {
        let (policy, whole) = policy(one, named, &mut report.notes);
        report.policies.push(policy);
        understood &= whole;
    }
    if policies.len() > MOST {
        report
            .notes
            .push(format!("only the first {MOST} policies were read"));
        understood = false;
    }
    Some((report, understood))
}

/// A policy, and whether it says how many sessions failed.
fn policy(value: &Value, named: Option<&str>, notes: &mut Vec<String>) -> (Policy, bool) {
    // Some write the fields of `policy` beside it, and some what is beside it inside.
    let policy = match field(value, "policy") {
        Some(Value::Array(policies)) => policies.first(),
        other => other,
    };
    let policy = policy.filter(|policy| policy.is_object()).unwrap_or(value);
    let beside = |name: &str| field(value, name).or_else(|| field(policy, name));
    let strings: Vec<String> = texts(policy, "policy-string");
    let kind = text(policy, "policy-type").map_or_else(
        || of_strings(&strings).to_owned(),
        |kind| kind.to_ascii_lowercase(),
    );
    let mx_hosts: Vec<String> = texts(policy, "mx-host")
        .iter()
        .filter_map(|name| host(name))
        .collect();
    let domain = text(policy, "policy-domain")
        .and_then(|name| host(&name))
        .or_else(|| named.map(str::to_owned))
        .or_else(|| mx_hosts.first().cloned());
    let summary = beside("summary").unwrap_or(value);
    let successful = number(summary, "total-successful-session-count").unwrap_or(0);
    let counted = number(summary, "total-failure-session-count");
    let failed = counted.unwrap_or(0);
    let is_testing = strings.iter().any(|line| {
        let line: String = line.to_ascii_lowercase().split_whitespace().collect();
        line.contains("mode:testing") || line.contains("mode:none")
    });
    let mut failures: Vec<Failure> = beside("failure-details")
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
    let understood = counted.is_some() || !failures.is_empty();
    if !understood {
        notes.push(format!("{shown}: it does not say how many sessions failed"));
    }
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
    let policy = Policy {
        domain,
        r#type: kind,
        strings: strings.iter().map(|line| record(line)).collect(),
        successful,
        failed,
        failures,
        now: None,
    };
    (policy, understood)
}

/// The type of a policy that names none.
fn of_strings(strings: &[String]) -> &'static str {
    let Some(first) = strings.first() else {
        return "no-policy-found";
    };
    let record = record(first);
    let mut fields = record.split_whitespace().take(3);
    let is_number = |field: &str| field.parse::<u8>().is_ok();
    if first.to_ascii_lowercase().contains("stsv1") {
        "sts"
    } else if fields.clone().count() == 3 && fields.all(is_number) {
        "tlsa"
    } else {
        "no-policy-found"
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
    // An entry without a number that can be read is there all the same.
    let count = number(value, "failed-session-count").unwrap_or(1);
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

fn number(value: &Value, name: &str) -> Option<u64> {
    match field(value, name)? {
        Value::Number(number) => number.as_u64().or_else(|| {
            let number = number.as_f64().filter(|number| *number >= 0.0)?;
            Some(number as u64)
        }),
        Value::String(text) => {
            let digits: String = text
                .chars()
                .filter(|c| !matches!(c, ',' | '\'' | '_' | ' ' | '\u{a0}'))
                .collect();
            digits.parse().ok()
        }
        _ => None,
    }
}

/// A name in lower case, without its final dot.
fn host(name: &str) -> Option<String> {
    let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
    (!name.is_empty()).then_some(name)
}
