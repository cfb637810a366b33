//! Domains with known verdicts for `tests/contrib/bulk.py`, until standard
//! input ends: prints the options that lead here, then each verdict with its
//! target.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "it is made of sockets and a file, as a test is, and speaks to one"
)]

use std::error::Error;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use danecheck_world::delay::DelayRelay;
use danecheck_world::dns::{DnsWorld, Zone, now};
use danecheck_world::pki::{Authority, Identity, Leaf, stale_tlsa};
use danecheck_world::smtp::{MailServer, RunningMailServer};

/// Long enough for a run to be stopped while it waits for a distant server.
const FAR: Duration = Duration::from_millis(150);

/// Five domains of each hundred are something else.
const DOMAINS: usize = 600;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let now = now();
    let identity = Authority::root("Test Root", now).issue(Leaf::new([
        "near.hosts.test",
        "far.hosts.test",
        "stale.hosts.test",
    ]));
    let near = listening(&identity, (Ipv4Addr::new(127, 52, 0, 1), 0)).await?;
    let port = near.addr().port();
    let _stale = listening(&identity, (Ipv4Addr::new(127, 52, 0, 2), port)).await?;
    let distant = listening(&identity, (Ipv4Addr::LOCALHOST, 0)).await?;
    let far = (Ipv4Addr::new(127, 52, 0, 3), port);
    let _far = DelayRelay::start_at(far, distant.addr(), FAR / 2).await?;

    let tlsa = |host: &str| format!("_{port}._tcp.{host}");
    let hosts = Zone::signed("hosts.test.")
        .a("near", Ipv4Addr::new(127, 52, 0, 1))
        .tlsa(&tlsa("near"), &identity.tlsa(3, 1, 1))
        .a("stale", Ipv4Addr::new(127, 52, 0, 2))
        .tlsa(&tlsa("stale"), &stale_tlsa(3, 1, 1))
        .a("far", Ipv4Addr::new(127, 52, 0, 3))
        .tlsa(&tlsa("far"), &identity.tlsa(3, 1, 1));
    let mut signed = Zone::signed("signed.test.");
    let mut unsigned = Zone::unsigned("unsigned.test.").a("near", Ipv4Addr::new(127, 52, 0, 1));
    let mut targets = Vec::new();
    for number in 0..DOMAINS {
        let name = format!("d{number}");
        let (verdict, apex) = match number % 100 {
            60 => {
                unsigned = unsigned.mx(&name, 10, "near.unsigned.test.");
                ("no-dane", "unsigned.test")
            }
            40 => {
                signed = signed.mx(&name, 0, ".");
                ("undeliverable", "signed.test")
            }
            20..=22 => {
                signed = signed.mx(&name, 10, "stale.hosts.test.");
                ("dane-broken", "signed.test")
            }
            other => {
                let host = if other % 2 == 0 { "near" } else { "far" };
                signed = signed.mx(&name, 10, &format!("{host}.hosts.test."));
                ("dane-ok", "signed.test")
            }
        };
        targets.push(format!("{verdict} {name}.{apex}:{port}"));
    }
    let dns = DnsWorld::new(now)
        .zone(hosts)
        .zone(signed)
        .zone(unsigned)
        .start()
        .await?;
    let anchor = std::env::temp_dir().join(format!("danecheck-ground-{}", std::process::id()));
    std::fs::write(&anchor, dns.trust_anchor())?;
    println!(
        "--allow-private --resolver {} --trust-anchor {}",
        dns.addr(),
        anchor.display()
    );
    targets.iter().for_each(|target| println!("{target}"));
    println!();
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let ended = ended.await?;
    std::fs::remove_file(&anchor)?;
    ended?;
    Ok(())
}

async fn listening(
    identity: &Identity,
    address: impl Into<SocketAddr>,
) -> Result<RunningMailServer, Box<dyn Error>> {
    let server = MailServer::new(identity.clone()).listening_on(address);
    Ok(server.start().await?)
}
