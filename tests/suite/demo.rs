//! Every case of the demo gives the verdict, the eight outcomes and the
//! override that its fault implies.

use std::collections::HashSet;

use crate::support::now;
use danecheck::demo::{CASES, Case, MOST_INSTRUCTIVE, SharedAuthorities};
use danecheck_core::finding::RULES;
use danecheck_core::judge::{Channel, Delivery, Outcome};
use danecheck_core::postfix::SecurityLevel;
use danecheck_core::report::html::{Frame, page};
use danecheck_core::report::{FailOn, Report, exit_status, schema};

/// Case, verdict, override and the outcomes at none, may, encrypt, dane,
/// dane-only, fingerprint, verify, secure: `p` plain text, `e` encrypted, `A`
/// authenticated, `/r` after the retry, `~` by chance, else the status code.
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    ("all-well", "dane-ok", "-", "p e e A A A A A"),
    ("anchor-well", "dane-ok", "-", "p e e A A A A A"),
    (
        "expired-certificate",
        "dane-ok",
        "-",
        "p e e A A A 4.7.5 4.7.5",
    ),
    ("roll-over", "dane-ok", "-", "p e e A A A A A"),
    (
        "other-certificate-without-sni",
        "dane-ok",
        "-",
        "p e e A A A 4.7.5 4.7.5",
    ),
    ("second-certificate", "dane-ok", "-", "p e e A A A A A"),
    (
        "stale-key",
        "dane-broken",
        "encrypt",
        "p e e 4.7.5 4.7.5 A A A",
    ),
    (
        "stale-certificate",
        "dane-broken",
        "encrypt",
        "p e e 4.7.5 4.7.5 A A A",
    ),
    (
        "stale-sha512",
        "dane-broken",
        "encrypt",
        "p e e 4.7.5 4.7.5 A A A",
    ),
    (
        "anchor-not-sent",
        "dane-broken",
        "encrypt",
        "p e e 4.7.5 4.7.5 A A A",
    ),
    (
        "anchor-wrong-name",
        "dane-broken",
        "encrypt",
        "p e e 4.7.5 4.7.5 A 4.7.5 4.7.5",
    ),
    (
        "anchor-expired",
        "dane-broken",
        "encrypt",
        "p e e 4.7.5 4.7.5 A 4.7.5 4.7.5",
    ),
    (
        "leaf-as-anchor",
        "dane-broken",
        "encrypt",
        "p e e 4.7.5 4.7.5 A A A",
    ),
    ("usage-1-only", "dane-unusable", "-", "p e e e 4.7.5 A A A"),
    ("usage-1-beside-3", "dane-ok", "-", "p e e A A A A A"),
    (
        "malformed-record",
        "dane-unusable",
        "-",
        "p e e e 4.7.5 A A A",
    ),
    ("no-tlsa", "no-dane", "-", "p e e e 4.7.5 A A A"),
    ("nothing-signed", "no-dane", "-", "p e e e 4.7.5 A A 4.7.5"),
    (
        "mx-not-signed",
        "dane-partial",
        "-",
        "p e e e 4.7.5 A A 4.7.5",
    ),
    ("host-not-signed", "no-dane", "-", "p e e e 4.7.5 A A 4.7.5"),
    (
        "tlsa-lookup-fails",
        "dane-broken",
        "encrypt",
        "p e e 4.7.5 4.7.5 A A A",
    ),
    (
        "tlsa-signature-broken",
        "dane-broken",
        "encrypt",
        "p e e 4.7.5 4.7.5 A A A",
    ),
    (
        "signatures-expired",
        "undeliverable",
        "!",
        "4.4.3 4.4.3 4.4.3 4.4.3 4.4.3 4.4.3 4.4.3 4.4.3",
    ),
    ("resolver-blind", "dane-ok", "-", "p e e A A A A A"),
    (
        "null-mx",
        "undeliverable",
        "!",
        "5.1.0 5.1.0 5.1.0 5.1.0 5.1.0 5.1.0 5.1.0 5.1.0",
    ),
    ("no-mx-record", "dane-ok", "-", "p e e A A A A A"),
    (
        "mx-without-address",
        "undeliverable",
        "!",
        "5.4.4 5.4.4 5.4.4 5.4.4 5.4.4 5.4.4 5.4.4 5.4.4",
    ),
    ("mx-behind-alias", "dane-ok", "-", "p e e A A A 4.7.5 A"),
    (
        "starttls-gone",
        "dane-broken",
        "may",
        "p p 4.7.4 4.7.4 4.7.4 4.7.4 4.7.4 4.7.4",
    ),
    (
        "starttls-refused-for-now",
        "dane-broken",
        "may",
        "p p 4.7.0 4.7.0 4.7.0 4.7.0 4.7.0 4.7.0",
    ),
    (
        "starttls-refused-for-good",
        "dane-broken",
        "may",
        "p p 5.7.3 5.7.3 5.7.3 5.7.3 5.7.3 5.7.3",
    ),
    (
        "starttls-no-reply",
        "dane-broken",
        "none",
        "p 4.4.2 4.4.2 4.4.2 4.4.2 4.4.2 4.4.2 4.4.2",
    ),
    (
        "handshake-fails",
        "dane-broken",
        "may",
        "p p/r 4.7.5 4.7.5 4.7.5 4.7.5 4.7.5 4.7.5",
    ),
    (
        "no-tls-no-dane",
        "no-dane",
        "-",
        "p p 4.7.4 p 4.7.5 4.7.4 4.7.4 4.7.4",
    ),
    (
        "refused-in-greeting",
        "undeliverable",
        "!",
        "4.7.1 4.7.1 4.7.1 4.7.1 4.7.1 4.7.1 4.7.1 4.7.1",
    ),
    (
        "connection-refused",
        "undeliverable",
        "!",
        "4.4.1 4.4.1 4.4.1 4.4.1 4.4.1 4.4.1 4.4.1 4.4.1",
    ),
    (
        "port-blocked",
        "indeterminate",
        "!",
        "4.4.1 4.4.1 4.4.1 4.4.1 4.4.1 4.4.1 4.4.1 4.4.1",
    ),
    ("one-bad-mx-of-two", "dane-partial", "-", "p e e A A A A A"),
    (
        "one-bad-address-of-two",
        "dane-partial",
        "-",
        "p e e A A A A A",
    ),
    (
        "backup-without-dane",
        "dane-partial",
        "-",
        "p e e p 4.7.5 A A A",
    ),
    ("unequal-equals", "dane-partial", "-", "p e e e~ A A A A"),
];

fn short(outcome: &Outcome) -> String {
    let channel = match outcome.channel {
        Some(Channel::Plaintext) => "p",
        Some(Channel::Encrypted) => "e",
        Some(Channel::Authenticated) => "A",
        None => "",
    };
    let mut text = match outcome.delivery {
        Delivery::Delivered => channel.to_owned(),
        Delivery::DeliveredAfterRetry => format!("{channel}/r"),
        Delivery::Deferred | Delivery::Bounced => outcome.dsn.clone().unwrap(),
    };
    let bounced = outcome.delivery == Delivery::Bounced;
    assert_eq!(
        bounced,
        outcome.delivery != Delivery::Delivered && text.starts_with('5')
    );
    if outcome.varies {
        text.push('~');
    }
    text
}

fn outcomes(report: &Report) -> String {
    let all = SecurityLevel::ALL.map(|level| short(report.outcomes.at(level)));
    all.join(" ")
}

fn override_word(report: &Report) -> String {
    use danecheck_core::judge::Action;
    match report.recommendation.action {
        Action::Keep => "-".to_owned(),
        Action::NotFixable => "!".to_owned(),
        Action::Override => report.recommendation.policy.unwrap().to_string(),
    }
}

async fn reports() -> Vec<(&'static Case, Report)> {
    let shared = SharedAuthorities::new(now());
    let shared = &shared;
    let looks = CASES.iter().map(|case| async move {
        let observation = case.observe(shared).await.unwrap();
        // A saved observation gives the very same report.
        let saved = serde_json::to_string(&observation).unwrap();
        let replayed = serde_json::from_str(&saved).unwrap();
        let report = Report::of(&observation);
        assert_eq!(report, Report::of(&replayed), "{}", case.name);
        (case, report)
    });
    futures_util::future::join_all(looks).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_case_gives_what_its_fault_implies() {
    let mut expected: Vec<String> = Vec::new();
    for (name, verdict, policy, outcomes) in EXPECTED {
        expected.push(format!("{name}: {verdict} {policy} [{outcomes}]"));
    }
    let mut seen: Vec<String> = Vec::new();
    for (case, report) in reports().await {
        seen.push(format!(
            "{}: {} {} [{}]",
            case.name,
            report.verdict.as_str(),
            override_word(&report),
            outcomes(&report)
        ));
    }
    let differing: Vec<_> = seen.iter().zip(&expected).filter(|(a, b)| a != b).collect();
    assert!(differing.is_empty(), "seen, expected: {differing:#?}");
    assert_eq!(seen.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_report_keeps_to_the_schema_and_its_page_to_150_kilobytes() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for (case, report) in reports().await {
        let status = exit_status(&report, false, FailOn::Warning);
        let page = page(&report, status, &Frame::default());
        assert!(page.len() < 150_000, "{}: {}", case.name, page.len());
        let value = serde_json::to_value(&report).unwrap();
        let faults: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{}: {faults:?}", case.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_for_people_is_wider_than_the_terminal_but_what_is_to_be_pasted() {
    use danecheck_core::report::{Detail, HumanStyle, human};
    for (case, report) in reports().await {
        let short = human(&report, HumanStyle::default());
        let everything = human(&report, HumanStyle::of(Detail::Everything));
        let text = format!("{short}{everything}");
        for line in text.lines() {
            let pasted = line.contains("fingerprint match=") || line.contains("-d '{");
            assert!(
                pasted || line.chars().count() <= 80,
                "{}: {line}",
                case.name
            );
        }
        assert!(!text.contains('\u{1b}'), "{}", case.name);
        let colored = human(
            &report,
            HumanStyle {
                color: true,
                ..HumanStyle::default()
            },
        );
        assert!(colored.contains('\u{1b}'), "{}", case.name);
    }
}

#[test]
fn the_case_that_is_shown_in_full_exists() {
    assert!(Case::find(MOST_INSTRUCTIVE).is_some());
}

/// Findings that no case raises, with the test that does.
const RAISED_ELSEWHERE: &[(&str, &str)] = &[
    ("ad-stripped", "tests/suite/findings.rs"),
    (
        "address-families-fail-differently",
        "tests/incidents/servers.rs",
    ),
    ("address-family-not-looked-at", "tests/suite/way.rs"),
    ("address-family-unreachable", "tests/suite/findings.rs"),
    ("address-lookup-failed", "tests/suite/findings.rs"),
    ("alias-loop", "tests/suite/findings/alias.rs"),
    ("alias-not-of-dname", "tests/suite/findings/signatures.rs"),
    (
        "answer-of-another-name",
        "tests/suite/findings/signatures.rs",
    ),
    ("certificate-assumed", "tests/suite/assumed.rs"),
    ("certificate-ends-soon", "tests/suite/rollover.rs"),
    ("certificate-invalid", "tests/suite/findings.rs"),
    ("client-certificate-required", "tests/incidents/servers.rs"),
    ("client-certificate-wanted", "tests/incidents/servers.rs"),
    ("closed-before-mail", "tests/suite/findings.rs"),
    ("connection-timed-out", "tests/suite/findings.rs"),
    ("dane-ta-chain-refused", "tests/incidents/records.rs"),
    (
        "denial-proves-nothing",
        "tests/suite/findings/signatures.rs",
    ),
    ("ds-matches-no-key", "tests/suite/findings/signatures.rs"),
    ("ehlo-refused", "tests/suite/findings.rs"),
    ("host-skipped", "tests/suite/config.rs"),
    ("invalid-target", "tests/suite/cli.rs"),
    ("issuer-not-sent", "tests/incidents/records.rs"),
    (
        "judgement-cut-short",
        "crates/danecheck-core/src/diagnosis/work_tests.rs",
    ),
    ("key-missing", "tests/suite/findings/signatures.rs"),
    ("local-dane-switched-off", "tests/suite/local_sender.rs"),
    ("local-no-trust-store", "tests/suite/local_sender.rs"),
    ("local-override-not-needed", "tests/suite/local_sender.rs"),
    ("local-override-too-weak", "tests/suite/local_sender.rs"),
    ("local-policy-malformed", "tests/suite/local_sender.rs"),
    ("local-policy-shadowed", "tests/suite/local_sender.rs"),
    ("local-relays", "tests/suite/local_sender.rs"),
    (
        "local-resolver-does-not-validate",
        "tests/suite/local_sender.rs",
    ),
    ("more-addresses-than-tried", "tests/suite/first_hours.rs"),
    ("mta-sts-host-fails", "tests/suite/mta_sts/mx_hosts.rs"),
    ("mta-sts-host-not-listed", "tests/suite/mta_sts.rs"),
    ("mta-sts-mailcow-waits", "tests/suite/mta_sts/mailcow.rs"),
    ("mta-sts-max-age-odd", "tests/suite/mta_sts.rs"),
    ("mta-sts-no-host-passes", "tests/suite/mta_sts/mx_hosts.rs"),
    ("mta-sts-not-enforced", "tests/suite/mta_sts.rs"),
    ("mta-sts-not-seen", "tests/suite/mta_sts/policy_host.rs"),
    ("mta-sts-pattern-unused", "tests/suite/mta_sts.rs"),
    ("mta-sts-policy-invalid", "tests/suite/mta_sts.rs"),
    (
        "mta-sts-policy-unavailable",
        "tests/suite/mta_sts/policy_host.rs",
    ),
    ("mta-sts-record-invalid", "tests/suite/mta_sts.rs"),
    ("mx-host-is-address", "tests/suite/findings.rs"),
    ("mx-host-name-invalid", "tests/suite/findings.rs"),
    ("mx-not-as-expected", "tests/suite/config.rs"),
    ("name-does-not-exist", "tests/suite/first_hours.rs"),
    ("name-server-answer-bogus", "tests/suite/name_servers.rs"),
    ("name-server-behind", "tests/suite/name_servers.rs"),
    (
        "name-server-lacks-signatures",
        "tests/suite/name_servers.rs",
    ),
    ("name-server-lacks-zone", "tests/suite/name_servers.rs"),
    (
        "name-server-not-authoritative",
        "tests/suite/name_servers.rs",
    ),
    ("name-server-not-public", "tests/suite/name_servers.rs"),
    (
        "name-server-signature-expired",
        "tests/suite/name_servers.rs",
    ),
    ("name-server-silent", "tests/suite/name_servers.rs"),
    ("name-server-without-address", "tests/suite/name_servers.rs"),
    ("name-servers-disagree", "tests/suite/name_servers.rs"),
    ("name-servers-in-order", "tests/suite/name_servers.rs"),
    ("name-servers-out-of-reach", "tests/suite/name_servers.rs"),
    ("no-trust-anchor", "tests/suite/findings/signatures.rs"),
    ("not-all-looked-at", "tests/suite/findings.rs"),
    (
        "nsec3-iterations-past-limit",
        "tests/suite/findings/signatures.rs",
    ),
    ("own-name-refused", "tests/suite/findings/server_name.rs"),
    ("own-name-unknown", "tests/suite/findings/server_name.rs"),
    ("policy-service-fails", "tests/suite/sender.rs"),
    ("proxy-failed", "tests/suite/proxy.rs"),
    ("records-change-spreading", "tests/suite/freshness.rs"),
    ("refused-at-first", "tests/suite/findings.rs"),
    ("replies-out-of-step", "tests/suite/findings.rs"),
    ("reserved-address", "tests/suite/reserved.rs"),
    (
        "resolver-addresses-differ",
        "tests/suite/findings/resolver_answer.rs",
    ),
    ("resolver-and-validation-differ", "tests/suite/findings.rs"),
    (
        "resolver-answers-otherwise",
        "tests/suite/findings/resolver_answer.rs",
    ),
    ("resolver-denies-the-root", "tests/suite/first_hours.rs"),
    ("resolver-not-dnssec-capable", "tests/suite/findings.rs"),
    ("resolver-not-on-loopback", "tests/suite/findings.rs"),
    ("resolver-serves-stale", "tests/suite/freshness.rs"),
    ("resolver-silent", "tests/suite/cli.rs"),
    ("resolver-times-out", "tests/suite/freshness.rs"),
    (
        "response-code-contradicts",
        "tests/suite/findings/signatures.rs",
    ),
    ("sender-refuses-old-tls", "tests/suite/sender.rs"),
    ("sender-setting-not-read", "tests/suite/local_sender.rs"),
    ("sender-stricter-than-dane", "tests/suite/sender.rs"),
    ("server-silent", "tests/suite/findings.rs"),
    ("servers-not-looked-at", "tests/suite/assumed.rs"),
    ("session-lost-in-tls", "tests/suite/findings.rs"),
    (
        "signature-dates-reversed",
        "tests/suite/findings/signatures.rs",
    ),
    ("signature-ends-soon", "tests/suite/freshness.rs"),
    ("signature-missing", "tests/suite/findings/signatures.rs"),
    (
        "signature-not-yet-valid",
        "tests/suite/findings/signatures.rs",
    ),
    (
        "signature-within-clock-skew",
        "tests/suite/findings/signatures.rs",
    ),
    ("signatures-end-by-then", "tests/suite/rollover.rs"),
    ("signed-without-ds", "tests/incidents/dns.rs"),
    ("signing-key-missing", "tests/suite/findings/signatures.rs"),
    ("sni-refused", "tests/suite/findings/server_name.rs"),
    ("sni-required", "tests/suite/findings/server_name.rs"),
    ("starttls-masked", "tests/incidents/servers.rs"),
    ("temporary-refusal", "tests/suite/findings.rs"),
    ("tls-differs-by-release", "tests/suite/old_tls.rs"),
    ("tls-outdated", "tests/suite/old_tls.rs"),
    ("tls-reporting-invalid", "tests/suite/mta_sts.rs"),
    ("tls-reporting-missing", "tests/suite/mta_sts.rs"),
    ("tls-too-old", "tests/suite/old_tls.rs"),
    ("tls12-other-certificate", "tests/suite/thorough.rs"),
    ("tlsa-ahead-of-certificate", "tests/incidents/records.rs"),
    ("tlsa-alias-stale", "tests/incidents/records.rs"),
    ("tlsa-breaks-at-renewal", "tests/incidents/records.rs"),
    ("tlsa-from-cache", "tests/suite/freshness.rs"),
    ("tlsa-issuer-changed", "tests/incidents/records.rs"),
    ("tlsa-left-at-alias", "tests/incidents/records.rs"),
    ("tlsa-left-over", "tests/suite/findings/left_over.rs"),
    ("tlsa-not-signed", "tests/suite/findings.rs"),
    ("tlsa-of-nothing", "tests/incidents/records.rs"),
    ("tlsa-of-other-server", "tests/incidents/records.rs"),
    ("tlsa-of-other-service", "tests/incidents/servers.rs"),
    ("tlsa-of-text", "tests/incidents/records.rs"),
    (
        "tlsa-one-certificate-many-records",
        "tests/incidents/records.rs",
    ),
    ("tlsa-other-issuer", "tests/incidents/records.rs"),
    ("tlsa-retired-issuer", "tests/incidents/records.rs"),
    ("tlsa-too-many-records", "tests/incidents/records.rs"),
    ("tlsa-without-data", "tests/incidents/records.rs"),
    ("tlsa-without-sni-only", "tests/incidents/records.rs"),
    ("tlsa-wrong-selector", "tests/incidents/records.rs"),
    ("vantage-point-blind", "tests/suite/vantage.rs"),
    ("vantage-points-agree", "tests/suite/vantage.rs"),
    ("vantage-points-differ", "tests/suite/vantage.rs"),
    ("zone-not-loaded", "tests/suite/name_servers.rs"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_finding_is_raised_by_some_case_or_test() {
    let mut raised: HashSet<String> = HashSet::new();
    for (_, report) in reports().await {
        raised.extend(report.findings.into_iter().map(|finding| finding.id));
    }
    let missing: Vec<&str> = RULES
        .iter()
        .map(|rule| rule.id)
        .filter(|id| !raised.contains(*id))
        .collect();
    let elsewhere: Vec<&str> = RAISED_ELSEWHERE.iter().map(|(id, _)| *id).collect();
    assert_eq!(missing, elsewhere);
    for (id, test) in RAISED_ELSEWHERE {
        let text = std::fs::read_to_string(test).unwrap();
        assert!(text.contains(&format!("\"{id}\"")), "{id} in {test}");
    }
}
