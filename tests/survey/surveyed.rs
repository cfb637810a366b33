//! Domains with known verdicts on many hosts, for `tests/survey/run`:
//! `surveyed DOMAINS HOSTS [own-zones]` prints the resolver's options, then each
//! verdict with its target, then an empty line. The domains are one zone, or each
//! is its own. For each line of standard input it prints what each server has met
//! so far, and an empty line.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "it is made of sockets and a file, as a test is, and speaks to one"
)]

use std::error::Error;
use std::io::BufRead as _;
use std::net::Ipv4Addr;

use danecheck_world::dns::{DnsWorld, Zone, now};
use danecheck_world::pki::{Authority, Leaf, stale_tlsa};
use danecheck_world::smtp::{MailServer, Misbehaviour, RunningMailServer};

/// Hosts of a zone, so that no zone has all of them.
const OF_A_ZONE: usize = 50;

/// What a host is, and the verdict of domains whose mail it takes.
#[derive(Clone, Copy)]
enum Kind {
    Good,
    Stale,
    WithoutStartTls,
    Unsigned,
}

impl Kind {
    fn of(number: usize) -> Self {
        match number % 20 {
            7 => Self::Stale,
            13 => Self::WithoutStartTls,
            16..=19 => Self::Unsigned,
            _ => Self::Good,
        }
    }

    fn verdict(self) -> &'static str {
        match self {
            Self::Good => "dane-ok",
            Self::Stale | Self::WithoutStartTls => "dane-broken",
            Self::Unsigned => "no-dane",
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = || -> Result<usize, Box<dyn Error>> {
        Ok(arguments.next().ok_or("surveyed DOMAINS HOSTS")?.parse()?)
    };
    let (domains, hosts) = (number()?, number()?);
    let has_own_zones = arguments.next().is_some();
    let now = now();
    let root = Authority::root("Test Root", now);
    let mut world = DnsWorld::new(now);
    let mut servers: Vec<RunningMailServer> = Vec::with_capacity(hosts);
    let mut port = 0;
    let first: Vec<usize> = (0..hosts).collect();
    for (zone_number, of_zone) in first.chunks(OF_A_ZONE).enumerate() {
        let apex = format!("hosts{zone_number}.test");
        let mut signed = Zone::signed(&format!("{apex}."));
        let mut unsigned = Zone::unsigned(&format!("plain-{apex}."));
        for host in of_zone {
            let address = address(*host)?;
            let label = format!("mx{host}");
            let identity = root.issue(Leaf::new([
                format!("{label}.{apex}"),
                format!("{label}.plain-{apex}"),
            ]));
            let kind = Kind::of(*host);
            let mut server = MailServer::new(identity.clone()).listening_on((address, port));
            if let Kind::WithoutStartTls = kind {
                server = server.misbehaving([Misbehaviour::NoStartTls]);
            }
            let server = server.start().await?;
            port = server.addr().port();
            servers.push(server);
            let owner = format!("_{port}._tcp.{label}");
            match kind {
                Kind::Unsigned => unsigned = unsigned.a(&label, address),
                Kind::Stale => {
                    signed = signed.a(&label, address).tlsa(&owner, &stale_tlsa(3, 1, 1));
                }
                Kind::Good | Kind::WithoutStartTls => {
                    signed = signed
                        .a(&label, address)
                        .tlsa(&owner, &identity.tlsa(3, 1, 1));
                }
            }
        }
        world = world.zone(signed).zone(unsigned);
    }
    let mut targets = Vec::with_capacity(domains);
    let mut together = Zone::signed("surveyed.test.");
    for domain in 0..domains {
        let name = format!("d{domain}");
        let (preference, target, verdict) = if domain % 100 == 99 {
            (0, ".".to_owned(), "undeliverable")
        } else {
            let host = domain % hosts;
            let kind = Kind::of(host);
            let plain = if let Kind::Unsigned = kind {
                "plain-"
            } else {
                ""
            };
            let apex = host / OF_A_ZONE;
            let target = format!("mx{host}.{plain}hosts{apex}.test.");
            (10, target, kind.verdict())
        };
        if has_own_zones {
            let zone = Zone::signed(&format!("{name}.surveyed.test."));
            world = world.zone(zone.mx("@", preference, &target));
        } else {
            together = together.mx(&name, preference, &target);
        }
        targets.push(format!("{verdict} {name}.surveyed.test:{port}"));
    }
    let dns = world.zone(together).start().await?;
    let anchor = std::env::temp_dir().join(format!("danecheck-surveyed-{}", std::process::id()));
    std::fs::write(&anchor, dns.trust_anchor())?;
    println!(
        "--allow-private --resolver {} --trust-anchor {}\n{}\n",
        dns.addr(),
        anchor.display(),
        targets.join("\n")
    );
    let ended = tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lock().lines() {
            line?;
            for server in &servers {
                let sessions = server.sessions();
                let named = sessions.iter().filter(|it| it.sni.is_some()).count();
                println!(
                    "{} {} {named} {}",
                    server.addr().ip(),
                    sessions.len(),
                    server.most_at_once()
                );
            }
            println!();
        }
        Ok::<(), std::io::Error>(())
    });
    let ended = ended.await?;
    std::fs::remove_file(&anchor)?;
    Ok(ended?)
}

/// An address of 127.53.0.0/16.
fn address(host: usize) -> Result<Ipv4Addr, std::num::TryFromIntError> {
    let number = u16::try_from(host + 1)?;
    let [high, low] = number.to_be_bytes();
    Ok(Ipv4Addr::new(127, 53, high, low))
}
