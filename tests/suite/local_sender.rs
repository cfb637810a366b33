//! `--sender local`: the output of `postconf` and `postmap`, as data, together
//! with the observation of a domain. The real tools are asked in the lab
//! (`tests/postfix`).

use std::collections::BTreeMap;

use danecheck::observe::Dial;
use danecheck_core::judge::{Action, Channel, Delivery, Horizon};
use danecheck_core::observation::{
    LocalSenderSeen, Observation, PolicyLookup, ResolverValidation, TableAnswer,
};
use danecheck_core::postfix::SecurityLevel;
use danecheck_core::report::{ExitStatus, Report, SenderReport};
use danecheck_core::sender::{Sender, System};
use danecheck_world::pki::{Identity, stale_tlsa};
use danecheck_world::smtp::MailServer;

use crate::support::domain::{MX1, publishing};
use crate::support::program::run_with;
use crate::support::{ids, message, observed};

/// The tools of this machine are asked, and never what lies about in the
/// working directory.
#[test]
fn nothing_in_the_working_directory_is_run() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = std::env::temp_dir().join(format!("danecheck-path-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    let trap = "#!/bin/sh\ntouch sprung\necho mail_version = 3.7.11\n";
    for place in ["", "bin"] {
        for tool in ["postconf", "postmap"] {
            let path = folder.join(place).join(tool);
            std::fs::write(&path, trap).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    for path in [
        None,
        Some(""),
        Some("."),
        Some(":/nowhere"),
        Some("/nowhere::"),
        Some("bin"),
    ] {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_danecheck"));
        program.args(["--sender", "local", "--resolver", "127.0.0.1:1"]);
        program.args(["--timeout", "0.1", "example.com"]);
        program.current_dir(&folder).env_remove("PATH");
        if let Some(path) = path {
            program.env("PATH", path);
        }
        program.output().unwrap();
        assert!(!folder.join("sprung").exists(), "PATH {path:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

const TABLE: &str = "hash:/etc/postfix/tls_policy";

/// What `postconf -x` says of a Postfix with DANE; later lines win.
const DANE: &[(&str, &str)] = &[
    ("mail_version", "3.7.11"),
    ("smtp_dns_support_level", "dnssec"),
    ("smtp_tls_security_level", "dane"),
    ("smtp_tls_CAfile", "/etc/ssl/certs/ca-certificates.crt"),
    ("smtp_tls_policy_maps", TABLE),
    ("smtp_tls_protocols", ">=TLSv1"),
    ("smtp_tls_mandatory_protocols", ">=TLSv1"),
    ("smtp_tls_dane_insecure_mx_policy", "dane"),
    ("smtp_tls_secure_cert_match", "nexthop, dot-nexthop"),
    ("smtp_tls_verify_cert_match", "hostname"),
];

/// A table, a key, and what comes of it: a value, nothing, or why it fails.
type Asked<'a> = (&'a str, &'a str, Result<&'a str, Option<&'a str>>);

fn postfix(changes: &[(&str, &str)], lookups: &[Asked<'_>]) -> LocalSenderSeen {
    LocalSenderSeen {
        openssl: None,
        unread: BTreeMap::new(),
        parameters: DANE
            .iter()
            .chain(changes)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        lookups: lookups
            .iter()
            .map(|(table, key, answer)| PolicyLookup {
                table: (*table).to_owned(),
                key: (*key).to_owned(),
                answer: match answer {
                    Ok(value) => TableAnswer::Found((*value).to_owned()),
                    Err(None) => TableAnswer::NotFound,
                    Err(Some(why)) => TableAnswer::Failed((*why).to_owned()),
                },
            })
            .collect(),
    }
}

/// `example.com`, signed, with these TLSA records.
async fn seen(tlsa: impl Fn(&Identity) -> Vec<String>) -> Observation {
    observed("example.com", |stage| {
        let identity = stage.identity("mx1.example.com");
        stage.zone(publishing(tlsa(&identity)));
        stage.server(MX1, MailServer::new(identity));
    })
    .await
}

async fn healthy() -> Observation {
    seen(|identity| vec![identity.tlsa(3, 1, 1)]).await
}

async fn stale() -> Observation {
    seen(|_| vec![stale_tlsa(3, 1, 1)]).await
}

fn told(observation: &Observation, local: LocalSenderSeen) -> (Report, SenderReport) {
    let observation = Observation {
        local_sender: Some(local),
        ..observation.clone()
    };
    let sender = Sender {
        system: System::Local,
        ..Sender::default()
    };
    let report = Report::to(&observation, Horizon::default(), &sender);
    let part = report.sender.clone().unwrap();
    (report, part)
}

#[tokio::test]
async fn main_cf_decides_where_no_table_says_anything() {
    let observation = healthy().await;
    let local = postfix(
        &[],
        &[
            (TABLE, "example.com", Err(None)),
            (TABLE, ".com", Err(None)),
        ],
    );
    let (report, sender) = told(&observation, local);
    assert_eq!(ids(&report), Vec::<&str>::new());
    assert_eq!(
        (sender.policy.text.as_str(), sender.policy.source.as_str()),
        ("dane", "main.cf")
    );
    assert_eq!(sender.postfix_version.as_deref(), Some("3.7.11"));
    assert_eq!(sender.outcome.channel, Some(Channel::Authenticated));
    // The older parameters, and none at all.
    for (changes, level) in [
        (
            &[("smtp_tls_security_level", ""), ("smtp_use_tls", "yes")][..],
            SecurityLevel::May,
        ),
        (
            &[("smtp_tls_security_level", ""), ("smtp_enforce_tls", "yes")],
            SecurityLevel::Encrypt,
        ),
        (&[("smtp_tls_security_level", "")], SecurityLevel::None),
        (&[("smtp_tls_security_level", "may")], SecurityLevel::May),
    ] {
        let (_, sender) = told(&observation, postfix(changes, &[]));
        assert_eq!(sender.level, level, "{changes:?}");
        assert_eq!(sender.policy.level, Some(level), "{changes:?}");
    }
}

#[tokio::test]
async fn the_first_table_that_says_something_decides_and_the_name_before_its_parent() {
    let observation = stale().await;
    let second = "texthash:/etc/postfix/more";
    let local = postfix(
        &[],
        &[
            (TABLE, "example.com", Err(None)),
            (second, "example.com", Ok("encrypt")),
            (TABLE, ".com", Ok("may")),
            (second, ".com", Err(None)),
        ],
    );
    let (report, sender) = told(&observation, local);
    assert_eq!(
        (sender.policy.text.as_str(), sender.policy.source.as_str()),
        ("encrypt", second)
    );
    assert_eq!(sender.outcome.channel, Some(Channel::Encrypted));
    assert_eq!(report.recommendation.action, Action::Keep);
    // The parent's entry never counts.
    let message = message(&report, "local-policy-shadowed");
    assert!(
        message.contains("`may` of hash:/etc/postfix/tls_policy for .com"),
        "{message}"
    );
}

#[tokio::test]
async fn dns_lookups_without_dnssec_make_dane_no_more_than_may() {
    let observation = stale().await;
    for changes in [
        ("smtp_dns_support_level", "enabled"),
        ("smtp_dns_support_level", ""),
        ("ignore_mx_lookup_error", "yes"),
        ("disable_dns_lookups", "yes"),
    ] {
        let (report, sender) = told(&observation, postfix(&[changes], &[]));
        // The records that do not match are not asked for.
        assert_eq!(
            sender.outcome.channel,
            Some(Channel::Encrypted),
            "{changes:?}"
        );
        assert!(message(&report, "local-dane-switched-off").contains(changes.0));
        let only = postfix(&[changes, ("smtp_tls_security_level", "dane-only")], &[]);
        let (_, sender) = told(&observation, only);
        assert_eq!(
            sender.outcome.reason.as_deref(),
            Some("client TLS configuration problem")
        );
    }
    let level = [
        ("smtp_dns_support_level", ""),
        ("smtp_tls_security_level", "may"),
    ];
    let (report, _) = told(&observation, postfix(&level, &[]));
    assert!(!ids(&report).contains(&"local-dane-switched-off"));
}

#[tokio::test]
async fn a_resolver_that_does_not_validate_is_told() {
    let mut observation = stale().await;
    observation.resolver.validation = ResolverValidation::NotShown;
    let (report, sender) = told(&observation, postfix(&[], &[]));
    assert_eq!(sender.outcome.channel, Some(Channel::Encrypted));
    message(&report, "local-resolver-does-not-validate");
    let only = [("smtp_tls_security_level", "dane-only")];
    let (_, sender) = told(&observation, postfix(&only, &[]));
    assert_eq!(
        sender.outcome.reason.as_deref(),
        Some("non DNSSEC destination")
    );
}

#[tokio::test]
async fn without_a_trust_store_no_certificate_passes() {
    let observation = healthy().await;
    let none = [("smtp_tls_CAfile", ""), ("smtp_tls_CApath", "")];
    let lookup = [(TABLE, "example.com", Ok("verify"))];
    let (report, sender) = told(&observation, postfix(&none, &lookup));
    assert_eq!(
        sender.outcome.reason.as_deref(),
        Some("Server certificate not verified")
    );
    message(&report, "local-no-trust-store");
    let (report, sender) = told(&observation, postfix(&[], &lookup));
    assert_eq!(sender.outcome.channel, Some(Channel::Authenticated));
    assert!(!ids(&report).contains(&"local-no-trust-store"));
    // DANE needs none.
    let (report, _) = told(&observation, postfix(&none, &[]));
    assert_eq!(ids(&report), Vec::<&str>::new());
}

#[tokio::test]
async fn a_malformed_entry_defers_all_mail_and_is_told_with_the_reason() {
    let observation = healthy().await;
    for (value, why) in [
        ("encrpyt", "unknown TLS security level `encrpyt`"),
        (
            "encrypt match=mx1.example.com",
            "attribute `match` is not allowed at level encrypt",
        ),
        ("dane protocols>=TLSv1.2", "unknown attribute"),
        ("may ciphers=high ciphers=high", "is repeated"),
        ("", "it is empty"),
        (
            "secure { match = mx1.example.com }",
            "`{` is not of the form name=value",
        ),
        ("may enable_rpk=yes", "unknown attribute `enable_rpk`"),
        ("fingerprint", "no fingerprint to match"),
    ] {
        let local = postfix(&[], &[(TABLE, "example.com", Ok(value))]);
        let (report, sender) = told(&observation, local);
        let message = message(&report, "local-policy-malformed");
        assert!(message.contains(why), "{value}: {message}");
        assert_eq!(sender.outcome.delivery, Delivery::Deferred, "{value}");
        assert_eq!(sender.outcome.dsn.as_deref(), Some("4.7.5"), "{value}");
        assert_eq!(
            report.recommendation.policy,
            Some(SecurityLevel::Dane),
            "{value}"
        );
        assert!(!ids(&report).contains(&"policy-service-fails"), "{value}");
    }
    // A newer release takes some of them.
    let newer = [("mail_version", "3.10.12")];
    for value in ["secure { match = mx1.example.com }", "may enable_rpk=yes"] {
        let local = postfix(&newer, &[(TABLE, "example.com", Ok(value))]);
        let (_, sender) = told(&observation, local);
        assert_eq!(sender.outcome.delivery, Delivery::Delivered, "{value}");
    }
    // Bad protocols come to light at the handshake (R8).
    let local = postfix(
        &[],
        &[(TABLE, "example.com", Ok("encrypt protocols=TLSv9"))],
    );
    let (report, sender) = told(&observation, local);
    assert_eq!(
        sender.outcome.reason.as_deref(),
        Some("Cannot start TLS: handshake failure")
    );
    message(&report, "local-policy-malformed");
}

#[tokio::test]
async fn a_table_that_fails_defers_all_mail() {
    let observation = healthy().await;
    let table = "socketmap:inet:127.0.0.1:8642:QUERY";
    let local = postfix(
        &[],
        &[(table, "example.com", Err(Some("Connection refused")))],
    );
    let (report, sender) = told(&observation, local);
    assert_eq!(
        sender.outcome.reason.as_deref(),
        Some("client TLS configuration problem")
    );
    assert!(message(&report, "policy-service-fails").contains("Connection refused"));
}

#[tokio::test]
async fn an_override_that_is_not_needed_or_too_weak_is_told() {
    let healthy = healthy().await;
    let stale = stale().await;
    let entry = |value| postfix(&[], &[(TABLE, "example.com", Ok(value))]);
    for value in ["none", "may", "encrypt"] {
        let (report, _) = told(&healthy, entry(value));
        let message = message(&report, "local-override-not-needed");
        assert!(message.contains("dane from main.cf delivers"), "{message}");
    }
    for value in ["dane", "dane-only", "secure match=mx1.example.com"] {
        let (report, sender) = told(&healthy, entry(value));
        assert_eq!(ids(&report), Vec::<&str>::new(), "{value}");
        assert_eq!(
            sender.outcome.channel,
            Some(Channel::Authenticated),
            "{value}"
        );
    }
    for value in ["none", "may"] {
        let (report, _) = told(&stale, entry(value));
        let message = message(&report, "local-override-too-weak");
        assert!(message.contains("`example.com  encrypt`"), "{message}");
    }
    let (report, _) = told(&stale, entry("encrypt"));
    let of_override = |id: &&str| id.starts_with("local-override");
    assert_eq!(ids(&report).into_iter().find(of_override), None);
    // An entry that does not suffice is not an override to keep.
    let (report, _) = told(&stale, entry("dane-only"));
    assert_eq!(report.recommendation.policy, Some(SecurityLevel::Encrypt));
    // What a service works out is none.
    let service = "socketmap:inet:127.0.0.1:8642:QUERY";
    let (report, _) = told(
        &healthy,
        postfix(&[], &[(service, "example.com", Ok("may"))]),
    );
    assert_eq!(ids(&report).into_iter().find(of_override), None);
}

#[tokio::test]
async fn a_service_behind_the_table_is_no_shadowed_entry() {
    let observation = stale().await;
    let service = "socketmap:inet:127.0.0.1:8642:QUERY";
    let lookups = [
        (TABLE, "example.com", Ok("encrypt")),
        (service, "example.com", Ok("dane-only")),
    ];
    let (report, sender) = told(&observation, postfix(&[], &lookups));
    assert_eq!(sender.policy.text, "encrypt");
    assert!(!ids(&report).contains(&"local-policy-shadowed"));
}

#[tokio::test]
async fn protocols_and_names_of_main_cf_count() {
    let observation = healthy().await;
    let newest = [("smtp_tls_mandatory_protocols", ">=TLSv1.3")];
    let (_, sender) = told(&observation, postfix(&newest, &[]));
    assert_eq!(sender.min_tls.as_str(), "TLSv1.3");
    let names = [
        ("smtp_tls_security_level", "secure"),
        ("smtp_tls_secure_cert_match", "elsewhere.example"),
    ];
    let (_, sender) = told(&observation, postfix(&names, &[]));
    assert_eq!(sender.outcome.delivery, Delivery::Deferred);
    let (_, sender) = told(&observation, postfix(&names[..1], &[]));
    assert_eq!(sender.outcome.channel, Some(Channel::Authenticated));
}

#[tokio::test]
async fn a_relay_is_told() {
    let observation = healthy().await;
    let (report, _) = told(
        &observation,
        postfix(&[("relayhost", "[relay.example]:587")], &[]),
    );
    assert!(message(&report, "local-relays").contains("[relay.example]:587"));
}

#[tokio::test]
async fn a_setting_that_nothing_here_knows_is_a_warning() {
    let observation = healthy().await;
    let local = LocalSenderSeen {
        unread: BTreeMap::from([(
            "tls_eecdh_auto_curves".to_owned(),
            "X25519MLKEM768 X25519".to_owned(),
        )]),
        ..postfix(&[], &[])
    };
    let (report, _) = told(&observation, local);
    let said = message(&report, "sender-setting-not-read");
    assert!(
        said.contains("tls_eecdh_auto_curves = X25519MLKEM768 X25519"),
        "{said}"
    );
    let (report, _) = told(&observation, postfix(&[], &[]));
    assert!(!ids(&report).contains(&"sender-setting-not-read"));
}

#[tokio::test]
async fn the_program_judges_a_saved_local_sender_and_refuses_what_it_cannot_know() {
    let directory = std::env::temp_dir().join(format!("danecheck-local-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("seen.json");
    let path = file.to_str().unwrap();
    let observation = Observation {
        local_sender: Some(postfix(&[], &[(TABLE, "example.com", Ok("may"))])),
        ..healthy().await
    };
    std::fs::write(&file, serde_json::to_string(&observation).unwrap()).unwrap();
    let run = async |options: &[&str]| run_with(options, b"", Dial::Direct).await;
    let ran = run(&["--replay", path, "--sender", "local"]).await;
    let words: Vec<&str> = ran.stdout.split_whitespace().collect();
    let words = words.join(" ");
    let policy = "Policy may, from hash:/etc/postfix/tls_policy.";
    assert!(words.contains(policy), "{words}");
    assert_eq!(ran.status, ExitStatus::Warning);
    let without = Observation {
        local_sender: None,
        ..observation
    };
    std::fs::write(&file, serde_json::to_string(&without).unwrap()).unwrap();
    let ran = run(&["--replay", path, "--sender", "local"]).await;
    assert!(
        ran.stderr.contains("was saved without --sender local"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.status, ExitStatus::Unknown);
    for (options, why) in [
        (
            &["--sender", "local", "--level", "may", "example.com"][..],
            "--level cannot be used with",
        ),
        (
            &["--postfix-config", "/etc/postfix", "example.com"],
            "works only with --sender local",
        ),
        (
            &[
                "--sender",
                "local",
                "--postfix-config",
                "/nonexistent",
                "example.com",
            ],
            "cannot ask the Postfix",
        ),
    ] {
        let ran = run(options).await;
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
        assert_eq!(ran.status, ExitStatus::Unknown);
    }
    std::fs::remove_dir_all(&directory).unwrap();
}
