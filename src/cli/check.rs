//! `danecheck TARGET...`: look, judge, report.

use std::sync::Arc;

use crate::config::Config;
use crate::observe::Setup;
use crate::report::ExitStatus;
use crate::sender::System;

use super::args::CheckArguments;
use super::run::Run;
use super::saved::Saved;
use super::{Output, Stop, World, input};

/// Who named the targets among the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Whoever runs the program: an address literal is looked at as it is.
    Typed,
    /// A log or a file, which others write.
    Read,
}

pub(super) async fn check(
    arguments: &CheckArguments,
    origin: Origin,
    world: &mut World,
) -> Result<ExitStatus, Stop> {
    let expectations = Arc::new(arguments.expect.expectations()?);
    let mut output = Output::new(arguments, expectations.clone(), world);
    let sender = arguments.sender.sender();
    if let Some(path) = &arguments.replay {
        for observation in input::observations(path)? {
            if sender.system == System::Local && observation.local_sender.is_none() {
                return Err(Stop::Sentence(format!(
                    "{}: was saved without --sender local",
                    path.display()
                )));
            }
            let terms = expectations.terms(&observation.next_hop);
            output.report(&terms.report(&observation, arguments.at, &sender), world)?;
        }
        output.end(world)?;
        return Ok(output.status());
    }
    let targets = arguments.targets(&expectations)?;
    let setup = Setup {
        pool: Some(arguments.bulk.pool()),
        local_sender: arguments.sender.local().await?,
        ..arguments.servers.setup(&arguments.look, world)?
    };
    let done = arguments.resume.done(world)?;
    let goes_on = done.is_some();
    let saved = arguments.save.as_deref();
    let run = Run {
        targets: &targets,
        setup,
        at: arguments.at,
        expectations,
        sender,
        // Without targets, those of the configuration are looked at.
        typed: origin == Origin::Typed && !arguments.targets.is_empty(),
        jobs: arguments.bulk.jobs(),
        done,
        saved: saved.map(|path| Saved::create(path, goes_on)).transpose()?,
    };
    run.run(output, world).await
}

impl CheckArguments {
    /// The targets that are named, else all domains of the file.
    fn targets(&self, expectations: &Config) -> Result<Vec<String>, Stop> {
        if !self.targets.is_empty() {
            return Ok(self.targets.clone());
        }
        let domains = expectations.domains().iter();
        let domains: Vec<String> = domains.map(ToString::to_string).collect();
        match (&self.expect.config, domains.is_empty()) {
            (Some(path), true) => Err(Stop::Sentence(format!(
                "{}: names no domain: write a [[domain]] with its name, or name targets beside \
                 --config",
                path.display()
            ))),
            _ => Ok(domains),
        }
    }
}
