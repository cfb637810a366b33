//! An override that a report names is one that it prints: every recorded scenario
//! of real Postfix, with every sender.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and meets files"
)]

mod support;

use danecheck_core::finding::RULES;
use danecheck_core::judge::{Action, Horizon};
use danecheck_core::observation::Observation;
use danecheck_core::postfix::{PolicyLine, SecurityLevel, TlsVersion};
use danecheck_core::report::{FindingReport, HumanStyle, Report, human};
use danecheck_core::sender::{Sender, System};

fn mailcow(tlspol: Option<&str>) -> Sender {
    Sender {
        system: System::Mailcow,
        tlspol: tlspol.map(|release| release.parse().unwrap()),
        ..Sender::default()
    }
}

fn senders() -> Vec<Sender> {
    let levels = SecurityLevel::ALL.into_iter().map(|level| Sender {
        level: Some(level),
        ..Sender::default()
    });
    let others = [
        Sender::default(),
        mailcow(None),
        mailcow(Some("1.11.0")),
        mailcow(Some("1.13.0")),
        Sender {
            system: System::Local,
            ..Sender::default()
        },
        Sender {
            min_tls: Some(TlsVersion::Tls13),
            ..Sender::default()
        },
        Sender {
            release: Some("3.7.11".parse().unwrap()),
            ..Sender::default()
        },
    ];
    levels.chain(others).collect()
}

/// Whether a report keeps the promise of a finding.
type Keeps = fn(&Observation, &Report, &FindingReport) -> bool;

/// What a step for the sender promises, and where it is kept.
const PROMISES: &[(&str, Keeps)] = &[
    ("et the advised override.", |_, report, _| {
        report.recommendation.entries.postfix.is_some()
    }),
    ("Set the advised override:", |_, report, _| {
        report.recommendation.entries.postfix.is_some()
    }),
    ("line that the message gives", |_, _, finding| {
        let quoted = finding.message.split('`').skip(1).step_by(2);
        let mut lines = quoted.map(|line| line.split_once(' ').map_or(line, |(_, value)| value));
        lines.any(|line| PolicyLine::parse(line.trim(), None).is_ok())
    }),
    ("row that the message gives", |_, _, finding| {
        finding.message.contains(" The row `Target ")
    }),
    ("danecheck --sender mailcow DOMAIN", |observation, _, _| {
        let report = Report::to(observation, Horizon::default(), &mailcow(None));
        report.recommendation.entries.postfix.is_some()
    }),
];

/// Words beside which nothing is promised: advice against an override, or under
/// the condition that there is one.
const NO_PROMISES: &[&str] = &[
    "Set no override",
    "Set no weaker level",
    "Set an override only if one is advised",
    "advised override, if there is one",
    "advised override, or else",
];

fn keeps_its_word(name: &str, observation: &Observation, report: &Report) -> usize {
    let advice = &report.recommendation;
    let named = advice.action == Action::Override;
    let entries = &advice.entries;
    assert_eq!(advice.policy.is_some(), named, "{name}");
    assert_eq!(entries.postfix.is_some(), named, "{name}");
    assert_eq!(entries.mailcow.is_some(), named, "{name}");
    assert_eq!(entries.comment.is_some(), named, "{name}");
    if let (Some(policy), Some(line)) = (advice.policy, &entries.postfix) {
        let value = line.split_once("  ").unwrap().1;
        let read = PolicyLine::parse(value, None).unwrap();
        assert_eq!(read.level, policy, "{name}: {line}");
        let row = entries.mailcow.as_ref().unwrap();
        assert_eq!(row.policy, policy.as_str(), "{name}");
        let words = format!("{policy} is the strictest");
        assert!(
            advice.reason.starts_with(&words),
            "{name}: {}",
            advice.reason
        );
    } else {
        assert!(advice.alternatives.is_empty(), "{name}");
        assert!(
            !advice.reason.contains("is the strictest"),
            "{name}: {}",
            advice.reason
        );
    }
    let text = human(report, HumanStyle::default());
    assert_eq!(text.contains("Until it is fixed:"), named, "{name}: {text}");
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let (Some(line), Some(row)) = (&entries.postfix, &entries.mailcow) {
        // In the form of the sender that was named.
        let row = format!("Target {}, Policy {}, Parameters", row.dest, row.policy);
        let text = flat(&text);
        let is_printed = text.contains(&flat(line)) || text.contains(&row);
        assert!(is_printed, "{name}: {line}: {text}");
    }
    let mut kept = 0;
    for finding in &report.findings {
        for (words, is_kept) in PROMISES {
            if finding.remedy.contains(words) {
                assert!(is_kept(observation, report, finding), "{name}: {finding:?}");
                kept += 1;
            }
        }
    }
    kept
}

#[test]
fn whatever_override_a_report_names_it_prints() {
    let senders = senders();
    let mut kept = 0;
    for path in support::recorded() {
        let observation = support::observation(&path);
        for sender in &senders {
            let report = Report::to(&observation, Horizon::default(), sender);
            let name = format!("{} {}", support::name(&path), sender.options());
            kept += keeps_its_word(&name, &observation, &report);
        }
    }
    assert!(kept > 100, "{kept}");
}

/// A new rule that speaks of an override has to say where it is printed.
#[test]
fn every_rule_that_speaks_of_an_override_says_where_it_is_printed() {
    let known = PROMISES.iter().map(|(words, _)| *words);
    let known: Vec<&str> = known.chain(NO_PROMISES.iter().copied()).collect();
    let mut speak = 0;
    for rule in RULES {
        let text = rule.sender.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.to_lowercase().contains("override") {
            assert!(
                known.iter().any(|words| text.contains(words)),
                "{}: {text}",
                rule.id
            );
            speak += 1;
        }
    }
    assert!(speak > 5, "{speak}");
}
