//! The checks that run: a limited number at once, and only one for each target,
//! whose result all clients get that ask for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;

use super::metrics::Metrics;
use super::under_way::UnderWay;
use super::web::{Look, Looks, Seen};
use crate::config::Terms;
use crate::observe::{Pool, PoolLimits, Setup, Steps, observe};
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

/// Too many checks for pages wait for their turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crowded;

/// What there is of a target for a page.
pub(super) enum ForPage {
    UnderWay(UnderWay),
    Ended(Arc<Look>),
}

pub(super) struct Checks {
    setup: Setup,
    now: fn() -> UnixTime,
    room: Arc<Semaphore>,
    /// The share of `room` that checks for pages have.
    page_room: Arc<Semaphore>,
    /// The threads of checks, separate from the threads that answer.
    threads: Handle,
    running: Mutex<HashMap<NextHop, UnderWay>>,
    pool: Mutex<(Instant, Pool)>,
    metrics: Arc<Metrics>,
    /// What the pages remember, if there are pages.
    looks: Option<Arc<Looks>>,
    at_once: usize,
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
            page_room: Arc::new(Semaphore::new(0)),
            threads,
            running: Mutex::default(),
            pool: Mutex::new((Instant::now(), pool())),
            metrics,
            looks: None,
            at_once,
        }
    }

    /// The same, also for pages. These get no more than their share of the
    /// checks at once, so that Prometheus finds room beside them.
    pub(super) fn shown_by(&mut self, looks: Arc<Looks>, at_once: usize) {
        let most = at_once.min(self.at_once / 2).max(1);
        self.page_room = Arc::new(Semaphore::new(most));
        self.looks = Some(looks);
    }

    /// The time.
    pub(super) fn now(&self) -> UnixTime {
        (self.now)()
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
                    self.begin(&mut all, target, terms.clone(), Turn::Taken(room))
                }
            }
        };
        match tokio::time::timeout(self.patience(within), running.result()).await {
            Ok(Some(text)) => Probed::Seen(text),
            Ok(None) => Probed::Failed,
            Err(_) => Probed::Late,
        }
    }

    /// What there is of a target: its running check, else one that ended no
    /// longer ago than this.
    pub(super) fn there_is(&self, target: &NextHop, not_before: Duration) -> Option<ForPage> {
        let running = self.running();
        self.found(&running, target, not_before)
    }

    /// The same; a check begins if there is nothing, and waits for its turn.
    pub(super) fn look(
        self: &Arc<Self>,
        target: &NextHop,
        terms: &Terms,
        not_before: Duration,
    ) -> Result<ForPage, Crowded> {
        let mut running = self.running();
        if let Some(found) = self.found(&running, target, not_before) {
            return Ok(found);
        }
        let waiting = self.looks.as_ref().map_or(0, |looks| looks.limits.waiting);
        if running.len() >= self.at_once.saturating_add(waiting) {
            return Err(Crowded);
        }
        let begun = self.begin(&mut running, target.clone(), terms.clone(), Turn::Waits);
        Ok(ForPage::UnderWay(begun))
    }

    /// A check leaves the running ones after its result is kept, so there is
    /// always one or the other.
    fn found(
        &self,
        running: &HashMap<NextHop, UnderWay>,
        target: &NextHop,
        not_before: Duration,
    ) -> Option<ForPage> {
        match running.get(target) {
            Some(under_way) => Some(ForPage::UnderWay(under_way.clone())),
            None => {
                let ended = self.looks.as_ref()?.get(target, not_before)?;
                Some(ForPage::Ended(ended))
            }
        }
    }

    /// How long a client with this time limit waits for a check.
    pub(super) fn patience(&self, within: Option<Duration>) -> Duration {
        let own = self.setup.times.total + PATIENCE;
        match within {
            None => own,
            Some(within) => own.min(within.saturating_sub(AHEAD).max(within / 2)),
        }
    }

    /// Passes a check to the check threads, because the client may disconnect.
    fn begin(
        self: &Arc<Self>,
        running: &mut HashMap<NextHop, UnderWay>,
        target: NextHop,
        terms: Terms,
        turn: Turn,
    ) -> UnderWay {
        let (seen, answer) = oneshot::channel();
        let steps = Steps::default();
        let job = Job {
            place: Place {
                checks: self.clone(),
                target: target.clone(),
                is_kept: false,
            },
            turn,
            terms,
            steps: self.looks.is_some().then(|| steps.clone()),
            seen,
        };
        // If the exporter is about to end, it is dropped: then the answer is
        // that it failed.
        self.threads.spawn(job.run());
        let result = async move { answer.await.ok() };
        let under_way = UnderWay::new(result, steps);
        running.insert(target, under_way.clone());
        under_way
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

    fn running(&self) -> MutexGuard<'_, HashMap<NextHop, UnderWay>> {
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

/// When a check begins.
#[derive(Debug)]
enum Turn {
    /// At once, in this place.
    Taken(OwnedSemaphorePermit),
    /// After those that came before.
    Waits,
}

/// A check to be run.
#[derive(Debug)]
struct Job {
    place: Place,
    turn: Turn,
    terms: Terms,
    steps: Option<Steps>,
    seen: oneshot::Sender<Bytes>,
}

impl Job {
    async fn run(mut self) {
        let checks = self.place.checks.clone();
        // No semaphore is ever closed.
        let room = match self.turn {
            Turn::Taken(room) => (Some(room), None),
            Turn::Waits => {
                let of_pages = checks.page_room.clone().acquire_owned().await.ok();
                (checks.room.clone().acquire_owned().await.ok(), of_pages)
            }
        };
        let began = Instant::now();
        let count = checks.metrics.check_begins();
        let setup = Setup {
            checked_at: (checks.now)(),
            pool: Some(checks.pool()),
            skip: self.terms.skip_hosts.clone(),
            // A target from an HTTP client does not count as typed by the user.
            typed: false,
            // A page has the letter to the receiver.
            contact: checks.looks.is_some() || checks.setup.contact,
            steps: self.steps,
            ..checks.setup.clone()
        };
        let observation = observe(&self.place.target, &setup).await;
        let terms = self.terms;
        let (looks, target) = (checks.looks.clone(), self.place.target.clone());
        // All checks share this thread, and one domain can keep its judgement
        // busy for a second.
        let judge = move || {
            let mut report = terms.report(&observation, None, &Sender::default()).report;
            report.took = Some(began.elapsed());
            let status = terms.status(&report);
            let mut writer = Prometheus::default();
            let mut text = writer.report(&report, status);
            text.push_str(&writer.end());
            if let Some(looks) = looks {
                looks.ended(&target, Look::Seen(Seen::new(&report, status, &target)));
            }
            text
        };
        let text = tokio::task::spawn_blocking(judge).await;
        count.ends(began.elapsed());
        self.place.is_kept = text.is_ok();
        drop(self.place);
        drop(room);
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
    is_kept: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(looks) = self.checks.looks.as_ref().filter(|_| !self.is_kept) {
            looks.ended(&self.target, Look::Failed);
        }
        self.checks.running().remove(&self.target);
    }
}
