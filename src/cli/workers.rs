//! Threads that check targets, one for each processor. Each has its own
//! runtime, and a target stays on its thread: it does not move between
//! processors as its answers come in.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

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
    /// Ends the thread when it goes.
    _end: oneshot::Sender<()>,
}

impl Workers {
    /// This many threads.
    pub(super) fn new(count: usize) -> Self {
        Self {
            workers: (0..count).map(|_| OnceLock::new()).collect(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Gives work to the threads in turn; without threads, the caller does it.
    pub(super) fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let turn = self.turn.fetch_add(1, Relaxed);
        let worker = turn.checked_rem(self.workers.len());
        let worker = worker.and_then(|index| self.workers.get(index));
        match worker.and_then(|worker| worker.get_or_init(Worker::start).as_ref()) {
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
        Some(Self { handle, _end: end })
    }
}
