//! Whether OpenSSL decodes a certificate at all (`x_x509.c:X509`). Where it does
//! not, there is no TLS connection (`tls_process_server_certificate`).

use super::ber::{self, Decoded, Kind, Tag, Undecodable};
use super::general_name::distinguished_name;
use super::string;

/// What OpenSSL makes of the bytes.
pub(super) enum Whole {
    /// Not a certificate.
    Undecodable,
    /// A certificate with a time that it cannot compare (`X509_cmp_time`).
    OddTimes,
    /// A certificate.
    Good,
}

/// Whether OpenSSL reads these bytes as a certificate at all. It parses every
/// entry of a Certificate message, and ends the handshake at one that it cannot
/// read (openssl:`statem_clnt.c:tls_process_server_certificate`).
pub fn is_decodable(der: &[u8]) -> bool {
    !matches!(decode(der), Whole::Undecodable)
}

/// Decodes what should be one certificate.
pub(super) fn decode(der: &[u8]) -> Whole {
    let mut rest = der;
    let decoded = ber::sequence(&mut rest, Tag::SEQUENCE, false, |inside| {
        let plain = inside
            .field(|input, optional| ber::sequence(input, Tag::SEQUENCE, optional, signed))?;
        inside.field(algorithm)?;
        inside.field(|input, optional| bits(input, Tag::BIT_STRING, optional))?;
        Ok(plain)
    });
    match decoded {
        Ok(Some(plain)) if rest.is_empty() && plain => Whole::Good,
        Ok(Some(_)) if rest.is_empty() => Whole::OddTimes,
        _ => Whole::Undecodable,
    }
}

/// `X509_CINF`; gives whether its times can be compared.
fn signed(inside: &mut ber::Inside<'_>) -> Result<bool, Undecodable> {
    inside.optional(false, |input, optional| {
        ber::explicit(input, Tag::context(0), optional, |input| {
            integer(input, false)
        })
    })?;
    inside.field(integer)?;
    inside.field(algorithm)?;
    inside.field(|input, _| distinguished_name(input).map(Some))?;
    let plain = inside.field(|input, optional| {
        ber::sequence(input, Tag::SEQUENCE, optional, |validity| {
            Ok(validity.field(time)? & validity.field(time)?)
        })
    })?;
    inside.field(|input, _| distinguished_name(input).map(Some))?;
    inside.field(|input, optional| {
        ber::sequence(input, Tag::SEQUENCE, optional, |key| {
            key.field(algorithm)?;
            key.field(|input, optional| bits(input, Tag::BIT_STRING, optional))
        })
    })?;
    for number in [1, 2] {
        inside.optional(false, |input, optional| {
            bits(input, Tag::context(number), optional)
        })?;
    }
    inside.optional(true, |input, optional| {
        ber::explicit(input, Tag::context(3), optional, |input| {
            ber::list(input, Tag::SEQUENCE, false, extension)
        })
    })?;
    Ok(plain)
}

/// `X509_EXTENSION`.
fn extension(input: &mut &[u8]) -> Result<(), Undecodable> {
    ber::sequence(input, Tag::SEQUENCE, false, |inside| {
        inside.field(object)?;
        inside.optional(false, |input, optional| {
            ber::primitive(input, Tag::BOOLEAN, Kind::Boolean, optional)
        })?;
        inside.field(|input, optional| {
            ber::primitive(input, Tag::OCTET_STRING, Kind::Text, optional)
        })?;
        Ok(())
    })
    .map(|_| ())
}

/// `X509_ALGOR`.
fn algorithm(input: &mut &[u8], optional: bool) -> Decoded<()> {
    ber::sequence(input, Tag::SEQUENCE, optional, |inside| {
        inside.field(object)?;
        inside.optional(true, |input, _| ber::any(input).map(Some))?;
        Ok(())
    })
}

/// `ASN1_TIME`: whether it has the one form that is compared, digits down to
/// the second and a Z.
fn time(input: &mut &[u8], optional: bool) -> Decoded<bool> {
    let read = ber::one_of(input, string::TIME, optional)?;
    Ok(read.map(|(tag, text)| {
        let length = if tag == Tag::UTC_TIME { 13 } else { 15 };
        text.len() == length
            && text
                .strip_suffix(b"Z")
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
    }))
}

fn integer(input: &mut &[u8], optional: bool) -> Decoded<()> {
    Ok(ber::primitive(input, Tag::INTEGER, Kind::Integer, optional)?.map(|_| ()))
}

fn object(input: &mut &[u8], optional: bool) -> Decoded<()> {
    Ok(ber::primitive(input, Tag::OBJECT, Kind::Object, optional)?.map(|_| ()))
}

fn bits(input: &mut &[u8], tag: Tag, optional: bool) -> Decoded<()> {
    Ok(ber::primitive(input, tag, Kind::BitString, optional)?.map(|_| ()))
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
        assert!(is_decodable(&certificate()));
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
            assert!(!is_decodable(&bytes), "{bytes:?}");
        }
    }
}
