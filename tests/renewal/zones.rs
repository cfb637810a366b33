//! Signed zones of the tests' own on loopback, until standard input ends: prints the
//! options that lead here.
//!
//! `zones ZONE RECORD... [, ZONE RECORD...]`, each record one argument, as a zone file
//! has it.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "it is made of sockets and a file, as a test is, and speaks to one"
)]

use std::error::Error;
use std::io::Read as _;

use danecheck_world::dns::{DnsWorld, Zone, now};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut dns = DnsWorld::new(now());
    for zone in arguments.split(|argument| argument == ",") {
        let (name, records) = zone.split_first().ok_or("a zone has a name")?;
        dns = dns.zone(Zone::signed(name).records(&records.join("\n")));
    }
    let dns = dns.start().await?;
    let anchor = std::env::temp_dir().join(format!("danecheck-zones-{}", std::process::id()));
    std::fs::write(&anchor, dns.trust_anchor())?;
    println!(
        "--allow-private --resolver {} --trust-anchor {}",
        dns.addr(),
        anchor.display()
    );
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let ended = ended.await?;
    std::fs::remove_file(&anchor)?;
    ended?;
    Ok(())
}
