//! What the pages remember.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Web;
use super::history::History;
use super::kept::Kept;
use super::last::Last;
use super::look::Look;
use crate::serve::limits::WebLimits;
use danecheck_core::next_hop::{NextHop, NextHopError};
use danecheck_core::report::ExitStatus;

/// What the pages remember.
#[derive(Debug)]
pub(in crate::serve) struct Looks {
    pub(in crate::serve) limits: WebLimits,
    pub(super) reads: fn(&str) -> Result<NextHop, NextHopError>,
    pub(in crate::serve) history: History,
    /// Whether there is a list of targets: without one, visitors would choose
    /// what fills the history.
    notes_changes: bool,
    /// The domains of the overview, in the order of the file.
    domains: Vec<NextHop>,
    /// The last look at each of them.
    last: Mutex<HashMap<NextHop, Last>>,
    kept: Mutex<Kept>,
}

impl Looks {
    pub(in crate::serve) fn new(web: Web, limits: WebLimits, notes_changes: bool) -> Self {
        Self {
            limits,
            reads: web.reads,
            history: web.history,
            notes_changes,
            domains: web.domains,
            last: Mutex::default(),
            kept: Mutex::new(Kept::new(limits)),
        }
    }

    /// A look at a target has ended. Waits for the disk if its verdict has
    /// changed.
    pub(in crate::serve) fn ended(&self, target: &NextHop, look: Look) {
        if let Look::Seen(seen) = &look {
            if self.domains.contains(target) {
                self.last().insert(target.clone(), seen.last.clone());
            }
            if self.notes_changes {
                let Last {
                    checked_at,
                    verdict,
                    ..
                } = seen.last;
                self.history.note(checked_at, &target.to_string(), verdict);
            }
        }
        let now = Instant::now();
        self.kept().put(target.clone(), Arc::new(look), now);
    }

    /// The look at a target that ended less long ago than this.
    pub(in crate::serve) fn get(&self, target: &NextHop, most: Duration) -> Option<Arc<Look>> {
        self.kept().get(target, most, Instant::now())
    }

    /// How many are kept.
    pub(in crate::serve) fn count(&self) -> usize {
        self.kept().len()
    }

    /// The domains of the overview, the worst first, those without a look last.
    pub(super) fn overview(&self) -> Vec<(NextHop, Option<Last>)> {
        let last = self.last();
        let domains = self.domains.iter();
        let mut all: Vec<(NextHop, Option<Last>)> = domains
            .map(|domain| (domain.clone(), last.get(domain).cloned()))
            .collect();
        drop(last);
        all.sort_by_key(|(_, last)| match last.as_ref().map(|last| last.status) {
            Some(ExitStatus::Broken) => 0,
            Some(ExitStatus::Unknown) => 1,
            Some(ExitStatus::Warning) => 2,
            Some(ExitStatus::Fine) => 3,
            None => 4,
        });
        all
    }

    fn last(&self) -> MutexGuard<'_, HashMap<NextHop, Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
