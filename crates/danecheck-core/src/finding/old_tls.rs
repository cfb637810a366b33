//! Findings about servers whose TLS is too old for rustls, but not for the
//! OpenSSL under Postfix.

use crate::finding::rule::{Findings, Rule, Severity};
use crate::judge::{Judged, Objection, objection};
use crate::observation::{LegacySeen, LegacyTls};
use crate::postfix::SecurityLevel;

pub(super) static TLS_OUTDATED: Rule = Rule {
    id: "tls-outdated",
    severity: Severity::Warning,
    reference: "RFC 9325 section 4",
    meaning: "The server supports only outdated TLS: an old version, a key exchange without \
              forward secrecy, a suite without authenticated encryption, or a rare kind of key. \
              OpenSSL under Postfix still accepts it at every level. Other senders, and newer \
              OpenSSL, may not.",
    sender: "",
    receiver: "Offer TLS 1.2 or 1.3 with ECDHE and AES-GCM. Use a certificate with an RSA key of \
               2048 bits or a key on P-256.",
};

pub(super) static TLS_TOO_OLD: Rule = Rule {
    id: "tls-too-old",
    severity: Severity::Error,
    reference: "Postfix tls_client_start",
    meaning: "The server supports only TLS that Postfix accepts where no certificate has to match \
              (levels may and encrypt). At dane with TLSA records, and at fingerprint, verify and \
              secure, Postfix raises OpenSSL's security level to 1. The handshake then fails, and \
              mail waits.",
    sender: "Tell the receiver. Until then set the advised override, if there is one.",
    receiver: "Offer TLS 1.2 or 1.3 with ECDHE and AES-GCM. Use a certificate with an RSA key of \
               2048 bits or a key on P-256.",
};

pub(super) static TLS_DIFFERS_BY_RELEASE: Rule = Rule {
    id: "tls-differs-by-release",
    severity: Severity::Warning,
    reference: "Postfix tls_medium_cipherlist, tls_ffdhe_auto_groups, tls_eecdh_auto_curves",
    meaning: "The server's TLS works with one pair of Postfix and OpenSSL and fails with another. \
              The report is about Debian 12: Postfix 3.7 on OpenSSL 3.0. Postfix 3.8 and newer \
              offers no suite of DSA keys, and adds the groups ffdhe2048 and ffdhe3072. Postfix 3.11 \
              on OpenSSL 3.5 adds the group X25519MLKEM768. OpenSSL 3.2 and newer refuses TLS 1.0, \
              TLS 1.1 and the suites of CCM_8 where a certificate has to match.",
    sender: "Give your release with --postfix-version, or ask your own Postfix with --sender local. \
             The report then adds what happens to your mail.",
    receiver: "Offer TLS 1.2 or 1.3 with ECDHE, the group x25519 or secp256r1, and AES-GCM. Use a \
               certificate with an RSA key of 2048 bits or a key on P-256.",
};

/// Raises the finding where the newest Postfix and OpenSSL deliver and Debian 12's do
/// not, or the other way round.
pub(super) fn check_releases(judged: &Judged<'_>, findings: &mut Findings) {
    let sessions = judged
        .evidence
        .addresses()
        .flat_map(|(_, address)| &address.sessions);
    // Only there can they differ.
    if !sessions
        .clone()
        .any(|session| session.seen.legacy.is_some())
    {
        return;
    }
    let mut newer = sessions.filter_map(|session| session.newer_groups.as_ref());
    let first = match newer.any(|session| session.seen.is_in_hybrid_group()) {
        true => "3.11 and newer on OpenSSL 3.5",
        false => "3.8 and newer",
    };
    let target = judged.evidence.observation.next_hop.to_string();
    for level in [SecurityLevel::Dane, SecurityLevel::Encrypt] {
        let (usual, newest) = (judged.outcome(level), judged.with_newest_tls(level));
        if !usual.is_told() || !newest.is_told() || usual.delivers() == newest.delivers() {
            continue;
        }
        let message = match newest.delivers() {
            true => format!(
                "At level {level}, Postfix {first} delivers the mail to {target}, and older releases \
                 cannot."
            ),
            false => format!(
                "At level {level}, mail to {target} waits where Postfix runs on a newer OpenSSL than \
                 3.1, or is newer than 3.7."
            ),
        };
        findings.add(&TLS_DIFFERS_BY_RELEASE, target, message);
        return;
    }
}

/// Raises the findings of this module for one session.
pub(super) fn check(
    subject: String,
    legacy: &LegacySeen,
    tls: &LegacyTls,
    findings: &mut Findings,
) {
    let (rule, why) = match objection(legacy) {
        None => (&TLS_OUTDATED, "nothing newer".to_owned()),
        Some(Objection::Anonymous) => (&TLS_TOO_OLD, "shows no certificate".to_owned()),
        Some(Objection::OldSignature | Objection::Sha1Signature) => {
            (&TLS_TOO_OLD, "signs with SHA-1 only".to_owned())
        }
        Some(Objection::ShortPrime(bits)) => (
            &TLS_TOO_OLD,
            format!("has a Diffie-Hellman prime of {bits} bits"),
        ),
        Some(Objection::Refused) => (
            &TLS_TOO_OLD,
            "refuses the TLS that Postfix offers then".to_owned(),
        ),
    };
    let (version, cipher) = (&tls.version, &tls.cipher);
    let message = match rule == &TLS_OUTDATED {
        true => format!("{subject} offers no newer TLS than {version} with {cipher}."),
        false => format!(
            "{subject} offers TLS that is too old where a certificate has to match: {version} with \
             {cipher}. It {why}."
        ),
    };
    findings.add(rule, subject, message);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{KeyExchange, LegacyAnswer};

    #[test]
    fn the_message_says_what_is_spoken_and_what_is_wrong_with_it() {
        let modern = LegacyTls {
            version: "TLSv1.2".to_owned(),
            cipher: "TLS_RSA_WITH_AES_128_CBC_SHA".to_owned(),
            anonymous: false,
            signed: false,
            sha1_signature: false,
            key_exchange: KeyExchange::Rsa,
            chain: Vec::new(),
        };
        let old = LegacyTls {
            version: "TLSv1".to_owned(),
            cipher: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA".to_owned(),
            signed: true,
            key_exchange: KeyExchange::Group("x25519".to_owned()),
            ..modern.clone()
        };
        for (tls, id, message) in [
            (
                modern,
                "tls-outdated",
                "mx offers no newer TLS than TLSv1.2 with TLS_RSA_WITH_AES_128_CBC_SHA.",
            ),
            (
                old,
                "tls-too-old",
                "mx offers TLS that is too old where a certificate has to match: TLSv1 with \
                 TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA. It signs with SHA-1 only.",
            ),
        ] {
            let legacy = LegacySeen {
                verifying: LegacyAnswer::Spoken(tls.clone()),
                lenient: None,
                newer: None,
            };
            let mut findings = Findings::default();
            check("mx".to_owned(), &legacy, &tls, &mut findings);
            let found = findings.sorted();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].rule.id, id);
            assert_eq!(found[0].message, message);
        }
    }
}
