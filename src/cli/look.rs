//! The options of every command that asks DNS, and their values.

use std::time::Duration;

use clap::Args;

use crate::observe::Setup;
use crate::observe::budget::Times;

use super::duration::duration;
use super::environment::Environment;
use super::resolver::ResolverArguments;
use super::stop::Stop;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How to look")]
pub(super) struct LookArguments {
    #[command(flatten)]
    pub(super) resolver: ResolverArguments,

    /// Time limit for one target, everything included; also as 500ms or 2m
    #[arg(long, hide_short_help = true, value_name = "SECONDS", default_value = "30", value_parser = timeout,
        allow_negative_numbers = true)]
    timeout: Duration,

    /// Also connect to reserved and private addresses, and ask name servers
    /// there
    #[arg(long, hide_short_help = true)]
    pub(super) allow_private: bool,
}

impl LookArguments {
    pub(super) fn times(&self) -> Times {
        Times::with_total(self.timeout)
    }

    /// A check with default settings.
    pub(super) fn setup(&self, environment: &Environment) -> Result<Setup, Stop> {
        Ok(Setup {
            times: self.times(),
            dial: environment.dial.clone(),
            allow_private: self.allow_private,
            ..Setup::new(
                self.resolver.resolver()?,
                self.resolver.root_anchors()?,
                (environment.now)(),
            )
        })
    }
}

pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    duration(text)
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "give seconds above 0, such as 30, or a time such as 500ms or 2m".to_owned())
}
