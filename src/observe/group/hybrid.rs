//! The group X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem), which Postfix 3.11 offers on
//! OpenSSL 3.5.
//!
//! The key of ML-KEM is the one with nothing but zeroes in it (FIPS 203 section 5.1):
//! then a ciphertext shows its message without any decryption, which does no harm
//! because nothing is secret.

use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};
use sha3::{Digest, Sha3_256, Sha3_512};

use super::x25519::X25519;

/// The group.
#[derive(Debug)]
pub(super) struct X25519MlKem768;

struct Exchange {
    x25519: Box<dyn ActiveKeyExchange>,
    public: Vec<u8>,
}

/// The length of an encapsulation key (FIPS 203 table 3).
const KEY_BYTES: usize = 1184;

/// The length of the first part of a ciphertext, which depends on the key alone, and
/// of the second, which has the message.
const FIRST_PART: usize = 960;
const SECOND_PART: usize = 128;

impl SupportedKxGroup for X25519MlKem768 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let x25519 = X25519.start()?;
        let public = [[0; KEY_BYTES].as_slice(), x25519.pub_key()].concat();
        Ok(Box::new(Exchange { x25519, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let wrong = || Error::from(PeerMisbehaved::InvalidKeyShare);
        let (_, rest) = peer.split_at_checked(FIRST_PART).ok_or_else(wrong)?;
        let (second, peer) = rest.split_at_checked(SECOND_PART).ok_or_else(wrong)?;
        let Self { x25519, .. } = *self;
        let x25519 = x25519.complete(peer)?;
        let secret = [secret(second).as_slice(), x25519.secret_bytes()].concat();
        Ok(SharedSecret::from(secret))
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }
}

/// The secret of ML-KEM (FIPS 203 algorithm 17), from the second part of a ciphertext.
fn secret(second: &[u8]) -> [u8; 32] {
    let message: Vec<u8> = second.chunks(4).map(byte).collect();
    let of_key = Sha3_256::digest([0; KEY_BYTES]);
    let both = Sha3_512::new().chain_update(message).chain_update(of_key);
    let mut secret = [0; 32];
    for (to, from) in secret.iter_mut().zip(both.finalize()) {
        *to = from;
    }
    secret
}

/// Eight bits of the message, from as many coefficients of four bits, the lowest
/// first: one that is nearer to half of the modulus than to zero is a 1 (`Compress`
/// and `Decompress`, FIPS 203 section 4.2.1).
fn byte(coefficients: &[u8]) -> u8 {
    let bit = |coefficient: u8| u8::from((5..=11).contains(&coefficient));
    coefficients.iter().rev().fold(0, |bits, two| {
        bits << 2 | bit(two >> 4) << 1 | bit(two & 15)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn the_secret_is_that_of_openssl() {
        // What `openssl pkeyutl -encap` of OpenSSL 3.5 made for a key of zeroes.
        let second = bytes(
            "0000000080888000800088808080808008808080808000800088008808800800080000000888000808800080808800080888000880080008880000008008880008808808808000000888080000008000008808008808880880880800880088000080080800088888000080088080888080000000808080000000800888008088",
        );
        let of_openssl = bytes("9a4866346e41ed40941d2177c8793134f91d802d52baf5f554c6d3b311ec76e9");
        assert_eq!(secret(&second).as_slice(), of_openssl);
    }

    #[test]
    fn a_coefficient_is_the_nearer_of_two() {
        let ones = (0..16).filter(|four| byte(&[*four]) == 1);
        assert_eq!(ones.collect::<Vec<u8>>(), [5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(byte(&[0x80, 0, 0, 0x08]), 0b0100_0010);
    }

    #[test]
    fn a_share_has_one_length() {
        let whole = [vec![0; FIRST_PART + SECOND_PART], vec![9; 32]].concat();
        let complete = |share: &[u8]| X25519MlKem768.start().unwrap().complete(share);
        assert_eq!(complete(&whole).unwrap().secret_bytes().len(), 64);
        assert_eq!(X25519MlKem768.start().unwrap().pub_key().len(), 1216);
        for share in [&whole[1..], &[whole.as_slice(), &[0]].concat(), &[4], &[]] {
            assert!(complete(share).is_err());
        }
    }
}
