//! `danecheck TARGET...`: look, judge, report.

use std::io::Write as _;
use std::path::Path;

use futures_util::StreamExt as _;

use crate::next_hop::{NextHop, NextHopError};
use crate::observation::Observation;
use crate::observe::{Setup, observe};
use crate::report::{ExitStatus, Report};

use super::args::CheckArguments;
use super::input::{self, Given};
use super::{Output, Stop, World};

/// One target looked at, or the reason why it could not be.
enum Looked {
    Observed(Box<Observation>),
    Invalid(Given, NextHopError),
}

pub(super) async fn check(
    arguments: &CheckArguments,
    world: &mut World,
) -> Result<ExitStatus, Stop> {
    let mut output = Output::new(arguments, world);
    let sender = arguments.sender.sender();
    let report = |seen: &Observation| Report::to(seen, arguments.horizon(), &sender);
    if let Some(path) = &arguments.replay {
        for observation in input::observations(path)? {
            output.report(&report(&observation), world)?;
        }
        output.end(world)?;
        return Ok(output.status());
    }
    let setup = Setup {
        pool: Some(arguments.bulk.pool()),
        ..arguments.servers.setup(&arguments.look, world)?
    };
    let mut saved = arguments.save.as_deref().map(Saved::create).transpose()?;
    // Reports are written while standard input is still being read.
    let mut stdin = std::mem::replace(&mut world.stdin, Box::new(tokio::io::empty()));
    let now = world.now;
    let looks = input::targets(&arguments.targets, &mut *stdin)
        .map(|given| look(given, &setup, now))
        .buffer_unordered(arguments.bulk.jobs());
    let mut looks = std::pin::pin!(looks);
    while let Some(looked) = looks.next().await {
        match looked {
            Looked::Observed(observation) => {
                if let Some(saved) = &mut saved {
                    saved.write(&observation)?;
                }
                output.report(&report(&observation), world)?;
            }
            Looked::Invalid(given, error) => {
                let from_stdin = matches!(given, Given::Line(_));
                if from_stdin || output.wants_report_on_invalid_argument() {
                    let report = Report::on_invalid_target(given.text(), &error, now());
                    output.report(&report, world)?;
                }
                if !from_stdin {
                    world.complain(&error.to_string());
                    output.unknown();
                }
            }
        }
    }
    output.end(world)?;
    Ok(output.status())
}

async fn look(given: Given, setup: &Setup, now: fn() -> crate::unix_time::UnixTime) -> Looked {
    match given.text().parse::<NextHop>() {
        Err(error) => Looked::Invalid(given, error),
        Ok(next_hop) => {
            let setup = Setup {
                checked_at: now(),
                ..setup.clone()
            };
            Looked::Observed(Box::new(observe(&next_hop, &setup).await))
        }
    }
}

/// The file of `--save`.
pub(super) struct Saved {
    file: std::fs::File,
    name: String,
}

impl Saved {
    pub(super) fn create(path: &Path) -> Result<Self, Stop> {
        let name = path.display().to_string();
        let file = std::fs::File::create(path)
            .map_err(|error| Stop::Sentence(format!("{name}: cannot be written: {error}")))?;
        Ok(Self { file, name })
    }

    pub(super) fn write(&mut self, observation: &Observation) -> Result<(), Stop> {
        let line = serde_json::to_string(observation).unwrap_or_default();
        writeln!(self.file, "{line}")
            .map_err(|error| Stop::Sentence(format!("{}: cannot be written: {error}", self.name)))
    }
}
