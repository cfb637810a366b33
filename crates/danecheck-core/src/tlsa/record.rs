//! One TLSA record.

use super::fields::{CertificateUsage, MatchingType, Selector};

/// The rdata of one TLSA record, kept as it came.
///
/// Rdata shorter than the three fixed fields is a record too: Postfix sees it,
/// warns and drops it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TlsaRecord {
    rdata: Vec<u8>,
}

impl TlsaRecord {
    /// A record from its rdata, whatever that holds.
    pub fn from_rdata(rdata: &[u8]) -> Self {
        Self {
            rdata: rdata.to_vec(),
        }
    }

    /// A record from its fields (RFC 6698 section 2.1).
    pub fn new(
        usage: CertificateUsage,
        selector: Selector,
        matching_type: MatchingType,
        data: &[u8],
    ) -> Self {
        let mut rdata = vec![usage.0, selector.0, matching_type.0];
        rdata.extend_from_slice(data);
        Self { rdata }
    }

    /// The record to publish for `object`, a certificate or a public key in
    /// DER; `None` for a matching type that RFC 6698 does not define.
    pub fn for_object(
        usage: CertificateUsage,
        selector: Selector,
        matching_type: MatchingType,
        object: &[u8],
    ) -> Option<Self> {
        let data = matching_type.apply(object)?;
        Some(Self::new(usage, selector, matching_type, &data))
    }

    /// The rdata as it came.
    pub fn rdata(&self) -> &[u8] {
        &self.rdata
    }

    /// The certificate usage field, if the rdata reaches that far.
    pub fn usage(&self) -> Option<CertificateUsage> {
        self.rdata.first().copied().map(CertificateUsage)
    }

    /// The selector field, if the rdata reaches that far.
    pub fn selector(&self) -> Option<Selector> {
        self.rdata.get(1).copied().map(Selector)
    }

    /// The matching type field, if the rdata reaches that far.
    pub fn matching_type(&self) -> Option<MatchingType> {
        self.rdata.get(2).copied().map(MatchingType)
    }

    /// The certificate association data; empty if there is none.
    pub fn data(&self) -> &[u8] {
        self.rdata.get(3..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rdata_too_short_for_the_fields_is_still_a_record() {
        let record = TlsaRecord::from_rdata(&[3, 1]);
        assert_eq!(record.usage(), Some(CertificateUsage::DANE_EE));
        assert_eq!(record.selector(), Some(Selector::SPKI));
        assert_eq!(record.matching_type(), None);
        assert_eq!(record.data(), b"");
        assert_eq!(TlsaRecord::from_rdata(&[]).usage(), None);
    }

    #[test]
    fn digests_follow_the_matching_type() {
        let record = TlsaRecord::for_object(
            CertificateUsage::DANE_EE,
            Selector::SPKI,
            MatchingType::SHA2_256,
            b"abc",
        )
        .unwrap();
        assert!(record.to_string().starts_with("3 1 1 ba7816bf8f01cfea"));
        assert_eq!(MatchingType(9).apply(b"abc"), None);
        assert_eq!(
            MatchingType::SHA2_512.apply(b"abc").map(|d| d.len()),
            Some(64)
        );
        assert_eq!(MatchingType::FULL.apply(b"abc"), Some(b"abc".to_vec()));
    }
}
