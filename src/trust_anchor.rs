//! DNSSEC root trust anchors in zone-file form.

use domain::base::iana::Class;
use domain::base::{Rtype, ToName as _};
use domain::zonefile::inplace::{Entry, Zonefile};

/// Why a text holds no trust anchor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustAnchorError {
    /// It is not in zone-file form.
    #[error("is not in zone-file form ({0})")]
    Syntax(String),
    /// There is another record in it.
    #[error("holds a record that is no trust anchor of the root")]
    Other,
    /// There is no record in it.
    #[error("holds no record")]
    Empty,
}

/// How many DS and DNSKEY records of the root the text holds.
pub fn root_anchors(text: &str) -> Result<usize, TrustAnchorError> {
    // The parser wants every record to end in a line end.
    let mut zone = Zonefile::from(format!("{text}\n").as_str());
    zone.set_default_class(Class::IN);
    zone.set_origin(domain::base::Name::root_bytes());
    let mut count = 0;
    loop {
        match zone.next_entry() {
            Ok(None) if count == 0 => return Err(TrustAnchorError::Empty),
            Ok(None) => return Ok(count),
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
        assert_eq!(root_anchors(&format!("; a comment\n{DS}\n")), Ok(1));
        assert_eq!(root_anchors(&format!("{DS}\n{DS}")), Ok(2));
        assert_eq!(root_anchors(&DS.replace(". IN", ". 3600 IN")), Ok(1));
    }

    #[test]
    fn anything_else_is_none() {
        assert_eq!(root_anchors(""), Err(TrustAnchorError::Empty));
        assert_eq!(root_anchors("; nothing\n"), Err(TrustAnchorError::Empty));
        assert_eq!(
            root_anchors(". IN A 192.0.2.1\n"),
            Err(TrustAnchorError::Other)
        );
        assert_eq!(
            root_anchors(&DS.replace(". IN", "example. IN")),
            Err(TrustAnchorError::Other)
        );
        assert!(matches!(
            root_anchors("-----BEGIN CERTIFICATE-----\nMIIB\n"),
            Err(TrustAnchorError::Syntax(_))
        ));
        assert!(root_anchors("\u{0}\u{1}\u{2}").is_err());
    }
}
