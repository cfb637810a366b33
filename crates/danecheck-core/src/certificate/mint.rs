//! Certificates for tests, minted at fixed times.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

use super::{Certificate, Presented};
use crate::tlsa::{CertificateUsage, MatchingType, Selector, TlsaRecord};
use crate::unix_time::UnixTime;

/// 2026-06-01T00:00:00Z: minted certificates are valid then, unless they say
/// otherwise.
pub(crate) const NOW: UnixTime = UnixTime(1_780_272_000);

/// A certificate with its key.
pub(crate) struct Entity {
    pub(crate) certificate: Certificate,
    pub(crate) params: CertificateParams,
    pub(crate) key: KeyPair,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// Makes a certificate one of a CA.
pub(crate) fn ca(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
}

/// Makes a certificate one of this host.
pub(crate) fn host(params: &mut CertificateParams, name: &str) {
    params.subject_alt_names = vec![rcgen::SanType::DnsName(name.try_into().unwrap())];
}

impl Entity {
    /// A self-signed certificate for a host.
    pub(crate) fn self_signed(name: &str, adjust: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = params(name);
        host(&mut params, name);
        adjust(&mut params);
        Self::sign_self(params, KeyPair::generate().unwrap())
    }

    /// A root.
    pub(crate) fn root(name: &str, adjust: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::root_with_key(name, KeyPair::generate().unwrap(), adjust)
    }

    pub(crate) fn root_with_key(
        name: &str,
        key: KeyPair,
        adjust: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = params(name);
        ca(&mut params);
        adjust(&mut params);
        Self::sign_self(params, key)
    }

    fn sign_self(params: CertificateParams, key: KeyPair) -> Self {
        let certificate = read(params.self_signed(&key).unwrap().der());
        Self {
            certificate,
            params,
            key,
        }
    }

    /// An intermediate below this.
    pub(crate) fn intermediate(
        &self,
        name: &str,
        adjust: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = params(name);
        ca(&mut params);
        adjust(&mut params);
        self.sign(params)
    }

    /// A host's certificate below this.
    pub(crate) fn leaf(&self, name: &str, adjust: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = params(name);
        host(&mut params, name);
        adjust(&mut params);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = read(params.signed_by(&key, &issuer).unwrap().der());
        Self {
            certificate,
            params,
            key,
        }
    }
}

fn read(der: &[u8]) -> Certificate {
    Certificate::from_der(der).unwrap()
}

/// What a server sends.
pub(crate) fn sent(certificates: &[&Certificate]) -> Vec<Presented> {
    certificates
        .iter()
        .map(|certificate| Ok((*certificate).clone()))
        .collect()
}

/// The record with these fields of this certificate.
pub(crate) fn record(usage: u8, selector: u8, matching: u8, of: &Certificate) -> TlsaRecord {
    let object = if selector == 0 {
        of.der()
    } else {
        of.spki_der()
    };
    TlsaRecord::for_object(
        CertificateUsage(usage),
        Selector(selector),
        MatchingType(matching),
        object,
    )
    .unwrap()
}

/// A root, an intermediate and a leaf with nothing wrong about them.
pub(crate) struct Chain {
    pub(crate) root: Entity,
    pub(crate) intermediate: Entity,
    pub(crate) leaf: Entity,
}

impl Chain {
    pub(crate) fn new(name: &str) -> Self {
        let root = Entity::root("Lab Root", |_| {});
        let intermediate = root.intermediate("Lab Intermediate", |_| {});
        let leaf = intermediate.leaf(name, |_| {});
        Self {
            root,
            intermediate,
            leaf,
        }
    }

    /// All three, leaf first.
    pub(crate) fn presented(&self) -> Vec<Presented> {
        sent(&[
            &self.leaf.certificate,
            &self.intermediate.certificate,
            &self.root.certificate,
        ])
    }
}

/// A certificate that rcgen cannot mint, from `fixtures/certificates`.
pub(crate) fn fixture(name: &str) -> Certificate {
    let der: &[u8] = match name {
        "rsa512-leaf" => include_bytes!("../../../../fixtures/certificates/rsa512-leaf.der"),
        "rsa1024-leaf" => include_bytes!("../../../../fixtures/certificates/rsa1024-leaf.der"),
        "rsa-root" => include_bytes!("../../../../fixtures/certificates/rsa-root.der"),
        "rsa-leaf" => include_bytes!("../../../../fixtures/certificates/rsa-leaf.der"),
        "rsa-sha1-leaf" => include_bytes!("../../../../fixtures/certificates/rsa-sha1-leaf.der"),
        "rsa-pss-leaf" => include_bytes!("../../../../fixtures/certificates/rsa-pss-leaf.der"),
        "v1-leaf" => include_bytes!("../../../../fixtures/certificates/v1-leaf.der"),
        "negative-serial-leaf" => {
            include_bytes!("../../../../fixtures/certificates/negative-serial-leaf.der")
        }
        "long-serial-leaf" => {
            include_bytes!("../../../../fixtures/certificates/long-serial-leaf.der")
        }
        "unhandled-leaf" => include_bytes!("../../../../fixtures/certificates/unhandled-leaf.der"),
        "v1-root" => include_bytes!("../../../../fixtures/certificates/v1-root.der"),
        "v1-root-leaf" => include_bytes!("../../../../fixtures/certificates/v1-root-leaf.der"),
        "rsa1024-root" => include_bytes!("../../../../fixtures/certificates/rsa1024-root.der"),
        "rsa1024-root-leaf" => {
            include_bytes!("../../../../fixtures/certificates/rsa1024-root-leaf.der")
        }
        "rsa768-root" => include_bytes!("../../../../fixtures/certificates/rsa768-root.der"),
        "rsa768-root-leaf" => {
            include_bytes!("../../../../fixtures/certificates/rsa768-root-leaf.der")
        }
        "p256-root" => include_bytes!("../../../../fixtures/certificates/p256-root.der"),
        "p256-sha1-leaf" => include_bytes!("../../../../fixtures/certificates/p256-sha1-leaf.der"),
        "p256-sha224-leaf" => {
            include_bytes!("../../../../fixtures/certificates/p256-sha224-leaf.der")
        }
        "p256-sha512-leaf" => {
            include_bytes!("../../../../fixtures/certificates/p256-sha512-leaf.der")
        }
        "p384-root" => include_bytes!("../../../../fixtures/certificates/p384-root.der"),
        "p384-sha224-leaf" => {
            include_bytes!("../../../../fixtures/certificates/p384-sha224-leaf.der")
        }
        "p384-sha512-leaf" => {
            include_bytes!("../../../../fixtures/certificates/p384-sha512-leaf.der")
        }
        "p521-root" => include_bytes!("../../../../fixtures/certificates/p521-root.der"),
        "p521-root-leaf" => include_bytes!("../../../../fixtures/certificates/p521-root-leaf.der"),
        "p521-sha256-leaf" => {
            include_bytes!("../../../../fixtures/certificates/p521-sha256-leaf.der")
        }
        "sha1-root" => include_bytes!("../../../../fixtures/certificates/sha1-root.der"),
        "sha1-root-leaf" => include_bytes!("../../../../fixtures/certificates/sha1-root-leaf.der"),
        "brainpool-leaf" => include_bytes!("../../../../fixtures/certificates/brainpool-leaf.der"),
        "ed448-root" => include_bytes!("../../../../fixtures/certificates/ed448-root.der"),
        "ed448-root-leaf" => {
            include_bytes!("../../../../fixtures/certificates/ed448-root-leaf.der")
        }
        "dsa-leaf" => include_bytes!("../../../../fixtures/certificates/dsa-leaf.der"),
        "explicit-curve-leaf" => {
            include_bytes!("../../../../fixtures/certificates/explicit-curve-leaf.der")
        }
        _ => panic!("no fixture {name}"),
    };
    Certificate::from_der(der).unwrap()
}
