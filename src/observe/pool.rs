//! What the checks of one run share: answers about hosts, sessions with
//! addresses, validated keys, and the manners towards each address.
//!
//! What depends on the domain stays with its check: its MX records, its time,
//! and its budgets. A session or a lookup that one check begins has its own
//! time limit. So a check that runs out of time takes nothing from the others,
//! and each check waits for it no longer than its own time allows.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::authority::Inspected;
use super::budget::{
    CONNECTIONS_IN_ALL, INSPECTIONS_BYTES_KEPT, LOOKS, LOOKUPS_BYTES_KEPT, PER_HOST,
    SESSIONS_BYTES_KEPT,
};
use super::cache::{Cache, Retention};
use super::call::SharedSessions;
use super::gate::Gates;
use super::query::QueryResult;
use super::running::{Running, RunningChecks};
use super::slots::Slots;
use super::validator::Base;
use danecheck_core::observation::RecordType;

/// How much of the network a run uses, and how long its results may be used for
/// other targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Connections to one address at once.
    pub per_host: usize,
    /// Connections at once in all.
    pub connections: usize,
    /// How long an answer or a session may be used for other targets; an answer
    /// is not used beyond its own TTL.
    pub keep: Duration,
    /// How often a target is checked if its time was up while it waited for its
    /// turn at an address that other targets kept busy.
    pub looks: usize,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            per_host: PER_HOST,
            connections: CONNECTIONS_IN_ALL,
            keep: Duration::from_secs(60 * 60),
            looks: LOOKS,
        }
    }
}

/// What several checks share. All of them must have the same setup, except for
/// its time.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Parts>);

struct Parts {
    limits: PoolLimits,
    lookups: Arc<Cache<(String, RecordType), QueryResult>>,
    inspections: Arc<Cache<(String, RecordType), Inspected>>,
    sessions: SharedSessions,
    /// The start of danecheck's own validation, made by the first check.
    base: OnceLock<Base>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new(PoolLimits::default())
    }
}

impl Pool {
    /// An empty pool.
    pub fn new(limits: PoolLimits) -> Self {
        Self::with(
            limits,
            Arc::new(Gates::new(limits.per_host.max(1))),
            Arc::new(Slots::new(limits.connections)),
        )
    }

    /// An empty pool, whose connections count together with those of this one,
    /// because checks still use this one.
    #[must_use]
    pub fn renewed(&self) -> Self {
        let sessions = &self.0.sessions;
        Self::with(
            self.0.limits,
            sessions.gates.clone(),
            sessions.connections.clone(),
        )
    }

    fn with(limits: PoolLimits, gates: Arc<Gates>, connections: Arc<Slots>) -> Self {
        Self(Arc::new(Parts {
            limits,
            lookups: Arc::new(Cache::new(LOOKUPS_BYTES_KEPT)),
            inspections: Arc::new(Cache::new(INSPECTIONS_BYTES_KEPT)),
            sessions: SharedSessions {
                cache: Arc::new(Cache::new(SESSIONS_BYTES_KEPT)),
                gates,
                connections,
                retention: Retention::at_most(limits.keep),
                running: RunningChecks::default(),
            },
            base: OnceLock::new(),
        }))
    }

    /// How often a target may be checked.
    pub(super) fn looks(&self) -> usize {
        self.0.limits.looks
    }

    /// The lookups that were made.
    pub(super) fn lookups(&self) -> &Arc<Cache<(String, RecordType), QueryResult>> {
        &self.0.lookups
    }

    /// What name servers said.
    pub(super) fn inspections(&self) -> &Arc<Cache<(String, RecordType), Inspected>> {
        &self.0.inspections
    }

    /// The sessions that were held, and what bounds their number.
    pub(super) fn sessions(&self) -> &SharedSessions {
        &self.0.sessions
    }

    /// What own validation starts from; `make` is for the first check.
    pub(super) fn base(&self, make: impl FnOnce(Duration) -> Base) -> &Base {
        self.0.base.get_or_init(|| make(self.0.limits.keep))
    }

    /// How long what was seen may be used.
    pub(super) fn retention(&self) -> Retention {
        self.0.sessions.retention
    }

    /// The checks that use the pool.
    pub(super) fn running(&self) -> &RunningChecks {
        &self.0.sessions.running
    }

    /// A check that begins; it counts until the guard is dropped.
    pub(super) fn enter(&self) -> Running {
        self.running().enter()
    }

    /// Whether no more than one check runs.
    pub(super) fn is_alone(&self) -> bool {
        self.running().is_alone()
    }
}
