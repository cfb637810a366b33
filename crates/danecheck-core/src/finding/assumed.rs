//! Findings if no mail server was checked: the assumption, and what DNS shows
//! without the servers.

use crate::finding::rule::{Findings, Rule, Severity};
use crate::finding::subject::short;
use crate::forensics::Origin;
use crate::judge::{HostEvidence, Judged, Promise};
use crate::observation::{Assumption, TlsaLookup};
use crate::tlsa::{CertificateUsage, Selector, TlsaRecord, Usability, usability};

use super::mismatch::rule_for;
use super::rollover::{TLSA_BREAKS_AT_RENEWAL, TLSA_LONE_ISSUER};
use super::unusable;

pub(super) static CERTIFICATE_ASSUMED: Rule = Rule {
    id: "certificate-assumed",
    severity: Severity::Info,
    reference: "RFC 7671 section 8",
    meaning: "You gave a certificate file (--cert). danecheck assumed that every mail server shows \
              these certificates, and connected to none. The report does not say what the servers \
              show now or whether they can be reached.",
    sender: "",
    receiver: "Run danecheck again without --cert after the certificate is deployed, from a host \
               where port 25 is open.",
};

pub(super) static SERVERS_NOT_LOOKED_AT: Rule = Rule {
    id: "servers-not-looked-at",
    severity: Severity::Info,
    reference: "RFC 7672 section 2.2",
    meaning: "You asked for a check of DNS only (--dns-only), so danecheck connected to no mail \
              server. The report says whether the records are there, signed and usable. It does \
              not say whether the servers can be reached, offer STARTTLS and match the records. \
              If DNS alone already defers the mail, the servers cannot change that.",
    sender: "Run danecheck without --dns-only on a host where port 25 is open, or through such a \
             host with --proxy. That checks the servers too.",
    receiver: "",
};

/// What danecheck assumed, in one sentence.
pub(crate) fn assumption(target: &str, assumption: &Assumption) -> String {
    match assumption {
        Assumption::DnsOnly => format!(
            "danecheck checked no mail server of {target}. The report assumes that each one can be \
             reached, offers STARTTLS and shows a certificate that matches its TLSA records."
        ),
        Assumption::Certificate(file) => format!(
            "danecheck checked no mail server of {target}. The report assumes that each one shows \
             the certificates of {file}."
        ),
    }
}

/// Raises the finding about the whole target.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    let observation = judged.evidence.observation;
    let target = observation.next_hop.to_string();
    let Some(assumed) = &observation.assumed else {
        return;
    };
    let rule = match assumed {
        Assumption::DnsOnly => &SERVERS_NOT_LOOKED_AT,
        Assumption::Certificate(_) => &CERTIFICATE_ASSUMED,
    };
    let sentence = assumption(&target, assumed);
    findings.add(rule, target, sentence);
}

/// What the records of a host show without a certificate.
pub(super) fn records(
    tlsa: &TlsaLookup,
    set: &[TlsaRecord],
    host: &HostEvidence<'_>,
    origins: &[Option<Origin>],
    findings: &mut Findings,
) {
    match Promise::of(set) {
        Promise::Unusable => unusable::all(tlsa, host, origins, findings),
        Promise::Impossible => {
            for (record, origin) in set.iter().zip(origins) {
                let Some(origin) = origin else { continue };
                let message = format!(
                    "The TLSA record {} of {} is {}.",
                    short(record),
                    host.seen.name,
                    origin.words()
                );
                findings.add(rule_for(record, origin), tlsa.lookup.name.clone(), message);
            }
        }
        Promise::Kept => {
            unusable::single(tlsa, set, origins, findings);
            next_renewal(set, &host.seen.name, origins, findings);
        }
    }
}

/// What the next renewal will break, whatever the server shows now.
fn next_renewal(
    set: &[TlsaRecord],
    name: &str,
    origins: &[Option<Origin>],
    findings: &mut Findings,
) {
    let usable: Vec<(usize, &TlsaRecord)> = set
        .iter()
        .enumerate()
        .filter(|(_, record)| usability(record) == Usability::Usable)
        .collect();
    let of_whole_certificate = usable.iter().all(|(_, record)| {
        record.usage() == Some(CertificateUsage::DANE_EE)
            && record.selector() == Some(Selector::CERT)
    });
    if of_whole_certificate {
        let message = format!(
            "{name} has only TLSA records of whole certificates (3 0 x). The next renewal needs \
             another record, even if it keeps the key."
        );
        findings.add(&TLSA_BREAKS_AT_RENEWAL, name.to_owned(), message);
    }
    if let [(index, only)] = usable.as_slice()
        && only.usage() == Some(CertificateUsage::DANE_TA)
        && !matches!(origins.get(*index), Some(Some(Origin::Root { .. })))
    {
        let who = match origins.get(*index) {
            Some(Some(origin)) => format!(" ({})", origin.words()),
            _ => String::new(),
        };
        let message = format!(
            "The only TLSA record of {name} names one authority{who}. If the next certificate \
             comes from another, mail stops."
        );
        findings.add(&TLSA_LONE_ISSUER, name.to_owned(), message);
    }
}
