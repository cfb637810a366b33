//! Certificates made on the spot, and what they are judged with.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;

use crate::der;

/// 2026-06-01T00:00:00Z, the time of every case.
pub(crate) const NOW: i32 = 1_780_272_000;

/// A TLSA record.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) usage: u8,
    pub(crate) selector: u8,
    pub(crate) matching_type: u8,
    pub(crate) data: Vec<u8>,
}

impl Record {
    /// The record of a certificate or of its key.
    pub(crate) fn of(
        usage: u8,
        selector: u8,
        matching_type: u8,
        certificate: &[u8],
        key: &Key,
    ) -> Self {
        let object = match selector {
            0 => certificate,
            _ => &key.spki,
        };
        let data = match matching_type {
            1 => openssl::sha::sha256(object).to_vec(),
            2 => openssl::sha::sha512(object).to_vec(),
            _ => object.to_vec(),
        };
        Self {
            usage,
            selector,
            matching_type,
            data,
        }
    }
}

/// What a chain may end in.
#[derive(Clone, Debug)]
pub(crate) enum Trust {
    /// Certificates of a trust store.
    Store(Vec<Vec<u8>>),
    /// TLSA records.
    Records(Vec<Record>),
}

/// One chain to be judged.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// What the server sends, its own certificate first.
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) trust: Trust,
    /// The host names, any of which suffices.
    pub(crate) names: Vec<String>,
    pub(crate) now: i32,
}

/// A key and how it signs.
pub(crate) struct Key {
    private: PKey<Private>,
    pub(crate) spki: Vec<u8>,
    algorithm: Vec<u8>,
    digest: Option<MessageDigest>,
}

impl Key {
    fn new(
        private: PKey<Private>,
        algorithm: Vec<u8>,
        digest: Option<MessageDigest>,
    ) -> Result<Self, ErrorStack> {
        Ok(Self {
            spki: private.public_key_to_der()?,
            private,
            algorithm,
            digest,
        })
    }

    /// On P-256.
    pub(crate) fn p256() -> Result<Self, ErrorStack> {
        Self::on_curve(
            openssl::nid::Nid::X9_62_PRIME256V1,
            "1.2.840.10045.4.3.2",
            MessageDigest::sha256(),
        )
    }

    /// On a curve, with the object identifier of an ECDSA signature.
    pub(crate) fn on_curve(
        curve: openssl::nid::Nid,
        algorithm: &str,
        digest: MessageDigest,
    ) -> Result<Self, ErrorStack> {
        let group = openssl::ec::EcGroup::from_curve_name(curve)?;
        let private = PKey::from_ec_key(openssl::ec::EcKey::generate(&group)?)?;
        let algorithm = der::sequence(&[der::object(algorithm)]);
        Self::new(private, algorithm, Some(digest))
    }

    /// RSA of so many bits, with PKCS #1 v1.5.
    pub(crate) fn rsa(
        bits: u32,
        algorithm: &str,
        digest: MessageDigest,
    ) -> Result<Self, ErrorStack> {
        let private = PKey::from_rsa(openssl::rsa::Rsa::generate(bits)?)?;
        let algorithm = der::sequence(&[der::object(algorithm), vec![5, 0]]);
        Self::new(private, algorithm, Some(digest))
    }

    /// Ed25519.
    pub(crate) fn ed25519() -> Result<Self, ErrorStack> {
        let algorithm = der::sequence(&[der::object("1.3.101.112")]);
        Self::new(PKey::generate_ed25519()?, algorithm, None)
    }

    /// Ed448.
    pub(crate) fn ed448() -> Result<Self, ErrorStack> {
        let algorithm = der::sequence(&[der::object("1.3.101.113")]);
        Self::new(PKey::generate_ed448()?, algorithm, None)
    }

    /// DSA of 2048 bits, with SHA-256.
    pub(crate) fn dsa() -> Result<Self, ErrorStack> {
        let private = PKey::from_dsa(openssl::dsa::Dsa::generate(2048)?)?;
        let algorithm = der::sequence(&[der::object("2.16.840.1.101.3.4.3.2")]);
        Self::new(private, algorithm, Some(MessageDigest::sha256()))
    }

    /// The same private key, under another SubjectPublicKeyInfo.
    pub(crate) fn under(&self, spki: Vec<u8>) -> Self {
        Self {
            private: self.private.clone(),
            spki,
            algorithm: self.algorithm.clone(),
            digest: self.digest,
        }
    }

    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let mut signer = match self.digest {
            Some(digest) => Signer::new(digest, &self.private)?,
            None => Signer::new_without_digest(&self.private)?,
        };
        signer.sign_oneshot_to_vec(data)
    }
}

/// An extension.
#[derive(Clone, Debug)]
pub(crate) struct Extension {
    /// The object identifier, dotted.
    pub(crate) oid: &'static str,
    pub(crate) critical: bool,
    pub(crate) value: Vec<u8>,
}

impl Extension {
    /// One that is not critical.
    pub(crate) fn plain(oid: &'static str, value: Vec<u8>) -> Self {
        Self {
            oid,
            critical: false,
            value,
        }
    }

    fn der(&self) -> Vec<u8> {
        let mut parts = vec![der::object(self.oid)];
        if self.critical {
            parts.push(der::element(1, &[0xff]));
        }
        parts.push(der::octets(&self.value));
        der::sequence(&parts)
    }
}

/// A certificate before it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// As encoded: 0 is version 1, 2 is version 3.
    pub(crate) version: u8,
    pub(crate) serial: Vec<u8>,
    /// Names, encoded.
    pub(crate) issuer: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    /// UTCTimes.
    pub(crate) not_before: &'static str,
    pub(crate) not_after: &'static str,
    pub(crate) extensions: Vec<Extension>,
}

impl Certificate {
    /// The certificate of `key`, signed by `issuer`.
    pub(crate) fn sign(&self, key: &Key, issuer: &Key) -> Result<Vec<u8>, ErrorStack> {
        let mut parts = Vec::new();
        if self.version > 0 {
            parts.push(der::constructed(0, &der::integer(&[self.version])));
        }
        parts.push(der::integer(&self.serial));
        parts.push(issuer.algorithm.clone());
        parts.push(self.issuer.clone());
        let time = |text: &str| der::element(0x17, text.as_bytes());
        parts.push(der::sequence(&[
            time(self.not_before),
            time(self.not_after),
        ]));
        parts.push(self.subject.clone());
        parts.push(key.spki.clone());
        if !self.extensions.is_empty() {
            let extensions: Vec<Vec<u8>> = self.extensions.iter().map(Extension::der).collect();
            parts.push(der::constructed(3, &der::sequence(&extensions)));
        }
        let body = der::sequence(&parts);
        let signature = issuer.sign(&body)?;
        Ok(der::sequence(&[
            body,
            issuer.algorithm.clone(),
            der::bits(0, &signature),
        ]))
    }
}
