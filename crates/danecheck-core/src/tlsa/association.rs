//! What a record of a certificate holds.

use super::fields::{MatchingType, Selector};
use crate::certificate::Certificate;

/// The certificate association data of the object of this selector (RFC 6698
/// section 2.1.3), computed once for each certificate; `None` for a matching
/// type that RFC 6698 does not define.
pub(crate) fn association_data(
    certificate: &Certificate,
    selector: Selector,
    matching_type: MatchingType,
) -> Option<&[u8]> {
    let whole = selector == Selector::CERT;
    Some(match (matching_type, whole) {
        (MatchingType::FULL, true) => certificate.der(),
        (MatchingType::FULL, false) => certificate.spki_der(),
        (MatchingType::SHA2_256, true) => certificate.identity(),
        (MatchingType::SHA2_256, false) => certificate.key().identity(),
        (MatchingType::SHA2_512, true) => certificate.sha512(),
        (MatchingType::SHA2_512, false) => certificate.key_sha512(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::mint::Entity;

    #[test]
    fn the_digests_of_a_certificate_are_those_of_its_octets() {
        let certificate = Entity::root("Lab Root", |_| {}).certificate;
        for (selector, object) in [
            (Selector::CERT, certificate.der()),
            (Selector::SPKI, certificate.spki_der()),
        ] {
            for number in [0, 1, 2, 3, 255] {
                let matching_type = MatchingType(number);
                let data = association_data(&certificate, selector, matching_type);
                let expected = matching_type.apply(object);
                assert_eq!(data, expected.as_deref(), "{selector} {matching_type}");
            }
        }
    }
}
