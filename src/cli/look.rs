//! How to look: the options that every command that asks DNS has, and what
//! they come to.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::observe::budget::Times;
use crate::observe::{Resolver, Setup};
use crate::trust_anchor::RootAnchors;

use super::{Stop, World, input};

/// The name in `EHLO`; a host name that is known to nobody.
const HELO_NAME: &str = "danecheck.invalid";

#[derive(Clone, Debug, Args)]
pub(super) struct LookArguments {
    /// The recursive resolver [default: the system's]
    #[arg(long, value_name = "IP[:PORT]", value_parser = resolver)]
    pub(super) resolver: Option<SocketAddr>,

    /// DNSSEC root trust anchor, DS or DNSKEY records in zone-file form
    /// [default: the built-in IANA anchors]
    #[arg(long, value_name = "FILE")]
    trust_anchor: Option<PathBuf>,

    /// Bound on one target, everything included
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = timeout)]
    timeout: Duration,
}

impl LookArguments {
    /// Who is asked.
    pub(super) fn resolver(&self) -> Resolver {
        match self.resolver {
            Some(address) => Resolver::at([address]),
            None => Resolver::system(),
        }
    }

    pub(super) fn root_anchors(&self) -> Result<RootAnchors, Stop> {
        input::root_anchors(self.trust_anchor.as_deref())
    }

    pub(super) fn times(&self) -> Times {
        Times::with_total(self.timeout)
    }

    /// A check with nothing out of the ordinary; reserved addresses are left
    /// alone unless the resolver was named, for whoever names one knows what
    /// it answers.
    pub(super) fn setup(&self, world: &World) -> Result<Setup, Stop> {
        Ok(Setup {
            resolver: self.resolver(),
            root_anchors: self.root_anchors()?,
            trust_store: Arc::new(input::trust_store(None)?),
            checked_at: (world.now)(),
            times: self.times(),
            helo_name: HELO_NAME.to_owned(),
            dial: world.dial.clone(),
            thorough: false,
            allow_private: self.resolver.is_some(),
            authoritative: false,
            mta_sts: true,
            local_sender: None,
            assumed: None,
            skip: Arc::from([]),
            pool: None,
        })
    }
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
