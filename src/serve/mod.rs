//! `danecheck serve`: an HTTP exporter in the multi-target way of
//! blackbox_exporter. `/probe?target=example.com` checks one target and answers
//! with its metrics; `/metrics` tells of the exporter itself.
//!
//! Everything that somebody else decides is bounded: which targets, how many
//! checks at once and how long each, how many connections, how long and how
//! large a request may be.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this half listens, runs tasks and waits"
)]

mod checks;
mod connection;
mod metrics;
mod request;
mod targets;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::observe::Setup;
use crate::unix_time::UnixTime;

use checks::{Checks, Job};
use metrics::Metrics;

pub use targets::Targets;

/// What the exporter takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Checks at once; more are refused.
    pub checks: usize,
    /// Connections at once; more are refused.
    pub connections: usize,
    /// How long a request's head may take to arrive, and a connection may
    /// wait for one.
    pub head_time: Duration,
    /// How large it may be, in bytes.
    pub head_size: usize,
    /// How long one connection may last, whatever goes on over it.
    pub connection_time: Duration,
    /// How long requests that are under way get at the end.
    pub end_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            checks: 16,
            connections: 256,
            head_time: Duration::from_secs(10),
            // The least that hyper takes is 8192.
            head_size: 16 * 1024,
            connection_time: Duration::from_secs(300),
            end_time: Duration::from_secs(30),
        }
    }
}

/// The exporter.
#[derive(Debug)]
pub struct Exporter {
    service: Arc<Service>,
    jobs: mpsc::UnboundedReceiver<Job>,
}

/// What all requests share.
#[derive(Debug)]
struct Service {
    targets: Targets,
    limits: Limits,
    checks: Arc<Checks>,
    metrics: Arc<Metrics>,
}

impl Exporter {
    /// An exporter that looks at these targets like this.
    pub fn new(setup: Setup, now: fn() -> UnixTime, targets: Targets, limits: Limits) -> Self {
        let metrics = Arc::new(Metrics::new(limits));
        let (queue, jobs) = mpsc::unbounded_channel();
        let checks = Checks::new(setup, now, limits.checks, queue, metrics.clone());
        Self {
            service: Arc::new(Service {
                targets,
                limits,
                checks: Arc::new(checks),
                metrics,
            }),
            jobs,
        }
    }

    /// Answers requests until `stop` is ready; then lets those that are under
    /// way come to their end.
    pub async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let Self { service, mut jobs } = self;
        // Checks stay on this thread, and requests are answered on any, so
        // that one that takes long to judge holds up no answer.
        let checks = LocalSet::new();
        checks.spawn_local(async move {
            while let Some(job) = jobs.recv().await {
                tokio::task::spawn_local(job.run());
            }
        });
        let serving = connection::serve(service, listener, stop);
        checks.run_until(serving).await;
    }
}
