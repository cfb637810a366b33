//! The profile of an end entity certificate.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    SanType,
};

use super::certificate::Certificate;
use super::identity::Identity;
use super::key::KeyKind;
use super::template::{Template, Validity, template_methods};
use danecheck_core::unix_time::UnixTime;

/// An extended key usage (RFC 5280 section 4.2.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `id-kp-serverAuth`, what an SMTP server's certificate has to allow.
    ServerAuth,
    /// `id-kp-clientAuth`.
    ClientAuth,
    /// `id-kp-emailProtection`.
    EmailProtection,
    /// `anyExtendedKeyUsage`.
    Any,
}

impl From<Purpose> for ExtendedKeyUsagePurpose {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::ServerAuth => Self::ServerAuth,
            Purpose::ClientAuth => Self::ClientAuth,
            Purpose::EmailProtection => Self::EmailProtection,
            Purpose::Any => Self::Any,
        }
    }
}

/// The builder of an end entity certificate: current, for a TLS server, with a
/// P-256 key, by default.
#[derive(Clone, Debug)]
pub struct Leaf {
    dns_names: Vec<String>,
    ip_addresses: Vec<IpAddr>,
    template: Template,
    purposes: Vec<Purpose>,
    is_ca: bool,
    rsa_signature: Option<usize>,
}

impl Leaf {
    /// A leaf with these dNSName entries, in the order given, and no common
    /// name.
    pub fn new<N: Into<String>>(dns_names: impl IntoIterator<Item = N>) -> Self {
        Self {
            dns_names: dns_names.into_iter().map(Into::into).collect(),
            ip_addresses: Vec::new(),
            template: Template::new(None, Validity::CURRENT),
            purposes: vec![Purpose::ServerAuth],
            is_ca: false,
            rsa_signature: None,
        }
    }

    /// A leaf with no subject alternative names, only a common name, which
    /// OpenSSL's `X509_check_host` then uses.
    pub fn common_name_only(name: impl Into<String>) -> Self {
        Self::new::<String>([]).common_name(name)
    }

    template_methods!();

    /// Gives it a common name.
    #[must_use]
    pub fn common_name(mut self, name: impl Into<String>) -> Self {
        self.template.common_name = Some(name.into());
        self
    }

    /// Gives it an iPAddress entry, as for a `[192.0.2.1]` next hop.
    #[must_use]
    pub fn ip_address(mut self, address: IpAddr) -> Self {
        self.ip_addresses.push(address);
        self
    }

    /// Gives it these extended key usages instead of `serverAuth`; none
    /// leaves the extension out, which allows everything.
    #[must_use]
    pub fn purposes(mut self, purposes: impl IntoIterator<Item = Purpose>) -> Self {
        self.purposes = purposes.into_iter().collect();
        self
    }

    /// Makes it say `CA:TRUE`, as `openssl req -x509` does by default.
    #[must_use]
    pub fn certificate_authority(mut self) -> Self {
        self.is_ca = true;
        self
    }

    /// Signs it with RSA and this many arbitrary bytes.
    #[must_use]
    pub fn with_rsa_signature(mut self, bytes: usize) -> Self {
        self.rsa_signature = Some(bytes);
        self
    }

    pub(super) fn rsa_signature(&self) -> Option<usize> {
        self.rsa_signature
    }

    /// Mints it, signed with its own key.
    pub fn self_signed(self, now: UnixTime) -> Identity {
        let key = self.template.key.key_pair();
        let minted = self
            .params(now)
            .self_signed(&*key)
            .expect("parameters that rcgen can encode");
        Identity::new(vec![Certificate::minted(&minted, &key)], Vec::new(), key)
    }

    pub(super) fn key_pair(&self) -> Arc<KeyPair> {
        self.template.key.key_pair()
    }

    pub(super) fn params(&self, now: UnixTime) -> CertificateParams {
        let mut params = self.template.params(now);
        for name in &self.dns_names {
            let name = name.as_str().try_into().expect("a DNS name in ASCII");
            params.subject_alt_names.push(SanType::DnsName(name));
        }
        for address in &self.ip_addresses {
            params.subject_alt_names.push(SanType::IpAddress(*address));
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if self.is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        }
        params.extended_key_usages = self.purposes.iter().copied().map(Into::into).collect();
        params
    }
}
