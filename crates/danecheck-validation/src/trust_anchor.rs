//! DNSSEC root trust anchors in zone-file form.

use std::sync::Arc;

use domain::base::iana::Class;
use domain::base::{Rtype, ToName as _};
use domain::zonefile::inplace::{Entry, Zonefile};

/// Why a text contains no trust anchor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustAnchorError {
    /// It is not in zone-file form.
    #[error("is not in zone-file form ({0})")]
    Syntax(String),
    /// It contains another record.
    #[error("contains a record that is not a trust anchor of the root")]
    Other,
    /// It contains no record.
    #[error("contains no record")]
    Empty,
}

/// The root's anchors as IANA publishes them in `root-anchors.xml`: the keys
/// of 2017 and of 2024.
const IANA: &str = "\
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
";

/// The start of a chain of trust (RFC 4035 section 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootAnchors(Arc<str>);

impl RootAnchors {
    /// IANA's anchors, for the public tree.
    pub fn iana() -> Self {
        Self(IANA.into())
    }

    /// The anchors in a text: DS or DNSKEY records of the root, and nothing
    /// else.
    pub fn from_text(text: &str) -> Result<Self, TrustAnchorError> {
        check(text)?;
        Ok(Self(text.into()))
    }

    /// In zone-file form.
    pub fn text(&self) -> &str {
        &self.0
    }
}

fn check(text: &str) -> Result<(), TrustAnchorError> {
    // The parser wants every record to end in a line end.
    let mut zone = Zonefile::from(format!("{text}\n").as_str());
    zone.set_default_class(Class::IN);
    let mut count = 0;
    loop {
        match zone.next_entry() {
            Ok(None) if count == 0 => return Err(TrustAnchorError::Empty),
            Ok(None) => return Ok(()),
            Ok(Some(Entry::Record(record)))
                if matches!(record.rtype(), Rtype::DS | Rtype::DNSKEY)
                    && record.owner().to_name::<Vec<u8>>().is_root() =>
            {
                count += 1;
            }
            Ok(Some(_)) => return Err(TrustAnchorError::Other),
            Err(error) => return Err(TrustAnchorError::Syntax(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DS: &str = ". IN DS 20326 8 2 \
        E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";

    #[test]
    fn a_ds_record_of_the_root_is_one() {
        for text in [
            format!("; a comment\n{DS}\n"),
            format!("{DS}\n{DS}"),
            DS.replace(". IN", ". 3600 IN"),
            IANA.to_owned(),
        ] {
            assert_eq!(check(&text), Ok(()), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        assert_eq!(check(""), Err(TrustAnchorError::Empty));
        assert_eq!(check("; nothing\n"), Err(TrustAnchorError::Empty));
        assert_eq!(check(". IN A 192.0.2.1\n"), Err(TrustAnchorError::Other));
        assert_eq!(
            check(&DS.replace(". IN", "example. IN")),
            Err(TrustAnchorError::Other)
        );
        assert!(matches!(
            check("-----BEGIN CERTIFICATE-----\nMIIB\n"),
            Err(TrustAnchorError::Syntax(_))
        ));
        assert!(check("\u{0}\u{1}\u{2}").is_err());
    }
}
