//! The profile of an end entity certificate.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use time::OffsetDateTime;

use super::{Certificate, Identity, KeyKind};
use danecheck_core::unix_time::UnixTime;

/// When a certificate is valid, in days from the moment it is minted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// `notBefore`, in days from now; negative is in the past.
    pub from_day: i64,
    /// `notAfter`, in days from now.
    pub to_day: i64,
}

impl Validity {
    /// Issued 30 days ago, with 60 to go.
    pub const CURRENT: Self = Self::days(-30, 60);
    /// Expired 30 days ago.
    pub const EXPIRED: Self = Self::days(-120, -30);
    /// Begins in 30 days.
    pub const NOT_YET: Self = Self::days(30, 120);
    /// An authority's ten years, of which one is over.
    pub const DECADE: Self = Self::days(-365, 3285);

    /// From `from_day` to `to_day`, both counted from now.
    pub const fn days(from_day: i64, to_day: i64) -> Self {
        Self { from_day, to_day }
    }

    pub(super) fn apply(self, params: &mut CertificateParams, now: UnixTime) {
        params.not_before = moment(now.plus_days(self.from_day));
        params.not_after = moment(now.plus_days(self.to_day));
    }
}

/// An extension as its content in DER.
pub(super) fn extension(oid: &[u64], content: Vec<u8>, critical: bool) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, content);
    extension.set_criticality(critical);
    extension
}

/// Attributes of types that nobody knows.
pub(super) fn add_attributes(name: &mut DistinguishedName, count: u64) {
    for number in 0..count {
        name.push(DnType::CustomDnType(vec![2, 5, 4, 200 + number]), "x");
    }
}

fn moment(time: UnixTime) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(time.0).expect("a certificate's time is before year 9999")
}

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
    common_name: Option<String>,
    validity: Validity,
    purposes: Vec<Purpose>,
    key: KeyKind,
    is_ca: bool,
    extensions: Vec<CustomExtension>,
    attributes: u64,
    rsa_signature: Option<usize>,
}

impl Leaf {
    /// A leaf with these dNSName entries, in the order given, and no common
    /// name.
    pub fn new<N: Into<String>>(dns_names: impl IntoIterator<Item = N>) -> Self {
        Self {
            dns_names: dns_names.into_iter().map(Into::into).collect(),
            ip_addresses: Vec::new(),
            common_name: None,
            validity: Validity::CURRENT,
            purposes: vec![Purpose::ServerAuth],
            key: KeyKind::default(),
            is_ca: false,
            extensions: Vec::new(),
            attributes: 0,
            rsa_signature: None,
        }
    }

    /// A leaf with no subject alternative names, only a common name, which
    /// OpenSSL's `X509_check_host` then uses.
    pub fn common_name_only(name: impl Into<String>) -> Self {
        Self::new::<String>([]).common_name(name)
    }

    /// Gives it a common name.
    #[must_use]
    pub fn common_name(mut self, name: impl Into<String>) -> Self {
        self.common_name = Some(name.into());
        self
    }

    /// Gives it an iPAddress entry, as for a `[192.0.2.1]` next hop.
    #[must_use]
    pub fn ip_address(mut self, address: IpAddr) -> Self {
        self.ip_addresses.push(address);
        self
    }

    /// Makes it valid at another time.
    #[must_use]
    pub fn validity(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// Gives it these extended key usages instead of `serverAuth`; none
    /// leaves the extension out, which allows everything.
    #[must_use]
    pub fn purposes(mut self, purposes: impl IntoIterator<Item = Purpose>) -> Self {
        self.purposes = purposes.into_iter().collect();
        self
    }

    /// Gives it another kind of key.
    #[must_use]
    pub fn key(mut self, key: KeyKind) -> Self {
        self.key = key;
        self
    }

    /// Makes it say `CA:TRUE`, as `openssl req -x509` does by default.
    #[must_use]
    pub fn certificate_authority(mut self) -> Self {
        self.is_ca = true;
        self
    }

    /// Gives it an extension with this content in DER. An extension of subject
    /// alternative names replaces the names that were given.
    #[must_use]
    pub fn extension(mut self, oid: &[u64], content: Vec<u8>, critical: bool) -> Self {
        self.extensions.push(extension(oid, content, critical));
        self
    }

    /// Gives its subject this many meaningless attributes, each in its own
    /// relative distinguished name.
    #[must_use]
    pub fn attributes(mut self, count: u64) -> Self {
        self.attributes = count;
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
        let key = self.key.key_pair();
        let minted = self
            .params(now)
            .self_signed(&*key)
            .expect("parameters that rcgen can encode");
        Identity::new(
            vec![Certificate {
                der: minted.der().clone(),
                spki: key.subject_public_key_info(),
            }],
            Vec::new(),
            key,
        )
    }

    pub(super) fn key_pair(&self) -> Arc<KeyPair> {
        self.key.key_pair()
    }

    pub(super) fn params(&self, now: UnixTime) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        if let Some(name) = &self.common_name {
            params
                .distinguished_name
                .push(DnType::CommonName, name.as_str());
        }
        add_attributes(&mut params.distinguished_name, self.attributes);
        params.custom_extensions.clone_from(&self.extensions);
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
        self.validity.apply(&mut params, now);
        params
    }
}
