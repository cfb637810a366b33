//! One report gives one answer: what becomes of the mail of the sender that was
//! asked about is the same in the headline, the table, the recommendation, the
//! exit status and every format. Over all recorded scenarios, for five senders.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may read files, says how long the longest is, and fails by panicking"
)]

#[path = "one_answer/letters.rs"]
mod letters;
#[path = "one_answer/lines.rs"]
mod lines;
#[path = "one_answer/steps.rs"]
mod steps;
mod support;
#[path = "one_answer/words.rs"]
mod words;

use std::thread;

use danecheck_core::finding::Severity;
use danecheck_core::judge::{Action, Channel, Delivery, Horizon, Outcome, Verdict};
use danecheck_core::observation::Observation;
use danecheck_core::postfix::SecurityLevel;
use danecheck_core::report::{
    Detail, ExitStatus, FailOn, Github, HumanStyle, JUnit, Markdown, Nagios, Prometheus, Report,
    Writer, exit_status, human, json,
};
use danecheck_core::sender::{Sender, System};

/// The default sender, mailcow, one that asks for less, one that asks for more,
/// and one that refuses old TLS.
fn senders() -> [Sender; 5] {
    let level = |level| Sender {
        level: Some(level),
        ..Sender::default()
    };
    [
        Sender::default(),
        Sender {
            system: System::Mailcow,
            ..Sender::default()
        },
        level(SecurityLevel::May),
        level(SecurityLevel::DaneOnly),
        Sender {
            min_tls: Some("TLSv1.3".parse().unwrap()),
            ..Sender::default()
        },
    ]
}

/// What becomes of the mail, in the words that the parts of a report have for
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Flows,
    Late,
    Waits,
    Returned,
    Unknown,
}

impl Fate {
    fn of(report: &Report) -> Self {
        let outcome = match &report.sender {
            Some(sender) => &sender.outcome,
            None => &report.outcomes.dane,
        };
        match outcome.delivery {
            _ if report.verdict == Verdict::Indeterminate || !outcome.is_told() => Self::Unknown,
            Delivery::Delivered => Self::Flows,
            Delivery::DeliveredAfterRetry => Self::Late,
            Delivery::Deferred => Self::Waits,
            Delivery::Bounced => Self::Returned,
        }
    }

    fn delivers(self) -> bool {
        matches!(self, Self::Flows | Self::Late)
    }

    fn fails(self) -> bool {
        matches!(self, Self::Waits | Self::Returned)
    }

    /// What a headline about it has: any of these.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Flows => &["mail flows", "delivers this mail"],
            Self::Late => &["late and in plain text"],
            Self::Waits => &["defer this mail", "defers this mail", "this mail back"],
            Self::Returned => &[
                "bounce this mail",
                "bounces this mail",
                "return this mail",
                "returns this mail",
            ],
            Self::Unknown => &["cannot be determined"],
        }
    }
}

/// The word of the table for an outcome.
fn cell(outcome: &Outcome) -> &'static str {
    match (outcome.delivery, outcome.channel) {
        (Delivery::Bounced, _) => "bounce",
        (Delivery::Deferred, _) => "defer",
        (Delivery::DeliveredAfterRetry, _) => "late",
        (Delivery::Delivered, Some(Channel::Authenticated)) => "TLS+ID",
        (Delivery::Delivered, Some(Channel::Encrypted)) => "TLS",
        (Delivery::Delivered, _) => "clear",
    }
}

/// The words of the row with this name, one for each level.
fn row(page: &str, name: &str) -> Option<Vec<String>> {
    let line = page
        .lines()
        .find(|line| line.trim_start().starts_with(name))?;
    let (_, words) = line.split_once(name)?;
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    (words.len() == 8).then_some(words)
}

/// The first line, with those that continue it.
fn headline(page: &str) -> String {
    let mut lines = page.lines();
    let first = lines.next().unwrap().to_owned();
    let more = lines.take_while(|line| line.starts_with("   "));
    more.fold(first, |line, more| format!("{line} {}", more.trim()))
}

fn written(mut writer: impl Writer, report: &Report, status: ExitStatus) -> String {
    let first = writer.report(report, status);
    first + &writer.end()
}

fn agree(name: &str, report: &Report, sender: &Sender) {
    let fate = Fate::of(report);
    let place = format!("{name} as {:?} {:?}", sender.system, sender.level);
    let style = |detail| HumanStyle {
        width: 120,
        detail,
        ..HumanStyle::default()
    };
    let full = human(report, style(Detail::Full));
    let short = human(report, style(Detail::Short));

    // The headline, alike in both reports for people.
    let headline = headline(&full);
    assert_eq!(self::headline(&short), headline, "{place}");
    let has = |text: &str| fate.words().iter().any(|words| text.contains(words));
    assert!(has(&headline), "{place}: {fate:?}: {headline}");

    // The table: each sender under its own name.
    let known = |outcome: &Outcome, level| {
        let by_dane = matches!(level, SecurityLevel::Dane | SecurityLevel::DaneOnly);
        let blind = report.verdict == Verdict::Indeterminate;
        outcome.is_told() && !(blind && (by_dane || outcome.channel.is_none()))
    };
    let compare = |name: &str, outcomes: &danecheck_core::judge::Outcomes| {
        if let Some(words) = row(&full, name) {
            for (word, level) in words.iter().zip(SecurityLevel::ALL) {
                let outcome = outcomes.at(level);
                let expected = if known(outcome, level) {
                    cell(outcome)
                } else {
                    "?"
                };
                assert_eq!(
                    word.trim_end_matches('*'),
                    expected,
                    "{place} {name} {level}"
                );
            }
        }
    };
    compare("reference Postfix", &report.outcomes);
    if let Some(named) = &report.sender {
        compare(named.title(), &named.outcomes);
    }

    // The recommendation.
    let advice = &report.recommendation;
    let action = match fate {
        _ if fate.delivers() => advice.action == Action::Keep,
        Fate::Unknown => advice.action == Action::NotFixable,
        _ => advice.action != Action::Keep,
    };
    assert!(action, "{place}: {fate:?} {:?}", advice.action);
    for page in [&short, &full] {
        let says_so = page.contains("No override is needed");
        assert_eq!(says_so, advice.action == Action::Keep, "{place}: {page}");
        let pastes = page.contains("Until it is fixed:");
        assert_eq!(pastes, advice.action == Action::Override, "{place}: {page}");
    }
    // With mailcow as the sender only mailcow's ways.
    if sender.system == System::Mailcow {
        assert!(!full.contains("smtp_tls_policy_maps"), "{place}: {full}");
        if let Some(line) = &advice.entries.postfix {
            assert!(
                !short.lines().any(|one| one.trim() == line),
                "{place}: {short}"
            );
        }
    }

    // The exit status, and a reason for it.
    let status = exit_status(report, false, FailOn::Warning);
    match fate {
        Fate::Unknown => assert_eq!(status, ExitStatus::Unknown, "{place}"),
        _ if fate.fails() => assert_eq!(status, ExitStatus::Broken, "{place}"),
        Fate::Late => assert_eq!(status, ExitStatus::Warning, "{place}"),
        _ => assert!(
            matches!(status, ExitStatus::Fine | ExitStatus::Warning),
            "{place}"
        ),
    }
    let worst = report.findings.first().map(|finding| finding.severity);
    if fate.fails() {
        // Alerts on errors see whatever stops all mail.
        assert_eq!(
            worst,
            Some(Severity::Error),
            "{place}: {:?}",
            report.findings
        );
    }
    if status == ExitStatus::Fine {
        assert!(
            worst < Some(Severity::Warning),
            "{place}: {:?}",
            report.findings
        );
    }

    // Every other format.
    let nagios = written(Nagios::default(), report, status);
    let first = nagios.lines().next().unwrap();
    assert!(has(first), "{place}: {first}");
    let word = ["OK", "WARNING", "CRITICAL", "UNKNOWN"][status as usize];
    assert!(
        first.starts_with(&format!("DANE {word} - ")),
        "{place}: {first}"
    );
    if fate != Fate::Unknown {
        let delivering = format!(" delivering={};", u8::from(fate.delivers()));
        assert!(first.contains(&delivering), "{place}: {first}");
    }
    let markdown = written(Markdown::default(), report, status);
    assert!(has(markdown.lines().next().unwrap()), "{place}: {markdown}");
    let mark = ["\u{2705}", "\u{26a0}", "\u{274c}", "\u{2753}"][status as usize];
    assert!(
        markdown.starts_with(&format!("## {mark} ")),
        "{place}: {markdown}"
    );
    let github = written(Github, report, status);
    let kind = ["notice", "warning", "error", "error"][status as usize];
    let first = github.lines().next().unwrap();
    assert!(
        first.starts_with(&format!("::{kind} ")) && has(first),
        "{place}: {first}"
    );
    assert!(github.lines().count() <= 10, "{place}: {github}");
    let junit = written(JUnit::default(), report, status);
    let (_, delivery) = junit.split_once("name=\"delivery\"").unwrap();
    let delivery = delivery.split("<testcase").next().unwrap();
    assert_eq!(
        delivery.contains("<failure"),
        fate.fails(),
        "{place}: {delivery}"
    );
    assert_eq!(
        delivery.contains("<error"),
        fate == Fate::Unknown,
        "{place}: {delivery}"
    );
    assert!(
        !delivery.contains("message=") || has(delivery),
        "{place}: {delivery}"
    );
    let prometheus = written(Prometheus::default(), report, status);
    let sample = |family: &str| {
        let mut lines = prometheus.lines();
        let found = lines.find(|line| line.starts_with(&format!("{family}{{")));
        found.map(|line| line.rsplit_once(' ').unwrap().1.to_owned())
    };
    assert_eq!(
        sample("danecheck_status"),
        Some((status as u8).to_string()),
        "{place}"
    );
    let expected = match &report.sender {
        Some(_) if fate != Fate::Unknown => Some(u8::from(fate.delivers()).to_string()),
        _ => None,
    };
    assert_eq!(sample("danecheck_sender_delivers"), expected, "{place}");
    let json: serde_json::Value = serde_json::from_str(&json(report)).unwrap();
    let told = match &report.sender {
        Some(_) => &json["sender"]["outcome"],
        None => &json["outcomes"]["dane"],
    };
    if fate != Fate::Unknown {
        let delivered = told["delivery"].as_str().unwrap().starts_with("delivered");
        assert_eq!(delivered, fate.delivers(), "{place}");
    }
}

/// What a tired reader gets: it fits on a screen.
fn fits(name: &str, report: &Report, longest: &mut [(usize, String); 3]) {
    for (place, (width, most)) in [(80, 22), (60, 30), (120, 22)].into_iter().enumerate() {
        let style = HumanStyle {
            width,
            ..HumanStyle::default()
        };
        let page = human(report, style);
        let lines = page.lines().count();
        assert!(lines <= most, "{name} at {width}: {lines} lines\n{page}");
        words::is_whole(name, report, width, &page);
        if lines > longest[place].0 {
            longest[place] = (lines, format!("{name}\n{page}"));
        }
        let pasted = [
            report
                .recommendation
                .entries
                .postfix
                .as_deref()
                .unwrap_or("\n"),
            &report.target,
        ];
        for line in page.lines() {
            let is_pasted = pasted.iter().any(|it| line.contains(it));
            assert!(is_pasted || line.chars().count() <= width, "{name}: {line}");
        }
    }
}

#[test]
fn every_part_of_a_report_gives_the_same_answer_for_each_sender() {
    let paths = support::recorded();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let senders = &senders();
    thread::scope(|scope| {
        for part in paths.chunks(paths.len().div_ceil(workers)) {
            scope.spawn(move || {
                let mut longest = [const { (0, String::new()) }; 3];
                for path in part {
                    let observation: Observation = support::observation(path);
                    let name = support::name(path);
                    for sender in senders {
                        let report = Report::to(&observation, Horizon::default(), sender);
                        agree(&name, &report, sender);
                        fits(&name, &report, &mut longest);
                    }
                }
                for (lines, page) in longest {
                    println!("the longest has {lines} lines: {page}");
                }
            });
        }
    });
}
