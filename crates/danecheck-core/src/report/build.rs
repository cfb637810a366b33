//! From a judgement to the report.

use crate::certificate::{Certificate, DistinguishedName};
use crate::diagnosis::{Diagnosis, Question};
use crate::dnssec::Opened;
use crate::forensics::Origin;
use crate::judge::{
    AddressEvidence, DaneRecords, Horizon, HostEvidence, Objection, SessionEvidence, Standing,
    by_old_means, objection,
};
use crate::matching::{RecordOutcome, Requirement, served_records};
use crate::observation::{
    Answer, Assumption, ConnectFailureKind, Denial, Interruption, LegacySeen, LimitedOffer, Lookup,
    MxRecord, Observation, ResolverValidation, SessionEnd, TlsaLookup,
};
use crate::sender::Sender;
use crate::text::printable;
use crate::tlsa::{CertificateUsage, TlsaRecord, Usability, usability};

use super::clean::{clean_outcomes, clean_validation};
use super::extended_error::ExtendedErrorReport;
use super::finding::FindingReport;
use super::model::{
    AddressReport, AssumedReport, CertificateReport, FailureReport, HostReport, LimitedReport,
    LookupReport, MxReport, MxReportRecord, RecordReport, Report, ResolverReport, SCHEMA_VERSION,
    SessionReport, TlsaReport,
};
use super::mta_sts::MtaStsReport;
use super::name_server::AuthorityReport;
use super::recommendation::RecommendationReport;
use super::sender::SenderReport;
use super::side_by_side::{LookReport, SideBySideReport};

/// Host names of one certificate that are listed.
const DNS_NAMES: usize = 100;

/// The most of a TLSA record's data that is shown, in bytes.
const LONGEST: usize = 8 * 1024;

/// Bytes of usage, selector, matching type and the longest digest: records up
/// to this are never cut.
const DIGEST_BYTES: usize = 3 + 64;

/// Bytes of longer TLSA records that the addresses of one report may repeat: a
/// hundred of them at each of hundreds of addresses would take most of a
/// check's memory.
const LONG_RECORDS_BYTES: usize = 1024 * 1024;

impl Report {
    /// The report on an observation.
    pub fn of(observation: &Observation) -> Self {
        Self::new(&Diagnosis::of(&Question::of(observation)))
    }

    /// The report for another moment, or with another warning time.
    pub fn at(observation: &Observation, horizon: Horizon) -> Self {
        Self::to(observation, horizon, &Sender::default())
    }

    /// The report for one sender.
    pub fn to(observation: &Observation, horizon: Horizon, sender: &Sender) -> Self {
        Self::new(&Diagnosis::of(&Question {
            horizon,
            sender: sender.clone(),
            ..Question::of(observation)
        }))
    }

    /// The report on a diagnosis.
    pub fn new(diagnosis: &Diagnosis<'_>) -> Self {
        let judged = &diagnosis.judged;
        let observation = judged.evidence.observation;
        let mut standings = judged.standings.iter().copied().zip(&judged.origins);
        let hosts_seen = &judged.evidence.hosts;
        let most = match long_records(hosts_seen) > LONG_RECORDS_BYTES {
            true => DIGEST_BYTES,
            false => LONGEST,
        };
        let hosts = hosts_seen
            .iter()
            .map(|host| host_report(observation, host, &mut standings, most))
            .collect();
        Self {
            schema_version: SCHEMA_VERSION,
            target: observation.next_hop.to_string(),
            domain: observation.next_hop.domain().map(str::to_owned),
            checked_at: observation.checked_at,
            judged_at: judged.evidence.now,
            verdict: judged.verdict,
            outcomes: clean_outcomes(&judged.outcomes),
            sender: (!judged.sending.sender.is_assumed())
                .then(|| SenderReport::of(&judged.sending, observation)),
            recommendation: RecommendationReport::of(diagnosis),
            resolver: ResolverReport {
                addresses: observation
                    .resolver
                    .addresses
                    .iter()
                    .map(|address| printable(address))
                    .collect(),
                validates: match observation.resolver.validation {
                    ResolverValidation::Shown => Some(true),
                    ResolverValidation::NotShown => Some(false),
                    ResolverValidation::NoAnswer => None,
                },
                shortcoming: observation.resolver.shortcoming,
            },
            mx: observation.mx.as_ref().map(mx_report),
            hosts,
            mta_sts: judged.mta_sts.as_ref().map(MtaStsReport::of),
            contact: observation
                .contact
                .as_ref()
                .and_then(|seen| seen.mailbox())
                .map(|mailbox| printable(&mailbox)),
            proxy: observation.proxy.as_deref().map(printable),
            assumed: assumed_report(observation),
            skipped_hosts: observation
                .skipped
                .iter()
                .map(|host| printable(host))
                .collect(),
            vantage_points: judged
                .elsewhere
                .iter()
                .map(|look| {
                    let there = LookReport::of(look.from, look.observation);
                    SideBySideReport::new(
                        &look.compared,
                        LookReport::of("here", observation),
                        there,
                    )
                })
                .collect(),
            findings: diagnosis.findings.iter().map(FindingReport::of).collect(),
            mx_differs: diagnosis.mx_differs,
            took: None,
        }
    }
}

fn assumed_report(observation: &Observation) -> Option<AssumedReport> {
    let assumption = observation.assumed.as_ref()?;
    let (kind, file) = match assumption {
        Assumption::DnsOnly => ("dns-only", None),
        Assumption::Certificate(file) => ("certificate", Some(printable(file))),
    };
    let target = observation.next_hop.to_string();
    Some(AssumedReport {
        kind: kind.to_owned(),
        file,
        text: printable(&crate::finding::assumed::assumption(&target, assumption)),
    })
}

fn lookup_report<T>(lookup: &Lookup<T>) -> LookupReport {
    let mut report = LookupReport {
        name: printable(&lookup.name),
        record_type: lookup.record_type.to_string(),
        answer: "failure".to_owned(),
        status: lookup.status(),
        known_by: None,
        aliases: Vec::new(),
        ttl: None,
        original_ttl: None,
        extended_error: lookup.extended_error.as_ref().map(ExtendedErrorReport::of),
        failure: None,
        validated: lookup.own.as_ref().map(clean_validation),
        name_servers: lookup.authority.as_ref().map(AuthorityReport::of),
    };
    match &lookup.answer {
        Answer::Records(records) => {
            let set = records.open().regardless();
            report.answer = "records".to_owned();
            report.known_by = Some(records.known_by());
            report.aliases = set.aliases.iter().map(|name| printable(name)).collect();
            report.ttl = Some(set.ttl);
            report.original_ttl = set.original_ttl;
        }
        Answer::Denied(denial) => {
            report.known_by = Some(denial.known_by());
            report.answer = match denial.open() {
                Opened::Secure(denial)
                | Opened::Insecure(denial)
                | Opened::Bogus(denial)
                | Opened::Indeterminate(denial) => match denial {
                    Denial::NoData => "nodata",
                    Denial::NxDomain => "nxdomain",
                },
            }
            .to_owned();
        }
        Answer::Failed(failure) => {
            report.failure = Some(FailureReport {
                kind: failure.kind.as_text().to_owned(),
                extended_error: failure.extended_error.as_ref().map(|error| error.code),
                text: failure
                    .extended_error
                    .as_ref()
                    .map(|error| printable(&error.text)),
            });
        }
    }
    report
}

/// The records of a lookup, whatever their status; empty if there are none.
fn records<T>(lookup: &Lookup<T>) -> &[T] {
    match &lookup.answer {
        Answer::Records(records) => &records.open().regardless().records,
        Answer::Denied(_) | Answer::Failed(_) => &[],
    }
}

fn mx_report(lookup: &Lookup<MxRecord>) -> MxReport {
    let mut records: Vec<MxReportRecord> = records(lookup)
        .iter()
        .map(|record| MxReportRecord {
            preference: record.preference,
            host: if record.host.is_empty() {
                ".".to_owned()
            } else {
                printable(&record.host)
            },
        })
        .collect();
    records.sort_by_key(|record| record.preference);
    MxReport {
        lookup: lookup_report(lookup),
        records,
    }
}

fn host_report<'j>(
    observation: &Observation,
    host: &HostEvidence<'_>,
    standings: &mut impl Iterator<Item = (Standing, &'j Vec<Option<Origin>>)>,
    most: usize,
) -> HostReport {
    let preferences = observation
        .mx
        .iter()
        .flat_map(records)
        .filter(|record| record.host == host.seen.name)
        .map(|record| record.preference)
        .collect();
    HostReport {
        name: printable(&host.seen.name),
        preferences,
        address_lookups: [&host.seen.a, &host.seen.aaaa]
            .into_iter()
            .flatten()
            .map(lookup_report)
            .collect(),
        tlsa: host.seen.tlsa.iter().map(tlsa_report).collect(),
        addresses: host
            .addresses
            .iter()
            .zip(standings)
            .map(|(address, (standing, origins))| AddressReport {
                address: address.seen.address.to_string(),
                dane: standing,
                records: record_reports(address, origins, most),
                reserved: address.seen.reserved.as_deref().map(printable),
                sessions: address.sessions.iter().map(session_report).collect(),
                limited: address.limited.iter().map(limited_report).collect(),
            })
            .collect(),
    }
}

fn tlsa_report(tlsa: &TlsaLookup) -> TlsaReport {
    TlsaReport {
        base_domain: printable(&tlsa.base_domain),
        lookup: lookup_report(&tlsa.lookup),
        records: records(&tlsa.lookup).iter().map(presentation).collect(),
    }
}

/// The TLSA records that count at an address.
fn records_at<'a>(address: &AddressEvidence<'a>) -> &'a [TlsaRecord] {
    match &address.dane {
        DaneRecords::Usable(_, set) => set,
        DaneRecords::Unusable(tlsa) => records(&tlsa.lookup),
        DaneRecords::LookupError | DaneRecords::NotFound(_) => &[],
    }
}

/// Bytes of the records at all addresses that are longer than a digest.
fn long_records(hosts: &[HostEvidence<'_>]) -> usize {
    let addresses = hosts.iter().flat_map(|host| &host.addresses);
    let lengths = addresses
        .flat_map(records_at)
        .map(|record| record.rdata().len().min(LONGEST));
    lengths.filter(|length| *length > DIGEST_BYTES).sum()
}

fn record_reports(
    address: &AddressEvidence<'_>,
    origins: &[Option<Origin>],
    most: usize,
) -> Vec<RecordReport> {
    let set = records_at(address);
    let matching = address
        .dane_session()
        .and_then(|session| session.dane.as_ref());
    set.iter()
        .enumerate()
        .map(|(index, record)| {
            let outcome = matching.and_then(|matching| matching.records.get(index));
            let (result, reason) = match (outcome, usability(record)) {
                (Some(outcome), _) => record_outcome(record, outcome),
                (None, Usability::Usable) => (
                    "not-seen",
                    "there is no certificate to compare it with".to_owned(),
                ),
                (None, Usability::UnusableAtPolicy(why) | Usability::UnusableAtHandshake(why)) => {
                    ("unusable", why.words(record))
                }
            };
            RecordReport {
                record: cut_after(record, most),
                result: result.to_owned(),
                reason,
                what_it_is: origins
                    .get(index)
                    .and_then(Option::as_ref)
                    .map(|origin| printable(&origin.words())),
            }
        })
        .collect()
}

/// The record in presentation form, cut if it is longer than any useful record:
/// the data of Full(0) is a certificate or a key.
fn presentation(record: &TlsaRecord) -> String {
    cut_after(record, LONGEST)
}

fn cut_after(record: &TlsaRecord, bytes: usize) -> String {
    match record.rdata().get(..bytes) {
        Some(beginning) if record.rdata().len() > bytes => {
            format!("{}...", TlsaRecord::from_rdata(beginning))
        }
        _ => record.to_string(),
    }
}

/// The lead of the reason for a record of the server's own certificate or key
/// that does not authenticate the server.
pub(in crate::report) const RIGHT_BUT: &str = "it is right, but ";

/// The same for a record of usage 2.
pub(in crate::report) const AUTHORITY_BUT: &str = "it names an authority, but ";

fn record_outcome(record: &TlsaRecord, outcome: &RecordOutcome) -> (&'static str, String) {
    match outcome {
        RecordOutcome::Matches { depth: 0 } => (
            "matches",
            "it is the server's certificate or key".to_owned(),
        ),
        RecordOutcome::Matches { depth } => (
            "matches",
            format!("it is the authority at place {depth} above the server's certificate"),
        ),
        RecordOutcome::MatchesButNotTrusted { depth, failure } => {
            let is_own = record.usage() == Some(CertificateUsage::DANE_EE) && *depth == 0;
            let lead = if is_own { RIGHT_BUT } else { AUTHORITY_BUT };
            ("refused", format!("{lead}{}", failure.plain()))
        }
        RecordOutcome::MatchesLeafOnly => (
            "refused",
            "it is the server's own certificate, but usage 2 asks for an authority above it"
                .to_owned(),
        ),
        RecordOutcome::NoMatch => ("no-match", "it matches nothing that is served".to_owned()),
        RecordOutcome::NotJudged => (
            "not-judged",
            "it needs more work to compare than one check allows".to_owned(),
        ),
        RecordOutcome::HiddenByDigestAgility { would_match, .. } => (
            "hidden",
            if *would_match {
                "it would match, but a record with a stronger digest hides it".to_owned()
            } else {
                "a record with a stronger digest hides it, and it would not match".to_owned()
            },
        ),
        RecordOutcome::Unusable(
            Usability::UnusableAtPolicy(why) | Usability::UnusableAtHandshake(why),
        ) => ("unusable", why.words(record)),
        RecordOutcome::Unusable(Usability::Usable) => ("unusable", String::new()),
    }
}

fn session_report(session: &SessionEvidence<'_>) -> SessionReport {
    let old = by_old_means(session.seen);
    let (end, detail) = match old {
        Some((legacy, _)) => ("old-means", old_means(legacy)),
        None => session_end(&session.seen.end),
    };
    let tls = session.seen.tls.as_ref();
    SessionReport {
        sni: session.seen.sni.as_deref().map(printable),
        end: end.to_owned(),
        detail: printable(&detail),
        tls_version: old
            .map(|(_, tls)| tls.version.as_str())
            .or_else(|| tls.and_then(|tls| tls.version.as_deref()))
            .map(printable),
        cipher: old
            .map(|(_, tls)| tls.cipher.as_str())
            .or_else(|| tls.and_then(|tls| tls.cipher.as_deref()))
            .map(printable),
        certificates: served_records(&session.chain)
            .into_iter()
            .filter_map(|served| {
                let certificate = session.chain.get(served.depth)?.as_ref().ok()?;
                Some(certificate_report(certificate, &served.record))
            })
            .collect(),
    }
}

fn limited_report((offer, session): &(LimitedOffer, SessionEvidence<'_>)) -> LimitedReport {
    let matching = session.dane.as_ref();
    LimitedReport {
        offer: match offer {
            LimitedOffer::Tls12 => "tls12",
            LimitedOffer::Rsa => "rsa",
            LimitedOffer::Curves => "curves",
        }
        .to_owned(),
        covered: matching
            .filter(|matching| matching.requirement == Requirement::MustMatch)
            .and_then(|matching| matching.authenticates()),
        session: session_report(session),
    }
}

/// What to call a server whose TLS Postfix supports and we do not.
fn old_means(legacy: &LegacySeen) -> String {
    match objection(legacy) {
        Some(Objection::Anonymous) => "only TLS without a certificate".to_owned(),
        Some(_) => "only TLS that is too old where a certificate must match".to_owned(),
        None => "only outdated TLS".to_owned(),
    }
}

/// A session's end as a word and as a sentence.
fn session_end(end: &SessionEnd) -> (&'static str, String) {
    let how = |how: &Interruption| match how {
        Interruption::Lost => "the connection was lost",
        Interruption::TimedOut => "no answer in time",
        Interruption::Flooded => "an endless answer",
    };
    match end {
        SessionEnd::Completed => ("completed", "ready for mail inside TLS".to_owned()),
        SessionEnd::Assumed => (
            "assumed",
            "none took place: danecheck assumes that the server is ready for mail inside TLS"
                .to_owned(),
        ),
        SessionEnd::NotConnected(failure) if failure.kind == ConnectFailureKind::Proxy => {
            let detail = format!("the proxy failed: {}", failure.text);
            ("not-connected", detail)
        }
        SessionEnd::NotConnected(failure) => ("not-connected", failure.text.clone()),
        SessionEnd::NoGreeting(why) => ("no-greeting", how(why).to_owned()),
        SessionEnd::GreetingRefused(reply) => ("greeting-refused", reply.text()),
        SessionEnd::NoEhloReply(why) => ("no-ehlo-reply", how(why).to_owned()),
        SessionEnd::EhloRefused(reply) => ("ehlo-refused", reply.text()),
        SessionEnd::NoStartTls => ("no-starttls", "STARTTLS is not offered".to_owned()),
        SessionEnd::NoStartTlsReply(why) => ("no-starttls-reply", how(why).to_owned()),
        SessionEnd::StartTlsRefused(reply) => ("starttls-refused", reply.text()),
        SessionEnd::HandshakeFailed(failure) => ("handshake-failed", failure.text.clone()),
        SessionEnd::NoEhloReplyInTls(why) => ("no-ehlo-reply-in-tls", how(why).to_owned()),
        SessionEnd::EhloRefusedInTls(reply) => ("ehlo-refused-in-tls", reply.text()),
    }
}

fn certificate_report(certificate: &Certificate, record: &TlsaRecord) -> CertificateReport {
    let name = |name: &DistinguishedName| {
        let common_name = name.common_names().first().cloned();
        printable(&common_name.unwrap_or_else(|| name.to_string()))
    };
    // Many certificates name their host only among the alternative names.
    let subject = match (
        certificate.subject().common_names(),
        certificate.dns_names().first(),
    ) {
        ([], Some(host)) => printable(host),
        _ => name(certificate.subject()),
    };
    CertificateReport {
        subject,
        issuer: name(certificate.issuer()),
        dns_names: certificate
            .dns_names()
            .iter()
            .take(DNS_NAMES)
            .map(printable)
            .collect(),
        more_dns_names: certificate.dns_names().len().saturating_sub(DNS_NAMES),
        not_before: certificate.not_before(),
        not_after: certificate.not_after(),
        key: certificate.key().description(),
        tlsa: record.to_string(),
    }
}
