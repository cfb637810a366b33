//! Object identifiers as text.

use std::fmt::Write as _;

use x509_parser::asn1_rs::Oid;

/// The numbers of an identifier with dots between them, as
/// [`to_id_string`](Oid::to_id_string) writes them, which makes a text of each
/// number first: a certificate has a dozen identifiers.
pub fn dotted(oid: &Oid<'_>) -> String {
    let Some(numbers) = oid.iter() else {
        return oid.to_id_string();
    };
    // Most have fewer characters than this.
    let mut text = String::with_capacity(24);
    for (place, number) in numbers.enumerate() {
        if place > 0 {
            text.push('.');
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{number}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_the_same_text_as_without_the_shortcut() {
        for bytes in [
            &[0x55, 0x1d, 0x11][..],
            &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
            // 2.999.3, and numbers of 63 bits and of more than 64.
            &[0x88, 0x37, 0x03],
            &[0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[
                0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
            ],
            &[0x00],
            &[],
        ] {
            let oid = Oid::new(bytes.into());
            assert_eq!(dotted(&oid), oid.to_id_string(), "{bytes:x?}");
        }
    }
}
