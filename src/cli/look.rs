//! The options of every command that asks DNS, and their values.

use std::time::Duration;

use clap::Args;

use crate::observe::Setup;
use crate::observe::budget::Times;

use super::environment::Environment;
use super::resolver::ResolverArguments;
use super::stop::Stop;

#[derive(Clone, Debug, Args)]
pub(super) struct LookArguments {
    #[command(flatten)]
    pub(super) resolver: ResolverArguments,

    /// Time limit for one target, everything included
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = timeout)]
    timeout: Duration,

    /// Also connect to reserved and private addresses, and ask name servers
    /// there
    #[arg(long)]
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
    text.parse()
        .ok()
        .and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "give a number of seconds above 0".to_owned())
}
