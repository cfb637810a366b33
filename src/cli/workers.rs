//! Threads that look at targets, one for each processor. Each has a runtime
//! of its own, and what a target begins stays there: it is not passed from
//! processor to processor as its answers come in.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Threads at work until this is dropped: none ends before the others, for
/// one may wait for what another began.
pub(super) struct Workers {
    /// Each is started when it is first needed; nothing where the system does
    /// not give as many.
    workers: Vec<OnceLock<Option<Worker>>>,
    turn: AtomicUsize,
}

struct Worker {
    handle: Handle,
    /// Ends the thread when it goes.
    _end: oneshot::Sender<()>,
}

impl Workers {
    /// So many threads.
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
            // That nothing comes any more is what it waits for.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        };
        thread.spawn(work).ok()?;
        Some(Self { handle, _end: end })
    }
}
