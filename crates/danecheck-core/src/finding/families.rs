//! The finding about a host whose address families fail in different ways.

use crate::finding::rule::{Finding, Findings, Rule, Severity};
use crate::finding::subject::{at, peer};
use crate::judge::{HostEvidence, Judged, Standing};

pub(super) static ADDRESS_FAMILIES_FAIL_DIFFERENTLY: Rule = Rule {
    id: "address-families-fail-differently",
    severity: Severity::Error,
    reference: "Postfix smtp_address_preference",
    meaning: "A mail server fails over IPv4 in one way and over IPv6 in another. There are two \
              faults, and often two machines. A sender's log names the fault of the family that it \
              tried last, so one problem can look like several.",
    sender: "Tell the receiver both faults: one log line shows only one of them.",
    receiver: "Repair both. Run `openssl s_client -starttls smtp -connect HOST:25` with `-4` and \
               with `-6` until both succeed.",
};

pub(super) static ADDRESS_FAMILY_NOT_LOOKED_AT: Rule = Rule {
    id: "address-family-not-looked-at",
    severity: Severity::Info,
    reference: "Postfix inet_protocols",
    meaning: "You asked for one address family alone (-4 or -6). danecheck did not connect to the \
              addresses of the other one, and the report says nothing about them. It is about a \
              sender whose inet_protocols names that family alone.",
    sender: "Run danecheck without -4 and -6 to see both families, if this machine has both.",
    receiver: "",
};

/// What was left out because the user asked for one family.
fn not_looked_at(judged: &Judged<'_>, findings: &mut Findings) {
    let observation = judged.evidence.observation;
    let Some(only) = observation.only else {
        return;
    };
    let left_out = judged
        .evidence
        .addresses()
        .filter(|(_, address)| !only.has(address.seen.address))
        .count();
    if left_out > 0 {
        let (used, other) = (only.as_str(), only.other().as_str());
        findings.add(
            &ADDRESS_FAMILY_NOT_LOOKED_AT,
            other,
            format!(
                "{left_out} {other} addresses were not looked at: the report is about a sender \
                 with {used} alone."
            ),
        );
    }
}

/// Raises the findings, from those about addresses so far.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    not_looked_at(judged, findings);
    let mut standings = judged.standings.iter();
    for host in &judged.evidence.hosts {
        let own: Vec<&Standing> = standings.by_ref().take(host.addresses.len()).collect();
        if own.iter().any(|standing| **standing != Standing::Broken) {
            continue;
        }
        let (four, six) = (told(host, true, findings), told(host, false, findings));
        let (Some((_, over_four)), Some((_, over_six))) = (four.first(), six.first()) else {
            continue;
        };
        let alike = |(id, _): &(&str, String)| six.iter().any(|(other, _)| id == other);
        if four.iter().any(alike) {
            continue;
        }
        let name = &host.seen.name;
        let message = format!(
            "Both address families of {name} fail, each in its own way. IPv4: {over_four} IPv6: \
             {over_six}"
        );
        let finding = Finding::new(&ADDRESS_FAMILIES_FAIL_DIFFERENTLY, name, message);
        let port = judged.evidence.observation.next_hop.port;
        findings.put(at(finding, host, port));
    }
}

/// The findings about the addresses of one family: ids and messages.
fn told(
    host: &HostEvidence<'_>,
    is_ipv4: bool,
    findings: &Findings,
) -> Vec<(&'static str, String)> {
    let addresses = host.addresses.iter().map(|address| address.seen.address);
    let peers: Vec<String> = addresses
        .filter(|address| address.is_ipv4() == is_ipv4)
        .map(|address| peer(host, address))
        .collect();
    let faults = findings
        .all()
        .iter()
        .filter(|finding| finding.severity > Severity::Info && peers.contains(&finding.subject));
    faults
        .map(|finding| (finding.rule.id, finding.message.clone()))
        .collect()
}
