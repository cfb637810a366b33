//! The exporter's metrics about itself.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::limits::Limits;

/// The upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 8] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The result of a request to `/probe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// With metrics.
    Seen,
    /// The target is not on the list.
    NotAllowed,
    /// The limit of checks was reached.
    Busy,
    /// It is not a target.
    Invalid,
    /// The check did not end in time.
    Late,
    /// The check failed.
    Failed,
}

const ANSWERS: [(Answer, &str); 6] = [
    (Answer::Seen, "seen"),
    (Answer::NotAllowed, "not-allowed"),
    (Answer::Busy, "busy"),
    (Answer::Invalid, "invalid"),
    (Answer::Late, "late"),
    (Answer::Failed, "failed"),
];

#[derive(Debug)]
pub(super) struct Metrics {
    limits: Limits,
    probes: [AtomicU64; ANSWERS.len()],
    running: Level,
    connections: Level,
    streams: Level,
    connections_refused: AtomicU64,
    requests_refused: AtomicU64,
    durations: Mutex<Durations>,
}

/// A count, and its highest value.
#[derive(Debug, Default)]
struct Level {
    now: AtomicU64,
    most: AtomicU64,
}

impl Level {
    fn up(&self) {
        let now = self.now.fetch_add(1, Relaxed) + 1;
        self.most.fetch_max(now, Relaxed);
    }

    fn down(&self) {
        self.now.fetch_sub(1, Relaxed);
    }
}

/// How long checks took.
#[derive(Debug, Default)]
struct Durations {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

/// Counts something as long as it exists.
pub(super) struct Counted {
    metrics: Arc<Metrics>,
    level: fn(&Metrics) -> &Level,
}

impl Counted {
    fn new(metrics: &Arc<Metrics>, level: fn(&Metrics) -> &Level) -> Self {
        level(metrics).up();
        Self {
            metrics: metrics.clone(),
            level,
        }
    }

    /// A check ended.
    pub(super) fn ends(self, took: Duration) {
        let seconds = took.as_secs_f64();
        let durations = &self.metrics.durations;
        let mut durations = durations.lock().unwrap_or_else(PoisonError::into_inner);
        for (bucket, end) in durations.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= end);
        }
        durations.count += 1;
        durations.sum += seconds;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.level)(&self.metrics).down();
    }
}

impl Metrics {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            probes: Default::default(),
            running: Level::default(),
            connections: Level::default(),
            streams: Level::default(),
            connections_refused: AtomicU64::new(0),
            requests_refused: AtomicU64::new(0),
            durations: Mutex::default(),
        }
    }

    pub(super) fn probe(&self, answer: Answer) {
        for (count, (other, _)) in self.probes.iter().zip(ANSWERS) {
            if other == answer {
                count.fetch_add(1, Relaxed);
            }
        }
    }

    pub(super) fn check_begins(self: &Arc<Self>) -> Counted {
        Counted::new(self, |metrics| &metrics.running)
    }

    pub(super) fn connection(self: &Arc<Self>) -> Counted {
        Counted::new(self, |metrics| &metrics.connections)
    }

    /// A visitor follows a look.
    pub(super) fn stream(self: &Arc<Self>) -> Counted {
        Counted::new(self, |metrics| &metrics.streams)
    }

    pub(super) fn connection_refused(&self) {
        self.connections_refused.fetch_add(1, Relaxed);
    }

    pub(super) fn request_refused(&self) {
        self.requests_refused.fetch_add(1, Relaxed);
    }

    /// The text exposition format.
    pub(super) fn text(&self, targets: Option<usize>, pages: Option<PagesSeen>) -> String {
        let mut page = Page(String::new());
        page.family("build_info", "gauge", "1, with the version as a label.");
        let version = env!("CARGO_PKG_VERSION");
        page.line("build_info", &format!("{{version=\"{version}\"}}"), 1);
        if let Some(targets) = targets {
            page.one(
                "targets",
                "gauge",
                "Number of targets on the list.",
                targets,
            );
        }
        let help = "Requests to /probe by result.";
        page.family("probes_total", "counter", help);
        for (count, (_, name)) in self.probes.iter().zip(ANSWERS) {
            let count = count.load(Relaxed);
            page.line("probes_total", &format!("{{answer=\"{name}\"}}"), count);
        }
        let running = self.running.now.load(Relaxed);
        page.one("checks_running", "gauge", "Checks running now.", running);
        let help = "Highest number of checks that ran at once.";
        let most = self.running.most.load(Relaxed);
        page.one("checks_running_max", "gauge", help, most);
        let help = "Limit of checks at once.";
        page.one("checks_limit", "gauge", help, self.limits.checks);
        let connections = self.connections.now.load(Relaxed);
        page.one("connections", "gauge", "Open connections now.", connections);
        let help = "Limit of open connections.";
        page.one("connections_limit", "gauge", help, self.limits.connections);
        let help = "Connections refused because too many were open.";
        let refused = self.connections_refused.load(Relaxed);
        page.one("connections_refused_total", "counter", help, refused);
        let help = "Requests refused because of their Host, Origin or Sec-Fetch-Site.";
        let refused = self.requests_refused.load(Relaxed);
        page.one("requests_refused_total", "counter", help, refused);
        if let Some(pages) = pages {
            self.pages(&mut page, &pages);
        }
        self.durations(&mut page);
        page.0
    }

    fn pages(&self, page: &mut Page, seen: &PagesSeen) {
        let streams = self.streams.now.load(Relaxed);
        let help = "Visitors who follow a check now.";
        page.one("streams", "gauge", help, streams);
        let help = "Limit of visitors who follow checks.";
        page.one("streams_limit", "gauge", help, self.limits.web.streams);
        let help = "Checks that are kept for pages.";
        page.one("checks_kept", "gauge", help, seen.kept);
        let help = "Changes of verdicts that could not be written to the file of --state.";
        let failures = seen.unwritten;
        page.one("state_write_failures_total", "counter", help, failures);
    }

    fn durations(&self, page: &mut Page) {
        const NAME: &str = "check_duration_seconds";
        let durations = &self.durations;
        let durations = durations.lock().unwrap_or_else(PoisonError::into_inner);
        page.family(NAME, "histogram", "Duration of checks.");
        let bucket = format!("{NAME}_bucket");
        for (end, count) in BUCKETS.iter().zip(durations.buckets) {
            page.line(&bucket, &format!("{{le=\"{end}\"}}"), count);
        }
        page.line(&bucket, "{le=\"+Inf\"}", durations.count);
        page.line(&format!("{NAME}_sum"), "", durations.sum);
        page.line(&format!("{NAME}_count"), "", durations.count);
    }
}

/// What the pages count for themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct PagesSeen {
    /// Looks that are kept.
    pub(super) kept: usize,
    /// Changes that could not be written.
    pub(super) unwritten: u64,
}

/// The text under construction; all names have the same prefix.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(
            self.0,
            "# HELP danecheck_exporter_{name} {help}\n# TYPE danecheck_exporter_{name} {kind}"
        );
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "danecheck_exporter_{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, kind, help);
        self.line(name, "", value);
    }
}
