//! The threads on which checks run. Other threads accept connections and answer
//! requests, so a slow check does not delay an answer.

use tokio::runtime::{Builder, Handle, Runtime};

/// Even if there is one processor, a check that keeps a thread busy leaves the
/// other checks one.
const LEAST: usize = 2;

/// Threads at work until this is dropped.
#[derive(Debug)]
pub(super) struct CheckThreads {
    handle: Handle,
    /// Taken when it is dropped.
    runtime: Option<Runtime>,
}

impl CheckThreads {
    /// One for each processor.
    pub(super) fn start() -> std::io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = Builder::new_multi_thread()
            .worker_threads(processors.max(LEAST))
            .thread_name("danecheck-check")
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for CheckThreads {
    /// Waits for nobody: a check that is in the middle of something ends with
    /// the process.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
