//! `--into FILE`: the whole table with the overrides set in it, each once.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use clap::Args;

use danecheck_core::judge::Action;
use danecheck_core::observation::Observation;
use danecheck_core::overrides::{Accepted, Became, NoOverrides, Overrides};
use danecheck_core::report::{ExitStatus, worst};
use danecheck_core::sender::Sender;

use super::accept::AcceptArguments;
use super::environment::Environment;
use super::evidence::name_of;
use super::input;
use super::stop::Stop;

/// Where the lines go.
#[derive(Clone, Debug, Default, Args)]
#[command(mut_arg("accept_weaker", |it| it.requires("into")))]
pub(super) struct IntoArguments {
    /// With --entry postfix: print this whole table with the lines set in it,
    /// each once
    #[arg(long, hide_short_help = true, value_name = "FILE", requires = "entry", conflicts_with_all = ["at", "resume"])]
    pub(super) into: Option<PathBuf>,

    #[command(flatten)]
    pub(super) accept: AcceptArguments,
}

/// A table that gets lines, and what was seen of their next hops.
pub(super) struct Into {
    name: String,
    overrides: Overrides,
    /// The next hops that have a line.
    keys: HashSet<String>,
    accepted: Accepted,
    sender: Sender,
    seen: HashMap<String, Observation>,
}

impl Into {
    /// Reads the table. An empty file is a table without a line here.
    pub(super) async fn read(
        path: &Path,
        accept: &AcceptArguments,
        sender: Sender,
        environment: &mut Environment,
    ) -> Result<Self, Stop> {
        let name = name_of(path);
        let bytes = input::read_table(path, environment).await?;
        let overrides = match Overrides::read(bytes) {
            Err(NoOverrides::Empty) => Overrides::empty(),
            Err(error) => return Err(Stop::Sentence(format!("{name}: {error}"))),
            Ok(Overrides::Rows(_)) => {
                return Err(Stop::Sentence(format!(
                    "{name}: --into takes a table of Postfix, and this is a list of mailcow's, \
                     whose rows take effect one by one: `danecheck overrides {name}` prints the \
                     calls"
                )));
            }
            Ok(table) => table,
        };
        Ok(Self {
            name,
            keys: overrides.keys(),
            overrides,
            accepted: accept.accepted(),
            sender,
            seen: HashMap::new(),
        })
    }

    /// Keeps what was seen of a next hop that may change the table.
    pub(super) fn see(&mut self, observation: &Observation, action: Action) {
        let key = observation.next_hop.policy_key();
        if action == Action::Override || self.keys.contains(&key) {
            self.seen.insert(key, observation.clone());
        }
    }

    /// Prints the table, and says beside it what to check. The status is about
    /// the next hops that may change it.
    pub(super) fn print(&mut self, environment: &mut Environment) -> Result<ExitStatus, Stop> {
        let overrides = std::mem::replace(&mut self.overrides, Overrides::empty());
        let set = overrides.set(&self.seen, &self.sender, &self.accepted);
        let Some(set) = set else {
            return Err(Stop::Sentence(format!("{}: is no table", self.name)));
        };
        let mut status = ExitStatus::Fine;
        // Each is said once, with the lines that it is about.
        let mut cautions: Vec<(&String, Vec<&str>)> = Vec::new();
        for one in &set.next_hops {
            status = worst(status, one.status);
            if let Some(caution) = &one.caution {
                match cautions.iter_mut().find(|(known, _)| *known == caution) {
                    Some((_, keys)) => keys.push(one.key.as_str()),
                    None => cautions.push((caution, vec![one.key.as_str()])),
                }
            }
            if one.became == Became::NoLineHelps {
                environment.complain(&format!("{}: no line of a table helps", one.key));
            }
        }
        for (caution, keys) in cautions {
            environment.complain(&format!("{}: {caution}", keys.join(", ")));
        }
        environment.print_file(&set.bytes)?;
        Ok(status)
    }
}
