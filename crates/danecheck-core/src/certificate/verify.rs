//! The verification of one server's certificate: the path, then the checks
//! along it (openssl:`x509_vfy.c:verify_chain`).

use super::checks::{LeafNames, check_path, leaf_key_failure};
use super::failure::VerificationFailure;
use super::known::Account;
use super::path::{Anchors, Path};
use super::x509::Certificate;
use crate::unix_time::UnixTime;
use crate::work::WorkUsedUp;

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
