//! Postfix's `verify` and `secure`: a path to the trust store, and a name.

use crate::certificate::path::{Anchors, verify_path};
use crate::certificate::{
    Certificate, LeafNames, Presented, ReferenceName, VerificationError, VerificationFailure,
};
use crate::unix_time::UnixTime;

/// Verifies a presented chain, leaf first, against a trust store, as Postfix
/// does at the levels `verify` and `secure` with `smtp_tls_CAfile` or
/// `smtp_tls_CApath`. Any one of `names` suffices; without a name nothing does
/// (`tls_client.c:add_namechecks`).
pub fn verify_pkix(
    chain: &[Presented],
    trust_store: &[Certificate],
    names: &[ReferenceName],
    now: UnixTime,
) -> Result<(), VerificationFailure> {
    let leaf = match chain.first() {
        Some(Ok(leaf)) => leaf,
        Some(Err(unreadable)) => {
            let reason = unreadable.reason.clone();
            let error = VerificationError::Unreadable { reason };
            return Err(VerificationFailure::new(error, 0));
        }
        None => {
            let error = VerificationError::NoCertificate;
            return Err(VerificationFailure::new(error, 0));
        }
    };
    let presented: Vec<&Certificate> = chain.iter().flatten().collect();
    let (_, raised) = verify_path(
        leaf,
        &presented,
        &Anchors::Store(trust_store),
        &LeafNames::new(names),
        now,
    );
    match VerificationFailure::choose(&raised) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}
