//! From DER to [`Certificate`].

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use x509_parser::certificate::X509CertificateParser;
use x509_parser::extensions::X509Extension;
use x509_parser::nom::Parser as _;
use x509_parser::prelude::X509Certificate;
use x509_parser::time::ASN1Time;

use super::ber::Undecodable;
use super::decode;
use super::distinguished_name::DistinguishedName;
use super::extensions::{
    AuthorityKeyIdentifier, BasicConstraints, Extension, ExtensionDefect, InvalidExtension,
    KeyUsage, NameConstraints,
};
use super::general_name::{self, GeneralName};
use super::key::{PublicKey, sha256};
use super::names::Names;
use super::oid::dotted;
use super::resources;
use super::signature_algorithm::SignatureAlgorithm;
use super::whole::{self, Whole};
use super::x509::{Certificate, Fields};
use crate::unix_time::UnixTime;

/// openssl:`v3_purp.c:X509_supported_extension`.
const HANDLED: &[&str] = &[
    "2.16.840.1.113730.1.1",
    "2.5.29.15",
    "2.5.29.17",
    "2.5.29.19",
    "2.5.29.32",
    "2.5.29.31",
    "2.5.29.37",
    "1.3.6.1.5.5.7.1.7",
    "1.3.6.1.5.5.7.1.8",
    "1.3.6.1.5.5.7.48.1.5",
    "2.5.29.36",
    "1.3.6.1.5.5.7.1.14",
    "2.5.29.30",
    "2.5.29.33",
    "2.5.29.54",
];

/// issuerAltName.
const ISSUER_ALTERNATIVE_NAME: &str = "2.5.29.18";

/// The purposes that OpenSSL takes for TLS servers: serverAuth, and
/// server-gated cryptography, Netscape's (2.16.840.1.113730.4.1) and
/// Microsoft's (1.3.6.1.4.1.311.10.3.3).
const SERVER_PURPOSES: &[&[u8]] = &[
    &[0x2b, 6, 1, 5, 5, 7, 3, 1],
    &[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 4, 1],
    &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 3],
];

/// DER that is not a readable certificate. This is data, not an error: servers
/// do send it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a readable certificate: {reason}")]
pub struct UnreadableCertificate {
    /// The bytes.
    pub der: Vec<u8>,
    /// What stopped the parser.
    pub reason: String,
    /// Whether OpenSSL cannot read it either: then there is no TLS connection.
    pub is_refused: bool,
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
    /// Reads DER that is exactly one certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, UnreadableCertificate> {
        let whole = whole::decode(der);
        let unreadable = |reason: String| UnreadableCertificate {
            der: der.to_vec(),
            reason,
            is_refused: matches!(whole, Whole::Undecodable),
        };
        // Extensions are decoded here, as OpenSSL decodes them.
        let (rest, parsed) = X509CertificateParser::new()
            .with_deep_parse_extensions(false)
            .parse(der)
            .map_err(|error| unreadable(error.to_string()))?;
        if !rest.is_empty() {
            return Err(unreadable(format!("{} bytes follow it", rest.len())));
        }
        match whole {
            Whole::Undecodable => return Err(unreadable("OpenSSL cannot decode it".to_owned())),
            Whole::OddTimes => return Err(unreadable("a time in an odd form".to_owned())),
            Whole::Good => {}
        }
        let fields = Arc::new(Fields::from_parsed(der, &parsed));
        Ok(Self { fields })
    }
}

impl Fields {
    fn from_parsed(der: &[u8], parsed: &X509Certificate<'_>) -> Self {
        let tbs = &parsed.tbs_certificate;
        let mut certificate = Self {
            der: der.to_vec(),
            identity: sha256(der),
            to_be_signed: place(der, tbs.as_ref()),
            version: tbs.version().0.saturating_add(1),
            serial: tbs.raw_serial().to_vec(),
            subject: DistinguishedName::from_parsed(tbs.subject()),
            issuer: DistinguishedName::from_parsed(tbs.issuer()),
            not_before: moment(tbs.validity().not_before),
            not_after: moment(tbs.validity().not_after),
            key: PublicKey::from_parsed(tbs.public_key()),
            signature_algorithm: SignatureAlgorithm::from_parsed(&parsed.signature_algorithm),
            is_signed_as_said: parsed.signature_algorithm == tbs.signature,
            signature: parsed.signature_value.data.to_vec(),
            alternative_names: None,
            alternative_name_count: 0,
            has_dns_san: false,
            dns_names: Names::default(),
            ip_addresses: Vec::new(),
            basic_constraints: None,
            key_usage: None,
            server_auth: None,
            netscape_type: None,
            authority_key: None,
            subject_key: None,
            name_constraints: None,
            address_blocks: None,
            as_numbers: None,
            invalid_extension: None,
            unhandled_critical: None,
            is_proxy: false,
            sha512: OnceLock::new(),
            key_sha512: OnceLock::new(),
        };
        certificate.take_extensions(der, tbs.extensions());
        certificate
    }

    /// openssl:`v3_purp.c:ossl_x509v3_cache_extensions`.
    fn take_extensions(&mut self, der: &[u8], extensions: &[X509Extension<'_>]) {
        let mut values: [Option<&[u8]>; Extension::ALL.len()] = Default::default();
        let mut repeated = [false; Extension::ALL.len()];
        let mut has_alternative_names = false;
        for extension in extensions {
            let oid = dotted(&extension.oid);
            let known = Extension::ALL.iter().position(|known| known.oid() == oid);
            if let Some(place) = known
                && let (Some(value), Some(repeated)) =
                    (values.get_mut(place), repeated.get_mut(place))
            {
                *repeated |= value.is_some();
                *value = Some(extension.value);
            }
            has_alternative_names |=
                oid == ISSUER_ALTERNATIVE_NAME || oid == Extension::SubjectAltName.oid();
            if extension.critical && !HANDLED.contains(&oid.as_str()) {
                self.unhandled_critical.get_or_insert(oid);
            }
        }
        let found = Extension::ALL.into_iter().zip(values).zip(repeated);
        for ((extension, value), repeated) in found {
            let Some(value) = value else { continue };
            // Of a repeated one OpenSSL has no value (`X509V3_get_d2i`).
            let defect = if repeated {
                Some(ExtensionDefect::Repeated)
            } else {
                let taken = self.take(der, extension, place(der, value), has_alternative_names);
                taken.unwrap_or(Some(ExtensionDefect::Undecodable))
            };
            if let Some(defect) = defect {
                let invalid = InvalidExtension { extension, defect };
                self.invalid_extension.get_or_insert(invalid);
            }
        }
    }

    /// Takes what is in an extension. Gives what is wrong with it.
    fn take(
        &mut self,
        der: &[u8],
        extension: Extension,
        place: Range<usize>,
        has_alternative_names: bool,
    ) -> Result<Option<ExtensionDefect>, Undecodable> {
        let value = der.get(place.clone()).unwrap_or_default();
        match extension {
            Extension::BasicConstraints => {
                let (ca, length) = decode::basic_constraints(value)?;
                let is_negative = |length: &[u8]| length.first().is_some_and(|top| top & 0x80 != 0);
                let negative = length.as_deref().is_some_and(is_negative);
                self.basic_constraints = Some(BasicConstraints {
                    ca,
                    path_length: length
                        .as_deref()
                        .filter(|_| !negative)
                        .and_then(path_length),
                });
                return Ok(negative.then_some(ExtensionDefect::NegativePathLength));
            }
            Extension::ProxyCertInfo => {
                decode::proxy_cert_info(value)?;
                self.is_proxy = true;
                let ca = self
                    .basic_constraints
                    .is_some_and(|constraints| constraints.ca);
                let wrong = ca || has_alternative_names;
                return Ok(wrong.then_some(ExtensionDefect::NotOfAProxy));
            }
            Extension::KeyUsage => {
                let [first, second] = decode::bits(value)?;
                self.key_usage = Some(KeyUsage {
                    // digitalSignature, keyEncipherment, keyAgreement.
                    tls_server: first & 0b1010_1000 != 0,
                    digital_signature: first & 0b1000_0000 != 0,
                    cert_sign: first & 0b0000_0100 != 0,
                });
                let none = first == 0 && second == 0;
                return Ok(none.then_some(ExtensionDefect::NoUsage));
            }
            Extension::ExtKeyUsage => {
                self.server_auth = Some(decode::has_purpose(value, SERVER_PURPOSES)?);
            }
            Extension::NsCertType => {
                let [first, _] = decode::bits(value)?;
                self.netscape_type = Some(first);
            }
            Extension::SubjectKeyIdentifier => {
                self.subject_key = Some(decode::subject_key(value)?);
            }
            Extension::AuthorityKeyIdentifier => {
                let authority = decode::authority_key(value)?;
                let name = authority.issuer.and_then(general_name::parsed_name);
                self.authority_key = Some(AuthorityKeyIdentifier {
                    key_identifier: authority.key_identifier.map(Cow::into_owned),
                    serial: authority.serial.map(Cow::into_owned),
                    issuer: name.map(|name| DistinguishedName::from_parsed(&name)),
                });
            }
            Extension::SubjectAltName => {
                self.take_names(value)?;
                self.alternative_names = Some(place);
            }
            Extension::NameConstraints => {
                let mut count = 0;
                decode::name_constraints(value, |_| count += 1)?;
                self.name_constraints = Some(NameConstraints { place, count });
            }
            Extension::CrlDistributionPoints => {
                let named = decode::distribution_points_are_named(value)?;
                return Ok((!named).then_some(ExtensionDefect::NoDistributionPoint));
            }
            Extension::IpAddrBlocks | Extension::AutonomousSysIds => {
                resources::decode(extension, value)?;
                if extension == Extension::IpAddrBlocks {
                    self.address_blocks = Some(place);
                } else {
                    self.as_numbers = Some(place);
                }
            }
        }
        Ok(None)
    }

    fn take_names(&mut self, value: &[u8]) -> Result<(), Undecodable> {
        let mut count = 0;
        let mut dns_names = Names::default();
        let mut ip_addresses = Vec::new();
        decode::alternative_names(value, |name| {
            count += 1;
            match name {
                GeneralName::Dns(host) => dns_names.push(&String::from_utf8_lossy(&host)),
                GeneralName::Address(octets) => ip_addresses.extend(address(&octets)),
                _ => {}
            }
        })?;
        self.alternative_name_count = count;
        // One that is no text still keeps the common name out.
        self.has_dns_san = !dns_names.is_empty();
        self.dns_names = dns_names;
        self.ip_addresses = ip_addresses;
        Ok(())
    }
}

/// The place of a part in the DER.
fn place(der: &[u8], part: &[u8]) -> Range<usize> {
    let begin = part.as_ptr().addr().saturating_sub(der.as_ptr().addr());
    let place = begin..begin.saturating_add(part.len());
    debug_assert_eq!(der.get(place.clone()), Some(part));
    place
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(octets)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}

/// `ASN1_INTEGER_get`: what takes more than 63 bits is no limit. Chains are
/// shorter than any limit of more than 32.
fn path_length(contents: &[u8]) -> Option<u32> {
    let mut length = 0_u64;
    for octet in contents {
        length = length.checked_mul(256)? | u64::from(*octet);
    }
    let length = i64::try_from(length).ok()?;
    Some(u32::try_from(length).unwrap_or(u32::MAX))
}

fn moment(time: ASN1Time) -> UnixTime {
    UnixTime(time.timestamp())
}
