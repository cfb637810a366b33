//! What a check asks, for those who watch it while it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use danecheck_core::text::printable;

/// The steps that are kept; later ones are only counted.
const STEPS_KEPT: usize = 40;

/// The steps of one check; all clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Steps(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    seen: Mutex<StepsSeen>,
    changed: watch::Sender<()>,
}

/// The steps so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepsSeen {
    /// How many began.
    pub begun: usize,
    /// How many of these ended.
    pub ended: usize,
    /// The first of them, in the order of their beginnings.
    pub kept: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The protocol.
    pub kind: StepKind,
    /// What is asked, as printable text.
    pub text: String,
    /// Whether it has ended.
    pub ended: bool,
}

/// The protocol of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// A lookup.
    Dns,
    /// A session with a mail server.
    Smtp,
    /// A policy of MTA-STS.
    Https,
}

impl Steps {
    /// The steps so far.
    pub fn seen(&self) -> StepsSeen {
        self.lock().clone()
    }

    /// Reports each later change.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }

    /// A step that lasts until the guard is dropped.
    fn begin(&self, kind: StepKind, text: &str) -> UnderWay {
        let mut seen = self.lock();
        seen.begun += 1;
        let place = seen.kept.len();
        if place < STEPS_KEPT {
            seen.kept.push(Step {
                kind,
                text: printable(text),
                ended: false,
            });
        }
        drop(seen);
        self.0.changed.send_replace(());
        UnderWay {
            steps: self.clone(),
            place,
        }
    }

    fn lock(&self) -> MutexGuard<'_, StepsSeen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins a step, if anybody watches.
pub(super) fn begin(
    steps: Option<&Steps>,
    kind: StepKind,
    text: impl FnOnce() -> String,
) -> Option<UnderWay> {
    steps.map(|steps| steps.begin(kind, &text()))
}

/// A step under way.
pub(super) struct UnderWay {
    steps: Steps,
    /// Its place among the kept ones; beyond their end if it is not kept.
    place: usize,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut seen = self.steps.lock();
        seen.ended += 1;
        if let Some(step) = seen.kept.get_mut(self.place) {
            step.ended = true;
        }
        drop(seen);
        self.steps.0.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_counted_and_the_first_are_kept() {
        let steps = Steps::default();
        let mut changes = steps.changes();
        assert!(begin(None, StepKind::Dns, || panic!("nobody watches")).is_none());
        let all: Vec<UnderWay> = (0..100)
            .map(|number| steps.begin(StepKind::Dns, &format!("{number}\u{1b}[31m")))
            .collect();
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        let seen = steps.seen();
        assert_eq!((seen.begun, seen.ended, seen.kept.len()), (100, 0, 40));
        assert_eq!(seen.kept[7].text, "7?[31m");
        let mut all = all.into_iter();
        drop(all.next());
        assert!(changes.has_changed().unwrap());
        let seen = steps.seen();
        assert_eq!(
            (seen.ended, seen.kept[0].ended, seen.kept[1].ended),
            (1, true, false)
        );
        drop(all);
        let seen = steps.seen();
        assert_eq!((seen.begun, seen.ended), (100, 100));
        assert!(seen.kept.iter().all(|step| step.ended));
    }
}
