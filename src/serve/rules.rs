//! Which targets may be probed, and how each is judged.

use std::collections::HashMap;

use crate::judge::Horizon;
use crate::next_hop::NextHop;
use crate::observation::Observation;
use crate::report::{ExitStatus, FailOn, Report, exit_status};

/// How a target is judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// For when, and how far ahead.
    pub horizon: Horizon,
    /// Whether everything but `dane-ok` is broken.
    pub require_dane: bool,
    /// What makes the status other than 0.
    pub fail_on: FailOn,
}

impl Rules {
    pub(super) fn judge(&self, observation: &Observation) -> (Report, ExitStatus) {
        let report = Report::at(observation, self.horizon);
        let status = exit_status(&report, self.require_dane, self.fail_on);
        (report, status)
    }
}

/// The targets that may be probed.
#[derive(Clone, Debug)]
pub enum Targets {
    /// Whatever is asked for.
    Any(Rules),
    /// Those on a list.
    Listed(HashMap<NextHop, Rules>),
}

impl Targets {
    /// These, all judged alike.
    pub fn listed(targets: impl IntoIterator<Item = NextHop>, rules: &Rules) -> Self {
        let each = targets.into_iter().map(|target| (target, rules.clone()));
        Self::Listed(each.collect())
    }

    /// How many there are; nothing where there is no list.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Any(_) => None,
            Self::Listed(list) => Some(list.len()),
        }
    }

    pub(super) fn rules(&self, target: &NextHop) -> Option<&Rules> {
        match self {
            Self::Any(rules) => Some(rules),
            Self::Listed(list) => list.get(target),
        }
    }
}
