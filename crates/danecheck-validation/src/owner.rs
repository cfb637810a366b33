//! Names, as replies have them.

use bytes::Bytes;
use domain::base::{Name, Rtype};

/// A name on the wire.
pub type Owner = Name<Bytes>;

/// `example.com. MX`.
pub fn set_name(owner: &Owner, rtype: Rtype) -> String {
    let mut text = with_dot(owner);
    text.push(' ');
    match rtype.to_mnemonic_str() {
        Some(mnemonic) => text.push_str(mnemonic),
        None => text.push_str(&rtype.to_string()),
    }
    text
}

/// `example.com.`: as `Name::fmt_with_dot`, which looks at each byte of a name with
/// the formatter. Names without bytes that have to be escaped are most of them, and
/// each signature has two.
pub(super) fn with_dot(owner: &Owner) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut text = String::with_capacity(owner.len() + 8);
    for label in owner.iter().filter(|label| !label.is_root()) {
        match std::str::from_utf8(label.as_slice()) {
            Ok(plain) if label.iter().all(is_plain) => text.push_str(plain),
            _ => return owner.fmt_with_dot().to_string(),
        }
        text.push('.');
    }
    if text.is_empty() {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr as _;

    #[test]
    fn names_are_written_as_the_formatter_writes_them() {
        for name in [
            ".",
            "example.com.",
            "_25._tcp.MX-1.example.",
            "*.example.",
            "a\\.b.example.",
            "\\255\\032x.example.",
            "semi\\;colon.example.",
        ] {
            let name = Owner::from_str(name).unwrap();
            assert_eq!(with_dot(&name), name.fmt_with_dot().to_string());
            for rtype in [Rtype::MX, Rtype::TLSA, Rtype::from_int(65_280)] {
                let text = format!("{} {rtype}", name.fmt_with_dot());
                assert_eq!(set_name(&name, rtype), text);
            }
        }
    }
}
