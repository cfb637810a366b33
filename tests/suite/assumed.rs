//! `--dns-only` and `--cert`: no mail server is connected to, and the report
//! says so.

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck_core::judge::{Action, Channel, Standing, Verdict};
use danecheck_core::report::{ExitStatus, Report};
use danecheck_world::dns::{Misbehaviour, Rtype};
use danecheck_world::pki::{Leaf, stale_tlsa};
use danecheck_world::smtp::MailServer;

use crate::support::domain::{MX1, publishing};
use crate::support::program::{Ran, report_of, run_on, run_with};
use crate::support::{Temporary, ids, now};

/// The key of Let's Encrypt's R3, retired in 2024.
const R3: &str = "2 1 1 8d02536c887482bc34ff54e41d2ba659bf85b341a0a20afadb5813dcfbcf286d";
/// The digest of nothing.
const NOTHING: &str = "3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// `example.com` with one MX host, these TLSA records, and a server that shows
/// something else than they say.
async fn stage(records: &[&str]) -> RunningStage {
    set(records, |_| {}).await
}

async fn set(records: &[&str], more: impl FnOnce(&mut Stage)) -> RunningStage {
    let mut stage = Stage::new(now());
    stage.zone(publishing(records));
    let server = MailServer::new(stage.identity("mx1.example.com"));
    stage.server(MX1, server);
    more(&mut stage);
    stage.start().await.unwrap()
}

async fn check(stage: &RunningStage, options: &[&str]) -> Ran {
    let ran = run_on(stage, &[options, &["example.com"]].concat(), b"").await;
    for server in stage.servers() {
        assert_eq!(server.sessions().len(), 0, "a server was connected to");
    }
    ran
}

async fn report(stage: &RunningStage, options: &[&str]) -> Report {
    let ran = check(stage, &[&["--json"], options].concat()).await;
    report_of(&ran)
}

#[tokio::test]
async fn dns_alone_is_judged_and_no_server_is_connected_to() {
    let stage = stage(&[&stale_tlsa(3, 1, 1)]).await;
    let report = report(&stage, &["--dns-only"]).await;
    assert_eq!(report.verdict, Verdict::DaneOk);
    assert_eq!(ids(&report), ["servers-not-looked-at"]);
    let assumed = report.assumed.unwrap();
    assert_eq!((assumed.kind.as_str(), assumed.file), ("dns-only", None));
    // What was not seen is never said to be authenticated.
    let address = &report.hosts[0].addresses[0];
    assert_eq!(address.dane, Standing::Assumed);
    assert_eq!(address.sessions[0].end, "assumed");
    assert_eq!(address.records[0].result, "not-seen");
    for options in [&["--dns-only"][..], &["--dns-only", "--require-dane"]] {
        assert_eq!(check(&stage, options).await.status, ExitStatus::Fine);
    }
}

#[tokio::test]
async fn the_first_lines_say_that_no_server_was_looked_at() {
    let stage = stage(&[&stale_tlsa(3, 1, 1)]).await;
    let ran = check(&stage, &["--dns-only", "-v"]).await;
    let mut lines = ran.stdout.lines();
    assert_eq!(
        lines.next().unwrap(),
        "example.com: DNS is right for DANE; no mail server was checked"
    );
    assert!(
        ran.stdout
            .contains("192.0.2.10: not checked; its TLSA records count")
    );
    assert!(ran.stdout.contains("TLS+ID?"), "{}", ran.stdout);
    for format in ["nagios", "github", "markdown", "junit", "prometheus"] {
        let ran = check(&stage, &["--dns-only", "--format", format]).await;
        let told = match format {
            "junit" => ran.stdout.contains("<skipped"),
            "prometheus" => {
                ran.stdout
                    .contains("danecheck_servers_looked_at{target=\"example.com\"} 0\n")
                    && !ran.stdout.contains("danecheck_address_authenticated")
            }
            _ => ran.stdout.contains("no mail server was checked"),
        };
        assert!(told, "{format}: {}", ran.stdout);
    }
}

#[tokio::test]
async fn what_dns_alone_breaks_is_broken() {
    for (records, verdict, status, found) in [
        (&[][..], Verdict::NoDane, ExitStatus::Fine, "no-tlsa"),
        (
            &["0 1 1 af5daa1400000000000000000000000000000000000000000000000000009e8d"],
            Verdict::DaneUnusable,
            ExitStatus::Warning,
            "tlsa-all-unusable",
        ),
        // Dropped only in the handshake.
        (
            &["3 1 1 af5daa14"],
            Verdict::DaneUnusable,
            ExitStatus::Warning,
            "tlsa-all-unusable",
        ),
        (
            &[R3],
            Verdict::DaneBroken,
            ExitStatus::Broken,
            "tlsa-retired-issuer",
        ),
        (
            &[NOTHING],
            Verdict::DaneBroken,
            ExitStatus::Broken,
            "tlsa-of-nothing",
        ),
        (
            &[
                R3,
                "3 1 1 af5daa1400000000000000000000000000000000000000000000000000009e8d",
            ],
            Verdict::DaneOk,
            ExitStatus::Fine,
            "servers-not-looked-at",
        ),
        (
            &[&stale_tlsa(3, 0, 1)],
            Verdict::DaneOk,
            ExitStatus::Fine,
            "tlsa-breaks-at-renewal",
        ),
        (
            &[&stale_tlsa(2, 1, 1)],
            Verdict::DaneOk,
            ExitStatus::Fine,
            "tlsa-lone-issuer",
        ),
    ] {
        let stage = stage(records).await;
        let report = report(&stage, &["--dns-only"]).await;
        assert_eq!(report.verdict, verdict, "{records:?}");
        assert!(
            ids(&report).contains(&found),
            "{records:?}: {:?}",
            ids(&report)
        );
        assert_eq!(
            check(&stage, &["--dns-only"]).await.status,
            status,
            "{records:?}"
        );
    }
}

#[tokio::test]
async fn a_tlsa_lookup_that_fails_is_broken_by_dns_alone() {
    let stage = set(&[&stale_tlsa(3, 1, 1)], |stage| {
        let name = "_25._tcp.mx1.example.com.";
        stage.lookup_misbehaving(name, Rtype::TLSA, Misbehaviour::ServFail);
    })
    .await;
    let ran = check(&stage, &["--dns-only"]).await;
    assert_eq!(ran.status, ExitStatus::Broken);
    assert!(
        ran.stdout.starts_with(
            "example.com: DANE senders defer this mail (4.7.5); no mail server was checked\n"
        ),
        "{}",
        ran.stdout
    );
    let report = report(&stage, &["--dns-only"]).await;
    assert_eq!(report.recommendation.action, Action::Override);
    assert!(
        report
            .recommendation
            .caution
            .unwrap()
            .contains("danecheck checked no mail server")
    );
    // Certificates that nobody saw are no ground for a stricter entry.
    assert_eq!(report.recommendation.alternatives, []);
}

#[tokio::test]
async fn a_certificate_is_judged_as_if_every_server_showed_it() {
    let fitting = Leaf::new(["mx1.example.com"]).self_signed(now());
    let stage = stage(&[&fitting.tlsa(3, 1, 1)]).await;
    let file = Temporary::chain_of(&fitting);
    let seen = report(&stage, &["--cert", file.path()]).await;
    assert_eq!(seen.verdict, Verdict::DaneOk);
    assert_eq!(ids(&seen), ["certificate-assumed"]);
    let assumed = seen.assumed.unwrap();
    assert_eq!(assumed.kind, "certificate");
    assert_eq!(assumed.file.as_deref(), Some(file.path()));
    let address = &seen.hosts[0].addresses[0];
    assert_eq!(address.dane, Standing::Assumed);
    assert_eq!(address.records[0].result, "matches");

    let other = Temporary::chain_of(&Leaf::new(["mx1.example.com"]).self_signed(now()));
    let seen = report(&stage, &["--cert", other.path()]).await;
    assert_eq!(seen.verdict, Verdict::DaneBroken);
    assert_eq!(seen.outcomes.encrypt.channel, Some(Channel::Encrypted));
    let ran = check(&stage, &["-v", "--cert", other.path()]).await;
    assert_eq!(ran.status, ExitStatus::Broken);
    let unwrapped = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [
        "DANE senders would defer this mail (4.7.5)",
        "nothing in the file matches",
        "Do not deploy",
        "--against example.com --plan`",
    ] {
        assert!(unwrapped.contains(text), "{text}: {}", ran.stdout);
    }
    // What is about a server that serves this is not what to do now.
    for text in ["Until it is fixed", "served now"] {
        assert!(!unwrapped.contains(text), "{}", ran.stdout);
    }
}

#[tokio::test]
async fn an_assumption_is_saved_and_judged_again() {
    let stage = stage(&[&stale_tlsa(3, 1, 1)]).await;
    let file = Temporary::chain_of(&Leaf::new(["mx1.example.com"]).self_signed(now()));
    for options in [vec!["--dns-only"], vec!["--cert", file.path()]] {
        let saved = Temporary::with("json", "");
        let options = [&options[..], &["--json", "--save", saved.path()]].concat();
        let seen = check(&stage, &options).await;
        let again = ["--json", "--replay", saved.path()];
        let again = run_with(&again, b"", Default::default()).await;
        assert_eq!(again.stdout, seen.stdout);
        assert_eq!(again.status, seen.status);
        assert!(again.stdout.contains("\"assumed\":{"), "{}", again.stdout);
    }
}

#[tokio::test]
async fn what_cannot_go_together_is_wrong_usage() {
    let file = Temporary::with("pem", "no certificate");
    for options in [
        &["--dns-only", "--proxy", "socks5://127.0.0.1:1080"][..],
        &["--dns-only", "--thorough"],
        &["--dns-only", "--cert", "chain.pem"],
        &["--cert", "/nowhere.pem"],
        &["--cert", file.path()],
    ] {
        let options = [options, &["example.com"]].concat();
        let ran = run_with(&options, b"", Default::default()).await;
        assert_eq!(ran.status, ExitStatus::Unknown, "{options:?}");
        assert_ne!(ran.stderr, "", "{options:?}");
    }
}
