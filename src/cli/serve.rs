//! `danecheck serve`: the exporter for Prometheus, and pages for people.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::serve::{Exporter, History, HostName, Limits, Targets, Web};
use danecheck_core::next_hop::{NextHop, NextHopError};
use danecheck_core::report::ExitStatus;

use super::environment::Environment;
use super::expect::ExpectArguments;
use super::input;
use super::look::LookArguments;
use super::servers::ServersArguments;
use super::state::{Opened, StateFile};
use super::stop::Stop;
use super::typed;

#[derive(Debug, Args)]
#[command(
    after_help = "/probe?target=example.com checks a target and answers with its metrics, /metrics \
                  describes the exporter itself, /-/healthy says whether it runs. With --web, / \
                  asks for a domain and shows those of --config, /check/example.com shows a check \
                  and its report, /check/example.com.json the report as JSON, /history the changes \
                  of verdicts."
)]
pub(super) struct ServeArguments {
    /// Where to listen
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9725", value_parser = listen)]
    listen: SocketAddr,

    /// Name of the exporter that requests may use, besides localhost and its
    /// address; repeat for more
    #[arg(long, value_name = "NAME[:PORT]", value_parser = str::parse::<HostName>)]
    host: Vec<HostName>,

    /// Allow this target; repeat for more
    #[arg(long, value_name = "TARGET")]
    allow: Vec<String>,

    /// Allow the targets in this file, one on each line
    #[arg(long, value_name = "FILE")]
    allow_file: Option<PathBuf>,

    /// Allow any target: every client chooses where the exporter connects
    #[arg(long, conflicts_with_all = ["allow", "allow_file", "config"])]
    allow_any: bool,

    /// Checks at once; when all slots are busy, requests get 503
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..))]
    max_checks: u16,

    /// Also serve pages for people
    #[arg(long)]
    web: bool,

    /// Keep the changes of verdicts in this file; without it, they end with the
    /// process
    #[arg(
        long,
        value_name = "FILE",
        requires = "web",
        conflicts_with = "allow_any"
    )]
    state: Option<PathBuf>,

    #[command(flatten)]
    look: LookArguments,

    #[command(flatten)]
    servers: ServersArguments,

    #[command(flatten)]
    expect: ExpectArguments,
}

/// An address with its port.
fn listen(text: &str) -> Result<SocketAddr, String> {
    let here = text.strip_prefix("localhost:");
    let address = here.map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    address
        .parse()
        .map_err(|_| "give an address and a port, such as 127.0.0.1:9725".to_owned())
}

pub(super) async fn serve(
    arguments: &ServeArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let config = arguments.expect.expectations(environment, false)?;
    let targets = arguments.targets(&config)?;
    let web = arguments.web(&config, environment)?;
    let setup = arguments.servers.setup(&arguments.look, environment)?;
    let limits = Limits {
        checks: usize::from(arguments.max_checks),
        ..Limits::default()
    };
    let cannot = |error: std::io::Error| {
        let address = arguments.listen;
        Stop::Sentence(format!("{address}: cannot listen: {error}"))
    };
    // From here on a signal ends the program in order.
    let stop = stop().map_err(cannot)?;
    let listener = TcpListener::bind(arguments.listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let count = match targets.count() {
        Some(1) => "1 target".to_owned(),
        Some(count) => format!("{count} targets"),
        None => "any target".to_owned(),
    };
    let exporter = Exporter::new(setup, environment.now, targets, limits)
        .map_err(|error| Stop::Sentence(format!("cannot start a thread for checks: {error}")))?
        .named(arguments.host.clone());
    let exporter = match web {
        Some(web) => exporter.with_pages(web),
        None => exporter,
    };
    environment.complain(&format!("listening on http://{address}, for {count}"));
    exporter.run(listener, stop).await;
    environment.complain("ended");
    Ok(ExitStatus::Fine)
}

impl ServeArguments {
    fn targets(&self, config: &Config) -> Result<Targets, Stop> {
        if self.allow_any {
            return Ok(Targets::Any(config.defaults().clone()));
        }
        let refuse = |error: NextHopError| Stop::Sentence(format!("--allow: {error}"));
        let mut targets: Vec<NextHop> = self
            .allow
            .iter()
            .flat_map(|target| typed::several(target))
            .map(|target| typed::next_hop(&target).map_err(refuse))
            .collect::<Result<_, _>>()?;
        if let Some(path) = &self.allow_file {
            targets.extend(from_file(path)?);
        }
        targets.extend(config.domains().iter().cloned());
        if targets.is_empty() {
            return Err(Stop::Sentence(
                "no targets are allowed: name them with --allow, --allow-file or --config. With \
                 --allow-any, every client chooses where the exporter connects"
                    .to_owned(),
            ));
        }
        let with_terms = targets.into_iter().map(|target| {
            let terms = config.terms(&target).clone();
            (target, terms)
        });
        Ok(with_terms.collect())
    }

    /// What the pages need, if they are wanted.
    fn web(&self, config: &Config, environment: &mut Environment) -> Result<Option<Web>, Stop> {
        if !self.web {
            return Ok(None);
        }
        let history = match &self.state {
            None => History::default(),
            Some(path) => {
                let Opened {
                    state,
                    changes,
                    said,
                } = StateFile::open(path)?;
                if let Some(said) = said {
                    environment.complain(&said);
                }
                History::kept(changes, Box::new(state))
            }
        };
        Ok(Some(Web {
            domains: match self.allow_any {
                true => Vec::new(),
                false => config.domains().to_vec(),
            },
            reads: typed::next_hop,
            history,
        }))
    }
}

fn from_file(path: &Path) -> Result<Vec<NextHop>, Stop> {
    let refuse = |why: String| Stop::Sentence(format!("{}: {why}", path.display()));
    let text = String::from_utf8(input::read(path, input::LARGEST_LIST)?)
        .map_err(|_| refuse("is not text: give one target a line".to_owned()))?;
    text.lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            typed::next_hop(line).map_err(|error| refuse(format!("line {number}: {error}")))
        })
        .collect()
}

/// Ready when the program should end.
#[cfg(unix)]
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
    })
}

#[cfg(not(unix))]
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
