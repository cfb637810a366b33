//! `danecheck serve`: an HTTP exporter for many targets, like
//! blackbox_exporter. `/probe?target=example.com` checks one target and answers
//! with its metrics; `/metrics` describes the exporter itself.
//!
//! Everything that a client decides has a limit: which targets, how many checks
//! at once and how long each, how many connections, how long and how large a
//! request may be.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this half listens, runs tasks and waits"
)]

mod checks;
mod connection;
mod host;
mod metrics;
mod request;
mod targets;
mod threads;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::observe::Setup;
use danecheck_core::unix_time::UnixTime;

use checks::Checks;
use metrics::Metrics;
use threads::CheckThreads;

pub use host::{HostName, HostNameError};
pub use targets::Targets;

/// The limits of the exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Checks at once; others are refused.
    pub checks: usize,
    /// Connections at once; others are refused.
    pub connections: usize,
    /// How long a request's head may take to arrive, and a connection may
    /// wait for one.
    pub head_time: Duration,
    /// How large it may be, in bytes.
    pub head_size: usize,
    /// How long one connection may last, whatever happens on it.
    pub connection_time: Duration,
    /// How long running requests have at the end.
    pub end_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            checks: 16,
            connections: 256,
            head_time: Duration::from_secs(10),
            // The smallest value that hyper accepts is 8192.
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
    threads: CheckThreads,
}

/// What all requests share.
#[derive(Debug)]
struct Service {
    targets: Targets,
    /// Its names, besides its address and `localhost`.
    hosts: Vec<HostName>,
    limits: Limits,
    checks: Arc<Checks>,
    metrics: Arc<Metrics>,
}

impl Exporter {
    /// An exporter that checks these targets with these settings, on its own
    /// threads; an error if the system gives no threads.
    pub fn new(
        setup: Setup,
        now: fn() -> UnixTime,
        targets: Targets,
        limits: Limits,
    ) -> std::io::Result<Self> {
        let metrics = Arc::new(Metrics::new(limits));
        let threads = CheckThreads::start()?;
        let checks = Checks::new(setup, now, limits.checks, threads.handle(), metrics.clone());
        Ok(Self {
            service: Arc::new(Service {
                targets,
                hosts: Vec::new(),
                limits,
                checks: Arc::new(checks),
                metrics,
            }),
            threads,
        })
    }

    /// The same, also with these names.
    #[must_use]
    pub fn named(mut self, hosts: Vec<HostName>) -> Self {
        if let Some(service) = Arc::get_mut(&mut self.service) {
            service.hosts = hosts;
        }
        self
    }

    /// Answers requests until `stop` is ready; then lets the running ones end.
    pub async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let Self { service, threads } = self;
        connection::serve(service, listener, stop).await;
        // Running checks end with their threads.
        drop(threads);
    }
}
