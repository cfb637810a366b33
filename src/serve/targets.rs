//! The targets that may be probed, and what is expected of each.

use std::collections::HashMap;

use crate::config::Terms;
use danecheck_core::next_hop::NextHop;

/// The targets that may be probed.
#[derive(Clone, Debug)]
pub enum Targets {
    /// Any target.
    Any(Terms),
    /// Those on a list.
    Listed(HashMap<NextHop, Terms>),
}

impl Targets {
    /// How many there are; `None` if there is no list.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Any(_) => None,
            Self::Listed(list) => Some(list.len()),
        }
    }

    pub(super) fn terms(&self, target: &NextHop) -> Option<&Terms> {
        match self {
            Self::Any(terms) => Some(terms),
            Self::Listed(list) => list.get(target),
        }
    }
}

impl FromIterator<(NextHop, Terms)> for Targets {
    fn from_iter<I: IntoIterator<Item = (NextHop, Terms)>>(targets: I) -> Self {
        Self::Listed(targets.into_iter().collect())
    }
}
