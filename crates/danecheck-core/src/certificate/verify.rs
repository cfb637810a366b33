//! The verification of one server's certificate: the path, then the checks
//! along it (openssl:`x509_vfy.c:verify_chain`).

use super::checks::{LeafNames, check_path, leaf_key_failure};
use super::failure::{VerificationError, VerificationFailure};
use super::known::Account;
use super::parse::Presented;
use super::path::{Anchors, Path};
use super::x509::Certificate;
use crate::unix_time::UnixTime;
use crate::work::WorkUsedUp;

impl VerificationFailure {
    /// The failure of a chain with a certificate that OpenSSL cannot decode: then
    /// it makes no TLS connection (`tls_process_server_certificate`).
    pub(crate) fn undecodable(chain: &[Presented]) -> Option<Self> {
        let is_refused =
            |presented: &Presented| matches!(presented, Err(unreadable) if unreadable.is_refused);
        let depth = chain.iter().position(is_refused)?;
        Some(Self::new(VerificationError::Undecodable, depth))
    }

    /// The failure of a path among certificates one of which cannot be read here,
    /// though OpenSSL can read it: it might be an issuer.
    pub(crate) fn unreadable(chain: &[Presented]) -> Option<Self> {
        let mut places = chain.iter().enumerate();
        places.find_map(|(depth, presented)| {
            let reason = presented.as_ref().err()?.reason.clone();
            Some(Self::new(VerificationError::Unreadable { reason }, depth))
        })
    }
}

/// The path from `leaf`, and OpenSSL's objections to it, in OpenSSL's order.
/// `None` if building the path takes more work than `account` has left; if a
/// check on the path does, that is among the objections.
pub(crate) fn verify_path<'a>(
    leaf: &'a Certificate,
    presented: &[&'a Certificate],
    anchors: &Anchors<'a>,
    names: &LeafNames,
    now: UnixTime,
    account: &Account<'_>,
) -> Result<(Path<'a>, Vec<VerificationFailure>), WorkUsedUp> {
    let mut raised: Vec<_> = leaf_key_failure(leaf).into_iter().collect();
    let path = Path::build(leaf, presented, anchors, now, account, &mut raised)?;
    check_path(&path, names, now, account, &mut raised);
    Ok((path, raised))
}
