//! The TLSA records that would match what a server presents.

use serde::Serialize;

use crate::certificate::Presented;
use crate::tlsa::{CertificateUsage, MatchingType, Selector, TlsaRecord};

/// A record of something that the server presents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServedRecord {
    /// Its place in what the server sent, 0 for its own certificate.
    pub depth: usize,
    /// `3 1 1` for its own certificate, `2 1 1` for the others: what RFC 7672
    /// section 3.1 recommends to publish.
    pub record: TlsaRecord,
}

/// One record for each readable certificate that the server presents.
/// [`super::match_dane`] decides whether a `2 1 1` would also be trusted.
pub fn served_records(chain: &[Presented]) -> Vec<ServedRecord> {
    chain
        .iter()
        .enumerate()
        .filter_map(|(depth, presented)| {
            let usage = match depth {
                0 => CertificateUsage::DANE_EE,
                _ => CertificateUsage::DANE_TA,
            };
            let record = TlsaRecord::for_object(
                usage,
                Selector::SPKI,
                MatchingType::SHA2_256,
                presented.as_ref().ok()?.spki_der(),
            )?;
            Some(ServedRecord { depth, record })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::mint::{Chain, NOW};
    use crate::matching::{RecordOutcome, match_dane};

    #[test]
    fn every_record_offered_for_an_orderly_chain_matches_it() {
        let chain = Chain::new("mx.test");
        let presented = chain.presented();
        let served = served_records(&presented);
        assert_eq!(served.len(), 3);
        for offer in served {
            let prefix = if offer.depth == 0 { "3 1 1 " } else { "2 1 1 " };
            assert!(offer.record.to_string().starts_with(prefix));
            let depth = offer.depth;
            let matching = match_dane(&[offer.record], &presented, &["mx.test".into()], NOW);
            assert_eq!(matching.records, [RecordOutcome::Matches { depth }]);
        }
    }
}
