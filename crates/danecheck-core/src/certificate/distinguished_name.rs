//! Subject and issuer names: compared as OpenSSL compares them, printed as
//! Postfix logs them.

use std::fmt::{self, Write as _};

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::x509::X509Name;

use super::oid::dotted;

/// Attribute types that OpenSSL prints by their short names.
const SHORT_NAMES: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.42", "GN"),
    ("2.5.4.46", "dnQualifier"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"),
    ("1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"),
];

/// The longest name in a line of Postfix's log (postfix:`tls.h:CCERT_BUFSIZ`,
/// without the byte that ends it).
const LOGGED: usize = 255;

/// A distinguished name (RFC 5280 section 4.1.2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistinguishedName {
    /// Each relative name after its length, so that one name begins with
    /// another only in whole relative names. In one piece, because a name may
    /// have thousands of parts.
    canonical: Vec<u8>,
    entries: usize,
    oneline: String,
    /// How much of `oneline` is in a line of Postfix's log.
    logged: usize,
    common_names: Vec<String>,
    /// Nothing for one that is no IA5String.
    email_addresses: Vec<Option<String>>,
}

impl DistinguishedName {
    pub(super) fn from_parsed(name: &X509Name<'_>) -> Self {
        let mut oneline = String::new();
        let mut logged = 0;
        let mut common_names = Vec::new();
        let mut email_addresses = Vec::new();
        for rdn in name.iter_rdn() {
            for attribute in rdn.iter() {
                let oid = dotted(attribute.attr_type());
                let value = attribute.attr_value();
                let label = SHORT_NAMES
                    .iter()
                    .find(|(id, _)| *id == oid)
                    .map_or(oid.as_str(), |(_, short)| short);
                let is_logged = logged == oneline.len();
                oneline.push('/');
                oneline.push_str(label);
                oneline.push('=');
                push_printable(&mut oneline, value.data);
                if is_logged && oneline.len() <= LOGGED {
                    logged = oneline.len();
                }
                match label {
                    "CN" => common_names.extend(text(value)),
                    "emailAddress" => {
                        let is_plain = value.tag() == Tag::Ia5String;
                        email_addresses.push(text(value).filter(|_| is_plain));
                    }
                    _ => {}
                }
            }
        }
        Self {
            canonical: canonical(name),
            entries: name.iter_attributes().count(),
            oneline,
            logged,
            common_names,
            email_addresses,
        }
    }

    /// The name as far as Postfix logs it: the attributes before the first that
    /// is too much (openssl:`X509_NAME_oneline` with a buffer of its caller's).
    pub(crate) fn logged(&self) -> &str {
        self.oneline.get(..self.logged).unwrap_or_default()
    }

    /// Bytes that it takes.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        let emails = self.email_addresses.iter().flatten();
        let texts = self.common_names.iter().chain(emails);
        let texts: usize = texts.map(|text| text.len() + size_of::<String>()).sum();
        self.canonical.len() + self.oneline.len() + texts
    }

    /// The common names, in their order.
    pub fn common_names(&self) -> &[String] {
        &self.common_names
    }

    /// The emailAddress attributes, in their order; nothing for one that is no
    /// IA5String, which OpenSSL compares with no constraint.
    pub(crate) fn email_addresses(&self) -> &[Option<String>] {
        &self.email_addresses
    }

    /// Whether the name has no parts.
    pub fn is_empty(&self) -> bool {
        self.canonical.is_empty()
    }

    /// How many attributes it has (openssl:`X509_NAME_entry_count`).
    pub(crate) fn entries(&self) -> usize {
        self.entries
    }

    /// The form in which names are compared (openssl:`X509_NAME::canon_enc`):
    /// a name is below those with which its form begins.
    pub(crate) fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// openssl:`X509_NAME_cmp`: letter case, kind of string and extra blanks
    /// make no difference.
    pub fn same_as(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

/// The form in which a name is compared.
pub(super) fn canonical(name: &X509Name<'_>) -> Vec<u8> {
    let mut whole = Vec::new();
    for rdn in name.iter_rdn() {
        let mut attributes: Vec<Vec<u8>> = Vec::new();
        for attribute in rdn.iter() {
            let mut form = dotted(attribute.attr_type()).into_bytes();
            form.push(0);
            form.extend(canonical_value(attribute.attr_value()));
            form.push(0);
            attributes.push(form);
        }
        // A SET is encoded in an order of its own (`i2d_name_canon`).
        attributes.sort_unstable();
        let relative = attributes.concat();
        // A certificate is no longer than its message of 16 MiB.
        let length = u32::try_from(relative.len()).unwrap_or(u32::MAX);
        whole.extend(length.to_be_bytes());
        whole.extend(relative);
    }
    whole
}

impl fmt::Display for DistinguishedName {
    /// openssl:`X509_NAME_oneline`, as in `untrusted issuer /O=Lab/CN=Root`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.oneline)
    }
}

fn push_printable(line: &mut String, octets: &[u8]) {
    for byte in octets {
        if (b' '..=b'~').contains(byte) {
            line.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(line, "\\x{byte:02X}");
        }
    }
}

/// The characters of a string value; `None` for other ASN.1 types.
fn text(value: &Any<'_>) -> Option<String> {
    let octets = value.data;
    match value.tag() {
        Tag::Utf8String => Some(String::from_utf8_lossy(octets).into_owned()),
        Tag::PrintableString
        | Tag::Ia5String
        | Tag::VisibleString
        | Tag::T61String
        | Tag::NumericString => Some(octets.iter().copied().map(char::from).collect()),
        Tag::BmpString => {
            let units = octets.chunks(2).map(|pair| be(pair) as u16);
            Some(char::decode_utf16(units).map(or_replacement).collect())
        }
        Tag::UniversalString => Some(
            octets
                .chunks(4)
                .map(|quad| char::from_u32(be(quad)).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect(),
        ),
        _ => None,
    }
}

fn or_replacement<E>(decoded: Result<char, E>) -> char {
    decoded.unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn be(octets: &[u8]) -> u32 {
    octets
        .iter()
        .fold(0, |value, byte| (value << 8) | u32::from(*byte))
}

/// openssl:`x_name.c:asn1_string_canon`.
fn canonical_value(value: &Any<'_>) -> Vec<u8> {
    match text(value) {
        // A NumericString is compared as it is (`ASN1_MASK_CANON`).
        Some(text) if value.tag() != Tag::NumericString => {
            let is_space = |letter: char| matches!(letter, ' ' | '\t'..='\r');
            let words = text.split(is_space).filter(|word| !word.is_empty());
            let words: Vec<&str> = words.collect();
            words.join(" ").to_ascii_lowercase().into_bytes()
        }
        _ => {
            let mut raw = vec![1];
            raw.extend(value.tag().0.to_be_bytes());
            raw.extend_from_slice(value.data);
            raw
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::prelude::FromDer;

    /// A name of (tag, text) common names, one per RDN.
    fn name(parts: &[(u8, &[u8])]) -> DistinguishedName {
        let mut rdns = Vec::new();
        for (tag, octets) in parts {
            let mut attribute = vec![0x06, 3, 0x55, 4, 3, *tag, octets.len() as u8];
            attribute.extend_from_slice(octets);
            rdns.extend([0x31, attribute.len() as u8 + 2, 0x30, attribute.len() as u8]);
            rdns.extend(attribute);
        }
        let length = rdns.len();
        let mut der = match length {
            0..128 => vec![0x30, length as u8],
            _ => vec![0x30, 0x82, (length >> 8) as u8, length as u8],
        };
        der.extend(rdns);
        let (_, parsed) = X509Name::from_der(&der).unwrap();
        DistinguishedName::from_parsed(&parsed)
    }

    const UTF8: u8 = 12;
    const PRINTABLE: u8 = 19;
    const BMP: u8 = 30;

    #[test]
    fn names_are_the_same_whatever_case_blanks_and_kind_of_string() {
        let plain = name(&[(UTF8, b"Lab Root")]);
        for other in [
            name(&[(PRINTABLE, b"LAB  root")]),
            name(&[(UTF8, b" lab root ")]),
            name(&[(BMP, b"\0L\0a\0b\0 \0R\0o\0o\0t")]),
        ] {
            assert!(plain.same_as(&other), "{other}");
        }
        assert!(!plain.same_as(&name(&[(UTF8, b"LabRoot")])));
        assert!(!plain.same_as(&name(&[(UTF8, b"Lab"), (UTF8, b"Root")])));
    }

    #[test]
    fn a_log_line_has_the_attributes_before_the_first_that_is_too_much() {
        // With `/CN=`, three take all that there is.
        let part = [b'a'; 81];
        let whole = name(&[(UTF8, &part), (UTF8, &part), (UTF8, &part)]);
        assert_eq!(whole.logged(), whole.to_string());
        let longer = name(&[(UTF8, &part), (UTF8, &part), (UTF8, &part), (UTF8, b"")]);
        assert_eq!(longer.logged(), whole.to_string());
    }

    #[test]
    fn a_name_prints_in_the_slash_form_with_odd_bytes_escaped() {
        assert_eq!(
            name(&[(UTF8, "Zoë".as_bytes()), (UTF8, b"x")]).to_string(),
            "/CN=Zo\\xC3\\xAB/CN=x"
        );
        assert_eq!(name(&[]).to_string(), "");
        assert!(name(&[]).is_empty());
    }

    #[test]
    fn a_name_begins_with_those_that_it_is_below() {
        let long = name(&[(UTF8, b"a"), (UTF8, b"b")]);
        let is_below = |one: &DistinguishedName, other: &DistinguishedName| {
            one.canonical().starts_with(other.canonical())
        };
        assert!(is_below(&long, &name(&[(UTF8, b"A")])));
        assert!(is_below(&long, &long));
        assert!(!is_below(&name(&[(UTF8, b"a")]), &long));
        assert!(!is_below(&name(&[(UTF8, b"ab")]), &name(&[(UTF8, b"a")])));
        assert_eq!(long.entries(), 2);
        assert_eq!(long.common_names(), ["a", "b"]);
    }
}
