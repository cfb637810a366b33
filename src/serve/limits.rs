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
