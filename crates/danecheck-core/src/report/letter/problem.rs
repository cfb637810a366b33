//! The one thing that a letter is about.

use crate::certificate::{CANNOT_DECODE, EE_KEY_TOO_WEAK};
use crate::dnssec::WeakLink;
use crate::finding::{
    DANE_TA_CERTIFICATE_EXPIRED, DANE_TA_NAME_MISMATCH, MTA_STS_NO_HOST_PASSES, NULL_MX, Rule,
    SENDER_REFUSES_OLD_TLS, TLSA_ROOT_NOT_SENT, TLSA_WRONG_USAGE,
};
use crate::judge::{Standing, Verdict};
use crate::postfix::TlsVersion;

use super::super::build::{AUTHORITY_BUT, RIGHT_BUT};
use super::super::model::{
    AddressReport, CertificateReport, HostReport, LookupReport, Report, SessionReport, TlsaReport,
};
use super::known::Known;

/// What the receiver has to repair.
pub(super) enum Problem<'r> {
    /// No TLSA record matches what the server shows, or none is usable.
    Records {
        owner: &'r str,
        published: Vec<&'r str>,
        host: &'r HostReport,
        address: &'r AddressReport,
        served: &'r CertificateReport,
        /// Why a record that looks right is of no use.
        why: Option<Why<'r>>,
        /// Records that cannot be used, instead of records that match nothing.
        unusable: bool,
    },
    /// TLSA records promise TLS, and STARTTLS does not work.
    StartTls {
        owner: &'r str,
        host: &'r HostReport,
        address: &'r AddressReport,
        session: &'r SessionReport,
        known: Option<Known<'r>>,
    },
    /// A TLSA record is right, and OpenSSL takes no such certificate or key.
    Certificate {
        host: &'r HostReport,
        address: &'r AddressReport,
        why: &'r str,
        /// OpenSSL cannot decode one of the certificates.
        undecodable: bool,
    },
    /// A lookup fails.
    Lookup { lookup: &'r LookupReport },
    /// No server passes the MTA-STS policy, which says enforce.
    MtaSts { host: &'r HostReport },
    /// The server supports no TLS that the sender accepts.
    OldTls {
        host: &'r HostReport,
        address: &'r AddressReport,
        /// The newest that the server supports.
        newest: &'r str,
        /// The oldest that the sender accepts.
        oldest: TlsVersion,
    },
    /// A host has no address.
    NoAddress {
        host: &'r HostReport,
        named_by: NamedBy,
    },
    /// The server takes no mail.
    Refuses {
        host: &'r HostReport,
        address: &'r AddressReport,
        detail: &'r str,
        known: Option<Known<'r>>,
    },
    /// A null MX stands beside other MX records.
    NullMx { others: Vec<&'r str> },
}

/// What names the host that mail goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedBy {
    /// An MX record.
    MxRecord,
    /// The domain itself, which has no MX record.
    Domain,
    /// The sender's own configuration, in brackets.
    Sender,
}

/// Why a record that looks right is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why<'r> {
    /// It names an authority, but the certificate below that has expired.
    Expired,
    /// It names an authority, but the certificate below that is for other names.
    OtherName,
    /// It names the root, which the server does not send.
    RootNotSent,
    /// It names the server's certificate as an authority.
    WrongUsage,
    /// It is right, but a record with a stronger digest hides it.
    Hidden,
    /// Its form is wrong: this is the reason.
    Malformed(&'r str),
}

impl<'r> Why<'r> {
    fn of(
        report: &Report,
        host: &HostReport,
        address: &'r AddressReport,
        served: &CertificateReport,
    ) -> Option<Self> {
        let is = |result: &str, record: &str| {
            let mut records = address.records.iter();
            records.any(|one| one.result == result && one.record == record)
        };
        if is("hidden", &served.tlsa) {
            return Some(Self::Hidden);
        }
        if let [one] = address.records.as_slice()
            && one.result == "unusable"
            && !one.record.starts_with(['0', '1'])
        {
            return Some(Self::Malformed(&one.reason));
        }
        let causes: [(&Rule, Self); 4] = [
            (&DANE_TA_CERTIFICATE_EXPIRED, Self::Expired),
            (&DANE_TA_NAME_MISMATCH, Self::OtherName),
            (&TLSA_ROOT_NOT_SENT, Self::RootNotSent),
            (&TLSA_WRONG_USAGE, Self::WrongUsage),
        ];
        let at = format!("{} [{}]", host.name, address.address);
        let mut findings = report.findings.iter().filter(|one| one.subject == at);
        findings.find_map(|finding| {
            let mut causes = causes.into_iter();
            causes.find_map(|(rule, why)| finding.is_of(rule).then_some(why))
        })
    }
}

impl<'r> Problem<'r> {
    /// Whether mail is lost only at senders whose resolver validates.
    pub(super) fn is_lost_by_dnssec(&self, report: &Report) -> bool {
        let is_bogus = matches!(self, Self::Lookup { lookup } if weak_link(lookup).is_some());
        is_bogus && report.verdict == Verdict::Undeliverable
    }

    /// What keeps mail back, or weakens its protection; `None` if that is
    /// nothing, or not for the receiver to repair.
    pub(super) fn of(report: &'r Report) -> Option<Self> {
        if report.assumed.is_some() {
            return None;
        }
        match report.verdict {
            Verdict::DaneBroken
            | Verdict::DanePartial
            | Verdict::DaneUnusable
            | Verdict::Undeliverable => {}
            Verdict::DaneOk | Verdict::NoDane => {
                return old_tls(report).or_else(|| mta_sts(report));
            }
            Verdict::Indeterminate => return None,
        }
        if let Some(mx) = &report.mx
            && mx.lookup.failure.is_some()
        {
            return Some(Self::Lookup { lookup: &mx.lookup });
        }
        let hosts = || report.hosts.iter();
        null_mx(report)
            .or_else(|| hosts().find_map(|host| of_host(report, host)))
            .or_else(|| hosts().find_map(|host| unusable(report, host)))
            .or_else(|| {
                let host = hosts().find(|host| host.addresses.is_empty())?;
                let named_by = match &report.mx {
                    None => NamedBy::Sender,
                    Some(mx) if mx.records.is_empty() => NamedBy::Domain,
                    Some(_) => NamedBy::MxRecord,
                };
                Some(Self::NoAddress { host, named_by })
            })
    }
}

/// What the sender refuses, if its mail waits because of that.
fn old_tls(report: &Report) -> Option<Problem<'_>> {
    let sender = report.sender.as_ref()?;
    let first = report.findings.first()?;
    if sender.outcome.delivers() || !first.is_of(&SENDER_REFUSES_OLD_TLS) {
        return None;
    }
    let oldest = sender.min_tls;
    report.hosts.iter().find_map(|host| {
        host.addresses.iter().find_map(|address| {
            let newest = session(host, address)?.tls_version.as_deref()?;
            let is_older = newest
                .parse()
                .is_ok_and(|newest: TlsVersion| newest < oldest);
            is_older.then_some(Problem::OldTls {
                host,
                address,
                newest,
                oldest,
            })
        })
    })
}

fn mta_sts(report: &Report) -> Option<Problem<'_>> {
    let mut findings = report.findings.iter();
    let is_so = findings.any(|finding| finding.is_of(&MTA_STS_NO_HOST_PASSES));
    let host = report.hosts.first().filter(|_| is_so)?;
    Some(Problem::MtaSts { host })
}

/// RFC 7505 section 3: a null MX is the only MX record.
fn null_mx(report: &Report) -> Option<Problem<'_>> {
    let records = &report.mx.as_ref()?.records;
    let mut findings = report.findings.iter();
    let is_so = findings.any(|finding| finding.is_of(&NULL_MX));
    let hosts = records.iter().map(|record| record.host.as_str());
    let others: Vec<&str> = hosts
        .filter(|host| !host.trim_matches('.').is_empty())
        .collect();
    (is_so && !others.is_empty()).then_some(Problem::NullMx { others })
}

fn of_host<'r>(report: &'r Report, host: &'r HostReport) -> Option<Problem<'r>> {
    let tlsa = host.tlsa.iter().map(|tlsa| &tlsa.lookup);
    let mut lookups = tlsa.chain(&host.address_lookups);
    if let Some(lookup) = lookups.find(|lookup| lookup.failure.is_some()) {
        return Some(Problem::Lookup { lookup });
    }
    let broken = |address: &&AddressReport| address.dane == Standing::Broken;
    let mut addresses = host.addresses.iter().filter(broken);
    addresses.find_map(|address| of_address(report, host, address))
}

fn of_address<'r>(
    report: &'r Report,
    host: &'r HostReport,
    address: &'r AddressReport,
) -> Option<Problem<'r>> {
    let session = session(host, address)?;
    let matched = address.records.iter().any(|one| one.result == "matches");
    let promised = !address.records.is_empty();
    if !matched && let Some(problem) = certificate(host, address) {
        return Some(problem);
    }
    let known = Known::of(report, host, address);
    let out_of_step = known.as_ref().is_some_and(Known::is_out_of_step);
    match (session.end.as_str(), session.certificates.first()) {
        ("completed" | "old-means" | "no-ehlo-reply-in-tls", Some(served))
            if promised && !matched =>
        {
            records(report, host, address, served, false)
        }
        ("no-starttls" | "no-starttls-reply" | "starttls-refused" | "handshake-failed", _)
            if promised && !out_of_step =>
        {
            Some(Problem::StartTls {
                owner: owner(host)?.0,
                host,
                address,
                session,
                known,
            })
        }
        _ => Some(Problem::Refuses {
            host,
            address,
            detail: &session.detail,
            known,
        }),
    }
}

/// What the server sends, if a record is right and another record would not help.
fn certificate<'r>(host: &'r HostReport, address: &'r AddressReport) -> Option<Problem<'r>> {
    let mut refused = address.records.iter().filter(|one| one.result == "refused");
    refused.find_map(|one| {
        let (why, is_own) = match one.reason.strip_prefix(RIGHT_BUT) {
            Some(why) => (why, true),
            None => (one.reason.strip_prefix(AUTHORITY_BUT)?, false),
        };
        let undecodable = why.starts_with(CANNOT_DECODE);
        let problem = Problem::Certificate {
            host,
            address,
            why,
            undecodable,
        };
        (is_own || undecodable || why == EE_KEY_TOO_WEAK).then_some(problem)
    })
}

fn unusable<'r>(report: &Report, host: &'r HostReport) -> Option<Problem<'r>> {
    let mut addresses = host.addresses.iter();
    let address = addresses.find(|address| address.dane == Standing::Unusable)?;
    let served = session(host, address)?.certificates.first()?;
    records(report, host, address, served, true)
}

fn records<'r>(
    report: &Report,
    host: &'r HostReport,
    address: &'r AddressReport,
    served: &'r CertificateReport,
    unusable: bool,
) -> Option<Problem<'r>> {
    let (owner, tlsa) = owner(host)?;
    Some(Problem::Records {
        owner,
        published: tlsa.records.iter().map(String::as_str).collect(),
        host,
        address,
        served,
        why: Why::of(report, host, address, served),
        unusable,
    })
}

/// Where the TLSA records that count stand, and their lookup.
fn owner(host: &HostReport) -> Option<(&str, &TlsaReport)> {
    let tlsa = host.tlsa.iter().find(|tlsa| !tlsa.records.is_empty())?;
    let owner = tlsa.lookup.aliases.last().unwrap_or(&tlsa.lookup.name);
    Some((owner.as_str(), tlsa))
}

/// The session by which DANE is judged.
fn session<'r>(host: &HostReport, address: &'r AddressReport) -> Option<&'r SessionReport> {
    let base = host.tlsa.iter().find(|tlsa| !tlsa.records.is_empty());
    let named = |session: &&SessionReport| {
        let base = base.map(|tlsa| tlsa.base_domain.as_str());
        session.sni.as_deref() == base && base.is_some()
    };
    let mut sessions = address.sessions.iter();
    sessions.find(named).or_else(|| address.sessions.first())
}

/// Why danecheck's own validation fails.
pub(super) fn weak_link(lookup: &LookupReport) -> Option<&WeakLink> {
    lookup.validated.as_ref()?.weak_link.as_ref()
}
