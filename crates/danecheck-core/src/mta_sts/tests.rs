//! RFC 8461 section 3.1 and 3.2, rule by rule. What needs a server (section 3.3)
//! or a certificate (section 4.1) is in `tests/suite/mta_sts.rs`.

mod reporting;

use super::*;

fn records(texts: &[&str]) -> Vec<Vec<String>> {
    texts.iter().map(|text| vec![(*text).to_owned()]).collect()
}

/// Each rule with the records that show it, and the id that is read, or the
/// words of the fault.
const RECORDS: &[(&str, &[&str], Result<&str, &str>)] = &[
    // Section 3.1, the two fields.
    (
        "3.1 both fields",
        &["v=STSv1; id=20160831085700Z;"],
        Ok("20160831085700Z"),
    ),
    ("3.1 no final delimiter", &["v=STSv1;id=1"], Ok("1")),
    (
        "3.1 blanks around the delimiter",
        &["v=STSv1 ; \t id=1 ; "],
        Ok("1"),
    ),
    (
        "3.1 id: 32 letters and digits",
        &["v=STSv1; id=abcdefghijklmnopqrstuvwxyz012345"],
        Ok("abcdefghijklmnopqrstuvwxyz012345"),
    ),
    (
        "3.1 id: no 33rd",
        &["v=STSv1; id=abcdefghijklmnopqrstuvwxyz0123456"],
        Err(
            "invalid value `abcdefghijklmnopqrstuvwxyz0123456` for `id`: it has to be 1 to 32 letters and digits",
        ),
    ),
    (
        "3.1 id: no other character",
        &["v=STSv1; id=2016-08-31"],
        Err("invalid value `2016-08-31` for `id`: it has to be 1 to 32 letters and digits"),
    ),
    (
        "3.1 id: not empty",
        &["v=STSv1; id="],
        Err("`id=` is not of the form name=value"),
    ),
    (
        "3.1 id: required",
        &["v=STSv1;"],
        Err("it has no field `id`"),
    ),
    (
        "3.1 id: names are case-sensitive",
        &["v=STSv1; ID=1"],
        Err("it has no field `id`"),
    ),
    // "The TXT record MUST begin with the sts-version field".
    (
        "3.1 version first",
        &["id=1; v=STSv1"],
        Err("there is none"),
    ),
    (
        "3.1 version: case-sensitive",
        &["v=stsv1; id=1"],
        Err("there is none"),
    ),
    (
        "3.1 version: no blank before it",
        &[" v=STSv1; id=1"],
        Err("there is none"),
    ),
    (
        "3.1 version: this one",
        &["v=STSv2; id=1"],
        Err("there is none"),
    ),
    (
        "3.1 version: not the beginning of another",
        &["v=STSv12; id=1"],
        Err("there is none"),
    ),
    ("3.1 fields in any order", &["v=STSv1; a=b; id=1"], Ok("1")),
    // "unknown fields SHALL be ignored", if the record is syntactically valid.
    (
        "3.1 unknown fields",
        &["v=STSv1; id=1; next.field_1-x=anything:goes/here;"],
        Ok("1"),
    ),
    (
        "3.1 field names: 32 characters",
        &["v=STSv1; id=1; abcdefghijklmnopqrstuvwxyz012345=x"],
        Ok("1"),
    ),
    (
        "3.1 field names: no 33rd",
        &["v=STSv1; id=1; abcdefghijklmnopqrstuvwxyz0123456=x"],
        Err("`abcdefghijklmnopqrstuvwxyz0123456=x` is not of the form name=value"),
    ),
    (
        "3.1 field names: begin with a letter or digit",
        &["v=STSv1; id=1; -a=x"],
        Err("`-a=x` is not of the form name=value"),
    ),
    (
        "3.1 values: no blank",
        &["v=STSv1; id=1; a=b c"],
        Err("`a=b c` is not of the form name=value"),
    ),
    (
        "3.1 values: no equals sign",
        &["v=STSv1; id=1; a=b=c"],
        Err("`a=b=c` is not of the form name=value"),
    ),
    (
        "3.1 a field is name and value",
        &["v=STSv1; id=1; word"],
        Err("`word` is not of the form name=value"),
    ),
    (
        "3.1 no empty field",
        &["v=STSv1;; id=1"],
        Err("`` is not of the form name=value"),
    ),
    (
        "3.1 no bytes beyond ASCII",
        &["v=STSv1; id=1; a=\u{fffd}"],
        Err("`a=\u{fffd}` is not of the form name=value"),
    ),
    // "all entries except for the first SHALL be ignored".
    (
        "3.1 the first of two ids",
        &["v=STSv1; id=1; id=2"],
        Ok("1"),
    ),
    // "records that do not begin with "v=STSv1;" are discarded"; "if the
    // number of resulting records is not one".
    (
        "3.1 other records beside it",
        &["spf2.0/pra", "v=STSv1; id=1", ""],
        Ok("1"),
    ),
    (
        "3.1 two of them",
        &["v=STSv1; id=1", "v=STSv1; id=2"],
        Err("there are 2 of them, but only one is allowed"),
    ),
    ("3.1 none of them", &["v=spf1 -all"], Err("there is none")),
    ("3.1 no record at all", &[], Err("there is none")),
];

#[test]
fn each_rule_of_section_3_1_holds() {
    for (rule, texts, expected) in RECORDS {
        let read = sts_record(&records(texts));
        let read = read
            .map(|record| record.id)
            .map_err(|fault| fault.to_string());
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(read, expected, "{rule}");
    }
}

#[test]
fn the_strings_of_a_record_belong_together_without_a_blank() {
    // "MUST be treated as if those strings are concatenated together without
    // adding spaces."
    let strings = vec![
        ["v=STSv1; i", "d=2016", "0831;"]
            .map(str::to_owned)
            .to_vec(),
    ];
    assert_eq!(sts_record(&strings).unwrap().id, "20160831");
    let strings = vec![["v=STSv1;", "id=1 ", "2"].map(str::to_owned).to_vec()];
    assert!(sts_record(&strings).is_err());
}

#[test]
fn whatever_makes_some_sender_ask_for_a_policy_promises_one() {
    for (texts, promises) in [
        (&["v=STSv1; id=1"][..], true),
        (&["v=STSv1 id=1"], true),
        (&["v=STSv1; id=1", "v=STSv1; id=2"], true),
        (&["x", "v=STSv1"], true),
        (&["V=STSv1; id=1"], false),
        (&["id=1; v=STSv1"], false),
        (&[], false),
    ] {
        assert_eq!(promises_policy(&records(texts)), promises, "{texts:?}");
    }
}

/// Each rule with a policy that shows it, and what is read: mode, age and
/// patterns, or the words of the fault.
const POLICIES: &[(&str, &str, Result<&str, &str>)] = &[
    (
        "3.2 the example",
        "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n",
        Ok("enforce 604800 mail.example.com *.example.net backupmx.example.com"),
    ),
    (
        "3.2 LF alone",
        "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1\n",
        Ok("testing 1 a.example"),
    ),
    (
        "3.2 no end of the last line",
        "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1",
        Ok("testing 1 a.example"),
    ),
    (
        "3.2 no blank after the colon",
        "version:STSv1\nmode:testing\nmx:a.example\nmax_age:1",
        Ok("testing 1 a.example"),
    ),
    (
        "3.2 blanks after the colon and at the end",
        "version: \tSTSv1 \nmode: testing\t\nmx:   a.example\nmax_age: 1",
        Ok("testing 1 a.example"),
    ),
    (
        "3.2 any order",
        "max_age: 1\nmx: a.example\nmode: testing\nversion: STSv1\n",
        Ok("testing 1 a.example"),
    ),
    (
        "3.2 version: required",
        "mode: testing\nmx: a.example\nmax_age: 1\n",
        Err("it has no field `version`"),
    ),
    (
        "3.2 version: this one",
        "version: STSv2\nmode: testing\nmx: a.example\nmax_age: 1\n",
        Err("invalid value `STSv2` for `version`: it has to be STSv1"),
    ),
    (
        "3.2 version: case-sensitive",
        "version: stsv1\nmode: testing\nmx: a.example\nmax_age: 1\n",
        Err("invalid value `stsv1` for `version`: it has to be STSv1"),
    ),
    (
        "3.2 mode: required",
        "version: STSv1\nmx: a.example\nmax_age: 1\n",
        Err("it has no field `mode`"),
    ),
    (
        "3.2 mode: one of three",
        "version: STSv1\nmode: report\nmx: a.example\nmax_age: 1\n",
        Err("invalid value `report` for `mode`: it has to be enforce, testing or none"),
    ),
    (
        "3.2 mode: case-sensitive",
        "version: STSv1\nmode: Enforce\nmx: a.example\nmax_age: 1\n",
        Err("invalid value `Enforce` for `mode`: it has to be enforce, testing or none"),
    ),
    (
        "3.2 max_age: required",
        "version: STSv1\nmode: testing\nmx: a.example\n",
        Err("it has no field `max_age`"),
    ),
    (
        "3.2 max_age: digits",
        "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1d\n",
        Err(
            "invalid value `1d` for `max_age`: it has to be a number of seconds with 1 to 10 digits",
        ),
    ),
    (
        "3.2 max_age: no sign",
        "version: STSv1\nmode: testing\nmx: a.example\nmax_age: +1\n",
        Err(
            "invalid value `+1` for `max_age`: it has to be a number of seconds with 1 to 10 digits",
        ),
    ),
    (
        "3.2 max_age: 0 is one",
        "version: STSv1\nmode: none\nmax_age: 0\n",
        Ok("none 0"),
    ),
    (
        "3.2 max_age: ten digits",
        "version: STSv1\nmode: none\nmax_age: 9999999999\n",
        Ok("none 9999999999"),
    ),
    (
        "3.2 max_age: no eleventh",
        "version: STSv1\nmode: none\nmax_age: 00000000001\n",
        Err(
            "invalid value `00000000001` for `max_age`: it has to be a number of seconds with 1 to 10 digits",
        ),
    ),
    (
        "3.2 mx: required to enforce",
        "version: STSv1\nmode: enforce\nmax_age: 1\n",
        Err("it has no field `mx`"),
    ),
    (
        "3.2 mx: required to test",
        "version: STSv1\nmode: testing\nmax_age: 1\n",
        Err("it has no field `mx`"),
    ),
    (
        "3.2 mx: not with none",
        "version: STSv1\nmode: none\nmax_age: 86400\n",
        Ok("none 86400"),
    ),
    (
        "3.2 mx: lower case for comparison",
        "version: STSv1\nmode: testing\nmx: MX.Example\nmax_age: 1\n",
        Ok("testing 1 mx.example"),
    ),
    (
        "3.2 mx: the star is the whole first label",
        "version: STSv1\nmode: testing\nmx: mx*.a.example\nmax_age: 1\n",
        Err(
            "invalid value `mx*.a.example` for `mx`: it has to be a host name, whose first label may be `*`",
        ),
    ),
    (
        "3.2 mx: the star comes first",
        "version: STSv1\nmode: testing\nmx: a.*.example\nmax_age: 1\n",
        Err(
            "invalid value `a.*.example` for `mx`: it has to be a host name, whose first label may be `*`",
        ),
    ),
    (
        "3.2 mx: no leading dot",
        "version: STSv1\nmode: testing\nmx: .example\nmax_age: 1\n",
        Err(
            "invalid value `.example` for `mx`: it has to be a host name, whose first label may be `*`",
        ),
    ),
    (
        "3.2 mx: no address",
        "version: STSv1\nmode: testing\nmx: 192.0.2.1\nmax_age: 1\n",
        Err(
            "invalid value `192.0.2.1` for `mx`: it has to be a host name, whose first label may be `*`",
        ),
    ),
    (
        "3.2 mx: one a line",
        "version: STSv1\nmode: testing\nmx: a.example, b.example\nmax_age: 1\n",
        Err(
            "invalid value `a.example, b.example` for `mx`: it has to be a host name, whose first label may be `*`",
        ),
    ),
    (
        "3.2 unknown fields",
        "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1\nnote: anything {at} all: here, grüße\n",
        Ok("testing 1 a.example"),
    ),
    (
        "3.2 the first of two modes",
        "version: STSv1\nmode: testing\nmode: enforce\nmx: a.example\nmax_age: 1\n",
        Ok("testing 1 a.example"),
    ),
    (
        "3.2 the first of two ages",
        "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1\nmax_age: 2\n",
        Ok("testing 1 a.example"),
    ),
    (
        "3.2 the first of two versions",
        "version: STSv1\nversion: STSv9\nmode: testing\nmx: a.example\nmax_age: 1\n",
        Ok("testing 1 a.example"),
    ),
    (
        "3.2 the first counts though it is wrong",
        "version: STSv1\nmode: x\nmode: enforce\nmx: a.example\nmax_age: 1\n",
        Err("invalid value `x` for `mode`: it has to be enforce, testing or none"),
    ),
    (
        "3.2 each line is a field",
        "version: STSv1\nmode: testing\nmx a.example\nmax_age: 1\n",
        Err("line 3 is not of the form name: value"),
    ),
    (
        "3.2 no blank before the colon",
        "version: STSv1\nmode : testing\nmx: a.example\nmax_age: 1\n",
        Err("line 2 is not of the form name: value"),
    ),
    (
        "3.2 no blank before the name",
        "version: STSv1\n mode: testing\nmx: a.example\nmax_age: 1\n",
        Err("line 2 is not of the form name: value"),
    ),
    (
        "3.2 no empty value",
        "version: STSv1\nmode:\nmx: a.example\nmax_age: 1\n",
        Err("line 2 is not of the form name: value"),
    ),
    (
        "3.2 no control characters",
        "version: STSv1\nmode: testing\nnote: a\u{7}\nmx: a.example\nmax_age: 1\n",
        Err("line 3 is not of the form name: value"),
    ),
    (
        "3.2 field names: no 33rd character",
        "abcdefghijklmnopqrstuvwxyz0123456: x\nversion: STSv1\n",
        Err("line 1 is not of the form name: value"),
    ),
    (
        "3.2 UTF-8",
        "version: STSv1\nmode: testing\nnote: \u{fffd}\nmx: a.example\nmax_age: 1\n",
        Ok("testing 1 a.example"),
    ),
    (
        "3.2 an HTML page",
        "<!DOCTYPE html>\n<html></html>\n",
        Err("line 1 is not of the form name: value"),
    ),
    ("3.2 nothing", "", Err("it has no field `version`")),
    (
        "an empty line, which everybody passes over",
        "version: STSv1\nmode: none\n\nmax_age: 1\n\n",
        Ok("none 1"),
    ),
];

#[test]
fn each_rule_of_section_3_2_holds() {
    for (rule, body, expected) in POLICIES {
        let read = policy(body, true)
            .map(|policy| {
                let mx = policy.mx.iter().map(|pattern| format!(" {pattern}"));
                let mx = mx.collect::<String>();
                format!("{} {}{mx}", policy.mode.as_str(), policy.max_age)
            })
            .map_err(|fault| fault.to_string());
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(read, expected, "{rule}");
    }
}

#[test]
fn a_pattern_allows_hosts_as_section_4_1_says() {
    for (pattern, host, allows) in [
        ("mail.example.com", "mail.example.com", true),
        ("mail.example.com", "MAIL.example.com", true),
        ("mail.example.com", "mail2.example.com", false),
        ("mail.example.com", "a.mail.example.com", false),
        ("*.example.com", "mail.example.com", true),
        ("*.example.com", "Mail.Example.COM", true),
        // "matches only exactly one label".
        ("*.example.com", "example.com", false),
        ("*.example.com", "foo.bar.example.com", false),
        ("*.example.com", ".example.com", false),
        ("*.example.com", "mail.example.org", false),
    ] {
        let text = format!("version: STSv1\nmode: enforce\nmax_age: 1\nmx: {pattern}\n");
        assert_eq!(
            policy(&text, true).unwrap().allows(host),
            allows,
            "{pattern} {host}"
        );
    }
}

#[test]
fn a_record_that_does_not_begin_with_the_version_says_why() {
    for (text, why) in [
        ("\"v=STSv1; id=1;\"", Some("quotation marks")),
        ("\u{201c}v=STSv1; id=1;\u{201d}", Some("quotation marks")),
        ("'v=STSv1; id=1;'", Some("quotation marks")),
        ("v=STSv1 id=1", Some("no semicolon")),
        ("v=STSv1, id=1", Some("no semicolon")),
        ("v=STSv1", Some("no semicolon")),
        ("v=stsv1; id=1", Some("upper and lower case")),
        ("V=STSv1; id=1", Some("version")),
        ("v=STSV1; id=1", Some("upper and lower case")),
        ("v=STSv1\\; id=1", Some("a backslash")),
        ("v=stsv1\\; id=1\\;", Some("a backslash")),
        (" v=STSv1; id=1", Some("a blank")),
        ("id=1; v=STSv1", Some("does not stand first")),
        ("v=spf1 -all", None),
        ("", None),
        ("v=\u{e9}\u{e9}stsv1", Some("does not stand first")),
    ] {
        let found = meant(&records(&[text]), "STSv1");
        match (found, why) {
            (Some((shown, found)), Some(why)) => {
                assert_eq!(shown, text);
                assert!(found.contains(why), "{text}: {found}");
            }
            (found, why) => assert_eq!(found.is_some(), why.is_some(), "{text}"),
        }
    }
}

#[test]
fn bytes_that_are_not_utf8_make_no_policy() {
    let body = "version: STSv1\nmode: testing\nnote: \u{fffd}\nmx: a.example\nmax_age: 1\n";
    assert_eq!(policy(body, false), Err(PolicyFault::NotUtf8));
    assert!(policy(body, true).is_ok());
}
