//! What no check can do without: the signatures that it verifies, and the
//! keys that it agrees on.

use std::error::Error;
use std::time::Instant;

use ring::agreement::{self, EphemeralPrivateKey, X25519, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};

/// Signatures of a domain with a host and a key of its own, P-256 all of them:
/// over DS, DNSKEY, MX, A, TLSA and the denial of AAAA; of the server in two
/// handshakes; and of the issuer.
pub(crate) const SIGNATURES: u32 = 9;

/// Sessions, with a key agreement each.
pub(crate) const AGREEMENTS: u32 = 2;

/// How often each is done to see how long it takes.
const TIMES: u32 = 500;

/// Milliseconds that these take by themselves, with ring.
pub(crate) fn milliseconds() -> Result<f64, Box<dyn Error>> {
    let random = SystemRandom::new();
    let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).map_err(|_| "no key")?;
    let pair = EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random);
    let pair = pair.map_err(|_| "no key")?;
    let message = [0; 256];
    let signature = pair.sign(&random, &message).map_err(|_| "no signature")?;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key());
    let begin = Instant::now();
    for _ in 0..TIMES {
        let held = key.verify(&message, signature.as_ref());
        held.map_err(|_| "a signature that does not hold")?;
    }
    let one_signature = begin.elapsed() / TIMES;
    let begin = Instant::now();
    for _ in 0..TIMES {
        let own = EphemeralPrivateKey::generate(&X25519, &random).map_err(|_| "no key")?;
        let public = own.compute_public_key().map_err(|_| "no key")?;
        let peer = agreement::UnparsedPublicKey::new(&X25519, public);
        agree_ephemeral(own, &peer, |_| ()).map_err(|_| "no agreement")?;
    }
    let one_agreement = begin.elapsed() / TIMES;
    Ok((one_signature * SIGNATURES + one_agreement * AGREEMENTS).as_secs_f64() * 1e3)
}
