//! `danecheck overrides FILE`: which overrides are still needed.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use futures_util::{StreamExt as _, stream};

use crate::observe::{Setup, observe};
use danecheck_core::judge::Horizon;
use danecheck_core::next_hop::NextHop;
use danecheck_core::observation::Observation;
use danecheck_core::overrides::Overrides;
use danecheck_core::postfix::LineHello;
use danecheck_core::report::{ExitStatus, to_json, worst};
use danecheck_core::sender::System;
use danecheck_core::text::TextStyle;

use super::accept::AcceptArguments;
use super::environment::Environment;
use super::evidence::name_of;
use super::input;
use super::next_hops::NextHopArguments;
use super::replayed::Replayed;
use super::saved::Saved;
use super::sender::SenderArguments;
use super::stop::Stop;
use super::typed;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 nothing to change, 1 something to change but mail flows, 2 mail \
                  waits despite an override, 3 unknown or wrong usage."
)]
pub(super) struct OverridesArguments {
    /// Postfix policy table in text form, or the list of mailcow's API
    /// (get/tls-policy-map/all); `-` reads standard input [default: the list
    /// itself, with --mailcow-api]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Print the whole file as it should be, with your comments; a line that
    /// would ask for less than before stays unchanged
    #[arg(long)]
    write: bool,

    /// One JSON object
    #[arg(long, conflicts_with = "write")]
    json: bool,

    /// Print only what should change
    #[arg(long, conflicts_with_all = ["write", "json"])]
    quiet: bool,

    #[command(flatten)]
    accept: AcceptArguments,

    /// Next hop by which to judge the line for its parent domain
    /// (.example.com); repeat for more
    #[arg(long, value_name = "NEXTHOP", value_parser = typed::next_hop)]
    below: Vec<NextHop>,

    #[command(flatten)]
    sender: SenderArguments,

    #[command(flatten)]
    next_hops: NextHopArguments,

    /// Save what was observed, one line for each next hop
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    save: Option<PathBuf>,

    /// Judge saved observations, without network
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
}

pub(super) async fn overrides(
    arguments: &OverridesArguments,
    environment: &mut Environment,
) -> Result<ExitStatus, Stop> {
    if arguments.replay.is_some() {
        arguments.next_hops.route.way.refuse_with_replay()?;
    }
    let (name, bytes) = match &arguments.file {
        Some(file) => (name_of(file), input::read_table(file, environment).await?),
        None => {
            let resolver = arguments.next_hops.look.resolver.resolver()?;
            let list = arguments.sender.mailcow.own_policies(&resolver).await?;
            ("mailcow's API".to_owned(), list.into_bytes())
        }
    };
    let overrides =
        Overrides::read(bytes).map_err(|error| Stop::Sentence(format!("{name}: {error}")))?;
    let mut sender = arguments.sender.sender();
    // The sender of mailcow's list is mailcow, unless another one is named.
    if matches!(overrides, Overrides::Rows(_)) && !arguments.sender.names_one() {
        sender.system = System::Mailcow;
    }
    if arguments.replay.is_none() {
        // Its own policies are what is judged here, so they do not count.
        let resolver = &arguments.next_hops.look.resolver;
        sender = arguments
            .sender
            .asked(sender, resolver, environment)
            .await?
            .without_own_policies();
    }
    let next_hops = overrides.next_hops(&arguments.below);
    let (seen, is_whole) = match &arguments.replay {
        Some(path) => replayed(path, &next_hops, environment)?,
        None => {
            let hellos = overrides.hellos(&next_hops);
            (look(next_hops, hellos, arguments, environment).await?, true)
        }
    };
    let examination = overrides.examine(
        &seen,
        &arguments.below,
        &sender,
        Horizon::default(),
        &arguments.accept.accepted(),
    );
    if arguments.write {
        for caution in examination.cautions() {
            environment.complain(&caution);
        }
    }
    if arguments.write {
        environment.print_file(&examination.written())?;
    } else if arguments.json {
        environment.print(&(to_json(&examination.report()) + "\n"))?;
    } else {
        let style = TextStyle {
            width: environment.width,
            color: arguments.next_hops.screen.colors.wanted(environment),
        };
        environment.print(&examination.human(&name, style, arguments.quiet))?;
    }
    let status = examination.exit_status();
    Ok(if is_whole {
        status
    } else {
        worst(status, ExitStatus::Unknown)
    })
}

/// The observations of these next hops in a saved file, and whether all of it
/// could be read. The last observation of each counts.
fn replayed(
    path: &Path,
    next_hops: &[NextHop],
    environment: &mut Environment,
) -> Result<(HashMap<String, Observation>, bool), Stop> {
    let wanted: HashSet<String> = next_hops.iter().map(NextHop::policy_key).collect();
    let mut replayed = Replayed::open(path)?;
    let mut seen = HashMap::new();
    while let Some(observation) = replayed.next(environment) {
        let key = observation.next_hop.policy_key();
        if wanted.contains(&key) {
            seen.insert(key, observation);
        }
    }
    Ok((seen, replayed.is_whole(environment)?))
}

/// Checks each next hop as `danecheck TARGET` does.
async fn look(
    next_hops: Vec<NextHop>,
    hellos: HashMap<String, Vec<LineHello>>,
    arguments: &OverridesArguments,
    environment: &mut Environment,
) -> Result<HashMap<String, Observation>, Stop> {
    let setup = Setup {
        hellos: Arc::new(hellos),
        ..arguments.next_hops.setup(environment)?
    };
    let now = environment.now;
    let saved = arguments.save.as_deref();
    let mut saved = saved
        .map(|path| Saved::create(path, environment))
        .transpose()?;
    let total = next_hops.len();
    let looks = stream::iter(next_hops)
        .map(|next_hop| {
            let setup = Setup {
                checked_at: now(),
                ..setup.clone()
            };
            async move { observe(&next_hop, &setup).await }
        })
        .buffer_unordered(arguments.next_hops.jobs());
    let mut seen = HashMap::new();
    let take = |observation: Observation| {
        if let Some(saved) = &mut saved {
            saved.write(&observation)?;
        }
        seen.insert(observation.next_hop.policy_key(), observation);
        Ok(())
    };
    let watched = arguments.next_hops.watch(looks, total, environment, take);
    watched.await?;
    if let Some(saved) = &saved {
        saved.finish()?;
    }
    Ok(seen)
}
