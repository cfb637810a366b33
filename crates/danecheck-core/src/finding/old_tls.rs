//! Findings about servers whose TLS is too old for rustls, but not for the
//! OpenSSL under Postfix.

use crate::certificate::{KeyKind, PublicKey};
use crate::finding::rule::{Finding, Findings, Rule, Severity};
use crate::judge::{Judged, Objection, objection};
use crate::observation::{HandshakeCause, LegacySeen, LegacyTls, Session, SessionEnd};
use crate::postfix::SecurityLevel;

use super::handshake::SHORTEN_CHAIN;

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
    seen: &Session,
    key: Option<&PublicKey>,
    (legacy, tls): (&LegacySeen, &LegacyTls),
    findings: &mut Findings,
) {
    let (version, cipher) = (&tls.version, &tls.cipher);
    let why = match objection(legacy) {
        None => {
            let (message, step) = outdated(&subject, seen, tls, key);
            findings.put(Finding::new(&TLS_OUTDATED, subject, message).receiver(step));
            return;
        }
        Some(Objection::Anonymous) => {
            let message = format!(
                "{subject} shows no certificate ({version} with {cipher}), so senders that check \
                 certificates cannot deliver."
            );
            findings.add(&TLS_TOO_OLD, subject, message);
            return;
        }
        Some(Objection::OldSignature | Objection::Sha1Signature) => {
            "signs with SHA-1 only. Postfix refuses that where a certificate has to match"
                .to_owned()
        }
        Some(Objection::ShortPrime(bits)) => {
            format!("its Diffie-Hellman prime has only {bits} bits")
        }
        Some(Objection::Refused) => {
            "refuses what Postfix offers where a certificate has to match".to_owned()
        }
    };
    let message = format!("{subject} offers no newer TLS than {version} with {cipher}, and {why}.");
    let step = step_for_suite(key);
    findings.put(Finding::new(&TLS_TOO_OLD, subject, message).receiver(step));
}

/// What of a server's TLS is outdated, in one sentence, and the step for that.
fn outdated(
    subject: &str,
    seen: &Session,
    tls: &LegacyTls,
    key: Option<&PublicKey>,
) -> (String, &'static str) {
    let is_long = matches!(&seen.end, SessionEnd::HandshakeFailed(failure)
        if failure.cause() == HandshakeCause::TooLong);
    match key {
        // rustls takes 64 KiB, OpenSSL 100.
        _ if is_long && is_modern(tls) => (
            format!(
                "{subject} sends more than 64 kilobytes of certificates, which not every TLS \
                 program takes."
            ),
            SHORTEN_CHAIN,
        ),
        Some(key) if !is_common(key) && is_modern(tls) => (
            format!(
                "{subject} shows a key of a rare kind ({}), which not every TLS program takes.",
                key.description()
            ),
            NEW_KEY,
        ),
        _ => {
            let (version, cipher) = (&tls.version, &tls.cipher);
            (
                format!("{subject} offers no newer TLS than {version} with {cipher}."),
                step_for_suite(key),
            )
        }
    }
}

/// A kind of key that is common, and long enough.
fn is_common(key: &PublicKey) -> bool {
    match key.kind() {
        KeyKind::Rsa => key.bits() >= 2048,
        KeyKind::Ec(_) => true,
        _ => false,
    }
}

/// Forward secrecy by elliptic curves, and authenticated encryption with a tag
/// of full length.
fn is_modern(tls: &LegacyTls) -> bool {
    let has = |part| tls.cipher.contains(part);
    tls.version == "TLSv1.2" && has("_ECDHE_") && (has("_GCM_") || has("_CHACHA20_"))
}

/// The step for a suite that is outdated, and for the key if it is too.
fn step_for_suite(key: Option<&PublicKey>) -> &'static str {
    match key.is_some_and(is_common) {
        true => "Offer TLS 1.2 or 1.3 with ECDHE and AES-GCM.",
        false => TLS_OUTDATED.receiver,
    }
}

const NEW_KEY: &str = "Use a certificate with an RSA key of 2048 bits or a key on P-256. If TLSA \
                       records exist, publish 3 1 1 of the new key before you install it.";

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
        let anonymous = LegacyTls {
            cipher: "TLS_DH_anon_WITH_AES_256_GCM_SHA384".to_owned(),
            anonymous: true,
            key_exchange: KeyExchange::FiniteField(2048),
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
                "mx offers no newer TLS than TLSv1 with TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, and \
                 signs with SHA-1 only. Postfix refuses that where a certificate has to match.",
            ),
            (
                anonymous,
                "tls-too-old",
                "mx shows no certificate (TLSv1.2 with TLS_DH_anon_WITH_AES_256_GCM_SHA384), so \
                 senders that check certificates cannot deliver.",
            ),
        ] {
            let legacy = LegacySeen {
                verifying: LegacyAnswer::Spoken(tls.clone()),
                lenient: None,
                newer: None,
            };
            let mut findings = Findings::default();
            let seen = Session::ended(None, SessionEnd::Completed);
            let pair = (&legacy, &tls);
            check("mx".to_owned(), &seen, None, pair, &mut findings);
            let found = findings.sorted();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].rule.id, id);
            assert_eq!(found[0].message, message);
        }
    }
}
