//! What the checks of one run share: answers about hosts, sessions with
//! addresses, validated keys, and the manners towards each address.
//!
//! What depends on the domain stays with its check: its MX records, its time,
//! and its budgets. A session or a lookup that one check begins has its own
//! time limit. So a check that runs out of time takes nothing from the others,
//! and each check waits for it no longer than its own time allows.

mod gate;
mod shelf;

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub(super) use self::gate::CheckId;
use self::gate::Gates;
pub(super) use self::shelf::{Begun, Kept, Shelf};
use super::asking::Found;
use super::authority::Inspected;
use super::budget::{
    CONNECTIONS_IN_ALL, FAILURES_KEPT, INSPECTIONS_BYTES_KEPT, LOOKS, LOOKUPS_BYTES_KEPT, PER_HOST,
    SESSIONS_BYTES_KEPT,
};
use super::call::Talked;
use super::places::Places;
use super::validator::Base;
use danecheck_core::observation::{LimitedOffer, RecordType};

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

/// The key of a session, for one way to connect and one name in `EHLO`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionKey {
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) sni: Option<String>,
    pub(super) offer: Option<LimitedOffer>,
    /// How many attempts the server refused before.
    pub(super) attempt: u8,
}

/// What several checks share. All of them must have the same setup, except for
/// its time.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Parts>);

pub(super) struct Parts {
    pub(super) limits: PoolLimits,
    pub(super) lookups: Shelf<(String, RecordType), Found>,
    pub(super) sessions: Shelf<SessionKey, Talked>,
    pub(super) inspections: Shelf<(String, RecordType), Inspected>,
    pub(super) gates: Arc<Gates>,
    pub(super) connections: Arc<Places>,
    /// The start of danecheck's own validation, made by the first check.
    pub(super) base: OnceLock<Base>,
    running: AtomicUsize,
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
            Arc::new(Places::new(limits.connections)),
        )
    }

    /// An empty pool, whose connections count together with those of this one,
    /// because checks still use this one.
    #[must_use]
    pub fn renewed(&self) -> Self {
        let parts = self.parts();
        Self::with(parts.limits, parts.gates.clone(), parts.connections.clone())
    }

    fn with(limits: PoolLimits, gates: Arc<Gates>, connections: Arc<Places>) -> Self {
        Self(Arc::new(Parts {
            limits,
            lookups: Shelf::new(LOOKUPS_BYTES_KEPT),
            sessions: Shelf::new(SESSIONS_BYTES_KEPT),
            inspections: Shelf::new(INSPECTIONS_BYTES_KEPT),
            gates,
            connections,
            base: OnceLock::new(),
            running: AtomicUsize::new(0),
        }))
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.0
    }

    /// How often a target may be checked.
    pub(super) fn looks(&self) -> usize {
        self.0.limits.looks
    }

    /// A check that begins; it counts until the guard is dropped.
    pub(super) fn enter(&self) -> Running {
        self.0.running.fetch_add(1, Relaxed);
        Running(self.clone())
    }

    /// Whether no more than one check runs.
    pub(super) fn is_alone(&self) -> bool {
        self.0.running.load(Relaxed) <= 1
    }

    /// How long something that lasts this long is kept.
    pub(super) fn keeps(&self, lasts: Duration) -> Duration {
        lasts.min(self.0.limits.keep)
    }

    /// How long a failure is kept.
    pub(super) fn keeps_failure(&self) -> Duration {
        self.keeps(FAILURES_KEPT)
    }
}

/// A check that runs.
pub(super) struct Running(Pool);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, Relaxed);
    }
}
