//! One certificate, and what OpenSSL's flags and purposes make of it alone.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha512};

use super::distinguished_name::DistinguishedName;
use super::extensions::{
    AuthorityKeyIdentifier, BasicConstraints, CaStatus, Extension, InvalidExtension, KeyUsage,
    NameConstraints,
};
use super::key::PublicKey;
use super::names::Names;
use super::signature_algorithm::SignatureAlgorithm;
use crate::unix_time::UnixTime;

/// One certificate. Copies share the parsed data, because a server shows the
/// same certificate at each of its addresses.
#[derive(Clone)]
pub struct Certificate {
    pub(super) fields: Arc<Fields>,
}

/// The content of a certificate. It may have thousands of names, which are kept
/// in a form that takes about as much memory as DER.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) der: Vec<u8>,
    /// SHA-256 of the DER: no two certificates have the same.
    pub(super) identity: [u8; 32],
    /// The place of the signed part in `der`.
    pub(super) to_be_signed: Range<usize>,
    pub(super) version: u32,
    pub(super) serial: Vec<u8>,
    pub(super) subject: DistinguishedName,
    pub(super) issuer: DistinguishedName,
    pub(super) not_before: UnixTime,
    pub(super) not_after: UnixTime,
    pub(super) key: PublicKey,
    pub(super) signature_algorithm: SignatureAlgorithm,
    pub(super) is_signed_as_said: bool,
    pub(super) signature: Vec<u8>,
    /// The place of the value of subjectAltName in `der`.
    pub(super) alternative_names: Option<Range<usize>>,
    /// How many names there are in them.
    pub(super) alternative_name_count: usize,
    pub(super) has_dns_san: bool,
    pub(super) dns_names: Names,
    pub(super) ip_addresses: Vec<IpAddr>,
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) server_auth: Option<bool>,
    pub(super) netscape_type: Option<u8>,
    pub(super) authority_key: Option<AuthorityKeyIdentifier>,
    pub(super) subject_key: Option<Vec<u8>>,
    pub(super) name_constraints: Option<NameConstraints>,
    /// The places of the values of the extensions of RFC 3779 in `der`.
    pub(super) address_blocks: Option<Range<usize>>,
    pub(super) as_numbers: Option<Range<usize>>,
    pub(super) invalid_extension: Option<InvalidExtension>,
    pub(super) unhandled_critical: Option<String>,
    pub(super) is_proxy: bool,
    /// SHA-512 of the DER, computed when it is first needed.
    pub(super) sha512: OnceLock<Vec<u8>>,
    /// SHA-512 of the SubjectPublicKeyInfo, likewise.
    pub(super) key_sha512: OnceLock<Vec<u8>>,
}

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
    pub(crate) fn identity(&self) -> &[u8; 32] {
        &self.fields.identity
    }

    /// SHA-512 of the DER, computed once.
    pub(crate) fn sha512(&self) -> &[u8] {
        let digest = || Sha512::digest(self.der()).to_vec();
        self.fields.sha512.get_or_init(digest)
    }

    /// SHA-512 of the SubjectPublicKeyInfo, computed once.
    pub(crate) fn key_sha512(&self) -> &[u8] {
        let digest = || Sha512::digest(self.spki_der()).to_vec();
        self.fields.key_sha512.get_or_init(digest)
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

    /// Whether the algorithm beside the signature is the one in the signed part:
    /// else OpenSSL takes no signature for good (`X509_verify`).
    pub(super) fn is_signed_as_said(&self) -> bool {
        self.fields.is_signed_as_said
    }

    /// The original value of the subjectAltName extension.
    pub(crate) fn alternative_names(&self) -> Option<&[u8]> {
        let place = self.fields.alternative_names.as_ref();
        place.map(|place| self.part(place))
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

    /// The original value of an extension of RFC 3779.
    pub(super) fn resources(&self, extension: Extension) -> Option<&[u8]> {
        let place = match extension {
            Extension::IpAddrBlocks => &self.fields.address_blocks,
            _ => &self.fields.as_numbers,
        };
        place.as_ref().map(|place| self.part(place))
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

    /// The first critical extension that OpenSSL does not handle, as an object
    /// identifier (`v3_purp.c:X509_supported_extension`); there may be thousands.
    pub fn unhandled_critical(&self) -> Option<&str> {
        self.fields.unhandled_critical.as_deref()
    }

    /// The first extension for which OpenSSL calls the certificate invalid, if
    /// any: it then builds no path through it
    /// (`v3_purp.c:ossl_x509v3_cache_extensions`).
    pub fn invalid_extension(&self) -> Option<InvalidExtension> {
        self.fields.invalid_extension
    }

    /// Whether subject and issuer are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.fields.subject.same_as(&self.fields.issuer)
    }

    /// Whether it looks self-signed to OpenSSL (`X509_self_signed`): the
    /// signature is not checked.
    pub fn is_self_signed(&self) -> bool {
        self.fields.invalid_extension.is_none() && self.looks_self_signed()
    }

    /// EXFLAG_SS.
    fn looks_self_signed(&self) -> bool {
        self.is_self_issued() && self.may_have_issued(self)
    }

    /// openssl:`ossl_x509_likely_issued`: names, key identifiers and the type
    /// of the key match; the signature is not checked.
    pub fn likely_issued(&self, subject: &Self) -> bool {
        self.fields.subject.same_as(&subject.fields.issuer)
            && self.fields.invalid_extension.is_none()
            && subject.fields.invalid_extension.is_none()
            && self.may_have_issued(subject)
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
            None if self.fields.version == 1 && self.looks_self_signed() => CaStatus::OnlyAsRoot,
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
        // Nobody asks what an invalid one is for (`x509_vfy.c:check_purpose`).
        if self.fields.invalid_extension.is_some() {
            return true;
        }
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
