//! The options of every command that asks DNS, and their values.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::observe::budget::Times;
use crate::observe::{Resolver, Setup};
use danecheck_validation::trust_anchor::RootAnchors;

use super::{Stop, World, input};

#[derive(Clone, Debug, Args)]
pub(super) struct LookArguments {
    /// The recursive resolver [default: the system's]
    #[arg(long, value_name = "IP[:PORT]", value_parser = resolver)]
    pub(super) resolver: Option<SocketAddr>,

    /// DNSSEC root trust anchor, DS or DNSKEY records in zone-file form
    /// [default: the built-in IANA anchors]
    #[arg(long, value_name = "FILE")]
    trust_anchor: Option<PathBuf>,

    /// Time limit for one target, everything included
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = timeout)]
    timeout: Duration,

    /// Also connect to reserved and private addresses, and ask name servers
    /// there
    #[arg(long)]
    pub(super) allow_private: bool,
}

impl LookArguments {
    /// The resolver.
    pub(super) fn resolver(&self) -> Result<Resolver, Stop> {
        match self.resolver {
            Some(address) => Ok(Resolver::at([address])),
            None => system_resolver(),
        }
    }

    pub(super) fn root_anchors(&self) -> Result<RootAnchors, Stop> {
        input::root_anchors(self.trust_anchor.as_deref())
    }

    pub(super) fn times(&self) -> Times {
        Times::with_total(self.timeout)
    }

    /// A check with default settings.
    pub(super) fn setup(&self, world: &World) -> Result<Setup, Stop> {
        Ok(Setup {
            times: self.times(),
            dial: world.dial.clone(),
            allow_private: self.allow_private,
            ..Setup::new(self.resolver()?, self.root_anchors()?, (world.now)())
        })
    }
}

#[cfg(all(unix, not(any(target_os = "android", target_vendor = "apple"))))]
fn system_resolver() -> Result<Resolver, Stop> {
    input::system_resolver(std::path::Path::new("/etc/resolv.conf"))
}

#[cfg(not(all(unix, not(any(target_os = "android", target_vendor = "apple")))))]
fn system_resolver() -> Result<Resolver, Stop> {
    Ok(Resolver::system())
}

fn resolver(text: &str) -> Result<SocketAddr, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    text.parse()
        .ok()
        .or_else(|| {
            let address: IpAddr = bare.unwrap_or(text).parse().ok()?;
            Some(SocketAddr::new(address, 53))
        })
        .ok_or_else(|| "give an address such as 127.0.0.1, 127.0.0.1:5353 or [::1]:53".to_owned())
}

fn timeout(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "give a number of seconds above 0".to_owned())
}
