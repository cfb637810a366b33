//! GeneralName (RFC 5280 section 4.2.1.6) as OpenSSL decodes it (`v3_genn.c`).

use std::borrow::Cow;

use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

use super::ber::{self, Decoded, Kind, Tag, Undecodable};
use super::string;

/// One name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GeneralName<'a> {
    /// otherName: its type, the tag of its value, and that.
    Other {
        /// The contents of the object identifier.
        type_id: Cow<'a, [u8]>,
        /// The tag of the value.
        tag: Tag,
        /// The value, unless it is constructed.
        value: Cow<'a, [u8]>,
    },
    /// rfc822Name.
    Email(Cow<'a, [u8]>),
    /// dNSName.
    Dns(Cow<'a, [u8]>),
    /// x400Address.
    X400,
    /// directoryName, encoded.
    Directory(&'a [u8]),
    /// ediPartyName.
    EdiParty,
    /// uniformResourceIdentifier.
    Uri(Cow<'a, [u8]>),
    /// iPAddress.
    Address(Cow<'a, [u8]>),
    /// registeredID.
    RegisteredId,
}

/// The next name of the input.
pub(super) fn general_name<'a>(input: &mut &'a [u8]) -> Result<GeneralName<'a>, Undecodable> {
    let text = |input: &mut &'a [u8], number| {
        ber::primitive(input, Tag::context(number), Kind::Text, true)
    };
    // The alternatives of a CHOICE are tried in turn, each as if optional.
    if let Some(name) = other_name(input)? {
        return Ok(name);
    }
    if let Some(mailbox) = text(input, 1)? {
        return Ok(GeneralName::Email(mailbox));
    }
    if let Some(host) = text(input, 2)? {
        return Ok(GeneralName::Dns(host));
    }
    if ber::opaque_sequence(input, Tag::context(3), true)?.is_some() {
        return Ok(GeneralName::X400);
    }
    if let Some(name) = ber::explicit(input, Tag::context(4), true, distinguished_name)? {
        return Ok(GeneralName::Directory(name));
    }
    if edi_party_name(input)?.is_some() {
        return Ok(GeneralName::EdiParty);
    }
    if let Some(uri) = text(input, 6)? {
        return Ok(GeneralName::Uri(uri));
    }
    if let Some(address) = text(input, 7)? {
        return Ok(GeneralName::Address(address));
    }
    ber::primitive(input, Tag::context(8), Kind::Object, false)?;
    Ok(GeneralName::RegisteredId)
}

fn other_name<'a>(input: &mut &'a [u8]) -> Decoded<GeneralName<'a>> {
    ber::sequence(input, Tag::context(0), true, |inside| {
        let type_id = inside
            .field(|input, optional| ber::primitive(input, Tag::OBJECT, Kind::Object, optional))?;
        let (tag, value) = inside
            .field(|input, optional| ber::explicit(input, Tag::context(0), optional, ber::any))?;
        Ok(GeneralName::Other {
            type_id,
            tag,
            value,
        })
    })
}

fn edi_party_name(input: &mut &[u8]) -> Decoded<()> {
    fn part(input: &mut &[u8], number: u32, optional: bool) -> Decoded<()> {
        ber::explicit(input, Tag::context(number), optional, |input| {
            string::directory_string(input)
        })
    }
    ber::sequence(input, Tag::context(5), true, |inside| {
        inside.optional(false, |input, optional| part(input, 0, optional))?;
        inside.field(|input, optional| part(input, 1, optional))
    })
}

/// How long a name may be (`X509_NAME_MAX`).
const LONGEST_NAME: usize = 1024 * 1024;

/// A Name (`x509_name_ex_d2i`), encoded: its strings have to be such that it
/// can be compared.
pub(super) fn distinguished_name<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], Undecodable> {
    let whole = *input;
    let mut rest = whole.get(..LONGEST_NAME).unwrap_or(whole);
    let before = rest.len();
    ber::list(&mut rest, Tag::SEQUENCE, false, |input| {
        ber::list(input, Tag::SET, false, attribute).map(|_| ())
    })?;
    let (name, behind) = whole
        .split_at_checked(before - rest.len())
        .ok_or(Undecodable)?;
    *input = behind;
    Ok(name)
}

/// An attribute of a name (`X509_NAME_ENTRY`).
pub(super) fn attribute(input: &mut &[u8]) -> Result<(), Undecodable> {
    let read = ber::sequence(input, Tag::SEQUENCE, false, |inside| {
        inside
            .field(|input, optional| ber::primitive(input, Tag::OBJECT, Kind::Object, optional))?;
        inside.field(|input, optional| ber::one_of(input, string::PRINTABLE, optional))
    })?;
    match read {
        Some((tag, value)) if string::is_comparable(tag, &value) => Ok(()),
        _ => Err(Undecodable),
    }
}

/// The name in DER as it is compared and printed; nothing where it is in
/// another form of BER, which is read nowhere else either.
pub(super) fn parsed_name(der: &[u8]) -> Option<X509Name<'_>> {
    X509Name::from_der(der).ok().map(|(_, name)| name)
}
