//! Where the name servers of a zone agree, and where they differ.

use crate::dnssec::Fault;
use crate::finding::rule::{Finding, Findings};
use crate::observation::{AuthoritySeen, NameServerAnswers, NameServerReply};
use crate::unix_time::UnixTime;

use super::Complaint;
use super::rules::{
    NAME_SERVER_ANSWER_BOGUS, NAME_SERVER_BEHIND, NAME_SERVER_LACKS_SIGNATURES,
    NAME_SERVER_SIGNATURE_EXPIRED, NAME_SERVERS_DISAGREE,
};

/// Finds servers that send data without signatures, or with old ones, while
/// others have good ones.
pub(super) fn signatures(
    seen: &AuthoritySeen,
    answered: &[(String, &NameServerAnswers)],
    now: UnixTime,
    complaints: &mut Vec<Complaint>,
) {
    let replies = || {
        answered
            .iter()
            .filter_map(|(who, it)| Some((who, own(it)?)))
    };
    let mut complain = |rule, server: &str, message| {
        complaints.push(Complaint::new(rule, server, seen, message));
    };
    if replies().any(|(_, reply)| reply.signed) {
        for (server, _) in replies().filter(|(_, reply)| !reply.signed) {
            let message = format!(
                "{server}, a name server of {}, sends {{}} without signatures.",
                seen.zone
            );
            complain(&NAME_SERVER_LACKS_SIGNATURES, server, message);
        }
    }
    let until = |reply: &NameServerReply| reply.signed_until;
    let valid = |reply: &NameServerReply| until(reply).is_some_and(|until| until >= now);
    if replies().any(|(_, reply)| valid(reply)) {
        for (server, reply) in replies() {
            if let Some(until) = until(reply)
                && until < now
            {
                let message = format!(
                    "{server}, a name server of {}, sends {{}} with a signature that expired at \
                     {until}.",
                    seen.zone
                );
                complain(&NAME_SERVER_SIGNATURE_EXPIRED, server, message);
            }
        }
    }
}

/// Finds servers whose answer is bogus while the answers of others are valid,
/// unless another finding explains it better.
pub(super) fn bogus(
    seen: &AuthoritySeen,
    answered: &[(String, &NameServerAnswers)],
    complaints: &mut Vec<Complaint>,
) {
    let replies = || answered.iter().filter(|(_, it)| own(it).is_some());
    if replies().all(|(_, answers)| answers.weak_link.is_some()) {
        return;
    }
    for (server, answers) in replies() {
        let Some(link) = &answers.weak_link else {
            continue;
        };
        if matches!(
            link.fault,
            Fault::SignatureExpired { .. } | Fault::SignatureMissing
        ) || own(answers).is_some_and(|reply| !reply.signed)
        {
            continue;
        }
        let message = format!(
            "{server}, a name server of {}, sends a bogus answer to {{}}: {link}.",
            seen.zone
        );
        complaints.push(Complaint::new(
            &NAME_SERVER_ANSWER_BOGUS,
            server,
            seen,
            message,
        ));
    }
}

/// The whole reply of a server of the zone.
pub(super) fn own(answers: &NameServerAnswers) -> Option<&NameServerReply> {
    answers.whole().filter(|reply| reply.authoritative)
}

/// Whether all servers have the same records; raises a finding if not.
pub(super) fn agree(
    seen: &AuthoritySeen,
    answered: &[(String, &NameServerAnswers)],
    findings: &mut Findings,
) -> bool {
    // Name servers may give each client different addresses.
    let by_client = matches!(seen.rtype.as_str(), "A" | "AAAA");
    let mut groups: Vec<(&NameServerReply, Vec<&str>)> = Vec::new();
    for (server, answers) in answered {
        let Some(reply) = own(answers) else {
            continue;
        };
        let alike = groups.iter_mut().find(|(first, _)| {
            first.records == reply.records
                || by_client && first.records.is_empty() == reply.records.is_empty()
        });
        match alike {
            Some((_, servers)) => servers.push(server),
            None => groups.push((reply, vec![server])),
        }
    }
    if groups.len() < 2 {
        return true;
    }
    let groups: Vec<String> = groups
        .iter()
        .map(|(reply, servers)| format!("{} {}", servers.join(", "), has(reply, servers.len())))
        .collect();
    let what = format!("{} {}", seen.name, seen.rtype);
    let message = format!(
        "The name servers of {} disagree on {what}: {}.",
        seen.zone,
        groups.join("; ")
    );
    let finding = Finding::new(&NAME_SERVERS_DISAGREE, what, message);
    findings.put(finding.known("ZONE", &seen.zone));
    false
}

fn has(reply: &NameServerReply, servers: usize) -> String {
    let verb = if servers == 1 { "has" } else { "have" };
    if reply.records.is_empty() {
        return format!("{verb} none");
    }
    format!("{verb} {}", listed(&reply.records))
}

/// Records in a sentence, each short enough for it.
pub(in crate::finding) fn listed(records: &[String]) -> String {
    if records.is_empty() {
        return "no record".to_owned();
    }
    let records: Vec<String> = records.iter().map(|record| brief(record)).collect();
    records.join(" and ")
}

/// A record short enough for a sentence.
fn brief(record: &str) -> String {
    let length = record.chars().count();
    if length <= 32 {
        return record.to_owned();
    }
    let head: String = record.chars().take(16).collect();
    let tail: String = record.chars().skip(length - 4).collect();
    format!("{head}...{tail}")
}

/// Finds servers with an older copy of the zone (RFC 1982).
pub(super) fn serials(
    seen: &AuthoritySeen,
    answered: &[(String, &NameServerAnswers)],
    findings: &mut Findings,
) {
    let serials = || {
        answered
            .iter()
            .filter_map(|(who, it)| Some((who, it.serial?)))
    };
    let older = |one: u32, other: u32| one != other && other.wrapping_sub(one) < 1 << 31;
    let mut newest = None;
    for (_, serial) in serials() {
        newest = match newest {
            Some(newest) if !older(newest, serial) => Some(newest),
            _ => Some(serial),
        };
    }
    let Some(newest) = newest else {
        return;
    };
    for (server, serial) in serials().filter(|(_, serial)| older(*serial, newest)) {
        let message = format!(
            "{server} has serial {serial} of {}, but others have {newest}.",
            seen.zone
        );
        let name = server.split(' ').next().unwrap_or_default();
        let finding = Finding::new(&NAME_SERVER_BEHIND, server, message)
            .known("ZONE", &seen.zone)
            .known("@SERVER", &format!("@{name}"));
        findings.put(finding);
    }
}
