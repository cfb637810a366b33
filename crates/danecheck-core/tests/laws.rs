//! Laws that hold for every observation: over the recorded scenarios, each also
//! with one host and one address, whose session ends in every way.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may read files, and fails by panicking"
)]

mod support;

use danecheck_core::judge::{Action, Channel, Delivery, Outcome, Outcomes, Verdict};
use danecheck_core::observation::Observation;
use danecheck_core::postfix::{PolicyLine, SecurityLevel};
use danecheck_core::report::{ExitStatus, FailOn, FindingReport, Report, exit_status, json};
use serde_json::{Value, json};

/// A stricter level and a weaker one: if the weaker one does not deliver,
/// neither does the stricter one. Two pairs are not among them: `dane` falls
/// back to `may` without TLSA records (`dane_init` of Postfix's
/// `smtp_tls_policy.c`), so it is not stricter than `encrypt`; and `secure`
/// asks for another name than `verify` (`smtp_tls_secure_cert_match`).
const STRICTER: &[(SecurityLevel, SecurityLevel)] = &[
    (SecurityLevel::DaneOnly, SecurityLevel::Dane),
    (SecurityLevel::Dane, SecurityLevel::May),
    (SecurityLevel::Secure, SecurityLevel::Encrypt),
    (SecurityLevel::Verify, SecurityLevel::Encrypt),
    (SecurityLevel::Fingerprint, SecurityLevel::Encrypt),
    (SecurityLevel::Encrypt, SecurityLevel::May),
    (SecurityLevel::May, SecurityLevel::None),
];

/// The ways in which a session ends.
fn ends() -> Vec<Value> {
    let reply = |code: u16| json!({"code": code, "lines": [format!("{code} 4.3.0 so it is")]});
    let mut ends = vec![json!("completed"), json!("assumed"), json!("no-start-tls")];
    for how in ["lost", "timed-out", "flooded"] {
        for stage in [
            "no-greeting",
            "no-ehlo-reply",
            "no-start-tls-reply",
            "no-ehlo-reply-in-tls",
        ] {
            ends.push(json!({ stage: how }));
        }
    }
    for code in [421, 454, 502, 554] {
        for stage in [
            "greeting-refused",
            "ehlo-refused",
            "start-tls-refused",
            "ehlo-refused-in-tls",
        ] {
            ends.push(json!({ stage: reply(code) }));
        }
    }
    for kind in ["refused", "timed-out", "unreachable", "other"] {
        ends.push(json!({"not-connected": {"kind": kind, "text": "no connection"}}));
    }
    for timed_out in [false, true] {
        ends.push(json!({"handshake-failed": {
            "text": "it failed", "alert": null, "timed_out": timed_out, "ours": false,
        }}));
    }
    ends
}

fn all() -> Vec<(String, Value)> {
    support::recorded()
        .iter()
        .map(|path| (support::name(path), support::saved(path)))
        .collect()
}

/// The same with the first host alone and its first address alone, whose
/// sessions all end so.
fn single(whole: &Value, end: &Value) -> Option<Value> {
    let mut one = whole.clone();
    one["hosts"].as_array_mut()?.truncate(1);
    let host = one["hosts"].get_mut(0)?;
    host["addresses"].as_array_mut()?.truncate(1);
    for session in host["addresses"].get_mut(0)?["sessions"].as_array_mut()? {
        session["end"] = end.clone();
    }
    Some(one)
}

fn read(saved: &Value) -> Observation {
    serde_json::from_value(saved.clone()).unwrap()
}

/// Whether the server shows itself only to clients that name it, which the
/// weaker level does not (`tls_client_start` sends it for DANE alone).
fn goes_by_name(observation: &Observation) -> bool {
    let addresses = observation.hosts.iter().flat_map(|host| &host.addresses);
    addresses.into_iter().any(|address| {
        let completed = |session: &danecheck_core::observation::Session| {
            session.end == danecheck_core::observation::SessionEnd::Completed
        };
        let (named, unnamed): (Vec<_>, Vec<_>) = address
            .sessions
            .iter()
            .partition(|session| session.sni.is_some());
        named.into_iter().any(completed) != unnamed.into_iter().any(completed)
    })
}

/// Whether some server takes `MAIL FROM` otherwise where no `STARTTLS` came
/// before it: one out of step, or one that closes after `EHLO`.
fn ends_without_starttls(observation: &Observation) -> bool {
    let addresses = observation.hosts.iter().flat_map(|host| &host.addresses);
    addresses
        .flat_map(|address| &address.sessions)
        .any(|session| session.without_starttls.is_some())
}

fn obey(name: &str, observation: &Observation, outcomes: &Outcomes) {
    let delivers = |outcome: &Outcome| {
        matches!(
            outcome.delivery,
            Delivery::Delivered | Delivery::DeliveredAfterRetry
        )
    };
    for (stricter, weaker) in STRICTER {
        let (strict, weak) = (outcomes.at(*stricter), outcomes.at(*weaker));
        assert!(
            !delivers(strict)
                || delivers(weak)
                || !weak.is_told()
                || goes_by_name(observation)
                || *weaker == SecurityLevel::None && ends_without_starttls(observation),
            "{name}: {stricter} delivers and {weaker} does not: {strict:?} {weak:?}"
        );
    }
    for outcome in [&outcomes.encrypt, &outcomes.verify, &outcomes.secure] {
        assert_ne!(outcome.channel, Some(Channel::Plaintext), "{name}");
    }
    for level in SecurityLevel::ALL {
        let outcome = outcomes.at(level);
        assert_eq!(
            delivers(outcome),
            outcome.channel.is_some(),
            "{name} {level}"
        );
        assert_eq!(delivers(outcome), outcome.via.is_some(), "{name} {level}");
        // A limit of danecheck leaves the outcome open, with no code.
        let expected = outcome.is_told().then(|| delivers(outcome));
        assert_eq!(
            outcome.dsn.as_deref().map(|dsn| dsn.starts_with('2')),
            expected,
            "{name} {level}"
        );
    }
}

fn agree(name: &str, report: &Report) {
    let outcomes = &report.outcomes;
    let dane = outcomes.dane.channel.is_some();
    let weaker = [&outcomes.none, &outcomes.may, &outcomes.encrypt];
    let weaker = weaker.iter().any(|outcome| outcome.channel.is_some());
    match report.verdict {
        Verdict::DaneOk => {
            assert_eq!(
                outcomes.dane.channel,
                Some(Channel::Authenticated),
                "{name}"
            );
        }
        Verdict::DanePartial | Verdict::DaneUnusable | Verdict::NoDane => assert!(dane, "{name}"),
        Verdict::DaneBroken => assert!(!dane && weaker, "{name}"),
        Verdict::Undeliverable => assert!(!dane && !weaker, "{name}"),
        Verdict::Indeterminate => {}
    }
    let status = exit_status(report, false, FailOn::Warning);
    let allowed: &[ExitStatus] = match report.verdict {
        Verdict::DaneOk | Verdict::NoDane => &[ExitStatus::Fine, ExitStatus::Warning],
        Verdict::DanePartial | Verdict::DaneUnusable => &[ExitStatus::Warning],
        Verdict::DaneBroken | Verdict::Undeliverable => &[ExitStatus::Broken],
        Verdict::Indeterminate => &[ExitStatus::Unknown],
    };
    assert!(allowed.contains(&status), "{name}: {status:?}");
    assert_eq!(exit_status(report, false, FailOn::Never), ExitStatus::Fine);
    let required = exit_status(report, true, FailOn::Warning);
    assert_eq!(
        matches!(required, ExitStatus::Fine | ExitStatus::Warning),
        report.verdict == Verdict::DaneOk,
        "{name}"
    );
    let advice = &report.recommendation;
    assert_eq!(
        advice.policy.is_some(),
        advice.action == Action::Override,
        "{name}"
    );
    assert_eq!(
        advice.entries.postfix.is_some(),
        advice.policy.is_some(),
        "{name}"
    );
    let alternatives = advice.alternatives.iter().map(|other| &other.postfix);
    for line in advice.entries.postfix.iter().chain(alternatives) {
        let (next_hop, value) = line.split_once("  ").unwrap();
        assert_eq!(next_hop, report.target, "{name}");
        let read = PolicyLine::parse(value, None).unwrap();
        assert_eq!(read.to_string(), value, "{name}");
    }
    if let Some(policy) = advice.policy {
        assert!(
            outcomes.at(policy).channel.is_some(),
            "{name}: {policy} in vain"
        );
        assert!(!dane, "{name}: {policy} without need");
    }
}

#[test]
fn the_laws_hold_for_what_was_recorded() {
    let mut seen = 0;
    for (name, saved) in all() {
        let report = Report::of(&read(&saved));
        agree(&name, &report);
        let again = serde_json::to_value(read(&saved)).unwrap();
        assert_eq!(json(&Report::of(&read(&again))), json(&report), "{name}");
        seen += 1;
    }
    assert!(seen > 600);
}

#[test]
fn a_stricter_level_delivers_only_where_a_weaker_one_does() {
    let mut seen = 0;
    let ends = ends();
    for (number, (name, saved)) in all().into_iter().enumerate() {
        // Every end with every eighth scenario, and some with each.
        for end in ends.iter().skip(number % 8).step_by(8) {
            let Some(one) = single(&saved, end) else {
                continue;
            };
            let observation = read(&one);
            let report = Report::of(&observation);
            let name = format!("{name} {end}");
            obey(&name, &observation, &report.outcomes);
            agree(&name, &report);
            seen += 1;
        }
    }
    assert!(seen > 2000, "{seen}");
}

/// The observation with an assumption about every server.
fn dns_only(whole: &Value) -> Value {
    let mut assumed = whole.clone();
    assumed["assumed"] = json!("dns-only");
    for address in addresses(&mut assumed) {
        if address["sessions"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
        {
            address["sessions"] = json!([stand_in(&Value::Null)]);
        }
    }
    assumed
}

/// Every server in it taken to show what it shows; `None` if some session did
/// not go well or was out of step, or if what is shown depends on the name.
fn same_certificates(whole: &Value) -> Option<Value> {
    let mut assumed = whole.clone();
    assumed["assumed"] = json!({"certificate": "chain.pem"});
    for address in addresses(&mut assumed) {
        let sessions = address["sessions"].as_array()?;
        let (first, others) = sessions.split_first()?;
        let same = |other: &Value| other["tls"]["chain"] == first["tls"]["chain"];
        let out_of_step = |one: &Value| {
            let kept = ["before_ehlo", "after_ehlo", "onward"];
            kept.iter().any(|place| !one[place].is_null())
        };
        let went_well = |one: &Value| one["end"] == "completed" && !out_of_step(one);
        if !others.iter().all(same) || !sessions.iter().all(went_well) {
            return None;
        }
        let tls = json!({
            "version": null, "cipher": null, "group": null,
            "chain": first["tls"]["chain"], "signature": "not-seen",
        });
        address["sessions"] = json!([stand_in(&tls)]);
    }
    Some(assumed)
}

fn stand_in(tls: &Value) -> Value {
    json!({"sni": null, "greeting": null, "ehlo": null, "tls": tls, "end": "assumed"})
}

fn addresses(observation: &mut Value) -> impl Iterator<Item = &mut Value> {
    observation["hosts"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .flat_map(|host| host["addresses"].as_array_mut().into_iter().flatten())
}

#[test]
fn what_dns_alone_keeps_back_is_kept_back_whatever_the_servers_do() {
    let (mut kept_back, mut let_through) = (0, 0);
    for (name, saved) in all() {
        let seen = Report::of(&read(&saved));
        let alone = Report::of(&read(&dns_only(&saved)));
        agree(&format!("{name} by DNS alone"), &alone);
        for level in SecurityLevel::ALL {
            if alone.outcomes.at(level).channel.is_some() {
                let_through += 1;
                continue;
            }
            kept_back += 1;
            let real = seen.outcomes.at(level);
            assert_eq!(real.channel, None, "{name} {level}: {real:?}");
        }
    }
    assert!(
        kept_back > 200 && let_through > 2000,
        "{kept_back} {let_through}"
    );
}

#[test]
fn a_certificate_comes_to_the_same_from_a_file_as_from_its_servers() {
    let mut seen = 0;
    for (name, saved) in all() {
        let Some(assumed) = same_certificates(&saved) else {
            continue;
        };
        let real = Report::of(&read(&saved));
        // OpenSSL ends the handshake by the version of TLS, which no file says.
        let ends = |finding: &FindingReport| finding.id == "handshake-failed";
        if real.findings.iter().any(ends) {
            continue;
        }
        let from_file = Report::of(&read(&assumed));
        assert_eq!(from_file.outcomes, real.outcomes, "{name}");
        assert_eq!(from_file.verdict, real.verdict, "{name}");
        seen += 1;
    }
    assert!(seen > 150, "{seen}");
}
