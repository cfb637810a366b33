//! The three one-byte fields of a TLSA record, named as in RFC 7218 section 2.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

/// The certificate usage field (RFC 6698 section 2.1.1).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct CertificateUsage(pub u8);

impl CertificateUsage {
    /// PKIX-TA(0): a CA that the path must pass through.
    pub const PKIX_TA: Self = Self(0);
    /// PKIX-EE(1): the server's certificate, also to be valid under PKIX.
    pub const PKIX_EE: Self = Self(1);
    /// DANE-TA(2): a trust anchor that signs the server's certificate.
    pub const DANE_TA: Self = Self(2);
    /// DANE-EE(3): the server's certificate or key itself.
    pub const DANE_EE: Self = Self(3);
}

impl fmt::Display for CertificateUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "PKIX-TA",
            1 => "PKIX-EE",
            2 => "DANE-TA",
            3 => "DANE-EE",
            255 => "PrivCert",
            _ => "usage",
        };
        write!(f, "{name}({})", self.0)
    }
}

/// The selector field (RFC 6698 section 2.1.2).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Selector(pub u8);

impl Selector {
    /// Cert(0): the whole certificate.
    pub const CERT: Self = Self(0);
    /// SPKI(1): its SubjectPublicKeyInfo.
    pub const SPKI: Self = Self(1);
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "Cert",
            1 => "SPKI",
            255 => "PrivSel",
            _ => "selector",
        };
        write!(f, "{name}({})", self.0)
    }
}

/// The matching type field (RFC 6698 section 2.1.3).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct MatchingType(pub u8);

impl MatchingType {
    /// Full(0): the selected object itself.
    pub const FULL: Self = Self(0);
    /// SHA2-256(1).
    pub const SHA2_256: Self = Self(1);
    /// SHA2-512(2).
    pub const SHA2_512: Self = Self(2);
    /// The code point that Postfix keeps for fingerprints
    /// (`tls_dane.c:tls_dane_digest_init`).
    pub const PRIVATE_USE: Self = Self(255);
}

impl MatchingType {
    /// What the association data has to equal for `object` to match
    /// (RFC 6698 section 2.1.3); `None` for other matching types.
    pub fn apply(self, object: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::FULL => Some(object.to_vec()),
            Self::SHA2_256 => Some(Sha256::digest(object).to_vec()),
            Self::SHA2_512 => Some(Sha512::digest(object).to_vec()),
            _ => None,
        }
    }
}

impl fmt::Display for MatchingType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "Full",
            1 => "SHA2-256",
            2 => "SHA2-512",
            255 => "PrivMatch",
            _ => "matching type",
        };
        write!(f, "{name}({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_in_rfc_7218() {
        assert_eq!(CertificateUsage::DANE_EE.to_string(), "DANE-EE(3)");
        assert_eq!(CertificateUsage(7).to_string(), "usage(7)");
        assert_eq!(Selector::SPKI.to_string(), "SPKI(1)");
        assert_eq!(Selector(4).to_string(), "selector(4)");
        assert_eq!(MatchingType::SHA2_512.to_string(), "SHA2-512(2)");
        assert_eq!(MatchingType(200).to_string(), "matching type(200)");
    }
}
