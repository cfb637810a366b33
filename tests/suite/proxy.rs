//! Checks through a SOCKS proxy. `tests/reach/run` uses a real one.

use std::collections::HashMap;
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::observe::Dial;
use danecheck::observe::budget::Times;
use danecheck::observe::{Setup, observe};
use danecheck_core::judge::{Standing, Verdict};
use danecheck_core::report::{Detail, ExitStatus, HumanStyle, Report, human};
use danecheck_world::dns::Zone;
use danecheck_world::smtp::MailServer;
use danecheck_world::socks::{SocksMisbehaviour, SocksProxy};

use crate::support;
use crate::support::domain::{MX1, in_order};
use crate::support::program::run_with;
use crate::support::{ids, now};

/// A domain in order, with an address of each family.
async fn stage() -> RunningStage {
    let mut stage = Stage::new(now());
    let identity = stage.identity("mx1.example.com");
    stage.zone(in_order(&identity).records("mx1 AAAA 2001:db8::10"));
    for address in [MX1, "2001:db8::10"] {
        stage.server(address, MailServer::new(identity.clone()));
    }
    stage.start().await.unwrap()
}

fn routes(stage: &RunningStage) -> HashMap<SocketAddr, SocketAddr> {
    match stage.dial() {
        Dial::Routed(routes) => routes,
        _ => HashMap::new(),
    }
}

async fn look_through(stage: &RunningStage, url: &str) -> Report {
    let setup = Setup {
        dial: Dial::Proxied(url.parse().unwrap()),
        times: Times {
            reply: Duration::from_millis(500),
            ..stage.setup().times
        },
        ..stage.setup()
    };
    Report::of(&observe(&"example.com".parse().unwrap(), &setup).await)
}

/// The report through a proxy that misbehaves in this way.
async fn through(way: SocksMisbehaviour) -> Report {
    let stage = stage().await;
    let proxy = SocksProxy::start(routes(&stage), vec![way]).await.unwrap();
    look_through(&stage, &format!("socks5://{}", proxy.addr())).await
}

fn details(report: &Report) -> Vec<&str> {
    let addresses = report.hosts.iter().flat_map(|host| &host.addresses);
    let mut details: Vec<&str> = addresses
        .flat_map(|address| &address.sessions)
        .map(|session| session.detail.as_str())
        .collect();
    details.dedup();
    details
}

#[tokio::test]
async fn both_families_are_seen_through_a_proxy() {
    let stage = stage().await;
    let proxy = SocksProxy::start(routes(&stage), Vec::new()).await.unwrap();
    let resolver = stage.dns().addr().to_string();
    let url = format!("socks5://{}", proxy.addr());
    let ran = run_with(
        &[
            "-v",
            "--allow-private",
            "--resolver",
            &resolver,
            "--proxy",
            &url,
            "example.com",
        ],
        b"",
        Dial::default(),
    )
    .await;
    assert_eq!(ran.status, ExitStatus::Fine, "{}{}", ran.stdout, ran.stderr);
    let both = "192.0.2.10, 2001:db8::10: TLSv1.3, a TLSA record matches";
    assert!(ran.stdout.contains(both), "{}", ran.stdout);
    assert!(ran.stdout.contains(&url), "{}", ran.stdout);
}

#[tokio::test]
async fn a_login_is_given_and_its_password_shown_nowhere() {
    let stage = stage().await;
    let login = SocksMisbehaviour::Login("me".to_owned(), "s3cret".to_owned());
    let proxy = SocksProxy::start(routes(&stage), vec![login])
        .await
        .unwrap();
    let right = look_through(&stage, &format!("socks5://me:s3cret@{}", proxy.addr())).await;
    assert_eq!(right.verdict, Verdict::DaneOk);
    let text = danecheck_core::report::json(&right);
    assert!(!text.contains("s3cret"), "{text}");
    for (login, why) in [
        (
            "me:wrong@",
            "the proxy failed: it rejects the user and the password",
        ),
        ("", "the proxy failed: it requires another kind of login"),
    ] {
        let report = look_through(&stage, &format!("socks5://{login}{}", proxy.addr())).await;
        assert_eq!(ids(&report), ["proxy-failed"], "{login}");
        assert_eq!(details(&report), [why]);
    }
}

#[tokio::test]
async fn no_error_shows_a_login() {
    let table = support::Temporary::with("table", "example.com may\n");
    for malformed in [
        "socks5://me:s3cret@localhost",
        "socks5://me:s3cret@localhost:0",
        "socks5://me:s3cret@localhost:port",
        "socks5://me:s3cret@",
        "socks5://me:s3cret",
        "socks5://me:s3cret@[::1:1080",
        "socks5://s3cret@localhost:1080",
        "socks5:/me:s3cret@localhost:1080",
        "socks4://me:s3cret@localhost:1080",
        "http://me:s3cret@localhost:1080",
        "me:s3cret@localhost:1080",
        "socks5://me:s3cret localhost:1080",
        "socks5://me:s3cret%40localhost:1080",
        "socks5://me;s3cret;localhost:1080",
        "socks5://s3cret%40localhost:1080",
        " socks5://me:s3cret@localhost:1080",
    ] {
        let joined = format!("--proxy={malformed}");
        for arguments in [
            &["--proxy", malformed, "example.com"][..],
            &[&joined, "example.com"],
            &["overrides", "--proxy", malformed, table.path()],
            &[
                "serve",
                "--allow-any",
                "--listen",
                "192.0.2.1:1",
                "--proxy",
                malformed,
            ],
        ] {
            let ran = run_with(arguments, b"", Dial::default()).await;
            assert_eq!(ran.status, ExitStatus::Unknown, "{arguments:?}");
            let said = ran.stdout + &ran.stderr;
            assert!(!said.contains("s3cret"), "{arguments:?}: {said}");
            assert!(
                said.contains("socks5://127.0.0.1:1080"),
                "{arguments:?}: {said}"
            );
        }
    }
    // A good one in a place where it does not belong.
    let good = "socks5://me:s3cret@localhost:1080";
    let joined = format!("--proxy={good}");
    for arguments in [
        &["dns", "example.com", "MX", &joined][..],
        &["dns", "example.com", "MX", good],
        &["schema", good],
        &["example.com", "--format", good],
        &["example.com", "--timeout", good],
        &["example.com", "--dns-only", "--proxy", good],
        &["example.com", "--proxy", good, &joined],
        &["--prox", good, "example.com"],
    ] {
        let ran = run_with(arguments, b"", Dial::default()).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{arguments:?}");
        let said = ran.stdout + &ran.stderr;
        assert!(!said.contains("s3cret"), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn what_the_proxy_says_of_the_target_is_told_apart() {
    use SocksMisbehaviour::{HangUp, Reply, YesAndHangUp, YesAndSilence};
    for (way, detail, id, verdict) in [
        (
            Reply(5),
            "Connection refused",
            "connection-refused",
            Verdict::Undeliverable,
        ),
        (
            Reply(1),
            "the proxy could not connect",
            "port-blocked-here",
            Verdict::Indeterminate,
        ),
        (
            Reply(3),
            "Network is unreachable",
            "port-blocked-here",
            Verdict::Indeterminate,
        ),
        (
            Reply(4),
            "No route to host",
            "port-blocked-here",
            Verdict::Indeterminate,
        ),
        (
            Reply(6),
            "Connection timed out",
            "port-blocked-here",
            Verdict::Indeterminate,
        ),
        (
            Reply(8),
            "the proxy accepts no addresses of this family",
            "port-blocked-here",
            Verdict::Indeterminate,
        ),
        // `ssh -D` says yes before it knows.
        (
            HangUp,
            "the proxy closed the connection before the server sent anything",
            "port-blocked-here",
            Verdict::Indeterminate,
        ),
        (
            YesAndHangUp,
            "the proxy closed the connection before the server sent anything",
            "port-blocked-here",
            Verdict::Indeterminate,
        ),
        (
            YesAndSilence,
            "nothing came through the proxy in time",
            "port-blocked-here",
            Verdict::Indeterminate,
        ),
        (
            Reply(2),
            "the proxy failed: it does not allow the connection",
            "proxy-failed",
            Verdict::Indeterminate,
        ),
    ] {
        let report = through(way.clone()).await;
        assert_eq!(details(&report), [detail], "{way:?}");
        assert_eq!(ids(&report), vec![id; ids(&report).len()], "{way:?}");
        assert!(!report.findings.is_empty(), "{way:?}");
        assert_eq!(report.verdict, verdict, "{way:?}");
    }
}

#[tokio::test]
async fn a_family_that_the_proxy_has_not_is_told_once() {
    let stage = stage().await;
    let mut routes = routes(&stage);
    routes.retain(|to, _| to.is_ipv4());
    let proxy = SocksProxy::start(routes, Vec::new()).await.unwrap();
    let report = look_through(&stage, &format!("socks5://{}", proxy.addr())).await;
    assert_eq!(ids(&report), ["address-family-unreachable"]);
    assert_eq!(report.verdict, Verdict::DaneOk);
}

#[tokio::test]
async fn a_proxy_that_fails_is_our_own_fault_and_told_once() {
    let report = through(SocksMisbehaviour::NotSocks).await;
    assert_eq!(ids(&report), ["proxy-failed"]);
    assert_eq!(
        details(&report),
        ["the proxy failed: it does not speak SOCKS 5"]
    );
    let stage = stage().await;
    let resolver = stage.dns().addr().to_string();
    // Nobody listens at port 1 of loopback.
    let options = ["--allow-private", "--resolver", &resolver];
    let through = ["--proxy", "socks5://127.0.0.1:1", "example.com"];
    let arguments = [&options[..], &through].concat();
    let ran = run_with(&arguments, b"", Dial::default()).await;
    assert_eq!(ran.status, ExitStatus::Unknown);
    let words = "No connection works through socks5://127.0.0.1:1: Connection refused.";
    let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(told.matches(words).count(), 1, "{}", ran.stdout);
}

#[tokio::test]
async fn a_blocked_port_is_no_word_against_the_domain_and_the_report_says_what_to_do() {
    let report = through(SocksMisbehaviour::Reply(6)).await;
    let text = human(&report, HumanStyle::of(Detail::Full));
    for words in ["ssh -N -D 1080", "on your mail server", "--proxy"] {
        assert!(text.contains(words), "{text}");
    }
}

/// A domain whose host has both loopback addresses, as seen through the proxy
/// that the environment names; `port` is the one that the target names.
async fn through_ssh(port: impl FnOnce(u16) -> u16) -> Report {
    let url = std::env::var("DANECHECK_TEST_PROXY").expect("tests/reach/run sets it");
    let mut stage = Stage::new(now());
    let identity = stage.identity("mx1.example.com");
    let server = MailServer::new(identity.clone()).start().await.unwrap();
    let open = server.addr().port();
    let other = MailServer::new(identity.clone()).listening_on((Ipv6Addr::LOCALHOST, open));
    let _other = other.start().await.unwrap();
    let port = port(open);
    stage.zone(
        Zone::signed("example.com.")
            .records("mx1 A 127.0.0.1\nmx1 AAAA ::1")
            .tlsa(&format!("_{port}._tcp.mx1"), &identity.tlsa(3, 1, 1)),
    );
    let stage = stage.start().await.unwrap();
    let setup = Setup {
        dial: Dial::Proxied(url.parse().unwrap()),
        ..stage.setup()
    };
    let target = format!("[mx1.example.com]:{port}");
    Report::of(&observe(&target.parse().unwrap(), &setup).await)
}

#[tokio::test]
#[ignore = "tests/reach/run runs it, with a real ssh -D"]
async fn both_families_are_seen_through_ssh() {
    let report = through_ssh(|open| open).await;
    assert_eq!(ids(&report), [""; 0], "{:?}", details(&report));
    assert_eq!(report.verdict, Verdict::DaneOk);
    let addresses = report.hosts.iter().flat_map(|host| &host.addresses);
    let seen: Vec<_> = addresses
        .map(|address| (address.address.as_str(), address.dane))
        .collect();
    let authenticated = Standing::Authenticated;
    assert_eq!(seen, [("127.0.0.1", authenticated), ("::1", authenticated)]);
}

#[tokio::test]
#[ignore = "tests/reach/run runs it, with a real ssh -D"]
async fn a_closed_port_behind_ssh_is_no_word_against_the_domain() {
    // Port 1 is closed; ssh says yes, and then hangs up.
    let report = through_ssh(|_| 1).await;
    let why = "the proxy closed the connection before the server sent anything";
    assert_eq!(details(&report), [why]);
    assert_eq!(ids(&report), ["port-blocked-here"]);
    assert_eq!(report.verdict, Verdict::Indeterminate);
}
