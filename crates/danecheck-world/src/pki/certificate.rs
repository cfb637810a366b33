//! One certificate, and the TLSA records that describe it.

use std::fmt::Write as _;

use rcgen::{KeyPair, PublicKeyData as _};
use rustls_pki_types::CertificateDer;
use sha2::{Digest, Sha256, Sha512};

/// A minted certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    spki: Vec<u8>,
}

impl Certificate {
    /// What was minted for this key.
    pub(super) fn minted(minted: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            der: minted.der().clone(),
            spki: key.subject_public_key_info(),
        }
    }

    /// The certificate in DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Its SubjectPublicKeyInfo in DER (RFC 5280 section 4.1).
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The certificate in PEM, for a trust store or a configuration.
    pub fn pem(&self) -> String {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(&self.der);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        let mut rest = text.as_str();
        while let Some((line, tail)) = rest.split_at_checked(64) {
            pem.extend([line, "\n"]);
            rest = tail;
        }
        if !rest.is_empty() {
            pem.extend([rest, "\n"]);
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// The record data of the TLSA record that describes this certificate
    /// (RFC 6698 section 2.2), `3 1 1 ab12...`.
    ///
    /// The usage is written as it is given. An undefined selector or matching
    /// type takes the whole certificate, without a digest, so that unusable
    /// records can be made too.
    pub fn tlsa(&self, usage: u8, selector: u8, matching_type: u8) -> String {
        let selected = match selector {
            1 => self.spki.as_slice(),
            _ => self.der.as_ref(),
        };
        rdata(usage, selector, matching_type, selected)
    }
}

/// The record data of a TLSA record that is well formed and matches no
/// certificate: what a rollover leaves behind.
pub fn stale_tlsa(usage: u8, selector: u8, matching_type: u8) -> String {
    rdata(
        usage,
        selector,
        matching_type,
        b"the certificate before this one",
    )
}

fn rdata(usage: u8, selector: u8, matching_type: u8, selected: &[u8]) -> String {
    let data = match matching_type {
        1 => Sha256::digest(selected).to_vec(),
        2 => Sha512::digest(selected).to_vec(),
        _ => selected.to_vec(),
    };
    let mut text = format!("{usage} {selector} {matching_type} ");
    for byte in data {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
