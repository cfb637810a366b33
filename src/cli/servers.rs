//! The options of every command that checks mail servers, and their values.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::observe::Setup;

use super::assume::AssumeArguments;
use super::environment::Environment;
use super::input;
use super::look::LookArguments;
use super::stop::Stop;
use super::way::RouteArguments;

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "How to look")]
pub(super) struct ServersArguments {
    /// Ask the name servers directly about every lookup, not only about those
    /// that fail
    #[arg(long, hide_short_help = true)]
    authoritative: bool,

    /// Trust store for verify and secure [default: the system's, else
    /// Mozilla's]
    #[arg(long, hide_short_help = true, value_name = "PEM")]
    ca_file: Option<PathBuf>,

    /// Check both certificates of a server that has RSA and ECDSA, and the one
    /// that it shows in TLS 1.2; this opens two more sessions to each address
    #[arg(long, hide_short_help = true)]
    thorough: bool,

    #[command(flatten)]
    pub(super) route: RouteArguments,

    #[command(flatten)]
    assume: AssumeArguments,
}

impl ServersArguments {
    /// How a target is checked.
    pub(super) fn setup(
        &self,
        look: &LookArguments,
        environment: &Environment,
    ) -> Result<Setup, Stop> {
        let plain = self.route.applied(look.setup(environment)?)?;
        Ok(Setup {
            trust_store: Arc::new(input::trust_store(self.ca_file.as_deref())?),
            thorough: self.thorough,
            authoritative: self.authoritative,
            assumed: self.assume.assumed()?,
            ..plain
        })
    }
}
