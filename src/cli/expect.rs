//! What is expected of targets: the file of the domains, and the options that
//! go before it.

use std::path::PathBuf;

use clap::Args;

use crate::config::Config;
use crate::report::FailOn;

use super::{Stop, input};

#[derive(Clone, Debug, Args)]
pub(super) struct ExpectArguments {
    /// The domains that you answer for and what is expected of each
    /// (danecheck.toml); without targets all of them
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Warn of certificates and signatures that end within so many days, where
    /// that breaks something [default: 14 and at most a third of their life for
    /// certificates, what is overdue for signatures]
    #[arg(long, value_name = "N")]
    warn_days: Option<u32>,

    /// What makes the exit status other than 0 [default: warning]
    #[arg(long, value_name = "WHAT")]
    fail_on: Option<FailOn>,

    /// Everything but dane-ok is at least exit status 2
    #[arg(long)]
    require_dane: bool,
}

impl ExpectArguments {
    /// The terms of each target; an option goes before what the file says.
    pub(super) fn expectations(&self) -> Result<Config, Stop> {
        let config = match &self.config {
            None => Config::default(),
            Some(path) => {
                let name = path.display().to_string();
                let text = String::from_utf8(input::read(path, input::LARGEST_CONFIG)?)
                    .map_err(|_| Stop::Sentence(format!("{name}: is no text")))?;
                Config::parse(&name, &text).map_err(|error| Stop::Sentence(error.to_string()))?
            }
        };
        Ok(config.with(|terms| {
            terms.warn_days = self.warn_days.or(terms.warn_days);
            terms.fail_on = self.fail_on.unwrap_or(terms.fail_on);
            terms.require_dane |= self.require_dane;
        }))
    }
}
