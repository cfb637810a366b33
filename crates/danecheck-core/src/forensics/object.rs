//! What a TLSA record can be of, and the forms in which one holds it.

use sha2::{Digest as _, Sha256, Sha512};

use crate::certificate::Certificate;
use crate::tlsa::{MatchingType, Selector, association_data};

/// A certificate, or the public key in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// The whole certificate, selector Cert(0).
    Certificate,
    /// The key, selector SPKI(1).
    Key,
}

impl Object {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Key => "key",
        }
    }

    pub(super) fn selector(self) -> Selector {
        match self {
            Self::Certificate => Selector::CERT,
            Self::Key => Selector::SPKI,
        }
    }

    pub(super) fn of(self, certificate: &Certificate) -> &[u8] {
        match self {
            Self::Certificate => certificate.der(),
            Self::Key => certificate.spki_der(),
        }
    }

    /// What a record of it holds, by matching type: computed once for each
    /// certificate, however often it is shown and asked about.
    pub(super) fn forms(
        self,
        certificate: &Certificate,
    ) -> impl Iterator<Item = (MatchingType, &[u8])> {
        let types = [
            MatchingType::SHA2_256,
            MatchingType::SHA2_512,
            MatchingType::FULL,
        ];
        types.into_iter().filter_map(move |kind| {
            let data = association_data(certificate, self.selector(), kind)?;
            Some((kind, data))
        })
    }
}

/// Both.
pub(super) const OBJECTS: [Object; 2] = [Object::Key, Object::Certificate];

/// The SHA-256 digest.
pub(crate) fn sha256(data: &[u8]) -> Vec<u8> {
    Sha256::digest(data).to_vec()
}

/// Each digest of a text and of what is made; whole data too, for Full(0).
pub(super) fn forms(data: &[u8]) -> [(MatchingType, Vec<u8>); 3] {
    [
        (MatchingType::SHA2_256, sha256(data)),
        (MatchingType::SHA2_512, Sha512::digest(data).to_vec()),
        (MatchingType::FULL, data.to_vec()),
    ]
}
