//! Compares what real Postfix did in the lab (`tests/postfix`) with the
//! judgement of the same observations. Needs nothing installed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may read files, and fails by panicking"
)]

#[path = "replay/beside.rs"]
mod beside;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;

use danecheck_core::diagnosis::{Diagnosis, Question};
use danecheck_core::judge::Horizon;
use danecheck_core::observation::Observation;
use danecheck_core::report::{Report, schema};
use danecheck_core::sender::Sender;
use serde::Deserialize;
use serde_json::Value;

use support::{recorded, top};

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
    /// By release of Debian and level, what its Postfix does differently.
    #[serde(default)]
    releases: BTreeMap<String, BTreeMap<String, Value>>,
    observation: Observation,
}

/// The versions with which a release of Debian was measured.
#[derive(Deserialize)]
struct Versions {
    postfix: String,
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
    /// The releases of Debian that it is about; none for all.
    #[serde(default)]
    releases: Vec<String>,
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

/// A fixture and the report on its observation, judged once for all tests.
struct Judged {
    fixture: Fixture,
    report: Report,
}

impl From<Fixture> for Judged {
    fn from(fixture: Fixture) -> Self {
        let report = Report::of(&fixture.observation);
        Self { fixture, report }
    }
}

fn all() -> &'static [Judged] {
    static ALL: OnceLock<Vec<Judged>> = OnceLock::new();
    ALL.get_or_init(|| {
        let paths = recorded();
        let workers = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let parts: Vec<_> = paths
                .chunks(paths.len().div_ceil(workers).max(1))
                .map(|part| {
                    scope.spawn(|| {
                        part.iter()
                            .map(|path| Judged::from(read::<Fixture>(path)))
                            .collect()
                    })
                })
                .collect();
            parts
                .into_iter()
                .flat_map(|part| -> Vec<Judged> { part.join().unwrap() })
                .collect()
        })
    })
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> T {
    serde_json::from_str(&fs::read_to_string(path).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is known to differ under this release of Debian.
fn known_of(release: &str) -> BTreeSet<Place> {
    let entries: Vec<Divergence> = read(&top().join("tests/postfix/known-divergences.json"));
    let mut known = BTreeSet::new();
    for entry in entries {
        assert!(!entry.reason.trim().is_empty(), "{}", entry.scenario);
        if !entry.releases.is_empty() && !entry.releases.iter().any(|it| it == release) {
            continue;
        }
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

/// The record is that of Debian 12.
fn known() -> BTreeSet<Place> {
    known_of("bookworm")
}

/// The text with host names and addresses taken out, word by word:
/// `mail.x.lab[127.0.2.1]:25:`, `name=x.lab`. The lab's names end in `.lab`.
fn without_hosts(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let (lead, rest) = word.split_once('=').unwrap_or(("", word));
        let host = rest
            .trim_end_matches([':', ',', '.'])
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .trim_end_matches(':');
        if host.ends_with(']') || host.ends_with(".lab") {
            format!("{lead}=HOST")
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a text is this one with `...` in the place of what danecheck has not
/// seen, because it sends no mail.
fn is_same_but_for_gaps(reason: &str, said: &str) -> bool {
    match said.split_once(" ... ") {
        Some((before, after)) => {
            reason.len() >= before.len() + after.len()
                && reason.starts_with(before)
                && reason.ends_with(after)
        }
        None => false,
    }
}

/// Every field in which the report is not what Postfix did, with both words.
fn differences(judged: &Judged) -> BTreeMap<Place, String> {
    let fixture = &judged.fixture;
    let report = serde_json::to_value(&judged.report).unwrap();
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
            let said = normal(said["reason"].as_str());
            let said = allowed
                .iter()
                .flatten()
                .find(|one| {
                    said.as_ref()
                        .is_some_and(|said| is_same_but_for_gaps(one, said))
                })
                .cloned()
                .or(said)
                .map_or(Value::Null, Value::String);
            compare(level, "reason", &allowed, &said);
        }
    }
    found
}

#[test]
fn every_fixture_is_judged_as_postfix_acted() {
    let mut found = BTreeMap::new();
    for judged in all() {
        found.extend(differences(judged));
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

/// The levels as `--strictest` tries them.
const STRICTEST_FIRST: [&str; 7] = [
    "dane-only",
    "secure",
    "verify",
    "fingerprint",
    "encrypt",
    "may",
    "none",
];

/// Whether real Postfix delivered at this level at the first attempt, with a proof
/// where the level asks for one.
fn goes_at_once(fixture: &Fixture, level: &str) -> bool {
    let measured = &fixture.outcomes[level];
    let late = ["may", "none"].contains(&level) && measured.delivery == "delivered-after-retry";
    let is_proof = !["encrypt", "may", "none"].contains(&level);
    (measured.delivery == "delivered" || late)
        && (!is_proof || measured.channel.as_deref() == Some("authenticated"))
}

/// The measured levels that stand for a line without attributes of its own, or with
/// the names of the MX hosts, and those above it; `None` for other lines.
fn levels_of(line: &str) -> Option<(&'static str, &'static [&'static str])> {
    let mut words = line.split_whitespace();
    let level = words.next()?;
    let attributes: Vec<&str> = words.collect();
    let place = STRICTEST_FIRST.iter().position(|known| *known == level)?;
    let above = &STRICTEST_FIRST[..place];
    match (level, attributes.as_slice()) {
        // `verify` checks the same names, as DNS gives them.
        ("secure", [matches]) if matches.starts_with("match=") => {
            Some(("verify", &STRICTEST_FIRST[..2]))
        }
        ("fingerprint", [matches]) if matches.starts_with("match=") => Some(("fingerprint", above)),
        (_, []) => Some((STRICTEST_FIRST[place], above)),
        _ => None,
    }
}

#[test]
fn the_strictest_line_is_the_strictest_with_which_postfix_delivered() {
    let known = known();
    let mut wrong = Vec::new();
    let (mut proven, mut other) = (BTreeMap::<String, usize>::new(), 0);
    for judged in all() {
        let fixture = &judged.fixture;
        let question = Question {
            strictest: true,
            ..Question::of(&fixture.observation)
        };
        let report = Report::new(&Diagnosis::of(&question));
        let strictest = report.recommendation.strictest.as_ref().unwrap();
        let name = &fixture.scenario;
        let is_known = |level: &str| {
            let place = |level: &str| (name.clone(), level.to_owned(), "delivery".to_owned());
            known.contains(&place(level)) || known.contains(&place(""))
        };
        let Some(line) = &strictest.entries.postfix else {
            let none = goes_at_once(fixture, "none") && !fixture.outcomes["none"].varies;
            if none && fixture.verdict != "indeterminate" {
                wrong.push(format!(
                    "{name}: none, but plain text delivers: {}",
                    strictest.reason
                ));
            }
            continue;
        };
        assert_eq!(
            strictest.policy.unwrap().as_str(),
            line.split_whitespace().nth(1).unwrap()
        );
        let value = line.split_once("  ").unwrap().1;
        let Some((level, above)) = levels_of(value) else {
            // The lab sends with it; here nothing was measured.
            other += 1;
            continue;
        };
        if !goes_at_once(fixture, level) && !is_known(level) {
            wrong.push(format!("{name}: `{line}`, but {level} does not deliver"));
        }
        for stricter in above {
            if goes_at_once(fixture, stricter) && !is_known(stricter) {
                wrong.push(format!("{name}: `{line}`, but {stricter} delivers"));
            }
        }
        *proven.entry(level.to_owned()).or_default() += 1;
    }
    assert!(
        wrong.is_empty(),
        "{}\n{proven:?}, {other} others",
        wrong.join("\n")
    );
    for level in STRICTEST_FIRST {
        assert!(
            proven.contains_key(level),
            "{level}: {proven:?}, {other} others"
        );
    }
}

/// What a release of Debian did at each level: the record, and what differs.
fn of_release(fixture: &Fixture, release: &str) -> BTreeMap<String, [Value; 3]> {
    let differs = fixture.releases.get(release);
    let one = |(level, measured): (&String, &Measured)| {
        let own = differs.and_then(|levels| levels.get(level));
        let field = |name: &str, record: Value| {
            let own = own.and_then(|fields| fields.get(name));
            own.cloned().unwrap_or(record)
        };
        let fields = [
            field("delivery", measured.delivery.clone().into()),
            field("channel", measured.channel.clone().into()),
            field("dsn", measured.dsn.clone().into()),
        ];
        (level.clone(), fields)
    };
    fixture.outcomes.iter().map(one).collect()
}

#[test]
fn each_release_acts_as_predicted_for_it() {
    let versions: BTreeMap<String, Versions> = read(&top().join("fixtures/postfix-releases.json"));
    assert!(
        versions.len() > 1,
        "tests/postfix/run --release NAME --record"
    );
    for (release, version) in &versions {
        let known = known_of(release);
        let sender = Sender {
            release: Some(version.postfix.parse().unwrap()),
            ..Sender::default()
        };
        for judged in all() {
            let fixture = &judged.fixture;
            let report = Report::to(&fixture.observation, Horizon::default(), &sender);
            let said = serde_json::to_value(report.sender.unwrap().outcomes).unwrap();
            for (level, [delivery, channel, dsn]) in of_release(fixture, release) {
                let said = &said[&level];
                let codes = dsn.as_array().unwrap();
                let agrees = said["delivery"] == delivery
                    && said["channel"] == channel
                    && codes.contains(&said["dsn"]);
                let field = "delivery".to_owned();
                let place = (fixture.scenario.clone(), level, field);
                // What is known to differ has to differ.
                assert_eq!(agrees, !known.contains(&place), "{place:?} by {release}");
            }
        }
    }
}

#[test]
fn every_policy_line_has_delivered_through_postfix() {
    for Judged { fixture, report } in all() {
        let advice = &report.recommendation;
        let lines = advice.entries.postfix.iter().chain(
            advice
                .alternatives
                .iter()
                .map(|alternative| &alternative.postfix),
        );
        for line in lines {
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                fixture.proven.contains(&line),
                "{}: {line}",
                fixture.scenario
            );
        }
    }
}

#[test]
fn every_report_follows_the_schema() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for Judged { fixture, report } in all() {
        let report = serde_json::to_value(report).unwrap();
        let errors: Vec<String> = schema
            .iter_errors(&report)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", fixture.scenario);
    }
}

type Spoil = fn(&mut Measured);

#[test]
fn a_wrong_record_of_any_field_is_found() {
    let stale = || -> Judged {
        let fixture: Fixture = read(&top().join("fixtures/postfix/stale.json"));
        fixture.into()
    };
    assert_eq!(differences(&stale()), BTreeMap::new());
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
        let mut judged = stale();
        change(judged.fixture.outcomes.get_mut("dane").unwrap());
        let places: Vec<Place> = differences(&judged).into_keys().collect();
        let expected = ("stale".to_owned(), "dane".to_owned(), field.to_owned());
        assert_eq!(places, [expected]);
    }
}
