//! How certificates are signed.

use serde::Serialize;
use sha2::Digest as _;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::AlgorithmIdentifier;

use super::key::KeyKind;
use super::oid::dotted;

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
    pub(super) fn of(self, message: &[u8]) -> Option<Vec<u8>> {
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
#[non_exhaustive]
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
        let oid = dotted(&algorithm.algorithm);
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
        let digest = Digest::from_oid(&dotted(parameters.hash_algorithm_oid()))?;
        let mask = parameters.mask_gen_algorithm().ok()?;
        let mask_digest = Digest::from_oid(&dotted(&mask.hash));
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
