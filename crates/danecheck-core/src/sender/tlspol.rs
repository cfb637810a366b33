//! What postfix-tlspol answers for a next hop: the policy service that mailcow
//! puts behind its own table. Release 1.8.23, the one that mailcow pins; from
//! its source, `internal/dane.go`, `mta-sts.go` and `server.go`.

use crate::dnssec::SecurityStatus;
use crate::next_hop::NextHopHost;
use crate::observation::{
    Answer, Denial, FailureKind, HostSeen, Lookup, MxRecord, Observation, PolicyResponse,
    TlsaLookup,
};
use crate::tlsa::{TlsaRecord, Usability, usability};

use super::tlspol_policy;

/// The answer of its socketmap, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The answer.
    pub answer: MapAnswer,
    /// Why, in half a sentence.
    pub why: String,
}

/// What a table answers for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapAnswer {
    /// Nothing: the next table, or main.cf, decides.
    NotFound,
    /// A failure, which defers the mail.
    Temporary,
    /// This policy.
    Policy(String),
}

impl Answered {
    fn not_found(why: &str) -> Self {
        Self {
            answer: MapAnswer::NotFound,
            why: why.to_owned(),
        }
    }

    fn policy(line: &str, why: impl Into<String>) -> Self {
        Self {
            answer: MapAnswer::Policy(line.to_owned()),
            why: why.into(),
        }
    }
}

/// What its DANE check finds (`checkDane`).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Dane {
    /// Every MX host is secure and has usable TLSA records.
    Whole,
    /// Only some do, or there are records and none of them can be used.
    Partial(String),
    None,
    /// A DNS error, twice.
    Temporary(String),
    /// DNS did not answer before its own time limit: it answers as if it had
    /// not asked (`ctx.Err()` in `queryDomain`).
    Silent,
}

/// Its result for one MX host (`checkTlsa`).
enum Tlsa {
    Usable,
    Unusable,
    None,
}

/// Its answer to the query for this next hop, with an empty cache. `served` is
/// what the host of the domain's policy of MTA-STS sends with a valid
/// certificate.
pub fn answer(observation: &Observation, served: Option<&PolicyResponse>) -> Answered {
    let next_hop = &observation.next_hop;
    let NextHopHost::Name(_) = &next_hop.host else {
        return Answered::not_found("it answers only for domains");
    };
    if next_hop.bracketed || next_hop.written_port.is_some() {
        return Answered::not_found("it answers only for domains without brackets and port");
    }
    match dane(observation) {
        Dane::Whole => {
            Answered::policy("dane-only", "every MX host is signed and has TLSA records")
        }
        Dane::Partial(why) => Answered::policy("dane", why),
        Dane::Temporary(why) => Answered {
            answer: MapAnswer::Temporary,
            why,
        },
        // Even if its time ran out for DANE, the policy of MTA-STS counts.
        none => match (served.and_then(tlspol_policy::line), none) {
            (Some(line), _) => Answered::policy(&line, "the MTA-STS policy says enforce"),
            (None, Dane::Silent) => Answered::not_found("DNS did not answer in time"),
            (None, _) => {
                Answered::not_found("it finds neither DANE nor an MTA-STS policy to enforce")
            }
        },
    }
}

fn dane(observation: &Observation) -> Dane {
    let Some(mx) = &observation.mx else {
        return Dane::None;
    };
    let records: &[MxRecord] = match &mx.answer {
        Answer::Records(records) => &records.open().regardless().records,
        Answer::Denied(_) => return Dane::None,
        Answer::Failed(failure) => return of_failure(failure.kind, &mx.name, "MX"),
    };
    let mut missing: Vec<String> = Vec::new();
    if mx.status() != Some(SecurityStatus::Secure) {
        missing.push("the MX records are not signed".to_owned());
    }
    let mut unusable = false;
    let mut usable = false;
    for record in records {
        // Hosts that were not checked are assumed to be like the others.
        let seen = observation
            .hosts
            .iter()
            .find(|host| host.name == record.host);
        let Some(host) = seen else {
            if observation.hosts.is_empty() {
                missing.push(format!("{} is not a host", dot_if_empty(&record.host)));
            }
            continue;
        };
        if !is_signed(host) {
            missing.push(format!("{} is not signed", host.name));
            continue;
        }
        match tlsa(host) {
            Ok(Tlsa::Usable) => usable = true,
            Ok(Tlsa::Unusable) => unusable = true,
            Ok(Tlsa::None) => missing.push(format!("{} has no TLSA record", host.name)),
            Err(dane) => return dane,
        }
    }
    match (usable, unusable, missing.first()) {
        (false, false, _) => Dane::None,
        (true, false, None) => Dane::Whole,
        (_, true, None) => Dane::Partial("some TLSA records cannot be used".to_owned()),
        (_, _, Some(missing)) => Dane::Partial(missing.clone()),
    }
}

fn dot_if_empty(host: &str) -> &str {
    if host.is_empty() { "." } else { host }
}

/// `checkMx`: an A or AAAA reply with the AD bit, records or none; a host that
/// is an address, or whose name cannot be one, is not.
fn is_signed(host: &HostSeen) -> bool {
    fn vouched<T>(lookup: &Lookup<T>) -> bool {
        match &lookup.answer {
            Answer::Records(records) => records.status() == SecurityStatus::Secure,
            // NOERROR; an NXDOMAIN does not count.
            Answer::Denied(denial) => matches!(denial.secure(), Some(Denial::NoData)),
            Answer::Failed(_) => false,
        }
    }
    let (Some(a), Some(aaaa)) = (&host.a, &host.aaaa) else {
        return false;
    };
    // A query that gets no answer ends it before AAAA is asked for.
    let silent = matches!(&a.answer, Answer::Failed(failure) if is_no_answer(failure.kind));
    !silent && (vouched(a) || vouched(aaaa))
}

/// The TLSA records at the name in the MX record only; it does not follow
/// aliases.
fn tlsa(host: &HostSeen) -> Result<Tlsa, Dane> {
    let at_host = |tlsa: &&TlsaLookup| tlsa.base_domain == host.name;
    let Some(tlsa) = host.tlsa.iter().find(at_host) else {
        return Ok(Tlsa::None);
    };
    match &tlsa.lookup.answer {
        Answer::Failed(failure) => Err(of_failure(failure.kind, &tlsa.lookup.name, "TLSA")),
        Answer::Denied(_) => Ok(Tlsa::None),
        Answer::Records(records) => Ok(match records.secure() {
            None => Tlsa::None,
            Some(set) if set.records.iter().any(is_usable) => Tlsa::Usable,
            Some(_) => Tlsa::Unusable,
        }),
    }
}

/// `isTlsaUsable`. For Full(0) it requires a certificate, even if the selector
/// says that the data is a key.
fn is_usable(record: &TlsaRecord) -> bool {
    match record.rdata() {
        [2 | 3, 0 | 1, 0, data @ ..] => crate::certificate::Certificate::from_der(data).is_ok(),
        _ => usability(record) == Usability::Usable,
    }
}

fn is_no_answer(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::Timeout | FailureKind::Unreachable | FailureKind::Malformed
    )
}

fn of_failure(kind: FailureKind, name: &str, what: &str) -> Dane {
    if kind == FailureKind::Timeout {
        return Dane::Silent;
    }
    Dane::Temporary(format!(
        "the {what} lookup of {name} fails ({})",
        kind.as_text()
    ))
}
