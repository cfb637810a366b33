//! Postfix's `verify` and `secure`: a path to the trust store, and a name.

use crate::certificate::{
    Account, Anchors, Certificate, Known, LeafNames, Presented, ReferenceName, VerificationError,
    VerificationFailure, verify_path,
};
use crate::unix_time::UnixTime;

use crate::work::SHARED;

/// Verifies a presented chain, leaf first, against a trust store, as Postfix
/// does at the levels `verify` and `secure` with `smtp_tls_CAfile` or
/// `smtp_tls_CApath`. Any one of `names` is enough; without a name nothing
/// passes (`tls_client.c:add_namechecks`).
pub fn verify_pkix(
    chain: &[Presented],
    trust_store: &[Certificate],
    names: &[ReferenceName],
    now: UnixTime,
) -> Result<(), VerificationFailure> {
    let known = Known::default();
    let account = Account::new(&known, SHARED);
    verify_pkix_within(&account, chain, trust_store, names, now)
}

/// The same with the work that `account` has left.
pub(crate) fn verify_pkix_within(
    account: &Account<'_>,
    chain: &[Presented],
    trust_store: &[Certificate],
    names: &[ReferenceName],
    now: UnixTime,
) -> Result<(), VerificationFailure> {
    let unread = VerificationFailure::undecodable(chain);
    if let Some(failure) = unread.or_else(|| VerificationFailure::unreadable(chain)) {
        return Err(failure);
    }
    let Some(Ok(leaf)) = chain.first() else {
        let error = VerificationError::NoCertificate;
        return Err(VerificationFailure::new(error, 0));
    };
    let presented: Vec<&Certificate> = chain.iter().flatten().collect();
    let verified = verify_path(
        leaf,
        &presented,
        &Anchors::Store(trust_store),
        &LeafNames::new(names),
        now,
        account,
    );
    let Ok((_, raised)) = verified else {
        return Err(VerificationFailure::new(VerificationError::WorkUsedUp, 0));
    };
    match VerificationFailure::choose(&raised) {
        Some(failure) => Err(failure.with_cause(&presented)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::VerificationError as E;
    use crate::certificate::mint::{Chain, Entity, NOW, sent};

    type Outcome = Result<(), (E, usize)>;

    fn judge(chain: &[&Certificate], store: &[&Certificate], names: &[&str]) -> Outcome {
        let store: Vec<Certificate> = store.iter().map(|known| (*known).clone()).collect();
        let names: Vec<_> = names
            .iter()
            .map(|name| ReferenceName::parse(name))
            .collect();
        verify_pkix(&sent(chain), &store, &names, NOW)
            .map_err(|failure| (failure.error, failure.depth))
    }

    const MX: &[&str] = &["mx.test"];

    #[test]
    fn a_path_to_a_root_in_the_store_suffices_sent_or_not() {
        let chain = Chain::new("mx.test");
        let (leaf, middle) = (&chain.leaf.certificate, &chain.intermediate.certificate);
        let root = &chain.root.certificate;
        assert_eq!(judge(&[leaf, middle], &[root], MX), Ok(()));
        assert_eq!(judge(&[leaf, middle, root], &[root], MX), Ok(()));
        assert_eq!(judge(&[leaf], &[root, middle], MX), Ok(()));
    }

    #[test]
    fn missing_intermediates_are_not_fetched() {
        let chain = Chain::new("mx.test");
        let (leaf, root) = (&chain.leaf.certificate, &chain.root.certificate);
        let issuer = "/CN=Lab Intermediate".to_owned();
        assert_eq!(
            judge(&[leaf], &[root], MX),
            Err((E::UnableToGetIssuerLocally { issuer }, 0))
        );
    }

    #[test]
    fn without_a_trust_store_every_chain_has_an_untrusted_issuer() {
        let chain = Chain::new("mx.test");
        let (leaf, middle) = (&chain.leaf.certificate, &chain.intermediate.certificate);
        let root = &chain.root.certificate;
        let issuer = || "/CN=Lab Root".to_owned();
        assert_eq!(
            judge(&[leaf, middle], &[], MX),
            Err((E::UnableToGetIssuerLocally { issuer: issuer() }, 1))
        );
        let unknown = Err((E::SelfSignedInChain { issuer: issuer() }, 2));
        assert_eq!(judge(&[leaf, middle, root], &[], MX), unknown);
        // Another root of the same name does not help.
        let mimic = Entity::root("Lab Root", |_| {}).certificate;
        let outcome = judge(&[leaf, middle, root], &[&mimic], MX);
        assert_eq!(outcome, Err((E::SignatureFailure, 1)));
    }

    #[test]
    fn an_intermediate_in_the_store_is_no_anchor() {
        let chain = Chain::new("mx.test");
        let (leaf, middle) = (&chain.leaf.certificate, &chain.intermediate.certificate);
        assert_eq!(
            judge(&[leaf, middle], &[middle], MX),
            Err((E::UnableToGetIssuer, 1))
        );
    }

    #[test]
    fn a_self_signed_leaf_passes_only_if_it_is_in_the_store() {
        let leaf = Entity::self_signed("mx.test", |_| {}).certificate;
        assert_eq!(judge(&[&leaf], &[&leaf], MX), Ok(()));
        assert_eq!(judge(&[&leaf], &[], MX), Err((E::SelfSignedLeaf, 0)));
        let mimic = Entity::self_signed("mx.test", |_| {}).certificate;
        assert_eq!(judge(&[&leaf], &[&mimic], MX), Err((E::SelfSignedLeaf, 0)));
    }

    #[test]
    fn the_store_comes_first_so_that_a_cross_certificate_does_no_harm() {
        let old = Entity::root("Old Root", |params| {
            params.not_after = rcgen::date_time_ymd(2026, 2, 1);
        });
        let chain = Chain::new("mx.test");
        let cross = old.intermediate("Lab Root", |_| {}).certificate;
        let (leaf, middle) = (&chain.leaf.certificate, &chain.intermediate.certificate);
        let sent = [leaf, middle, &cross, &old.certificate];
        assert_eq!(judge(&sent, &[&chain.root.certificate], MX), Ok(()));
    }

    #[test]
    fn expiry_is_logged_rather_than_a_host_name_mismatch() {
        let root = Entity::root("Lab Root", |_| {});
        let leaf = root
            .leaf("mx.test", |params| {
                params.not_after = rcgen::date_time_ymd(2026, 2, 1);
            })
            .certificate;
        let outcome = judge(&[&leaf], &[&root.certificate], &["other.test"]);
        assert_eq!(outcome, Err((E::Expired, 0)));
    }

    #[test]
    fn secure_accepts_the_next_hop_and_all_below_it_but_not_the_mx_elsewhere() {
        let root = Entity::root("Lab Root", |_| {});
        let secure = ["ex.test", ".ex.test"];
        let outcome = |name: &str| {
            let leaf = root.leaf(name, |_| {}).certificate;
            judge(&[&leaf], &[&root.certificate], &secure)
        };
        for name in ["ex.test", "mx.ex.test", "a.b.ex.test", "*.ex.test"] {
            assert_eq!(outcome(name), Ok(()), "{name}");
        }
        for name in ["mx.host.test", "aex.test"] {
            assert_eq!(outcome(name), Err((E::HostnameMismatch, 0)), "{name}");
        }
    }

    #[test]
    fn verify_accepts_the_mx_host_and_not_the_next_hop() {
        let root = Entity::root("Lab Root", |_| {});
        let leaf = root.leaf("ex.test", |_| {}).certificate;
        let mismatch = Err((E::HostnameMismatch, 0));
        assert_eq!(judge(&[&leaf], &[&root.certificate], MX), mismatch);
        let names = ["mx.test", "ex.test"];
        assert_eq!(judge(&[&leaf], &[&root.certificate], &names), Ok(()));
    }

    #[test]
    fn an_address_needs_an_address_in_the_certificate_and_secure_never_matches_one() {
        let root = Entity::root("Lab Root", |_| {});
        let leaf = root
            .leaf("192.0.2.1", |params| {
                let address = std::net::IpAddr::from([192, 0, 2, 1]);
                params.subject_alt_names = vec![rcgen::SanType::IpAddress(address)];
            })
            .certificate;
        let known = [&root.certificate];
        assert_eq!(judge(&[&leaf], &known, &["192.0.2.1"]), Ok(()));
        assert_eq!(
            judge(&[&leaf], &known, &["192.0.2.2"]),
            Err((E::IpAddressMismatch, 0))
        );
        assert_eq!(
            judge(&[&leaf], &known, &["192.0.2.1", ".192.0.2.1"]),
            Err((E::HostnameMismatch, 0))
        );
        let named = root.leaf("192.0.2.1", |params| params.subject_alt_names.clear());
        assert_eq!(
            judge(&[&named.certificate], &known, &["192.0.2.1"]),
            Err((E::IpAddressMismatch, 0))
        );
    }

    #[test]
    fn without_names_or_certificates_nothing_passes() {
        let leaf = Entity::self_signed("mx.test", |_| {}).certificate;
        assert_eq!(judge(&[&leaf], &[&leaf], &[]), Err((E::Unspecified, 0)));
        assert_eq!(judge(&[], &[&leaf], MX), Err((E::NoCertificate, 0)));
        let garbage = crate::certificate::presented_chain(&[b"garbage"]);
        let failure = verify_pkix(&garbage, &[], &[], NOW).unwrap_err();
        assert_eq!(failure.error, E::Undecodable);
    }
}
