//! The group secp521r1.

use p521::elliptic_curve::sec1::ToEncodedPoint;
use p521::{PublicKey, SecretKey, ecdh};
use rustls::crypto::{ActiveKeyExchange, GetRandomFailed, SharedSecret, SupportedKxGroup};
use rustls::{Error, NamedGroup, PeerMisbehaved};

use super::random;

/// The group.
#[derive(Debug)]
pub(super) struct Secp521r1;

struct Exchange {
    secret: SecretKey,
    public: Vec<u8>,
}

impl SupportedKxGroup for Secp521r1 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let mut scalar = random::<66>()?;
        // 521 bits of 528. The probability that these random bits are not a
        // scalar is 2^-256.
        let [top, ..] = &mut scalar;
        *top &= 1;
        let secret = SecretKey::from_slice(&scalar).map_err(|_| GetRandomFailed)?;
        let public = secret.public_key().to_encoded_point(false);
        Ok(Box::new(Exchange {
            secret,
            public: public.as_bytes().to_vec(),
        }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        // Only points on the curve, and only in the uncompressed form (RFC
        // 8446 section 4.2.8.2).
        let peer = (peer.first() == Some(&4))
            .then(|| PublicKey::from_sec1_bytes(peer).ok())
            .flatten()
            .ok_or(PeerMisbehaved::InvalidKeyShare)?;
        let shared = ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), peer.as_affine());
        let bytes: &[u8] = shared.raw_secret_bytes().as_ref();
        Ok(SharedSecret::from(bytes))
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_is_no_point_is_refused() {
        let good = Secp521r1.start().unwrap().pub_key().to_vec();
        let mut off_the_curve = good.clone();
        off_the_curve[132] ^= 1;
        let mut odd_form = good;
        odd_form[0] = 6;
        for share in [off_the_curve, odd_form] {
            assert!(Secp521r1.start().unwrap().complete(&share).is_err());
        }
    }
}
