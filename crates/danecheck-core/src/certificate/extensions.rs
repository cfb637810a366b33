//! The extensions of a certificate that OpenSSL looks at, and what they say
//! about it as a CA.

use std::ops::Range;

use x509_parser::extensions::NameConstraints as Parsed;

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

impl NameConstraints {
    /// From what was parsed at this place in the certificate.
    pub(super) fn at(place: Range<usize>, parsed: &Parsed<'_>) -> Self {
        let lists = [&parsed.permitted_subtrees, &parsed.excluded_subtrees];
        Self {
            place,
            count: lists.into_iter().flatten().map(Vec::len).sum(),
        }
    }
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
