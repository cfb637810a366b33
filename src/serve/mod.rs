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
mod limits;
mod metrics;
mod request;
mod service;
mod targets;
mod threads;

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::observe::Setup;
use danecheck_core::unix_time::UnixTime;

use checks::Checks;
use metrics::Metrics;
use service::Service;
use threads::CheckThreads;

pub use host::{HostName, HostNameError};
pub use limits::Limits;
pub use targets::Targets;

/// The exporter.
#[derive(Debug)]
pub struct Exporter {
    service: Arc<Service>,
    threads: CheckThreads,
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
