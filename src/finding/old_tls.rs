//! Findings about servers that speak TLS only by means that rustls has not and
//! OpenSSL under Postfix still has.

use crate::judge::{Objection, objection};
use crate::observation::{LegacySeen, LegacyTls};

use super::{Findings, Rule, Severity};

pub(super) static TLS_OUTDATED: Rule = Rule {
    id: "tls-outdated",
    severity: Severity::Warning,
    reference: "RFC 9325 section 4",
    meaning: "The server speaks TLS only by means that many have given up: an old version, a key \
              exchange without forward secrecy, a suite without authenticated encryption, or a \
              rare kind of key. OpenSSL under Postfix still has them at every level; other \
              senders, and newer OpenSSL, may not.",
    sender: "",
    receiver: "offer TLS 1.2 or 1.3 with ECDHE and AES-GCM, and a certificate with an RSA key of \
               2048 bits or a key on P-256.",
};

pub(super) static TLS_TOO_OLD: Rule = Rule {
    id: "tls-too-old",
    severity: Severity::Error,
    reference: "Postfix tls_client_start",
    meaning: "The server speaks TLS only by means that Postfix accepts where no certificate has \
              to match (levels may and encrypt). At dane with TLSA records, and at fingerprint, \
              verify and secure, Postfix raises OpenSSL's security level to 1, and the handshake \
              fails: mail waits.",
    sender: "tell the receiver; until then level encrypt delivers, still encrypted.",
    receiver: "offer TLS 1.2 or 1.3 with ECDHE and AES-GCM, and a certificate with an RSA key of \
               2048 bits or a key on P-256.",
};

/// Raises the findings of this module for one session.
pub(super) fn check(
    subject: String,
    legacy: &LegacySeen,
    tls: &LegacyTls,
    findings: &mut Findings,
) {
    let (rule, why) = match objection(legacy) {
        None => (&TLS_OUTDATED, "has nothing that is good today".to_owned()),
        Some(Objection::Anonymous) => (&TLS_TOO_OLD, "has no certificate to show".to_owned()),
        Some(Objection::OldSignature | Objection::Sha1Signature) => {
            (&TLS_TOO_OLD, "signs over SHA-1 only".to_owned())
        }
        Some(Objection::ShortPrime(bits)) => (
            &TLS_TOO_OLD,
            format!("has a Diffie-Hellman prime of {bits} bits"),
        ),
        Some(Objection::Refused) => (
            &TLS_TOO_OLD,
            "refuses what Postfix offers where it verifies".to_owned(),
        ),
    };
    let (version, cipher) = (&tls.version, &tls.cipher);
    let message = format!("{subject} speaks {version} with {cipher}, and {why}.");
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
                "mx speaks TLSv1.2 with TLS_RSA_WITH_AES_128_CBC_SHA, and has nothing that is \
                 good today.",
            ),
            (
                old,
                "tls-too-old",
                "mx speaks TLSv1 with TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, and signs over SHA-1 \
                 only.",
            ),
        ] {
            let legacy = LegacySeen {
                verifying: LegacyAnswer::Spoken(tls.clone()),
                lenient: None,
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
