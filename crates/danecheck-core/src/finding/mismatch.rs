//! Findings about records that match nothing: what they are, which shows what
//! happened.

use crate::certificate::{
    Presented, ReferenceName, VerificationError, VerificationFailure, matches_host,
};
use crate::finding::rule::{Finding, Findings, Rule, Severity, TELL};
use crate::forensics::{Origin, Role, issuer_name};
use crate::judge::{AddressEvidence, DaneRecords, HostEvidence, Judged};
use crate::matching::{DaneMatching, RecordOutcome};
use crate::observation::{Answer, SessionEnd, TlsaLookup};
use crate::tlsa::{CertificateUsage, Selector, TlsaRecord};

use super::certificate_dates::DANE_TA_CERTIFICATE_EXPIRED;
use super::subject::{peer, short};

/// Days for which nobody leaves mail waiting.
const LONG_DAYS: i64 = 60;

pub(super) static TLSA_MISMATCH: Rule = Rule {
    id: "tlsa-mismatch",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1",
    meaning: "The certificate that the server shows matches none of its TLSA records. Most often \
              somebody changed the key and not the records. It can also be an attacker in the \
              server's place.",
    sender: TELL,
    receiver: "Publish 3 1 1 of the current key (`danecheck tlsa CERT.pem` prints it), and wait \
               for the TTL of the old one. Or put the former key back.",
};

pub(super) static ADDRESSES_SHOW_DIFFERENT_CERTIFICATES: Rule = Rule {
    id: "addresses-show-different-certificates",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1",
    meaning: "The addresses of one mail server show different certificates, and the TLSA records \
              match only some of them. If Postfix tries a wrong address first, it has to try the \
              next one. Often one machine behind the name did not get the new certificate, or \
              still shows its factory certificate.",
    sender: TELL,
    receiver: "Install the certificate and key of the other addresses on this one, or publish a \
               TLSA record 3 1 1 for its key too.",
};

pub(crate) static DANE_TA_NAME_MISMATCH: Rule = Rule {
    id: "dane-ta-name-mismatch",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.2.2",
    meaning: "The TLSA record names a certificate authority (usage 2), so the certificate has to \
              name the mail server or the mail domain. It names neither.",
    sender: TELL,
    receiver: "Order a certificate that also has the name in the MX record. Or publish a record 3 \
               1 1 of the server's own key, for which names do not count.",
};

pub(super) static ISSUER_NOT_SENT: Rule = Rule {
    id: "issuer-not-sent",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1.2",
    meaning: "The TLSA records name a certificate authority (usage 2), but the server sends only \
              its own certificate. Senders take the authority's certificate only from the server, \
              so nothing can match.",
    sender: TELL,
    receiver: "Configure the server with the whole chain (`fullchain.pem` instead of `cert.pem`), \
               and reload it.",
};

pub(super) static TLSA_AHEAD_OF_CERTIFICATE: Rule = Rule {
    id: "tlsa-ahead-of-certificate",
    severity: Severity::Error,
    reference: "RFC 7671 section 8.1",
    meaning: "No TLSA record matches the server's key, and the certificate has not changed \
              recently. If mail flowed until recently, somebody changed the records too early. The \
              new records match a certificate that is not installed yet, and the record of the \
              current key is gone.",
    sender: TELL,
    receiver: "Install the new certificate now. Or publish the record 3 1 1 of the current key \
               too (`danecheck tlsa CERT.pem` prints it), until the new certificate is everywhere.",
};

pub(super) static TLSA_ALIAS_STALE: Rule = Rule {
    id: "tlsa-alias-stale",
    severity: Severity::Error,
    reference: "RFC 7671 section 6",
    meaning: "The name of the TLSA records is an alias (CNAME), and the records at its target do \
              not match this server. Another service shares these records, or their owner does not \
              know the new certificate.",
    sender: TELL,
    receiver: "Publish the record 3 1 1 of the current key (`danecheck tlsa CERT.pem` prints it) \
               at the target of the alias. Or replace the alias with that record.",
};

pub(super) static TLSA_CERTIFICATE_RENEWED: Rule = Rule {
    id: "tlsa-certificate-renewed",
    severity: Severity::Error,
    reference: "RFC 7671 section 5.1",
    meaning: "The TLSA records are digests of a whole certificate (selector 0). Every renewal \
              makes another certificate, even with the same key. So each renewal breaks such a \
              record.",
    sender: TELL,
    receiver: "Publish 3 1 1 of the current key (`danecheck tlsa CERT.pem` prints it), and let \
               renewals keep the key (certbot: `--reuse-key`). Then renewals break nothing.",
};

pub(super) static TLSA_ISSUER_CHANGED: Rule = Rule {
    id: "tlsa-issuer-changed",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1.2",
    meaning: "The TLSA records name a certificate authority (usage 2) that is not in the chain \
              that the server sends. The certificate now comes from another authority.",
    sender: TELL,
    receiver: "Publish 3 1 1 of the server's own key, which no change of authority affects. Or \
               publish 2 1 1 of each authority that may issue a renewal.",
};

pub(super) static TLSA_LEFT_AT_ALIAS: Rule = Rule {
    id: "tlsa-left-at-alias",
    severity: Severity::Error,
    reference: "RFC 7672 section 2.2.3",
    meaning: "The MX record names an alias (CNAME) that leads to somebody else's server. TLSA \
              records of an earlier server are still below the alias, and senders check the new \
              server against them.",
    sender: TELL,
    receiver: "Delete the TLSA records below the alias. Put the target of the alias into the MX \
               record.",
};

pub(super) static TLSA_OF_NOTHING: Rule = Rule {
    id: "tlsa-of-nothing",
    severity: Severity::Error,
    reference: "RFC 6698 section 2.1.3",
    meaning: "The record is the digest of an empty input, so it matches no server. A script makes \
              such a record if its file is empty, or if its tool reads only RSA keys and the key \
              is ECDSA.",
    sender: TELL,
    receiver: "Make the record again with `danecheck tlsa CERT.pem`, publish it, and correct the \
               script.",
};

pub(super) static TLSA_OF_OTHER_SERVER: Rule = Rule {
    id: "tlsa-of-other-server",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1",
    meaning: "The TLSA record matches another server of the domain, not this one. Somebody \
              exchanged the records, or both servers should show the same certificate.",
    sender: TELL,
    receiver: "Publish the record of each server's own key, or install the same key on both.",
};

pub(super) static TLSA_OF_TEXT: Rule = Rule {
    id: "tlsa-of-text",
    severity: Severity::Error,
    reference: "RFC 6698 section 2.1.3",
    meaning: "The record is the digest of the certificate or key in text form. Only the digest of \
              the binary form (DER) counts.",
    sender: TELL,
    receiver: "Publish the record that the message gives. `danecheck tlsa CERT.pem` prints it too.",
};

pub(super) static TLSA_ONE_CERTIFICATE_MANY_RECORDS: Rule = Rule {
    id: "tlsa-one-certificate-many-records",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1",
    meaning: "Several mail servers show the same certificate, but each has TLSA records of its \
              own. A common front end (a load balancer, a filter) answers for all of them, and the \
              records belong to the servers behind it.",
    sender: TELL,
    receiver: "Publish the same record 3 1 1 for every name: that of the front end's key.",
};

pub(super) static TLSA_OTHER_ISSUER: Rule = Rule {
    id: "tlsa-other-issuer",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1.2",
    meaning: "The record names one issuer of an authority that has several and picks one at random \
              for each renewal. This time the certificate came from another issuer.",
    sender: TELL,
    receiver: "Publish 3 1 1 of the server's own key instead, and let renewals keep the key. Or \
               publish 2 1 1 of every issuer that the authority uses or keeps in reserve.",
};

pub(super) static TLSA_RETIRED_ISSUER: Rule = Rule {
    id: "tlsa-retired-issuer",
    severity: Severity::Error,
    reference: "RFC 7672 section 3.1.2",
    meaning: "The record names an issuer that no longer issues certificates. It was right until \
              the first renewal after the issuer's retirement, and will never match again.",
    sender: TELL,
    receiver: "Remove the record, and publish 3 1 1 of the server's own key, which no change of \
               issuers affects.",
};

pub(crate) static TLSA_ROOT_NOT_SENT: Rule = Rule {
    id: "tlsa-root-not-sent",
    severity: Severity::Error,
    reference: "RFC 7671 section 5.2.2",
    meaning: "The record names the root of the chain, but the server does not send the root's \
              certificate. Most servers do not. Senders take it only from the server, so the \
              record matches nothing.",
    sender: TELL,
    receiver: "Publish 3 1 1 of the server's own key instead. Or append the root's certificate to \
               the chain that the server sends.",
};

pub(super) static TLSA_WITHOUT_SNI_ONLY: Rule = Rule {
    id: "tlsa-without-sni-only",
    severity: Severity::Error,
    reference: "RFC 7672 section 8.1",
    meaning: "The record matches what the server shows to clients that name no host in TLS (SNI). \
              DANE senders name the host, and get another certificate.",
    sender: TELL,
    receiver: "Publish 3 1 1 of the key that the server shows under its own name too. Or show one \
               certificate to all clients.",
};

pub(super) static TLSA_WRONG_SELECTOR: Rule = Rule {
    id: "tlsa-wrong-selector",
    severity: Severity::Error,
    reference: "RFC 6698 section 2.1.2",
    meaning: "The data of the record is right, but its second number (selector) or third number \
              (matching type) is wrong. Selector 0 is the whole certificate and 1 its key. \
              Matching type 1 is SHA-256 and 2 is SHA-512.",
    sender: TELL,
    receiver: "Publish the record that `danecheck tlsa CERT.pem` prints.",
};

pub(crate) static TLSA_WRONG_USAGE: Rule = Rule {
    id: "tlsa-wrong-usage",
    severity: Severity::Error,
    reference: "RFC 6698 section 2.1.1",
    meaning: "The data of the record is right, but its first number (usage) is wrong. Usage 3 is \
              the server's own certificate or key. Usage 2 is an authority above it.",
    sender: TELL,
    receiver: "Publish the record that `danecheck tlsa CERT.pem` prints.",
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

/// The step where another record helps nothing: the server itself has to send
/// something else. `is_own` means that the record is of usage 3 and right.
pub(super) fn replacement(failure: &VerificationFailure, is_own: bool) -> Option<&'static str> {
    match (&failure.error, failure.depth) {
        // `check_key_level` applies to DANE-EE(3) too.
        (VerificationError::EeKeyTooSmall, _) => Some(
            "Replace the server's key with RSA of 2048 bits or more, or P-256. Publish 3 1 1 of \
             the new key before you install it.",
        ),
        (VerificationError::Undecodable, 0) => {
            Some("Replace the server's certificate, which OpenSSL cannot decode.")
        }
        (VerificationError::Undecodable, _) => Some(REMOVE_UNDECODABLE),
        _ if is_own => {
            Some("Replace the server's certificate. If its key changes, publish its 3 1 1 first.")
        }
        _ => None,
    }
}

/// The step for a chain with a certificate above the server's that OpenSSL
/// cannot decode.
pub(super) const REMOVE_UNDECODABLE: &str = "Remove the certificate that OpenSSL cannot decode \
                                             from the chain that the server sends.";

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
    /// One finding for each record of known origin, else one for all.
    pub(super) fn explain(&self, findings: &mut Findings) {
        if self.is_for_want_of_a_handshake() {
            return;
        }
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
            let message = format!(
                "The TLSA record {} of {subject} is {}{now}.",
                short(record),
                origin.words()
            );
            findings.put(step_for(
                Finding::new(rule, subject.clone(), message),
                Some(origin),
            ));
        }
        if !told {
            let (rule, message) = self.circumstance(&subject);
            let finding = Finding::new(rule, subject, message);
            findings.put(match self.left_behind() {
                Some(end) if rule.id == TLSA_LEFT_AT_ALIAS.id => finding.receiver(&format!(
                    "Delete the TLSA records at {}. Put {end} into the MX record.",
                    self.tlsa.lookup.name
                )),
                _ => finding,
            });
        }
    }

    /// Whether OpenSSL stopped at the certificates before it compared a record:
    /// the server's own cannot be read, or a record is right as it stands.
    /// `handshake-failed` says so.
    fn is_for_want_of_a_handshake(&self) -> bool {
        let session = self.address.dane_session();
        let failed = session
            .is_some_and(|session| matches!(session.seen.end, SessionEnd::HandshakeFailed(_)));
        let mut pairs = self.records.iter().zip(self.origins);
        let is_right = |(record, origin): (&TlsaRecord, &Option<Origin>)| matches!(origin, Some(Origin::OtherFields { right, .. }) if right == record);
        failed && (matches!(self.chain().first(), Some(Err(_))) || pairs.any(is_right))
    }

    fn chain(&self) -> &[Presented] {
        self.address
            .dane_session()
            .map_or(&[], |session| &session.chain[..])
    }

    /// If the records do not show what happened, their surroundings may.
    fn circumstance(&self, subject: &str) -> (&'static Rule, String) {
        let issuer = issuer_name(self.chain()).unwrap_or_default();
        if let Some(end) = self.alias() {
            return (
                &TLSA_ALIAS_STALE,
                format!(
                    "None of the TLSA records of {} matches the certificate of {subject}: they are \
                     those at {end}, through an alias.",
                    self.host.seen.name
                ),
            );
        }
        if let Some(end) = self.left_behind() {
            return (
                &TLSA_LEFT_AT_ALIAS,
                format!(
                    "None of the TLSA records at {} matches {subject}: the name is an alias of \
                     {end} now, and the records seem to be those of an earlier server.",
                    self.tlsa.lookup.name
                ),
            );
        }
        if self.another_address_matches() {
            return (
                &ADDRESSES_SHOW_DIFFERENT_CERTIFICATES,
                format!(
                    "{subject} shows another certificate (from {issuer}) than the host's other \
                     addresses, and no TLSA record matches it."
                ),
            );
        }
        let sharing = self.hosts_with_this_certificate();
        if sharing > 1 {
            return (
                &TLSA_ONE_CERTIFICATE_MANY_RECORDS,
                format!(
                    "{subject} shows the same certificate as {} other mail server{}, but its own \
                     TLSA records do not match it.",
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
                        "{subject} sends only its own certificate (from {issuer}), but the TLSA \
                         records name an authority above it."
                    ),
                ),
                _ => (
                    &TLSA_ISSUER_CHANGED,
                    format!(
                        "No TLSA record of {subject} names an authority in the chain that it \
                         sends. The chain now comes from {issuer}."
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
                    "The TLSA records of {subject} do not match the certificate{} that it shows.",
                    self.issued()
                ),
            );
        }
        if let Some(since) = self.unchanged_for_long() {
            return (
                &TLSA_AHEAD_OF_CERTIFICATE,
                format!(
                    "The certificate of {subject} has been the same since {since}, and none of its \
                     TLSA records matches it. Unless mail has waited that long, somebody changed \
                     the records before the certificate."
                ),
            );
        }
        (
            &TLSA_MISMATCH,
            format!(
                "The certificate of {subject}{} matches none of its TLSA records.",
                self.issued()
            ),
        )
    }

    /// The day of issue of a certificate that has been in use for longer than
    /// anybody leaves mail waiting.
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
            Some(Ok(leaf)) if leaf.not_before() > self.judged.evidence.now => {
                format!(", valid only from {},", leaf.not_before().day())
            }
            Some(Ok(leaf)) => format!(", issued on {},", leaf.not_before().day()),
            _ => String::new(),
        }
    }

    /// The target, if the owner of the records is an alias.
    fn alias(&self) -> Option<&str> {
        match &self.tlsa.lookup.answer {
            Answer::Records(set) => set.open().regardless().aliases.last().map(String::as_str),
            Answer::Denied(_) | Answer::Failed(_) => None,
        }
    }

    /// The target of the MX host's alias, if the records are below the alias
    /// and the server's certificate does not have that name.
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

    /// How many hosts with different records show the same certificate.
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

/// The finding with the step for a record whose data is right and whose fields
/// are wrong: its right fields.
pub(super) fn step_for(finding: Finding, origin: Option<&Origin>) -> Finding {
    let Some(Origin::OtherFields { right, .. }) = origin else {
        return finding;
    };
    let right = right.to_string();
    match right.rsplit_once(' ') {
        Some((fields, _)) => {
            finding.receiver(&format!("Publish it as {fields}: its data is right."))
        }
        None => finding,
    }
}

/// The rule for the origin of a record.
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
