//! Whether OpenSSL reads bytes as a certificate at all. It parses every entry of
//! a Certificate message, and ends the handshake at one that it cannot read
//! (openssl:`statem_clnt.c:tls_process_server_certificate`).

use super::ber::{self, Inside, Kind, Tag, Undecodable};

/// Whether these bytes have the parts of a certificate, each at its place
/// (RFC 5280 section 4.1, openssl:`x_x509.c:X509_CINF`). Names, keys and
/// extensions are not looked into, so bytes that fail here fail in OpenSSL too.
pub fn has_shape_of_certificate(der: &[u8]) -> bool {
    let mut input = der;
    certificate(&mut input).is_ok() && input.is_empty()
}

fn certificate(input: &mut &[u8]) -> Result<(), Undecodable> {
    let read = ber::sequence(input, Tag::SEQUENCE, false, |parts| {
        parts.field(|input, optional| ber::sequence(input, Tag::SEQUENCE, optional, signed))?;
        parts.field(opaque)?;
        parts.field(bits)
    });
    read?.ok_or(Undecodable)
}

fn signed(parts: &mut Inside<'_>) -> Result<(), Undecodable> {
    parts.optional(false, |input, optional| {
        ber::explicit(input, Tag::context(0), optional, |input| {
            integer(input, false).map(|_| ())
        })
    })?;
    parts.field(integer)?;
    parts.field(opaque)?;
    parts.field(opaque)?;
    parts.field(|input, optional| {
        ber::sequence(input, Tag::SEQUENCE, optional, |validity| {
            validity.field(time)?;
            validity.field(time)
        })
    })?;
    parts.field(opaque)?;
    parts.field(|input, optional| {
        ber::sequence(input, Tag::SEQUENCE, optional, |key| {
            key.field(opaque)?;
            key.field(bits)
        })
    })?;
    for unique_id in [Tag::context(1), Tag::context(2)] {
        parts.optional(false, |input, optional| {
            ber::primitive(input, unique_id, Kind::BitString, optional)
        })?;
    }
    parts.optional(true, |input, optional| {
        ber::opaque_sequence(input, Tag::context(3), optional)
    })?;
    Ok(())
}

fn opaque(input: &mut &[u8], optional: bool) -> ber::Decoded<()> {
    ber::opaque_sequence(input, Tag::SEQUENCE, optional)
}

fn integer(input: &mut &[u8], optional: bool) -> ber::Decoded<()> {
    let number = ber::primitive(input, Tag::INTEGER, Kind::Integer, optional)?;
    Ok(number.map(|_| ()))
}

fn bits(input: &mut &[u8], optional: bool) -> ber::Decoded<()> {
    let bits = ber::primitive(input, Tag::BIT_STRING, Kind::BitString, optional)?;
    Ok(bits.map(|_| ()))
}

/// UTCTime or GeneralizedTime.
fn time(input: &mut &[u8], optional: bool) -> ber::Decoded<()> {
    Ok(ber::one_of(input, &[23, 24], optional)?.map(|_| ()))
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
