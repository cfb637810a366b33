//! What real Postfix did in the lab (`tests/postfix`), against what the
//! judging half says of the same observations. Needs nothing installed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and reads files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use danecheck::observation::Observation;
use danecheck::report::{Report, schema};
use serde::Deserialize;
use serde_json::Value;

/// What the lab wrote about one scenario (`tests/postfix/fixtures.py`).
#[derive(Deserialize)]
struct Fixture {
    scenario: String,
    target: String,
    verdict: String,
    recommendation: Advice,
    outcomes: BTreeMap<String, Measured>,
    /// The policy lines with which Postfix delivered.
    proven: Vec<String>,
    observation: Observation,
}

#[derive(Deserialize)]
struct Advice {
    action: String,
    policy: Option<String>,
}

/// One level: where chance chose among equally weak outcomes, several words.
#[derive(Deserialize)]
struct Measured {
    delivery: String,
    channel: Option<String>,
    via: Vec<Option<String>>,
    dsn: Vec<Option<String>>,
    reason: Vec<Option<String>>,
    varies: bool,
}

/// An entry of `known-divergences.json`.
#[derive(Deserialize)]
struct Divergence {
    scenario: String,
    #[serde(default)]
    levels: Vec<String>,
    fields: Vec<String>,
    reason: String,
}

/// Scenario, level (empty where it belongs to none), field.
type Place = (String, String, String);

/// The fields that only a run of the lab compares.
const LIVE_FIELDS: [&str; 4] = [
    "exit status",
    "entry delivers",
    "entry given",
    "stricter fails",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn fixtures() -> Vec<Fixture> {
    let directory = root().join("fixtures/postfix");
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .expect("tests/postfix/run --record makes the fixtures")
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .collect();
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> T {
    serde_json::from_str(&fs::read_to_string(path).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn known() -> BTreeSet<Place> {
    let entries: Vec<Divergence> = read(&root().join("tests/postfix/known-divergences.json"));
    let mut known = BTreeSet::new();
    for entry in entries {
        assert!(!entry.reason.trim().is_empty(), "{}", entry.scenario);
        let levels = if entry.levels.is_empty() {
            vec![String::new()]
        } else {
            entry.levels
        };
        for level in levels {
            for field in &entry.fields {
                if !LIVE_FIELDS.contains(&field.as_str()) {
                    known.insert((entry.scenario.clone(), level.clone(), field.clone()));
                }
            }
        }
    }
    known
}

/// The text with host names and addresses taken out, word by word; the lab's
/// names end in `.lab`.
fn without_hosts(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let bare = word.trim_end_matches([':', ',', '.', ')']);
        let end = word.get(bare.len()..).unwrap_or_default();
        let (lead, name) = bare
            .rsplit_once('=')
            .map_or(("", bare), |(lead, name)| (lead, name));
        let port = name.rsplit_once(':').map_or(name, |(name, port)| {
            if port.bytes().all(|byte| byte.is_ascii_digit()) {
                name
            } else {
                bare
            }
        });
        if port.ends_with(']') || port.ends_with(".lab") {
            format!("{lead}=HOST{end}")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Every field in which the report is not what Postfix did, with both words.
fn differences(fixture: &Fixture) -> BTreeMap<Place, String> {
    let report = serde_json::to_value(Report::of(&fixture.observation)).unwrap();
    let mut found = BTreeMap::new();
    let mut compare = |level: &str, field: &str, allowed: &[Option<String>], said: &Value| {
        if !allowed.iter().any(|one| one.as_deref() == said.as_str()) {
            let place = (fixture.scenario.clone(), level.to_owned(), field.to_owned());
            found.insert(place, format!("Postfix {allowed:?}, danecheck {said}"));
        }
    };
    let just = |text: &str| [Some(text.to_owned())];
    compare("", "target", &just(&fixture.target), &report["target"]);
    compare("", "verdict", &just(&fixture.verdict), &report["verdict"]);
    let advice = &report["recommendation"];
    compare(
        "",
        "action",
        &just(&fixture.recommendation.action),
        &advice["action"],
    );
    compare(
        "",
        "policy",
        std::slice::from_ref(&fixture.recommendation.policy),
        &advice["policy"],
    );
    assert_eq!(fixture.outcomes.len(), 8, "{}", fixture.scenario);
    for (level, measured) in &fixture.outcomes {
        let said = &report["outcomes"][level];
        compare(
            level,
            "delivery",
            &just(&measured.delivery),
            &said["delivery"],
        );
        compare(
            level,
            "channel",
            std::slice::from_ref(&measured.channel),
            &said["channel"],
        );
        compare(level, "via", &measured.via, &said["via"]);
        compare(level, "dsn", &measured.dsn, &said["dsn"]);
        let varies = Value::String(said["varies"].to_string());
        compare(
            level,
            "varies",
            &just(&measured.varies.to_string()),
            &varies,
        );
        // What the first attempt of a retried message says is not compared.
        if measured.delivery != "delivered-after-retry" {
            let normal = |text: Option<&str>| text.map(without_hosts);
            let allowed: Vec<_> = measured
                .reason
                .iter()
                .map(|one| normal(one.as_deref()))
                .collect();
            let said = normal(said["reason"].as_str()).map_or(Value::Null, Value::String);
            compare(level, "reason", &allowed, &said);
        }
    }
    found
}

#[test]
fn every_fixture_is_judged_as_postfix_acted() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 200, "only {} fixtures", fixtures.len());
    let mut found = BTreeMap::new();
    for fixture in &fixtures {
        found.extend(differences(fixture));
    }
    let known = known();
    let unknown: Vec<_> = found
        .iter()
        .filter(|(place, _)| !known.contains(place))
        .map(|((scenario, level, field), words)| format!("{scenario} {level} {field}: {words}"))
        .collect();
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    let healed: Vec<_> = known
        .iter()
        .filter(|place| !found.contains_key(place))
        .collect();
    assert!(
        healed.is_empty(),
        "known divergences that are none: {healed:?}"
    );
}

#[test]
fn every_policy_line_has_delivered_through_postfix() {
    let unproven = ["port-25-said"];
    for fixture in fixtures() {
        let advice = Report::of(&fixture.observation).recommendation;
        let lines = advice.entries.postfix.iter().chain(
            advice
                .alternatives
                .iter()
                .map(|alternative| &alternative.postfix),
        );
        for line in lines {
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(
                fixture.proven.contains(&line),
                !unproven.contains(&fixture.scenario.as_str()),
                "{}: {line}",
                fixture.scenario
            );
        }
    }
}

#[test]
fn every_report_follows_the_schema() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for fixture in fixtures() {
        let report = serde_json::to_value(Report::of(&fixture.observation)).unwrap();
        let errors: Vec<String> = schema
            .iter_errors(&report)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", fixture.scenario);
    }
}

#[test]
fn a_wrong_record_of_any_field_is_found() {
    let stale = || -> Fixture { read(&root().join("fixtures/postfix/stale.json")) };
    assert_eq!(differences(&stale()), BTreeMap::new());
    type Spoil = fn(&mut Measured);
    let spoil: [(&str, Spoil); 6] = [
        ("delivery", |one| one.delivery = "bounced".to_owned()),
        ("channel", |one| one.channel = Some("plaintext".to_owned())),
        ("via", |one| {
            one.via = vec![Some("elsewhere.lab".to_owned())]
        }),
        ("dsn", |one| one.dsn = vec![Some("5.0.0".to_owned())]),
        ("reason", |one| {
            one.reason = vec![Some("because".to_owned())]
        }),
        ("varies", |one| one.varies = true),
    ];
    for (field, change) in spoil {
        let mut fixture = stale();
        change(fixture.outcomes.get_mut("dane").unwrap());
        let places: Vec<Place> = differences(&fixture).into_keys().collect();
        let expected = ("stale".to_owned(), "dane".to_owned(), field.to_owned());
        assert_eq!(places, [expected]);
    }
}
