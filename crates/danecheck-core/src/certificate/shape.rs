//! Whether OpenSSL reads bytes as a certificate at all. It parses every entry of
//! a Certificate message, and ends the handshake at one that it cannot read
//! (openssl:`statem_clnt.c:tls_process_server_certificate`).

/// Whether these bytes have the parts of a certificate, each at its place
/// (RFC 5280 section 4.1). What is inside the parts is not looked at, so bytes
/// that fail here fail in OpenSSL too (openssl:`x_x509.c:X509_CINF`).
pub fn has_shape_of_certificate(der: &[u8]) -> bool {
    // BER without a length is read by OpenSSL.
    if der.get(1) == Some(&0x80) {
        return true;
    }
    check(der).is_some()
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const VERSION: u8 = 0xa0;

fn check(der: &[u8]) -> Option<()> {
    let mut outer = Parts(der);
    let mut certificate = Parts(outer.next(SEQUENCE)?);
    outer.end()?;
    let mut signed = Parts(certificate.next(SEQUENCE)?);
    certificate.next(SEQUENCE)?;
    certificate.next(BIT_STRING)?;
    certificate.end()?;
    if signed.tag() == Some(VERSION) {
        signed.next(VERSION)?;
    }
    signed.next(INTEGER)?;
    signed.next(SEQUENCE)?;
    signed.next(SEQUENCE)?;
    let mut validity = Parts(signed.next(SEQUENCE)?);
    for _ in 0..2 {
        let tag = validity.tag().filter(|tag| matches!(tag, 0x17 | 0x18))?;
        validity.next(tag)?;
    }
    validity.end()?;
    signed.next(SEQUENCE)?;
    let mut key = Parts(signed.next(SEQUENCE)?);
    key.next(SEQUENCE)?;
    key.next(BIT_STRING)?;
    key.end()
}

/// Parts of a DER value, one behind the other.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The contents of the next part, which has to be of this tag.
    fn next(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_first()?;
        let (length, rest) = rest.split_first()?;
        let (length, rest) = match *length {
            short @ 0..=0x7f => (usize::from(short), rest),
            long => {
                let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                let length = digits.iter().try_fold(0_usize, |sum, digit| {
                    sum.checked_mul(256)?.checked_add(usize::from(*digit))
                })?;
                (length, rest)
            }
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (*first == tag).then_some(contents)
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(vec!["mx.example".to_owned()]).unwrap();
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_has_the_shape_of_one() {
        assert!(has_shape_of_certificate(&certificate()));
    }

    #[test]
    fn what_is_no_certificate_has_not() {
        let whole = certificate();
        let mut longer = whole.clone();
        longer.push(0);
        // The serial number becomes a text.
        let mut odd = whole.clone();
        let serial = odd
            .windows(5)
            .position(|bytes| bytes == [0xa0, 0x03, 0x02, 0x01, 0x02])
            .unwrap()
            + 5;
        odd[serial] = 0x0c;
        let shorter = whole[..whole.len() - 1].to_vec();
        for bytes in [
            Vec::new(),
            b"not DER".to_vec(),
            vec![0x30, 0x00],
            vec![0x30, 0x03, 0x30, 0x01],
            longer,
            odd,
            shorter,
        ] {
            assert!(!has_shape_of_certificate(&bytes), "{bytes:?}");
        }
    }
}
