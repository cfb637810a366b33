//! The checks that run: a limited number at once, and only one for each target,
//! whose result all clients get that ask for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;

use super::metrics::Metrics;
use crate::config::Terms;
use crate::observe::{Pool, PoolLimits, Setup, observe};
use danecheck_core::next_hop::NextHop;
use danecheck_core::report::{Prometheus, Writer as _};
use danecheck_core::sender::Sender;
use danecheck_core::unix_time::UnixTime;

/// How much longer than its time limit to wait for a check, which ends by
/// itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// Prometheus needs the answer before its own time is up.
const AHEAD: Duration = Duration::from_millis(500);

/// How long checks share what they saw of hosts. Scrapes of many targets come
/// close together; later ones check again.
const SHARED_FOR: Duration = Duration::from_secs(10);

/// Connections of all checks at once: together with those of clients and the
/// questions to the resolver they fit into the usual 1024 descriptors.
const CONNECTIONS: usize = 256;

/// The result of a request for a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Probed {
    /// The metrics.
    Seen(Bytes),
    /// The limit of checks is reached.
    Busy,
    /// It did not end in time.
    Late,
    /// The check failed, which is a fault of this program.
    Failed,
}

/// A running check, for all clients that wait for it.
type Running = Shared<BoxFuture<'static, Option<Bytes>>>;

pub(super) struct Checks {
    setup: Setup,
    now: fn() -> UnixTime,
    room: Arc<Semaphore>,
    /// The threads of checks, separate from the threads that answer.
    threads: Handle,
    running: Mutex<HashMap<NextHop, Running>>,
    pool: Mutex<(Instant, Pool)>,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Checks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checks").finish_non_exhaustive()
    }
}

impl Checks {
    pub(super) fn new(
        setup: Setup,
        now: fn() -> UnixTime,
        at_once: usize,
        threads: Handle,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            setup,
            now,
            room: Arc::new(Semaphore::new(at_once)),
            threads,
            running: Mutex::default(),
            pool: Mutex::new((Instant::now(), pool())),
            metrics,
        }
    }

    /// Checks a target, or waits for its running check. `within` is the
    /// client's time limit, if any: it limits how long this client waits, but
    /// not the check, because other clients share that.
    pub(super) async fn probe(
        self: &Arc<Self>,
        target: NextHop,
        terms: &Terms,
        within: Option<Duration>,
    ) -> Probed {
        let running = {
            let mut all = self.running();
            match all.get(&target) {
                Some(running) => running.clone(),
                None => {
                    let Ok(room) = self.room.clone().try_acquire_owned() else {
                        return Probed::Busy;
                    };
                    let running = self.begin(target.clone(), terms.clone(), room);
                    all.insert(target, running.clone());
                    running
                }
            }
        };
        match tokio::time::timeout(self.patience(within), running).await {
            Ok(Some(text)) => Probed::Seen(text),
            Ok(None) => Probed::Failed,
            Err(_) => Probed::Late,
        }
    }

    /// How long a client with this time limit waits for a check.
    fn patience(&self, within: Option<Duration>) -> Duration {
        let own = self.setup.times.total + PATIENCE;
        match within {
            None => own,
            Some(within) => own.min(within.saturating_sub(AHEAD).max(within / 2)),
        }
    }

    /// Passes a check to the check threads, because the client may disconnect.
    fn begin(
        self: &Arc<Self>,
        target: NextHop,
        terms: Terms,
        room: OwnedSemaphorePermit,
    ) -> Running {
        let (seen, answer) = oneshot::channel();
        let job = Job {
            place: Place {
                checks: self.clone(),
                target,
                _room: room,
            },
            terms,
            seen,
        };
        // If the exporter is about to end, it is dropped: then the answer is
        // that it failed.
        self.threads.spawn(job.run());
        async move { answer.await.ok() }.boxed().shared()
    }

    /// What checks that begin now share. Validation may keep keys for longer
    /// than everything else, so each time it is a new one.
    fn pool(&self) -> Pool {
        let mut current = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0.elapsed() >= SHARED_FOR {
            *current = (Instant::now(), current.1.renewed());
        }
        current.1.clone()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<NextHop, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pool() -> Pool {
    Pool::new(PoolLimits {
        keep: SHARED_FOR,
        // No client waits for a second check.
        looks: 1,
        connections: CONNECTIONS,
        ..PoolLimits::default()
    })
}

/// A check to be run.
#[derive(Debug)]
struct Job {
    place: Place,
    terms: Terms,
    seen: oneshot::Sender<Bytes>,
}

impl Job {
    async fn run(self) {
        let began = Instant::now();
        let checks = &self.place.checks;
        let count = checks.metrics.check_begins();
        let setup = Setup {
            checked_at: (checks.now)(),
            pool: Some(checks.pool()),
            skip: self.terms.skip_hosts.clone(),
            // A target from an HTTP client does not count as typed by the user.
            typed: false,
            ..checks.setup.clone()
        };
        let observation = observe(&self.place.target, &setup).await;
        let terms = self.terms;
        // All checks share this thread, and one domain can keep its judgement
        // busy for a second.
        let judge = move || {
            let mut report = terms.report(&observation, None, &Sender::default()).report;
            report.took = Some(began.elapsed());
            let status = terms.status(&report);
            let mut writer = Prometheus::default();
            let mut text = writer.report(&report, status);
            text.push_str(&writer.end());
            text
        };
        let text = tokio::task::spawn_blocking(judge).await;
        count.ends(began.elapsed());
        drop(self.place);
        // If there is none, the waiting client gets the answer that the check
        // failed.
        if let Ok(text) = text {
            let _ = self.seen.send(Bytes::from(text));
        }
    }
}

/// The place of a check among the running ones; dropping it frees the place,
/// however the check ended.
#[derive(Debug)]
struct Place {
    checks: Arc<Checks>,
    target: NextHop,
    _room: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.checks.running().remove(&self.target);
    }
}
