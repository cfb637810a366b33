//! How many checks run at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The checks that share something, counted.
#[derive(Clone, Debug, Default)]
pub(super) struct RunningChecks(Arc<AtomicUsize>);

impl RunningChecks {
    /// A check that begins; it counts until the guard is dropped.
    pub(super) fn enter(&self) -> Running {
        self.0.fetch_add(1, Relaxed);
        Running(self.clone())
    }

    /// Whether no more than one check runs.
    pub(super) fn is_alone(&self) -> bool {
        self.0.load(Relaxed) <= 1
    }
}

/// A check that runs.
pub(super) struct Running(RunningChecks);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}
