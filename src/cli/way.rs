//! The options that say through what, from which address, and over which address
//! family mail servers are connected to. Each command takes those that mean
//! something to it.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use clap::Args;

use crate::observe::{Dial, Setup, Sources};
use danecheck_core::observation::AddressFamily;

use super::proxy::ProxyArguments;
use super::stop::Stop;

// For commands that connect as a check does. A doc comment would become the
// text of the command.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct RouteArguments {
    #[command(flatten)]
    proxy: ProxyArguments,

    #[command(flatten)]
    pub(super) way: WayArguments,
}

impl RouteArguments {
    /// The same look by this way.
    pub(super) fn applied(&self, setup: Setup) -> Result<Setup, Stop> {
        let only = self.way.family.family();
        Ok(Setup {
            dial: by(&self.proxy, &self.way.source, only, setup.dial)?,
            only,
            ..setup
        })
    }
}

/// Through the proxy, or from these addresses.
pub(super) fn by(
    proxy: &ProxyArguments,
    source: &SourceArguments,
    only: Option<AddressFamily>,
    plain: Dial,
) -> Result<Dial, Stop> {
    if proxy.is_given() && !source.source.is_empty() {
        return Err(Stop::Sentence(
            "--source cannot be used with --proxy, whose own machine connects".to_owned(),
        ));
    }
    Ok(proxy.dial(plain)?.from(source.sources(only)?))
}

// For commands that connect from this machine alone. A doc comment would become the
// text of the command.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct WayArguments {
    #[command(flatten)]
    family: FamilyArguments,

    #[command(flatten)]
    source: SourceArguments,
}

// For commands that say which addresses count. A doc comment would become the
// text of the command.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The way to mail servers")]
pub(super) struct FamilyArguments {
    /// Connect over IPv4 alone, for a sender with inet_protocols = ipv4
    #[arg(short = '4', long, hide_short_help = true, conflicts_with = "ipv6")]
    ipv4: bool,

    /// Connect over IPv6 alone, for a sender with inet_protocols = ipv6
    #[arg(short = '6', long, hide_short_help = true)]
    ipv6: bool,
}

// For commands that connect to addresses that they are given. A doc comment would become the
// text of the command.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The way to mail servers")]
pub(super) struct SourceArguments {
    /// Connect from this address of this machine (smtp_bind_address); once for
    /// IPv4 and once for IPv6
    #[arg(long, hide_short_help = true, value_name = "ADDRESS", value_parser = address)]
    source: Vec<IpAddr>,
}

impl FamilyArguments {
    /// The only family that is used.
    pub(super) fn family(&self) -> Option<AddressFamily> {
        match (self.ipv4, self.ipv6) {
            (true, _) => Some(AddressFamily::Ipv4),
            (_, true) => Some(AddressFamily::Ipv6),
            (false, false) => None,
        }
    }
}

impl SourceArguments {
    /// The addresses that connections come from, over this family alone if one
    /// is given.
    pub(super) fn sources(&self, only: Option<AddressFamily>) -> Result<Sources, Stop> {
        let mut sources = Sources::default();
        for address in &self.source {
            let refuse = |why: &str| Stop::Sentence(format!("--source {address}: {why}"));
            let twice = match address {
                IpAddr::V4(address) => sources.ipv4.replace(*address).is_some(),
                IpAddr::V6(address) => sources.ipv6.replace(*address).is_some(),
            };
            if twice {
                return Err(refuse(
                    "there is another of the same family: give one for IPv4 and one for IPv6",
                ));
            }
            let family = AddressFamily::of(*address);
            if only.is_some_and(|only| only != family) {
                return Err(refuse("its family is excluded: leave it or -4 and -6 out"));
            }
            UdpSocket::bind(SocketAddr::new(*address, 0)).map_err(|error| {
                refuse(&format!(
                    "this machine cannot use it: {error}: give one of its own addresses"
                ))
            })?;
        }
        Ok(sources)
    }
}

impl WayArguments {
    /// The same look over this family alone, from these addresses.
    pub(super) fn applied(&self, setup: Setup) -> Result<Setup, Stop> {
        let only = self.family.family();
        Ok(Setup {
            dial: setup.dial.from(self.source.sources(only)?),
            only,
            ..setup
        })
    }

    /// A saved observation was made in its own way.
    pub(super) fn refuse_with_replay(&self) -> Result<(), Stop> {
        let given = [
            (self.family.ipv4, "-4"),
            (self.family.ipv6, "-6"),
            (!self.source.source.is_empty(), "--source"),
        ];
        match given.into_iter().find(|(is_given, _)| *is_given) {
            Some((_, option)) => Err(Stop::Sentence(format!(
                "{option} cannot be used with --replay, which connects to nothing"
            ))),
            None => Ok(()),
        }
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(text)
        .parse()
        .map_err(|_| "give an address of this machine, such as 192.0.2.1 or 2001:db8::1".to_owned())
}
