//! Which TLSA records count for a host: `tls_dane_resolve` in Postfix's
//! `tls_dane.c`.

use std::net::IpAddr;

use crate::dnssec::Opened;
use crate::observation::{Answer, HostSeen, Lookup, RecordSet, TlsaLookup};
use crate::tlsa::{TlsaRecord, Usability, usability};

/// The result of the TLSA lookups for one address family of a host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DaneRecords<'a> {
    /// A lookup failed: the host is skipped, never used without DANE.
    LookupError,
    /// DANE does not apply.
    NotFound(NotFound),
    /// Secure records, none of which is usable: TLS is mandatory, but
    /// unauthenticated (RFC 7672 section 2.2).
    Unusable(&'a TlsaLookup),
    /// Secure records that the server has to match; the TLSA base domain and
    /// the set.
    Usable(&'a TlsaLookup, &'a [TlsaRecord]),
}

impl<'a> DaneRecords<'a> {
    /// The secure records, usable or not; none if there are none.
    pub(crate) fn records(&self) -> &'a [TlsaRecord] {
        match self {
            Self::LookupError | Self::NotFound(_) => &[],
            Self::Usable(_, records) => records,
            Self::Unusable(tlsa) => match &tlsa.lookup.answer {
                Answer::Records(set) => set.secure().map_or(&[], |set| &set.records),
                Answer::Denied(_) | Answer::Failed(_) => &[],
            },
        }
    }

    /// Whether TLSA records were found that make TLS mandatory, usable or not.
    pub(crate) fn promise_tls(&self) -> bool {
        matches!(self, Self::Usable(..) | Self::Unusable(_))
    }
}

/// Why DANE does not apply to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    /// The address is a literal, which DNSSEC cannot protect.
    Literal,
    /// The address records are not secure, so Postfix does not ask for TLSA
    /// records.
    InsecureAddress,
    /// There are no records.
    NoRecords,
    /// There are records, but DNSSEC does not protect them.
    InsecureRecords,
}

/// The decision for the address records of one family.
pub(crate) fn dane_records(host: &HostSeen, address: IpAddr) -> DaneRecords<'_> {
    let lookup = match address {
        IpAddr::V4(_) => host.a.as_ref(),
        IpAddr::V6(_) => host.aaaa.as_ref(),
    };
    let Some(Lookup {
        answer: Answer::Records(records),
        ..
    }) = lookup
    else {
        return DaneRecords::NotFound(NotFound::Literal);
    };
    match records.open() {
        Opened::Secure(RecordSet { aliases, .. }) => {
            // The expanded name first, then the name in the MX record
            // (RFC 7672 section 2.2.3).
            let expanded = aliases.last().map(String::as_str);
            first_found(host, expanded.into_iter().chain([host.name.as_str()]))
        }
        Opened::Insecure(set) | Opened::Bogus(set) | Opened::Indeterminate(set)
            if !set.aliases.is_empty() =>
        {
            match secure_alias(host) {
                Some(true) => first_found(host, [host.name.as_str()].into_iter()),
                Some(false) => DaneRecords::NotFound(NotFound::InsecureAddress),
                None => DaneRecords::LookupError,
            }
        }
        Opened::Insecure(_) | Opened::Bogus(_) | Opened::Indeterminate(_) => {
            DaneRecords::NotFound(NotFound::InsecureAddress)
        }
    }
}

/// Whether the first alias is secure; `None` if that is unknown
/// (`qname_secure`).
fn secure_alias(host: &HostSeen) -> Option<bool> {
    match &host.alias.as_ref()?.answer {
        Answer::Records(records) => Some(records.secure().is_some()),
        Answer::Denied(_) | Answer::Failed(_) => None,
    }
}

fn first_found<'a>(
    host: &'a HostSeen,
    base_domains: impl Iterator<Item = &'a str>,
) -> DaneRecords<'a> {
    let mut result = DaneRecords::NotFound(NotFound::NoRecords);
    for base_domain in base_domains {
        let Some(tlsa) = host
            .tlsa
            .iter()
            .find(|tlsa| tlsa.base_domain == base_domain)
        else {
            continue;
        };
        match &tlsa.lookup.answer {
            Answer::Failed(failure)
                if super::route::failure_class(failure.kind).0
                    != super::route::DnsClass::NotFound =>
            {
                return DaneRecords::LookupError;
            }
            Answer::Failed(_) | Answer::Denied(_) => {}
            Answer::Records(records) => match records.secure() {
                Some(set) => return usable(tlsa, &set.records),
                None => result = DaneRecords::NotFound(NotFound::InsecureRecords),
            },
        }
    }
    result
}

/// The first of the two stages of usability (`parse_tlsa_rr`).
fn usable<'a>(tlsa: &'a TlsaLookup, records: &'a [TlsaRecord]) -> DaneRecords<'a> {
    let kept = records
        .iter()
        .any(|record| !matches!(usability(record), Usability::UnusableAtPolicy(_)));
    if kept {
        DaneRecords::Usable(tlsa, records)
    } else {
        DaneRecords::Unusable(tlsa)
    }
}
