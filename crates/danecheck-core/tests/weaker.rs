//! Never weaker without a word: every recorded scenario of real Postfix, with
//! every kind of line, every sender and every level.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and meets files"
)]

mod support;

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::thread;

use danecheck_core::judge::{Action, Channel, Delivery, Horizon, Outcome};
use danecheck_core::observation::{Observation, SessionEnd};
use danecheck_core::overrides::{Accepted, Around, Judgement, Overrides, Proposal, judge_lines};
use danecheck_core::postfix::{SecurityLevel, TlsVersion};
use danecheck_core::report::Report;
use danecheck_core::sender::{Sender, System};

const PIN: &str = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:\
                   00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

/// Every kind of line, with right and wrong attributes. `HOST` is an MX host.
const KINDS: &[&str] = &[
    "none",
    "may",
    "may protocols=>=TLSv1.3",
    "may protocols=TLSv9",
    "may ciphers=high ciphers=high",
    "encrypt",
    "encrypt protocols=>=TLSv1.2",
    "encrypt protocols=TLSv1.3",
    "encrypt protocols=",
    "encrypt ciphers=high exclude=3DES",
    "encrypt servername=hostname",
    "encrypt protocols=TLSv9",
    "encrypt ciphers=best",
    "encrypt exclude=!RC4",
    "encrypt match=HOST",
    "encrpyt",
    "dane",
    "dane protocols=>=TLSv1.3",
    "dane match=HOST",
    "dane-only",
    "dane-only protocols=TLSv9",
    "verify",
    "verify match=elsewhere.example",
    "verify tafile=/etc/anchors.pem",
    "verify protocols=>=TLSv1.3",
    "secure",
    "secure match=HOST",
    "secure match=HOST:elsewhere.example",
    "secure match=elsewhere.example",
    "secure match=HOST servername=hostname",
    "secure match=HOST servername=elsewhere.example",
    "secure match=HOST ciphers=high",
    "secure mach=HOST",
    "fingerprint",
    "fingerprint match=00:11",
    "fingerprint match=PIN",
    "fingerprint match=PIN|PIN",
];

fn all() -> Vec<(String, Observation)> {
    support::recorded()
        .iter()
        .map(|path| (support::name(path), support::observation(path)))
        .collect()
}

/// Runs over all recorded scenarios on all processors.
fn over_all(each: impl Fn(usize, &str, &Observation) + Sync) {
    let all = all();
    let next = Mutex::new(0..all.len());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(at) = next.lock().unwrap().next() else {
                        break;
                    };
                    each(at, &all[at].0, &all[at].1);
                }
            });
        }
    });
}

fn level(line: &str) -> &str {
    line.split(' ').next().unwrap()
}

fn names(line: &str) -> BTreeSet<&str> {
    let value = line.split(' ').find_map(|word| word.strip_prefix("match="));
    let value = value.unwrap_or_default();
    let separator = if level(line) == "fingerprint" {
        '|'
    } else {
        ':'
    };
    value
        .split(separator)
        .filter(|name| !name.is_empty())
        .collect()
}

/// The channel that a line holds out for, by the name of its level alone;
/// `dane` holds out for a proof where it keeps mail back.
fn promised(line: &str, with: &Outcome) -> Channel {
    match level(line) {
        "none" | "may" => Channel::Plaintext,
        "encrypt" => Channel::Encrypted,
        "dane" if with.delivers() => with.channel.unwrap(),
        _ => Channel::Authenticated,
    }
}

/// Whether strength falls, by outcomes and by the words of the lines: nothing
/// of the order that danecheck goes by is used.
fn falls(before: &str, with: &Outcome, after: &str, then: &Outcome) -> bool {
    let stopped = with.reason.as_deref() == Some("client TLS configuration problem");
    let fails_closed = !with.delivers()
        && (stopped
            || ["TLSv9", "best", "!RC4"]
                .iter()
                .any(|bad| before.contains(bad)));
    if fails_closed && level(before) != "may" || stopped {
        return then.delivers();
    }
    if then.delivers() && then.channel < Some(promised(before, with)) {
        return true;
    }
    if with.delivers() && then.delivers() && then.channel < with.channel {
        return true;
    }
    let same_level = level(before) == level(after);
    same_level && !names(after).is_subset(&names(before)) && !names(before).is_empty()
}

/// The line that counts after what is proposed, and what happens to mail;
/// `None` if nothing is.
fn afterwards(
    observation: &Observation,
    judged: &[Judgement],
    without: &str,
    around: Around<'_>,
) -> Vec<Option<(String, Outcome)>> {
    let new = |judgement: &Judgement| match &judgement.proposal {
        Proposal::Replace { entry, .. } => Some(entry.line.to_string()),
        Proposal::Leave | Proposal::Remove => None,
    };
    let policies: Vec<Option<String>> = judged.iter().map(new).collect();
    let once: BTreeSet<&str> = policies.iter().flatten().map(String::as_str).collect();
    let values: Vec<Option<&str>> = once.iter().copied().map(Some).collect();
    let again: HashMap<&str, Judgement> = once
        .into_iter()
        .zip(judge_lines(observation, &values, around))
        .collect();
    judged
        .iter()
        .zip(&policies)
        .map(|(judgement, policy)| match (&judgement.proposal, policy) {
            (Proposal::Remove, _) => Some((without.to_owned(), judgement.without.clone()?)),
            (_, Some(policy)) => Some((policy.clone(), again[policy.as_str()].with.clone()?)),
            (_, None) => None,
        })
        .collect()
}

#[test]
fn whatever_is_written_is_no_weaker_without_a_word() {
    let counts = Mutex::new([0_usize; 3]);
    let sender = Sender::default();
    over_all(|at, name, observation| {
        let host = observation
            .hosts
            .first()
            .map_or("mx.example", |host| &host.name);
        let lines: Vec<String> = KINDS
            .iter()
            .map(|line| line.replace("HOST", host).replace("PIN", PIN))
            .collect();
        // Alone; danecheck's own; beside a parent that asks for less; for more.
        let parents = [
            None,
            None,
            Some("none"),
            Some("secure match=elsewhere.example"),
        ];
        let around = Around {
            sender: &sender,
            horizon: Horizon::default(),
            parent: parents[at % 4].map(|value| (".example", value)),
            advised: at % 4 == 1,
        };
        let without = parents[at % 4].unwrap_or("dane");
        let values: Vec<Option<&str>> = lines.iter().map(|line| Some(line.as_str())).collect();
        let judged = judge_lines(observation, &values, around);
        let afterwards = afterwards(observation, &judged, without, around);
        for ((line, judgement), afterwards) in lines.iter().zip(&judged).zip(afterwards) {
            assert_eq!(judgement.kept, judgement.weaker, "{name} {line}");
            assert_eq!(
                judgement.caution.is_some(),
                judgement.weaker,
                "{name} {line}"
            );
            let Some((after, then)) = afterwards else {
                continue;
            };
            let with = judgement.with.as_ref().unwrap();
            let fell = falls(line, with, &after, &then);
            assert!(
                !fell || judgement.kept,
                "{name}: {line} becomes {after} without a word: {judgement:?} {then:?}"
            );
            let mut counts = counts.lock().unwrap();
            counts[0] += usize::from(fell);
            counts[1] += usize::from(!judgement.kept);
        }
        // The bytes, for some of them.
        for line in lines.iter().cycle().skip(at).take(1) {
            let key = observation.next_hop.policy_key();
            let table = format!("# ours\n{key}  {line}\n");
            let seen = HashMap::from([(key.clone(), observation.clone())]);
            let examine = |accepted| {
                let overrides = Overrides::read(&table).unwrap();
                overrides.examine(&seen, &[], &sender, Horizon::default(), &accepted)
            };
            let (unasked, accepted) = (examine(Accepted::default()), examine(Accepted::all()));
            let judgement = &unasked.judgements[0];
            if judgement.weaker {
                assert_eq!(unasked.written(), table.as_bytes(), "{name}");
                assert_ne!(accepted.written(), table.as_bytes(), "{name}");
                assert_eq!(unasked.cautions().len(), 1, "{name}");
                assert_eq!(accepted.cautions().len(), 1, "{name}");
                counts.lock().unwrap()[2] += 1;
            } else {
                assert_eq!(unasked.written(), accepted.written(), "{name}");
            }
        }
    });
    let counts = counts.into_inner().unwrap();
    assert!(
        counts[0] > 2_000 && counts[1] > 500 && counts[2] > 100,
        "{counts:?}"
    );
}

/// Every end of every session is a reply inside TLS.
fn refused_in_tls(observation: &Observation) -> bool {
    let addresses = observation.hosts.iter().flat_map(|host| &host.addresses);
    let mut sessions = addresses.flat_map(|address| &address.sessions);
    sessions.all(|session| matches!(session.end, SessionEnd::EhloRefusedInTls(_)))
}

#[test]
fn whatever_is_advised_carries_a_caution_unless_the_server_says_why() {
    let mut senders: Vec<Sender> = SecurityLevel::ALL
        .into_iter()
        .map(|level| Sender {
            level: Some(level),
            ..Sender::default()
        })
        .collect();
    senders.extend([
        Sender::default(),
        Sender {
            system: System::Mailcow,
            ..Sender::default()
        },
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
            level: Some(SecurityLevel::Verify),
            ..Sender::default()
        },
    ]);
    let counts = Mutex::new([0_usize; 2]);
    over_all(|_, name, observation| {
        for sender in &senders {
            let report = Report::to(observation, Horizon::default(), sender);
            let advice = &report.recommendation;
            if advice.action != Action::Override {
                assert_eq!(advice.caution, None, "{name} {}", sender.options());
                continue;
            }
            let rises = sender.level == Some(SecurityLevel::Verify)
                && advice.policy == Some(SecurityLevel::Secure);
            let told = advice
                .caution
                .as_ref()
                .is_some_and(|said| said.contains("An attacker"));
            assert!(
                told || rises || refused_in_tls(observation),
                "{name} {}: {:?} without a caution",
                sender.options(),
                advice.policy
            );
            counts.lock().unwrap()[usize::from(told)] += 1;
        }
    });
    let counts = counts.into_inner().unwrap();
    assert!(counts[0] > 0 && counts[1] > 500, "{counts:?}");
}

/// A message that waits may still arrive; one that is returned does not.
#[test]
fn nothing_that_is_advised_returns_mail_that_waits() {
    let senders: Vec<Sender> = SecurityLevel::ALL
        .into_iter()
        .map(|level| Sender {
            level: Some(level),
            ..Sender::default()
        })
        .chain([
            Sender::default(),
            Sender {
                system: System::Mailcow,
                ..Sender::default()
            },
        ])
        .collect();
    let counts = Mutex::new([0_usize; 2]);
    over_all(|_, name, observation| {
        let outcomes = Report::of(observation).outcomes;
        let bounces = |level: &SecurityLevel| outcomes.at(*level).delivery == Delivery::Bounced;
        if !SecurityLevel::ALL.iter().any(bounces) {
            return;
        }
        for sender in &senders {
            let around = Around {
                sender,
                horizon: Horizon::default(),
                parent: None,
                advised: false,
            };
            let advice = Report::to(observation, Horizon::default(), sender).recommendation;
            let alternatives = advice.alternatives.iter().map(|one| &one.postfix);
            let lines = advice.entries.postfix.iter().chain(alternatives);
            let values: Vec<Option<&str>> = lines
                .map(|line| line.split_once(char::is_whitespace))
                .map(|line| line.map(|(_, value)| value.trim()))
                .collect();
            for judgement in judge_lines(observation, &values, around) {
                let with = judgement.with.unwrap();
                assert!(with.delivers(), "{name} {}: {with:?}", sender.options());
                counts.lock().unwrap()[0] += 1;
            }
        }
        // And of the overrides that stand in a table already.
        let sender = Sender::default();
        let around = Around {
            sender: &sender,
            horizon: Horizon::default(),
            parent: None,
            advised: false,
        };
        let lines = ["none", "may", "encrypt", "dane", "dane-only", "verify"];
        let judged = judge_lines(observation, &lines.map(Some), around);
        let afterwards = afterwards(observation, &judged, "dane", around);
        for ((line, judgement), afterwards) in lines.iter().zip(&judged).zip(afterwards) {
            let waits = judgement.with.as_ref().unwrap().delivery == Delivery::Deferred;
            if let Some((after, then)) = afterwards.filter(|_| waits) {
                assert!(
                    then.delivery != Delivery::Bounced,
                    "{name}: {line} becomes {after}: {then:?}"
                );
                counts.lock().unwrap()[1] += 1;
            }
        }
    });
    let counts = counts.into_inner().unwrap();
    assert!(counts[0] > 100 && counts[1] > 10, "{counts:?}");
}

/// The rows of the advice that went without, and what is proven beside them.
#[test]
fn only_an_authenticated_server_speaks_for_itself() {
    let all: HashMap<String, Observation> = all().into_iter().collect();
    for (scenario, level, caution) in [
        // A reply inside TLS under a certificate that matches.
        ("tls-then-421", "dane", false),
        ("tls-then-421", "dane-only", false),
        ("tls-then-refused", "dane", false),
        ("tls-then-421", "encrypt", false),
        // Nobody proves who says so.
        ("tls-then-421-without-tlsa", "dane", true),
        ("tls-then-421-without-tlsa", "encrypt", true),
        // Cut within TLS, silent, or cut before: anybody can.
        ("tls-then-drop", "dane", true),
        ("tls-then-hang", "dane", true),
        ("tls-then-helo-drop", "dane", true),
        ("starttls-then-drop-without-tlsa", "encrypt", true),
        ("starttls-then-reset", "dane", true),
        ("starttls-421", "dane", true),
        ("starttls-421-without-tlsa", "encrypt", true),
        ("starttls-off", "encrypt", true),
        ("starttls-off", "fingerprint", true),
        ("starttls-off-without-tlsa", "encrypt", true),
        ("starttls-off-without-tlsa", "verify", true),
        ("starttls-hang", "may", true),
    ] {
        let sender = Sender {
            level: Some(level.parse().unwrap()),
            ..Sender::default()
        };
        let report = Report::to(&all[scenario], Horizon::default(), &sender);
        let advice = &report.recommendation;
        assert_eq!(advice.action, Action::Override, "{scenario} {level}");
        let said = advice.caution.as_deref().unwrap_or_default();
        let of_attacker = said.contains("An attacker between you and the receiver");
        assert_eq!(of_attacker, caution, "{scenario} {level}: {advice:?}");
        // What may go by itself says so first, even where the server proves itself.
        let goes = match () {
            () if scenario.contains("421") => said.contains("The refusal (421) may end by itself"),
            () if scenario.contains("tls-then-refused") => {
                said == "The server may refuse only the machine that made this check: run it again \
                         on your own mail server before you set it."
            }
            () => !said.contains("look again") && !said.contains("run it again"),
        };
        assert!(goes, "{scenario} {level}: {said}");
        // A line that is changed says it too.
        let observation = &all[scenario];
        let key = observation.next_hop.policy_key();
        let overrides = Overrides::read(format!("{key}  {level}\n")).unwrap();
        let seen = HashMap::from([(key, observation.clone())]);
        let examined = overrides.examine(
            &seen,
            &[],
            &Sender::default(),
            Horizon::default(),
            &Accepted::default(),
        );
        let said = examined.judgements[0]
            .caution
            .as_deref()
            .unwrap_or_default();
        let goes =
            said.contains("The refusal (421) may end by itself: look again in a few minutes. ");
        assert_eq!(goes, scenario.contains("421"), "{scenario} {level}: {said}");
    }
}
