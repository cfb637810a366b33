//! The catalogue of findings: for each one its id, severity, reference,
//! meaning and remedy, beside the check that raises it.
//!
//! `danecheck explain`, the reports and the documentation all print from
//! here. A new finding is a [`Rule`] next to its check, and its place in
//! [`RULES`].

mod address_limit;
mod alias;
pub(crate) mod assumed;
mod cause;
mod certificate_dates;
mod certificates;
mod client_certificate;
mod cut;
mod dns;
mod elsewhere;
pub(crate) mod expectation;
mod failed_lookup;
mod failed_session;
mod families;
mod freshness;
mod handshake;
mod local_sender;
mod markdown;
mod mismatch;
mod mta_sts;
pub(crate) mod name_server;
mod old_tls;
mod out_of_step;
pub(crate) mod overall;
mod refusal;
mod resolver;
mod rollover;
pub mod rule;
mod sender;
mod server_name;
mod session;
mod severity;
mod signature;
mod single;
mod starttls_offer;
mod subject;
mod tlsa;
mod unusable;
mod weak_link;

pub(crate) use cause::{Cause, OutOfStep};
pub(crate) use certificate_dates::DANE_TA_CERTIFICATE_EXPIRED;
pub(crate) use dns::NULL_MX;
pub(crate) use elsewhere::VANTAGE_POINTS_DIFFER;
pub(crate) use freshness::RECORDS_CHANGE_SPREADING;
pub(crate) use local_sender::LOCAL_DANE_SWITCHED_OFF;
pub use markdown::markdown;
pub(crate) use mismatch::{DANE_TA_NAME_MISMATCH, TLSA_ROOT_NOT_SENT, TLSA_WRONG_USAGE};
pub(crate) use mta_sts::{MTA_STS_MAILCOW_WAITS, MTA_STS_NO_HOST_PASSES};
pub(crate) use name_server::NAME_SERVERS_IN_ORDER;
pub(crate) use resolver::{RESOLVER_AND_VALIDATION_DIFFER, RESOLVER_ANSWERS_OTHERWISE};
pub use rule::{Finding, Rule, Severity};
pub(crate) use sender::SENDER_REFUSES_OLD_TLS;
pub use severity::WorseIf;
pub(crate) use single::of_single;
pub(crate) use tlsa::NO_TLSA;

use crate::judge::Judged;

use rule::Findings;

/// Every rule, sorted by id.
pub static RULES: &[&Rule] = &[
    &resolver::AD_STRIPPED,
    &families::ADDRESS_FAMILIES_FAIL_DIFFERENTLY,
    &families::ADDRESS_FAMILY_NOT_LOOKED_AT,
    &overall::ADDRESS_FAMILY_UNREACHABLE,
    &dns::ADDRESS_LOOKUP_FAILED,
    &mismatch::ADDRESSES_SHOW_DIFFERENT_CERTIFICATES,
    &alias::ALIAS_LOOP,
    &weak_link::ALIAS_NOT_OF_DNAME,
    &weak_link::ANSWER_OF_ANOTHER_NAME,
    &assumed::CERTIFICATE_ASSUMED,
    &rollover::CERTIFICATE_ENDS_SOON,
    &certificates::CERTIFICATE_INVALID,
    &certificates::CERTIFICATE_NOT_COVERED,
    &client_certificate::CLIENT_CERTIFICATE_REQUIRED,
    &client_certificate::CLIENT_CERTIFICATE_WANTED,
    &out_of_step::CLOSED_BEFORE_MAIL,
    &session::CONNECTION_REFUSED,
    &session::CONNECTION_TIMED_OUT,
    &certificate_dates::DANE_TA_CERTIFICATE_EXPIRED,
    &tlsa::DANE_TA_CHAIN_REFUSED,
    &mismatch::DANE_TA_NAME_MISMATCH,
    &overall::DELIVERY_BY_CHANCE,
    &weak_link::DENIAL_PROVES_NOTHING,
    &overall::DOWNGRADE_BY_FAIL_OVER,
    &weak_link::DS_MATCHES_NO_KEY,
    &session::EHLO_REFUSED,
    &session::GREETING_REFUSED,
    &handshake::HANDSHAKE_FAILED,
    &dns::HOST_NOT_SIGNED,
    &expectation::HOST_SKIPPED,
    &overall::INVALID_TARGET,
    &mismatch::ISSUER_NOT_SENT,
    &overall::JUDGEMENT_CUT_SHORT,
    &weak_link::KEY_MISSING,
    &local_sender::LOCAL_DANE_SWITCHED_OFF,
    &local_sender::LOCAL_NO_TRUST_STORE,
    &local_sender::LOCAL_OVERRIDE_NOT_NEEDED,
    &local_sender::LOCAL_OVERRIDE_TOO_WEAK,
    &local_sender::LOCAL_POLICY_MALFORMED,
    &local_sender::LOCAL_POLICY_SHADOWED,
    &local_sender::LOCAL_RELAYS,
    &local_sender::LOCAL_RESOLVER_NOT_TRUSTED,
    &address_limit::MORE_ADDRESSES_THAN_TRIED,
    &mta_sts::MTA_STS_HOST_FAILS,
    &mta_sts::MTA_STS_HOST_NOT_LISTED,
    &mta_sts::MTA_STS_MAILCOW_WAITS,
    &mta_sts::MTA_STS_MAX_AGE_ODD,
    &mta_sts::MTA_STS_NO_HOST_PASSES,
    &mta_sts::MTA_STS_NOT_ENFORCED,
    &mta_sts::MTA_STS_NOT_SEEN,
    &mta_sts::MTA_STS_PATTERN_UNUSED,
    &mta_sts::MTA_STS_POLICY_INVALID,
    &mta_sts::MTA_STS_POLICY_UNAVAILABLE,
    &mta_sts::MTA_STS_RECORD_INVALID,
    &dns::MX_HOST_IS_ADDRESS,
    &dns::MX_HOST_IS_ALIAS,
    &dns::MX_HOST_NAME_INVALID,
    &dns::MX_HOST_WITHOUT_ADDRESS,
    &dns::MX_LOOKUP_FAILED,
    &expectation::MX_NOT_AS_EXPECTED,
    &dns::MX_NOT_SIGNED,
    &dns::NAME_DOES_NOT_EXIST,
    &name_server::NAME_SERVER_ANSWER_BOGUS,
    &name_server::NAME_SERVER_BEHIND,
    &name_server::NAME_SERVER_FAILS,
    &name_server::NAME_SERVER_LACKS_SIGNATURES,
    &name_server::NAME_SERVER_LACKS_ZONE,
    &name_server::NAME_SERVER_NOT_AUTHORITATIVE,
    &name_server::NAME_SERVER_NOT_PUBLIC,
    &name_server::NAME_SERVER_SIGNATURE_EXPIRED,
    &name_server::NAME_SERVER_SILENT,
    &name_server::NAME_SERVER_WITHOUT_ADDRESS,
    &name_server::NAME_SERVERS_DISAGREE,
    &name_server::NAME_SERVERS_IN_ORDER,
    &name_server::NAME_SERVERS_OUT_OF_REACH,
    &overall::NO_ENCRYPTION,
    &dns::NO_MX_RECORD,
    &rollover::NO_SPARE_RECORD,
    &tlsa::NO_TLSA,
    &weak_link::NO_TRUST_ANCHOR,
    &overall::NOT_ALL_LOOKED_AT,
    &weak_link::NSEC3_ITERATIONS_PAST_LIMIT,
    &dns::NULL_MX,
    &server_name::OWN_NAME_REFUSED,
    &server_name::OWN_NAME_UNKNOWN,
    &sender::POLICY_SERVICE_FAILS,
    &overall::PORT_BLOCKED_HERE,
    &overall::POSTFIX_VERSIONS_DIFFER,
    &overall::PREFERRED_SERVER_FAILS,
    &overall::PROXY_FAILED,
    &freshness::RECORDS_CHANGE_SPREADING,
    &refusal::REFUSED_AT_FIRST,
    &out_of_step::REPLIES_OUT_OF_STEP,
    &dns::RESERVED_ADDRESS,
    &resolver::RESOLVER_ADDRESSES_DIFFER,
    &resolver::RESOLVER_AND_VALIDATION_DIFFER,
    &resolver::RESOLVER_ANSWERS_OTHERWISE,
    &resolver::RESOLVER_DENIES_THE_ROOT,
    &resolver::RESOLVER_DOES_NOT_VALIDATE,
    &resolver::RESOLVER_NOT_DNSSEC_CAPABLE,
    &resolver::RESOLVER_NOT_ON_LOOPBACK,
    &freshness::RESOLVER_SERVES_STALE,
    &resolver::RESOLVER_SILENT,
    &resolver::RESOLVER_TIMES_OUT,
    &weak_link::RESPONSE_CODE_CONTRADICTS,
    &sender::SENDER_REFUSES_OLD_TLS,
    &sender::SENDER_SETTING_NOT_READ,
    &sender::SENDER_STRICTER_THAN_DANE,
    &session::SERVER_SILENT,
    &assumed::SERVERS_NOT_LOOKED_AT,
    &session::SESSION_LOST_IN_TLS,
    &weak_link::SIGNATURE_DATES_REVERSED,
    &signature::SIGNATURE_ENDS_SOON,
    &weak_link::SIGNATURE_EXPIRED,
    &weak_link::SIGNATURE_MISSING,
    &weak_link::SIGNATURE_NOT_YET_VALID,
    &signature::SIGNATURE_WITHIN_CLOCK_SKEW,
    &weak_link::SIGNATURE_WRONG,
    &signature::SIGNATURES_END_BY_THEN,
    &weak_link::SIGNED_WITHOUT_DS,
    &weak_link::SIGNING_KEY_MISSING,
    &server_name::SNI_OTHER_CERTIFICATE,
    &server_name::SNI_REFUSED,
    &server_name::SNI_REQUIRED,
    &starttls_offer::STARTTLS_MASKED,
    &session::STARTTLS_NO_REPLY,
    &starttls_offer::STARTTLS_NOT_OFFERED,
    &session::STARTTLS_REFUSED_FOR_GOOD,
    &session::STARTTLS_REFUSED_FOR_NOW,
    &refusal::TEMPORARY_REFUSAL,
    &old_tls::TLS_DIFFERS_BY_RELEASE,
    &old_tls::TLS_OUTDATED,
    &mta_sts::TLS_REPORTING_INVALID,
    &mta_sts::TLS_REPORTING_MISSING,
    &old_tls::TLS_TOO_OLD,
    &certificates::TLS12_OTHER_CERTIFICATE,
    &mismatch::TLSA_AHEAD_OF_CERTIFICATE,
    &mismatch::TLSA_ALIAS_STALE,
    &unusable::TLSA_ALL_UNUSABLE,
    &rollover::TLSA_BREAKS_AT_RENEWAL,
    &mismatch::TLSA_CERTIFICATE_RENEWED,
    &freshness::TLSA_FROM_CACHE,
    &tlsa::TLSA_HIDDEN_BY_STRONGER_DIGEST,
    &mismatch::TLSA_ISSUER_CHANGED,
    &mismatch::TLSA_LEFT_AT_ALIAS,
    &tlsa::TLSA_LEFT_OVER,
    &rollover::TLSA_LONE_ISSUER,
    &tlsa::TLSA_LOOKUP_FAILED,
    &mismatch::TLSA_MISMATCH,
    &tlsa::TLSA_MISSING_ON_SOME_HOSTS,
    &tlsa::TLSA_NOT_SIGNED,
    &mismatch::TLSA_OF_NOTHING,
    &mismatch::TLSA_OF_OTHER_SERVER,
    &starttls_offer::TLSA_OF_OTHER_SERVICE,
    &mismatch::TLSA_OF_TEXT,
    &mismatch::TLSA_ONE_CERTIFICATE_MANY_RECORDS,
    &mismatch::TLSA_OTHER_ISSUER,
    &tlsa::TLSA_RECORD_MATCHES_NOTHING,
    &unusable::TLSA_RECORD_UNUSABLE,
    &mismatch::TLSA_RETIRED_ISSUER,
    &mismatch::TLSA_ROOT_NOT_SENT,
    &rollover::TLSA_TOO_MANY_RECORDS,
    &unusable::TLSA_WITHOUT_DATA,
    &mismatch::TLSA_WITHOUT_SNI_ONLY,
    &mismatch::TLSA_WRONG_SELECTOR,
    &mismatch::TLSA_WRONG_USAGE,
    &elsewhere::VANTAGE_POINT_BLIND,
    &elsewhere::VANTAGE_POINTS_AGREE,
    &elsewhere::VANTAGE_POINTS_DIFFER,
    &name_server::ZONE_NOT_LOADED,
];

impl Rule {
    /// The rule with this id.
    pub fn find(id: &str) -> Option<&'static Self> {
        RULES.iter().copied().find(|rule| rule.id == id)
    }
}

/// All findings for a judged target.
pub(crate) fn find_all(judged: &Judged<'_>) -> Vec<Finding> {
    let mut findings = Findings::default();
    resolver::check(judged, &mut findings);
    name_server::check(judged, &mut findings);
    dns::check(judged, &mut findings);
    alias::check(judged, &mut findings);
    tlsa::check(judged, &mut findings);
    certificates::check(judged, &mut findings);
    session::check(judged, &mut findings);
    weak_link::check(judged, &mut findings);
    signature::check(judged, &mut findings);
    freshness::check(judged, &mut findings);
    rollover::check(judged, &mut findings);
    families::check(judged, &mut findings);
    overall::check(judged, &mut findings);
    address_limit::check(judged, &mut findings);
    assumed::check(judged, &mut findings);
    expectation::check(judged, &mut findings);
    sender::check(judged, &mut findings);
    local_sender::check(judged, &mut findings);
    mta_sts::check(judged, &mut findings);
    elsewhere::check(judged, &mut findings);
    severity::raise(judged, &mut findings);
    findings.know("DOMAIN", &judged.evidence.observation.next_hop.to_string());
    let mut findings = findings.sorted();
    sender::lead(judged, &mut findings);
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_sorted_and_kebab_case() {
        let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(ids, sorted);
        for id in ids {
            assert!(
                id.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{id}"
            );
        }
    }

    #[test]
    fn every_rule_says_what_it_means_and_where_it_comes_from() {
        for rule in RULES {
            assert!(rule.meaning.ends_with('.'), "{}", rule.id);
            assert!(!rule.reference.is_empty(), "{}", rule.id);
            let told = rule.severity == Severity::Info || !rule.remedy().is_empty();
            assert!(told, "{}: what is to be done?", rule.id);
        }
    }
}
