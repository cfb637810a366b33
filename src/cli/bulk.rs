//! Many targets in one run: how many at once, and how they limit the load on
//! shared servers.

use clap::Args;

use crate::observe::{Pool, PoolLimits};

/// Descriptors that are not for connections: the resolver's sockets, files
/// and the runtime.
const DESCRIPTORS_BESIDE: usize = 256 + 64;

#[cfg(not(unix))]
/// Descriptors if the system does not say how many there are: the usual soft
/// limit.
const DESCRIPTORS: usize = 1024;

/// Targets at once for each processor: a target waits for 0.3 s and more, and
/// needs 2 ms of a processor, so that fewer would leave it idle.
pub(super) const JOBS_PER_CORE: usize = 128;

/// A target has this many connections at once, most of the time: one for each
/// ClientHello.
const CONNECTIONS_PER_JOB: usize = 2;

/// The maximum of --jobs; each target needs memory.
const MOST_JOBS: u16 = 4096;

/// Connections to one address at once without `--per-host`.
const PER_HOST: u16 = 2;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Many targets")]
pub(super) struct BulkArguments {
    /// Check this many targets at once [default: depends on processors and the
    /// limit on open files]
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_JOBS)))]
    jobs: Option<u16>,

    /// Most connections to one address at once, for all targets together
    #[arg(long, hide_short_help = true, value_name = "N", default_value_t = PER_HOST, value_parser = clap::value_parser!(u16).range(1..))]
    per_host: u16,

    /// Print the reports in the order of the targets, not as they finish
    #[arg(long, hide_short_help = true)]
    pub(super) in_order: bool,
}

impl Default for BulkArguments {
    fn default() -> Self {
        Self {
            jobs: None,
            per_host: PER_HOST,
            in_order: false,
        }
    }
}

impl BulkArguments {
    /// How many targets are checked at once.
    pub(super) fn jobs(&self) -> usize {
        self.jobs
            .map_or_else(|| default_jobs(processors(), descriptors()), usize::from)
    }

    /// What the targets of this run share.
    pub(super) fn pool(&self) -> Pool {
        Pool::new(PoolLimits {
            per_host: usize::from(self.per_host),
            connections: connections(descriptors()),
            ..PoolLimits::default()
        })
    }
}

/// Connections at once that the file descriptors allow.
fn connections(descriptors: usize) -> usize {
    descriptors
        .saturating_sub(DESCRIPTORS_BESIDE)
        .clamp(16, PoolLimits::default().connections)
}

fn default_jobs(processors: usize, descriptors: usize) -> usize {
    let by_descriptors = connections(descriptors) / CONNECTIONS_PER_JOB;
    (processors * JOBS_PER_CORE).min(by_descriptors).max(4)
}

/// Processors that this program may use.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The soft limit on open files.
fn descriptors() -> usize {
    #[cfg(unix)]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        // No limit is more than enough.
        let soft = limit.current.unwrap_or(u64::MAX);
        usize::try_from(soft).unwrap_or(usize::MAX)
    }
    #[cfg(not(unix))]
    DESCRIPTORS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_go_by_processors_and_descriptors() {
        for (processors, descriptors, jobs) in [
            (1, 1024, 128),
            (2, 1024, 256),
            (16, 1024, 256),
            (2, 1 << 20, 256),
            (2, 512, 96),
            (2, 256, 8),
            (2, 0, 8),
        ] {
            assert_eq!(
                default_jobs(processors, descriptors),
                jobs,
                "{processors} {descriptors}"
            );
        }
    }
}
