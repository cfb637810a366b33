//! Lookups for `tests/dns/forgeries.py` and `mutations.py`, which make too many
//! for a process each: reads `RESOLVER NAME TYPE` lines and writes the number of
//! each line with what `danecheck dns --json` would show, as each comes to its
//! end.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "it asks real servers, as a test does, and speaks to one"
)]

use std::env;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use danecheck::observe::budget::Times;
use danecheck::observe::{Dial, NameAndType, Resolver, SingleSetup, look_up};
use danecheck_core::report::LookupViews;
use danecheck_core::unix_time::UnixTime;
use danecheck_validation::trust_anchor::RootAnchors;
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};
use tokio::sync::Semaphore;

/// Lookups at once.
const AT_ONCE: usize = 24;

/// One lookup; long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let anchor = env::args().nth(1).ok_or("the file of the trust anchor")?;
    let anchors = RootAnchors::from_text(&fs::read_to_string(anchor)?)?;
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut lines = BufReader::new(stdin()).lines();
    let mut number = 0_usize;
    while let Some(line) = lines.next_line().await? {
        let mut words = line.split_whitespace();
        let (Some(resolver), Some(name), Some(rtype)) = (words.next(), words.next(), words.next())
        else {
            return Err(format!("`{line}` is not RESOLVER NAME TYPE").into());
        };
        let address: IpAddr = resolver.parse()?;
        let question = NameAndType::parse(name, rtype)?;
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let setup = SingleSetup {
            resolver: Resolver::at([SocketAddr::new(address, 53)]),
            root_anchors: anchors.clone(),
            now: UnixTime(seconds.try_into()?),
            times: Times::with_total(PATIENCE),
            dial: Dial::Direct,
            authoritative: false,
            allow_private: false,
        };
        let permit = Arc::clone(&room).acquire_owned().await?;
        tokio::spawn(async move {
            let views = LookupViews::of(&look_up(&question, &setup).await, setup.now);
            // The reader has closed the pipe: nobody would see an error.
            let _ = writeln!(std::io::stdout().lock(), "{number} {}", views.json());
            drop(permit);
        });
        number += 1;
    }
    let _ = room.acquire_many(AT_ONCE.try_into()?).await?;
    Ok(())
}
