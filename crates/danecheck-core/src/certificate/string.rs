//! Strings of characters in certificates, by the tag that says of which.

use super::ber::{self, Tag, Undecodable};

/// Tags of an attribute's value in a name (`B_ASN1_PRINTABLE`).
pub(super) const PRINTABLE: &[u32] = &[
    3, 7, 8, 9, 11, 12, 13, 14, 15, 16, 18, 19, 20, 22, 28, 29, 30,
];

/// Tags of a DirectoryString (`B_ASN1_DIRECTORYSTRING`).
const DIRECTORY: &[u32] = &[12, 19, 20, 28, 30];

/// Tags of a Time (`B_ASN1_TIME`).
pub(super) const TIME: &[u32] = &[23, 24];

/// A DirectoryString.
pub(super) fn directory_string(input: &mut &[u8]) -> Result<(), Undecodable> {
    ber::one_of(input, DIRECTORY, false).map(|_| ())
}

/// Whether a string can be brought into the form in which names are compared
/// (`asn1_string_canon`): where it is one of characters, each of them has to
/// be one of Unicode's.
pub(super) fn is_comparable(tag: Tag, value: &[u8]) -> bool {
    let is_character = |octets: &[u8]| {
        let point = octets
            .iter()
            .fold(0_u32, |point, octet| (point << 8) | u32::from(*octet));
        char::from_u32(point).is_some()
    };
    match tag.number_if_universal() {
        Some(12) => std::str::from_utf8(value).is_ok(),
        Some(28) => value.chunks(4).all(is_character),
        Some(30) => value.chunks(2).all(is_character),
        _ => true,
    }
}
