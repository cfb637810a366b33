//! X.509 certificates (RFC 5280) as the OpenSSL library under Postfix sees
//! them, parsed once.

mod ber;
mod checks;
mod decode;
mod distinguished_name;
pub mod ecdsa;
mod extensions;
mod failure;
mod general_name;
mod key;
mod known;
#[cfg(test)]
pub(crate) mod mint;
mod name;
mod name_constraints;
mod names;
mod oid;
mod parse;
mod path;
mod resources;
mod signature;
mod signature_algorithm;
mod string;
mod subtree;
#[cfg(test)]
mod tests;
mod verify;
mod whole;
mod x509;

pub use checks::{LeafNames, leaf_key_failure};
pub use distinguished_name::DistinguishedName;
pub use extensions::{
    BasicConstraints, Extension, ExtensionDefect, InvalidCertificate, InvalidExtension, KeyUsage,
};
pub(crate) use failure::{CANNOT_DECODE, EE_KEY_TOO_WEAK};
pub use failure::{VerificationError, VerificationFailure};
pub use key::{KeyKind, PublicKey};
#[cfg(test)]
pub(crate) use known::WorkDone;
pub(crate) use known::{Account, Known};
pub use name::{ReferenceName, matches_address, matches_host, matches_pattern};
pub use names::Names;
pub use oid::dotted;
pub use parse::{Presented, UnreadableCertificate, presented_chain};
pub(crate) use path::{Anchors, DaneAnchors, Path};
pub use signature::{SignatureOutcome, verify_signature};
pub use signature_algorithm::{Digest, SignatureAlgorithm};
pub(crate) use verify::verify_path;
pub use whole::is_decodable;
pub use x509::Certificate;
