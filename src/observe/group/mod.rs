//! Key exchange groups: one that is faster than that of rustls, and those that OpenSSL
//! offers and rustls lacks, because a server may support nothing else. In TLS 1.2
//! secp521r1 also decides whether a server may show a certificate with a key on that
//! curve (RFC 8422 section 5.1.1).
//!
//! No secret depends on them: this program sends only `EHLO` and `QUIT`.

mod finite_field;
mod hybrid;
mod secp521r1;
mod x25519;
mod x448;

use ring::rand::{SecureRandom, SystemRandom};
use rustls::Error;
use rustls::crypto::ring::kx_group::{SECP256R1, SECP384R1};
use rustls::crypto::{GetRandomFailed, SupportedKxGroup};

/// The groups of the usual offer, the preferred one first.
pub(super) const USUAL: [&dyn SupportedKxGroup; 5] = [
    &x25519::X25519,
    SECP256R1,
    SECP384R1,
    &secp521r1::Secp521r1,
    &x448::X448,
];

const FINITE_FIELD: [&dyn SupportedKxGroup; 2] = [&&finite_field::SMALLER, &&finite_field::LARGER];

const HYBRID: [&dyn SupportedKxGroup; 1] = [&hybrid::X25519MlKem768];

/// Groups that only newer Postfix offers, in TLS 1.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newer {
    /// ffdhe2048 and ffdhe3072: Postfix 3.8 (`tls_ffdhe_auto_groups`).
    FiniteField,
    /// X25519MLKEM768: Postfix 3.11 on OpenSSL 3.5 (`tls_eecdh_auto_curves`).
    Hybrid,
}

impl Newer {
    /// The groups.
    pub(super) fn groups(self) -> &'static [&'static dyn SupportedKxGroup] {
        match self {
            Self::FiniteField => &FINITE_FIELD,
            Self::Hybrid => &HYBRID,
        }
    }
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Error> {
    let mut bytes = [0; LENGTH];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| GetRandomFailed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_come_to_the_same_secret() {
        for (group, share, secret) in [
            (USUAL[0], 32, 32),
            (USUAL[3], 133, 66),
            (USUAL[4], 56, 56),
            (FINITE_FIELD[0], 256, 256),
            (FINITE_FIELD[1], 384, 384),
        ] {
            let (one, two) = (group.start().unwrap(), group.start().unwrap());
            let (share_one, share_two) = (one.pub_key().to_vec(), two.pub_key().to_vec());
            assert_eq!(share_one.len(), share);
            assert_ne!(share_one, share_two);
            let one = one.complete(&share_two).unwrap();
            let two = two.complete(&share_one).unwrap();
            assert_eq!(one.secret_bytes().len(), secret);
            assert_eq!(one.secret_bytes(), two.secret_bytes());
        }
    }

    #[test]
    fn a_share_of_the_wrong_length_is_refused() {
        for group in USUAL.into_iter().chain(FINITE_FIELD) {
            let good = group.start().unwrap().pub_key().to_vec();
            for share in [&good[1..], &[4], &[]] {
                assert!(group.start().unwrap().complete(share).is_err());
            }
        }
    }

    /// On a processor that graviola does not know, both are ring's.
    #[test]
    fn x25519_agrees_with_that_of_ring() {
        use rustls::crypto::ring::kx_group;
        let ours: &dyn SupportedKxGroup = USUAL[0];
        let (one, two) = (ours.start().unwrap(), kx_group::X25519.start().unwrap());
        let (share_one, share_two) = (one.pub_key().to_vec(), two.pub_key().to_vec());
        let one = one.complete(&share_two).unwrap();
        let two = two.complete(&share_one).unwrap();
        assert_eq!(one.secret_bytes(), two.secret_bytes());
    }

    /// RFC 7748 section 6.1: points of small order give a secret of zeroes.
    #[test]
    fn points_of_small_order_are_refused() {
        for lowest in [0, 1] {
            let mut share = [0; 32];
            share[0] = lowest;
            let group: &dyn SupportedKxGroup = USUAL[0];
            assert!(group.start().unwrap().complete(&share).is_err());
        }
    }
}
