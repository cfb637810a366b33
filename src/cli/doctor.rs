//! `danecheck doctor`: is it this machine?

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::observe::{LocalPostfix, MachineSetup, Pool, Setup, examine};
use danecheck_core::doctor::Checkup;
use danecheck_core::judge::{Horizon, Moment};
use danecheck_core::next_hop::{NextHop, NextHopError};
use danecheck_core::report::{ExitStatus, to_json};

use super::environment::Environment;
use super::input;
use super::look::LookArguments;
use super::mailcow::MailcowArguments;
use super::stop::Stop;
use super::typed;
use super::way::WayArguments;

/// Where mailcow's documentation installs it.
const MAILCOW: &str = "/opt/mailcow-dockerized";

/// The network of mailcow's containers, unless its configuration names another.
const MAILCOW_NETWORK: &str = "172.22.1";

/// The largest mailcow.conf.
const LARGEST_CONFIGURATION: u64 = 1 << 20;

/// The most targets.
const MOST_TARGETS: usize = 20;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 no fault found, 1 a warning, 2 a fault, 3 wrong usage. What is \
                  unknown does not count."
)]
pub(super) struct DoctorArguments {
    /// Connect to these next hops, two of different operators at least, to
    /// examine port 25 and STARTTLS
    #[arg(long, value_name = "TARGET", num_args = 1..)]
    via: Vec<String>,

    /// One JSON object
    #[arg(long)]
    json: bool,

    /// Examine as if the clock of this machine showed another moment:
    /// 2027-01-31, an RFC 3339 time, or +30d
    #[arg(long, value_name = "TIME", value_parser = str::parse::<Moment>)]
    at: Option<Moment>,

    /// Configuration directory of the Postfix to examine [default: Postfix's
    /// own]
    #[arg(long, value_name = "DIR")]
    postfix_config: Option<PathBuf>,

    /// Directory of mailcow [default: /opt/mailcow-dockerized, if it is there]
    #[arg(long, value_name = "DIR")]
    mailcow: Option<PathBuf>,

    /// Trust store to examine [default: the system's]
    #[arg(long, value_name = "PEM")]
    ca_file: Option<PathBuf>,

    #[command(flatten)]
    look: LookArguments,

    #[command(flatten)]
    of_mailcow: MailcowArguments,

    #[command(flatten)]
    way: WayArguments,
}

pub(super) async fn doctor(
    arguments: &DoctorArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let via: Vec<String> = arguments
        .via
        .iter()
        .flat_map(|target| typed::several(target))
        .collect();
    if via.len() > MOST_TARGETS {
        return Err(Stop::Sentence(format!(
            "--via: give {MOST_TARGETS} targets at most"
        )));
    }
    let targets = via.iter().map(|target| typed::next_hop(target));
    let targets: Result<Vec<NextHop>, NextHopError> = targets.collect();
    let targets = targets.map_err(|error| Stop::Sentence(error.to_string()))?;
    let horizon = Horizon {
        at: arguments.at,
        ..Horizon::default()
    };
    let plain = arguments.way.applied(arguments.look.setup(environment)?)?;
    let setup = Setup {
        checked_at: horizon.now(plain.checked_at),
        trust_store: Arc::new(input::trust_store(arguments.ca_file.as_deref())?),
        pool: Some(Pool::default()),
        ..plain
    };
    let postfix = LocalPostfix::read(arguments.postfix_config.clone()).await;
    let postfix = match (postfix, &arguments.postfix_config) {
        (Ok(postfix), _) => Ok(postfix),
        (Err(error), Some(_)) => return Err(Stop::Sentence(error.to_string())),
        (Err(error), None) => Err(error.to_string()),
    };
    let installed = mailcow(arguments.mailcow.as_deref())?;
    let directory = installed.as_ref().map(|(directory, _)| directory.as_path());
    let parts = match (directory, arguments.of_mailcow.names_one()) {
        (None, false) => None,
        (directory, _) => {
            let directory = directory.unwrap_or(Path::new(MAILCOW));
            Some(
                arguments
                    .of_mailcow
                    .parts(directory, &setup.resolver)
                    .await?,
            )
        }
    };
    let machine = MachineSetup {
        setup,
        postfix,
        mailcow: parts,
        mailcow_resolver: installed.map(|(_, resolver)| resolver),
        targets,
    };
    let checkup = Checkup::of(&examine(&machine).await);
    let text = if arguments.json {
        to_json(&checkup) + "\n"
    } else {
        checkup.human(environment.width)
    };
    environment.print(&text)?;
    Ok(checkup.exit_status())
}

/// The directory of mailcow and the address of its resolver, which is the last
/// but one of its network.
fn mailcow(given: Option<&Path>) -> Result<Option<(PathBuf, SocketAddr)>, Stop> {
    let directory = given.unwrap_or(Path::new(MAILCOW));
    let file = directory.join("mailcow.conf");
    let text = match input::read(&file, LARGEST_CONFIGURATION) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if given.is_some() => return Err(error),
        Err(_) => return Ok(None),
    };
    let network = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("IPV4_NETWORK="))
        .next_back()
        .unwrap_or(MAILCOW_NETWORK)
        .trim_matches(['"', '\'', ' ']);
    let resolver: SocketAddr = format!("{network}.254:53").parse().map_err(|_| {
        Stop::Sentence(format!(
            "{}: IPV4_NETWORK is no network: give three numbers such as {MAILCOW_NETWORK}",
            file.display()
        ))
    })?;
    Ok(Some((directory.to_owned(), resolver)))
}
