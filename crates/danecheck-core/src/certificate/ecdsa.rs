//! ECDSA (FIPS 186-5) with the combinations of curve and digest that ring
//! lacks, for signatures of certificates and handshakes.

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
    // The hybrid form: uncompressed, with the parity of y (SEC 1 section 2.3.3
    // has it no more, OpenSSL does).
    let mut point = point.to_vec();
    if let Some(form @ (6 | 7)) = point.first().copied() {
        if point.last().is_none_or(|y| (y ^ form) & 1 != 0) {
            return Some(false);
        }
        if let Some(first) = point.first_mut() {
            *first = 4;
        }
    }
    let point = point.as_slice();
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
