//! What a report has to say, and what it must not.

use serde_json::Value;

use crate::cases::{Case, Word};
use crate::ground::DOMAIN;

/// What a report did not keep.
pub(crate) fn faults(case: &Case, line: &str) -> Vec<String> {
    let report: Value = match serde_json::from_str(line) {
        Ok(report) => report,
        Err(error) => return vec![format!("no report: {error}: {line:?}")],
    };
    let mut faults = Vec::new();
    let schema = danecheck_core::report::schema();
    if let Err(error) = jsonschema::validate(&schema, &report) {
        faults.push(format!("the report breaks the schema: {error}"));
    }
    if let Some(text) = harmful(&report) {
        faults.push(format!("a text that can do harm: {text:?}"));
    }
    if case.has_rest && !rest_is_told(&report) {
        faults.push("the rest is not reported".to_owned());
    }
    for id in case.findings {
        if !raises(&report, id) {
            faults.push(format!("{id} is not among the findings"));
        }
    }
    if !line.contains(case.says) {
        faults.push(format!("nowhere does it say {:?}", case.says));
    }
    let verdict = report["verdict"].as_str().unwrap_or_default();
    if !case.verdicts.is_empty() && !case.verdicts.contains(&verdict) {
        faults.push(format!("the verdict is {verdict}"));
    }
    for word in &case.words {
        match word {
            Word::NotInsecure => faults.extend(downgrades(&report)),
            Word::NotClear => faults.extend(all_clears(&report)),
        }
    }
    if case.costs_work {
        faults.extend(untold(&report));
    }
    if !faults.is_empty() {
        faults.push(line.chars().take(3000).collect());
    }
    faults
}

fn raises(report: &Value, id: &str) -> bool {
    let findings = report["findings"].as_array();
    findings.is_some_and(|all| all.iter().any(|finding| finding["id"] == id))
}

/// Every lookup in a report.
fn lookups<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("validated") {
                found.push(value);
            }
            fields.values().for_each(|value| lookups(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| lookups(value, found)),
        _ => {}
    }
}

/// Answers of the domain that are taken for those of an unsigned zone.
fn downgrades(report: &Value) -> Vec<String> {
    let mut all = Vec::new();
    lookups(report, &mut all);
    let in_domain = |lookup: &&Value| {
        let name = lookup["name"].as_str().unwrap_or_default();
        name.trim_end_matches('.').ends_with(DOMAIN)
    };
    all.into_iter()
        .filter(in_domain)
        .filter(|lookup| {
            lookup["validated"]["status"] == "insecure"
                || (lookup["status"] == "insecure" && lookup["known_by"] == "own-validation")
        })
        .map(|lookup| format!("{} {} is insecure", lookup["name"], lookup["type"]))
        .collect()
}

/// What is said to be well.
fn all_clears(report: &Value) -> Vec<String> {
    let mut clears = Vec::new();
    if report["verdict"] == "dane-ok" {
        clears.push("the verdict is dane-ok".to_owned());
    }
    for host in report["hosts"].as_array().into_iter().flatten() {
        let addresses = host["addresses"].as_array();
        let authenticated = |address: &&Value| address["dane"] == "authenticated";
        if host["name"] != "good.example.test"
            && let Some(address) = addresses.into_iter().flatten().find(authenticated)
        {
            let address = &address["address"];
            clears.push(format!("{} at {address} is authenticated", host["name"]));
        }
    }
    clears
}

/// What could not be judged, and no word why.
fn untold(report: &Value) -> Vec<String> {
    let mut all = Vec::new();
    lookups(report, &mut all);
    let mut untold: Vec<String> = all
        .iter()
        .map(|lookup| (lookup, &lookup["validated"]))
        .filter(|(_, own)| own["status"] == "indeterminate")
        .filter(|(_, own)| own["reason"].is_null() && own["weak_link"].is_null())
        .map(|(lookup, _)| format!("{} {}: no reason", lookup["name"], lookup["type"]))
        .collect();
    if report["verdict"] == "indeterminate"
        && report["findings"].as_array().is_none_or(Vec::is_empty)
    {
        untold.push("indeterminate, and no finding says why".to_owned());
    }
    untold
}

/// Whether the healthy MX host was checked to the end, and is authenticated.
fn rest_is_told(report: &Value) -> bool {
    let hosts = report["hosts"].as_array().cloned().unwrap_or_default();
    hosts.iter().any(|host| {
        let address = &host["addresses"][0];
        host["name"] == "good.example.test"
            && address["dane"] == "authenticated"
            && address["sessions"][0]["end"] == "completed"
    })
}

/// A text in the report that steers a terminal, or has no end.
fn harmful(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let characters: Vec<char> = text.chars().collect();
            let clean = characters.chunks(100).all(|piece| {
                let piece: String = piece.iter().collect();
                danecheck_core::report::printable(&piece) == piece
            });
            (!clean || text.len() > 20_000).then(|| characters.iter().take(200).collect())
        }
        Value::Array(values) => values.iter().find_map(harmful),
        Value::Object(fields) => fields.values().find_map(harmful),
        _ => None,
    }
}
