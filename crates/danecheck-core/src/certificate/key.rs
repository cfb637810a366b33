//! Public keys: what kind, how strong, and the exact SubjectPublicKeyInfo.

use serde::Serialize;

use x509_parser::asn1_rs::Tag;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey as ParsedKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::ecdsa::may_be_on_curve;
use super::oid::dotted;

/// The kind of a public key, by the algorithm of its SubjectPublicKeyInfo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyKind {
    /// rsaEncryption (RFC 8017).
    Rsa,
    /// id-RSASSA-PSS (RFC 4055).
    RsaPss,
    /// An elliptic curve that OpenSSL knows, under OpenSSL's name for it.
    Ec(&'static str),
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Ed448 (RFC 8410).
    Ed448,
    /// DSA (RFC 3279).
    Dsa,
    /// Another algorithm or curve, as a dotted object identifier.
    Other(String),
}

/// Object identifier, OpenSSL's name, bits of the group order.
const CURVES: &[(&str, &str, u32)] = &[
    ("1.2.840.10045.3.1.1", "prime192v1", 192),
    ("1.3.132.0.33", "secp224r1", 224),
    ("1.2.840.10045.3.1.7", "prime256v1", 256),
    ("1.3.132.0.34", "secp384r1", 384),
    ("1.3.132.0.35", "secp521r1", 521),
    ("1.3.132.0.10", "secp256k1", 256),
    ("1.3.132.0.6", "secp112r1", 112),
    ("1.3.132.0.28", "secp128r1", 128),
    ("1.3.132.0.8", "secp160r1", 161),
    ("1.3.36.3.3.2.8.1.1.1", "brainpoolP160r1", 160),
    ("1.3.36.3.3.2.8.1.1.3", "brainpoolP192r1", 192),
    ("1.3.36.3.3.2.8.1.1.5", "brainpoolP224r1", 224),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1", 256),
    ("1.3.36.3.3.2.8.1.1.9", "brainpoolP320r1", 320),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1", 384),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1", 512),
];

/// Keys of RFC 8410 that agree on secrets and sign nothing: OpenSSL reads them,
/// and makes no handshake with them.
const X25519: &str = "1.3.101.110";
const X448: &str = "1.3.101.111";

/// A public key and its original DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyKind,
    bits: u32,
    /// SHA-256 of the SubjectPublicKeyInfo: no two keys have the same.
    identity: [u8; 32],
    spki: Vec<u8>,
    material: Vec<u8>,
    explicit_curve: bool,
    readable: bool,
}

impl PublicKey {
    /// Reads DER that is exactly one SubjectPublicKeyInfo
    /// (RFC 5280 section 4.1.2.7), with nothing after it.
    pub fn from_spki_der(der: &[u8]) -> Option<Self> {
        match SubjectPublicKeyInfo::from_der(der) {
            Ok(([], spki)) => Some(Self::from_parsed(&spki)),
            _ => None,
        }
    }

    pub(super) fn from_parsed(spki: &SubjectPublicKeyInfo<'_>) -> Self {
        let material = spki.subject_public_key.data.as_ref();
        let parameters = spki.algorithm.parameters.as_ref();
        let oid = dotted(&spki.algorithm.algorithm);
        let mut explicit_curve = false;
        let (kind, bits, readable) = match oid.as_str() {
            // 2.5.8.1.1 is what X.509 itself calls RSA.
            "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" | "2.5.8.1.1" => {
                let bits = match spki.parsed() {
                    Ok(ParsedKey::RSA(key)) => significant_bits(key.modulus),
                    // x509-parser knows rsaEncryption only.
                    _ => x509_parser::public_key::RSAPublicKey::from_der(material)
                        .map_or(0, |(_, key)| significant_bits(key.modulus)),
                };
                let kind = if oid.ends_with(".10") {
                    KeyKind::RsaPss
                } else {
                    KeyKind::Rsa
                };
                (kind, bits, bits > 0)
            }
            "1.2.840.10045.2.1" => {
                let curve = parameters
                    .filter(|any| any.tag() == Tag::Oid)
                    .and_then(|any| any.as_oid().ok());
                explicit_curve = curve.is_none() && parameters.is_some();
                let name = curve.map_or_else(|| oid.clone(), |curve| dotted(&curve));
                match CURVES.iter().find(|(id, ..)| *id == name) {
                    Some((_, known, bits)) => {
                        let is_point =
                            is_point(material, *bits) && may_be_on_curve(known, material);
                        (KeyKind::Ec(known), *bits, is_point)
                    }
                    None if explicit_curve => {
                        // The order is not read; the point is as wide as the field.
                        let bits = u32::try_from(material.len() / 2 * 8).unwrap_or(0);
                        (KeyKind::Ec("explicit"), bits, bits > 0)
                    }
                    None => (KeyKind::Other(name), 0, false),
                }
            }
            X25519 => (KeyKind::Other(oid), 253, material.len() == 32),
            X448 => (KeyKind::Other(oid), 448, material.len() == 56),
            "1.3.101.112" => (KeyKind::Ed25519, 256, material.len() == 32),
            "1.3.101.113" => (KeyKind::Ed448, 456, material.len() == 57),
            "1.2.840.10040.4.1" => {
                let bits = parameters.map_or(0, |any| dsa_prime_bits(any.data));
                (KeyKind::Dsa, bits, bits > 0)
            }
            _ => (KeyKind::Other(oid), 0, false),
        };
        Self {
            kind,
            bits,
            identity: sha256(spki.raw),
            spki: spki.raw.to_vec(),
            material: material.to_vec(),
            explicit_curve,
            readable,
        }
    }

    /// SHA-256 of the SubjectPublicKeyInfo, which identifies a key.
    pub(crate) fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    /// The kind of the key.
    pub fn kind(&self) -> &KeyKind {
        &self.kind
    }

    /// The size of the key in bits: modulus, or order of the curve.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The SubjectPublicKeyInfo in its original DER: the object of selector
    /// SPKI(1).
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The contents of the subjectPublicKey bit string.
    pub(crate) fn material(&self) -> &[u8] {
        &self.material
    }

    /// Whether OpenSSL makes a key of it (`X509_get0_pubkey` is not NULL).
    pub fn is_supported(&self) -> bool {
        self.readable
    }

    /// Whether the curve is described explicitly instead of named
    /// (openssl:`x509_vfy.c:check_curve`).
    pub fn has_explicit_curve(&self) -> bool {
        self.explicit_curve
    }

    /// Bits of security, openssl:`EVP_PKEY_get_security_bits`.
    pub fn security_bits(&self) -> u32 {
        if !self.readable {
            return 0;
        }
        match &self.kind {
            KeyKind::Rsa | KeyKind::RsaPss | KeyKind::Dsa => factoring_security_bits(self.bits),
            KeyKind::Ec(_) => match self.bits {
                bits if bits >= 512 => 256,
                bits if bits >= 384 => 192,
                bits if bits >= 256 => 128,
                bits if bits >= 224 => 112,
                bits if bits >= 160 => 80,
                bits => bits / 2,
            },
            KeyKind::Ed25519 => 128,
            KeyKind::Ed448 => 224,
            KeyKind::Other(oid) => match oid.as_str() {
                X25519 => 128,
                X448 => 224,
                _ => 0,
            },
        }
    }

    /// Its name for people, `RSA 2048 bits`.
    pub fn description(&self) -> String {
        match &self.kind {
            KeyKind::Rsa => format!("RSA {} bits", self.bits),
            KeyKind::RsaPss => format!("RSA-PSS {} bits", self.bits),
            KeyKind::Dsa => format!("DSA {} bits", self.bits),
            KeyKind::Ec(name) => format!("ECDSA {name}"),
            KeyKind::Ed25519 => "Ed25519".to_owned(),
            KeyKind::Ed448 => "Ed448".to_owned(),
            KeyKind::Other(oid) => format!("unknown key type {oid}"),
        }
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().try_into().unwrap_or_default()
}

/// Length of a big-endian integer in bits, leading zeroes not counted.
fn significant_bits(integer: &[u8]) -> u32 {
    let digits: Vec<u8> = integer
        .iter()
        .copied()
        .skip_while(|byte| *byte == 0)
        .collect();
    let whole = u32::try_from(digits.len()).unwrap_or(u32::MAX / 8);
    digits
        .first()
        .map_or(0, |top| whole * 8 - top.leading_zeros())
}

/// Dss-Parms is a SEQUENCE of which p is the first INTEGER.
fn dsa_prime_bits(parameters: &[u8]) -> u32 {
    x509_parser::der_parser::der::parse_der_integer(parameters)
        .ok()
        .and_then(|(_, prime)| prime.as_slice().ok().map(significant_bits))
        .unwrap_or(0)
}

/// Whether the octets have the form of a point (SEC 1 section 2.3.4). Whether
/// it lies on the curve is another question.
fn is_point(octets: &[u8], bits: u32) -> bool {
    let field = usize::try_from(bits.div_ceil(8)).unwrap_or(0);
    match octets.first() {
        Some(4 | 6 | 7) => octets.len() == 1 + 2 * field,
        Some(2 | 3) => octets.len() == 1 + field,
        _ => false,
    }
}

/// Strength of a modulus. OpenSSL computes it with the number field sieve
/// estimate of NIST SP 800-56B appendix D and rounds to a multiple of 8, so
/// that 80 begins below 1024 bits.
fn factoring_security_bits(bits: u32) -> u32 {
    match bits {
        2048 => 112,
        3072 => 128,
        4096 => 152,
        6144 => 176,
        7680 => 192,
        8192 => 200,
        15360 => 256,
        0..8 => 0,
        _ => {
            let nats = f64::from(bits) * std::f64::consts::LN_2;
            let log = nats.ln();
            let estimate = (1.923 * (nats * log * log).cbrt() - 4.690) / std::f64::consts::LN_2;
            let cap = if bits <= 7680 {
                192
            } else if bits <= 15360 {
                256
            } else {
                1200
            };
            // OpenSSL computes in fixed point and gets a slightly lower value;
            // the estimate is a small positive number from 8 bits on.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let whole = (estimate - 0.01).max(0.0) as u32;
            ((whole + 4) & !7).min(cap)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modulus_has_the_strength_that_openssl_gives_it() {
        for (bits, strength) in [
            (512, 56),
            (768, 72),
            (919, 72),
            (920, 80),
            (1024, 80),
            (1536, 96),
            (2048, 112),
            (3072, 128),
            (4096, 152),
        ] {
            assert_eq!(factoring_security_bits(bits), strength, "{bits}");
        }
    }

    #[test]
    fn leading_zeroes_do_not_count_as_key_size() {
        assert_eq!(significant_bits(&[0, 0x80, 0]), 16);
        assert_eq!(significant_bits(&[0x01, 0xff]), 9);
        assert_eq!(significant_bits(&[]), 0);
    }

    #[test]
    fn der_that_is_no_single_key_is_refused() {
        let pair = rcgen::KeyPair::generate().unwrap();
        let mut der = rcgen::PublicKeyData::subject_public_key_info(&pair);
        let key = PublicKey::from_spki_der(&der).unwrap();
        assert_eq!(key.kind(), &KeyKind::Ec("prime256v1"));
        assert_eq!(key.bits(), 256);
        assert_eq!(key.security_bits(), 128);
        assert_eq!(key.spki_der(), der);
        assert!(key.is_supported());
        assert!(!key.has_explicit_curve());
        assert_eq!(key.description(), "ECDSA prime256v1");
        der.push(0);
        assert_eq!(PublicKey::from_spki_der(&der), None);
        der.truncate(20);
        assert_eq!(PublicKey::from_spki_der(&der), None);
    }
}
