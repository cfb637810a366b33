//! The keys that certificates are minted with.

use std::sync::Arc;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

/// Made once, with `openssl genpkey -algorithm RSA`: a key for tests and the
/// demo, which protects nothing.
const RSA_2048: &str = include_str!("rsa2048.pem");

/// The kind of a certificate's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256, new for each certificate.
    #[default]
    EcdsaP256,
    /// ECDSA on P-384, new for each certificate.
    EcdsaP384,
    /// Ed25519 (RFC 8410), new for each certificate.
    Ed25519,
    /// RSA with 2048 bits: one fixed key, so that all certificates with it
    /// have the same `3 1 1` record.
    Rsa2048,
}

impl KeyKind {
    pub(super) fn key_pair(self) -> Arc<KeyPair> {
        let key_pair = match self {
            Self::EcdsaP256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            Self::EcdsaP384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
            Self::Ed25519 => KeyPair::generate_for(&PKCS_ED25519),
            Self::Rsa2048 => KeyPair::from_pem(RSA_2048),
        };
        Arc::new(key_pair.expect("ring makes these keys and reads that one"))
    }
}
