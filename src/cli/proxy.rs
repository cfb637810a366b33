//! `--proxy`, whose value may hold a password: no message quotes it.

use std::convert::Infallible;
use std::ffi::OsString;
use std::str::FromStr;

use clap::Args;

use crate::observe::{Dial, Proxy, ProxyError};

use super::stop::Stop;

/// The text in a message in place of a value with a password.
const NOT_SHOWN: &str = "(not shown)";

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "The way to mail servers")]
pub(super) struct ProxyArguments {
    /// Connect to mail servers through a SOCKS proxy, such as `ssh -D 1080
    /// HOST` opens; DNS lookups do not use it
    #[arg(
        long,
        hide_short_help = true,
        value_name = "socks5://[USER:PASSWORD@]HOST:PORT"
    )]
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

impl ProxyArguments {
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
