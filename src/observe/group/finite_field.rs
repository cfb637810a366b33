//! The groups ffdhe2048 and ffdhe3072 in TLS 1.3 (RFC 7919, RFC 8446 section
//! 4.2.8.1).

use p521::elliptic_curve::bigint::modular::runtime_mod::{DynResidue, DynResidueParams};
use p521::elliptic_curve::bigint::{Encoding, U256, U2048, U3072, Uint};
use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::{FFDHE2048, FFDHE3072, FfdheGroup};
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};

use super::random;

/// Prime, base and exponent to the power.
type Power = fn(&[u8], &[u8], &U256) -> Option<Vec<u8>>;

/// A group.
#[derive(Debug)]
pub(super) struct FiniteField {
    name: NamedGroup,
    group: FfdheGroup<'static>,
    power: Power,
}

/// `ffdhe2048`.
pub(super) static SMALLER: FiniteField = FiniteField {
    name: NamedGroup::FFDHE2048,
    group: FFDHE2048,
    power: |prime, base, exponent| power::<{ U2048::LIMBS }>(prime, base, exponent),
};

/// `ffdhe3072`.
pub(super) static LARGER: FiniteField = FiniteField {
    name: NamedGroup::FFDHE3072,
    group: FFDHE3072,
    power: |prime, base, exponent| power::<{ U3072::LIMBS }>(prime, base, exponent),
};

struct Exchange {
    of: &'static FiniteField,
    secret: U256,
    public: Vec<u8>,
}

impl FiniteField {
    /// A number as long as the prime, with zeroes before it.
    fn padded(&self, number: &[u8]) -> Option<Vec<u8>> {
        let mut padded = vec![0; self.group.p.len().checked_sub(number.len())?];
        padded.extend(number);
        Some(padded)
    }

    /// Whether it is between 1 and the prime less 1, exclusive (RFC 8446 section
    /// 4.2.8.1), and as long as the prime.
    fn is_share(&self, share: &[u8]) -> bool {
        let (Some(one), Some((last, rest))) = (self.padded(&[1]), self.group.p.split_last()) else {
            return false;
        };
        // The prime is odd.
        let below = [rest, &[last.wrapping_sub(1)]].concat();
        share.len() == one.len() && share > one.as_slice() && share < below.as_slice()
    }
}

impl SupportedKxGroup for &'static FiniteField {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        // 225 bits would do (RFC 7919 section 5.2).
        let secret = U256::from_be_bytes(random()?);
        let wrong = || Error::General("this group cannot be computed in".to_owned());
        let base = self.padded(self.group.g).ok_or_else(wrong)?;
        let public = (self.power)(self.group.p, &base, &secret).ok_or_else(wrong)?;
        Ok(Box::new(Exchange {
            of: self,
            secret,
            public,
        }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        Some(self.group)
    }

    fn name(&self) -> NamedGroup {
        self.name
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let shared = (self.of.is_share(peer))
            .then(|| (self.of.power)(self.of.group.p, peer, &self.secret))
            .flatten()
            .ok_or(PeerMisbehaved::InvalidKeyShare)?;
        Ok(SharedSecret::from(shared))
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        Some(self.of.group)
    }

    fn group(&self) -> NamedGroup {
        self.of.name
    }
}

/// A power of `base`, which is as long as the prime; nothing where they are not as
/// long as the number type.
fn power<const LIMBS: usize>(prime: &[u8], base: &[u8], exponent: &U256) -> Option<Vec<u8>>
where
    Uint<LIMBS>: Encoding,
{
    let number =
        |bytes: &[u8]| (bytes.len() == Uint::<LIMBS>::BYTES).then(|| Uint::from_be_slice(bytes));
    let field = DynResidueParams::new(&number(prime)?);
    let power = DynResidue::new(&number(base)?, field).pow(exponent);
    Some(power.retrieve().to_be_bytes().as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_is_that_of_numbers() {
        let small = |number: u64| {
            let mut bytes = vec![0; 256];
            bytes[248..].copy_from_slice(&number.to_be_bytes());
            bytes
        };
        // 3^5 = 243 is 5 modulo 7.
        let power = power::<{ U2048::LIMBS }>(&small(7), &small(3), &U256::from_u64(5));
        assert_eq!(power, Some(small(5)));
    }

    #[test]
    fn shares_at_the_edge_of_the_group_are_refused() {
        for group in [&SMALLER, &LARGER] {
            let prime = group.group.p.to_vec();
            let mut below = prime.clone();
            *below.last_mut().unwrap() -= 1;
            let number = |number: u8| group.padded(&[number]).unwrap();
            for share in [&number(0), &number(1), &below, &prime] {
                assert!(!group.is_share(share));
                assert!(group.start().unwrap().complete(share).is_err());
            }
            below.last_mut().map(|last| *last -= 1).unwrap();
            assert!(group.is_share(&number(2)) && group.is_share(&below));
        }
    }
}
