//! What postfix-tlspol answers for a next hop: the policy service that mailcow
//! puts behind its own table. Releases 1.8 to 1.13; functions are those of its
//! `internal/dane.go` and `server.go`.

use crate::dnssec::SecurityStatus;
use crate::next_hop::NextHopHost;
use crate::observation::{
    Answer, Denial, FailureKind, HostSeen, Lookup, MxRecord, Observation, PolicyResponse, RecordSet,
};
use crate::tlsa::{TlsaRecord, Usability, usability};

use super::tlspol_policy;
use super::tlspol_release::TlspolRelease;
use super::why::{SeenOfPolicy, Why};

/// The answer on its socketmap, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The answer.
    pub answer: MapAnswer,
    /// Why.
    pub why: Why,
}

/// What a table says to a key.
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
            why: why.into(),
        }
    }

    fn policy(line: &str, why: Why) -> Self {
        Self {
            answer: MapAnswer::Policy(line.to_owned()),
            why,
        }
    }
}

/// What it finds by DANE (`checkDane`).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Dane {
    /// Every MX host is secure and has usable TLSA records.
    Whole,
    /// Only some do, or there are records and none of them can be used.
    Partial(String),
    None,
    /// A DNS error, at every attempt.
    Temporary(String),
    /// DNS was silent until its own time was up: it answers as if it had not
    /// looked (`ctx.Err()` in `queryDomain` before 1.10).
    Silent,
}

/// What it is worth to one MX host (`checkTlsa`).
enum Tlsa {
    Usable,
    Unusable,
    None,
}

/// What it takes a host of an MX record for (`checkMx`).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    /// An answer about its addresses has the AD bit.
    Signed,
    NotSigned,
    /// The lookup of its addresses fails.
    Failed,
}

/// What it answers to the query for this next hop, with nothing in its cache.
/// `served` is what the host of the domain's policy of MTA-STS hands out under a
/// certificate that holds.
pub fn answer(
    observation: &Observation,
    served: Option<&PolicyResponse>,
    release: TlspolRelease,
) -> Answered {
    let next_hop = &observation.next_hop;
    let NextHopHost::Name(name) = &next_hop.host else {
        return Answered::not_found("it answers only for domains");
    };
    if next_hop.bracketed || next_hop.written_port.is_some() {
        return Answered::not_found("it answers only for domains without brackets and port");
    }
    // `valid.IsDNSName` in `handleConnection`.
    if !tlspol_policy::is_dns_name(name, release) {
        return Answered::not_found("it takes only letters, digits and hyphens for a domain");
    }
    match dane(observation, release) {
        Dane::Whole => Answered::policy(
            "dane-only",
            "every MX host is signed and has TLSA records".into(),
        ),
        Dane::Partial(why) => Answered::policy("dane", Why::Said(why)),
        Dane::Temporary(why) => Answered {
            answer: MapAnswer::Temporary,
            why: Why::Said(why),
        },
        // What its own time did not suffice for does not keep the policy of
        // MTA-STS from counting.
        none => match (by_mta_sts(observation, served, release), none) {
            (Some((line, why)), _) => Answered::policy(&line, why),
            (None, Dane::Silent) => Answered::not_found("DNS did not answer in time"),
            (None, _) => {
                Answered::not_found("it finds neither DANE nor an MTA-STS policy to enforce")
            }
        },
    }
}

/// `checkMtaSts`: the line, and why.
fn by_mta_sts(
    observation: &Observation,
    served: Option<&PolicyResponse>,
    release: TlspolRelease,
) -> Option<(String, Why)> {
    let record = &observation.mta_sts.as_ref()?.record;
    let Answer::Records(texts) = &record.answer else {
        return None;
    };
    let texts = &texts.open().regardless().records;
    if !tlspol_policy::has_record(texts, release) {
        return None;
    }
    let served = served?;
    let line = tlspol_policy::line(served, release)?;
    let seen = match (served.cut, served.unfinished.is_some()) {
        (true, _) => SeenOfPolicy::Cut,
        (_, true) => SeenOfPolicy::Unfinished,
        _ => SeenOfPolicy::Whole,
    };
    Some((line, Why::MtaSts(seen)))
}

fn dane(observation: &Observation, release: TlspolRelease) -> Dane {
    let Some(mx) = &observation.mx else {
        return Dane::None;
    };
    let set: &RecordSet<MxRecord> = match &mx.answer {
        Answer::Records(records) => records.open().regardless(),
        // `lookupMxRecords` since 1.12: where it is signed that there is no MX
        // record, the domain is its own host.
        Answer::Denied(denial)
            if release.is_from(12) && denial.secure() == Some(&Denial::NoData) =>
        {
            let Some(host) = observation.hosts.first() else {
                return Dane::None;
            };
            return of_hosts([(host, owner(host))], Vec::new(), release);
        }
        Answer::Denied(_) => return Dane::None,
        Answer::Failed(failure) => return of_failure(failure.kind, &mx.name, "MX"),
    };
    if release.is_from(12)
        && let Some(why) = fault_of_aliases(&set.aliases, release)
    {
        return Dane::Temporary(format!("the MX lookup of {} fails ({why})", mx.name));
    }
    let mut missing: Vec<String> = Vec::new();
    if mx.status() != Some(SecurityStatus::Secure) {
        missing.push("the MX records are not signed".to_owned());
    }
    let no_host = |record: &&MxRecord| record.host.is_empty();
    if set.records.iter().any(|record| no_host(&record)) {
        missing.push("`.` is not a host".to_owned());
    }
    let hosts = set.records.iter().filter(|record| !no_host(record));
    // Hosts that were not looked at are taken to be like the others.
    let hosts = hosts.filter_map(|record| {
        let mut seen = observation.hosts.iter().chain(&observation.passed_over);
        let host = seen.find(|host| host.name == record.host)?;
        Some((host, host.name.as_str()))
    });
    of_hosts(hosts, missing, release)
}

/// Why the aliases of an MX answer are an error to `lookupMxRecords` since
/// 1.12.
fn fault_of_aliases(aliases: &[String], release: TlspolRelease) -> Option<&'static str> {
    /// `DANE_CNAME_MAX_DEPTH`
    const DEPTH: usize = 8;
    if aliases.len() > DEPTH {
        return Some("too many aliases");
    }
    let is_name = |name: &String| tlspol_policy::is_dns_name(name, release);
    (!aliases.iter().all(is_name)).then_some("an alias leads to an invalid name")
}

/// The name that owns the addresses: where the host is an alias, the end of the
/// chain.
fn owner(host: &HostSeen) -> &str {
    let addresses = host.a.iter().chain(&host.aaaa);
    let mut owners = addresses.filter_map(|lookup| match &lookup.answer {
        Answer::Records(set) => set.open().regardless().aliases.last(),
        Answer::Denied(_) | Answer::Failed(_) => None,
    });
    owners.next().unwrap_or(&host.name)
}

/// `getMxRecords` and `getDanePolicy`: hosts, each with the name below which its
/// TLSA records are.
fn of_hosts<'o>(
    hosts: impl IntoIterator<Item = (&'o HostSeen, &'o str)>,
    mut missing: Vec<String>,
    release: TlspolRelease,
) -> Dane {
    let mut signed: Vec<(&HostSeen, &str)> = Vec::new();
    let mut waits = 0_usize;
    for (host, name) in hosts {
        waits += usize::from(is_waited_for(host));
        match standing(host, release) {
            Host::Signed => signed.push((host, name)),
            Host::NotSigned => missing.push(format!("{} is not signed", host.name)),
            Host::Failed => {
                return Dane::Temporary(format!("the address lookup of {} fails", host.name));
            }
        }
    }
    // One after the other before 1.10, for 2 seconds each; it has 4 seconds in
    // all (`queryDomain`), and 5 in 1.9.
    let most = if release.is_from(9) { 2 } else { 1 };
    if !release.is_from(10) && waits > most {
        return Dane::Silent;
    }
    let mut unusable = false;
    let mut usable = false;
    for (host, name) in signed {
        match tlsa(host, name) {
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

/// What one answer about addresses says of a host (`checkMxAddress`).
fn of_addresses<T>(lookup: &Lookup<T>, release: TlspolRelease) -> Host {
    let signed = lookup.status() == Some(SecurityStatus::Secure);
    let denial = match &lookup.answer {
        Answer::Failed(_) => return Host::Failed,
        Answer::Records(_) if signed => return Host::Signed,
        Answer::Records(_) => return Host::NotSigned,
        Answer::Denied(denial) => *denial.open().regardless(),
    };
    match denial {
        // Since 1.12 there has to be an address.
        Denial::NoData if signed && !release.is_from(12) => Host::Signed,
        Denial::NoData => Host::NotSigned,
        // To 1.11 a name that does not exist is an error unless that is signed.
        Denial::NxDomain if release.is_from(11) && !release.is_from(12) && !signed => Host::Failed,
        Denial::NxDomain => Host::NotSigned,
    }
}

/// `checkMx`. A host that is an address, or whose name cannot be one, is not
/// signed.
fn standing(host: &HostSeen, release: TlspolRelease) -> Host {
    let (Some(a), Some(aaaa)) = (&host.a, &host.aaaa) else {
        return Host::NotSigned;
    };
    if !tlspol_policy::is_dns_name(&format!("{}.", host.name), release) {
        return Host::NotSigned;
    }
    // Before 1.10 a query that gets no answer ends it before AAAA is asked for.
    if !release.is_from(10) && is_no_answer(a) {
        return Host::NotSigned;
    }
    let (a, aaaa) = (of_addresses(a, release), of_addresses(aaaa, release));
    if a == Host::Signed || aaaa == Host::Signed {
        return Host::Signed;
    }
    // Since 1.11 a failure is one of the whole policy, whatever else there is.
    if release.is_from(11) && (a == Host::Failed || aaaa == Host::Failed) {
        return Host::Failed;
    }
    Host::NotSigned
}

fn is_waited_for(host: &HostSeen) -> bool {
    let in_vain = |lookup: &Option<Lookup<_>>| {
        let failure = lookup.as_ref().and_then(Lookup::failure);
        failure.is_some_and(|failure| failure.kind == FailureKind::Timeout)
    };
    in_vain(&host.a) || in_vain(&host.aaaa)
}

/// The TLSA records at this name of the host; at no other, whatever aliases
/// there are.
fn tlsa(host: &HostSeen, name: &str) -> Result<Tlsa, Dane> {
    let mut lookups = host.tlsa.iter().chain(&host.tlsa_without_address);
    let Some(tlsa) = lookups.find(|tlsa| tlsa.base_domain == name) else {
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

/// `isTlsaUsable`. For Full(0) it wants a certificate, even where the selector
/// says that the data is a key.
fn is_usable(record: &TlsaRecord) -> bool {
    match record.rdata() {
        [2 | 3, 0 | 1, 0, data @ ..] => crate::certificate::Certificate::from_der(data).is_ok(),
        _ => usability(record) == Usability::Usable,
    }
}

fn is_no_answer<T>(lookup: &Lookup<T>) -> bool {
    let silent = [
        FailureKind::Timeout,
        FailureKind::Unreachable,
        FailureKind::Malformed,
    ];
    let failure = lookup.failure();
    failure.is_some_and(|failure| silent.contains(&failure.kind))
}

/// Silence is an error like any other: the last attempt ends before the time
/// for all of them does.
fn of_failure(kind: FailureKind, name: &str, what: &str) -> Dane {
    Dane::Temporary(format!(
        "the {what} lookup of {name} fails ({})",
        kind.as_text()
    ))
}
