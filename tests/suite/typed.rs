//! What people type and paste: targets, commands, values. What can mean only one
//! thing is read; errors name the thing, what is wrong with it, and the right
//! form.

use std::collections::HashMap;

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::observe::Dial;
use danecheck_core::judge::{Standing, Verdict};
use danecheck_core::report::{ExitStatus, Report};
use danecheck_world::dns::Zone;
use danecheck_world::pki::{Identity, Leaf};
use danecheck_world::smtp::MailServer;
use danecheck_world::socks::SocksProxy;
use serde_json::Value;

use crate::support::program::{Ran, run_on, run_with, targets};
use crate::support::{Temporary, ids, now};

async fn alone(arguments: &[&str]) -> Ran {
    run_with(arguments, b"", Dial::default()).await
}

/// `one.example` and `two.example` with DANE in order.
async fn stage() -> RunningStage {
    let mut stage = Stage::new(now());
    for (domain, address) in [("one.example", "192.0.2.1"), ("two.example", "192.0.2.2")] {
        let identity = stage.identity(&format!("mx.{domain}"));
        stage.zone(
            Zone::signed(&format!("{domain}."))
                .mx("@", 10, "mx")
                .records(&format!("mx A {address}"))
                .tlsa("_25._tcp.mx", &identity.tlsa(3, 1, 1)),
        );
        stage.server(address, MailServer::new(identity));
    }
    stage.start().await.unwrap()
}

#[tokio::test]
async fn targets_are_read_as_they_are_pasted() {
    let stage = stage().await;
    for (pasted, read) in [
        (&["https://one.example/"][..], &["one.example"][..]),
        (&["http://one.example:8080/x"], &["one.example"]),
        (&["<user@one.example>"], &["one.example"]),
        (&["Some One <user@one.example>"], &["one.example"]),
        (&["mailto:user@one.example"], &["one.example"]),
        (&["smtp:[mx.one.example]:25"], &["[mx.one.example]:25"]),
        (&["relay:one.example"], &["one.example"]),
        (
            &["one.example,two.example"],
            &["one.example", "two.example"],
        ),
        (
            &["one.example;", "two.example"],
            &["one.example", "two.example"],
        ),
        (
            &["one.example,", "user@two.example"],
            &["one.example", "two.example"],
        ),
    ] {
        let arguments = [&["--json"], pasted].concat();
        let ran = run_on(&stage, &arguments, b"").await;
        assert_eq!(targets(&ran.stdout), read, "{pasted:?}: {}", ran.stderr);
        assert_eq!(ran.status, ExitStatus::Fine, "{pasted:?}");
    }
    let lines = b"https://one.example/\n\xef\xbb\xbfone.example\n<user@two.example>\n";
    let ran = run_on(&stage, &["--json", "-"], lines).await;
    assert_eq!(
        targets(&ran.stdout),
        ["one.example", "one.example", "two.example"]
    );
}

#[tokio::test]
async fn several_targets_in_one_line_have_one_report_that_says_so() {
    for line in [
        "one.example,two.example",
        "one.example; two.example",
        "one.example,12",
    ] {
        let options = ["--json", "--resolver", "127.0.0.1:1", "-"];
        let ran = run_with(&options, line.as_bytes(), Dial::default()).await;
        let report: Report = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report.target, line);
        assert_eq!(report.verdict, Verdict::Indeterminate);
        assert_eq!(ids(&report), ["invalid-target"]);
        let message = &report.findings[0].message;
        assert!(message.contains("more than one target"), "{message}");
        assert_eq!(ran.status, ExitStatus::Unknown);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_target_is_said_with_the_right_form() {
    for (target, said) in [
        (".example.com", "such as example.com"),
        ("*.example.com", "all names below example.com"),
        ("user@.example.com", "such as example.com"),
        ("smtp://mail.example.com", "[mail.example.com] for one host"),
        ("imap://example.com", "is a URL"),
        ("ftp://example.com/x", "is a URL"),
        ("192.0.2.1:26", "[192.0.2.1]:26"),
        ("192.0.2.1", "[192.0.2.1]"),
        ("2001:db8::1", "[2001:db8::1]"),
        ("user@", "no domain after the @"),
    ] {
        let ran = alone(&["--resolver", "127.0.0.1:1", target]).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{target}");
        assert!(ran.stderr.contains(said), "{target}: {}", ran.stderr);
        assert!(ran.stderr.contains(target), "{target}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{target}");
    }
}

#[tokio::test]
async fn a_mistyped_command_is_no_domain() {
    for (arguments, said) in [
        (&["tls", "x.pem"][..], "did you mean `danecheck tlsa`?"),
        (
            &["tls", "--host", "a.example", "x.pem"],
            "`danecheck tlsa`?",
        ),
        (&["override", "f"], "did you mean `danecheck overrides`?"),
        (&["explian", "tlsa-mismatch"], "`danecheck explain`?"),
        (&["DSN", "example.com", "MX"], "`danecheck dns`?"),
        (&["shcema"], "`danecheck schema`?"),
        (
            &["check", "one.example"],
            "name the targets alone, as in `danecheck one.example`",
        ),
        (&["version"], "give --version"),
        // A command that is known, and options that are not its own.
        (
            &["--color", "never", "explain", "null-mx"],
            "`explain` is a command: give it first",
        ),
        (
            &["schema", "report", "--color", "never"],
            "unexpected argument '--color'",
        ),
    ] {
        let ran = alone(arguments).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{arguments:?}");
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    // Domains, and what is named as one.
    for target in ["tls.", "com", "localhost", "[tls]", "tls.example", "check"] {
        let options = ["--resolver", "127.0.0.1:1", "--timeout", "1s", target];
        let ran = alone(&options).await;
        assert!(!ran.stdout.is_empty(), "{target}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn a_mistyped_word_is_offered_what_is_nearest() {
    for (arguments, said) in [
        (
            &["demo", "stale-kee"][..],
            "unknown case `stale-kee`: did you mean `stale-key`?",
        ),
        (&["demo", "Stale_Key"], "did you mean `stale-key`?"),
        (&["demo", "null-mk"], "did you mean `null-mx`?"),
        (&["explain", "tlsa-record"], "perhaps tlsa-"),
        (&["dns", "example.com", "TSLA"], "did you mean TLSA?"),
        (&["dns", "example.com", "dnskye"], "did you mean DNSKEY?"),
        (
            &["dns", "MX", "example.com"],
            "give the name first: danecheck dns example.com MX",
        ),
        (&["--sender", "mailcwo", "example.com"], "mailcow"),
        (&["--format", "prometeus", "example.com"], "prometheus"),
        (&["schema", "tlsrtp"], "tlsrpt"),
    ] {
        let ran = alone(arguments).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{arguments:?}");
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
    // One letter wrong: the answer is there, and says what was read.
    let ran = alone(&["explain", "tlsa-mismatc"]).await;
    assert_eq!(ran.status, ExitStatus::Fine);
    assert!(ran.stdout.contains("tlsa-mismatch"), "{}", ran.stdout);
    assert!(ran.stderr.contains("`tlsa-mismatc`"), "{}", ran.stderr);
}

#[tokio::test]
async fn durations_have_units() {
    let stage = stage().await;
    for options in [
        ["--timeout", "4s"],
        ["--timeout", "4500ms"],
        ["--timeout", "1m"],
        ["--at", "1d"],
        ["--at", "+1h"],
        ["--warn-days", "1d"],
    ] {
        let arguments = [&options[..], &["one.example"]].concat();
        let ran = run_on(&stage, &arguments, b"").await;
        assert_eq!(ran.status, ExitStatus::Fine, "{options:?}: {}", ran.stderr);
    }
    for (options, said) in [
        (["--timeout", "4x"], "such as 500ms or 2m"),
        (["--timeout", "soon"], "give seconds above 0"),
        (["--timeout", "0s"], "give seconds above 0"),
        (["--at", "30"], "or +30d"),
        (["--at", "3y"], "or +30d"),
        (["--warn-days", "2y"], "such as 30, 30d or 4w"),
    ] {
        let ran = alone(&[&options[..], &["one.example"]].concat()).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{options:?}");
        assert!(ran.stderr.contains(said), "{options:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(options[1]), "{options:?}");
    }
}

#[tokio::test]
async fn a_resolver_may_be_named_as_in_the_hosts_file() {
    let stage = stage().await;
    let port = stage.dns().addr().port();
    let anchor = Temporary::with("anchor", stage.dns().trust_anchor());
    for resolver in [
        format!("localhost:{port}"),
        format!("127.0.0.1#{port}"),
        format!("127.0.0.1@{port}"),
    ] {
        let options = ["--allow-private", "--trust-anchor", anchor.path()];
        let arguments = [&options[..], &["--resolver", &resolver, "one.example"]].concat();
        let ran = run_with(&arguments, b"", stage.dial()).await;
        assert_eq!(ran.status, ExitStatus::Fine, "{resolver}: {}", ran.stderr);
    }
    for (resolver, said) in [
        ("no-such-resolver.example", "give its address"),
        ("https://dns.example/dns-query", "not over https"),
        ("127.0.0.1:dns", "`dns` is not a port"),
    ] {
        let ran = alone(&["--resolver", resolver, "one.example"]).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{resolver}");
        assert!(ran.stderr.contains(said), "{resolver}: {}", ran.stderr);
        // A URL may hold a password, and is not shown.
        let named = ran.stderr.contains(resolver) || resolver.contains("://");
        assert!(named, "{resolver}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn a_missing_resolv_conf_is_named_as_the_cause() {
    let saved = Temporary::with("saved", "");
    let options = ["--resolver", "127.0.0.1:1", "--timeout", "1s"];
    let save = ["--save", saved.path(), "example.com"];
    alone(&[&options[..], &save].concat()).await;
    let text = std::fs::read_to_string(saved.path()).unwrap();
    for why in [
        "/etc/resolv.conf cannot be read: No such file or directory (os error 2)",
        "/etc/resolv.conf cannot be read: Permission denied (os error 13)",
        "/etc/resolv.conf names no server",
    ] {
        let mut observation: Value = serde_json::from_str(&text).unwrap();
        observation["resolver"]["by_default"] = why.into();
        let changed = Temporary::with("saved", &format!("{observation}\n"));
        let ran = alone(&["--json", "--replay", changed.path()]).await;
        let report: Report = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(ids(&report), ["resolver-silent"]);
        let message = &report.findings[0].message;
        assert!(message.starts_with(why), "{message}");
        assert!(message.contains("127.0.0.1:1"), "{message}");
    }
}

#[tokio::test]
async fn a_proxy_needs_no_scheme() {
    let stage = stage().await;
    let resolver = stage.dns().addr().to_string();
    let routes = match stage.dial() {
        Dial::Routed(routes) => routes,
        _ => HashMap::new(),
    };
    let proxy = SocksProxy::start(routes, Vec::new()).await.unwrap();
    let port = proxy.addr().port();
    for proxy in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("socks5h://127.0.0.1:{port}"),
    ] {
        let options = [
            "--allow-private",
            "--resolver",
            &resolver,
            "--proxy",
            &proxy,
        ];
        let arguments = [&options[..], &["--json", "one.example"]].concat();
        let ran = alone(&arguments).await;
        let report: Report = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report.verdict, Verdict::DaneOk, "{proxy}: {}", ran.stderr);
        assert!(report.proxy.is_some_and(|it| it.starts_with("socks5://")));
    }
}

#[tokio::test]
async fn a_dead_proxy_says_nothing_about_the_servers() {
    let stage = stage().await;
    let resolver = stage.dns().addr().to_string();
    let anchor = Temporary::with("anchor", stage.dns().trust_anchor());
    let look = [
        "--allow-private",
        "--resolver",
        &resolver,
        "--trust-anchor",
        anchor.path(),
    ];
    for target in ["one.example", "[mx.one.example]", "[192.0.2.1]"] {
        let through = ["--json", "--proxy", "127.0.0.1:1", target];
        let ran = alone(&[&look[..], &through].concat()).await;
        let report: Report = serde_json::from_str(&ran.stdout).unwrap();
        let broken: Vec<&str> = ids(&report)
            .into_iter()
            .filter(|id| *id != "proxy-failed" && !id.starts_with("resolver-"))
            .collect();
        assert_eq!(broken, [""; 0], "{target}");
        assert_eq!(report.verdict, Verdict::Indeterminate, "{target}");
        let addresses = report.hosts.iter().flat_map(|host| &host.addresses);
        for address in addresses {
            assert_eq!(address.dane, Standing::Unseen, "{target}");
            for session in &address.sessions {
                let detail = "the proxy failed: Connection refused";
                assert_eq!(session.detail, detail, "{target}");
            }
        }
        let reason = report.outcomes.dane.reason.unwrap();
        assert!(reason.contains("the proxy failed"), "{target}: {reason}");
    }
}

#[tokio::test]
async fn the_certificate_of_an_authority_is_not_taken_for_that_of_a_server() {
    let stage = Stage::new(now());
    let server: Identity = stage.issuer.issue(Leaf::new(["mx.one.example"]));
    let leaf = server.chain()[0].pem();
    let (root, issuer) = (
        stage.root.certificate().pem(),
        stage.issuer.certificate().pem(),
    );
    let alone_said = "is the certificate of an authority (Demo R";
    for (text, said) in [
        (root.clone(), alone_said),
        (issuer.clone(), alone_said),
        (format!("{issuer}{root}"), alone_said),
        (
            format!("{issuer}{leaf}"),
            "put the server's certificate first",
        ),
    ] {
        let file = Temporary::with("pem", &text);
        for arguments in [
            &["tlsa", file.path()][..],
            &["tlsa", file.path(), "--against", "one.example"],
            &["one.example", "--cert", file.path()],
        ] {
            let ran = alone(arguments).await;
            assert_eq!(ran.status, ExitStatus::Unknown, "{arguments:?}");
            assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
            assert!(ran.stderr.contains(file.path()), "{}", ran.stderr);
        }
    }
    // Of an authority the records of authorities are right.
    let file = Temporary::with("pem", &format!("{issuer}{root}"));
    let ran = alone(&["tlsa", "--ta", file.path()]).await;
    assert_eq!(ran.stdout.matches("2 1 1 ").count(), 2, "{}", ran.stdout);
    let chain = Temporary::with("pem", &format!("{leaf}{issuer}"));
    let ran = alone(&["tlsa", "--ta", chain.path()]).await;
    assert_eq!(ran.stdout.matches("2 1 1 ").count(), 1, "{}", ran.stdout);
    let ran = alone(&["tlsa", chain.path()]).await;
    assert_eq!(ran.stdout.matches("3 1 1 ").count(), 1, "{}", ran.stdout);
}

/// Wrong values, misplaced options and pasted things of each command.
#[tokio::test]
async fn what_each_command_cannot_read_is_answered_with_what_to_give() {
    let saved = Temporary::with("saved.json", "{\n  \"format\": 1\n}\n{}\n");
    for (words, said, unsaid) in [
        (
            &["--timeout", "-1", "a.example"][..],
            "give seconds above 0",
            "as a value",
        ),
        (
            &["--level", "dan", "a.example"],
            "dane-only, fingerprint",
            "help for",
        ),
        (
            &["--jobs", "many", "a.example"],
            "give a whole number",
            "invalid digit",
        ),
        (
            &["triage", "--at-most", "ten"],
            "give a whole number",
            "invalid digit",
        ),
        (
            &["dns", "-4", "a.example", "MX"],
            "asks DNS alone",
            "as a value",
        ),
        (&["tlsa", "x.pem", "-6"], "asks DNS alone", "as a value"),
        (
            &["dns", "a.example", "MX", "--source", "::1"],
            "asks DNS alone",
            "as a value",
        ),
        (
            &["dns", "192.0.2.1", "PTR"],
            "1.2.0.192.in-addr.arpa",
            "SERVFAIL",
        ),
        (
            &["dns", "[2001:db8::1]", "PTR"],
            ".8.b.d.0.1.0.0.2.ip6.arpa",
            "SERVFAIL",
        ),
        (
            &["tlsa", "a.example"],
            "`danecheck a.example` checks the domain",
            "os error",
        ),
        (
            &["tlsa", "a.pem"],
            "a.pem: cannot be read",
            "checks the domain",
        ),
        (
            &["serve", "--listen", "9725"],
            "such as 127.0.0.1:9725",
            "syntax",
        ),
        (&["survey", "dsn"], "`danecheck survey dns`", "as a value"),
        (
            &["survey", "x"],
            "give one of dns, hosts, judge",
            "as a value",
        ),
        (&["a.example:"], "no port stands after the colon", "``"),
        (&["a.example:x y"], "is not", "``"),
        (
            &["--replay", saved.path()],
            "line 1 begins an object of several lines",
            "line 2",
        ),
        (&["explain", "-4", "tlsa-mismatch"], "--check", "as a value"),
        (
            &["overrides", "-4", "--replay", saved.path(), saved.path()],
            "--replay",
            "as a value",
        ),
        (&["doctor", "-4", "-6"], "cannot be used with", "as a value"),
    ] {
        let ran = alone(words).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{words:?}: {}", ran.stdout);
        assert!(ran.stderr.contains(said), "{words:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains(unsaid), "{words:?}: {}", ran.stderr);
    }
}

/// A name of DNS is read out of what has it.
#[tokio::test]
async fn dns_takes_the_name_out_of_an_address_of_the_web_and_of_a_mailbox() {
    let stage = stage().await;
    for pasted in [
        "https://one.example/x",
        "user@one.example",
        "<user@one.example>",
    ] {
        let ran = run_on(&stage, &["dns", pasted, "MX"], b"").await;
        assert!(ran.stdout.starts_with("one.example. MX"), "{}", ran.stdout);
        assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stdout);
    }
}
