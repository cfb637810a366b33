//! Findings about the name servers of a zone, each asked directly.

mod comparison;
mod resolver_answer;
mod rules;

use std::collections::BTreeSet;

use crate::dnssec::{SecurityStatus, WeakLink};
use crate::finding::rule::{Finding, Findings, Rule};
use crate::judge::Judged;
use crate::observation::{
    AnyLookup, AuthoritySeen, NameServerAddressSeen, NameServerAnswer, NameServerAnswers,
    NameServerFailure, NameServerSeen, Observation, SingleLookup,
};
use crate::reserved::reserved_block;
use crate::unix_time::UnixTime;

use self::comparison::{agree, bogus, own, serials, signatures};
use super::{alias, overall};

pub(super) use self::comparison::listed;
pub(super) use self::resolver_answer::is_bogus_at_the_resolver_alone;
pub(crate) use self::rules::NAME_SERVERS_IN_ORDER;
pub(super) use self::rules::*;

/// The result of a lookup through the resolver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Through {
    Answered,
    Failed,
    Bogus,
}

/// A lookup about which name servers were asked.
struct Asked<'a> {
    seen: &'a AuthoritySeen,
    through: Through,
    /// The resolver's records, in presentation form and sorted; `None` if it
    /// sent no usable answer.
    records: Option<Vec<String>>,
    /// What danecheck's own validation finds wrong with its answer.
    link: Option<&'a WeakLink>,
}

/// One complaint, which may be about several types.
struct Complaint {
    rule: &'static Rule,
    server: String,
    zone: String,
    /// The name that was asked for first.
    name: String,
    /// With `{}` for the types.
    message: String,
    types: BTreeSet<String>,
}

impl Complaint {
    fn new(rule: &'static Rule, server: &str, seen: &AuthoritySeen, message: String) -> Self {
        Self {
            rule,
            server: server.to_owned(),
            zone: seen.zone.clone(),
            name: seen.name.clone(),
            message,
            types: BTreeSet::from([seen.rtype.clone()]),
        }
    }
}

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    let observation = judged.evidence.observation;
    judge(&asked(observation), observation.checked_at, findings);
}

/// The findings about the name servers of one lookup.
pub(super) fn of_single(lookup: &SingleLookup, now: UnixTime, findings: &mut Findings) {
    let through = match (&lookup.reply, lookup.own.status) {
        (_, SecurityStatus::Bogus) => Through::Bogus,
        (Ok(_), _) => Through::Answered,
        (Err(_), _) => Through::Failed,
    };
    let records = lookup.reply.as_ref().ok().map(|reply| {
        let mut records = reply.records.clone();
        records.sort();
        records
    });
    let asked: Vec<Asked<'_>> = lookup
        .authority
        .iter()
        .map(|seen| Asked {
            seen,
            through,
            records: records.clone(),
            link: lookup.own.weak_link.as_ref(),
        })
        .collect();
    judge(&asked, now, findings);
}

fn asked(observation: &Observation) -> Vec<Asked<'_>> {
    observation.lookups().filter_map(of_lookup).collect()
}

fn of_lookup(lookup: AnyLookup<'_>) -> Option<Asked<'_>> {
    let through = match lookup.status {
        _ if lookup.is_bogus() => Through::Bogus,
        Err(_) => Through::Failed,
        Ok(_) => Through::Answered,
    };
    Some(Asked {
        seen: lookup.authority?,
        through,
        records: lookup.authority_at_end().and_then(|_| lookup.records()),
        link: lookup.own.and_then(|own| own.weak_link.as_ref()),
    })
}

fn judge(all: &[Asked<'_>], now: UnixTime, findings: &mut Findings) {
    let mut complaints: Vec<Complaint> = Vec::new();
    for asked in all {
        let seen = asked.seen;
        not_asked(seen, findings);
        if is_out_of_reach(asked) {
            findings.add(
                &NAME_SERVERS_OUT_OF_REACH,
                seen.zone.clone(),
                format!("No name server of {} answers from here.", seen.zone),
            );
            continue;
        }
        let before = complaints.len();
        let answered: Vec<(String, &NameServerAnswers)> = seen
            .addresses()
            .filter(|(_, address)| counts(seen, address))
            .filter_map(|(server, address)| Some((who(server, address), address.answers.as_ref()?)))
            .collect();
        let not_loaded: Vec<&str> = answered
            .iter()
            .filter(|(_, answers)| zone_failure(answers).is_some())
            .map(|(server, _)| server.as_str())
            .collect();
        let nobody_has_it = !answered.is_empty() && not_loaded.len() == answered.len();
        for (server, answers) in &answered {
            match zone_failure(answers) {
                Some(_) if nobody_has_it => {}
                Some(failure) => {
                    let text = error_text(failure);
                    let message = format!(
                        "{server}, a name server of {}, has not loaded the zone: it answers {text} \
                         even to a query for its SOA record.",
                        seen.zone
                    );
                    complaints.push(Complaint::new(
                        &NAME_SERVER_LACKS_ZONE,
                        server,
                        seen,
                        message,
                    ));
                }
                None => faults(seen, server, answers, &mut complaints),
            }
        }
        if nobody_has_it {
            let servers: Vec<String> = answered
                .iter()
                .filter_map(|(server, answers)| {
                    Some(format!(
                        "{server} answers {}",
                        error_text(zone_failure(answers)?)
                    ))
                })
                .collect();
            let message = format!(
                "No name server of {} has loaded the zone: even to a query for its SOA record {}.",
                seen.zone,
                servers.join(", ")
            );
            let finding = Finding::new(&ZONE_NOT_LOADED, &seen.zone, message);
            findings.put(finding.known("ZONE", &seen.zone));
        }
        signatures(seen, &answered, now, &mut complaints);
        bogus(seen, &answered, &mut complaints);
        let agree = agree(seen, &answered, findings);
        serials(seen, &answered, findings);
        let all_answer = answered.iter().all(|(_, answers)| own(answers).is_some());
        let in_order = complaints.len() == before && agree && all_answer && !answered.is_empty();
        resolver_answer::check(asked, findings);
        if in_order && asked.through == Through::Failed && !alias::lead_nowhere(seen) {
            findings.add(
                &NAME_SERVERS_IN_ORDER,
                seen.zone.clone(),
                format!(
                    "Every name server of {} answers {} {} directly. Only the resolver gets no \
                     answer.",
                    seen.zone, seen.name, seen.rtype
                ),
            );
        }
    }
    for complaint in gathered(complaints) {
        let types: Vec<&str> = complaint.types.iter().map(String::as_str).collect();
        let message = complaint.message.replace("{}", &types.join(", "));
        let server = complaint.server.split(' ').next().unwrap_or_default();
        let rtype = types.first().copied().unwrap_or_default();
        let finding = Finding::new(complaint.rule, &complaint.server, message)
            .known("ZONE", &complaint.zone)
            .known("TYPE", rtype)
            .known("NAME", &complaint.name)
            .known("@SERVER", &format!("@{server}"));
        findings.put(finding);
    }
}

/// Merges the same complaint about several types.
fn gathered(complaints: Vec<Complaint>) -> Vec<Complaint> {
    let mut gathered: Vec<Complaint> = Vec::new();
    for complaint in complaints {
        let alike = gathered.iter_mut().find(|first| {
            (first.rule, &first.server, &first.zone, &first.message)
                == (
                    complaint.rule,
                    &complaint.server,
                    &complaint.zone,
                    &complaint.message,
                )
        });
        match alike {
            Some(first) => first.types.extend(complaint.types),
            None => gathered.push(complaint),
        }
    }
    gathered
}

/// `ns2.example.com (192.0.2.53)`.
fn who(server: &NameServerSeen, address: &NameServerAddressSeen) -> String {
    format!("{} ({})", server.name, address.address)
}

/// Reports what danecheck could not ask, and why.
fn not_asked(seen: &AuthoritySeen, findings: &mut Findings) {
    for server in &seen.servers {
        if server.looked_up && server.addresses.is_empty() {
            findings.add(
                &NAME_SERVER_WITHOUT_ADDRESS,
                server.name.clone(),
                format!(
                    "{}, a name server of {}, has no address.",
                    server.name, seen.zone
                ),
            );
        }
        for address in &server.addresses {
            if address.answers.is_none() {
                let block = reserved_block(address.address);
                let block =
                    block.map_or_else(|| "not a public address".to_owned(), ToString::to_string);
                findings.add(
                    &NAME_SERVER_NOT_PUBLIC,
                    who(server, address),
                    format!(
                        "danecheck did not ask {}, a name server of {}: its address is not public \
                         ({block}).",
                        who(server, address),
                        seen.zone
                    ),
                );
            }
        }
    }
    if seen.left_out > 0 {
        findings.add(
            &overall::NOT_ALL_LOOKED_AT,
            seen.zone.clone(),
            format!(
                "{} has {} name servers. danecheck asked {}.",
                seen.zone,
                seen.servers.len() + seen.left_out,
                seen.servers.len()
            ),
        );
    }
}

/// Whether the fault is in the network here, not in the servers: no answer is
/// that of a name server of the zone, although the resolver got its answer from
/// one.
fn is_out_of_reach(asked: &Asked<'_>) -> bool {
    let mut answers = asked
        .seen
        .addresses()
        .filter_map(|(_, address)| address.answers.as_ref())
        .peekable();
    let strange = |answers: &NameServerAnswers| {
        let speaks = answers.whole().is_some_and(|reply| reply.authoritative);
        !speaks && answers.serial.is_none()
    };
    asked.through == Through::Answered && answers.peek().is_some() && answers.all(strange)
}

/// Whether the answer of an address counts: if one family is silent everywhere
/// while the other one answers, this host most likely lacks it.
fn counts(seen: &AuthoritySeen, address: &NameServerAddressSeen) -> bool {
    let silent = |answers: &NameServerAnswers| {
        let nothing = |answer: &NameServerAnswer| match answer {
            NameServerAnswer::Reply(_) => false,
            NameServerAnswer::Failed(failure) => matches!(
                failure,
                NameServerFailure::Timeout
                    | NameServerFailure::Unreachable
                    | NameServerFailure::NotAsked
            ),
        };
        nothing(&answers.udp) && nothing(&answers.tcp) && answers.serial.is_none()
    };
    let family = address.address.is_ipv4();
    let mut own = seen
        .addresses()
        .filter(|(_, it)| it.address.is_ipv4() == family)
        .filter_map(|(_, it)| it.answers.as_ref());
    let mut other = seen
        .addresses()
        .filter(|(_, it)| it.address.is_ipv4() != family)
        .filter_map(|(_, it)| it.answers.as_ref());
    !(own.all(silent) && other.any(|answers| !silent(answers)))
}

/// How a server fails that has not loaded the zone: in the same way at the SOA
/// record and at what was asked for.
fn zone_failure(answers: &NameServerAnswers) -> Option<NameServerFailure> {
    /// NOTAUTH (RFC 2136 section 2.2).
    const NOT_AUTH: NameServerFailure = NameServerFailure::OtherRcode(9);
    let has_none = |failure: &NameServerFailure| {
        let failures = [
            NameServerFailure::Refused,
            NameServerFailure::ServFail,
            NOT_AUTH,
        ];
        failures.contains(failure)
    };
    let fails = |answer: &NameServerAnswer| matches!(answer, NameServerAnswer::Failed(failure) if has_none(failure));
    let both = [&answers.udp, &answers.tcp];
    let all_fail = both.iter().all(|answer| answer.reply().is_none());
    answers
        .apex_failure
        .filter(has_none)
        .filter(|_| all_fail && both.into_iter().any(fails))
}

/// What one address does wrong, without comparison.
fn faults(
    seen: &AuthoritySeen,
    server: &str,
    answers: &NameServerAnswers,
    complaints: &mut Vec<Complaint>,
) {
    let mut complain = |fault: &Fault, over: &str| {
        let (rule, message) = fault.words(seen, server, answers, over);
        complaints.push(Complaint::new(rule, server, seen, message));
    };
    match (Fault::of(&answers.udp), Fault::of(&answers.tcp)) {
        (None, None) => {}
        (Some(udp), Some(tcp)) if udp == tcp => complain(&udp, "over UDP and TCP"),
        (udp, tcp) => {
            if let Some(fault) = udp {
                complain(&fault, "over UDP");
            }
            if let Some(fault) = tcp {
                complain(&fault, "over TCP");
            }
        }
    }
}

/// What is wrong with one answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Error(NameServerFailure),
    Silence(NameServerFailure),
    NotAuthoritative,
}

impl Fault {
    fn of(answer: &NameServerAnswer) -> Option<Self> {
        match answer {
            NameServerAnswer::Reply(reply) if reply.authoritative => None,
            NameServerAnswer::Reply(_) => Some(Self::NotAuthoritative),
            NameServerAnswer::Failed(failure) => match failure {
                // Nothing is known of the server.
                NameServerFailure::Unreachable | NameServerFailure::NotAsked => None,
                silence if silence.is_silence() => Some(Self::Silence(*silence)),
                error => Some(Self::Error(*error)),
            },
        }
    }

    fn words(
        self,
        seen: &AuthoritySeen,
        server: &str,
        answers: &NameServerAnswers,
        over: &str,
    ) -> (&'static Rule, String) {
        let zone = &seen.zone;
        match self {
            Self::NotAuthoritative => (
                &NAME_SERVER_NOT_AUTHORITATIVE,
                format!("The NS records of {zone} name {server}, but it does not serve the zone."),
            ),
            Self::Silence(NameServerFailure::Closed) => (
                &NAME_SERVER_SILENT,
                format!("{server}, a name server of {zone}, does not listen {over}."),
            ),
            Self::Silence(_) => {
                let else_ = match answers.serial {
                    Some(_) if over != "over TCP" => " (it answers other queries)",
                    _ => "",
                };
                (
                    &NAME_SERVER_SILENT,
                    format!(
                        "{server}, a name server of {zone}, does not answer queries for {{}}, \
                         {over}{else_}."
                    ),
                )
            }
            Self::Error(failure) => (
                &NAME_SERVER_FAILS,
                format!(
                    "{server}, a name server of {zone}, answers {} to {{}}, {over}.",
                    error_text(failure)
                ),
            ),
        }
    }
}

fn error_text(failure: NameServerFailure) -> String {
    match failure {
        NameServerFailure::OtherRcode(code) => format!("response code {code}"),
        NameServerFailure::Malformed => "an unreadable message".to_owned(),
        other => other.as_text().to_owned(),
    }
}
