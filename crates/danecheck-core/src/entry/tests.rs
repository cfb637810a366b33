//! Every system's entry, for every policy.

use crate::postfix::{Override, PolicyLine, SecurityLevel};

use super::*;

const POLICIES: [SecurityLevel; 3] = [
    SecurityLevel::Encrypt,
    SecurityLevel::May,
    SecurityLevel::None,
];

fn request(next_hop: &str, policy: SecurityLevel) -> Request {
    Request {
        entry: Override {
            next_hop: next_hop.to_owned(),
            line: PolicyLine::plain(policy),
        },
        hosts: vec!["mx1.example.com".to_owned(), "mx2.example.com".to_owned()],
        by_plain_text_retry: false,
        note: Note {
            date: "2026-11-22".to_owned(),
            next_hop: Some("example.com".to_owned()),
            caution: Some("Ask the receiver by phone before you set it.".to_owned()),
            reason: "The certificate of mx1.example.com matches none of its TLSA records."
                .to_owned(),
            remove_when: "`danecheck example.com` says that the dane level delivers again"
                .to_owned(),
        },
        language: Language::En,
    }
}

fn text(name: &str, request: &Request) -> String {
    match MailSystem::find(name).unwrap().write(request) {
        Written::Entry { text, .. } => text,
        other => panic!("{name}: {other:?}"),
    }
}

/// The entry without its comment.
fn bare(name: &str, request: &Request) -> String {
    text(name, request)
        .lines()
        .filter(|line| !line.starts_with(['#', ';']))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn every_entry_says_since_when_why_until_when_and_how() {
    for system in SYSTEMS {
        for policy in POLICIES {
            let request = request("example.com", policy);
            let Written::Entry { text, .. } = system.write(&request) else {
                continue;
            };
            if system.name == "mailcow" {
                continue;
            }
            let sign = if system.name == "haraka" { ';' } else { '#' };
            let comment: Vec<String> = text
                .lines()
                .take_while(|line| line.starts_with(sign))
                .map(|line| line.replacen(sign, "#", 1))
                .collect();
            let read = Note::read(comment.iter().map(String::as_str));
            assert_eq!(read.as_ref(), Some(&request.note), "{text}");
            for head in ["Goes into:", "To activate:", "To remove:"] {
                let lines = comment.iter().filter(|line| line.contains(head)).count();
                assert_eq!(lines, 1, "{} {head}\n{text}", system.name);
            }
            assert!(text.ends_with('\n') && !text.contains('\t'), "{text}");
        }
    }
}

#[test]
fn the_systems_built_around_postfix_take_its_line() {
    for name in ["postfix", "mailu", "docker-mailserver", "mail-in-a-box"] {
        for (next_hop, policy, line) in [
            (
                "example.com",
                SecurityLevel::Encrypt,
                "example.com  encrypt\n",
            ),
            (
                "[192.0.2.1]:26",
                SecurityLevel::May,
                "[192.0.2.1]:26  may\n",
            ),
        ] {
            assert_eq!(bare(name, &request(next_hop, policy)), line, "{name}");
        }
    }
}

#[test]
fn exim_goes_by_the_hosts() {
    for (policy, options) in [
        (
            SecurityLevel::Encrypt,
            "  hosts_try_dane = ! mx1.example.com : ! mx2.example.com : *\n  \
             hosts_require_tls = mx1.example.com : mx2.example.com\n",
        ),
        (
            SecurityLevel::May,
            "  hosts_try_dane = ! mx1.example.com : ! mx2.example.com : *\n",
        ),
        (
            SecurityLevel::None,
            "  hosts_try_dane = ! mx1.example.com : ! mx2.example.com : *\n  \
             hosts_avoid_tls = mx1.example.com : mx2.example.com\n",
        ),
    ] {
        assert_eq!(bare("exim", &request("example.com", policy)), options);
    }
    let literal = Request {
        hosts: vec!["2001:db8::1".to_owned()],
        ..request("[2001:db8::1]", SecurityLevel::May)
    };
    assert_eq!(
        bare("exim", &literal),
        "  hosts_try_dane = <; ! 2001:db8::1 ; *\n"
    );
    let unknown = Request {
        hosts: Vec::new(),
        ..request("example.com", SecurityLevel::May)
    };
    let written = MailSystem::find("exim").unwrap().write(&unknown);
    assert!(matches!(written, Written::Inexpressible(_)), "{written:?}");
}

#[test]
fn what_goes_by_domain_cannot_say_a_next_hop_of_the_transport_table() {
    for name in [
        "stalwart",
        "stalwart-toml",
        "maddy",
        "kumomta",
        "exchange-online",
        "haraka",
        "opensmtpd",
    ] {
        for next_hop in ["[mail.example.com]", "example.com:26"] {
            let request = request(next_hop, SecurityLevel::Encrypt);
            let written = MailSystem::find(name).unwrap().write(&request);
            let Written::Inexpressible(why) = written else {
                panic!("{name}: {written:?}");
            };
            assert!(why.contains(next_hop), "{why}");
        }
    }
}

#[test]
fn what_knows_no_dane_needs_an_entry_only_where_starttls_itself_is_broken() {
    for (name, policy, retry, needed) in [
        ("haraka", SecurityLevel::Encrypt, false, false),
        ("haraka", SecurityLevel::May, false, false),
        ("haraka", SecurityLevel::May, true, true),
        ("haraka", SecurityLevel::None, false, true),
        ("opensmtpd", SecurityLevel::Encrypt, false, false),
        ("opensmtpd", SecurityLevel::May, true, false),
        ("opensmtpd", SecurityLevel::None, false, true),
    ] {
        let request = Request {
            by_plain_text_retry: retry,
            ..request("example.com", policy)
        };
        let written = MailSystem::find(name).unwrap().write(&request);
        let got = !matches!(written, Written::NotNeeded(_));
        assert_eq!(got, needed, "{name} {policy}: {written:?}");
    }
}

#[test]
fn the_level_is_said_in_each_systems_words() {
    for (name, policy, word) in [
        ("stalwart", SecurityLevel::Encrypt, "startTls=require"),
        ("stalwart", SecurityLevel::None, "startTls=disable"),
        (
            "stalwart-toml",
            SecurityLevel::May,
            "starttls = \"optional\"",
        ),
        ("maddy", SecurityLevel::Encrypt, "min_tls_level encrypted"),
        ("maddy", SecurityLevel::May, "min_tls_level none"),
        (
            "kumomta",
            SecurityLevel::Encrypt,
            "enable_tls = \"RequiredInsecure\"",
        ),
        ("kumomta", SecurityLevel::None, "enable_tls = \"Disabled\""),
        (
            "exchange-online",
            SecurityLevel::Encrypt,
            "-TlsSettings EncryptionOnly",
        ),
        (
            "opensmtpd",
            SecurityLevel::None,
            "smtp+notls://mx1.example.com",
        ),
        ("haraka", SecurityLevel::None, "no_tls_hosts[]=example.com"),
    ] {
        let text = bare(name, &request("example.com", policy));
        assert!(text.contains(word), "{name} {policy}:\n{text}");
    }
}

#[test]
fn mailcows_steps_are_in_the_words_of_its_guides() {
    let entry = MailcowEntry::new(&request("example.com", SecurityLevel::Encrypt).entry);
    for (language, words) in [
        (
            Language::En,
            ["TLS Policies", "Target", "Policy", "Parameters", "Active"],
        ),
        (
            Language::De,
            [
                "TLS-Richtlinien",
                "Ziel",
                "Richtlinie",
                "Parameter",
                "Aktiv",
            ],
        ),
    ] {
        let steps = mailcow_steps(&entry, language, str::to_owned);
        for (line, word) in steps.iter().zip(words) {
            assert!(line.contains(word), "{word} is missing in: {line}");
        }
    }
}

#[test]
fn mailcows_api_is_looked_at_before_a_row_is_added_or_edited() {
    for language in Language::ALL {
        let request = Request {
            language,
            ..request("example.com", SecurityLevel::Encrypt)
        };
        let Written::Entry { text, beside } = MailSystem::find("mailcow").unwrap().write(&request)
        else {
            panic!("no entry");
        };
        let beside = beside.unwrap();
        let place = |words: &str| {
            beside
                .find(words)
                .unwrap_or_else(|| panic!("{words}:\n{beside}"))
        };
        let look = place("https://MAILCOW/api/v1/get/tls-policy-map/all");
        let add = place("https://MAILCOW/api/v1/add/tls-policy-map");
        let edit = place("https://MAILCOW/api/v1/edit/tls-policy-map");
        let flush = place("docker compose exec postfix-mailcow postqueue -f");
        assert!(look < add && add < edit && edit < flush, "{beside}");
        assert!(place(text.trim_end()) < add, "{beside}");
        let change = r#"{"items":["ID"],"attr":{"policy":"encrypt","parameters":"","active":"1"}}"#;
        assert!(place(change) < edit, "{beside}");
        let long = beside.lines().filter(|line| line.chars().count() > 100);
        assert_eq!(long.collect::<Vec<_>>(), [""; 0]);
    }
}
