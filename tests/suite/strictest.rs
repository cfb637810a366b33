//! `--strictest`: the strictest line that delivers now, for partners, known
//! certificates and internal systems. What real Postfix does with each is in the
//! lab.

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck_core::report::{ExitStatus, StrictestReport};
use danecheck_world::dns::Zone;
use danecheck_world::pki::{Authority, Leaf, stale_tlsa};
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::support::program::{Ran, report_of, run_on};
use crate::support::{Temporary, now};

/// A domain for each use.
async fn stage() -> (RunningStage, Temporary) {
    let mut stage = Stage::new(now());
    let ca = Temporary::with("pem", &stage.root.certificate().pem());
    let stranger = Authority::root("Somebody's own root", now());
    let domains = [
        "partner.example",
        "stale.example",
        "internal.example",
        "named.example",
        "nexthop.example",
        "clear.example",
        "hosted.example",
    ];
    for (number, domain) in domains.into_iter().enumerate() {
        let host = format!("mx.{domain}");
        let address = format!("192.0.2.{}", number + 1);
        let identity = match domain {
            "internal.example" => stranger.issue(Leaf::new([host.as_str()])),
            "named.example" => stage.identity("other.example"),
            "nexthop.example" => stage.identity(domain),
            "hosted.example" => stage.identity("mx.hosting.example"),
            _ => stage.identity(&host),
        };
        let zone = Zone::signed(&format!("{domain}."));
        let zone = match domain {
            "hosted.example" => {
                let hosting = Zone::signed("hosting.example.");
                stage.zone(hosting.records(&format!("mx A {address}")));
                zone.mx("@", 10, "mx.hosting.example.")
            }
            _ => zone.mx("@", 10, "mx").records(&format!("mx A {address}")),
        };
        stage.zone(match domain {
            "partner.example" => zone.tlsa("_25._tcp.mx", &identity.tlsa(3, 1, 1)),
            "stale.example" => zone.tlsa("_25._tcp.mx", &stale_tlsa(3, 1, 1)),
            _ => zone,
        });
        let server = MailServer::new(identity);
        let server = match domain {
            "named.example" => server.showing_to(&host, stage.identity(&host)),
            "clear.example" => server.misbehaving([Misbehaviour::NoStartTls]),
            _ => server,
        };
        stage.server(&address, server);
    }
    (stage.start().await.unwrap(), ca)
}

async fn check((stage, ca): &(RunningStage, Temporary), arguments: &[&str]) -> Ran {
    let all = [&["--strictest", "--ca-file", ca.path()], arguments].concat();
    run_on(stage, &all, b"").await
}

async fn strictest(ground: &(RunningStage, Temporary), arguments: &[&str]) -> StrictestReport {
    let ran = check(ground, &[&["--json"], arguments].concat()).await;
    report_of(&ran).recommendation.strictest.unwrap()
}

#[tokio::test]
async fn each_use_has_its_strictest_line() {
    let ground = stage().await;
    for (domain, line, breaks) in [
        ("partner.example", "dane-only", "DNSSEC or TLSA records"),
        // The MX host is below the domain: a name that no DNS answer changes.
        ("stale.example", "secure", "other names or to a CA"),
        (
            "hosted.example",
            "secure match=mx.hosting.example",
            "other names or to a CA",
        ),
        (
            "internal.example",
            "fingerprint match=",
            "the receiver's next key",
        ),
        // The right certificate comes only to a ClientHello with its name.
        (
            "named.example",
            "secure servername=hostname",
            "lets a certificate end",
        ),
        ("nexthop.example", "secure", "lets a certificate end"),
        ("clear.example", "may", "TLS cannot break it"),
    ] {
        let found = strictest(&ground, &[domain]).await;
        let postfix = found.entries.postfix.unwrap();
        let (key, value) = postfix.split_once("  ").unwrap();
        assert_eq!(key, domain);
        match value.strip_prefix("fingerprint match=") {
            Some(pin) => assert_eq!((line, pin.len()), ("fingerprint match=", 95), "{value}"),
            None => assert_eq!(value, line, "{domain}"),
        }
        let row = found.entries.mailcow.unwrap();
        let written = format!("{} {}", row.policy, row.parameters);
        assert_eq!(written.trim_end(), value, "{domain}");
        let breaks_when = found.breaks_when.unwrap();
        assert!(breaks_when.contains(breaks), "{domain}: {breaks_when}");
        assert!(found.notice.unwrap().contains("`danecheck "), "{domain}");
        // Another proof in place of one that fails may be an attacker's.
        assert_eq!(
            found.caution.is_some(),
            domain == "stale.example",
            "{domain}"
        );
    }
}

#[tokio::test]
async fn the_sender_decides_which_lines_count() {
    let ground = stage().await;
    let found = strictest(&ground, &["--sender", "mailcow", "partner.example"]).await;
    assert_eq!(found.policy.unwrap().as_str(), "dane-only");
    // Without a look at servers no certificate is known.
    let found = strictest(&ground, &["--dns-only", "partner.example"]).await;
    assert_eq!((found.policy, found.entries.postfix), (None, None));
    assert!(
        found.reason.contains("No server was looked at"),
        "{}",
        found.reason
    );
    let ran = run_on(&ground.0, &["--json", "partner.example"], b"").await;
    assert_eq!(report_of(&ran).recommendation.strictest, None);
}

#[tokio::test]
async fn a_person_reads_it_and_can_paste_it() {
    let ground = stage().await;
    let ran = check(&ground, &["stale.example"]).await;
    let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "The strictest line that delivers now, for a partner or a known certificate. Set it in place \
         of the override above, not beside it: First: ",
        "Postfix stale.example secure",
        "mailcow Target stale.example, Policy secure, Parameters (leave empty)",
        "The first certificate ends on ",
    ] {
        assert!(text.contains(words), "{words}\n{}", ran.stdout);
    }
    let ran = check(&ground, &["--entry", "postfix", "partner.example"]).await;
    assert_eq!(
        ran.stdout.lines().last(),
        Some("partner.example  dane-only")
    );
    assert_eq!(ran.status, ExitStatus::Fine, "{}", ran.stderr);
    let ran = check(&ground, &["--entry", "mailcow", "hosted.example"]).await;
    let row = r#""policy":"secure","parameters":"match=mx.hosting.example""#;
    assert!(ran.stdout.contains(row), "{}", ran.stdout);
    for system in ["exim", "stalwart", "kumomta"] {
        let ran = check(&ground, &["--entry", system, "stale.example"]).await;
        assert_eq!((ran.status, ran.stdout.as_str()), (ExitStatus::Unknown, ""));
        assert!(
            ran.stderr.contains("give --entry postfix or mailcow"),
            "{}",
            ran.stderr
        );
    }
}
