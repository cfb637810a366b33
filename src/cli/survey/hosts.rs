//! `danecheck survey hosts`: needs in, sessions out. A target with its needs
//! comes out with its sessions.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::value::RawValue;

use danecheck_core::report::{ExitStatus, to_json};
use danecheck_core::survey::{HostsLine, Need, TargetLine};

use crate::cli::bulk::processors;
use crate::cli::environment::Environment;
use crate::cli::stop::Stop;
use crate::cli::way::by;
use crate::cli::workers::Workers;
use crate::observe::budget::Times;
use crate::observe::{Resolver, Setup, visit};
use danecheck_validation::trust_anchor::RootAnchors;

use super::args::HostsStep;
use super::input::{Input, Line};
use super::opt_out::OptOut;
use super::{lost, read_target, write};

/// The needs of one address that are taken together, if their lines follow each
/// other.
const TOGETHER: usize = 64;

/// What one or several lines ask for.
enum Request {
    /// A target with its needs. Its DNS is not read here.
    Target(Box<TargetLine<Box<RawValue>>>),
    /// Needs of one address.
    Needs(Vec<Need>),
    /// What goes out as it is.
    Passed(String),
}

pub(super) async fn run(
    arguments: &HostsStep,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let opt_out = Arc::new(arguments.opt_out.read()?);
    let setup = Arc::new(Setup {
        pool: Some(arguments.bulk.pool()),
        times: Times::with_total(arguments.timeout),
        allow_private: arguments.allow_private,
        dial: by(
            &arguments.proxy,
            &arguments.source,
            None,
            environment.dial.clone(),
        )?,
        // Nothing is asked of it here.
        ..Setup::new(Resolver::at([]), RootAnchors::iana(), (environment.now)())
    });
    let stdin = std::mem::replace(&mut environment.stdin, Box::new(tokio::io::empty()));
    let requests = tokio::sync::Mutex::new(Requests {
        input: Input::new(stdin),
        next: None,
    });
    let workers = Workers::new(processors());
    let given = stream::unfold(&requests, async |requests| {
        let request = requests.lock().await.next().await;
        request.transpose().map(|request| (request, requests))
    });
    let answers = given.map(|request| {
        let (opt_out, setup, workers) = (opt_out.clone(), setup.clone(), &workers);
        async move {
            let request = request?;
            let work = async move { answer(request, &setup, &opt_out).await };
            workers.spawn(work).await.map_err(|_| lost())
        }
    });
    let answers = answers.buffer_unordered(arguments.bulk.jobs());
    write(answers, environment).await
}

async fn answer(request: Request, setup: &Setup, opt_out: &OptOut) -> Vec<String> {
    match request {
        Request::Passed(line) => vec![line],
        Request::Needs(needs) => {
            let lines = sessions(&needs, setup, opt_out).await;
            lines.iter().map(to_json).collect()
        }
        Request::Target(mut target) => {
            target.sessions = Some(sessions(&target.needs, setup, opt_out).await);
            vec![to_json(&target)]
        }
    }
}

async fn sessions(needs: &[Need], setup: &Setup, opt_out: &OptOut) -> Vec<HostsLine> {
    let all = needs.iter().cloned();
    let (left_alone, wanted): (Vec<Need>, Vec<Need>) =
        all.partition(|need| opt_out.has_need(need, needs));
    let mut lines = visit(&wanted, setup).await;
    lines.extend(left_alone.into_iter().map(|need| HostsLine {
        opted_out: true,
        ..HostsLine::nothing(need)
    }));
    lines
}

/// The requests of standard input, one after the other.
struct Requests {
    input: Input,
    /// The request whose line was read after the needs of one address.
    next: Option<Request>,
}

impl Requests {
    async fn next(&mut self) -> Result<Option<Request>, Stop> {
        let Some(first) = self.one().await? else {
            return Ok(None);
        };
        let Request::Needs(mut needs) = first else {
            return Ok(Some(first));
        };
        let place = |needs: &[Need]| needs.first().map(|need| (need.address, need.port));
        while needs.len() < TOGETHER {
            match self.one().await? {
                Some(Request::Needs(more)) if place(&more) == place(&needs) => needs.extend(more),
                other => {
                    self.next = other;
                    break;
                }
            }
        }
        Ok(Some(Request::Needs(needs)))
    }

    async fn one(&mut self) -> Result<Option<Request>, Stop> {
        if let Some(request) = self.next.take() {
            return Ok(Some(request));
        }
        Ok(self.input.next().await?.map(|line| request(&line)))
    }
}

fn request(line: &Line) -> Request {
    let otherwise = "it is neither a line of `survey dns` nor one of its needs";
    match read_target(line, otherwise) {
        Ok(target) => Request::Target(Box::new(target)),
        Err(answer) => match serde_json::from_slice(&line.bytes) {
            Ok(need) => Request::Needs(vec![need]),
            Err(_) => Request::Passed(answer),
        },
    }
}
