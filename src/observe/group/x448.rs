//! The group x448 (RFC 7748 section 5).

use p521::elliptic_curve::bigint::modular::runtime_mod::{DynResidue, DynResidueParams};
use p521::elliptic_curve::bigint::{Encoding, U448};
use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::{Error, NamedGroup, PeerMisbehaved};

use super::random;

/// The group.
#[derive(Debug)]
pub(super) struct X448;

struct Exchange {
    secret: [u8; BYTES],
    public: [u8; BYTES],
}

/// The length of scalars and coordinates.
const BYTES: usize = 56;

/// The prime, 2^448 - 2^224 - 1.
const PRIME: U448 = U448::from_be_hex(
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffe\
     ffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
);

/// (156326 - 2) / 4
const A24: u64 = 39081;

/// The u-coordinate of the base point.
const BASE: u8 = 5;

impl SupportedKxGroup for X448 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let secret = random()?;
        let mut base = [0; BYTES];
        let [lowest, ..] = &mut base;
        *lowest = BASE;
        Ok(Box::new(Exchange {
            secret,
            public: multiply(secret, base),
        }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X448
    }
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer = peer
            .try_into()
            .map_err(|_| PeerMisbehaved::InvalidKeyShare)?;
        let shared = multiply(self.secret, peer);
        // A point of small order (RFC 7748 section 6.2).
        if shared == [0; BYTES] {
            return Err(PeerMisbehaved::InvalidKeyShare.into());
        }
        Ok(SharedSecret::from(shared.as_slice()))
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X448
    }
}

/// The function X448: a Montgomery ladder, in the letters of the RFC. Its
/// duration depends on the scalar, which does no harm because nothing is
/// secret.
fn multiply(mut scalar: [u8; BYTES], u: [u8; BYTES]) -> [u8; BYTES] {
    let field = DynResidueParams::new(&PRIME);
    let number = |value: &U448| DynResidue::new(value, field);
    let [first, .., last] = &mut scalar;
    *first &= 252;
    *last |= 128;
    let a24 = number(&U448::from_u64(A24));
    let x1 = number(&U448::from_le_bytes(u));
    let (one, zero) = (DynResidue::one(field), DynResidue::zero(field));
    let (mut x2, mut z2, mut x3, mut z3) = (one, zero, x1, one);
    let bits = scalar
        .iter()
        .rev()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    for bit in bits {
        if bit {
            (x2, x3, z2, z3) = (x3, x2, z3, z2);
        }
        let (a, b) = (x2.add(&z2), x2.sub(&z2));
        let (aa, bb) = (a.square(), b.square());
        let e = aa.sub(&bb);
        let (c, d) = (x3.add(&z3), x3.sub(&z3));
        let (da, cb) = (d.mul(&a), c.mul(&b));
        x3 = da.add(&cb).square();
        z3 = x1.mul(&da.sub(&cb).square());
        x2 = aa.mul(&bb);
        z2 = e.mul(&aa.add(&a24.mul(&e)));
        if bit {
            (x2, x3, z2, z3) = (x3, x2, z3, z2);
        }
    }
    // If z2 is zero, the result is zero, whatever the inverse.
    let (inverse, _) = z2.invert();
    let product = x2.mul(&inverse).retrieve();
    if z2 == zero {
        return [0; BYTES];
    }
    product.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> [u8; BYTES] {
        let mut out = [0; BYTES];
        for (index, byte) in out.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2).unwrap(), 16).unwrap();
        }
        out
    }

    #[test]
    fn the_vector_of_rfc_7748_section_5_2_holds() {
        let product = multiply(
            bytes(
                "3d262fddf9ec8e88495266fea19a34d28882acef045104d0d1aae121\
                 700a779c984c24f8cdd78fbff44943eba368f54b29259a4f1c600ad3",
            ),
            bytes(
                "06fce640fa3487bfda5f6cf2d5263f8aad88334cbd07437f020f08f9\
                 814dc031ddbdc38c19c6da2583fa5429db94ada18aa7a7fb4ef8a086",
            ),
        );
        assert_eq!(
            product,
            bytes(
                "ce3e4ff95a60dc6697da1db1d85e6afbdf79b50a2412d7546d5f239f\
                 e14fbaadeb445fc66a01b0779d98223961111e21766282f73dd96b6f",
            )
        );
    }

    #[test]
    fn a_point_of_small_order_is_refused() {
        assert!(X448.start().unwrap().complete(&[0; BYTES]).is_err());
    }
}
