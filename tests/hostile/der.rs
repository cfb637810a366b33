//! The little DER (X.690) that hostile certificates and keys are made of.

/// A value with its tag and its length.
pub(crate) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut der = vec![tag];
    match length {
        0..0x80 => der.push(u8::try_from(length).unwrap()),
        0x80..0x100 => der.extend([0x81, u8::try_from(length).unwrap()]),
        _ => {
            der.push(0x82);
            der.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    der.extend_from_slice(content);
    der
}

/// A SEQUENCE.
pub(crate) fn sequence(content: &[u8]) -> Vec<u8> {
    value(0x30, content)
}

/// A SubjectPublicKeyInfo (RFC 5280 section 4.1) with this algorithm, in DER,
/// and key.
pub(crate) fn public_key(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let bits = value(0x03, &[&[0][..], key].concat());
    sequence(&[algorithm, &bits].concat())
}

/// The algorithm of a key on P-521 (RFC 5480 section 2.1.1).
pub(crate) fn p521() -> Vec<u8> {
    let key = [0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let curve = [0x06, 5, 0x2b, 0x81, 0x04, 0x00, 0x23];
    sequence(&[&key[..], &curve].concat())
}

/// The algorithm of an RSA key (RFC 8017 appendix A.1).
pub(crate) fn rsa() -> Vec<u8> {
    let key = [
        0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
    ];
    sequence(&[&key[..], &[0x05, 0]].concat())
}

/// An RSA key.
pub(crate) fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let modulus = value(0x02, &[&[0][..], modulus].concat());
    sequence(&[modulus, value(0x02, exponent)].concat())
}
