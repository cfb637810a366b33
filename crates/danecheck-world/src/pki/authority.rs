//! Certification authorities, valid and invalid.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, GeneralSubtree, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, NameConstraints, PublicKeyData, SignatureAlgorithm, SigningKey,
};

use super::certificate::Certificate;
use super::identity::Identity;
use super::key::KeyKind;
use super::leaf::Leaf;
use super::template::{Template, Validity, template_methods};
use danecheck_core::unix_time::UnixTime;

/// The profile of an authority's certificate: valid by default.
#[derive(Clone, Debug)]
pub struct AuthorityProfile {
    template: Template,
    basic_constraints: bool,
    cert_sign: bool,
    path_length: Option<u8>,
    permitted_names: Vec<String>,
    excluded_names: Vec<String>,
    key_identifier: Option<Vec<u8>>,
}

impl AuthorityProfile {
    /// A valid authority with this common name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            template: Template::new(Some(name.into()), Validity::DECADE),
            basic_constraints: true,
            cert_sign: true,
            path_length: None,
            permitted_names: Vec::new(),
            excluded_names: Vec::new(),
            key_identifier: None,
        }
    }

    template_methods!();

    /// Leaves `CA:TRUE` out: it issues certificates although it must not
    /// (`num=79:invalid CA certificate` in Postfix's log).
    #[must_use]
    pub fn not_an_authority(mut self) -> Self {
        self.basic_constraints = false;
        self
    }

    /// Leaves `keyCertSign` out of its key usage (RFC 5280 section 4.2.1.3).
    #[must_use]
    pub fn without_cert_sign(mut self) -> Self {
        self.cert_sign = false;
        self
    }

    /// Allows this many authorities under it (RFC 5280 section 4.2.1.9).
    #[must_use]
    pub fn path_length(mut self, authorities: u8) -> Self {
        self.path_length = Some(authorities);
        self
    }

    /// Permits names under `domain` only (RFC 5280 section 4.2.1.10).
    #[must_use]
    pub fn permitting(mut self, domain: impl Into<String>) -> Self {
        self.permitted_names.push(domain.into());
        self
    }

    /// Excludes names under `domain` (RFC 5280 section 4.2.1.10).
    #[must_use]
    pub fn excluding(mut self, domain: impl Into<String>) -> Self {
        self.excluded_names.push(domain.into());
        self
    }

    /// Gives it this key identifier (RFC 5280 section 4.2.1.2), which others may
    /// have too.
    #[must_use]
    pub fn key_identifier(mut self, identifier: impl Into<Vec<u8>>) -> Self {
        self.key_identifier = Some(identifier.into());
        self
    }

    fn params(&self, now: UnixTime) -> CertificateParams {
        let mut params = self.template.params(now);
        params.is_ca = match (self.basic_constraints, self.path_length) {
            (false, _) => IsCa::ExplicitNoCa,
            (true, None) => IsCa::Ca(BasicConstraints::Unconstrained),
            (true, Some(length)) => IsCa::Ca(BasicConstraints::Constrained(length)),
        };
        params.key_usages = vec![KeyUsagePurpose::CrlSign];
        if self.cert_sign {
            params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        }
        if let Some(identifier) = &self.key_identifier {
            params.key_identifier_method = KeyIdMethod::PreSpecified(identifier.clone());
        }
        if !self.permitted_names.is_empty() || !self.excluded_names.is_empty() {
            let subtrees = |names: &[String]| {
                let names = names.iter().cloned();
                names.map(GeneralSubtree::DnsName).collect()
            };
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: subtrees(&self.permitted_names),
                excluded_subtrees: subtrees(&self.excluded_names),
            });
        }
        params
    }
}

impl<N: Into<String>> From<N> for AuthorityProfile {
    fn from(name: N) -> Self {
        Self::new(name)
    }
}

/// An authority: its certificate, its key, and the path up to its root.
#[derive(Clone, Debug)]
pub struct Authority {
    now: UnixTime,
    params: CertificateParams,
    key: Arc<KeyPair>,
    impostor: bool,
    /// Its own certificate, then its issuer's, and so on; the root is last.
    path: Vec<Certificate>,
    certificate: Certificate,
}

impl Authority {
    /// A root, given by name or by profile. Everything under it is minted for
    /// the moment `now`.
    pub fn root(profile: impl Into<AuthorityProfile>, now: UnixTime) -> Self {
        let profile = profile.into();
        let key = profile.template.key.key_pair();
        let params = profile.params(now);
        let minted = params
            .self_signed(&*key)
            .expect("parameters that rcgen can encode");
        let certificate = Certificate::minted(&minted, &key);
        Self {
            now,
            params,
            key,
            impostor: false,
            path: vec![certificate.clone()],
            certificate,
        }
    }

    /// An authority under this one, given by name or by profile.
    pub fn intermediate(&self, profile: impl Into<AuthorityProfile>) -> Self {
        let profile = profile.into();
        let key = profile.template.key.key_pair();
        self.certify(profile.params(self.now), key)
    }

    /// This authority, certified by `issuer` as well: same name and key,
    /// another certificate, so that `2 0 x` records differ and `2 1 x` ones
    /// do not.
    pub fn cross_signed_by(&self, issuer: &Self) -> Self {
        issuer.certify(self.params.clone(), Arc::clone(&self.key))
    }

    /// An impostor with this authority's name and certificate but not its key:
    /// the signatures on its certificates do not verify.
    pub fn impostor(&self) -> Self {
        Self {
            key: KeyKind::default().key_pair(),
            impostor: true,
            ..self.clone()
        }
    }

    /// Mints `leaf`. The server sends it with every authority up to the root
    /// but without the root, as most do.
    pub fn issue(&self, leaf: Leaf) -> Identity {
        let key = leaf.key_pair();
        let params = leaf.params(self.now);
        let certificate = match leaf.rsa_signature() {
            None => self.sign(params, &key),
            Some(bytes) => self.sign_with(&Scribble { bytes }, params, &key),
        };
        let (root, authorities) = match self.path.split_last() {
            Some((root, authorities)) => (vec![root.clone()], authorities),
            None => (Vec::new(), [].as_slice()),
        };
        let mut chain = vec![certificate];
        chain.extend_from_slice(authorities);
        Identity::new(chain, root, key)
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The record data of the TLSA record that describes its certificate, see
    /// [`Certificate::tlsa`].
    pub fn tlsa(&self, usage: u8, selector: u8, matching_type: u8) -> String {
        self.certificate.tlsa(usage, selector, matching_type)
    }

    fn certify(&self, params: CertificateParams, key: Arc<KeyPair>) -> Self {
        let certificate = self.sign(params.clone(), &key);
        let mut path = vec![certificate.clone()];
        path.extend_from_slice(&self.path);
        Self {
            now: self.now,
            params,
            key,
            impostor: false,
            path,
            certificate,
        }
    }

    fn sign(&self, params: CertificateParams, key: &KeyPair) -> Certificate {
        self.sign_with(&*self.key, params, key)
    }

    fn sign_with(
        &self,
        signer: &impl SigningKey,
        mut params: CertificateParams,
        key: &KeyPair,
    ) -> Certificate {
        // An impostor's key identifier would tell verifiers to look for
        // another issuer, before they come to the signature.
        params.use_authority_key_identifier_extension = !self.impostor;
        let minted = params
            .signed_by(key, &Issuer::from_params(&self.params, signer))
            .expect("parameters that rcgen can encode");
        Certificate::minted(&minted, key)
    }
}

/// A signer that makes signatures of arbitrary bytes.
struct Scribble {
    bytes: usize,
}

impl PublicKeyData for Scribble {
    fn der_bytes(&self) -> &[u8] {
        &[]
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl SigningKey for Scribble {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        // Below any modulus of that length.
        Ok(vec![0x55; self.bytes])
    }
}
