//! `danecheck serve`: an HTTP exporter for many targets, like
//! blackbox_exporter. `/probe?target=example.com` checks one target and answers
//! with its metrics; `/metrics` describes the exporter itself.
//!
//! Everything that a client decides has a limit: which targets, how many checks
//! at once and how long each, how many connections, how long and how large a
//! request may be. `web` adds pages for people, within the same limits.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this half listens, runs tasks and waits"
)]

mod answered;
mod checks;
mod connection;
mod door;
mod host;
mod limits;
mod metrics;
mod request;
mod service;
mod stall;
mod targets;
mod threads;
mod under_way;
mod web;

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::observe::Setup;
use danecheck_core::unix_time::UnixTime;

use checks::Checks;
use metrics::Metrics;
use service::Service;
use threads::CheckThreads;
use web::Looks;

pub use host::{HostName, HostNameError};
pub use limits::{Limits, WebLimits};
pub use targets::Targets;
pub use web::{Change, History, Keep, Web};

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
                looks: None,
                streams: Arc::new(Semaphore::new(limits.web.streams)),
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

    /// The same, also with pages for people.
    #[must_use]
    pub fn with_pages(mut self, web: Web) -> Self {
        if let Some(service) = Arc::get_mut(&mut self.service) {
            let limits = service.limits.web;
            let looks = Looks::new(web, limits, service.targets.count().is_some());
            let looks = Arc::new(looks);
            if let Some(checks) = Arc::get_mut(&mut service.checks) {
                checks.shown_by(looks.clone(), limits.looks);
            }
            service.looks = Some(looks);
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
