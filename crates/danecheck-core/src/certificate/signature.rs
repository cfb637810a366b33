//! Whether one certificate is signed by one key.

use ring::signature as ring_signature;
use ring::signature::UnparsedPublicKey;
use serde::Serialize;

use super::ecdsa;
use super::key::{KeyKind, PublicKey};
use super::signature_algorithm::{Digest, SignatureAlgorithm};
use super::x509::Certificate;

/// The result of a signature check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureOutcome {
    /// The key made the signature.
    Valid,
    /// It did not.
    Invalid,
    /// danecheck does not support the algorithm. OpenSSL may.
    CannotVerify(String),
}

/// Whether `key` signed `certificate` (openssl:`X509_verify`).
pub fn verify_signature(certificate: &Certificate, key: &PublicKey) -> SignatureOutcome {
    let algorithm = certificate.signature_algorithm();
    let cannot = || {
        SignatureOutcome::CannotVerify(format!(
            "{} by a key of {}",
            algorithm.description(),
            key.description()
        ))
    };
    if !certificate.is_signed_as_said() {
        return SignatureOutcome::Invalid;
    }
    if let SignatureAlgorithm::Other(_) = algorithm {
        return cannot();
    }
    if !algorithm.fits_key(key.kind()) {
        return SignatureOutcome::Invalid;
    }
    let message = certificate.to_be_signed();
    let signature = certificate.signature();
    if let Some(verifier) = ring_algorithm(algorithm, key) {
        let key = UnparsedPublicKey::new(verifier, key.material());
        return outcome(key.verify(message, signature).is_ok());
    }
    match (algorithm, key.kind()) {
        (SignatureAlgorithm::Ecdsa(digest), KeyKind::Ec(curve)) => digest
            .of(message)
            .and_then(|hash| ecdsa::verify(curve, key.material(), hash, signature))
            .map_or_else(cannot, outcome),
        _ => cannot(),
    }
}

/// The cost of such a check, in units of about 25 microseconds of one core. The
/// costs of P-521, RSA and ring's algorithms were measured with optimised
/// libraries; those of P-384 and P-256 without ring are estimates. An
/// unsupported check costs almost nothing.
pub(super) fn signature_cost(certificate: &Certificate, key: &PublicKey) -> u64 {
    let algorithm = certificate.signature_algorithm();
    if !algorithm.fits_key(key.kind()) {
        return 1;
    }
    // The digest of what is signed.
    let digest = u64::try_from(certificate.to_be_signed().len()).unwrap_or(u64::MAX) / 16_384;
    let check = match (algorithm, key.kind()) {
        // The square of the length, for the exponents that ring accepts.
        (SignatureAlgorithm::RsaPkcs1(_) | SignatureAlgorithm::RsaPss { .. }, _) => {
            let length = u64::from(key.bits().div_ceil(2048));
            length.saturating_mul(length).saturating_mul(2)
        }
        (SignatureAlgorithm::Ecdsa(_), KeyKind::Ec("secp521r1")) => 160,
        (SignatureAlgorithm::Ecdsa(_), KeyKind::Ec(curve)) => {
            match (*curve, ring_algorithm(algorithm, key).is_some()) {
                ("secp384r1", true) => 40,
                ("secp384r1", false) => 100,
                ("prime256v1", true) => 4,
                ("prime256v1", false) => 20,
                _ => 1,
            }
        }
        (SignatureAlgorithm::Ed25519, _) => 4,
        _ => 1,
    };
    check.saturating_add(digest)
}

fn outcome(valid: bool) -> SignatureOutcome {
    if valid {
        SignatureOutcome::Valid
    } else {
        SignatureOutcome::Invalid
    }
}

/// The algorithm of ring for this pair, if ring has one.
fn ring_algorithm(
    algorithm: &SignatureAlgorithm,
    key: &PublicKey,
) -> Option<&'static dyn ring_signature::VerificationAlgorithm> {
    use SignatureAlgorithm as S;
    // ring reads no point that is compressed, or that says its parity too.
    let is_plain_point = key.material().first() == Some(&4);
    if matches!(key.kind(), KeyKind::Ec(_)) && !is_plain_point {
        return None;
    }
    Some(match (algorithm, key.kind(), key.bits()) {
        (S::RsaPkcs1(Digest::Sha1), _, 1024..=8192) => {
            &ring_signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY
        }
        (S::RsaPkcs1(Digest::Sha256), _, 1024..=8192) => {
            &ring_signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY
        }
        (S::RsaPkcs1(Digest::Sha512), _, 1024..=8192) => {
            &ring_signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY
        }
        (S::RsaPkcs1(Digest::Sha384), _, 2048..=8192) => {
            &ring_signature::RSA_PKCS1_2048_8192_SHA384
        }
        (
            S::RsaPss {
                digest,
                usual: true,
            },
            _,
            2048..=8192,
        ) => match digest {
            Digest::Sha256 => &ring_signature::RSA_PSS_2048_8192_SHA256,
            Digest::Sha384 => &ring_signature::RSA_PSS_2048_8192_SHA384,
            Digest::Sha512 => &ring_signature::RSA_PSS_2048_8192_SHA512,
            _ => return None,
        },
        (S::Ecdsa(Digest::Sha256), KeyKind::Ec("prime256v1"), _) => {
            &ring_signature::ECDSA_P256_SHA256_ASN1
        }
        (S::Ecdsa(Digest::Sha384), KeyKind::Ec("prime256v1"), _) => {
            &ring_signature::ECDSA_P256_SHA384_ASN1
        }
        (S::Ecdsa(Digest::Sha256), KeyKind::Ec("secp384r1"), _) => {
            &ring_signature::ECDSA_P384_SHA256_ASN1
        }
        (S::Ecdsa(Digest::Sha384), KeyKind::Ec("secp384r1"), _) => {
            &ring_signature::ECDSA_P384_SHA384_ASN1
        }
        (S::Ed25519, _, _) => &ring_signature::ED25519,
        _ => return None,
    })
}
