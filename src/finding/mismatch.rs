//! Findings about records that match nothing: what they are, and so what
//! happened.

use crate::certificate::{Presented, ReferenceName, VerificationError, matches_host};
use crate::forensics::{Origin, Role, issuer_name};
use crate::judge::{AddressEvidence, DaneRecords, HostEvidence, Judged};
use crate::matching::{DaneMatching, RecordOutcome};
use crate::observation::{Answer, TlsaLookup};
use crate::tlsa::{CertificateUsage, Selector, TlsaRecord};

use super::tlsa::{TLSA_MISMATCH, peer, short};
use super::{Findings, Rule, Severity};

/// Nobody leaves mail waiting for so many days.
const LONG_DAYS: i64 = 60;

const TELL: &str = "tell the receiver, by phone or through another mail system.";

pub(super) static ADDRESSES_SHOW_DIFFERENT_CERTIFICATES: Rule = Rule {
    id: "addresses-show-different-certificates",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1",
    meaning: "The addresses of one mail server show different certificates, and the TLSA \
              records are right for some of them only. Mail arrives where they are right; \
              where Postfix comes to another address first, it has to try again. Often one \
              machine behind the name was left out when the certificate was installed, or \
              still shows the one that it was delivered with.",
    sender: TELL,
    receiver: "install the certificate and key of the other addresses on this one, or publish \
               a TLSA record 3 1 1 for its key too.",
};

pub(super) static DANE_TA_CERTIFICATE_EXPIRED: Rule = Rule {
    id: "dane-ta-certificate-expired",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1.2",
    meaning: "The TLSA record names a certificate authority (usage 2), and for such a record \
              the dates of the server's certificate count. It is not valid now. For a record \
              3 1 1 of the server's own key the dates would not matter.",
    sender: TELL,
    receiver: "renew the server's certificate and make the mail server load it (most do so only \
               at a reload).",
};

pub(super) static DANE_TA_NAME_MISMATCH: Rule = Rule {
    id: "dane-ta-name-mismatch",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.2.2",
    meaning: "The TLSA record names a certificate authority (usage 2), and for such a record \
              the certificate has to name the mail server or the mail domain. It names \
              neither.",
    sender: TELL,
    receiver: "have the certificate issued for the name in the MX record too, or publish a \
               record 3 1 1 of the server's own key, for which names do not count.",
};

pub(super) static ISSUER_NOT_SENT: Rule = Rule {
    id: "issuer-not-sent",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1.2",
    meaning: "The TLSA records name a certificate authority (usage 2), and the server sends \
              its own certificate alone. Senders take the authority's certificate only from \
              the server, so nothing can match.",
    sender: TELL,
    receiver: "configure the server with the whole chain (`fullchain.pem` in place of \
               `cert.pem`) and reload it.",
};

pub(super) static TLSA_AHEAD_OF_CERTIFICATE: Rule = Rule {
    id: "tlsa-ahead-of-certificate",
    severity: Severity::Error,
    reference: "RFC 7671 section 8.1",
    meaning: "No TLSA record is of the key that the server shows, and the certificate was not \
              changed for long. Where mail flowed lately, it is the records that were changed: to \
              those of a certificate to come, before that is installed, and with the record of \
              the present one removed.",
    sender: TELL,
    receiver: "publish the record of the key that is served now (the report's line `served  \
               3 1 1`) beside the new one, and remove it only when the new certificate is \
               installed everywhere; or install that now.",
};

pub(super) static TLSA_ALIAS_STALE: Rule = Rule {
    id: "tlsa-alias-stale",
    severity: Severity::Error,
    reference: "RFC 7671 section 6",
    meaning: "The name of the TLSA records is an alias (CNAME), and the records at its end do \
              not match this server. They are shared with another service, or kept by \
              somebody who did not hear of the new certificate.",
    sender: TELL,
    receiver: "at the end of the alias publish the record of the key that is served now (the \
               report's line `served 3 1 1`), or put that record in place of the alias.",
};

pub(super) static TLSA_CERTIFICATE_RENEWED: Rule = Rule {
    id: "tlsa-certificate-renewed",
    severity: Severity::Error,
    reference: "RFC 7671 section 5.1",
    meaning: "The TLSA records are digests of a whole certificate (selector 0). Every renewal \
              makes another certificate, even with the same key, so such a record breaks at \
              each of them.",
    sender: TELL,
    receiver: "publish 3 1 1 of the key that is served now, and let renewals keep the key \
               (certbot: `--reuse-key`); then renewals break nothing.",
};

pub(super) static TLSA_ISSUER_CHANGED: Rule = Rule {
    id: "tlsa-issuer-changed",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1.2",
    meaning: "The TLSA records name a certificate authority (usage 2) that has no part in the \
              chain that the server sends: the certificate comes from another one now.",
    sender: TELL,
    receiver: "publish 3 1 1 of the server's own key, which no change of authority touches; or \
               2 1 1 of each authority that a renewal may bring.",
};

pub(super) static TLSA_LEFT_AT_ALIAS: Rule = Rule {
    id: "tlsa-left-at-alias",
    severity: Severity::Error,
    reference: "RFC 7672 section 2.2.3",
    meaning: "The MX record names an alias (CNAME) that leads to somebody else's server, and \
              TLSA records of an earlier server are still below the alias. Senders hold the \
              new server to them.",
    sender: TELL,
    receiver: "delete the TLSA records below the alias, and put the name at its end into the MX \
               record.",
};

pub(super) static TLSA_OF_NOTHING: Rule = Rule {
    id: "tlsa-of-nothing",
    severity: Severity::Error,
    reference: "RFC 6698 section 2.1.3",
    meaning: "The record is the digest of an empty input, so it matches no server. Scripts \
              make it from an empty file, or where a tool for RSA keys is given an ECDSA key.",
    sender: TELL,
    receiver: "make the record anew, as `danecheck tlsa CERT.pem` prints it, publish it, and \
               mend the script.",
};

pub(super) static TLSA_OF_OTHER_SERVER: Rule = Rule {
    id: "tlsa-of-other-server",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1",
    meaning: "The TLSA record is right for another server of the domain, not for this one: the \
              records were exchanged, or both were meant to show the same certificate.",
    sender: TELL,
    receiver: "publish for each server the record of the key that it shows itself, or install \
               the same key on both.",
};

pub(super) static TLSA_OF_TEXT: Rule = Rule {
    id: "tlsa-of-text",
    severity: Severity::Error,
    reference: "RFC 6698 section 2.1.3",
    meaning: "The record is the digest of the certificate or key written as text. What counts \
              is the digest of the binary form (DER).",
    sender: TELL,
    receiver: "publish the record that the message gives, as `danecheck tlsa CERT.pem` prints \
               it too.",
};

pub(super) static TLSA_ONE_CERTIFICATE_MANY_RECORDS: Rule = Rule {
    id: "tlsa-one-certificate-many-records",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1",
    meaning: "Several mail servers show the same certificate, and each has TLSA records of its \
              own. A common front end (a load balancer, a filter) answers for all of them, \
              and the records are of the servers behind it.",
    sender: TELL,
    receiver: "publish for every name the same record 3 1 1: that of the key that the front end \
               shows.",
};

pub(super) static TLSA_OTHER_ISSUER: Rule = Rule {
    id: "tlsa-other-issuer",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1.2",
    meaning: "The record names one of several issuers of an authority that picks among them by \
              chance at each renewal. The certificate came from another one this time.",
    sender: TELL,
    receiver: "publish 3 1 1 of the server's own key instead and let renewals keep the key; or \
               2 1 1 of every issuer that the authority uses and keeps in reserve.",
};

pub(super) static TLSA_RETIRED_ISSUER: Rule = Rule {
    id: "tlsa-retired-issuer",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1.2",
    meaning: "The record names an issuer from which no certificate comes any more. It was \
              right until the first renewal after the issuer was retired, and never will be \
              again.",
    sender: TELL,
    receiver: "remove the record and publish 3 1 1 of the server's own key, which no change of \
               issuers touches.",
};

pub(super) static TLSA_ROOT_NOT_SENT: Rule = Rule {
    id: "tlsa-root-not-sent",
    severity: Severity::Error,
    reference: "RFC 7671 section 5.2.2",
    meaning: "The record names the root of the chain, and the server does not send the root's \
              certificate, as servers commonly do not. Senders take it only from the server, \
              so the record matches nothing.",
    sender: TELL,
    receiver: "publish 3 1 1 of the server's own key instead; or append the root's certificate \
               to the chain that the server sends.",
};

pub(super) static TLSA_WITHOUT_SNI_ONLY: Rule = Rule {
    id: "tlsa-without-sni-only",
    severity: Severity::Error,
    reference: "RFC 7672 section 8.1",
    meaning: "The record is of what the server shows to those who name no host in TLS (SNI). \
              Senders with DANE name the host, and get another certificate.",
    sender: TELL,
    receiver: "publish 3 1 1 of the key that the server shows under its own name too, or show \
               one certificate to all.",
};

pub(super) static TLSA_WRONG_SELECTOR: Rule = Rule {
    id: "tlsa-wrong-selector",
    severity: Severity::Error,
    reference: "RFC 6698 section 2.1.2",
    meaning: "The data of the record is right, and its second number (selector) or third one \
              (matching type) says that it is something else: 0 stands for the whole \
              certificate and 1 for its key; 1 for SHA-256 and 2 for SHA-512.",
    sender: TELL,
    receiver: "publish the record with the fields that the message gives.",
};

pub(super) static TLSA_WRONG_USAGE: Rule = Rule {
    id: "tlsa-wrong-usage",
    severity: Severity::Error,
    reference: "RFC 6698 section 2.1.1",
    meaning: "The data of the record is right, and its first number (usage) says that it is \
              something else: 3 stands for the server's own certificate or key, 2 for an \
              authority above it.",
    sender: TELL,
    receiver: "publish the record with the usage that the message gives.",
};

/// Why the server's certificate is refused although a record names an
/// authority of its chain.
pub(super) fn refusal(error: &VerificationError) -> Option<&'static Rule> {
    match error {
        VerificationError::Expired | VerificationError::NotYetValid => {
            Some(&DANE_TA_CERTIFICATE_EXPIRED)
        }
        VerificationError::HostnameMismatch => Some(&DANE_TA_NAME_MISMATCH),
        _ => None,
    }
}

/// An address none of whose records matches.
pub(super) struct Mismatch<'a, 'e> {
    pub(super) judged: &'a Judged<'e>,
    pub(super) host: &'a HostEvidence<'e>,
    pub(super) address: &'a AddressEvidence<'e>,
    pub(super) tlsa: &'a TlsaLookup,
    pub(super) records: &'a [TlsaRecord],
    pub(super) matching: &'a DaneMatching,
    pub(super) origins: &'a [Option<Origin>],
}

impl Mismatch<'_, '_> {
    /// One finding for each record that tells what it is, else one for all.
    pub(super) fn explain(&self, findings: &mut Findings) {
        let subject = peer(self.host, self.address.seen.address);
        let mut told = false;
        for (record, origin) in self.records.iter().zip(self.origins) {
            let Some(origin) = origin else { continue };
            let of_this_host =
                matches!(origin, Origin::OtherServer { host, .. } if *host == self.host.seen.name);
            if of_this_host {
                continue;
            }
            told = true;
            let rule = rule_for(record, origin);
            let issuer = match origin {
                Origin::Authority(..)
                | Origin::Root {
                    of_this_chain: false,
                    ..
                } => issuer_name(self.chain()),
                _ => None,
            };
            let now = issuer.map_or_else(String::new, |issuer| {
                format!("; the chain now comes from {issuer}")
            });
            findings.add(
                rule,
                subject.clone(),
                format!(
                    "The TLSA record {} of {subject} is {}{now}.",
                    short(record),
                    origin.words()
                ),
            );
        }
        if !told {
            let (rule, message) = self.circumstance(&subject);
            findings.add(rule, subject, message);
        }
    }

    fn chain(&self) -> &[Presented] {
        self.address
            .dane_session()
            .map_or(&[], |session| &session.chain[..])
    }

    /// What the records do not tell, what is around them may.
    fn circumstance(&self, subject: &str) -> (&'static Rule, String) {
        let issuer = issuer_name(self.chain()).unwrap_or_default();
        if let Some(end) = self.alias() {
            return (
                &TLSA_ALIAS_STALE,
                format!(
                    "The TLSA records of {} are those at {end}, by an alias, and none of them \
                     matches the certificate of {subject}.",
                    self.host.seen.name
                ),
            );
        }
        if let Some(end) = self.left_behind() {
            return (
                &TLSA_LEFT_AT_ALIAS,
                format!(
                    "{} is an alias of {end}, whose certificate names it not and matches none \
                     of the TLSA records that were left below {} ({subject}).",
                    self.host.seen.name, self.tlsa.lookup.name
                ),
            );
        }
        if self.another_address_matches() {
            return (
                &ADDRESSES_SHOW_DIFFERENT_CERTIFICATES,
                format!(
                    "{subject} shows another certificate (from {issuer}) than the other \
                     addresses of the host, and no TLSA record matches it."
                ),
            );
        }
        let sharing = self.hosts_with_this_certificate();
        if sharing > 1 {
            return (
                &TLSA_ONE_CERTIFICATE_MANY_RECORDS,
                format!(
                    "{subject} shows the same certificate as {} other mail server{}, and its \
                     own TLSA records match it not.",
                    sharing - 1,
                    if sharing == 2 { "" } else { "s" }
                ),
            );
        }
        let of_usage = |usage| {
            self.records
                .iter()
                .zip(&self.matching.records)
                .filter(|(_, outcome)| !matches!(outcome, RecordOutcome::Unusable(_)))
                .all(|(record, _)| record.usage() == Some(usage))
        };
        if of_usage(CertificateUsage::DANE_TA) {
            return match self.chain() {
                [Ok(leaf)] if !leaf.is_self_issued() => (
                    &ISSUER_NOT_SENT,
                    format!(
                        "{subject} sends its own certificate alone (from {issuer}), and the \
                         TLSA records ask for an authority above it."
                    ),
                ),
                _ => (
                    &TLSA_ISSUER_CHANGED,
                    format!(
                        "No TLSA record of {subject} names an authority in the chain that it \
                         sends, which now comes from {issuer}."
                    ),
                ),
            };
        }
        let whole = self
            .records
            .iter()
            .all(|record| record.selector() == Some(Selector::CERT));
        if whole {
            return (
                &TLSA_CERTIFICATE_RENEWED,
                format!(
                    "The TLSA records of {subject} are not of the certificate{} that it shows.",
                    self.issued()
                ),
            );
        }
        if let Some(since) = self.unchanged_for_long() {
            return (
                &TLSA_AHEAD_OF_CERTIFICATE,
                format!(
                    "The certificate of {subject} is the same since {since}, and none of its TLSA \
                     records is of it: unless mail has waited that long, the records were changed \
                     before the certificate."
                ),
            );
        }
        (
            &TLSA_MISMATCH,
            format!(
                "The certificate of {subject}{} matches none of its TLSA records: most often \
                 the key was changed and the records were not.",
                self.issued()
            ),
        )
    }

    /// The day of issue of a certificate that is in use for longer than anybody
    /// leaves mail waiting.
    fn unchanged_for_long(&self) -> Option<String> {
        let Some(Ok(leaf)) = self.chain().first() else {
            return None;
        };
        let (begin, end) = (leaf.not_before(), leaf.not_after());
        let now = self.judged.evidence.now;
        let part = end.0.saturating_sub(begin.0) / 3 * 2;
        let long = part.min(LONG_DAYS * 86_400);
        (now.0.saturating_sub(begin.0) >= long && now < end).then(|| begin.day())
    }

    /// When the certificate was issued: mail has been waiting since then, or
    /// since the records were changed.
    fn issued(&self) -> String {
        match self.chain().first() {
            Some(Ok(leaf)) => format!(", issued on {},", leaf.not_before().day()),
            _ => String::new(),
        }
    }

    /// The name at the end, where the owner of the records is an alias.
    fn alias(&self) -> Option<&str> {
        match &self.tlsa.lookup.answer {
            Answer::Records(set) => set.open().regardless().aliases.last().map(String::as_str),
            Answer::Denied(_) | Answer::Failed(_) => None,
        }
    }

    /// The end of the alias that the MX host is, where the records are below
    /// the alias and the server does not know that name.
    fn left_behind(&self) -> Option<String> {
        let [a, aaaa] = [&self.host.seen.a, &self.host.seen.aaaa].map(|lookup| {
            let Answer::Records(set) = &lookup.as_ref()?.answer else {
                return None;
            };
            set.open().regardless().aliases.last().cloned()
        });
        let end = a.or(aaaa)?;
        let Some(Ok(leaf)) = self.chain().first() else {
            return None;
        };
        let name = ReferenceName::Exact(self.host.seen.name.clone());
        let below_the_alias = self.tlsa.base_domain == self.host.seen.name;
        (below_the_alias && !matches_host(leaf, &name)).then_some(end)
    }

    fn another_address_matches(&self) -> bool {
        self.host.addresses.iter().any(|other| {
            other
                .dane_session()
                .and_then(|session| session.dane.as_ref())
                .is_some_and(|matching| matching.result.is_ok())
        })
    }

    /// How many hosts with different records show this very certificate.
    fn hosts_with_this_certificate(&self) -> usize {
        let Some(Ok(leaf)) = self.chain().first() else {
            return 0;
        };
        let mut sets: Vec<&[TlsaRecord]> = Vec::new();
        for host in &self.judged.evidence.hosts {
            let shows = host.addresses.iter().find(|address| {
                matches!(
                    address.dane_session().and_then(|session| session.chain.first()),
                    Some(Ok(other)) if other.der() == leaf.der()
                )
            });
            if let Some(DaneRecords::Usable(_, set)) = shows.map(|address| &address.dane)
                && !sets.contains(set)
            {
                sets.push(set);
            }
        }
        sets.len()
    }
}

/// The rule for what a record is.
pub(super) fn rule_for(record: &TlsaRecord, origin: &Origin) -> &'static Rule {
    match origin {
        Origin::Nothing => &TLSA_OF_NOTHING,
        Origin::OtherFields { right, .. } if right.usage() != record.usage() => &TLSA_WRONG_USAGE,
        Origin::OtherFields { .. } => &TLSA_WRONG_SELECTOR,
        Origin::Text { .. } => &TLSA_OF_TEXT,
        Origin::WithoutSni(_) => &TLSA_WITHOUT_SNI_ONLY,
        Origin::OtherServer { .. } => &TLSA_OF_OTHER_SERVER,
        Origin::Authority(known, _) => match known.role {
            Role::Retired(_) | Role::ExpiredRoot(_) => &TLSA_RETIRED_ISSUER,
            Role::InUse | Role::InReserve => &TLSA_OTHER_ISSUER,
            Role::Root => &TLSA_ISSUER_CHANGED,
        },
        Origin::Root {
            of_this_chain: true,
            ..
        } => &TLSA_ROOT_NOT_SENT,
        Origin::Root { .. } => &TLSA_ISSUER_CHANGED,
    }
}
