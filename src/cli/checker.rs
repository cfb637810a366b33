//! One target of a run, from its name to its report.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use crate::config::{Advised, Config};
use crate::observe::{Setup, observe};
use danecheck_core::judge::{Moment, Strictest};
use danecheck_core::next_hop::NextHopError;
use danecheck_core::observation::Observation;
use danecheck_core::report::json;
use danecheck_core::sender::Sender;
use danecheck_core::unix_time::UnixTime;

use super::input::GivenTarget;
use super::pending::PendingTarget;
use super::typed;
use super::workers::Workers;

/// One checked target, or the reason why it could not be checked.
pub(super) enum Outcome {
    Observed(Box<Checked>),
    Invalid(GivenTarget, NextHopError),
    /// Its task did not end properly, which is a fault in this program.
    Lost(GivenTarget),
}

/// A target with its results.
pub(super) struct Checked {
    /// `None` if it is not saved.
    pub(super) observation: Option<Observation>,
    pub(super) advised: Advised,
    /// The report as JSON, if needed.
    pub(super) line: Option<String>,
}

/// Checks targets, each in its own task, and judges them in other threads: that
/// takes as much processor time as checking.
pub(super) struct Checker {
    pub(super) setup: Arc<Setup>,
    /// Whether arguments were typed; lines of standard input never are.
    pub(super) typed: bool,
    pub(super) at: Option<Moment>,
    pub(super) expectations: Arc<Config>,
    pub(super) sender: Arc<Sender>,
    pub(super) saves: bool,
    pub(super) writes_json: bool,
    pub(super) now: fn() -> UnixTime,
    pub(super) workers: Workers,
}

impl Checker {
    /// Checks one target, unless its observation is there already.
    pub(super) fn check(&self, target: PendingTarget) -> impl Future<Output = Outcome> {
        let PendingTarget { given, observed } = target;
        let (setup, sender) = (self.setup.clone(), self.sender.clone());
        let (at, saves, writes_json) = (self.at, self.saves, self.writes_json);
        let (expectations, now) = (self.expectations.clone(), self.now);
        let workers = &self.workers;
        let typed = self.typed && matches!(given, GivenTarget::Argument(_));
        async move {
            let next_hop = match typed::next_hop(given.text()) {
                Ok(next_hop) => next_hop,
                Err(error) => return Outcome::Invalid(given, error),
            };
            let task = workers.spawn(async move {
                let hellos = match expectations.defaults().strictest {
                    true => Arc::new(HashMap::from([(
                        next_hop.policy_key(),
                        vec![Strictest::hello()],
                    )])),
                    false => setup.hellos.clone(),
                };
                let setup = Setup {
                    hellos,
                    checked_at: now(),
                    typed,
                    skip: expectations.terms(&next_hop).skip_hosts.clone(),
                    ..(*setup).clone()
                };
                let saves = saves && observed.is_none();
                let begun = Instant::now();
                let (observation, is_new) = match observed {
                    Some(observation) => (*observation, false),
                    None => (observe(&next_hop, &setup).await, true),
                };
                // This thread also waits for the network of other targets, and
                // one domain can keep its judgement busy for a second. There
                // are as many judging threads as jobs so far: the system
                // schedules them fairly, and none has to wait for another.
                let judge = move || {
                    let terms = expectations.terms(&next_hop);
                    let mut advised = terms.report(&observation, at, &sender);
                    advised.report.took = is_new.then(|| begun.elapsed());
                    Checked {
                        line: writes_json.then(|| json(&advised.report)),
                        advised,
                        observation: saves.then_some(observation),
                    }
                };
                tokio::task::spawn_blocking(judge).await
            });
            match task.await {
                Ok(Ok(seen)) => Outcome::Observed(Box::new(seen)),
                Ok(Err(_)) | Err(_) => Outcome::Lost(given),
            }
        }
    }
}
