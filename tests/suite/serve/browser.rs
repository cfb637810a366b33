//! The pages for the browser of `tests/page/web.py`.

use std::io::Read as _;
use std::time::Duration;

use danecheck::config::Terms;
use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::serve::{Exporter, Limits};
use danecheck_world::dns::{Misbehaviour, Rtype, Zone};
use danecheck_world::pki::{Leaf, stale_tlsa};
use danecheck_world::smtp::{MailServer, Misbehaviour as MailMisbehaviour};

use super::ground::{serving, with_pages};
use crate::support::now;

/// Markup, control and bidi characters, for every place that a server fills.
const HOSTILE: &str = "<script>window.ran=1</script><img src=x onerror=\"window.ran=1\">\
                       \u{202e}\u{1b}[31m\"'><svg onload=window.ran=1>";

/// The domains that `tests/page/web.py` visits.
async fn for_the_browser() -> RunningStage {
    let mut stage = Stage::new(now());
    for (number, name) in ["fine", "slow", "xn--bcher-kva", "stale", "hostile"]
        .into_iter()
        .enumerate()
    {
        let (host, address) = (
            format!("mx.{name}.example"),
            format!("192.0.2.{}", 20 + number),
        );
        let identity = match name {
            "hostile" => Leaf::new([host.as_str()])
                .common_name(HOSTILE)
                .self_signed(now()),
            _ => stage.identity(&host),
        };
        let records = match name {
            "stale" => stale_tlsa(3, 1, 1),
            _ => identity.tlsa(3, 1, 1),
        };
        let zone = Zone::signed(&format!("{name}.example.")).mx("@", 10, "mx");
        let zone = zone.records(&format!("mx A {address}"));
        stage.zone(zone.tlsa("_25._tcp.mx", &records));
        let server = MailServer::new(identity);
        let lines = format!("250-mx\n250-STARTTLS\n250 {HOSTILE}");
        stage.server(
            &address,
            match name {
                "hostile" => server.misbehaving([
                    MailMisbehaviour::GreetingReply(format!("220 {HOSTILE}")),
                    MailMisbehaviour::EhloReply(lines),
                ]),
                _ => server,
            },
        );
    }
    // Its check lasts as long as it may.
    stage.zone(Zone::signed("silent.example."));
    stage.lookup_misbehaving("silent.example.", Rtype::MX, Misbehaviour::Silence);
    let slow = Misbehaviour::DelayedBy(Duration::from_secs(3));
    stage.lookup_misbehaving("slow.example.", Rtype::MX, slow);
    let plain = Zone::signed("plain.example.")
        .mx("@", 10, "mx")
        .records("mx A 192.0.2.30");
    stage.zone(plain);
    stage.server(
        "192.0.2.30",
        MailServer::new(stage.identity("mx.plain.example")),
    );
    stage.start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "serves the browser of tests/page/run until standard input ends"]
async fn stays_for_the_browser() {
    let stage = for_the_browser().await;
    let domains = [
        "fine",
        "slow",
        "silent",
        "xn--bcher-kva",
        "stale",
        "hostile",
        "plain",
    ];
    let domains = domains.map(|name| format!("{name}.example"));
    let targets = domains
        .iter()
        .map(|name| (name.parse().unwrap(), Terms::default()));
    let pages = Exporter::new(stage.setup(), now, targets.collect(), Limits::default()).unwrap();
    let names: Vec<&str> = domains.iter().map(String::as_str).collect();
    // A web server before it gives the name.
    let pages = pages.named(vec!["dane.example.com".parse().unwrap()]);
    serving(with_pages(pages, &names), async |address| {
        println!("serves http://{address}");
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        ended.await.unwrap().unwrap();
    })
    .await;
}
