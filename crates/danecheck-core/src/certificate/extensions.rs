//! The extensions of a certificate that OpenSSL looks at, and what they say
//! about it as a CA.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use super::distinguished_name::DistinguishedName;

/// The basicConstraints extension (RFC 5280 section 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// The cA flag.
    pub ca: bool,
    /// pathLenConstraint.
    pub path_length: Option<u32>,
}

/// The keyUsage extension (RFC 5280 section 4.2.1.3), as far as it matters to a
/// TLS client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage {
    /// digitalSignature, keyEncipherment or keyAgreement.
    pub tls_server: bool,
    /// digitalSignature.
    pub digital_signature: bool,
    /// keyCertSign.
    pub cert_sign: bool,
}

/// The authorityKeyIdentifier extension (RFC 5280 section 4.2.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuthorityKeyIdentifier {
    pub(super) key_identifier: Option<Vec<u8>>,
    pub(super) serial: Option<Vec<u8>>,
    pub(super) issuer: Option<DistinguishedName>,
}

/// The extension of an issuer. It is parsed when needed: the original form
/// takes the least memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameConstraints {
    /// The place of its value in the certificate.
    pub(super) place: Range<usize>,
    /// How many subtrees there are, permitted and excluded.
    pub(super) count: usize,
}

/// openssl:`v3_purp.c:check_ca`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaStatus {
    /// No CA.
    No,
    /// basicConstraints say so.
    Yes,
    /// Tolerated at the top of a chain: self-signed X.509 v1, or a v3
    /// certificate with keyCertSign and no basicConstraints.
    OnlyAsRoot,
    /// Tolerated at the top of a chain for its Netscape certificate type.
    OnlyAsNetscapeRoot { for_tls: bool },
}

/// The extensions that can make a certificate invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Extension {
    /// RFC 5280 section 4.2.1.9.
    BasicConstraints,
    /// RFC 3820 section 3.8.
    ProxyCertInfo,
    /// RFC 5280 section 4.2.1.3.
    KeyUsage,
    /// RFC 5280 section 4.2.1.12.
    ExtKeyUsage,
    /// Netscape's certificate type.
    NsCertType,
    /// RFC 5280 section 4.2.1.2.
    SubjectKeyIdentifier,
    /// RFC 5280 section 4.2.1.1.
    AuthorityKeyIdentifier,
    /// RFC 5280 section 4.2.1.6.
    SubjectAltName,
    /// RFC 5280 section 4.2.1.10.
    NameConstraints,
    /// RFC 5280 section 4.2.1.13.
    #[serde(rename = "cRLDistributionPoints")]
    CrlDistributionPoints,
    /// RFC 3779 section 2.
    IpAddrBlocks,
    /// RFC 3779 section 3.
    AutonomousSysIds,
}

impl Extension {
    /// Each of them, in the order in which OpenSSL reads them.
    pub(super) const ALL: [Self; 12] = [
        Self::BasicConstraints,
        Self::ProxyCertInfo,
        Self::KeyUsage,
        Self::ExtKeyUsage,
        Self::NsCertType,
        Self::SubjectKeyIdentifier,
        Self::AuthorityKeyIdentifier,
        Self::SubjectAltName,
        Self::NameConstraints,
        Self::CrlDistributionPoints,
        Self::IpAddrBlocks,
        Self::AutonomousSysIds,
    ];

    /// Its object identifier.
    pub(super) fn oid(self) -> &'static str {
        match self {
            Self::BasicConstraints => "2.5.29.19",
            Self::ProxyCertInfo => "1.3.6.1.5.5.7.1.14",
            Self::KeyUsage => "2.5.29.15",
            Self::ExtKeyUsage => "2.5.29.37",
            Self::NsCertType => "2.16.840.1.113730.1.1",
            Self::SubjectKeyIdentifier => "2.5.29.14",
            Self::AuthorityKeyIdentifier => "2.5.29.35",
            Self::SubjectAltName => "2.5.29.17",
            Self::NameConstraints => "2.5.29.30",
            Self::CrlDistributionPoints => "2.5.29.31",
            Self::IpAddrBlocks => "1.3.6.1.5.5.7.1.7",
            Self::AutonomousSysIds => "1.3.6.1.5.5.7.1.8",
        }
    }

    /// Its name in the RFC.
    pub fn name(self) -> &'static str {
        match self {
            Self::BasicConstraints => "basicConstraints",
            Self::ProxyCertInfo => "proxyCertInfo",
            Self::KeyUsage => "keyUsage",
            Self::ExtKeyUsage => "extKeyUsage",
            Self::NsCertType => "nsCertType",
            Self::SubjectKeyIdentifier => "subjectKeyIdentifier",
            Self::AuthorityKeyIdentifier => "authorityKeyIdentifier",
            Self::SubjectAltName => "subjectAltName",
            Self::NameConstraints => "nameConstraints",
            Self::CrlDistributionPoints => "cRLDistributionPoints",
            Self::IpAddrBlocks => "ipAddrBlocks",
            Self::AutonomousSysIds => "autonomousSysIds",
        }
    }
}

/// What is wrong with an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ExtensionDefect {
    /// Its value cannot be decoded.
    Undecodable,
    /// The certificate has more than one.
    Repeated,
    /// pathLenConstraint is below zero.
    NegativePathLength,
    /// keyUsage has no bit set.
    NoUsage,
    /// A distribution point names neither a place nor an issuer.
    NoDistributionPoint,
    /// A proxy certificate is one of a CA, or has alternative names.
    NotOfAProxy,
}

/// An extension for which OpenSSL calls a certificate invalid
/// (`EXFLAG_INVALID`): no path leads through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InvalidExtension {
    /// Which.
    pub extension: Extension,
    /// Why.
    pub defect: ExtensionDefect,
}

/// A certificate that OpenSSL does not use, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InvalidCertificate {
    /// Its subject.
    pub subject: String,
    /// What makes it invalid.
    pub cause: InvalidExtension,
}

impl fmt::Display for InvalidExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.extension.name();
        match self.defect {
            ExtensionDefect::Undecodable => write!(f, "its extension {name} cannot be decoded"),
            ExtensionDefect::Repeated => write!(f, "it has the extension {name} more than once"),
            ExtensionDefect::NegativePathLength => {
                write!(f, "its extension {name} has a negative path length")
            }
            ExtensionDefect::NoUsage => write!(f, "its extension {name} allows no use"),
            ExtensionDefect::NoDistributionPoint => {
                write!(f, "its extension {name} has an empty entry")
            }
            ExtensionDefect::NotOfAProxy => write!(
                f,
                "its extension {name} does not go with a CA or with alternative names"
            ),
        }
    }
}
