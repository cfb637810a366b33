//! Postfix's `fingerprint` level: digests of the server's certificate and of
//! its public key, either of which a pin may name.

use serde::Serialize;

use crate::certificate::{Certificate, VerificationError, VerificationFailure, leaf_key_failure};

/// The digests of a leaf, written as `smtp_tls_fingerprint_cert_match` and the
/// policy table's `match=` want them, `AB:CD:…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fingerprints {
    /// SHA-256 of the certificate in DER.
    pub certificate_sha256: String,
    /// SHA-256 of its SubjectPublicKeyInfo in DER; survives renewals that keep
    /// the key.
    pub public_key_sha256: String,
}

/// The digests to pin.
pub fn fingerprints(leaf: &Certificate) -> Fingerprints {
    Fingerprints {
        certificate_sha256: with_colons(leaf.identity()),
        public_key_sha256: with_colons(leaf.key().identity()),
    }
}

/// Whether one of the pins is of this leaf: names, dates and issuers do not
/// matter, but the strength of the key does. Pins may be in either case, with
/// or without colons between bytes (`tls_dane.c:tls_dane_add_fpt_digests`).
pub fn match_fingerprints(leaf: &Certificate, pins: &[String]) -> Result<(), VerificationFailure> {
    if let Some(failure) = leaf_key_failure(leaf) {
        return Err(failure);
    }
    let pins: Vec<Vec<u8>> = pins.iter().filter_map(|pin| from_hex(pin)).collect();
    let own = [*leaf.identity(), *leaf.key().identity()];
    // Pins of another length are unusable; if there are no others, they force a
    // failure.
    if !pins.iter().any(|pin| pin.len() == own[0].len()) {
        return Err(VerificationFailure::new(VerificationError::Unspecified, 0));
    }
    if pins.iter().any(|pin| own.iter().any(|own| pin == own)) {
        Ok(())
    } else {
        Err(VerificationFailure::new(VerificationError::DaneNoMatch, 0))
    }
}

fn with_colons(digest: &[u8]) -> String {
    let mut text = String::with_capacity(digest.len() * 3);
    for byte in digest {
        if !text.is_empty() {
            text.push(':');
        }
        let halves = [byte >> 4, byte & 15].into_iter();
        let digits = halves.filter_map(|half| char::from_digit(half.into(), 16));
        text.extend(digits.map(|digit| digit.to_ascii_uppercase()));
    }
    text
}

/// `hex_code.c:hex_decode_opt` with colons allowed: at most one between bytes,
/// none at the end.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let mut digits = text.chars();
    let mut bytes = Vec::new();
    let mut next = digits.next();
    while let Some(high) = next {
        let value = high.to_digit(16)? * 16 + digits.next()?.to_digit(16)?;
        bytes.push(u8::try_from(value).ok()?);
        next = digits.next();
        if next == Some(':') {
            next = Some(digits.next()?);
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::mint::{self, Entity};

    #[test]
    fn either_digest_suffices_in_any_spelling_whatever_names_and_dates() {
        let leaf = Entity::self_signed("gone.test", |params| {
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        });
        let prints = fingerprints(&leaf.certificate);
        assert_eq!(prints.certificate_sha256.len(), 95);
        let plain = prints.public_key_sha256.replace(':', "").to_lowercase();
        for pin in [prints.certificate_sha256, prints.public_key_sha256, plain] {
            let pins = ["00".repeat(32), pin];
            assert_eq!(match_fingerprints(&leaf.certificate, &pins), Ok(()));
        }
    }

    #[test]
    fn a_pin_of_another_key_fails_as_dane_does() {
        let leaf = Entity::self_signed("mx.test", |_| {});
        let failure = match_fingerprints(&leaf.certificate, &["00".repeat(32)]).unwrap_err();
        assert_eq!(
            failure.postfix_text(),
            "num=65:no matching DANE TLSA records"
        );
    }

    #[test]
    fn pins_of_another_length_alone_force_a_failure() {
        let leaf = Entity::self_signed("mx.test", |_| {});
        let sha1 = "00".repeat(20);
        for pins in [vec![sha1], vec!["zz".into()], vec!["00:".into()], vec![]] {
            let failure = match_fingerprints(&leaf.certificate, &pins).unwrap_err();
            assert_eq!(failure.error, VerificationError::Unspecified);
        }
    }

    #[test]
    fn a_weak_key_fails_even_if_pinned() {
        let leaf = mint::fixture("rsa512-leaf");
        let pins = [fingerprints(&leaf).certificate_sha256];
        let failure = match_fingerprints(&leaf, &pins).unwrap_err();
        assert_eq!(failure.error, VerificationError::EeKeyTooSmall);
    }
}
