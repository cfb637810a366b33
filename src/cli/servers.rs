//! How to look at mail servers: the options of every command that checks
//! targets, and what they come to.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::observe::{Dial, Proxy, Setup};

use super::assume::AssumeArguments;
use super::look::LookArguments;
use super::{Stop, World, input};

#[derive(Clone, Debug, Args)]
pub(super) struct ServersArguments {
    /// Ask the name servers themselves about every lookup, and not only about
    /// those that fail
    #[arg(long)]
    authoritative: bool,

    /// Trust store for verify and secure [default: the system's, else
    /// Mozilla's]
    #[arg(long, value_name = "PEM")]
    ca_file: Option<PathBuf>,

    /// See both certificates of a server with RSA and ECDSA, and the one of
    /// TLS 1.2, at the cost of two more sessions with each address
    #[arg(long)]
    thorough: bool,

    /// Connect to mail servers through a SOCKS proxy, such as `ssh -D 1080
    /// HOST` opens; names are looked up here all the same
    #[arg(long, value_name = "socks5://[USER:PASSWORD@]HOST:PORT")]
    proxy: Option<Proxy>,

    #[command(flatten)]
    assume: AssumeArguments,
}

impl ServersArguments {
    /// How a target is looked at.
    pub(super) fn setup(&self, look: &LookArguments, world: &World) -> Result<Setup, Stop> {
        let plain = look.setup(world)?;
        Ok(Setup {
            trust_store: Arc::new(input::trust_store(self.ca_file.as_deref())?),
            dial: match &self.proxy {
                None => plain.dial,
                Some(proxy) => Dial::Proxied(proxy.clone()),
            },
            thorough: self.thorough,
            authoritative: self.authoritative,
            assumed: self.assume.assumed()?,
            ..plain
        })
    }
}
