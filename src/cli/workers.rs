//! Threads that check targets, at most one for each processor. Each has its own
//! runtime, and a target stays on its thread: it does not move between
//! processors as its answers come in.
//!
//! A thread that sleeps and is woken for each answer takes more of a processor
//! than one that finds the next answer when it is done with the last. So a target
//! goes to the first thread that has room, and the next thread begins when the
//! first is busy.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::bulk::JOBS_PER_CORE;

/// How often it is looked at how busy a thread is.
const INTERVAL: Duration = Duration::from_millis(50);

/// A thread has room while it is at work for less than this part of its time, in
/// percent.
const BUSY: u128 = 60;

/// Threads that run until this is dropped. None ends before the others, because
/// one may wait for what another began.
pub(super) struct Workers {
    /// Each is started when it is first needed; `None` if the system gives no
    /// more threads.
    workers: Vec<OnceLock<Option<Worker>>>,
    turn: AtomicUsize,
}

struct Worker {
    handle: Handle,
    load: Mutex<Load>,
    /// Ends the thread when it goes.
    _end: oneshot::Sender<()>,
}

/// How busy a thread was in the last interval, and what it was given since.
struct Load {
    at: Instant,
    /// How long it had been at work then.
    worked: Duration,
    is_busy: bool,
    given: usize,
}

impl Workers {
    /// This many threads.
    pub(super) fn new(count: usize) -> Self {
        Self {
            workers: (0..count).map(|_| OnceLock::new()).collect(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Gives work to the first thread that has room, and in turn to all if none
    /// has; without threads, the caller does it.
    pub(super) fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let now = Instant::now();
        let started = self.workers.iter();
        let mut started = started.filter_map(|worker| worker.get_or_init(Worker::start).as_ref());
        let free = started.find(|worker| worker.takes_one_more(now));
        let worker = free.or_else(|| {
            let turn = self.turn.fetch_add(1, Relaxed);
            let worker = self.workers.get(turn.checked_rem(self.workers.len())?)?;
            worker.get_or_init(Worker::start).as_ref()
        });
        match worker {
            Some(worker) => worker.handle.spawn(work),
            None => tokio::spawn(work),
        }
    }
}

impl Worker {
    fn start() -> Option<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().ok()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name("danecheck-worker".to_owned());
        let work = move || {
            // It waits until nothing more comes.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        thread.spawn(work).ok()?;
        Some(Self {
            handle,
            load: Mutex::new(Load::none(Instant::now())),
            _end: end,
        })
    }

    /// Whether the thread has room, which counts as taken then.
    fn takes_one_more(&self, now: Instant) -> bool {
        let mut load = self.load.lock().unwrap_or_else(PoisonError::into_inner);
        load.takes_one_more(now, || self.worked())
    }

    /// How long the thread has been at work.
    #[cfg(target_has_atomic = "64")]
    fn worked(&self) -> Duration {
        self.handle.metrics().worker_total_busy_duration(0)
    }

    /// Unknown here: what it is given is all that is counted.
    #[cfg(not(target_has_atomic = "64"))]
    fn worked(&self) -> Duration {
        Duration::ZERO
    }
}

impl Load {
    fn none(now: Instant) -> Self {
        Self {
            at: now,
            worked: Duration::ZERO,
            is_busy: false,
            given: 0,
        }
    }

    fn takes_one_more(&mut self, now: Instant, worked: impl FnOnce() -> Duration) -> bool {
        let time = now.saturating_duration_since(self.at);
        if time >= INTERVAL {
            let worked = worked();
            let at_work = worked.saturating_sub(self.worked);
            *self = Self {
                at: now,
                worked,
                is_busy: at_work.as_nanos() * 100 > time.as_nanos() * BUSY,
                given: 0,
            };
        }
        // What it was given since does not yet show in its work.
        let has_room = !self.is_busy && self.given < JOBS_PER_CORE;
        self.given += usize::from(has_room);
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_room_until_it_is_busy_or_was_given_much() {
        let begin = Instant::now();
        let mut load = Load::none(begin);
        let never = || panic!("nobody looks within an interval");
        for _ in 0..JOBS_PER_CORE {
            assert!(load.takes_one_more(begin, never));
        }
        assert!(!load.takes_one_more(begin, never));
        // At work half of the time, then nearly all of it, then never.
        let mut now = begin;
        let mut worked = Duration::ZERO;
        for (percent, has_room) in [(50, true), (90, false), (0, true)] {
            now += INTERVAL;
            worked += INTERVAL * percent / 100;
            assert_eq!(load.takes_one_more(now, || worked), has_room, "{percent}");
            assert_eq!(load.takes_one_more(now, never), has_room, "{percent}");
        }
    }

    #[tokio::test]
    async fn work_that_waits_stays_on_one_thread_and_more_of_it_goes_to_the_next() {
        let workers = Workers::new(2);
        let thread = || async { std::thread::current().id() };
        let (send, receive) = oneshot::channel::<()>();
        let held = workers.spawn(async move {
            let _ = receive.await;
            std::thread::current().id()
        });
        let few = workers.spawn(thread()).await.unwrap();
        send.send(()).unwrap();
        assert_eq!(held.await.unwrap(), few);
        assert!(workers.workers[1].get().is_none(), "nobody needs it");
        // The first is full for an hour.
        let first = workers.workers[0].get().unwrap().as_ref().unwrap();
        *first.load.lock().unwrap() = Load {
            at: Instant::now() + Duration::from_secs(3600),
            given: JOBS_PER_CORE,
            ..Load::none(Instant::now())
        };
        let more = workers.spawn(thread()).await.unwrap();
        assert_ne!(more, few);
        assert_ne!(more, std::thread::current().id());
    }

    #[tokio::test]
    async fn without_threads_the_caller_does_it() {
        let workers = Workers::new(0);
        let here = std::thread::current().id();
        let there = workers.spawn(async { std::thread::current().id() });
        assert_eq!(there.await.unwrap(), here);
    }
}
