//! What is expected of targets: the file of the domains, and the options that
//! override it.

use std::path::PathBuf;

use clap::Args;
use clap::builder::TypedValueParser;

use crate::config::Config;
use danecheck_core::report::FailOn;

use super::choice::choice;
use super::duration::days;
use super::environment::Environment;
use super::input;
use super::stop::Stop;

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "What you expect")]
pub(super) struct ExpectArguments {
    /// Your domains and what you expect of each (danecheck.toml); without
    /// targets, check all of them
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Read no danecheck.toml of this user or this machine
    /// (~/.config/danecheck, /etc/danecheck)
    #[arg(long, hide_short_help = true, conflicts_with = "config")]
    no_config: bool,

    /// Warn about certificates and signatures that end within this many days,
    /// if that breaks something [default for certificates: 14, or a third of
    /// their lifetime if that is shorter; for signatures: only those whose
    /// renewal is overdue]
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = days)]
    warn_days: Option<u32>,

    /// Lowest severity of a finding that changes the exit status [default:
    /// warning]
    #[arg(long, hide_short_help = true, value_name = "WHAT", value_parser = fail_on())]
    fail_on: Option<FailOn>,

    /// Exit with at least 2 unless the verdict is dane-ok
    #[arg(long, hide_short_help = true)]
    require_dane: bool,
}

fn fail_on() -> impl TypedValueParser<Value = FailOn> {
    choice(FailOn::ALL.map(|fail_on| {
        let meaning = match fail_on {
            FailOn::Warning => "Warnings and worse",
            FailOn::Error => "Only what is broken or could not be told",
            FailOn::Never => "Nothing that a check can find",
        };
        (fail_on, fail_on.as_str(), meaning)
    }))
}

impl ExpectArguments {
    /// The terms of each target; an option overrides the file. A file that
    /// nobody named is named on standard error, unless that has to be quiet.
    pub(super) fn expectations(
        &self,
        environment: &mut Environment,
        is_quiet: bool,
    ) -> Result<Config, Stop> {
        let mut found = environment.config_files.iter();
        let found = found
            .find(|path| path.is_file() && !self.no_config)
            .cloned();
        if let (None, Some(path), false) = (&self.config, &found, is_quiet) {
            environment.complain(&format!(
                "using {} (--no-config ignores it)",
                path.display()
            ));
        }
        let config = match self.config.as_ref().or(found.as_ref()) {
            None => Config::default(),
            Some(path) => {
                let name = path.display().to_string();
                let text = String::from_utf8(input::read(path, input::LARGEST_CONFIG)?)
                    .map_err(|_| Stop::Sentence(format!("{name}: is not text")))?;
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
