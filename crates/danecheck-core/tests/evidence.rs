//! The corpus of evidence: each input of `fixtures/evidence`, a folder for each
//! form, gives the kind, counts, causes and next hops of `expected.json`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads files"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use danecheck_core::evidence::{Kind, Reading, Triage};
use danecheck_core::judge::Action;
use danecheck_core::report::{Entries, to_json};
use serde_json::{Value, json};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/evidence")
}

fn read(bytes: &[u8], piece: usize) -> Triage {
    let mut reading = Reading::default();
    reading.begin("input");
    for piece in bytes.chunks(piece) {
        reading.bytes(piece);
    }
    reading.triage()
}

fn word(kind: Kind) -> Value {
    serde_json::to_value(kind).unwrap()
}

/// What a triage says, in the words of `expected.json`, as far as these ask.
fn said(triage: &Triage, expected: &Value) -> Value {
    let has = |name: &str| expected.get(name).is_some();
    let first = triage
        .inputs
        .iter()
        .find(|input| word(input.kind) == expected["kind"])
        .unwrap_or(&triage.inputs[0]);
    let causes: BTreeMap<&str, u64> = triage
        .causes
        .iter()
        .map(|cause| (cause.id, cause.deferred + cause.bounced))
        .filter(|(_, count)| *count > 0)
        .collect();
    let of_hops = |take: &dyn Fn(usize) -> Value| -> BTreeMap<&str, Value> {
        let hops = triage.next_hops.iter().enumerate();
        hops.map(|(at, hop)| (hop.name.as_str(), take(at)))
            .collect()
    };
    let hop = |at: usize| &triage.next_hops[at];
    let warned: BTreeMap<&str, Vec<&str>> = triage
        .causes
        .iter()
        .filter(|cause| cause.remarks > 0)
        .map(|cause| {
            let names = cause.warned_next_hops.iter();
            (cause.id, names.map(|hop| hop.name.as_str()).collect())
        })
        .collect();
    let mut value = json!({
        "kind": word(first.kind),
        "records": first.records,
        "understood": first.understood,
        "causes": causes,
        "next_hops": of_hops(&|at| (hop(at).waiting + hop(at).returned).into()),
        "exit": triage.exit_status() as u8,
    });
    for (name, count) in [
        ("other", triage.other),
        ("untried", triage.untried),
        ("unnamed", triage.other_next_hops),
    ] {
        if count > 0 || has(name) {
            value[name] = count.into();
        }
    }
    if !warned.is_empty() || has("warned") {
        value["warned"] = json!(warned);
    }
    if has("certainty") {
        value["certainty"] = json!(of_hops(&|at| json!(hop(at).certainty)));
    }
    if has("since") {
        value["since"] = json!(of_hops(&|at| json!(hop(at).since)));
    }
    if triage.common_fault.is_some() || has("common") {
        value["common"] = json!(triage.common_fault.as_ref().map(|fault| fault.cause));
    }
    if has("also") {
        let kinds: Vec<Value> = triage.inputs.iter().map(|input| word(input.kind)).collect();
        let also = kinds.contains(&expected["also"]);
        value["also"] = if also {
            expected["also"].clone()
        } else {
            json!(kinds)
        };
    }
    if let Some(note) = expected.get("note").and_then(Value::as_str) {
        let notes: Vec<&String> = triage
            .inputs
            .iter()
            .flat_map(|input| &input.notes)
            .collect();
        let is_there = notes.iter().any(|one| one.contains(note));
        value["note"] = if is_there { note.into() } else { json!(notes) };
    }
    if has("loose") {
        // Lines around it count for one form or the other.
        value["records"] = expected["records"].clone();
        value["loose"] = true.into();
    }
    value
}

#[test]
fn every_input_of_the_corpus_is_understood_as_it_should_be() {
    let mut inputs = 0;
    let mut wrong = Vec::new();
    for folder in fs::read_dir(corpus()).unwrap() {
        let folder = folder.unwrap().path();
        let expected = fs::read(folder.join("expected.json")).unwrap();
        let expected: BTreeMap<String, Value> = serde_json::from_slice(&expected).unwrap();
        let mut files: Vec<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "expected.json")
            .collect();
        files.sort();
        assert_eq!(files, expected.keys().cloned().collect::<Vec<_>>());
        for (name, expected) in &expected {
            let bytes = fs::read(folder.join(name)).unwrap();
            let whole = read(&bytes, 1 << 20);
            let got = said(&whole, expected);
            if got != *expected {
                wrong.push(format!(
                    "{}/{name}:\n  {expected}\n  {got}",
                    folder.display()
                ));
            }
            // Wherever the bytes are cut.
            for piece in [1, 7, 100] {
                if read(&bytes, piece) != whole {
                    wrong.push(format!("{name}: another result in pieces of {piece}"));
                }
            }
            for text in [whole.human(80), whole.table(80)] {
                for line in text.lines() {
                    assert!(line.chars().count() <= 80, "{name}: {line}");
                }
            }
            inputs += 1;
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    assert!(inputs >= 120, "{inputs}");
}

#[test]
fn several_inputs_are_one_triage() {
    let mut reading = Reading::default();
    for (name, bytes) in [
        (
            "one",
            &b"to=<u@a.example>, relay=none, status=deferred (no TLSA records found)"[..],
        ),
        ("two", b"hello"),
        ("three", b"Mail queue is empty\n"),
    ] {
        reading.begin(name);
        reading.bytes(bytes);
    }
    let triage = reading.triage();
    let kinds: Vec<Kind> = triage.inputs.iter().map(|input| input.kind).collect();
    assert_eq!(
        kinds,
        [Kind::PostfixLog, Kind::Unknown, Kind::PostqueueList]
    );
    assert_eq!(triage.next_hops.len(), 1);
}

#[test]
fn forty_next_hops_fit_two_screens() {
    let mut reading = Reading::default();
    for number in 0..40 {
        let domain = format!("d{number}.operator{}.example", number % 2);
        reading.bytes(
            format!(
                "to=<u@{domain}>, relay=mx.{domain}[192.0.2.7]:25, status=deferred (Server \
                 certificate not verified)\n"
            )
            .as_bytes(),
        );
    }
    let table = reading.triage().table(80);
    assert!(table.contains("d39.operator1.example"), "{table}");
    assert!(table.lines().count() <= 55, "{table}");
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
}

/// What looks at the next hops of a triage would add, with a caution for all but
/// the first.
fn looked(mut triage: Triage) -> Triage {
    for (number, hop) in triage.next_hops.iter_mut().enumerate() {
        hop.action = Some(Action::Override);
        hop.entries = Some(Entries {
            postfix: Some(format!("{}  encrypt", hop.name)),
            ..Entries::default()
        });
        hop.caution = (number > 0).then(|| {
            "An attacker between you and the receiver looks exactly like this. Check from another \
             network, or ask the receiver by phone, before you set it."
                .to_owned()
        });
    }
    triage
}

fn stuck(next_hops: usize) -> Triage {
    let texts = [
        "Server certificate not verified",
        "TLS is required, but was not offered by host mx.HOP[192.0.2.7]",
        "TLSA lookup error for mx.HOP:25",
        "Cannot start TLS: handshake failure",
        "non DNSSEC destination",
        "TLS is required, but host mx.HOP[192.0.2.7] refused to start TLS: 454 later",
    ];
    let mut reading = Reading::default();
    for number in 0..next_hops {
        // Of one operator: no fault of this machine.
        let hop = format!("c{number}.operator.example");
        let text = texts[number % texts.len()].replace("HOP", &hop);
        let line = format!(
            "to=<u@{hop}>, relay=mx.{hop}[192.0.2.7]:25, dsn=4.7.5, status=deferred ({text})\n"
        );
        reading.bytes(line.as_bytes());
    }
    reading.triage()
}

#[test]
fn each_entry_that_a_caution_is_about_has_its_mark() {
    let marks = |next_hops: usize| {
        let block = looked(stuck(next_hops)).block(None, 80, &|_| true);
        let lines: Vec<&str> = block.lines().collect();
        for line in &lines {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let at = |name: &str| {
            let line = format!("{name}  encrypt");
            lines.iter().position(|it| *it == line).unwrap()
        };
        assert_eq!(block.matches("An attacker between you").count(), 1);
        // The one without a caution comes first, without a mark.
        assert_eq!(lines[at("c0.operator.example") - 1], "");
        let marked = (1..next_hops).filter(|number| {
            let above = lines[at(&format!("c{number}.operator.example")) - 1];
            above.starts_with("# ")
        });
        (marked.count(), block)
    };
    let (marked, block) = marks(4);
    assert_eq!(marked, 3, "{block}");
    assert!(block.contains("\n# (!) An attacker"), "{block}");
    assert_eq!(block.matches("\n# (!)\n").count(), 2, "{block}");
    // A mark above each of many would push the answer off the screen.
    let (_, block) = marks(40);
    assert!(
        block.contains("\n# (!) to each of the next 39 lines: An"),
        "{block}"
    );
}

#[test]
fn the_answer_for_forty_next_hops_is_read_without_scrolling_twice() {
    for (next_hops, most) in [(1, 25), (3, 30), (10, 45), (40, 100)] {
        let triage = looked(stuck(next_hops));
        let answer = triage.table(80) + "\n" + &triage.block(None, 80, &|_| true);
        assert!(answer.lines().count() <= most, "{next_hops}: {answer}");
        for line in answer.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let name = format!("c{}.operator.example", next_hops - 1);
        let line = answer.lines().find(|line| line.starts_with(&name)).unwrap();
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(cells[1], "1", "{line}");
        assert_eq!(&cells[4..5], ["encrypt"], "{line}");
    }
    // A name that is longer than its column has a line of its own.
    let mut triage = looked(stuck(2));
    triage.next_hops[0].name = format!("{}.example", "long-label.".repeat(4));
    let table = triage.table(80);
    assert!(table.contains(".example?\n    "), "{table}");
    assert!(table.lines().all(|line| line.len() <= 80), "{table}");
    // What no look explains keeps its remedy, of many causes the names.
    let table = stuck(3).table(80);
    assert!(
        table.contains("\nstarttls-not-offered: deferred 1\n  "),
        "{table}"
    );
    let table = stuck(40).table(80);
    assert!(table.contains("`danecheck explain CAUSE`"), "{table}");
}

#[test]
fn a_filter_of_this_machine_is_no_move_of_the_receiver() {
    for (relay, words) in [
        ("127.0.0.1[127.0.0.1]:10024", "`[127.0.0.1]:10024 none`"),
        ("localhost[::1]:10025", "-o smtp_tls_security_level=none"),
        ("127.0.0.2[127.0.0.2]:25", "`[127.0.0.2] none`"),
        (
            "mx[private/dovecot-lmtp]",
            "-o lmtp_tls_security_level=none",
        ),
    ] {
        let mut reading = Reading::default();
        reading.bytes(
            format!(
                "to=<u@a.example>, relay={relay}, status=deferred (Server certificate not verified)"
            )
            .as_bytes(),
        );
        let table = reading.triage().table(200);
        assert!(table.contains(words), "{table}");
        assert!(!table.contains("receiver"), "{table}");
        assert!(table.contains("  you "), "{table}");
    }
}

#[test]
fn the_json_is_that_of_the_contract() {
    let mut reading = Reading::default();
    reading.bytes(b"to=<u@a.example>, relay=none, status=deferred (no TLSA records found)");
    let triage: Value = serde_json::from_str(&to_json(&reading.triage())).unwrap();
    assert_eq!(triage["schema_version"], 1);
    assert_eq!(
        triage["inputs"][0],
        json!({"name": "-", "kind": "postfix-log", "records": 1, "understood": 1, "notes": []})
    );
    let hop = &triage["next_hops"][0];
    for (field, value) in [
        ("name", json!("a.example")),
        ("waiting", json!(1)),
        ("causes", json!(["no-tlsa-records"])),
        ("verdict", Value::Null),
        ("action", Value::Null),
        ("entries", Value::Null),
    ] {
        assert_eq!(hop[field], value, "{field}");
    }
    let cause = &triage["causes"][0];
    assert_eq!(
        cause["next_hops"][0],
        json!({"name": "a.example", "count": 1})
    );
    assert_eq!(triage["other"], 0);
}
