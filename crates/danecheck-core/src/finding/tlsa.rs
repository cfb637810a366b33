//! Findings about TLSA records and what they match.

use crate::finding::rule::{Finding, Findings, Rule, Severity, TELL};
use crate::forensics::Origin;
use crate::judge::{
    AddressEvidence, DaneRecords, HostEvidence, Judged, NotFound, SessionEvidence, Verdict,
};
use crate::matching::{RecordOutcome, Requirement};
use crate::next_hop::SMTP_PORT;
use crate::observation::{Answer, TlsaLookup, UnusedTlsa};
use crate::tlsa::{CertificateUsage, TlsaRecord};

use super::assumed;
use super::certificate_dates;
use super::dns::where_unsigned;
use super::failed_lookup::{failed, failure_text};
use super::mismatch::{self, Mismatch};
use super::subject::{peer, short};
use super::unusable;

pub(super) static DANE_TA_CHAIN_REFUSED: Rule = Rule {
    id: "dane-ta-chain-refused",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.2.2",
    meaning: "A record with usage DANE-TA(2) names a certificate authority, so the whole chain \
              counts. The server has to send the authority's certificate. Every signature and date \
              has to be valid. The certificate has to name the mail server or the mail domain. \
              Two checks count for a record of usage 3 too: OpenSSL has to decode every \
              certificate that the server sends, and the server's key must not be too weak. One of \
              these checks fails here.",
    sender: TELL,
    receiver: "Publish 3 1 1 of the server's own key, which needs none of this. Or ask the \
               authority to replace the certificate that the message names.",
};

pub(crate) static NO_TLSA: Rule = Rule {
    id: "no-tlsa",
    severity: Severity::Info,
    reference: "RFC 7672 section 2.2",
    meaning: "The domain's mail servers have no TLSA records for this port, or DNSSEC does not \
              protect them. So level dane acts like level may: Postfix uses TLS where it works, \
              and nothing proves who the server is.",
    sender: "",
    receiver: "Publish a TLSA record 3 1 1 for each mail server, in a signed zone, if you want \
               DANE.",
};

pub(super) static TLSA_HIDDEN_BY_STRONGER_DIGEST: Rule = Rule {
    id: "tlsa-hidden-by-stronger-digest",
    severity: Severity::Error,
    reference: "RFC 7671 section 9",
    meaning: "Among records with the same usage and selector, senders use only those with the \
              strongest digest. Here the right record has SHA-256, and a wrong record with SHA-512 \
              hides it.",
    sender: "",
    receiver: "Remove the stale SHA-512 record, or publish the right one with SHA-512 too.",
};

pub(super) static TLSA_LEFT_OVER: Rule = Rule {
    id: "tlsa-left-over",
    severity: Severity::Warning,
    reference: "RFC 7672 section 2.2",
    meaning: "A mail server has TLSA records, but its zone has no chain of trust: it is not \
              signed, or has no DS record at its parent. Senders do not even ask for these \
              records, so they protect nothing. If the DS record comes back, outdated records keep \
              mail back at once.",
    sender: "",
    receiver: "Check that the records match the server (`danecheck tlsa CERT.pem`), then publish \
               the DS record of the zone's key. Or remove the records if you do not want DANE.",
};

pub(super) static TLSA_LOOKUP_FAILED: Rule = Rule {
    id: "tlsa-lookup-failed",
    severity: Severity::Error,
    reference: "RFC 7672 section 2.1.2",
    meaning: "The TLSA lookup for a mail server failed. A sender cannot tell a fault from an \
              attacker who hides the records, so it skips the server. If there is no other server, \
              mail waits.",
    sender: "Look again through a second resolver (`danecheck --resolver IP DOMAIN`). If that one \
             answers, the fault is in your own resolver.",
    receiver: "Run `danecheck dns NAME TYPE --authoritative`: it asks each name server of the \
               zone. Update the one that fails, or the firewall in front of it.",
};

pub(super) static TLSA_MISSING_ON_SOME_HOSTS: Rule = Rule {
    id: "tlsa-missing-on-some-hosts",
    severity: Severity::Warning,
    reference: "RFC 7672 section 2.2.1",
    meaning: "Some mail servers of the domain have TLSA records and others have none. An attacker \
              who blocks the protected servers can divert mail to an unprotected one.",
    sender: "",
    receiver: "Publish TLSA records for every mail server, in signed zones.",
};

pub(super) static TLSA_NOT_SIGNED: Rule = Rule {
    id: "tlsa-not-signed",
    severity: Severity::Warning,
    reference: "RFC 7672 section 2.2",
    meaning: "There are TLSA records, but DNSSEC does not protect them, so senders do not use \
              them.",
    sender: "",
    receiver: "Sign the zone that holds the TLSA records, and publish its DS record.",
};

pub(super) static TLSA_RECORD_MATCHES_NOTHING: Rule = Rule {
    id: "tlsa-record-matches-nothing",
    severity: Severity::Info,
    reference: "RFC 7671 section 8.1",
    meaning: "One record matches the server, and another one matches nothing that it shows. That \
              is right during a key change. Afterwards the record is clutter.",
    sender: "",
    receiver: "Remove the record unless it is for the next key.",
};

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    let mut origins = judged.origins.iter();
    for host in &judged.evidence.hosts {
        for tlsa in &host.seen.tlsa {
            lookup(judged, tlsa, findings);
        }
        alias(host, findings);
        if let Some(unused) = &host.seen.tlsa_unused
            && judged.verdict != Verdict::Indeterminate
        {
            left_over(host, unused, findings);
        }
        for address in &host.addresses {
            let origins = origins.next().map_or(&[][..], Vec::as_slice);
            records(judged, host, address, origins, findings);
        }
    }
    missing(judged, findings);
}

fn lookup(judged: &Judged<'_>, tlsa: &TlsaLookup, findings: &mut Findings) {
    let owner = &tlsa.lookup.name;
    match &tlsa.lookup.answer {
        Answer::Failed(failure) => {
            findings.put(failed(&TLSA_LOOKUP_FAILED, owner, &tlsa.lookup, failure));
        }
        Answer::Records(set)
            if set.secure().is_none() && judged.verdict != Verdict::Indeterminate =>
        {
            findings.add(
                &TLSA_NOT_SIGNED,
                owner.clone(),
                format!(
                    "The TLSA records at {owner} are not signed{}, so they do not count.",
                    where_unsigned(&tlsa.lookup)
                ),
            );
        }
        Answer::Records(_) | Answer::Denied(_) => {}
    }
}

/// Raises the finding if Postfix does not learn whether an alias is secure, and
/// so looks for no TLSA records (`dane_init`).
fn alias(host: &HostEvidence<'_>, findings: &mut Findings) {
    let Some(alias) = &host.seen.alias else {
        return;
    };
    let mut addresses = host.addresses.iter();
    let is_asked = |tlsa: &TlsaLookup| tlsa.lookup.failure().is_some();
    let is_cause = addresses.any(|address| address.dane == DaneRecords::LookupError)
        && !host.seen.tlsa.iter().any(is_asked);
    let what = match &alias.answer {
        Answer::Failed(failure) => format!("failed ({})", failure_text(failure)),
        Answer::Denied(_) => "found no alias, although the address lookups did".to_owned(),
        Answer::Records(_) => return,
    };
    if is_cause {
        let message = format!(
            "The CNAME lookup for {} {what}, so Postfix does not know whether TLSA records count.",
            alias.name
        );
        let finding = Finding::new(&TLSA_LOOKUP_FAILED, &alias.name, message);
        findings.put(finding.known("NAME", &alias.name).known("TYPE", "CNAME"));
    }
}

/// Records that no sender asks for.
fn left_over(host: &HostEvidence<'_>, unused: &UnusedTlsa, findings: &mut Findings) {
    let records: Vec<String> = unused.records.iter().take(3).map(short).collect();
    let lookups = [&host.seen.a, &host.seen.aaaa].into_iter().flatten();
    let why = lookups
        .map(where_unsigned)
        .find(|why| !why.is_empty())
        .unwrap_or_default();
    findings.add(
        &TLSA_LEFT_OVER,
        unused.name.clone(),
        format!(
            "{} has the TLSA record{} {}, which nobody uses, because DNSSEC does not protect {}{why}.",
            unused.name,
            if records.len() == 1 { "" } else { "s" },
            records.join(" and "),
            host.seen.name
        ),
    );
}

/// The records compared with what one address serves.
fn records<'e>(
    judged: &Judged<'e>,
    host: &HostEvidence<'e>,
    address: &AddressEvidence<'e>,
    origins: &[Option<Origin>],
    findings: &mut Findings,
) {
    let (tlsa, set) = match &address.dane {
        DaneRecords::Usable(tlsa, set) => (*tlsa, *set),
        DaneRecords::Unusable(tlsa) => {
            unusable::all(tlsa, host, origins, findings);
            return;
        }
        DaneRecords::LookupError | DaneRecords::NotFound(_) => return,
    };
    let Some(session) = address.dane_session() else {
        return;
    };
    if session.shows_what_is_asked_for() {
        assumed::records(tlsa, set, host, origins, findings);
        return;
    }
    let Some(matching) = &session.dane else {
        return;
    };
    if matching.requirement != Requirement::MustMatch {
        unusable::all(tlsa, host, origins, findings);
        return;
    }
    unusable::single(tlsa, set, origins, findings);
    let subject = peer(host, address.seen.address);
    let outcomes = || set.iter().zip(&matching.records);
    match &matching.result {
        Ok(_) => match_nothing(tlsa, outcomes(), host, address, origins, findings),
        // `judgement-cut-short` says so.
        Err(failure) if failure.is_for_want_of_work() => {}
        Err(_) => {
            let finding = hidden(outcomes(), host, &subject)
                .or_else(|| not_trusted(judged, session, outcomes(), host, &subject));
            match finding {
                Some(finding) => findings.put(finding),
                None => Mismatch {
                    judged,
                    host,
                    address,
                    tlsa,
                    records: set,
                    matching,
                    origins,
                }
                .explain(findings),
            }
        }
    }
}

/// The records that match nothing, where another one matches.
fn match_nothing<'o>(
    tlsa: &TlsaLookup,
    outcomes: impl Iterator<Item = (&'o TlsaRecord, &'o RecordOutcome)>,
    host: &HostEvidence<'_>,
    address: &AddressEvidence<'_>,
    origins: &[Option<Origin>],
    findings: &mut Findings,
) {
    for (index, (record, outcome)) in outcomes.enumerate() {
        let is_of_another_certificate = address.limited.iter().any(|(_, session)| {
            let matching = session.dane.as_ref();
            let outcome = matching.and_then(|matching| matching.records.get(index));
            matches!(outcome, Some(RecordOutcome::Matches { .. }))
        });
        let matches_nothing = matches!(
            outcome,
            RecordOutcome::NoMatch
                | RecordOutcome::MatchesLeafOnly
                | RecordOutcome::HiddenByDigestAgility {
                    would_match: false,
                    ..
                }
        );
        if matches_nothing && !is_of_another_certificate {
            let message = format!(
                "The TLSA record {} matches nothing that {} shows{}.",
                short(record),
                host.seen.name,
                unusable::what_it_is(origins, index)
            );
            findings.add(
                &TLSA_RECORD_MATCHES_NOTHING,
                tlsa.lookup.name.clone(),
                message,
            );
        }
    }
}

/// The finding about a right record that one with a stronger digest hides.
fn hidden<'o>(
    mut outcomes: impl Iterator<Item = (&'o TlsaRecord, &'o RecordOutcome)>,
    host: &HostEvidence<'_>,
    subject: &str,
) -> Option<Finding> {
    let (record, _) = outcomes.find(|(_, outcome)| {
        matches!(
            outcome,
            RecordOutcome::HiddenByDigestAgility {
                would_match: true,
                ..
            }
        )
    })?;
    let message = format!(
        "The TLSA record {} of {} is right, but a wrong SHA-512 record hides it: senders use only \
         the strongest digest.",
        short(record),
        host.seen.name
    );
    Some(Finding::new(
        &TLSA_HIDDEN_BY_STRONGER_DIGEST,
        subject,
        message,
    ))
}

/// The finding about a record that matches a chain or a key that OpenSSL does not
/// accept.
fn not_trusted<'o>(
    judged: &Judged<'_>,
    session: &SessionEvidence<'_>,
    mut outcomes: impl Iterator<Item = (&'o TlsaRecord, &'o RecordOutcome)>,
    host: &HostEvidence<'_>,
    subject: &str,
) -> Option<Finding> {
    let (record, failure, is_own) = outcomes.find_map(|(record, outcome)| match outcome {
        RecordOutcome::MatchesButNotTrusted { depth, failure } => {
            let is_own = record.usage() == Some(CertificateUsage::DANE_EE) && *depth == 0;
            Some((record, failure, is_own))
        }
        _ => None,
    })?;
    let rule = mismatch::refusal(&failure.error).unwrap_or(&DANE_TA_CHAIN_REFUSED);
    let dates = (rule.id == certificate_dates::DANE_TA_CERTIFICATE_EXPIRED.id)
        .then(|| certificate_dates::outside(failure, &session.chain, judged.evidence.now))
        .flatten();
    let (why, step) = match dates {
        Some((why, step)) => (why, Some(step)),
        None => {
            let step = mismatch::replacement(failure, is_own);
            (failure.plain(), step.map(str::to_owned))
        }
    };
    let (record, name) = (short(record), &host.seen.name);
    let message = match is_own {
        true => format!("The TLSA record {record} of {name} is right, but {why}."),
        false => format!(
            "The TLSA record {record} names an authority of the chain that {name} sends, but the \
             chain is not valid: {why}."
        ),
    };
    let finding = Finding::new(rule, subject, message);
    Some(match step {
        Some(step) => finding.receiver(&step),
        None => finding,
    })
}

fn missing(judged: &Judged<'_>, findings: &mut Findings) {
    if judged.verdict == Verdict::Indeterminate {
        return;
    }
    let mut without: Vec<&str> = judged
        .evidence
        .addresses()
        .filter(|(_, address)| {
            matches!(
                address.dane,
                DaneRecords::NotFound(
                    NotFound::NoRecords | NotFound::InsecureAddress | NotFound::Literal
                )
            )
        })
        .map(|(host, _)| host.seen.name.as_str())
        .collect();
    without.dedup();
    if judged.tlsa_in_play() {
        for host in without {
            findings.add(
                &TLSA_MISSING_ON_SOME_HOSTS,
                host,
                format!("{host} has no TLSA records, but another mail server has."),
            );
        }
    } else if judged.verdict == Verdict::NoDane {
        let target = judged.evidence.observation.next_hop.to_string();
        let is_unsigned = |address: &AddressEvidence<'_>| {
            address.dane == DaneRecords::NotFound(NotFound::InsecureAddress)
        };
        let has_unsigned_records = |address: &AddressEvidence<'_>| {
            address.dane == DaneRecords::NotFound(NotFound::InsecureRecords)
        };
        let addresses = || judged.evidence.addresses().map(|(_, address)| address);
        let port = judged.evidence.observation.next_hop.port;
        let message = match !without.is_empty() && addresses().all(is_unsigned) {
            true => format!(
                "DNSSEC does not protect the mail servers of {target}, so senders ask for no TLSA \
                 records there: any that are published do not count."
            ),
            false if addresses().any(has_unsigned_records) => {
                format!("The mail servers of {target} publish no TLSA records that count.")
            }
            // Records for port 25 are not asked for then.
            false if port != SMTP_PORT => {
                format!("The mail servers of {target} have no TLSA records for port {port}.")
            }
            false => format!("The mail servers of {target} have no TLSA records."),
        };
        findings.add(&NO_TLSA, target, message);
    }
}
