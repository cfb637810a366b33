//! Which TLSA records Postfix uses. There are two stages:
//! `tls_dane.c:parse_tlsa_rr` drops records when Postfix computes the policy,
//! and OpenSSL refuses records at the handshake.

use std::fmt;

use serde::Serialize;

use super::fields::{CertificateUsage, MatchingType, Selector};
use super::presentation::hex;
use super::record::TlsaRecord;
use crate::certificate::{Certificate, PublicKey};

/// Records beyond this many in one answer are not seen
/// (`dns_rr.c:var_dns_rr_list_limit`).
const LIST_LIMIT: usize = 100;

/// Postfix logs this many bytes from each end of long data
/// (`tls_dane.c:tlsa_carp`).
const LOGGED_BYTES: usize = 32;

/// What happens to a record before there is a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Usability {
    /// It is compared with what the server presents.
    Usable,
    /// It is dropped before the connection. If all are, `dane` becomes
    /// `encrypt` without SNI, and `dane-only` does not connect.
    UnusableAtPolicy(UnusableReason),
    /// It is dropped in the handshake. If all are, `dane` accepts any
    /// certificate, and `dane-only` none.
    UnusableAtHandshake(UnusableReason),
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum UnusableReason {
    /// Without association data. Postfix before 3.8.18, 3.9.12, 3.10.11 and
    /// 3.11.4 accepts three bytes here, and crashes.
    Truncated,
    /// Usages other than DANE-TA(2) and DANE-EE(3) (RFC 7672 section 3.1.3).
    UnsupportedUsage,
    /// Matching type 255, which Postfix keeps for fingerprints.
    PrivateUseMatchingType,
    /// After the first hundred records.
    PastListLimit,
    /// A selector that is neither Cert(0) nor SPKI(1).
    UnknownSelector,
    /// A matching type that `tls_dane_digests` does not enable.
    UnknownMatchingType,
    /// Data that is not as long as its digest.
    WrongDigestLength,
    /// Cert(0) Full(0) data that is not exactly one certificate with a key
    /// that OpenSSL supports.
    NotACertificate,
    /// SPKI(1) Full(0) data that is not exactly one such key.
    NotAPublicKey,
}

impl UnusableReason {
    /// What is wrong with this record, with the evidence.
    pub fn words(self, record: &TlsaRecord) -> String {
        let whole = record.matching_type().and_then(digest_bytes);
        let seen = record.data().len();
        match (self, whole) {
            (Self::WrongDigestLength, Some(whole)) if seen < whole => {
                format!("its digest is cut off after {seen} of {whole} bytes")
            }
            (Self::WrongDigestLength, Some(whole)) => {
                format!("its digest has {seen} bytes instead of {whole}")
            }
            _ => self.to_string(),
        }
    }

    /// What Postfix logs about the record: `what` is the TLSA base domain for
    /// the policy stage, `H[IP]:25` for the handshake.
    pub fn postfix_text(self, what: &str, record: &TlsaRecord) -> Option<String> {
        let carp = |message: &str| Some(format!("{what}: {message}: {}", logged(record)));
        match self {
            Self::Truncated => Some(format!(
                "{what}: truncated TLSA RR length == {}",
                record.rdata().len()
            )),
            Self::UnsupportedUsage => carp("unsupported TLSA certificate usage"),
            Self::PrivateUseMatchingType => carp("reserved private-use matching type"),
            Self::PastListLimit => None,
            Self::UnknownSelector
            | Self::UnknownMatchingType
            | Self::WrongDigestLength
            | Self::NotACertificate
            | Self::NotAPublicKey => Some(format!("{what}: unusable TLSA RR: {}", logged(record))),
        }
    }
}

impl fmt::Display for UnusableReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "it has no association data",
            Self::UnsupportedUsage => "SMTP clients use only DANE-TA(2) and DANE-EE(3)",
            Self::PrivateUseMatchingType => "matching type 255 is for private use",
            Self::PastListLimit => "it comes after the first hundred records",
            Self::UnknownSelector => "the selector is neither Cert(0) nor SPKI(1)",
            Self::UnknownMatchingType => {
                "the matching type is none of Full(0), SHA2-256(1), SHA2-512(2)"
            }
            Self::WrongDigestLength => "its data is not as long as the digest",
            Self::NotACertificate => "the data is not exactly one certificate",
            Self::NotAPublicKey => "the data is not exactly one public key",
        })
    }
}

/// `u s m DATA`, without the middle of long data.
fn logged(record: &TlsaRecord) -> String {
    let fields: Vec<String> = record
        .rdata()
        .iter()
        .take(3)
        .map(ToString::to_string)
        .collect();
    let data = record.data();
    let shown = match (
        data.first_chunk::<LOGGED_BYTES>(),
        data.last_chunk::<LOGGED_BYTES>(),
    ) {
        (Some(head), Some(tail)) if data.len() > 2 * LOGGED_BYTES => {
            format!("{}...{}", hex(head), hex(tail))
        }
        _ if data.is_empty() => "...".to_owned(),
        _ => hex(data),
    };
    // Postfix's hex_encode writes upper case.
    format!("{} {}", fields.join(" "), shown.to_ascii_uppercase())
}

/// The data of a usable record.
#[derive(Clone, Debug)]
pub(crate) struct UsableRecord {
    pub(crate) usage: CertificateUsage,
    pub(crate) selector: Selector,
    pub(crate) matching_type: MatchingType,
    pub(crate) data: Vec<u8>,
    /// For `2 0 0`.
    pub(crate) certificate: Option<Certificate>,
    /// For `2 1 0`.
    pub(crate) key: Option<PublicKey>,
}

impl UsableRecord {
    /// Whether it matches a certificate of which only the bytes are known.
    pub(crate) fn matches_unreadable(&self, der: &[u8]) -> bool {
        self.selector == Selector::CERT
            && self.matching_type.apply(der).as_ref() == Some(&self.data)
    }
}

/// What happens to one record.
pub fn usability(record: &TlsaRecord) -> Usability {
    match classify(record) {
        Ok(_) => Usability::Usable,
        Err(unusable) => unusable,
    }
}

/// What happens to each record of an answer, in its order.
pub fn usability_of_rrset(records: &[TlsaRecord]) -> Vec<Usability> {
    classify_rrset(records)
        .into_iter()
        .map(|record| record.err().unwrap_or(Usability::Usable))
        .collect()
}

/// The records of an answer made ready for comparison, or why not.
pub(crate) fn classify_rrset(records: &[TlsaRecord]) -> Vec<Result<UsableRecord, Usability>> {
    let past = Usability::UnusableAtPolicy(UnusableReason::PastListLimit);
    records
        .iter()
        .enumerate()
        .map(|(index, record)| match index {
            ..LIST_LIMIT => classify(record),
            _ => Err(past),
        })
        .collect()
}

fn classify(record: &TlsaRecord) -> Result<UsableRecord, Usability> {
    use Usability::{UnusableAtHandshake, UnusableAtPolicy};
    let (Some(usage), Some(selector), Some(matching_type), [_, ..]) = (
        record.usage(),
        record.selector(),
        record.matching_type(),
        record.data(),
    ) else {
        return Err(UnusableAtPolicy(UnusableReason::Truncated));
    };
    if usage != CertificateUsage::DANE_TA && usage != CertificateUsage::DANE_EE {
        return Err(UnusableAtPolicy(UnusableReason::UnsupportedUsage));
    }
    if matching_type == MatchingType::PRIVATE_USE {
        return Err(UnusableAtPolicy(UnusableReason::PrivateUseMatchingType));
    }
    let mut usable = UsableRecord {
        usage,
        selector,
        matching_type,
        data: record.data().to_vec(),
        certificate: None,
        key: None,
    };
    check_at_handshake(&mut usable).map_err(UnusableAtHandshake)?;
    Ok(usable)
}

/// The length of a digest; `None` if the matching type has none that Postfix
/// knows.
fn digest_bytes(matching_type: MatchingType) -> Option<usize> {
    match matching_type {
        MatchingType::SHA2_256 => Some(32),
        MatchingType::SHA2_512 => Some(64),
        _ => None,
    }
}

/// openssl:`ssl_lib.c:dane_tlsa_add`.
fn check_at_handshake(record: &mut UsableRecord) -> Result<(), UnusableReason> {
    if record.selector != Selector::CERT && record.selector != Selector::SPKI {
        return Err(UnusableReason::UnknownSelector);
    }
    let digest_length = digest_bytes(record.matching_type);
    if digest_length.is_none() && record.matching_type != MatchingType::FULL {
        return Err(UnusableReason::UnknownMatchingType);
    }
    match digest_length {
        Some(length) if record.data.len() == length => Ok(()),
        Some(_) => Err(UnusableReason::WrongDigestLength),
        None if record.selector == Selector::CERT => {
            record.certificate = Certificate::from_der(&record.data)
                .ok()
                .filter(|certificate| certificate.key().is_supported());
            match record.certificate {
                Some(_) => Ok(()),
                None => Err(UnusableReason::NotACertificate),
            }
        }
        None => {
            record.key = PublicKey::from_spki_der(&record.data).filter(PublicKey::is_supported);
            match record.key {
                Some(_) => Ok(()),
                None => Err(UnusableReason::NotAPublicKey),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::mint::{self, Entity};

    fn of(text: &str) -> Usability {
        usability(&text.parse().unwrap())
    }

    fn raw(rdata: &[u8]) -> TlsaRecord {
        TlsaRecord::from_rdata(rdata)
    }

    const POLICY: fn(UnusableReason) -> Usability = Usability::UnusableAtPolicy;
    const HANDSHAKE: fn(UnusableReason) -> Usability = Usability::UnusableAtHandshake;

    #[test]
    fn records_without_association_data_are_dropped_as_truncated() {
        for rdata in [&[][..], &[3], &[3, 1], &[3, 1, 1], &[0, 9, 255]] {
            let record = raw(rdata);
            assert_eq!(usability(&record), POLICY(UnusableReason::Truncated));
            assert_eq!(
                UnusableReason::Truncated.postfix_text("mx.test", &record),
                Some(format!(
                    "mx.test: truncated TLSA RR length == {}",
                    rdata.len()
                ))
            );
        }
    }

    #[test]
    fn usages_other_than_2_and_3_are_dropped_at_policy_whatever_the_rest() {
        for usage in [0, 1, 4, 255] {
            let text = format!("{usage} 9 255 00");
            assert_eq!(of(&text), POLICY(UnusableReason::UnsupportedUsage));
        }
    }

    #[test]
    fn the_private_use_matching_type_is_dropped_at_policy() {
        assert_eq!(
            of("3 9 255 00"),
            POLICY(UnusableReason::PrivateUseMatchingType)
        );
    }

    #[test]
    fn what_openssl_refuses_is_dropped_only_at_the_handshake() {
        let digest = "ab".repeat(32);
        for (text, reason) in [
            (format!("3 2 1 {digest}"), UnusableReason::UnknownSelector),
            (
                format!("2 1 3 {digest}"),
                UnusableReason::UnknownMatchingType,
            ),
            (
                format!("3 1 1 {digest}00"),
                UnusableReason::WrongDigestLength,
            ),
            (format!("3 1 2 {digest}"), UnusableReason::WrongDigestLength),
            (format!("3 0 0 {digest}"), UnusableReason::NotACertificate),
            (format!("3 1 0 {digest}"), UnusableReason::NotAPublicKey),
        ] {
            assert_eq!(of(&text), HANDSHAKE(reason), "{text}");
        }
        assert_eq!(of(&format!("3 1 1 {digest}")), Usability::Usable);
        assert_eq!(of(&format!("2 0 2 {digest}{digest}")), Usability::Usable);
    }

    #[test]
    fn full_data_is_exactly_one_certificate_or_key() {
        let leaf = Entity::self_signed("mx.test", |_| {}).certificate;
        for usage in [2, 3] {
            for (selector, reason) in [
                (0, UnusableReason::NotACertificate),
                (1, UnusableReason::NotAPublicKey),
            ] {
                let record = mint::record(usage, selector, 0, &leaf);
                assert_eq!(usability(&record), Usability::Usable);
                let longer = [record.rdata(), &[0]].concat();
                assert_eq!(usability(&raw(&longer)), HANDSHAKE(reason));
                let shorter = record.rdata().split_last().unwrap().1;
                assert_eq!(usability(&raw(shorter)), HANDSHAKE(reason));
                // The other object, under the wrong selector.
                let mut swapped = mint::record(usage, 1 - selector, 0, &leaf).rdata().to_vec();
                swapped[1] = selector;
                assert_eq!(usability(&raw(&swapped)), HANDSHAKE(reason));
            }
        }
    }

    #[test]
    fn records_past_the_first_hundred_are_not_seen() {
        let record: TlsaRecord = format!("3 1 1 {}", "ab".repeat(32)).parse().unwrap();
        let outcome = usability_of_rrset(&vec![record; 102]);
        assert_eq!(outcome[99], Usability::Usable);
        assert_eq!(outcome[100], POLICY(UnusableReason::PastListLimit));
        assert_eq!(outcome.len(), 102);
    }

    #[test]
    fn the_log_text_is_that_of_postfix() {
        let record: TlsaRecord = "3 1 2 abcd".parse().unwrap();
        assert_eq!(
            UnusableReason::WrongDigestLength.postfix_text("mx.test[192.0.2.1]:25", &record),
            Some("mx.test[192.0.2.1]:25: unusable TLSA RR: 3 1 2 ABCD".to_owned())
        );
        let record: TlsaRecord = "1 1 1 abcd".parse().unwrap();
        assert_eq!(
            UnusableReason::UnsupportedUsage.postfix_text("mx.test", &record),
            Some("mx.test: unsupported TLSA certificate usage: 1 1 1 ABCD".to_owned())
        );
        let long: TlsaRecord = format!("3 1 9 {}ff{}", "aa".repeat(32), "bb".repeat(32))
            .parse()
            .unwrap();
        let text = UnusableReason::UnknownMatchingType.postfix_text("h", &long);
        let halves = format!("{}...{}", "AA".repeat(32), "BB".repeat(32));
        assert_eq!(text, Some(format!("h: unusable TLSA RR: 3 1 9 {halves}")));
        assert!(
            UnusableReason::NotAPublicKey
                .to_string()
                .contains("public key")
        );
    }
}
