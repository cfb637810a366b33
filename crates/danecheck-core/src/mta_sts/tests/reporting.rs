//! TLS reporting, rule by rule: RFC 8460 section 3.

use super::super::report_record;
use super::records;

/// RFC 8460 section 3.
const REPORTS: &[(&str, &[&str], Result<&str, &str>)] = &[
    (
        "3 by mail",
        &["v=TLSRPTv1;rua=mailto:reports@example.com"],
        Ok("mailto:reports@example.com"),
    ),
    (
        "3 by HTTPS",
        &["v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt"],
        Ok("https://reporting.example.com/v1/tlsrpt"),
    ),
    (
        "3 both, with blanks",
        &["v=TLSRPTv1; rua=mailto:a@example.com , https://example.com/?a=b;"],
        Ok("mailto:a@example.com https://example.com/?a=b"),
    ),
    (
        "3 rua: required",
        &["v=TLSRPTv1;"],
        Err("it has no field `rua`"),
    ),
    (
        "3 rua: no other scheme",
        &["v=TLSRPTv1; rua=http://example.com/"],
        Err(
            "invalid value `http://example.com/` for `rua`: it has to be mailto:NAME@DOMAIN or https://...",
        ),
    ),
    (
        "3 rua: a scheme",
        &["v=TLSRPTv1; rua=reports@example.com"],
        Err(
            "invalid value `reports@example.com` for `rua`: it has to be mailto:NAME@DOMAIN or https://...",
        ),
    ),
    (
        "RFC 6068: header fields",
        &["v=TLSRPTv1; rua=mailto:a@example.com?subject=x"],
        Ok("mailto:a@example.com?subject=x"),
    ),
    (
        "RFC 6068: two of them",
        &["v=TLSRPTv1; rua=mailto:a@example.com?subject=x&cc=b@example.com"],
        Ok("mailto:a@example.com?subject=x&cc=b@example.com"),
    ),
    (
        "RFC 6068: no address before them",
        &["v=TLSRPTv1; rua=mailto:?to=a@example.com"],
        Err(
            "invalid value `mailto:?to=a@example.com` for `rua`: it has to be mailto:NAME@DOMAIN or https://...",
        ),
    ),
    (
        "3 rua: no blank after the scheme",
        &["v=TLSRPTv1; rua=mailto: a@example.com"],
        Err("invalid value `mailto: a@example.com` for `rua`: a blank stands in it"),
    ),
    (
        "3 rua: no blank in the address",
        &["v=TLSRPTv1; rua=mailto:a b@example.com"],
        Err("invalid value `mailto:a b@example.com` for `rua`: a blank stands in it"),
    ),
    (
        "3 rua: a blank is no comma",
        &["v=TLSRPTv1; rua=mailto:a@example.com https://example.com/"],
        Err(
            "invalid value `mailto:a@example.com https://example.com/` for `rua`: a blank stands in it",
        ),
    ),
    (
        "3 version first",
        &["rua=mailto:a@example.com; v=TLSRPTv1"],
        Err("there is none"),
    ),
    (
        "3 version: this one",
        &["v=TLSRPTv2; rua=mailto:a@example.com"],
        Err("there is none"),
    ),
    (
        "3 unknown fields",
        &["v=TLSRPTv1; x=y; rua=mailto:a@example.com"],
        Ok("mailto:a@example.com"),
    ),
    (
        "3 two of them",
        &[
            "v=TLSRPTv1; rua=mailto:a@example.com",
            "v=TLSRPTv1; rua=mailto:b@example.com",
        ],
        Err("there are 2 of them, but only one is allowed"),
    ),
    (
        "3 other records beside it",
        &["hello", "v=TLSRPTv1; rua=mailto:a@example.com"],
        Ok("mailto:a@example.com"),
    ),
];

#[test]
fn each_rule_of_section_3_of_tls_reporting_holds() {
    for (rule, texts, expected) in REPORTS {
        let read = report_record(&records(texts));
        let read = read
            .map(|record| record.addresses.join(" "))
            .map_err(|fault| fault.to_string());
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(read, expected, "{rule}");
    }
}
