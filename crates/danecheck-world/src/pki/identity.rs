//! What a server shows: a key and the chain that it sends.

use std::sync::Arc;

use rcgen::KeyPair;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::certificate::Certificate;

/// A server's key and the certificates that it sends with it.
#[derive(Clone, Debug)]
pub struct Identity {
    leaf: Certificate,
    chain: Vec<Certificate>,
    root: Vec<Certificate>,
    key: Arc<KeyPair>,
}

impl Identity {
    /// `chain` begins with the leaf; the server does not send `root`.
    pub(super) fn new(chain: Vec<Certificate>, root: Vec<Certificate>, key: Arc<KeyPair>) -> Self {
        let leaf = chain.first().expect("a chain has a leaf").clone();
        Self {
            leaf,
            chain,
            root,
            key,
        }
    }

    /// The end entity certificate.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The certificates in the order in which the server sends them.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The record data of the TLSA record that describes the leaf, see
    /// [`Certificate::tlsa`]. For DANE-TA(2) ask the [`super::Authority`].
    pub fn tlsa(&self, usage: u8, selector: u8, matching_type: u8) -> String {
        self.leaf.tlsa(usage, selector, matching_type)
    }

    /// Also sends the root, which a DANE-TA(2) record with a digest of it needs
    /// (RFC 7671 section 5.2.2).
    #[must_use]
    pub fn sending_root(mut self) -> Self {
        self.chain.append(&mut self.root);
        self
    }

    /// Sends the leaf alone, as with `cert.pem` in place of `fullchain.pem`.
    #[must_use]
    pub fn sending_leaf_alone(mut self) -> Self {
        self.chain.truncate(1);
        self
    }

    /// Sends the authorities in the wrong order, which RFC 8446 section 4.4.2
    /// asks clients to tolerate.
    #[must_use]
    pub fn sending_authorities_reversed(mut self) -> Self {
        if let Some((_, authorities)) = self.chain.split_first_mut() {
            authorities.reverse();
        }
        self
    }

    /// Sends `extra` after the rest, whether or not it belongs there.
    #[must_use]
    pub fn sending_also(mut self, extra: impl IntoIterator<Item = Certificate>) -> Self {
        self.chain.extend(extra);
        self
    }

    /// The chain as rustls takes it.
    pub fn chain_der(&self) -> Vec<CertificateDer<'static>> {
        self.chain.iter().map(|one| one.der().clone()).collect()
    }

    /// The key as rustls takes it.
    pub fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    /// The key in PEM (PKCS #8), for servers that are not part of this world.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// Chain and key for a rustls certificate resolver.
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        let key = rustls::crypto::ring::sign::any_supported_type(&self.key_der())
            .expect("ring signs with the keys it made");
        Arc::new(CertifiedKey::new(self.chain_der(), key))
    }
}
