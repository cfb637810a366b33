//! Whether the server has the key of the certificate that it presents.
//!
//! rustls asks webpki, which refuses X.509 version 1 and short RSA keys before
//! it looks at the signature. Postfix delivers to such servers, so the
//! signature is checked against the bare key here.

use ring::signature::{self as ring_signature, UnparsedPublicKey, VerificationAlgorithm};
use rustls::SignatureScheme;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::certificate::X509CertificateParser;
use x509_parser::nom::Parser as _;
use x509_parser::prelude::FromDer as _;

use danecheck_core::certificate::{dotted, ecdsa};
use danecheck_core::observation::SignatureCheck;

/// RSASSA-PSS with a key that is only for it (RFC 8446 section 4.2.3); rustls
/// has no name for these.
pub(super) const RSA_PSS_PSS_SHA256: SignatureScheme = SignatureScheme::Unknown(0x0809);
pub(super) const RSA_PSS_PSS_SHA384: SignatureScheme = SignatureScheme::Unknown(0x080a);
pub(super) const RSA_PSS_PSS_SHA512: SignatureScheme = SignatureScheme::Unknown(0x080b);

/// What OpenSSL 3 offers at security level 1, in its order, so that a server
/// with several certificates shows the one that Postfix would see.
pub(super) const SCHEMES: [SignatureScheme; 14] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::ED25519,
    SignatureScheme::ED448,
    RSA_PSS_PSS_SHA256,
    RSA_PSS_PSS_SHA384,
    RSA_PSS_PSS_SHA512,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// Whether a scheme is one of RSA keys.
pub(super) fn is_rsa(scheme: SignatureScheme) -> bool {
    use SignatureScheme as Scheme;
    matches!(
        scheme,
        RSA_PSS_PSS_SHA256
            | RSA_PSS_PSS_SHA384
            | RSA_PSS_PSS_SHA512
            | Scheme::RSA_PSS_SHA256
            | Scheme::RSA_PSS_SHA384
            | Scheme::RSA_PSS_SHA512
            | Scheme::RSA_PKCS1_SHA1
            | Scheme::RSA_PKCS1_SHA256
            | Scheme::RSA_PKCS1_SHA384
            | Scheme::RSA_PKCS1_SHA512
    )
}

const OID_RSA: &str = "1.2.840.113549.1.1.1";
const OID_RSA_PSS: &str = "1.2.840.113549.1.1.10";
const OID_EC: &str = "1.2.840.10045.2.1";
const OID_ED25519: &str = "1.3.101.112";
const OID_P256: &str = "1.2.840.10045.3.1.7";
const OID_P384: &str = "1.3.132.0.34";
const OID_P521: &str = "1.3.132.0.35";

/// The kinds of keys whose signatures can be checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    /// With its length in bits.
    Rsa(usize),
    /// With OpenSSL's name of the curve.
    Ec(&'static str),
    Ed25519,
}

/// Checks the signature over `message` with the key of `leaf`.
pub(super) fn check(
    leaf: &[u8],
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> SignatureCheck {
    let unknown = |what: &str| SignatureCheck::Unknown(what.to_owned());
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let Ok((_, certificate)) = parser.parse(leaf) else {
        return unknown("the certificate cannot be read");
    };
    let spki = certificate.public_key();
    let bits: &[u8] = &spki.subject_public_key.data;
    let Some(key) = key(spki) else {
        return unknown("the key is of a kind that is not known here");
    };
    let holds = match (algorithm(key, scheme), key) {
        (Some(algorithm), _) => {
            let key = UnparsedPublicKey::new(algorithm, bits);
            Some(key.verify(message, signature).is_ok())
        }
        (None, Key::Ec(curve)) => ecdsa_digest(scheme, message)
            .and_then(|digest| ecdsa::verify(curve, bits, digest, signature)),
        (None, _) => None,
    };
    holds.map_or_else(
        || unknown("the signature is of a kind that is not known here"),
        verdict,
    )
}

fn verdict(holds: bool) -> SignatureCheck {
    if holds {
        SignatureCheck::Good
    } else {
        SignatureCheck::Bad("it was not made with the key of the certificate".to_owned())
    }
}

fn key(spki: &x509_parser::x509::SubjectPublicKeyInfo<'_>) -> Option<Key> {
    match dotted(&spki.algorithm.algorithm).as_str() {
        OID_RSA | OID_RSA_PSS => match spki.parsed().ok()? {
            x509_parser::public_key::PublicKey::RSA(key) => Some(Key::Rsa(key.key_size())),
            x509_parser::public_key::PublicKey::Unknown(_) => {
                rsa_bits(&spki.subject_public_key.data).map(Key::Rsa)
            }
            _ => None,
        },
        OID_ED25519 => Some(Key::Ed25519),
        OID_EC => {
            let curve = spki.algorithm.parameters.as_ref()?.as_oid().ok()?;
            match dotted(&curve).as_str() {
                OID_P256 => Some(Key::Ec("prime256v1")),
                OID_P384 => Some(Key::Ec("secp384r1")),
                OID_P521 => Some(Key::Ec("secp521r1")),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The length of an RSA key under the PSS identifier, which the parser does
/// not open.
fn rsa_bits(bits: &[u8]) -> Option<usize> {
    let (_, key) = x509_parser::public_key::RSAPublicKey::from_der(bits).ok()?;
    Some(key.key_size())
}

fn algorithm(key: Key, scheme: SignatureScheme) -> Option<&'static dyn VerificationAlgorithm> {
    use SignatureScheme as Scheme;
    Some(match (key, scheme) {
        // ring accepts short keys only for PKCS#1, and not with SHA-384.
        (Key::Rsa(1024..=8192), Scheme::RSA_PKCS1_SHA1) => {
            &ring_signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY
        }
        (Key::Rsa(1024..=8192), Scheme::RSA_PKCS1_SHA256) => {
            &ring_signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY
        }
        (Key::Rsa(1024..=8192), Scheme::RSA_PKCS1_SHA512) => {
            &ring_signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY
        }
        (Key::Rsa(2048..=8192), Scheme::RSA_PKCS1_SHA384) => {
            &ring_signature::RSA_PKCS1_2048_8192_SHA384
        }
        (Key::Rsa(2048..=8192), Scheme::RSA_PSS_SHA256 | RSA_PSS_PSS_SHA256) => {
            &ring_signature::RSA_PSS_2048_8192_SHA256
        }
        (Key::Rsa(2048..=8192), Scheme::RSA_PSS_SHA384 | RSA_PSS_PSS_SHA384) => {
            &ring_signature::RSA_PSS_2048_8192_SHA384
        }
        (Key::Rsa(2048..=8192), Scheme::RSA_PSS_SHA512 | RSA_PSS_PSS_SHA512) => {
            &ring_signature::RSA_PSS_2048_8192_SHA512
        }
        // In TLS 1.2 these schemes name the hash alone.
        (Key::Ec("prime256v1"), Scheme::ECDSA_NISTP256_SHA256) => {
            &ring_signature::ECDSA_P256_SHA256_ASN1
        }
        (Key::Ec("prime256v1"), Scheme::ECDSA_NISTP384_SHA384) => {
            &ring_signature::ECDSA_P256_SHA384_ASN1
        }
        (Key::Ec("secp384r1"), Scheme::ECDSA_NISTP256_SHA256) => {
            &ring_signature::ECDSA_P384_SHA256_ASN1
        }
        (Key::Ec("secp384r1"), Scheme::ECDSA_NISTP384_SHA384) => {
            &ring_signature::ECDSA_P384_SHA384_ASN1
        }
        (Key::Ed25519, Scheme::ED25519) => &ring_signature::ED25519,
        _ => return None,
    })
}

/// What an ECDSA scheme signs; in TLS 1.2 it names the hash alone.
fn ecdsa_digest(scheme: SignatureScheme, message: &[u8]) -> Option<Vec<u8>> {
    Some(match scheme {
        SignatureScheme::ECDSA_NISTP521_SHA512 => Sha512::digest(message).to_vec(),
        SignatureScheme::ECDSA_NISTP384_SHA384 => Sha384::digest(message).to_vec(),
        SignatureScheme::ECDSA_NISTP256_SHA256 => Sha256::digest(message).to_vec(),
        _ => return None,
    })
}
