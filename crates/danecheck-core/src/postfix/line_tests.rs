//! Lines of a policy table, read and written.

use super::level::SecurityLevel;
use super::line::{LineFault, PolicyLine, ServerName};
use super::settings::Settings;
use super::suite_set::Exclusions;
use super::tls_version::TlsVersion;

fn parse(text: &str) -> Result<PolicyLine, LineFault> {
    PolicyLine::parse(text, None)
}

#[test]
fn a_value_is_a_level_and_attributes() {
    let line = parse("Secure match=mx1.example.com:.example.net, servername=hostname").unwrap();
    assert_eq!(line.level, SecurityLevel::Secure);
    assert_eq!(line.matches, ["mx1.example.com", ".example.net"]);
    assert_eq!(line.server_name, Some(ServerName::HostName));
    let line = parse("encrypt protocols=>=TLSv1.2 ciphers=HIGH exclude=3DES").unwrap();
    assert_eq!(line.oldest_tls(), Some(TlsVersion::Tls12));
    assert_eq!(line.late_fault, None);
    let line = parse("fingerprint match=AA:BB|CC:DD match=EE:FF").unwrap();
    assert_eq!(line.matches, ["AA:BB", "CC:DD", "EE:FF"]);
    // Attributes of `none` are ignored.
    assert_eq!(parse("none match=x").unwrap().level, SecurityLevel::None);
    // mailcow's CONCAT leaves a blank behind.
    assert!(parse("encrypt ").is_ok());
    assert!(parse("may protocols=").is_ok());
    let none = parse("encrypt exclude=").unwrap();
    assert_eq!(none.to_string(), "encrypt exclude=");
    let settings = Settings {
        excluded_above: Exclusions::of_list("kRSA"),
        ..Settings::default()
    };
    assert_eq!(none.excluded(settings, false), Exclusions::default());
    let of_main_cf = parse("encrypt").unwrap().excluded(settings, false);
    assert_eq!(of_main_cf, settings.excluded_above);
}

/// A line says the same when it is written and read again.
fn holds(line: &PolicyLine) {
    let text = line.to_string();
    assert_eq!(parse(&text).as_ref(), Ok(line), "{text}");
    assert_eq!(parse(&text).unwrap().to_string(), text);
}

#[test]
fn a_line_is_written_as_it_is_read() {
    for text in [
        "none",
        "may",
        "encrypt",
        "dane",
        "dane-only",
        "verify",
        "secure match=mx1.example.com:.example.net servername=hostname",
        "secure match=mx1.x:mx2.x servername=hostname protocols=>=TLSv1.1",
        "secure match=nexthop:dot-nexthop servername=nexthop tafile=/etc/ssl/a.pem tafile=/b",
        "fingerprint match=AA:BB|CC:DD",
        "encrypt protocols=>=TLSv1",
        "encrypt protocols=TLSv1:TLSv1.2 ciphers=high exclude=3DES:aNULL",
        "secure policy_type=sts mx_host_pattern=*.example.com mx_host_pattern=mx.example.net",
        "encrypt exclude=3DES:!RC4",
        "encrypt exclude=!RC4 ciphers=best",
        "may servername=mx.example.com protocols=TLSv9",
        "secure { match = a b:c }",
        "may { protocols = <=TLSv9 >=TLSv1 }",
    ] {
        let line = parse(text).unwrap();
        assert_eq!(line.to_string(), text);
        holds(&line);
    }
    // What decides nothing, and other ways to write the same, are left out.
    for (text, written) in [
        (
            "Encrypt,protocols=!TLSv1:!TLSv1.1 ",
            "encrypt protocols=>=TLSv1.2",
        ),
        (
            "dane connection_reuse=yes enable_rpk=no policy_ttl=1 policy_type=sts",
            "dane",
        ),
        ("may protocols=", "may protocols=>=TLSv1"),
        ("secure match=a match=b", "secure match=a:b"),
        ("none match=x", "none"),
    ] {
        let line = parse(text).unwrap();
        assert_eq!(line.to_string(), written);
        holds(&line);
    }
}

#[test]
fn a_line_of_any_attributes_is_written_as_it_is_read() {
    const WORDS: [&str; 30] = [
        "match=mx.example.com",
        "match=.example.net:hostname",
        "match=AA:BB|CC:DD",
        "{ match = a, b }",
        "servername=hostname",
        "ServerName=nexthop",
        "servername=mx.example.com",
        "protocols=>=TLSv1.2",
        "protocols=!TLSv1",
        "protocols=TLSv1:TLSv1.3",
        "protocols=<=TLSv1.2",
        "{protocols=>=TLSv1.1 <=TLSv1.2}",
        "protocols=SSLv3",
        "protocols=TLSv9",
        "ciphers=HIGH",
        "ciphers=null",
        "ciphers=best",
        "exclude=3DES",
        "exclude=aNULL:!RC4",
        "{ exclude = a b, +c }",
        "tafile=/etc/ssl/a.pem",
        "{ tafile = /etc/ssl/a b.pem }",
        "policy_type=sts",
        "policy_type=no-policy-found",
        "mx_host_pattern=*.Example.com",
        "policy_string=x",
        "policy_ttl=600",
        "connection_reuse=yes",
        "enable_rpk=no",
        "exclude=:",
    ];
    // Knuth's generator, MMIX: the same lines every time.
    let mut state: u64 = 20_261_128;
    let mut below = |limit: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % limit
    };
    let mut taken = 0;
    let mut with_late_fault = 0;
    for _ in 0..20_000 {
        let mut text = SecurityLevel::ALL[below(8)].to_string();
        for _ in 0..below(5) {
            text.push_str([" ", ",", ", ", "\t"][below(4)]);
            text.push_str(WORDS[below(WORDS.len())]);
        }
        if let Ok(line) = parse(&text) {
            holds(&line);
            taken += 1;
            with_late_fault += usize::from(line.late_fault.is_some());
        }
    }
    assert!(
        taken > 3000 && with_late_fault > 500,
        "{taken} {with_late_fault}"
    );
}

#[test]
fn a_release_takes_a_written_line_as_it_takes_its_text() {
    let releases = ["3.3.0", "3.4.0", "3.8.0", "3.9.0", "3.10.0"];
    for text in [
        "dane",
        "secure match=a:b servername=hostname protocols=>=TLSv1.2",
        "secure { match = a b }",
        "secure policy_type=sts mx_host_pattern=*.x",
        "encrypt ciphers=high exclude=3DES",
    ] {
        let line = parse(text).unwrap();
        assert!(line.is_taken_by(None));
        for release in releases {
            let release = Some(release.parse().unwrap());
            let read = PolicyLine::parse(text, release);
            assert_eq!(
                line.is_taken_by(release),
                read.is_ok(),
                "{text} {release:?}"
            );
        }
    }
}

#[test]
fn what_postfix_does_not_take_is_refused_with_the_reason() {
    for (text, why) in [
        ("", "it is empty"),
        ("halfdane", "unknown TLS security level `halfdane`"),
        ("encrpyt", "unknown TLS security level `encrpyt`"),
        ("encrypt strict", "`strict` is not of the form name=value"),
        (
            "encrypt protocols>=TLSv1.2",
            "unknown attribute `protocols>`",
        ),
        (
            "encrypt match=x.example",
            "attribute `match` is not allowed at level encrypt",
        ),
        (
            "dane match=x.example",
            "attribute `match` is not allowed at level dane",
        ),
        (
            "dane tafile=/x",
            "attribute `tafile` is not allowed at level dane",
        ),
        ("secure match=", "invalid value `` for `match`"),
        ("may ciphers=", "invalid value `` for `ciphers`"),
        (
            "may ciphers=high ciphers=high",
            "attribute `ciphers` is repeated",
        ),
        ("may servername=-x", "invalid value `-x` for `servername`"),
        (
            "may connection_reuse=1",
            "invalid value `1` for `connection_reuse`",
        ),
        (
            "may protocols=!SSLv2,!SSLv3",
            "`!SSLv3` is not of the form name=value",
        ),
        (
            "secure policy_domain=x",
            "invalid value `a value without policy_type` for `policy_domain`",
        ),
        (
            "secure policy_type=dane",
            "invalid value `dane` for `policy_type`",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), why, "{text}");
    }
}

#[test]
fn some_faults_come_to_light_only_at_the_handshake() {
    for text in [
        "encrypt protocols=TLSv9",
        "may ciphers=best",
        "encrypt exclude=!RC4",
    ] {
        assert!(parse(text).unwrap().late_fault.is_some(), "{text}");
    }
}

#[test]
fn attributes_and_braces_came_with_releases() {
    let read =
        |text: &str, release: &str| PolicyLine::parse(text, Some(release.parse().unwrap())).is_ok();
    for (text, since, before) in [
        ("may enable_rpk=yes", "3.9.0", "3.8.9"),
        (
            "secure policy_type=sts mx_host_pattern=*.x",
            "3.10.0",
            "3.9.9",
        ),
        ("secure { match = mx1.x }", "3.10.0", "3.9.9"),
    ] {
        assert!(read(text, since), "{text} {since}");
        assert!(!read(text, before), "{text} {before}");
    }
    let line = parse("secure { match = mx1.x:mx2.x } servername=hostname").unwrap();
    assert_eq!(line.matches, ["mx1.x", "mx2.x"]);
}
