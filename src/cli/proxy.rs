//! `--proxy`, whose value may hold a password: no message quotes it.

use std::convert::Infallible;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;

use crate::observe::{Dial, Elsewhere, Proxy, ProxyError};

use super::stop::Stop;

/// The text in a message in place of a value with a password.
const NOT_SHOWN: &str = "(not shown)";

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The way to mail servers")]
pub(super) struct ProxyArguments {
    /// Connect to mail servers through a SOCKS proxy, such as `ssh -D 1080
    /// HOST` opens: socks5://[USER:PASSWORD@]HOST:PORT; DNS lookups do not use
    /// it
    #[arg(long, hide_short_help = true, value_name = "PROXY")]
    proxy: Option<ProxyValue>,
}

/// A value as it was read. An error in it is reported later, because clap would
/// quote the value.
#[derive(Clone, Debug)]
struct ProxyValue(Result<Proxy, ProxyError>);

impl FromStr for ProxyValue {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.parse()))
    }
}

// Other places to look from. A doc comment would become the text of the
// command.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct AlsoArguments {
    /// Look from the other end of this SOCKS proxy too, DNS included, and say
    /// what differs: is somebody in between? Repeat for more
    #[arg(
        long,
        hide_short_help = true,
        value_name = "PROXY",
        conflicts_with_all = ["dns_only", "cert"]
    )]
    also_from: Vec<ProxyValue>,

    /// Resolver to ask from there [default: the far host's own, else the zones'
    /// name servers]
    #[arg(long, hide_short_help = true, value_name = "IP[:PORT]", requires = "also_from",
        value_parser = super::resolver::address)]
    also_resolver: Option<SocketAddr>,
}

/// The most of them.
const MOST_PLACES: usize = 8;

impl AlsoArguments {
    /// The places.
    pub(super) fn places(&self) -> Result<Arc<[Elsewhere]>, Stop> {
        if self.also_from.len() > MOST_PLACES {
            return Err(Stop::Sentence(format!(
                "--also-from: give {MOST_PLACES} proxies at most"
            )));
        }
        let places = self.also_from.iter().map(|value| match &value.0 {
            Ok(proxy) => Ok(Elsewhere::new(proxy.clone(), self.also_resolver)),
            Err(error) => Err(Stop::Sentence(format!("--also-from: {error}"))),
        });
        places.collect()
    }
}

impl ProxyArguments {
    /// Whether there is one.
    pub(super) fn is_given(&self) -> bool {
        self.proxy.is_some()
    }

    /// Through the proxy if one is given, else by this way.
    pub(super) fn dial(&self, way: Dial) -> Result<Dial, Stop> {
        match &self.proxy {
            None => Ok(way),
            Some(ProxyValue(Ok(proxy))) => Ok(Dial::Proxied(proxy.clone())),
            Some(ProxyValue(Err(error))) => Err(Stop::Sentence(format!("--proxy: {error}"))),
        }
    }
}

/// A message about the arguments, without those that may hold a password: clap
/// quotes a misplaced proxy like any other argument.
pub(super) fn without_passwords(message: &str, arguments: &[OsString]) -> String {
    let mut secrets: Vec<&str> = arguments
        .iter()
        .filter_map(|argument| argument.to_str())
        .flat_map(|argument| {
            let value = argument.split_once('=').map(|(_, value)| value);
            std::iter::once(argument).chain(value)
        })
        .filter(|text| !text.starts_with('-'))
        .filter(|text| text.contains("://") || text.contains('@') && text.contains(':'))
        .collect();
    // One may be part of another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.iter().fold(message.to_owned(), |message, secret| {
        message.replace(secret, NOT_SHOWN)
    })
}
