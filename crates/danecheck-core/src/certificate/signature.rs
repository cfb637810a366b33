//! Whether one certificate is signed by one key.

use ring::signature as ring_signature;
use ring::signature::UnparsedPublicKey;
use serde::Serialize;
use sha2::Digest as _;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

use super::{Certificate, KeyKind, PublicKey, ecdsa};

/// The hash below a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // The names explain themselves.
pub enum Digest {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// Bits of security against collisions: half the length, less if collisions
    /// were found (openssl:`x509_set.c:x509_sig_info_init`).
    fn security_bits(self) -> u32 {
        match self {
            Self::Md5 => 39,
            Self::Sha1 => 63,
            Self::Sha224 => 112,
            Self::Sha256 => 128,
            Self::Sha384 => 192,
            Self::Sha512 => 256,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    fn from_oid(oid: &str) -> Option<Self> {
        match oid {
            "1.2.840.113549.2.5" => Some(Self::Md5),
            "1.3.14.3.2.26" => Some(Self::Sha1),
            "2.16.840.1.101.3.4.2.4" => Some(Self::Sha224),
            "2.16.840.1.101.3.4.2.1" => Some(Self::Sha256),
            "2.16.840.1.101.3.4.2.2" => Some(Self::Sha384),
            "2.16.840.1.101.3.4.2.3" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The digest of this; `None` for a hash that is not supported.
    fn of(self, message: &[u8]) -> Option<Vec<u8>> {
        Some(match self {
            Self::Md5 => return None,
            Self::Sha1 => {
                let sha1 = &ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
                ring::digest::digest(sha1, message).as_ref().to_vec()
            }
            Self::Sha224 => sha2::Sha224::digest(message).to_vec(),
            Self::Sha256 => sha2::Sha256::digest(message).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(message).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(message).to_vec(),
        })
    }

    fn length(self) -> u32 {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A signature algorithm (RFC 5280 section 4.1.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).
    RsaPkcs1(Digest),
    /// RSASSA-PSS (RFC 8017 section 8.1).
    RsaPss {
        /// The hash.
        digest: Digest,
        /// MGF1 has the same hash, and the salt is as long as it.
        usual: bool,
    },
    /// ECDSA (RFC 5758).
    Ecdsa(Digest),
    /// DSA (RFC 5758).
    Dsa(Digest),
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Ed448 (RFC 8410).
    Ed448,
    /// Another algorithm, as a dotted object identifier.
    Other(String),
}

impl SignatureAlgorithm {
    pub(super) fn from_parsed(algorithm: &AlgorithmIdentifier<'_>) -> Self {
        let oid = algorithm.algorithm.to_id_string();
        match oid.as_str() {
            "1.2.840.113549.1.1.4" => Self::RsaPkcs1(Digest::Md5),
            "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => Self::RsaPkcs1(Digest::Sha1),
            "1.2.840.113549.1.1.14" => Self::RsaPkcs1(Digest::Sha224),
            "1.2.840.113549.1.1.11" => Self::RsaPkcs1(Digest::Sha256),
            "1.2.840.113549.1.1.12" => Self::RsaPkcs1(Digest::Sha384),
            "1.2.840.113549.1.1.13" => Self::RsaPkcs1(Digest::Sha512),
            "1.2.840.113549.1.1.10" => Self::pss(algorithm).unwrap_or(Self::Other(oid)),
            "1.2.840.10045.4.1" => Self::Ecdsa(Digest::Sha1),
            "1.2.840.10045.4.3.1" => Self::Ecdsa(Digest::Sha224),
            "1.2.840.10045.4.3.2" => Self::Ecdsa(Digest::Sha256),
            "1.2.840.10045.4.3.3" => Self::Ecdsa(Digest::Sha384),
            "1.2.840.10045.4.3.4" => Self::Ecdsa(Digest::Sha512),
            "1.2.840.10040.4.3" => Self::Dsa(Digest::Sha1),
            "2.16.840.1.101.3.4.3.1" => Self::Dsa(Digest::Sha224),
            "2.16.840.1.101.3.4.3.2" => Self::Dsa(Digest::Sha256),
            "1.3.101.112" => Self::Ed25519,
            "1.3.101.113" => Self::Ed448,
            _ => Self::Other(oid),
        }
    }

    fn pss(algorithm: &AlgorithmIdentifier<'_>) -> Option<Self> {
        let parameters = RsaSsaPssParams::try_from(algorithm.parameters.as_ref()?).ok()?;
        let digest = Digest::from_oid(&parameters.hash_algorithm_oid().to_id_string())?;
        let mask = parameters.mask_gen_algorithm().ok()?;
        let mask_digest = Digest::from_oid(&mask.hash.to_id_string());
        Some(Self::RsaPss {
            digest,
            usual: mask_digest == Some(digest) && parameters.salt_length() == digest.length(),
        })
    }

    /// Bits of security (openssl:`X509_get_signature_info`); nothing for an
    /// algorithm that is not known.
    pub fn security_bits(&self) -> u32 {
        match self {
            Self::RsaPkcs1(digest)
            | Self::RsaPss { digest, .. }
            | Self::Ecdsa(digest)
            | Self::Dsa(digest) => digest.security_bits(),
            Self::Ed25519 => 128,
            Self::Ed448 => 224,
            Self::Other(_) => 0,
        }
    }

    /// Whether a key of this kind makes such signatures
    /// (openssl:`v3_purp.c:check_sig_alg_match`).
    pub(crate) fn fits_key(&self, key: &KeyKind) -> bool {
        matches!(
            (self, key),
            (Self::RsaPkcs1(_), KeyKind::Rsa)
                | (Self::RsaPss { .. }, KeyKind::Rsa | KeyKind::RsaPss)
                | (Self::Ecdsa(_), KeyKind::Ec(_))
                | (Self::Dsa(_), KeyKind::Dsa)
                | (Self::Ed25519, KeyKind::Ed25519)
                | (Self::Ed448, KeyKind::Ed448)
        )
    }

    /// Its name for people, `RSA with SHA-256`.
    pub fn description(&self) -> String {
        match self {
            Self::RsaPkcs1(digest) => format!("RSA with {}", digest.name()),
            Self::RsaPss { digest, .. } => format!("RSA-PSS with {}", digest.name()),
            Self::Ecdsa(digest) => format!("ECDSA with {}", digest.name()),
            Self::Dsa(digest) => format!("DSA with {}", digest.name()),
            Self::Ed25519 => "Ed25519".to_owned(),
            Self::Ed448 => "Ed448".to_owned(),
            Self::Other(oid) => format!("unknown signature algorithm {oid}"),
        }
    }
}

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
