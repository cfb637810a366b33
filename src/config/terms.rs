//! What is expected of one target, and how its report is compared with that.

use std::sync::Arc;

use danecheck_core::diagnosis::{Diagnosis, Question};
use danecheck_core::entry::{Language, Request};
use danecheck_core::judge::{Horizon, Moment};
use danecheck_core::observation::Observation;
use danecheck_core::report::{ExitStatus, FailOn, Report, exit_status};
use danecheck_core::sender::Sender;

/// What is expected of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Whether everything except `dane-ok` is at least broken.
    pub require_dane: bool,
    /// The severity that changes the exit status.
    pub fail_on: FailOn,
    /// How long before certificates end there is a warning.
    pub warn_days: Option<u32>,
    /// MX hosts to skip, which count for nothing.
    pub skip_hosts: Arc<[String]>,
    /// The expected MX hosts, in any order.
    pub expected_mx: Option<Arc<[String]>>,
    /// Whether the strictest line that delivers is asked for.
    pub strictest: bool,
}

/// A report with what the entry that it advises is written from.
#[derive(Clone, Debug)]
pub struct Advised {
    /// The report.
    pub report: Report,
    /// The entry; `None` if no override is advised.
    pub entry: Option<Request>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            require_dane: false,
            fail_on: FailOn::default(),
            warn_days: None,
            skip_hosts: Arc::from([]),
            expected_mx: None,
            strictest: false,
        }
    }
}

impl Terms {
    /// The report on what was observed, under these terms, and the entry that
    /// it advises.
    pub fn report(&self, seen: &Observation, at: Option<Moment>, sender: &Sender) -> Advised {
        let skipping;
        let seen = if seen.looks_at_any(&self.skip_hosts) {
            skipping = seen.skipping(&self.skip_hosts);
            &skipping
        } else {
            seen
        };
        let diagnosis = Diagnosis::of(&Question {
            observation: seen,
            horizon: Horizon {
                at,
                warn_days: self.warn_days,
            },
            sender: sender.clone(),
            expected_mx: self.expected_mx.as_deref(),
            strictest: self.strictest,
        });
        Advised {
            report: Report::new(&diagnosis),
            entry: match self.strictest {
                true => diagnosis.strictest_request(Language::default()),
                false => diagnosis.entry_request(Language::default()),
            },
        }
    }

    /// The status for a report.
    pub fn status(&self, report: &Report) -> ExitStatus {
        exit_status(report, self.require_dane, self.fail_on)
    }
}
