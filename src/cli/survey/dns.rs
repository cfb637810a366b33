//! `danecheck survey dns`: targets in, what DNS says of each out.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;

use danecheck_core::next_hop::NextHop;
use danecheck_core::observation::Observation;
use danecheck_core::report::{ExitStatus, printable, to_json};
use danecheck_core::survey::{SCHEMA_VERSION, TargetLine, leave_alone, needs};

use crate::cli::bulk::processors;
use crate::cli::environment::Environment;
use crate::cli::input::Targets;
use crate::cli::stop::Stop;
use crate::cli::workers::Workers;
use crate::observe::{Setup, Visits, observe};

use super::args::DnsStep;
use super::{lost, write};

pub(super) async fn run(
    arguments: &DnsStep,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let opt_out = Arc::new(arguments.opt_out.read()?);
    let setup = Arc::new(Setup {
        authoritative: arguments.authoritative,
        pool: Some(arguments.bulk.pool()),
        visits: Visits::Later,
        only: arguments.family.family(),
        ..arguments.look.setup(environment)?
    });
    let mut stdin = std::mem::replace(&mut environment.stdin, Box::new(tokio::io::empty()));
    let all = ["-".to_owned()];
    let targets = tokio::sync::Mutex::new(Targets::new(&all, &mut *stdin));
    let workers = Workers::new(processors());
    let now = environment.now;
    let given = stream::unfold(&targets, async |targets| {
        let target = targets.lock().await.next().await;
        target.transpose().map(|target| (target, targets))
    });
    let answers = given.map(|given| {
        let (opt_out, setup, workers) = (opt_out.clone(), setup.clone(), &workers);
        async move {
            let text = given?.text().to_owned();
            let work = async move {
                let mut line = TargetLine::<Observation> {
                    schema_version: SCHEMA_VERSION,
                    target: printable(&text),
                    checked_at: now(),
                    needs: Vec::new(),
                    dns: None,
                    invalid: None,
                    opted_out: false,
                    sessions: None,
                };
                match text.parse::<NextHop>() {
                    Err(error) => line.invalid = Some(error.to_string()),
                    Ok(next_hop) => {
                        line.target = next_hop.to_string();
                        line.opted_out = opt_out.has_target(&next_hop);
                        if !line.opted_out {
                            let setup = Setup {
                                checked_at: line.checked_at,
                                ..(*setup).clone()
                            };
                            let mut dns = observe(&next_hop, &setup).await;
                            leave_alone(&mut dns, |host| opt_out.has_name(host));
                            line.needs = needs(&dns);
                            line.dns = Some(dns);
                        }
                    }
                }
                vec![to_json(&line)]
            };
            workers.spawn(work).await.map_err(|_| lost())
        }
    });
    let answers = answers.buffer_unordered(arguments.bulk.jobs());
    write(answers, environment).await
}
