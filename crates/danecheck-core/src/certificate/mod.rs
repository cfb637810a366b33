//! X.509 certificates (RFC 5280) as the OpenSSL library under Postfix sees
//! them, parsed once.

mod checks;
mod distinguished_name;
pub mod ecdsa;
mod failure;
mod key;
mod known;
#[cfg(test)]
pub(crate) mod mint;
mod name;
mod name_constraints;
mod names;
mod parse;
pub(crate) mod path;
mod signature;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::tlsa::{MatchingType, Selector};
use crate::unix_time::UnixTime;

pub use checks::{LeafNames, leaf_key_failure};
pub use distinguished_name::DistinguishedName;
pub use failure::{VerificationError, VerificationFailure};
pub use key::{KeyKind, PublicKey};
#[cfg(test)]
pub(crate) use known::WorkDone;
pub(crate) use known::{Account, Known};
pub use name::{ReferenceName, matches_address, matches_host, matches_pattern};
pub(crate) use name_constraints::NameConstraints;
pub use names::Names;
pub use signature::{Digest, SignatureAlgorithm, SignatureOutcome, verify_signature};

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
    key_identifier: Option<Vec<u8>>,
    serial: Option<Vec<u8>>,
    issuer: Option<DistinguishedName>,
}

/// One certificate. Copies share the parsed data, because a server shows the
/// same certificate at each of its addresses.
#[derive(Clone)]
pub struct Certificate {
    fields: Arc<Fields>,
}

/// The content of a certificate. It may have thousands of names, which are kept
/// in a form that takes about as much memory as DER.
#[derive(Debug)]
struct Fields {
    der: Vec<u8>,
    /// SHA-256 of the DER: no two certificates have the same.
    identity: [u8; 32],
    /// The place of the signed part in `der`.
    to_be_signed: Range<usize>,
    version: u32,
    serial: Vec<u8>,
    subject: DistinguishedName,
    issuer: DistinguishedName,
    not_before: UnixTime,
    not_after: UnixTime,
    key: PublicKey,
    signature_algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
    /// The places of the values of subjectAltName in `der`.
    alternative_names: Vec<Range<usize>>,
    /// How many names there are in them.
    alternative_name_count: usize,
    has_dns_san: bool,
    dns_names: Names,
    ip_addresses: Vec<IpAddr>,
    basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    server_auth: Option<bool>,
    netscape_type: Option<u8>,
    authority_key: Option<AuthorityKeyIdentifier>,
    subject_key: Option<Vec<u8>>,
    name_constraints: Option<NameConstraints>,
    unhandled_critical: Vec<String>,
    is_proxy: bool,
    digests: Digests,
}

/// Digests of a certificate and of its key, computed when they are first
/// needed.
#[derive(Debug, Default)]
struct Digests([OnceLock<Vec<u8>>; 4]);

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        // Everything else is read from the DER.
        Arc::ptr_eq(&self.fields, &other.fields) || self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.fields.fmt(f)
    }
}

/// DER that is not a readable certificate. This is data, not an error: servers
/// do send it.
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
    /// The certificate in its original DER: the object of selector Cert(0).
    pub fn der(&self) -> &[u8] {
        &self.fields.der
    }

    /// Its SubjectPublicKeyInfo in DER: the object of selector SPKI(1).
    pub fn spki_der(&self) -> &[u8] {
        self.fields.key.spki_der()
    }

    /// The part that the signature covers.
    pub(crate) fn to_be_signed(&self) -> &[u8] {
        self.part(&self.fields.to_be_signed)
    }

    /// A part of the DER.
    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.fields.der.get(range.clone()).unwrap_or_default()
    }

    /// About how many bytes it takes, `der` included.
    #[cfg(test)]
    pub(crate) fn size(&self) -> usize {
        let fields = &self.fields;
        let names = [&fields.subject, &fields.issuer];
        let names: usize = names.into_iter().map(DistinguishedName::size).sum();
        let key = fields.key.spki_der().len() + fields.key.material().len();
        let addresses = fields.ip_addresses.len() * size_of::<IpAddr>();
        let own = size_of::<Fields>() + fields.der.len() + fields.signature.len();
        own + names + key + addresses + fields.dns_names.size()
    }

    /// SHA-256 of the DER, which identifies a certificate.
    pub(crate) fn identity(&self) -> [u8; 32] {
        self.fields.identity
    }

    /// The association data of the object of this selector (RFC 6698 section
    /// 2.1.3), computed once for each digest; `None` for a matching type that
    /// RFC 6698 does not define.
    pub(crate) fn association_data(
        &self,
        selector: Selector,
        matching_type: MatchingType,
    ) -> Option<Cow<'_, [u8]>> {
        let object = match selector {
            Selector::CERT => self.der(),
            _ => self.spki_der(),
        };
        let [cert_256, cert_512, key_256, key_512] = &self.fields.digests.0;
        let place = match (selector, matching_type) {
            (_, MatchingType::FULL) => return Some(Cow::Borrowed(object)),
            (Selector::CERT, MatchingType::SHA2_256) => cert_256,
            (Selector::CERT, MatchingType::SHA2_512) => cert_512,
            (_, MatchingType::SHA2_256) => key_256,
            (_, MatchingType::SHA2_512) => key_512,
            _ => return matching_type.apply(object).map(Cow::Owned),
        };
        let digest = || matching_type.apply(object).unwrap_or_default();
        Some(Cow::Borrowed(place.get_or_init(digest)))
    }

    /// The signature itself.
    pub(crate) fn signature(&self) -> &[u8] {
        &self.fields.signature
    }

    /// The version as people count it: 1 or 3.
    pub fn version(&self) -> u32 {
        self.fields.version
    }

    /// The octets of the serial number, sign included.
    pub fn serial(&self) -> &[u8] {
        &self.fields.serial
    }

    /// The subject.
    pub fn subject(&self) -> &DistinguishedName {
        &self.fields.subject
    }

    /// The issuer.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.fields.issuer
    }

    /// When it begins to be valid.
    pub fn not_before(&self) -> UnixTime {
        self.fields.not_before
    }

    /// When it stops being valid.
    pub fn not_after(&self) -> UnixTime {
        self.fields.not_after
    }

    /// The public key.
    pub fn key(&self) -> &PublicKey {
        &self.fields.key
    }

    /// The signature algorithm.
    pub fn signature_algorithm(&self) -> &SignatureAlgorithm {
        &self.fields.signature_algorithm
    }

    /// The original values of the subjectAltName extensions.
    pub(crate) fn alternative_names(&self) -> impl Iterator<Item = &[u8]> {
        let ranges = self.fields.alternative_names.iter();
        ranges.map(|range| self.part(range))
    }

    /// How many subjectAltNames of any kind there are.
    pub(crate) fn alternative_name_count(&self) -> usize {
        self.fields.alternative_name_count
    }

    /// nameConstraints, if present.
    pub(crate) fn name_constraints(&self) -> Option<&NameConstraints> {
        self.fields.name_constraints.as_ref()
    }

    /// The original value of the nameConstraints extension.
    pub(crate) fn name_constraints_der(&self) -> &[u8] {
        self.name_constraints()
            .map(|constraints| self.part(&constraints.place))
            .unwrap_or_default()
    }

    /// Whether it is a proxy certificate (RFC 3820).
    pub(crate) fn is_proxy(&self) -> bool {
        self.fields.is_proxy
    }

    /// Whether any subjectAltName is a dNSName: then the common name says
    /// nothing about hosts.
    pub fn has_dns_san(&self) -> bool {
        self.fields.has_dns_san
    }

    /// The dNSName subjectAltNames, in their order.
    pub fn dns_names(&self) -> &Names {
        &self.fields.dns_names
    }

    /// The iPAddress subjectAltNames, in their order.
    pub fn ip_addresses(&self) -> &[IpAddr] {
        &self.fields.ip_addresses
    }

    /// basicConstraints, if present.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.fields.basic_constraints
    }

    /// keyUsage, if present.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.fields.key_usage
    }

    /// Whether extendedKeyUsage, if present, allows TLS servers. For OpenSSL
    /// anyExtendedKeyUsage alone does not
    /// (`v3_purp.c:check_purpose_ssl_server`).
    pub fn allows_server_auth(&self) -> Option<bool> {
        self.fields.server_auth
    }

    /// Critical extensions that OpenSSL does not handle, as object identifiers
    /// (`v3_purp.c:X509_supported_extension`).
    pub fn unhandled_critical(&self) -> &[String] {
        &self.fields.unhandled_critical
    }

    /// Whether subject and issuer are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.fields.subject.same_as(&self.fields.issuer)
    }

    /// Whether it looks self-signed to OpenSSL (EXFLAG_SS): the signature is
    /// not checked.
    pub fn is_self_signed(&self) -> bool {
        self.is_self_issued() && self.may_have_issued(self)
    }

    /// openssl:`ossl_x509_likely_issued`: names, key identifiers and the type
    /// of the key match; the signature is not checked.
    pub fn likely_issued(&self, subject: &Self) -> bool {
        self.fields.subject.same_as(&subject.fields.issuer) && self.may_have_issued(subject)
    }

    fn may_have_issued(&self, subject: &Self) -> bool {
        self.fits_authority_key(subject)
            && self.fields.key.is_supported()
            && subject
                .fields
                .signature_algorithm
                .fits_key(self.fields.key.kind())
    }

    /// openssl:`X509_check_akid`: what is absent on either side matches.
    fn fits_authority_key(&self, subject: &Self) -> bool {
        let Some(authority) = &subject.fields.authority_key else {
            return true;
        };
        let identifier_fits = match (&authority.key_identifier, &self.fields.subject_key) {
            (Some(wanted), Some(own)) => wanted == own,
            _ => true,
        };
        let serial_fits = authority
            .serial
            .as_ref()
            .is_none_or(|serial| *serial == self.fields.serial);
        let issuer_fits = authority
            .issuer
            .as_ref()
            .is_none_or(|issuer| issuer.same_as(&self.fields.issuer));
        identifier_fits && serial_fits && issuer_fits
    }

    /// Whether `now` is in the validity period
    /// (openssl:`ossl_x509_check_cert_time`: the last second is over).
    pub fn is_valid_at(&self, now: UnixTime) -> bool {
        self.fields.not_before <= now && now < self.fields.not_after
    }

    /// Whether OpenSSL accepts it as a CA.
    pub(crate) fn ca_status(&self) -> CaStatus {
        if self.fields.key_usage.is_some_and(|usage| !usage.cert_sign) {
            return CaStatus::No;
        }
        match self.fields.basic_constraints {
            Some(BasicConstraints { ca: true, .. }) => CaStatus::Yes,
            Some(_) => CaStatus::No,
            None if self.fields.version == 1 && self.is_self_signed() => CaStatus::OnlyAsRoot,
            None if self.fields.key_usage.is_some() => CaStatus::OnlyAsRoot,
            None => match self.fields.netscape_type {
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
        if self.fields.server_auth == Some(false) {
            return false;
        }
        if as_ca {
            return match self.ca_status() {
                CaStatus::No => false,
                CaStatus::OnlyAsNetscapeRoot { for_tls } => for_tls,
                CaStatus::Yes | CaStatus::OnlyAsRoot => true,
            };
        }
        self.fields
            .netscape_type
            .is_none_or(|kind| kind & 0b0100_0000 != 0)
            && self.fields.key_usage.is_none_or(|usage| usage.tls_server)
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
