//! What all requests share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::checks::Checks;
use super::host::HostName;
use super::limits::Limits;
use super::metrics::Metrics;
use super::targets::Targets;
use super::web::Looks;

/// What all requests share.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) targets: Targets,
    /// Its names, besides its address and `localhost`.
    pub(super) hosts: Vec<HostName>,
    pub(super) limits: Limits,
    pub(super) checks: Arc<Checks>,
    pub(super) metrics: Arc<Metrics>,
    /// What the pages remember, if there are pages.
    pub(super) looks: Option<Arc<Looks>>,
    /// Places for visitors who follow looks.
    pub(super) streams: Arc<Semaphore>,
}
