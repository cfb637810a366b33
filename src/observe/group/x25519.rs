//! The group x25519 (RFC 7748 section 5), which nearly every server chooses: with
//! graviola, in less than two thirds of the time that ring takes. Processors that are
//! too old for graviola, or of another family, use ring's.

use rustls::crypto::{ActiveKeyExchange, SupportedKxGroup, ring};
use rustls::{Error, NamedGroup};

/// The group.
#[derive(Debug)]
pub(super) struct X25519;

impl SupportedKxGroup for X25519 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        if graviola::util::is_cpu_supported() {
            return fast::start();
        }
        ring::kx_group::X25519.start()
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod fast {
    use graviola::key_agreement::x25519::{PrivateKey, PublicKey};
    use rustls::crypto::{ActiveKeyExchange, GetRandomFailed, SharedSecret};
    use rustls::{Error, NamedGroup, PeerMisbehaved};

    struct Exchange {
        secret: PrivateKey,
        public: [u8; 32],
    }

    pub(super) fn start() -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let secret = PrivateKey::new_random().map_err(|_| GetRandomFailed)?;
        let public = secret.public_key().as_bytes();
        Ok(Box::new(Exchange { secret, public }))
    }

    impl ActiveKeyExchange for Exchange {
        fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
            // A share of the wrong length, or a point of small order (section 6.1).
            let shared = PublicKey::try_from_slice(peer)
                .and_then(|peer| self.secret.diffie_hellman(&peer))
                .map_err(|_| PeerMisbehaved::InvalidKeyShare)?;
            Ok(SharedSecret::from(shared.0.as_slice()))
        }

        fn pub_key(&self) -> &[u8] {
            &self.public
        }

        fn group(&self) -> NamedGroup {
            NamedGroup::X25519
        }
    }
}
