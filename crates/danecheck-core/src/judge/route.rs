//! Which addresses Postfix tries, in which order: `smtp_domain_addr` and
//! `smtp_host_addr` in its `smtp_addr.c`.

use std::net::IpAddr;

use crate::next_hop::{NextHopHost, lookup_name_fault};
use crate::observation::{
    AddressFamily, AddressSeen, Answer, Denial, FailureKind, HostSeen, Lookup, MxRecord,
    Observation, RecordType,
};

/// The result of Postfix's lookups before it connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Addresses to try.
    Addresses(Vec<Candidate>),
    /// No address, whatever the TLS policy.
    Nowhere(DeadEnd),
}

/// One address in the list, by its place in the observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) host: usize,
    pub(crate) address: usize,
    pub(crate) preference: u16,
    pub(crate) ip: IpAddr,
}

/// Why there is no address, as Postfix logs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeadEnd {
    pub(crate) cause: DeadEndCause,
    pub(crate) dsn: &'static str,
    pub(crate) reason: String,
}

/// The classes of dead ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeadEndCause {
    NullMx,
    MxLookupFailed,
    NoValidMx,
    NoAddress,
    AddressLookupFailed,
}

/// Postfix's classes of DNS results (`dns_query`), worst for delivery last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DnsClass {
    Retry,
    Fail,
    NotFound,
}

/// The class and the text of `dns_strerror` for a failure.
pub(crate) fn failure_class(kind: FailureKind) -> (DnsClass, &'static str) {
    match kind {
        FailureKind::ServFail
        | FailureKind::Refused
        | FailureKind::NotImp
        | FailureKind::Bogus
        | FailureKind::Timeout
        | FailureKind::Unreachable => (DnsClass::Retry, "Host not found, try again"),
        FailureKind::Malformed => (DnsClass::Retry, "Malformed or unexpected name server reply"),
        FailureKind::FormErr | FailureKind::OtherRcode(_) => {
            (DnsClass::Fail, "Non-recoverable error")
        }
        FailureKind::AliasLoop => (DnsClass::NotFound, "Name server loop"),
    }
}

/// The result of one lookup that gave no record, in Postfix's words.
fn no_record<T>(lookup: &Lookup<T>) -> Option<(DnsClass, String)> {
    let (class, text) = match &lookup.answer {
        Answer::Records(_) => return None,
        Answer::Denied(denial) => (
            DnsClass::NotFound,
            match denial.open().regardless() {
                Denial::NxDomain => "Host not found",
                Denial::NoData => "Host found but no data record of requested type",
            },
        ),
        Answer::Failed(failure) if failure.kind == FailureKind::AliasLoop => {
            return Some((
                DnsClass::NotFound,
                format!("Name server loop for {}", lookup.name),
            ));
        }
        Answer::Failed(failure) => failure_class(failure.kind),
    };
    Some((
        class,
        name_service_error(&lookup.name, lookup.record_type, text),
    ))
}

/// The sentence of `dns_query`.
pub(crate) fn name_service_error(name: &str, record_type: RecordType, text: &str) -> String {
    let lead = if text.starts_with("Malformed") {
        ""
    } else {
        "Host or domain name not found. "
    };
    format!("{lead}Name service error for name={name} type={record_type}: {text}")
}

/// The addresses for this next hop, or why there are none.
pub(crate) fn route(observation: &Observation) -> Route {
    match &observation.mx {
        None => from_hosts(observation, None),
        Some(mx) => match &mx.answer {
            Answer::Records(records) => {
                from_mx(observation, mx, &records.open().regardless().records)
            }
            Answer::Denied(_) => from_hosts(observation, None),
            Answer::Failed(failure) => {
                let (class, _) = failure_class(failure.kind);
                match (class, no_record(mx)) {
                    // An endless alias chain counts as "no MX record".
                    (DnsClass::NotFound, _) | (_, None) => from_hosts(observation, None),
                    (class, Some((_, reason))) => Route::Nowhere(DeadEnd {
                        cause: DeadEndCause::MxLookupFailed,
                        dsn: if class == DnsClass::Fail {
                            "5.4.3"
                        } else {
                            "4.4.3"
                        },
                        reason,
                    }),
                }
            }
        },
    }
}

fn from_mx(observation: &Observation, mx: &Lookup<MxRecord>, records: &[MxRecord]) -> Route {
    // One "." is enough, even among others (`dns_get_answer`).
    if records.iter().any(|record| record.host.is_empty()) {
        return Route::Nowhere(DeadEnd {
            cause: DeadEndCause::NullMx,
            dsn: "5.1.0",
            reason: format!("Domain {} does not accept mail (nullMX)", mx.name),
        });
    }
    let valid: Vec<&MxRecord> = records
        .iter()
        .filter(|record| is_looked_up(&record.host))
        .collect();
    if valid.is_empty() {
        return Route::Nowhere(DeadEnd {
            cause: DeadEndCause::NoValidMx,
            dsn: "5.4.4",
            reason: format!(
                "Name service error for name={} type=MX: Malformed or unexpected name server reply",
                mx.name
            ),
        });
    }
    from_hosts(observation, Some(&valid))
}

/// Whether Postfix keeps an MX record with this target (`valid_rr_name`).
fn is_looked_up(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok() || lookup_name_fault(host).is_none()
}

fn from_hosts(observation: &Observation, mx: Option<&[&MxRecord]>) -> Route {
    let mut candidates = Vec::new();
    let mut dead_end: Option<DeadEnd> = None;
    let preferences: Vec<(usize, u16)> = match mx {
        None => (0..observation.hosts.len()).map(|host| (host, 0)).collect(),
        Some(records) => {
            let mut sorted = records.to_vec();
            sorted.sort_by_key(|record| record.preference);
            sorted
                .iter()
                .filter_map(|record| {
                    let host = observation
                        .hosts
                        .iter()
                        .position(|host| host.name == record.host)?;
                    Some((host, record.preference))
                })
                .collect()
        }
    };
    for (index, preference) in preferences {
        let Some(host) = observation.hosts.get(index) else {
            continue;
        };
        let uses = |seen: &AddressSeen| observation.uses(seen.address);
        for (place, seen) in host
            .addresses
            .iter()
            .enumerate()
            .filter(|(_, seen)| uses(seen))
        {
            candidates.push(Candidate {
                host: index,
                address: place,
                preference,
                ip: seen.address,
            });
        }
        if !host.addresses.iter().any(uses) {
            let end = no_address(host, observation.only);
            // A soft error dominates past and future hard errors.
            dead_end = Some(match (dead_end, end) {
                (Some(old), new) if old.dsn.starts_with('4') && new.dsn.starts_with('5') => {
                    DeadEnd {
                        dsn: if new.dsn == "5.4.3" { "4.4.3" } else { "4.4.4" },
                        cause: old.cause,
                        reason: new.reason,
                    }
                }
                (_, new) => new,
            });
        }
    }
    match dead_end {
        Some(end) if candidates.is_empty() => Route::Nowhere(end),
        None if candidates.is_empty() => Route::Nowhere(DeadEnd {
            cause: DeadEndCause::NoAddress,
            dsn: "4.3.0",
            reason: "server unavailable or unable to receive mail".to_owned(),
        }),
        Some(_) | None => Route::Addresses(candidates),
    }
}

/// Why a host has no address: the better of its two lookups counts
/// (`dns_lookup_v`: retry before invalid before fail before not found).
fn no_address(host: &HostSeen, only: Option<AddressFamily>) -> DeadEnd {
    let asked = |family| only.is_none_or(|only| only == family);
    let results = [
        host.a.as_ref().filter(|_| asked(AddressFamily::Ipv4)),
        host.aaaa.as_ref().filter(|_| asked(AddressFamily::Ipv6)),
    ];
    let mut chosen: Option<(DnsClass, String)> = None;
    for result in results.into_iter().flatten().filter_map(no_record) {
        let rank = |class: DnsClass| match class {
            DnsClass::Retry => 2,
            DnsClass::Fail => 1,
            DnsClass::NotFound => 0,
        };
        let better = chosen
            .as_ref()
            .is_none_or(|(class, _)| rank(result.0) >= rank(*class));
        if better {
            chosen = Some(result);
        }
    }
    match chosen {
        Some((DnsClass::Retry, reason)) => DeadEnd {
            cause: DeadEndCause::AddressLookupFailed,
            dsn: "4.4.3",
            reason,
        },
        Some((DnsClass::Fail, reason)) => DeadEnd {
            cause: DeadEndCause::AddressLookupFailed,
            dsn: "5.4.3",
            reason,
        },
        Some((DnsClass::NotFound, reason)) => DeadEnd {
            cause: DeadEndCause::NoAddress,
            dsn: "5.4.4",
            reason,
        },
        None => DeadEnd {
            cause: DeadEndCause::NoAddress,
            dsn: "5.4.4",
            reason: format!(
                "Name service error for {}: invalid host or domain name",
                host.name
            ),
        },
    }
}

/// The name that Postfix verifies as next hop: brackets and port removed.
pub(crate) fn next_hop_name(observation: &Observation) -> String {
    match &observation.next_hop.host {
        NextHopHost::Name(name) => name.clone(),
        NextHopHost::Address(address) => address.to_string(),
    }
}
