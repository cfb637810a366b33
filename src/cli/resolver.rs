//! The options that say who answers DNS questions and where trust in the
//! answers begins.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use crate::observe::Resolver;
use danecheck_validation::trust_anchor::RootAnchors;

use super::input;
use super::stop::Stop;

#[derive(Clone, Debug, Default, Args)]
pub(super) struct ResolverArguments {
    /// The recursive resolver [default: the system's]
    #[arg(long, value_name = "IP[:PORT]", value_parser = address)]
    pub(super) resolver: Option<SocketAddr>,

    /// DNSSEC root trust anchor, DS or DNSKEY records in zone-file form
    /// [default: the built-in IANA anchors]
    #[arg(long, value_name = "FILE")]
    pub(super) trust_anchor: Option<PathBuf>,
}

impl ResolverArguments {
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
}

#[cfg(all(unix, not(any(target_os = "android", target_vendor = "apple"))))]
fn system_resolver() -> Result<Resolver, Stop> {
    input::system_resolver(std::path::Path::new("/etc/resolv.conf"))
}

#[cfg(not(all(unix, not(any(target_os = "android", target_vendor = "apple")))))]
fn system_resolver() -> Result<Resolver, Stop> {
    Ok(Resolver::system())
}

fn address(text: &str) -> Result<SocketAddr, String> {
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
