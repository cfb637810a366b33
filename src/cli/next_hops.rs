//! Looks at the next hops that evidence or a table names.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use futures_util::{Stream, StreamExt as _, stream};

use crate::observe::{LocalPostfix, Setup, observe};
use danecheck_core::evidence::Triage;
use danecheck_core::judge::Horizon;
use danecheck_core::next_hop::NextHop;
use danecheck_core::observation::Observation;
use danecheck_core::report::Report;
use danecheck_core::sender::Sender;

use super::bulk::BulkArguments;
use super::environment::Environment;
use super::input;
use super::look::LookArguments;
use super::progress::{Count, Progress, TICK};
use super::screen::ScreenArguments;
use super::stop::Stop;
use super::way::RouteArguments;

// How next hops are looked at. A doc comment would become the text of the
// command.
#[derive(Clone, Debug, Args)]
pub(super) struct NextHopArguments {
    #[command(flatten)]
    pub(super) look: LookArguments,

    #[command(flatten)]
    bulk: BulkArguments,

    /// Trust store for verify and secure [default: the system's, else
    /// Mozilla's]
    #[arg(
        long,
        value_name = "PEM",
        help_heading = "How to look",
        hide_short_help = true
    )]
    ca_file: Option<PathBuf>,

    #[command(flatten)]
    pub(super) route: RouteArguments,

    #[command(flatten)]
    pub(super) screen: ScreenArguments,
}

impl NextHopArguments {
    /// How each is looked at.
    pub(super) fn setup(&self, environment: &Environment) -> Result<Setup, Stop> {
        let plain = self.route.applied(self.look.setup(environment)?)?;
        Ok(Setup {
            trust_store: Arc::new(input::trust_store(self.ca_file.as_deref())?),
            pool: Some(self.bulk.pool()),
            ..plain
        })
    }

    /// How many are looked at at once.
    pub(super) fn jobs(&self) -> usize {
        self.bulk.jobs()
    }

    /// Takes each of these looks as it ends, and shows how far they are.
    pub(super) async fn watch<T>(
        &self,
        looks: impl Stream<Item = T>,
        total: usize,
        environment: &mut Environment,
        mut take: impl FnMut(T) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let mut count = Count {
            total: Some(number(total)),
            ..Count::default()
        };
        let mut progress = Progress::new(!self.screen.no_progress && total > 1);
        let mut ticks = tokio::time::interval(TICK);
        let mut looks = std::pin::pin!(looks);
        loop {
            let under_way = count.done.saturating_add(number(self.jobs()));
            count.begun = under_way.min(number(total));
            let one = tokio::select! {
                biased;
                one = looks.next() => one,
                _ = ticks.tick(), if progress.is_drawn(environment) => {
                    progress.draw(&count, environment);
                    continue;
                }
            };
            let taken = match one {
                Some(one) => take(one),
                None => break,
            };
            if taken.is_err() {
                progress.clear(environment);
                return taken;
            }
            count.done += 1;
            progress.draw(&count, environment);
        }
        progress.clear(environment);
        Ok(())
    }
}

/// One next hop that was looked at.
pub(super) struct Looked {
    /// As the evidence names it.
    pub(super) name: String,
    pub(super) observation: Observation,
    pub(super) report: Report,
}

/// Looks at the next hops of evidence, those with the most waiting mail first;
/// twice at those that turn out to be relays. `see` gets each look as it ends.
pub(super) async fn look(
    triage: &mut Triage,
    at_most: usize,
    arguments: &NextHopArguments,
    sender: &Sender,
    local: Option<&LocalPostfix>,
    environment: &mut Environment,
    see: &mut (dyn FnMut(&Observation, &Report) + Send),
) -> Result<Vec<(String, Report)>, Stop> {
    let hops = triage.next_hops.iter().filter(|hop| hop.verdict.is_none());
    let first: Vec<String> = hops.map(|hop| hop.name.clone()).take(at_most).collect();
    let mut all = Vec::new();
    let mut relays = Vec::new();
    let looked = look_at(first, arguments, sender, local, environment).await?;
    for Looked {
        name,
        observation,
        report,
    } in looked
    {
        if let Some(relay) = triage.relay_instead(&name, &report) {
            triage.go_elsewhere(&name, &relay);
            if !relays.contains(&relay) {
                relays.push(relay);
            }
        } else {
            triage.looked(&name, &report);
            see(&observation, &report);
            all.push((name, report));
        }
    }
    relays.truncate(at_most);
    for one in look_at(relays, arguments, sender, local, environment).await? {
        triage.looked(&one.name, &one.report);
        see(&one.observation, &one.report);
        all.push((one.name, one.report));
    }
    triage.compare(&all);
    Ok(all)
}

/// Looks at those of the names that are next hops, in their order. A name from
/// a log may be anything, and goes nowhere else.
pub(super) async fn look_at(
    names: Vec<String>,
    arguments: &NextHopArguments,
    sender: &Sender,
    local: Option<&LocalPostfix>,
    environment: &mut Environment,
) -> Result<Vec<Looked>, Stop> {
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
    let setup = Setup {
        local_sender: local.cloned(),
        ..arguments.setup(environment)?
    };
    let now = environment.now;
    let total = next_hops.len();
    let looks = stream::iter(next_hops)
        .map(|(name, next_hop)| {
            let setup = Setup {
                checked_at: now(),
                ..setup.clone()
            };
            async move { (name, observe(&next_hop, &setup).await) }
        })
        .buffered(arguments.jobs());
    let mut all = Vec::new();
    let take = |(name, observation)| {
        let report = Report::to(&observation, Horizon::default(), sender);
        all.push(Looked {
            name,
            observation,
            report,
        });
        Ok(())
    };
    arguments.watch(looks, total, environment, take).await?;
    Ok(all)
}
