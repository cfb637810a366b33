//! X.509 certificates (RFC 5280) as the OpenSSL library under Postfix sees
//! them: parsed once, asked often.

mod checks;
mod distinguished_name;
pub(crate) mod ecdsa;
mod failure;
mod key;
#[cfg(test)]
pub(crate) mod mint;
mod name;
mod name_constraints;
mod parse;
pub(crate) mod path;
mod signature;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use crate::unix_time::UnixTime;

pub use checks::{LeafNames, leaf_key_failure};
pub use distinguished_name::DistinguishedName;
pub use failure::{VerificationError, VerificationFailure};
pub use key::{KeyKind, PublicKey};
pub use name::{ReferenceName, matches_address, matches_host, matches_pattern};
pub(crate) use name_constraints::NameConstraints;
pub use signature::{Digest, SignatureAlgorithm, SignatureOutcome, verify_signature};

/// The basicConstraints extension (RFC 5280 section 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// The cA flag.
    pub ca: bool,
    /// pathLenConstraint.
    pub path_length: Option<u32>,
}

/// The keyUsage extension (RFC 5280 section 4.2.1.3), as far as a TLS client
/// cares.
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
    key_identifier: Option<Vec<u8>>,
    serial: Option<Vec<u8>>,
    issuer: Option<DistinguishedName>,
}

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    to_be_signed: Vec<u8>,
    version: u32,
    serial: Vec<u8>,
    subject: DistinguishedName,
    issuer: DistinguishedName,
    not_before: UnixTime,
    not_after: UnixTime,
    key: PublicKey,
    signature_algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
    has_dns_san: bool,
    dns_names: Vec<String>,
    ip_addresses: Vec<IpAddr>,
    other_sans: Vec<name_constraints::Name>,
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    server_auth: Option<bool>,
    netscape_type: Option<u8>,
    authority_key: Option<AuthorityKeyIdentifier>,
    subject_key: Option<Vec<u8>>,
    name_constraints: Option<NameConstraints>,
    unhandled_critical: Vec<String>,
    is_proxy: bool,
}

/// DER that is no certificate that can be read here. A value like any other:
/// servers do send such things.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a readable certificate: {reason}")]
pub struct UnreadableCertificate {
    /// The bytes.
    pub der: Vec<u8>,
    /// What stopped the parser.
    pub reason: String,
}

/// A certificate as a server presents it: readable, or not.
pub type Presented = Result<Certificate, UnreadableCertificate>;

/// The chain of a TLS certificate message, leaf first.
pub fn presented_chain<T: AsRef<[u8]>>(ders: &[T]) -> Vec<Presented> {
    ders.iter()
        .map(|der| Certificate::from_der(der.as_ref()))
        .collect()
}

impl Certificate {
    /// The certificate in the DER that it came in: the object of selector
    /// Cert(0).
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Its SubjectPublicKeyInfo in DER: the object of selector SPKI(1).
    pub fn spki_der(&self) -> &[u8] {
        self.key.spki_der()
    }

    /// The part that the signature covers.
    pub(crate) fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// The signature itself.
    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The version as people count: 1 or 3.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The octets of the serial number, sign included.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// The subject.
    pub fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// The issuer.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.issuer
    }

    /// When it begins to be valid.
    pub fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// When it ceases to be valid.
    pub fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// The public key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// How it is signed.
    pub fn signature_algorithm(&self) -> &SignatureAlgorithm {
        &self.signature_algorithm
    }

    /// Whether any subjectAltName is a dNSName: then the common name says
    /// nothing about hosts.
    pub fn has_dns_san(&self) -> bool {
        self.has_dns_san
    }

    /// The dNSName subjectAltNames, in their order.
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// The iPAddress subjectAltNames, in their order.
    pub fn ip_addresses(&self) -> &[IpAddr] {
        &self.ip_addresses
    }

    /// basicConstraints, if there.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.basic_constraints
    }

    /// keyUsage, if there.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.key_usage
    }

    /// Whether extendedKeyUsage, if there, allows TLS servers.
    /// anyExtendedKeyUsage alone does not, for OpenSSL
    /// (`v3_purp.c:check_purpose_ssl_server`).
    pub fn allows_server_auth(&self) -> Option<bool> {
        self.server_auth
    }

    /// Critical extensions that OpenSSL does not handle, as object identifiers
    /// (`v3_purp.c:X509_supported_extension`).
    pub fn unhandled_critical(&self) -> &[String] {
        &self.unhandled_critical
    }

    /// Whether subject and issuer are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.subject.same_as(&self.issuer)
    }

    /// Whether it looks self-signed to OpenSSL (EXFLAG_SS): the signature is
    /// not checked.
    pub fn is_self_signed(&self) -> bool {
        self.is_self_issued() && self.may_have_issued(self)
    }

    /// openssl:`ossl_x509_likely_issued`: names, key identifiers and the type
    /// of the key fit; the signature is not checked.
    pub fn likely_issued(&self, subject: &Self) -> bool {
        self.subject.same_as(&subject.issuer) && self.may_have_issued(subject)
    }

    fn may_have_issued(&self, subject: &Self) -> bool {
        self.fits_authority_key(subject)
            && self.key.is_supported()
            && subject.signature_algorithm.fits_key(self.key.kind())
    }

    /// openssl:`X509_check_akid`: what is absent on either side fits.
    fn fits_authority_key(&self, subject: &Self) -> bool {
        let Some(authority) = &subject.authority_key else {
            return true;
        };
        let identifier_fits = match (&authority.key_identifier, &self.subject_key) {
            (Some(wanted), Some(own)) => wanted == own,
            _ => true,
        };
        let serial_fits = authority
            .serial
            .as_ref()
            .is_none_or(|serial| *serial == self.serial);
        let issuer_fits = authority
            .issuer
            .as_ref()
            .is_none_or(|issuer| issuer.same_as(&self.issuer));
        identifier_fits && serial_fits && issuer_fits
    }

    /// Whether `now` lies in the validity period
    /// (openssl:`ossl_x509_check_cert_time`: the last second is over).
    pub fn is_valid_at(&self, now: UnixTime) -> bool {
        self.not_before <= now && now < self.not_after
    }

    /// What OpenSSL holds of it as a CA.
    pub(crate) fn ca_status(&self) -> CaStatus {
        if self.key_usage.is_some_and(|usage| !usage.cert_sign) {
            return CaStatus::No;
        }
        match self.basic_constraints {
            Some(BasicConstraints { ca: true, .. }) => CaStatus::Yes,
            Some(_) => CaStatus::No,
            None if self.version == 1 && self.is_self_signed() => CaStatus::OnlyAsRoot,
            None if self.key_usage.is_some() => CaStatus::OnlyAsRoot,
            None => match self.netscape_type {
                // sslCA, emailCA or objCA.
                Some(kind) if kind & 0b111 != 0 => CaStatus::OnlyAsNetscapeRoot {
                    for_tls: kind & 0b100 != 0,
                },
                _ => CaStatus::No,
            },
        }
    }

    /// openssl:`v3_purp.c:check_purpose_ssl_server`.
    pub(crate) fn serves_tls(&self, as_ca: bool) -> bool {
        if self.server_auth == Some(false) {
            return false;
        }
        if as_ca {
            return match self.ca_status() {
                CaStatus::No => false,
                CaStatus::OnlyAsNetscapeRoot { for_tls } => for_tls,
                CaStatus::Yes | CaStatus::OnlyAsRoot => true,
            };
        }
        self.netscape_type
            .is_none_or(|kind| kind & 0b0100_0000 != 0)
            && self.key_usage.is_none_or(|usage| usage.tls_server)
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
