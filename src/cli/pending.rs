//! The targets that a run still has to check: those that were given, without
//! those that an earlier run has reported.

use std::time::Duration;

use danecheck_core::observation::Observation;

use super::done::{Done, Earlier};
use super::input::{GivenTarget, Targets};
use super::progress::SharedCount;
use super::stop::Stop;

/// How long the rest of the input is counted after an interrupt.
const COUNTING: Duration = Duration::from_millis(300);

/// The targets that are still to be checked.
pub(super) struct Pending<'a> {
    pub(super) targets: Targets<'a>,
    pub(super) done: Option<Done>,
    pub(super) needs_local_sender: bool,
    /// All bytes of standard input, if that is known.
    pub(super) size: Option<u64>,
    pub(super) count: &'a SharedCount,
    /// Why no more targets come, if that is not the regular end.
    pub(super) fault: Option<Stop>,
}

/// A target to report, and its earlier observation.
pub(super) struct PendingTarget {
    pub(super) given: GivenTarget,
    pub(super) observed: Option<Box<Observation>>,
}

impl Pending<'_> {
    /// The next one; `None` also if a fault ends them.
    pub(super) async fn next(&mut self) -> Option<PendingTarget> {
        match self.try_next().await {
            Ok(target) => target,
            Err(fault) => {
                self.fault = Some(fault);
                None
            }
        }
    }

    async fn try_next(&mut self) -> Result<Option<PendingTarget>, Stop> {
        loop {
            let Some(given) = self.targets.next().await? else {
                let mut count = self.count.lock();
                count.total = Some(count.begun + count.skipped);
                return Ok(None);
            };
            #[expect(clippy::cast_precision_loss, reason = "it is for an estimate")]
            let part = |size: u64| self.targets.bytes_read() as f64 / size.max(1) as f64;
            let mut count = self.count.lock();
            count.read = self.size.map(part);
            let observed = match self.earlier(&given)? {
                Earlier::All => {
                    count.skipped += 1;
                    continue;
                }
                Earlier::Observation(observation) => Some(observation),
                Earlier::Nothing => None,
            };
            count.begun += 1;
            return Ok(Some(PendingTarget { given, observed }));
        }
    }

    fn earlier(&mut self, given: &GivenTarget) -> Result<Earlier, Stop> {
        let earlier = match &mut self.done {
            Some(done) => done.take(given.text())?,
            None => Earlier::Nothing,
        };
        match earlier {
            Earlier::Observation(observation)
                if self.needs_local_sender && observation.local_sender.is_none() =>
            {
                Err(Stop::Sentence(format!(
                    "{}: was saved without --sender local",
                    given.text()
                )))
            }
            earlier => Ok(earlier),
        }
    }

    /// How many targets were not started, and whether that is all of them.
    pub(super) async fn count_the_rest(&mut self) -> (u64, bool) {
        let mut left = 0;
        let count = async {
            while let Ok(Some(given)) = self.targets.next().await {
                let skipped = matches!(self.earlier(&given), Ok(Earlier::All));
                left += u64::from(!skipped);
            }
        };
        let is_all = tokio::time::timeout(COUNTING, count).await.is_ok();
        (left, is_all)
    }
}
