//! Findings about TLSA records that senders cannot use.

use crate::finding::rule::{Finding, Findings, Rule, Severity};
use crate::forensics::Origin;
use crate::judge::HostEvidence;
use crate::observation::{Answer, TlsaLookup};
use crate::tlsa::{TlsaRecord, UnusableReason, Usability, usability};

use super::mismatch;
use super::subject::short;

pub(super) static TLSA_ALL_UNUSABLE: Rule = Rule {
    id: "tlsa-all-unusable",
    severity: Severity::Warning,
    reference: "RFC 7672 section 3.1.3",
    meaning: "There are TLSA records, but mail senders can use none of them. Postfix then requires \
              TLS but accepts any certificate. Level dane-only does not deliver.",
    sender: "",
    receiver: "Publish 3 1 1 (DANE-EE, the server's key, SHA-256) instead.",
};

pub(super) static TLSA_RECORD_UNUSABLE: Rule = Rule {
    id: "tlsa-record-unusable",
    severity: Severity::Warning,
    reference: "RFC 7672 section 3.1.3",
    meaning: "Mail senders cannot use a TLSA record: its usage is not 2 or 3, or its fields or its \
              data are invalid.",
    sender: "",
    receiver: "Replace the record with 3 1 1 (DANE-EE, the server's key, SHA-256), or remove it.",
};

pub(super) static TLSA_WITHOUT_DATA: Rule = Rule {
    id: "tlsa-without-data",
    severity: Severity::Warning,
    reference: "Postfix parse_tlsa_rr",
    meaning: "A TLSA record has its three fields but no digest. Postfix ignores it, and logs \
              `truncated TLSA RR`. But releases since 3.6, up to the fixes in 3.8.18, 3.9.12, \
              3.10.11 and 3.11.4, crash over it. Mail then waits with 4.3.0 `unknown mail \
              transport error`.",
    sender: "Update Postfix. Until then set the advised override, if there is one.",
    receiver: "Replace the record with one that has data, as `danecheck tlsa CERT.pem` prints it.",
};

/// The records that cannot be used, among others that can.
pub(super) fn single(
    tlsa: &TlsaLookup,
    set: &[TlsaRecord],
    origins: &[Option<Origin>],
    findings: &mut Findings,
) {
    for (index, record) in set.iter().enumerate() {
        if let Usability::UnusableAtPolicy(why) | Usability::UnusableAtHandshake(why) =
            usability(record)
        {
            let rule = match why {
                UnusableReason::Truncated => &TLSA_WITHOUT_DATA,
                _ => &TLSA_RECORD_UNUSABLE,
            };
            let what = what_it_is(origins, index);
            let why = why.words(record);
            let message = format!(
                "The TLSA record {} cannot be used: {why}{what}.",
                short(record)
            );
            let finding = Finding::new(rule, &tlsa.lookup.name, message);
            let origin = origins.get(index).and_then(Option::as_ref);
            findings.put(mismatch::step_for(finding, origin));
        }
    }
}

/// The origin of a record, as the end of a sentence; empty if that is not
/// known.
pub(super) fn what_it_is(origins: &[Option<Origin>], index: usize) -> String {
    match origins.get(index) {
        Some(Some(origin)) => format!("; it is {}", origin.words()),
        _ => String::new(),
    }
}

/// A set of which no record can be used.
pub(super) fn all(
    tlsa: &TlsaLookup,
    host: &HostEvidence<'_>,
    origins: &[Option<Origin>],
    findings: &mut Findings,
) {
    let Answer::Records(set) = &tlsa.lookup.answer else {
        return;
    };
    let mut without_data = false;
    let mut reasons = Vec::new();
    let mut only = None;
    for (index, record) in set.open().regardless().records.iter().enumerate() {
        if let Usability::UnusableAtPolicy(why) | Usability::UnusableAtHandshake(why) =
            usability(record)
        {
            without_data |= why == UnusableReason::Truncated;
            let what = what_it_is(origins, index);
            let why = why.words(record);
            reasons.push(format!("{}: {why}{what}", short(record)));
            only = origins.get(index).and_then(Option::as_ref);
        }
    }
    // With several records there may be several right ones.
    let only = only.filter(|_| reasons.len() == 1);
    reasons.truncate(3);
    let rule = if without_data {
        &TLSA_WITHOUT_DATA
    } else {
        &TLSA_ALL_UNUSABLE
    };
    let message = format!(
        "No TLSA record of {} can be used ({}).",
        host.seen.name,
        reasons.join("; ")
    );
    let finding = Finding::new(rule, &tlsa.lookup.name, message);
    findings.put(mismatch::step_for(finding, only));
}
