//! Whether Postfix finishes a TLS handshake that rustls cannot finish.

use crate::observation::{KeyExchange, LegacyAnswer, LegacySeen, LegacyTls, Session};
use crate::postfix::{OpenSsl, Suite, TlsDefaults};
use crate::tlsa::{TlsaRecord, classify_rrset};

use super::policy::{PeerCheck, TlsPolicy};

/// What Postfix has OpenSSL require (`tls_client.c:tls_client_start`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rigour {
    /// Security level 0 with anonymous suites: `may` and `encrypt`.
    Lenient,
    /// Security level 0 without anonymous suites: `dane` if no record can be
    /// loaded. The suites were chosen for `dane` before that was known.
    LenientWithCertificate,
    /// Security level 1 without anonymous suites: if something has to match
    /// (`TLS_MUST_MATCH`).
    Verifying,
}

impl Rigour {
    /// The requirements under a policy.
    pub(crate) fn of(policy: &TlsPolicy<'_>) -> Self {
        match &policy.check {
            PeerCheck::None => Self::Lenient,
            PeerCheck::Dane { records, only, .. } if !only && none_usable(records) => {
                Self::LenientWithCertificate
            }
            PeerCheck::Dane { .. } | PeerCheck::Pkix(_) | PeerCheck::Pins(_) => Self::Verifying,
        }
    }
}

fn none_usable(records: &[TlsaRecord]) -> bool {
    classify_rrset(records).iter().all(Result::is_err)
}

/// Whether this Postfix's ClientHello leaves out the suite that the server chose
/// when Debian 12's was sent.
fn is_not_offered(tls: &LegacyTls, rigour: Rigour, defaults: TlsDefaults) -> bool {
    let suite = |holds: fn(&Suite) -> bool| Suite::named(&tls.cipher).is_some_and(holds);
    let strict = rigour == Rigour::Verifying && defaults.openssl >= OpenSsl::FromV32;
    !defaults.dss && suite(Suite::has_dsa_key) || strict && suite(Suite::has_short_tag)
}

/// Whether this Postfix offers the groups with which a session was held that others
/// do not offer.
pub(crate) fn offers_groups_of(session: &Session, defaults: TlsDefaults) -> bool {
    match session.is_in_hybrid_group() {
        true => defaults.offers_hybrid(),
        false => defaults.finite_fields,
    }
}

/// What the server answers to this Postfix's own ClientHello; `None` if that one
/// was not sent.
pub(crate) fn heard(
    legacy: &LegacySeen,
    rigour: Rigour,
    defaults: TlsDefaults,
) -> Option<&LegacySeen> {
    match legacy.tls() {
        Some(tls) if is_not_offered(tls, rigour, defaults) => legacy.newer.as_deref(),
        _ => Some(legacy),
    }
}

/// Whether OpenSSL accepts what the server answered to Postfix's own
/// ClientHello. The rest of the handshake is assumed to succeed.
pub(crate) fn completes(session: &Session, rigour: Rigour, defaults: TlsDefaults) -> bool {
    let legacy = session.legacy.as_ref();
    let Some(legacy) = legacy.and_then(|legacy| heard(legacy, rigour, defaults)) else {
        return false;
    };
    // The lenient ClientHello offers all of the verifying one, and more.
    let Some(tls) = legacy.tls() else {
        return false;
    };
    match rigour {
        _ if short_prime(tls).is_some() => false,
        Rigour::Lenient => true,
        Rigour::LenientWithCertificate => !tls.anonymous,
        Rigour::Verifying => {
            let too_old = defaults.openssl >= OpenSsl::FromV32 && is_old(tls);
            !too_old && objection(legacy).is_none()
        }
    }
}

fn is_old(tls: &LegacyTls) -> bool {
    matches!(tls.version.as_str(), "TLSv1" | "TLSv1.1")
}

/// What the server supports, if our own TLS could not finish a handshake but
/// Postfix can at some level.
pub(crate) fn by_old_means(session: &Session) -> Option<(&LegacySeen, &LegacyTls)> {
    let legacy = session.legacy.as_ref()?;
    let tls = legacy.tls()?;
    let is_taken = completes(session, Rigour::Lenient, TlsDefaults::DEBIAN_12);
    is_taken.then_some((legacy, tls))
}

/// Why OpenSSL rejects a session, most often because a certificate must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objection {
    /// TLS 1.0 and 1.1 sign over MD5 and SHA-1: "legacy sigalg disallowed or
    /// unsupported" (openssl:`t1_lib.c:tls1_set_peer_legacy_sigalg`). Without
    /// a signature, in the key exchange of RSA, OpenSSL 3.0 lets them pass.
    OldSignature,
    /// A signature over SHA-1 that was not offered: "wrong signature type"
    /// (openssl:`t1_lib.c:tls12_check_peer_sigalg`).
    Sha1Signature,
    /// "dh key too small" (openssl:`statem_clnt.c:tls_process_ske_dhe`), at
    /// security level 0 as well.
    ShortPrime(u32),
    /// There is no certificate.
    Anonymous,
    /// The server itself ends it.
    Refused,
}

/// "No EDH keys weaker than 1024-bits even at level 0, otherwise, anything
/// goes" (openssl:`ssl_cert.c:ssl_security_default_callback`).
const SHORTEST_PRIME: u32 = 1024;

fn short_prime(tls: &LegacyTls) -> Option<u32> {
    match tls.key_exchange {
        KeyExchange::FiniteField(bits) if bits < SHORTEST_PRIME => Some(bits),
        _ => None,
    }
}

/// Why OpenSSL rejects a session if a certificate must match.
pub(crate) fn objection(legacy: &LegacySeen) -> Option<Objection> {
    let tls = legacy.tls();
    match &legacy.verifying {
        LegacyAnswer::Spoken(_) => tls.and_then(objection_of_level_1),
        LegacyAnswer::Refused(_) => tls
            .and_then(objection_of_level_1)
            .or(Some(Objection::Refused)),
    }
}

fn objection_of_level_1(tls: &LegacyTls) -> Option<Objection> {
    let old = is_old(tls);
    match short_prime(tls) {
        Some(bits) => Some(Objection::ShortPrime(bits)),
        None if tls.anonymous => Some(Objection::Anonymous),
        None if old && tls.signed => Some(Objection::OldSignature),
        None if tls.sha1_signature => Some(Objection::Sha1Signature),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{HandshakeFailure, SessionEnd};

    fn tls(version: &str, key_exchange: KeyExchange) -> LegacyTls {
        LegacyTls {
            version: version.to_owned(),
            cipher: "TLS_RSA_WITH_AES_128_CBC_SHA".to_owned(),
            anonymous: false,
            signed: key_exchange != KeyExchange::Rsa,
            sha1_signature: false,
            key_exchange,
            chain: Vec::new(),
        }
    }

    fn curve() -> KeyExchange {
        KeyExchange::Group("x25519".to_owned())
    }

    fn anonymous() -> LegacyTls {
        LegacyTls {
            anonymous: true,
            signed: false,
            ..tls("TLSv1.2", curve())
        }
    }

    /// At which of the three a handshake succeeds.
    fn gets_through(verifying: Option<LegacyTls>, lenient: Option<LegacyTls>) -> [bool; 3] {
        let refused = || LegacyAnswer::Refused("no".to_owned());
        let failure = HandshakeFailure {
            text: "no".to_owned(),
            alert: None,
            timed_out: false,
            ours: false,
            limit: false,
        };
        let session = Session {
            legacy: Some(LegacySeen {
                lenient: verifying
                    .is_none()
                    .then(|| lenient.map_or_else(refused, LegacyAnswer::Spoken)),
                verifying: verifying.map_or_else(refused, LegacyAnswer::Spoken),
                newer: None,
            }),
            ..Session::ended(None, SessionEnd::HandshakeFailed(failure))
        };
        [
            Rigour::Lenient,
            Rigour::LenientWithCertificate,
            Rigour::Verifying,
        ]
        .map(|rigour| completes(&session, rigour, TlsDefaults::DEBIAN_12))
    }

    /// The same under Debian 13, with its own answers if there are any.
    fn gets_through_newer(first: LegacyTls, newer: Option<[LegacyAnswer; 2]>) -> [bool; 3] {
        let failure = HandshakeFailure {
            text: "no".to_owned(),
            alert: None,
            timed_out: false,
            ours: true,
            limit: false,
        };
        let session = Session {
            legacy: Some(LegacySeen {
                verifying: LegacyAnswer::Spoken(first),
                lenient: None,
                newer: newer.map(|[verifying, lenient]| {
                    Box::new(LegacySeen {
                        verifying,
                        lenient: Some(lenient),
                        newer: None,
                    })
                }),
            }),
            ..Session::ended(None, SessionEnd::HandshakeFailed(failure))
        };
        [
            Rigour::Lenient,
            Rigour::LenientWithCertificate,
            Rigour::Verifying,
        ]
        .map(|rigour| completes(&session, rigour, TlsDefaults::NEWEST))
    }

    fn with_suite(cipher: &str) -> LegacyTls {
        LegacyTls {
            cipher: cipher.to_owned(),
            ..tls("TLSv1.2", curve())
        }
    }

    #[test]
    fn newer_openssl_refuses_old_versions_where_a_certificate_must_match() {
        for version in ["TLSv1", "TLSv1.1"] {
            let unsigned = tls(version, KeyExchange::Rsa);
            assert_eq!(gets_through_newer(unsigned, None), [true, true, false]);
        }
        let good = tls("TLSv1.2", KeyExchange::Rsa);
        assert_eq!(gets_through_newer(good, None), [true; 3]);
    }

    #[test]
    fn newer_postfix_offers_no_suite_of_dsa_keys() {
        let refused = || LegacyAnswer::Refused("no".to_owned());
        let dsa = || with_suite("TLS_DHE_DSS_WITH_AES_128_GCM_SHA256");
        let spoken = |tls| LegacyAnswer::Spoken(tls);
        // Nothing else, an anonymous suite, another one.
        let nothing = Some([refused(), refused()]);
        assert_eq!(gets_through_newer(dsa(), nothing), [false; 3]);
        let no_certificate = Some([refused(), spoken(anonymous())]);
        let only_lenient = [true, false, false];
        assert_eq!(gets_through_newer(dsa(), no_certificate), only_lenient);
        let other = || spoken(tls("TLSv1.2", KeyExchange::Rsa));
        assert_eq!(
            gets_through_newer(dsa(), Some([other(), other()])),
            [true; 3]
        );
        assert_eq!(gets_through_newer(dsa(), None), [false; 3]);
    }

    #[test]
    fn newer_openssl_offers_no_short_tag_where_a_certificate_must_match() {
        let short = || with_suite("TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8");
        let refused = LegacyAnswer::Refused("no".to_owned());
        let answers = [refused, LegacyAnswer::Spoken(short())];
        let levels = gets_through_newer(short(), Some(answers));
        assert_eq!(levels, [true, true, false]);
    }

    #[test]
    fn rare_means_are_good_at_every_level() {
        for good in [
            tls("TLSv1.2", KeyExchange::Rsa),
            tls("TLSv1.2", curve()),
            tls("TLSv1.2", KeyExchange::FiniteField(1024)),
        ] {
            assert_eq!(
                gets_through(Some(good.clone()), None),
                [true; 3],
                "{good:?}"
            );
        }
    }

    #[test]
    fn tls_1_0_fails_where_a_certificate_must_match_if_it_signs() {
        for version in ["TLSv1", "TLSv1.1"] {
            let signed = tls(version, curve());
            assert_eq!(gets_through(Some(signed), None), [true, true, false]);
            let unsigned = tls(version, KeyExchange::Rsa);
            assert_eq!(gets_through(Some(unsigned), None), [true, true, true]);
        }
    }

    #[test]
    fn a_short_prime_fails_everywhere() {
        let short = tls("TLSv1.2", KeyExchange::FiniteField(1023));
        assert_eq!(gets_through(Some(short.clone()), None), [false; 3]);
        let anonymous = LegacyTls {
            anonymous: true,
            ..short
        };
        assert_eq!(gets_through(None, Some(anonymous)), [false; 3]);
    }

    #[test]
    fn an_anonymous_server_is_good_only_where_no_certificate_is_asked_for() {
        assert_eq!(gets_through(None, Some(anonymous())), [true, false, false]);
    }

    #[test]
    fn sha1_signatures_are_not_offered_where_a_certificate_must_match() {
        let sha1 = LegacyTls {
            sha1_signature: true,
            ..tls("TLSv1.2", curve())
        };
        assert_eq!(gets_through(None, Some(sha1.clone())), [true, true, false]);
        // A server that uses a signature that was not offered.
        assert_eq!(gets_through(Some(sha1), None), [true, true, false]);
    }

    #[test]
    fn a_server_that_refuses_both_hellos_is_refused_by_postfix_too() {
        assert_eq!(gets_through(None, None), [false; 3]);
    }
}
