//! Whether OpenSSL decodes a certificate at all (`x_x509.c:X509`). Where it does
//! not, there is no TLS connection (`tls_process_server_certificate`).

use super::ber::{self, Decoded, Kind, Tag, Undecodable};
use super::general_name::distinguished_name;
use super::string;

/// Whether it does.
pub(super) fn is_decodable(der: &[u8]) -> bool {
    let mut rest = der;
    let decoded = ber::sequence(&mut rest, Tag::SEQUENCE, false, |inside| {
        inside.field(|input, optional| ber::sequence(input, Tag::SEQUENCE, optional, signed))?;
        inside.field(algorithm)?;
        inside.field(|input, optional| bits(input, Tag::BIT_STRING, optional))
    });
    decoded.is_ok() && rest.is_empty()
}

/// `X509_CINF`.
fn signed(inside: &mut ber::Inside<'_>) -> Result<(), Undecodable> {
    inside.optional(false, |input, optional| {
        ber::explicit(input, Tag::context(0), optional, |input| {
            integer(input, false)
        })
    })?;
    inside.field(integer)?;
    inside.field(algorithm)?;
    inside.field(|input, _| distinguished_name(input).map(Some))?;
    inside.field(|input, optional| {
        ber::sequence(input, Tag::SEQUENCE, optional, |validity| {
            validity.field(time)?;
            validity.field(time)
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
    Ok(())
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

/// `ASN1_TIME`: what it says is looked at later.
fn time(input: &mut &[u8], optional: bool) -> Decoded<()> {
    Ok(ber::one_of(input, string::TIME, optional)?.map(|_| ()))
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
