//! `danecheck TARGET...`: look, judge, report.

use crate::observation::Observation;
use crate::observe::Setup;
use crate::report::{ExitStatus, Report};

use super::args::CheckArguments;
use super::run::Run;
use super::saved::Saved;
use super::{Output, Stop, World, input};

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
    let done = arguments.resume.done(world)?;
    let goes_on = done.is_some();
    let saved = arguments.save.as_deref();
    let run = Run {
        targets: &arguments.targets,
        setup,
        horizon: arguments.horizon(),
        sender,
        jobs: arguments.bulk.jobs(),
        done,
        saved: saved.map(|path| Saved::create(path, goes_on)).transpose()?,
    };
    run.run(output, world).await
}
