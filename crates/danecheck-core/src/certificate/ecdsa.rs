//! ECDSA (FIPS 186-5) with the combinations of curve and digest that ring
//! lacks, for signatures of certificates and handshakes.

use std::borrow::Cow;

use p521::ecdsa::signature::hazmat::PrehashVerifier;

/// Whether the key with this point made this signature (in DER) over data with
/// this digest; `None` for a curve (OpenSSL's name) that is not supported.
pub fn verify(curve: &str, point: &[u8], mut digest: Vec<u8>, signature: &[u8]) -> Option<bool> {
    let width = match curve {
        "prime256v1" => 32,
        "secp384r1" => 48,
        "secp521r1" => 66,
        _ => return None,
    };
    let Some(point) = plain(point) else {
        return Some(false);
    };
    let point = point.as_ref();
    // A digest is a number: leading zeroes change nothing, and without them the
    // crates refuse those below half the field's width.
    let missing = usize::saturating_sub(width, digest.len());
    digest.splice(..0, std::iter::repeat_n(0, missing));
    Some(match curve {
        "prime256v1" => holds(
            p256::ecdsa::VerifyingKey::from_sec1_bytes(point),
            p256::ecdsa::Signature::from_der(signature),
            &digest,
        ),
        "secp384r1" => holds(
            p384::ecdsa::VerifyingKey::from_sec1_bytes(point),
            p384::ecdsa::Signature::from_der(signature),
            &digest,
        ),
        _ => holds(
            p521::ecdsa::VerifyingKey::from_sec1_bytes(point),
            p521::ecdsa::Signature::from_der(signature),
            &digest,
        ),
    })
}

/// A point as the crates read it. In the hybrid form, which OpenSSL knows, the
/// first octet tells the parity of y, though y is there.
fn plain(point: &[u8]) -> Option<Cow<'_, [u8]>> {
    match point {
        [form @ (6 | 7), inside @ ..] => {
            let fits = inside.last().is_some_and(|y| (y ^ form) & 1 == 0);
            fits.then(|| Cow::Owned([&[4], inside].concat()))
        }
        point => Some(Cow::Borrowed(point)),
    }
}

/// Whether a point with both its coordinates lies on the curve (OpenSSL's
/// name); true of others, which are only looked at when they are used.
pub(super) fn may_be_on_curve(curve: &str, point: &[u8]) -> bool {
    if !matches!(point.first(), Some(4 | 6 | 7)) {
        return true;
    }
    let Some(point) = plain(point) else {
        return false;
    };
    match curve {
        "prime256v1" => p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).is_ok(),
        "secp384r1" => p384::ecdsa::VerifyingKey::from_sec1_bytes(&point).is_ok(),
        "secp521r1" => p521::ecdsa::VerifyingKey::from_sec1_bytes(&point).is_ok(),
        _ => true,
    }
}

fn holds<Key, Signature, Error>(
    key: Result<Key, Error>,
    signature: Result<Signature, Error>,
    digest: &[u8],
) -> bool
where
    Key: PrehashVerifier<Signature>,
{
    let (Ok(key), Ok(signature)) = (key, signature) else {
        return false;
    };
    key.verify_prehash(digest, &signature).is_ok()
}
