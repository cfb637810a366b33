//! What the fuzz targets in `fuzz/` call: each function takes arbitrary bytes,
//! and panics if a promise is broken. `cargo test` calls them with the seeds.

use crate::certificate::{
    Certificate, ReferenceName, leaf_key_failure, matches_pattern, presented_chain,
};
use crate::diagnosis::{Diagnosis, Question};
use crate::entry::{Language, SYSTEMS, Written};
use crate::evidence::{Kind, Reading};
use crate::glossary::look_up;
use crate::matching::{
    RecordOutcome, fingerprints, match_dane, match_fingerprints, served_records, verify_pkix,
};
use crate::next_hop::{NextHop, NextHopError};
use crate::observation::Observation;
use crate::report::{
    Detail, ExitStatus, FailOn, Github, HumanStyle, JUnit, Markdown, Nagios, Prometheus, Report,
    Writer, exit_status, human, json,
};
use crate::text::{is_harmless, printable, shown, to_json};
use crate::tlsa::{CertificateUsage, MatchingType, Selector, TlsaRecord, usability_of_rrset};
use crate::tlsrpt::Reports;
use crate::unix_time::UnixTime;

/// The time at which certificates are judged; that of the fixtures.
const NOW: UnixTime = UnixTime(1_795_312_923);

/// Certificates one after the other, leaf first, matched with the records and
/// pins for them.
pub fn certificate(data: &[u8]) {
    let chain = presented_chain(&split_der(data));
    let now = NOW;
    let mut records: Vec<TlsaRecord> = Vec::new();
    for served in served_records(&chain) {
        records.push(served.record);
    }
    for certificate in chain.iter().flatten() {
        let object = [
            (Selector::CERT, certificate.der()),
            (Selector::SPKI, certificate.spki_der()),
        ];
        for (selector, object) in object {
            for matching in [MatchingType::FULL, MatchingType::SHA2_512] {
                let usage = CertificateUsage::DANE_TA;
                records.extend(TlsaRecord::for_object(usage, selector, matching, object));
            }
        }
    }
    let names: Vec<String> = chain
        .iter()
        .flatten()
        .flat_map(|certificate| certificate.dns_names().iter().take(2).map(str::to_owned))
        .collect();
    let matching = match_dane(&records, &chain, &names, now);
    assert_eq!(matching.records.len(), records.len());
    if let (Some(Ok(_)), Some(first)) = (chain.first(), matching.records.first()) {
        // DANE-EE(3) requires nothing but the key.
        assert!(
            !matches!(first, RecordOutcome::NoMatch),
            "a served record does not match"
        );
    }
    let names: Vec<ReferenceName> = names
        .iter()
        .map(|name| ReferenceName::parse(name))
        .collect();
    let store: Vec<Certificate> = chain.iter().flatten().skip(1).cloned().collect();
    let _ = verify_pkix(&chain, &store, &names, now);
    if let Some(Ok(leaf)) = chain.first() {
        let own = fingerprints(leaf).certificate_sha256;
        assert!(match_fingerprints(leaf, &[own]).is_ok() || leaf_key_failure(leaf).is_some());
        let _ = leaf.key().description();
        let _ = (leaf.subject().to_string(), leaf.issuer().to_string());
    }
}

/// Splits at the lengths that the DER gives.
fn split_der(mut data: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while !data.is_empty() && all.len() < 8 {
        let length = match data {
            [0x30, short @ 0..=0x7f, ..] => 2 + usize::from(*short),
            [0x30, 0x81, length, ..] => 3 + usize::from(*length),
            [0x30, 0x82, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
            _ => data.len(),
        };
        let (one, rest) = data.split_at(length.min(data.len()));
        all.push(one);
        data = rest;
    }
    all
}

/// TLSA rdata, each after its length in one byte, matched with a chain in which
/// one certificate is unrelated.
pub fn tlsa(data: &[u8]) {
    let mut records = Vec::new();
    let mut rest = data;
    while let Some((length, tail)) = rest.split_first()
        && records.len() < 200
    {
        let (rdata, tail) = tail.split_at(usize::from(*length).min(tail.len()));
        records.push(TlsaRecord::from_rdata(rdata));
        rest = tail;
    }
    for record in &records {
        assert_eq!(record.to_string().parse().as_ref(), Ok(record));
    }
    let _ = usability_of_rrset(&records);
    let leaf = include_bytes!("../../../fixtures/certificates/rsa-leaf.der");
    let chain = presented_chain(&[&leaf[..], data]);
    let matching = match_dane(&records, &chain, &["mx.example.com".to_owned()], NOW);
    assert_eq!(matching.records.len(), records.len());
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(record) = text.parse::<TlsaRecord>()
    {
        assert_eq!(record.to_string().parse(), Ok(record));
    }
}

/// What people have in their hands when mail waits, and reports of TLS: the same
/// for every way to cut it into pieces, within bounds, harmless to print.
pub fn evidence(data: &[u8]) {
    log(data);
    let mut reports = Reports::default();
    reports.read("report.json", data);
    harmless_page(&reports.human(80));
    harmless_page(&to_json(&reports));
    bounded(&serde_json::to_value(&reports).unwrap_or_default());
    if let Ok(text) = std::str::from_utf8(data) {
        harmless_page(&look_up(text).human(80));
    }
}

/// What users write or hand over: next hops, names, logs.
pub fn text(data: &[u8]) {
    log(data);
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let clean = printable(text);
    assert!(clean.chars().count() <= 403);
    harmless_page(&shown(&clean));
    let line = to_json(&text);
    harmless_page(&line);
    assert_eq!(
        serde_json::from_str::<String>(&line).ok().as_deref(),
        Some(text)
    );
    match text.parse::<NextHop>() {
        Ok(next_hop) => {
            let written = next_hop.policy_key();
            assert_eq!(written.parse::<NextHop>().as_ref(), Ok(&next_hop));
            assert!(written.chars().all(is_harmless) && !written.contains(char::is_whitespace));
        }
        // A whole report takes long, so only some inputs get one.
        Err(error) if text.len() % 8 == 0 => refused(text, &error),
        Err(_) => {}
    }
    let (first, second) = text.split_once(' ').unwrap_or((text, "TLSA"));
    let _ = matches_pattern(first, second);
    let _ = ReferenceName::parse(text).address();
}

/// A log gives the same result for every way to cut it into pieces.
fn log(data: &[u8]) {
    let mut whole = Reading::default();
    whole.bytes(data);
    let explanation = whole.triage();
    let mut pieces = Reading::default();
    let (head, tail) = data.split_at(data.len() / 2);
    pieces.bytes(head);
    pieces.bytes(tail);
    assert_eq!(pieces.triage(), explanation);
    harmless_page(&explanation.human(80));
    harmless_page(&explanation.table(80));
    // Never an all-clear from what nobody understood.
    let understood: u64 = explanation
        .inputs
        .iter()
        .map(|input| input.understood)
        .sum();
    let is_empty_queue = explanation
        .inputs
        .iter()
        .any(|input| input.kind == Kind::PostqueueList);
    assert!(
        understood > 0 || is_empty_queue || explanation.exit_status() != ExitStatus::Fine,
        "an all-clear from nothing"
    );
    harmless_page(&to_json(&explanation));
    bounded(&serde_json::to_value(&explanation).unwrap_or_default());
}

fn refused(text: &str, error: &NextHopError) {
    let report = Report::on_invalid_target(text, error, NOW);
    let status = hold(&report);
    assert_eq!(status, ExitStatus::Unknown);
}

/// A saved observation.
pub fn observation(data: &[u8]) {
    let Ok(observation) = serde_json::from_slice::<Observation>(data) else {
        return;
    };
    if !observation.has_known_format() {
        return;
    }
    let diagnosis = Diagnosis::of(&Question::of(&observation));
    hold(&Report::new(&diagnosis));
    if let Some(request) = diagnosis.entry_request(Language::De) {
        for system in SYSTEMS {
            match system.write(&request) {
                Written::Entry { text, beside } => {
                    harmless_page(&text);
                    harmless_page(&beside.unwrap_or_default());
                }
                Written::NotNeeded(why) | Written::Inexpressible(why) => harmless_page(&why),
            }
        }
    }
    // A saved observation is judged like the original.
    let saved = serde_json::to_string(&observation).unwrap_or_default();
    let replayed: Result<Observation, _> = serde_json::from_str(&saved);
    assert_eq!(replayed.ok().as_ref(), Some(&observation));
}

/// What is true of every report in every format.
fn hold(report: &Report) -> ExitStatus {
    let line = json(report);
    assert!(!line.contains('\n'));
    let read: Result<Report, _> = serde_json::from_str(&line);
    assert_eq!(read.ok().as_ref(), Some(report));
    harmless_page(&line);
    bounded(&serde_json::from_str(&line).unwrap_or_default());
    for detail in [Detail::Short, Detail::Full, Detail::Everything] {
        for width in [20, 80] {
            let style = HumanStyle {
                width,
                detail,
                ..HumanStyle::default()
            };
            harmless_page(&human(report, style));
        }
    }
    let status = exit_status(report, false, FailOn::Warning);
    let writers: [Box<dyn Writer>; 4] = [
        Box::new(Nagios::default()),
        Box::new(Prometheus::default()),
        Box::new(JUnit::default()),
        Box::new(Markdown::default()),
    ];
    // Its lines are commands; only their text comes from the input.
    for line in Github.report(report, status).lines() {
        let text = line.splitn(3, "::").nth(2);
        harmless_page(text.unwrap_or(line));
    }
    for mut writer in writers {
        harmless_page(&writer.report(report, status));
        harmless_page(&writer.end());
    }
    let entries = &report.recommendation.entries;
    if let Some(line) = &entries.postfix {
        assert!(line.chars().all(is_harmless), "{line:?}");
    }
    status
}

/// Lines that control neither a terminal nor a workflow runner (after the
/// `ActionCommand` of GitHub's).
fn harmless_page(page: &str) {
    for line in page.lines() {
        let command = line.trim_start().strip_prefix("::");
        let is_command = command.is_some_and(|rest| rest.contains("::"));
        assert!(
            !is_command && !line.contains("##["),
            "{line:?} is a command"
        );
    }
    for character in page.chars() {
        assert!(
            character == '\n' || is_harmless(character),
            "{character:?} on the page"
        );
    }
}

/// No text is endless.
fn bounded(value: &serde_json::Value) {
    match value {
        serde_json::Value::String(text) => {
            assert!(text.len() <= LONGEST_TEXT, "{} bytes of text", text.len());
        }
        serde_json::Value::Array(values) => values.iter().for_each(bounded),
        serde_json::Value::Object(fields) => fields.values().for_each(bounded),
        _ => {}
    }
}

/// Bytes of the longest text in a report.
const LONGEST_TEXT: usize = 20_000;

#[cfg(test)]
#[path = "../../../fuzz/feed.rs"]
#[expect(clippy::disallowed_methods, reason = "a test may read its seeds")]
mod feed;

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test may read its seeds")]
mod tests {
    use super::feed::feed;
    use super::*;
    use serde_json::{Value, json};
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_target_holds_with_its_seeds() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        type Target = fn(&[u8]);
        let targets: [(Target, &str, usize); 4] = [
            (tlsa, "fuzz/seeds/tlsa", 5),
            (text, "fuzz/seeds/text", 5),
            (evidence, "fuzz/seeds/evidence", 5),
            (certificate, "fixtures/certificates", 20),
        ];
        for (target, folder, few) in targets {
            assert!(feed(target, top.join(folder), &[]) > few, "{folder}");
        }
    }

    #[test]
    fn recorded_observations_hold() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join("fixtures/postfix");
        let mut seen = 0;
        // Only some: other tests judge all, and the formats are similar.
        for entry in fs::read_dir(folder).unwrap().step_by(10) {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            let fixture: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            let saved = serde_json::to_vec(&fixture["observation"]).unwrap();
            assert!(serde_json::from_slice::<Observation>(&saved).is_ok());
            observation(&saved);
            seen += 1;
        }
        assert!(seen > 50);
    }

    /// The paths of all texts in a value; places in lists count as one.
    fn texts(value: &Value, path: &str, kind: &str, all: &mut BTreeMap<String, String>) {
        match value {
            Value::String(_) => drop(all.insert(kind.to_owned(), path.to_owned())),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    texts(item, &format!("{path}/{index}"), &format!("{kind}/*"), all);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    texts(
                        field,
                        &format!("{path}/{name}"),
                        &format!("{kind}/{name}"),
                        all,
                    );
                }
            }
            _ => {}
        }
    }

    #[test]
    fn no_text_of_an_observation_gets_out_as_it_came() {
        let escapes = "\u{1b}[2J\u{1b}]0;t\u{7}\r\n\u{9b}31m\u{202e}\u{2066}\u{200b}\u{feff}\0";
        let hostile = [escapes.to_owned(), escapes.repeat(800), "x".repeat(24_000)];
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join("fixtures/postfix");
        let mut paths: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        let mut tried = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for path in paths {
            let fixture: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            let mut whole = fixture["observation"].clone();
            // Fields that the lab's resolvers leave out.
            whole["cuts"] = json!([
                "Something.",
                {"records": {"name": "mx.example", "record_type": "A", "bound": 100}},
                {"policy": {"host": "mta-sts.example"}},
                {"signatures": {"record_sets": ["example. A"], "has_others": false}},
                {"time": {"missing": ["192.0.2.1"], "others": 0}},
            ]);
            if whole["mx"].is_object() {
                whole["mx"]["own"] = json!({
                    "status": "bogus",
                    "reason": "a signature expired",
                    "weak_link": {
                        "zone": "example.",
                        "record_set": "example. DNSKEY",
                        "fault": "signature-missing",
                    },
                });
            }
            let mut found = BTreeMap::new();
            texts(&whole, "", "", &mut found);
            for (kind, path) in found {
                if !tried.insert(kind.clone()) {
                    continue;
                }
                for text in &hostile {
                    let mut bent = whole.clone();
                    *bent.pointer_mut(&path).unwrap() = text.as_str().into();
                    let saved = serde_json::to_vec(&bent).unwrap();
                    if serde_json::from_slice::<Observation>(&saved).is_ok() {
                        taken.insert(
                            kind.rsplit('/')
                                .find(|part| *part != "*")
                                .unwrap()
                                .to_owned(),
                        );
                        observation(&saved);
                    }
                }
            }
        }
        let taken: Vec<&str> = taken.iter().map(String::as_str).collect();
        assert_eq!(
            taken,
            [
                "addresses",
                "alert",
                "aliases",
                "bad",
                "base_domain",
                "body",
                "certificates",
                "chain",
                "cipher",
                "content_type",
                "cuts",
                "group",
                "host",
                "lines",
                "missing",
                "name",
                "reason",
                "record_set",
                "record_sets",
                "records",
                "refused",
                "rname",
                "sni",
                "source",
                "text",
                "unknown",
                "version",
                "zone"
            ]
        );
    }
}
