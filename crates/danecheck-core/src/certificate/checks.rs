//! The checks of OpenSSL along a path once it is built
//! (`x509_vfy.c:verify_chain`), at security level 1, which Postfix sets if a
//! certificate must match (`tls_client.c:tls_client_start`).

use std::net::IpAddr;

use super::extensions::CaStatus;
use super::failure::{VerificationError as E, VerificationFailure};
use super::known::Account;
use super::name::{ReferenceName, matches_address, matches_host};
use super::path::Path;
use super::signature::SignatureOutcome;
use super::x509::Certificate;
use crate::unix_time::UnixTime;
use crate::work::WorkUsedUp;

/// Bits of security that level 1 requires.
const LEVEL_1_BITS: u32 = 80;

/// The names to look for in the leaf, as `SSL_add1_host` sorts them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeafNames {
    hosts: Vec<ReferenceName>,
    address: Option<IpAddr>,
}

impl LeafNames {
    /// Sorts names into hosts and at most one address: OpenSSL accepts the
    /// first and refuses more.
    pub fn new(names: &[ReferenceName]) -> Self {
        Self {
            hosts: names
                .iter()
                .filter(|name| name.address().is_none())
                .cloned()
                .collect(),
            address: names.iter().find_map(ReferenceName::address),
        }
    }

    /// Whether there is nothing to check: Postfix then forces a failure.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.address.is_none()
    }

    /// `check_id`: one host must match, and the address too.
    pub(crate) fn check(&self, leaf: &Certificate, raised: &mut Vec<VerificationFailure>) {
        // `tls_client.c:add_namechecks` sets must_fail.
        raise(raised, self.is_empty(), E::Unspecified, 0);
        let named = self.hosts.is_empty() || self.hosts.iter().any(|name| matches_host(leaf, name));
        raise(raised, !named, E::HostnameMismatch, 0);
        let addressed = self
            .address
            .is_none_or(|address| matches_address(leaf, address));
        raise(raised, !addressed, E::IpAddressMismatch, 0);
    }
}

/// The objections of level 1 to the server's key, whatever matches: they also
/// apply to DANE-EE(3) and fingerprints (`x509_verify_x509`).
pub fn leaf_key_failure(leaf: &Certificate) -> Option<VerificationFailure> {
    (leaf.key().security_bits() < LEVEL_1_BITS)
        .then(|| VerificationFailure::new(E::EeKeyTooSmall, 0))
}

fn raise(raised: &mut Vec<VerificationFailure>, wrong: bool, error: E, depth: usize) {
    if wrong {
        raised.push(VerificationFailure::new(error, depth));
    }
}

/// All checks after `build_chain`, in their order.
pub(super) fn check_path(
    path: &Path<'_>,
    names: &LeafNames,
    now: UnixTime,
    account: &Account<'_>,
    raised: &mut Vec<VerificationFailure>,
) {
    check_extensions(&path.chain, raised);
    check_strength(&path.chain, raised);
    if let Some(leaf) = path.chain.first() {
        names.check(leaf, raised);
    }
    check_signatures_and_dates(path, now, account, raised);
    check_name_constraints(&path.chain, account, raised);
    super::resources::check(&path.chain, account, raised);
}

/// `check_extensions`.
fn check_extensions(chain: &[&Certificate], raised: &mut Vec<VerificationFailure>) {
    let mut issuers_below = 0_u32;
    for (depth, certificate) in chain.iter().enumerate() {
        let top = depth + 1 == chain.len();
        let unhandled = certificate.unhandled_critical().is_some();
        raise(raised, unhandled, E::UnhandledCriticalExtension, depth);
        raise(raised, certificate.is_proxy(), E::ProxyNotAllowed, depth);
        if depth > 0 {
            let refused = match certificate.ca_status() {
                CaStatus::Yes => false,
                CaStatus::No => true,
                CaStatus::OnlyAsRoot | CaStatus::OnlyAsNetscapeRoot { .. } => !top,
            };
            raise(raised, refused, E::InvalidCa, depth);
        }
        if chain.len() > 1 {
            let explicit = certificate.key().has_explicit_curve();
            raise(raised, explicit, E::ExplicitCurve, depth);
        }
        let unsuitable = !certificate.serves_tls(depth > 0);
        raise(raised, unsuitable, E::InvalidPurpose, depth);
        let exceeded = depth > 1
            && certificate
                .basic_constraints()
                .and_then(|constraints| constraints.path_length)
                .is_some_and(|limit| issuers_below > limit);
        raise(raised, exceeded, E::PathLengthExceeded, depth);
        if depth > 0 && !certificate.is_self_issued() {
            issuers_below += 1;
        }
    }
}

/// `check_auth_level`: the leaf's own key was checked before; the signature of
/// the topmost certificate does not count.
fn check_strength(chain: &[&Certificate], raised: &mut Vec<VerificationFailure>) {
    for (depth, certificate) in chain.iter().enumerate() {
        let weak_key = depth > 0 && certificate.key().security_bits() < LEVEL_1_BITS;
        raise(raised, weak_key, E::CaKeyTooSmall, depth);
        let weak_digest = depth + 1 < chain.len()
            && certificate.signature_algorithm().security_bits() < LEVEL_1_BITS;
        raise(raised, weak_digest, E::CaDigestTooWeak, depth);
    }
}

/// `internal_verify`, from the top down. The date of the topmost certificate
/// counts only if it is self-issued, or a bare key signed it.
fn check_signatures_and_dates(
    path: &Path<'_>,
    now: UnixTime,
    account: &Account<'_>,
    raised: &mut Vec<VerificationFailure>,
) {
    let Some((top, below)) = path.chain.split_last() else {
        return;
    };
    if path.bare_key || top.likely_issued(top) {
        check_date(top, below.len(), now, raised);
    } else if below.is_empty() {
        raise(raised, true, E::UnableToVerifyLeafSignature, 0);
        check_date(top, 0, now, raised);
    }
    let pairs = path.chain.iter().zip(path.chain.iter().skip(1));
    for (depth, (subject, issuer)) in pairs.enumerate().rev() {
        let no_sign = issuer.key_usage().is_some_and(|usage| !usage.cert_sign);
        raise(raised, no_sign, E::KeyUsageNoCertSign, depth + 1);
        if !issuer.key().is_supported() {
            raise(raised, true, E::UnableToDecodeIssuerPublicKey, depth + 1);
        } else {
            match account.signature(subject, issuer.key()) {
                Ok(SignatureOutcome::Valid) => {}
                Ok(SignatureOutcome::Invalid) => raise(raised, true, E::SignatureFailure, depth),
                Err(WorkUsedUp { .. }) => raise(raised, true, E::WorkUsedUp, depth),
                Ok(SignatureOutcome::CannotVerify(algorithm)) => {
                    raise(raised, true, E::CannotVerify { algorithm }, depth);
                }
            }
        }
        check_date(subject, depth, now, raised);
    }
}

/// `ossl_x509_check_cert_time`.
fn check_date(
    certificate: &Certificate,
    depth: usize,
    now: UnixTime,
    raised: &mut Vec<VerificationFailure>,
) {
    raise(
        raised,
        certificate.not_before() > now,
        E::NotYetValid,
        depth,
    );
    raise(raised, certificate.not_after() <= now, E::Expired, depth);
}

/// `check_name_constraints`, from the top down; self-issued certificates are
/// exempt unless they are the leaf.
fn check_name_constraints(
    chain: &[&Certificate],
    account: &Account<'_>,
    raised: &mut Vec<VerificationFailure>,
) {
    for (depth, certificate) in chain.iter().enumerate().rev() {
        if depth > 0 && certificate.is_self_issued() {
            continue;
        }
        for issuer in chain.iter().skip(depth + 1).rev() {
            match account.objection(issuer, certificate, depth == 0) {
                Ok(None) => {}
                Ok(Some(error)) => raise(raised, true, error, depth),
                Err(WorkUsedUp { .. }) => raise(raised, true, E::WorkUsedUp, depth),
            }
        }
    }
}
