//! Findings about the future: certificates that end, and what the record set
//! means for the next renewal.

use crate::certificate::{Certificate, Presented};
use crate::finding::rule::{Findings, Rule, Severity};
use crate::finding::subject::peer;
use crate::forensics::{KnownAuthority, common_name, issuer_name};
use crate::judge::{
    AddressEvidence, DaneRecords, HostEvidence, Judged, SessionEvidence, dane_names,
};
use crate::matching::{DaneMatching, RecordOutcome};
use crate::observation::TlsaLookup;
use crate::tlsa::{CertificateUsage, Selector, TlsaRecord};
use crate::unix_time::UnixTime;

/// Certificates with a lifetime up to this are renewed automatically.
const SHORT_LIFE_DAYS: i64 = 100;

/// The number of TLSA records that Microsoft's senders are known to handle.
const MANY_RECORDS: usize = 12;

const DAY: i64 = 86_400;

pub(super) static CERTIFICATE_ENDS_SOON: Rule = Rule {
    id: "certificate-ends-soon",
    severity: Severity::Warning,
    reference: "RFC 7672 section 3.1.2",
    meaning: "The TLSA record that matches the server names an authority (usage 2), and for such a \
              record dates count. When the certificate ends, DANE senders keep their mail back. \
              With a matching record 3 1 1 the date would not matter.",
    sender: "",
    receiver: "Renew the certificate and reload the mail server. Find out why it was not renewed \
               yet. Check the new certificate first: `danecheck tlsa NEW.pem --against DOMAIN`.",
};

pub(super) static NO_SPARE_RECORD: Rule = Rule {
    id: "no-spare-record",
    severity: Severity::Info,
    reference: "RFC 7671 section 8.1",
    meaning: "Only the current key has a TLSA record, and the certificate is due for renewal. If \
              the renewal makes a new key, DANE senders keep their mail back until the new record \
              has reached all of them.",
    sender: "",
    receiver: "Let renewals keep the key (certbot: `--reuse-key`). Or publish the next key's \
               record one TTL before the next certificate goes live: `danecheck tlsa NEW.pem \
               --against DOMAIN --plan` gives the steps.",
};

pub(super) static TLSA_BREAKS_AT_RENEWAL: Rule = Rule {
    id: "tlsa-breaks-at-renewal",
    severity: Severity::Info,
    reference: "RFC 7671 section 5.1",
    meaning: "The only record that matches the server is a digest of the whole certificate \
              (selector 0), and the certificate is renewed every few weeks. The next renewal \
              breaks the record, even if it keeps the key.",
    sender: "",
    receiver: "Publish 3 1 1 of the key beside it, and let renewals keep the key (certbot: \
               `--reuse-key`). Then remove the old record.",
};

pub(super) static TLSA_LONE_ISSUER: Rule = Rule {
    id: "tlsa-lone-issuer",
    severity: Severity::Info,
    reference: "RFC 7672 section 3.1.2",
    meaning: "The only record that matches the server names one issuer of a certificate that is \
              renewed every few weeks. Authorities change their issuers without notice, and some \
              pick one of several at each renewal. Then mail stops.",
    sender: "",
    receiver: "Publish 3 1 1 of the server's own key, and let renewals keep the key. Or add 2 1 1 \
               of every issuer that the authority may use.",
};

pub(super) static TLSA_TOO_MANY_RECORDS: Rule = Rule {
    id: "tlsa-too-many-records",
    severity: Severity::Info,
    reference: "dnssec-stats.ant.isi.edu/~viktor/x3hosts.html (2024-07)",
    meaning: "Postfix handles up to a hundred TLSA records. Microsoft's outgoing servers were \
              reported to fail with more than about 12 for one host, even if all records are \
              right.",
    sender: "",
    receiver: "Keep the records of the keys in use and of the next ones. Remove the others.",
};

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    for (host, address) in judged.evidence.addresses() {
        let DaneRecords::Usable(tlsa, set) = address.dane else {
            continue;
        };
        if set.len() > MANY_RECORDS {
            findings.add(
                &TLSA_TOO_MANY_RECORDS,
                tlsa.lookup.name.clone(),
                format!("{} has {} TLSA records.", host.seen.name, set.len()),
            );
        }
        let Some(session) = address.dane_session() else {
            continue;
        };
        let (Some(matching), Some(Ok(leaf))) = (&session.dane, session.chain.first()) else {
            continue;
        };
        if matching.result.is_err() {
            continue;
        }
        let matched = MatchedAddress {
            judged,
            host,
            tlsa,
            set,
            session,
            chain: &session.chain,
            matching,
            leaf,
        };
        matched.ends_soon(address, findings);
        matched.next_renewal(findings);
    }
}

/// An address that a record matches now.
struct MatchedAddress<'a, 'e> {
    judged: &'a Judged<'e>,
    host: &'a HostEvidence<'e>,
    tlsa: &'a TlsaLookup,
    set: &'e [TlsaRecord],
    session: &'a SessionEvidence<'e>,
    chain: &'a [Presented],
    matching: &'a DaneMatching,
    leaf: &'a Certificate,
}

impl MatchedAddress<'_, '_> {
    fn now(&self) -> UnixTime {
        self.judged.evidence.now
    }

    /// Raises the finding if the present match will have ended after the
    /// warning time: the same matching, at a later moment.
    fn ends_soon(&self, address: &AddressEvidence<'_>, findings: &mut Findings) {
        let names = dane_names(&self.tlsa.base_domain, self.judged.evidence.mx.as_ref());
        let evidence = &self.judged.evidence;
        let later = self.judged.horizon.warn_until(self.now(), self.leaf);
        let matching = evidence.matching(self.session, self.set, &names, later);
        if matching.authenticates() != Some(false) {
            return;
        }
        let ends = self
            .chain
            .iter()
            .flatten()
            .filter(|one| self.now() < one.not_after() && one.not_after() <= later)
            .min_by_key(|one| one.not_after());
        let Some(ends) = ends else { return };
        let subject = peer(self.host, address.seen.address);
        let whose = if ends.der() == self.leaf.der() {
            "The certificate".to_owned()
        } else {
            format!("The certificate of {} in the chain", common_name(ends))
        };
        let days = (ends.not_after().0 - self.now().0) / DAY;
        let message = format!(
            "{whose} of {subject} ends on {}, in {days} day{}. After that no TLSA record matches \
             the server.",
            ends.not_after().day(),
            if days == 1 { "" } else { "s" },
        );
        findings.add(&CERTIFICATE_ENDS_SOON, subject, message);
    }

    /// What the next renewal will break.
    fn next_renewal(&self, findings: &mut Findings) {
        let life = self.leaf.not_after().0 - self.leaf.not_before().0;
        if life > SHORT_LIFE_DAYS * DAY {
            return;
        }
        let matching_records: Vec<(&TlsaRecord, usize)> = self
            .set
            .iter()
            .zip(&self.matching.records)
            .filter_map(|(record, outcome)| match outcome {
                RecordOutcome::Matches { depth } => Some((record, *depth)),
                _ => None,
            })
            .collect();
        // A record that matches nothing now may be for the next key.
        let spare = self
            .matching
            .records
            .iter()
            .any(|outcome| matches!(outcome, RecordOutcome::NoMatch));
        if spare {
            return;
        }
        let name = &self.host.seen.name;
        let issuer = issuer_name(self.chain).unwrap_or_default();
        let all = |usage, selector: Option<Selector>| {
            matching_records.iter().all(|(record, _)| {
                record.usage() == Some(usage)
                    && selector.is_none_or(|selector| record.selector() == Some(selector))
            })
        };
        let days = life / DAY;
        if all(CertificateUsage::DANE_EE, Some(Selector::CERT)) {
            findings.add(
                &TLSA_BREAKS_AT_RENEWAL,
                name.clone(),
                format!(
                    "The next renewal of the certificate of {name} (from {issuer}, valid for \
                     {days} days) breaks its TLSA record."
                ),
            );
        } else if all(CertificateUsage::DANE_EE, Some(Selector::SPKI)) {
            let left = self.leaf.not_after().0 - self.now().0;
            // Clients renew when a third of the life is left.
            if left <= life / 3 {
                findings.add(
                    &NO_SPARE_RECORD,
                    name.clone(),
                    format!(
                        "Only the current key of {name} has a TLSA record, and its certificate \
                         (from {issuer}) {} on {}.",
                        if left < 0 { "ended" } else { "ends" },
                        self.leaf.not_after().day()
                    ),
                );
            }
        } else if let ([(_, depth)], true) = (
            matching_records.as_slice(),
            all(CertificateUsage::DANE_TA, None),
        ) && let Some(Ok(authority)) = self.chain.get(*depth)
            && !authority.is_self_issued()
        {
            let digest = crate::forensics::sha256(authority.spki_der());
            let what = match KnownAuthority::find(&digest) {
                Some((known, _)) => known.words(),
                None => common_name(authority),
            };
            findings.add(
                &TLSA_LONE_ISSUER,
                name.clone(),
                format!(
                    "The TLSA record of {name} names one issuer, {what}. The next of its \
                     {days}-day certificates may come from another."
                ),
            );
        }
    }
}
