//! From DER to [`Certificate`].

use std::net::IpAddr;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension, X509Extension};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use super::distinguished_name::DistinguishedName;
use super::extensions::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, NameConstraints};
use super::key::{PublicKey, sha256};
use super::names::Names;
use super::signature_algorithm::SignatureAlgorithm;
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
    PROXY_CERT_INFO,
    "2.5.29.30",
    "2.5.29.33",
    "2.5.29.54",
];

const PROXY_CERT_INFO: &str = "1.3.6.1.5.5.7.1.14";

/// Server-gated cryptography, Netscape's and Microsoft's: OpenSSL treats them
/// as serverAuth.
const SERVER_GATED: [&str; 2] = ["2.16.840.1.113730.4.1", "1.3.6.1.4.1.311.10.3.3"];

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
    /// Reads DER that is exactly one certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, UnreadableCertificate> {
        let unreadable = |reason: String| UnreadableCertificate {
            der: der.to_vec(),
            reason,
        };
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|error| unreadable(error.to_string()))?;
        if !rest.is_empty() {
            return Err(unreadable(format!("{} bytes follow it", rest.len())));
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
            signature: parsed.signature_value.data.to_vec(),
            alternative_names: Vec::new(),
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
            unhandled_critical: Vec::new(),
            is_proxy: false,
            sha512: OnceLock::new(),
            key_sha512: OnceLock::new(),
        };
        for extension in tbs.extensions() {
            certificate.take(der, extension);
        }
        certificate
    }

    fn take(&mut self, der: &[u8], extension: &X509Extension<'_>) {
        let oid = extension.oid.to_id_string();
        self.is_proxy |= oid == PROXY_CERT_INFO;
        if extension.critical && !HANDLED.contains(&oid.as_str()) {
            self.unhandled_critical.push(oid);
        }
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => {
                let place = place(der, extension.value);
                self.alternative_names.push(place);
                self.alternative_name_count += names.general_names.len();
                for name in &names.general_names {
                    self.take_name(name);
                }
            }
            ParsedExtension::BasicConstraints(constraints) => {
                self.basic_constraints = Some(BasicConstraints {
                    ca: constraints.ca,
                    path_length: constraints.path_len_constraint,
                });
            }
            ParsedExtension::KeyUsage(usage) => {
                self.key_usage = Some(KeyUsage {
                    tls_server: usage.digital_signature()
                        || usage.key_encipherment()
                        || usage.key_agreement(),
                    cert_sign: usage.key_cert_sign(),
                });
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                let gated = usage
                    .other
                    .iter()
                    .any(|oid| SERVER_GATED.contains(&oid.to_id_string().as_str()));
                self.server_auth = Some(usage.server_auth || gated);
            }
            ParsedExtension::NSCertType(_) => {
                // The BIT STRING's first octet of bits; x509-parser keeps it private.
                self.netscape_type = extension.value.get(3).copied();
            }
            ParsedExtension::AuthorityKeyIdentifier(authority) => {
                let directory = |name: &GeneralName<'_>| match name {
                    GeneralName::DirectoryName(name) => Some(DistinguishedName::from_parsed(name)),
                    _ => None,
                };
                self.authority_key = Some(AuthorityKeyIdentifier {
                    key_identifier: authority.key_identifier.as_ref().map(|id| id.0.to_vec()),
                    serial: authority.authority_cert_serial.map(<[u8]>::to_vec),
                    issuer: authority
                        .authority_cert_issuer
                        .as_ref()
                        .and_then(|names| names.iter().find_map(directory)),
                });
            }
            ParsedExtension::SubjectKeyIdentifier(identifier) => {
                self.subject_key = Some(identifier.0.to_vec());
            }
            ParsedExtension::NameConstraints(constraints) => {
                let place = place(der, extension.value);
                self.name_constraints = Some(NameConstraints::at(place, constraints));
            }
            _ => {}
        }
    }

    fn take_name(&mut self, name: &GeneralName<'_>) {
        match name {
            GeneralName::DNSName(host) => {
                self.has_dns_san = true;
                self.dns_names.push(host);
            }
            // A dNSName that is not text still keeps the common name out.
            GeneralName::Invalid(tag, octets) if tag.0 == 2 => {
                self.has_dns_san = true;
                self.dns_names.push(&String::from_utf8_lossy(octets));
            }
            GeneralName::IPAddress(octets) => self.ip_addresses.extend(address(octets)),
            _ => {}
        }
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

fn moment(time: ASN1Time) -> UnixTime {
    UnixTime(time.timestamp())
}
