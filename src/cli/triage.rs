//! `danecheck triage`: from what waits to what to do.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use clap::Args;
use futures_util::{StreamExt as _, stream};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::observe::{Setup, observe};
use danecheck_core::evidence::{Reading, Triage};
use danecheck_core::judge::Horizon;
use danecheck_core::next_hop::NextHop;
use danecheck_core::report::{ExitStatus, Report, to_json};
use danecheck_core::sender::{Sender, System};

use super::bulk::BulkArguments;
use super::environment::Environment;
use super::evidence::feed;
use super::input;
use super::look::LookArguments;
use super::proxy::ProxyArguments;
use super::sender::SenderArguments;
use super::stop::Stop;

/// What `--accept-weaker` stands for without a value.
const ALL: &str = "";

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 nothing waits for TLS, DANE or DNS, 1 nothing waits any more, or \
                  there are only warnings, 2 mail waits or was returned, 3 not understood or wrong \
                  usage."
)]
pub(super) struct TriageArguments {
    /// Logs, queue listings, notices; compressed too; `-` reads standard input
    /// [default: -]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// One JSON object
    #[arg(long)]
    json: bool,

    /// Look at no next hop
    #[arg(long, conflicts_with = "at_most")]
    no_check: bool,

    /// Look at this many next hops at most, those with the most waiting mail
    /// first
    #[arg(long, value_name = "N", default_value = "50")]
    at_most: usize,

    /// Print entries also where the fault is on this machine or its network:
    /// all, or that of one next hop; repeat for more
    #[arg(
        long,
        value_name = "NEXTHOP",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ALL
    )]
    accept_weaker: Vec<String>,

    #[command(flatten)]
    sender: SenderArguments,

    #[command(flatten)]
    look: LookArguments,

    #[command(flatten)]
    bulk: BulkArguments,

    /// Trust store for verify and secure [default: the system's, else
    /// Mozilla's]
    #[arg(long, value_name = "PEM")]
    ca_file: Option<PathBuf>,

    #[command(flatten)]
    proxy: ProxyArguments,
}

pub(super) async fn triage(
    arguments: &TriageArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    let mut reading = Reading::default();
    if arguments.files.is_empty() && environment.terminals.stdin {
        reading.begin("postqueue -j");
        ask_queue(&mut reading).await?;
    } else if arguments.files.is_empty() {
        reading.begin("-");
        feed(&mut reading, Path::new("-"), environment).await?;
    }
    for path in &arguments.files {
        reading.begin(&path.display().to_string());
        feed(&mut reading, path, environment).await?;
    }
    let mut triage = reading.triage();
    let mut sender = arguments.sender.sender();
    // The sender of mailcow's evidence is mailcow, unless another is named.
    let is_mailcow = triage.is_of_mailcow() && !arguments.sender.names_one();
    if is_mailcow {
        sender.system = System::Mailcow;
    }
    if !arguments.no_check {
        look(&mut triage, arguments, &sender, environment).await?;
    }
    if arguments.json {
        environment.print(&(to_json(&triage) + "\n"))?;
    } else {
        let mut text = triage.table(environment.width);
        if is_mailcow {
            text.push_str("\nJudged as --sender mailcow, because this is mailcow's.\n");
        }
        let accepts = |name: &str| {
            let mut accepted = arguments.accept_weaker.iter();
            accepted.any(|one| one == ALL || one == name)
        };
        let of_mailcow = sender.system == System::Mailcow;
        let block = triage.block(of_mailcow, environment.width, &accepts);
        if !block.is_empty() {
            text.push('\n');
            text.push_str(&block);
        }
        environment.print(&text)?;
    }
    Ok(triage.exit_status())
}

/// What waits in the queue of this machine, where nothing was piped.
async fn ask_queue(reading: &mut Reading) -> Result<(), Stop> {
    let what = "give a FILE or pipe something: postqueue -j | danecheck triage";
    let stop = |error: &dyn std::fmt::Display| {
        Stop::Sentence(format!("postqueue -j of this machine: {error}; {what}"))
    };
    let mut child = Command::new("postqueue")
        .arg("-j")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| stop(&error))?;
    let mut piece = vec![0; 64 * 1024];
    let mut is_empty = true;
    if let Some(mut listing) = child.stdout.take() {
        loop {
            let length = listing
                .read(&mut piece)
                .await
                .map_err(|error| stop(&error))?;
            match piece.get(..length) {
                None | Some([]) => break,
                Some(read) => reading.bytes(read),
            }
            is_empty = false;
        }
    }
    let ended = child.wait().await.map_err(|error| stop(&error))?;
    if !ended.success() {
        return Err(stop(&"it failed"));
    }
    if is_empty {
        // What `postqueue -p` says of it: here nobody cut the listing off.
        reading.bytes(b"Mail queue is empty\n");
    }
    Ok(())
}

/// Looks at the next hops; twice at those that turn out to be relays.
async fn look(
    triage: &mut Triage,
    arguments: &TriageArguments,
    sender: &Sender,
    environment: &Environment,
) -> Result<(), Stop> {
    let names = |triage: &Triage| -> Vec<String> {
        let hops = triage.next_hops.iter().filter(|hop| hop.verdict.is_none());
        hops.map(|hop| hop.name.clone()).collect()
    };
    let first: Vec<String> = names(triage).into_iter().take(arguments.at_most).collect();
    let reports = reports(first, arguments, sender, environment).await?;
    let mut relays = Vec::new();
    for (name, report) in &reports {
        if let Some(relay) = triage.relay_instead(name, report) {
            triage.go_elsewhere(name, &relay);
            relays.push(relay);
        } else {
            triage.looked(name, report);
        }
    }
    relays.dedup();
    relays.truncate(arguments.at_most);
    for (name, report) in &self::reports(relays, arguments, sender, environment).await? {
        triage.looked(name, report);
    }
    Ok(())
}

/// The reports on those of the names that are next hops. A name from a log may
/// be anything, and goes nowhere else.
async fn reports(
    names: Vec<String>,
    arguments: &TriageArguments,
    sender: &Sender,
    environment: &Environment,
) -> Result<Vec<(String, Report)>, Stop> {
    let next_hops: Vec<(String, NextHop)> = names
        .into_iter()
        .filter_map(|name| {
            let next_hop = name.parse().ok()?;
            Some((name, next_hop))
        })
        .collect();
    if next_hops.is_empty() {
        return Ok(Vec::new());
    }
    let plain = arguments.look.setup(environment)?;
    let setup = Setup {
        trust_store: Arc::new(input::trust_store(arguments.ca_file.as_deref())?),
        dial: arguments.proxy.dial(plain.dial)?,
        pool: Some(arguments.bulk.pool()),
        local_sender: arguments.sender.local().await?,
        ..plain
    };
    let now = environment.now;
    let looks = stream::iter(next_hops)
        .map(|(name, next_hop)| {
            let setup = Setup {
                checked_at: now(),
                ..setup.clone()
            };
            async move { (name, observe(&next_hop, &setup).await) }
        })
        .buffer_unordered(arguments.bulk.jobs());
    let mut looks = std::pin::pin!(looks);
    let mut reports = Vec::new();
    while let Some((name, observation)) = looks.next().await {
        let report = Report::to(&observation, Horizon::default(), sender);
        reports.push((name, report));
    }
    Ok(reports)
}
