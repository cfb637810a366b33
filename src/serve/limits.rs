//! The limits of the exporter.

use std::time::Duration;

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
    /// How long a client may take nothing of an answer before its connection is
    /// closed.
    pub stall_time: Duration,
    /// The limits of the pages.
    pub web: WebLimits,
}

/// The limits of the pages of `--web`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebLimits {
    /// Looks for pages at once, and as many others wait for a turn as
    /// `waiting` says; the rest is refused.
    pub looks: usize,
    /// Looks that wait for a turn.
    pub waiting: usize,
    /// How long a look is shown before a visit makes a new one.
    pub kept_for: Duration,
    /// How old a look has to be before a visitor gets a new one on request.
    pub fresh_for: Duration,
    /// Looks that are kept.
    pub kept: usize,
    /// The size of all of them together, in bytes.
    pub kept_bytes: usize,
    /// Visitors that follow looks at once (server-sent events); the pages of
    /// others reload.
    pub streams: usize,
    /// How long one of them follows before the browser connects again.
    pub stream_time: Duration,
    /// The size of a form, in bytes.
    pub form_size: usize,
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
            stall_time: Duration::from_secs(20),
            web: WebLimits::default(),
        }
    }
}

impl Default for WebLimits {
    fn default() -> Self {
        Self {
            // Half of the exporter's, so that Prometheus keeps the rest.
            looks: 8,
            waiting: 256,
            kept_for: Duration::from_secs(300),
            fresh_for: Duration::from_secs(30),
            kept: 256,
            kept_bytes: 64 << 20,
            streams: 128,
            stream_time: Duration::from_secs(120),
            form_size: 4096,
        }
    }
}
