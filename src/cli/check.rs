//! `danecheck TARGET...`: check, judge, report.

use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::observe::Setup;
use danecheck_core::report::ExitStatus;
use danecheck_core::sender::System;

use super::args::{CheckArguments, Format};
use super::environment::Environment;
use super::into::Into;
use super::output::Output;
use super::replayed::Replayed;
use super::run::{Run, is_many};
use super::stop::Stop;
use super::{mistyped, typed};

pub(super) async fn check(
    arguments: &CheckArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    if let Some(sentence) = mistyped::command(&arguments.targets) {
        return Err(Stop::Sentence(sentence));
    }
    if let (true, Some(system)) = (arguments.strictest, arguments.entry)
        && !system.has_table()
        && system.name != "mailcow"
    {
        return Err(Stop::Sentence(format!(
            "--strictest: {system:?} has no form for such a line: give --entry postfix or mailcow"
        )));
    }
    let expectations = arguments
        .expect
        .expectations(environment, arguments.quiet)?;
    let expectations = Arc::new(expectations.with(|terms| terms.strictest = arguments.strictest));
    let mut output = Output::new(arguments, expectations.clone(), environment);
    let mut sender = arguments.sender.sender();
    if arguments.replay.is_none() {
        let resolver = &arguments.look.resolver;
        sender = arguments
            .sender
            .asked(sender, resolver, environment)
            .await?;
    }
    if let Some(path) = &arguments.into.into {
        let accept = &arguments.into.accept;
        output.write_into(Into::read(path, accept, sender.clone(), environment).await?)?;
    }
    if let Some(path) = &arguments.replay {
        arguments.servers.route.way.refuse_with_replay()?;
        return replay(path, arguments, &expectations, output, environment);
    }
    let targets = arguments.targets(&expectations)?;
    let setup = Setup {
        pool: Some(arguments.bulk.pool()),
        also_from: arguments.also.places()?,
        local_sender: arguments.sender.local().await?,
        // A letter may be written later, from what is saved.
        contact: arguments.format == Format::Letter || arguments.save.is_some(),
        ..arguments.servers.setup(&arguments.look, environment)?
    };
    let save = arguments.save.as_deref();
    let run = Run {
        targets: &targets,
        setup,
        at: arguments.at,
        expectations,
        sender,
        // Without targets, those of the configuration are checked.
        typed: !arguments.targets.is_empty(),
        jobs: match is_many(&targets) {
            true => arguments.bulk.jobs(),
            // Nobody has to count the processors.
            false => 1,
        },
        in_order: arguments.bulk.in_order,
        shows_progress: !arguments.screen.no_progress && !arguments.quiet,
        files: arguments
            .resume
            .files(save, output.is_json(), environment)?,
    };
    run.run(output, environment).await
}

/// Judges saved observations, line by line. A line that cannot be judged is
/// named, and makes the status at least 3.
fn replay(
    path: &Path,
    arguments: &CheckArguments,
    expectations: &Config,
    mut output: Output,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let sender = arguments.sender.sender();
    let mut replayed = Replayed::open(path)?;
    let next = |replayed: &mut Replayed, environment: &mut Environment| loop {
        let observation = replayed.next(environment)?;
        if sender.system != System::Local || observation.local_sender.is_some() {
            return Some(observation);
        }
        replayed.refuse("was saved without --sender local", environment);
    };
    let mut current = next(&mut replayed, environment);
    let mut second = next(&mut replayed, environment);
    if second.is_some() {
        output.expect_many();
    }
    while let Some(observation) = current {
        let terms = expectations.terms(&observation.next_hop);
        let advised = terms.report(&observation, arguments.at, &sender);
        output.see(&observation, &advised);
        output.report(&advised, environment)?;
        current = second.take().or_else(|| next(&mut replayed, environment));
    }
    if !replayed.is_whole(environment)? {
        output.unknown();
    }
    output.end(environment)?;
    Ok(output.status())
}

impl CheckArguments {
    /// The named targets, else all domains of the file.
    fn targets(&self, expectations: &Config) -> Result<Vec<String>, Stop> {
        if !self.targets.is_empty() {
            let targets = self.targets.iter();
            return Ok(targets.flat_map(|target| typed::several(target)).collect());
        }
        let domains = expectations.domains().iter();
        let domains: Vec<String> = domains.map(ToString::to_string).collect();
        match (&self.expect.config, domains.is_empty()) {
            (Some(path), true) => Err(Stop::Sentence(format!(
                "{}: names no domain: write a [[domain]] with its name, or name targets on the \
                 command line",
                path.display()
            ))),
            _ => Ok(domains),
        }
    }
}
