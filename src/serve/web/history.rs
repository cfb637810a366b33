//! The changes of verdicts.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use danecheck_core::judge::Verdict;
use danecheck_core::unix_time::UnixTime;

/// The changes that are kept, besides the last one of each target. When there
/// are more, the older half goes.
const CHANGES: usize = 2000;

/// A verdict that is not the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When the target was checked.
    pub at: UnixTime,
    /// The target.
    pub target: String,
    /// The verdict before; none at the first look.
    pub before: Option<Verdict>,
    /// The verdict since then.
    pub verdict: Verdict,
}

/// Where changes are kept beyond the end of the process.
pub trait Keep: Send + std::fmt::Debug {
    /// Adds a change; it lasts once this has returned.
    fn append(&mut self, change: &Change) -> io::Result<()>;

    /// Replaces all changes by these, all of them or none.
    fn replace(&mut self, changes: &[Change]) -> io::Result<()>;
}

/// The changes of verdicts since the beginning.
#[derive(Debug, Default)]
pub struct History {
    memory: Mutex<Memory>,
    file: Mutex<Option<Box<dyn Keep>>>,
    is_kept: bool,
    /// The file lacks something.
    is_behind: AtomicBool,
    failures: AtomicU64,
}

#[derive(Debug, Default)]
struct Memory {
    /// The oldest first.
    changes: VecDeque<Change>,
    last: HashMap<String, Verdict>,
}

impl History {
    /// A history that goes on after these changes, and is kept there.
    pub fn kept(changes: Vec<Change>, file: Box<dyn Keep>) -> Self {
        let last = changes
            .iter()
            .map(|change| (change.target.clone(), change.verdict))
            .collect();
        Self {
            memory: Mutex::new(Memory {
                changes: changes.into(),
                last,
            }),
            file: Mutex::new(Some(file)),
            is_kept: true,
            ..Self::default()
        }
    }

    /// Notes the verdict of a target on the list. Waits for the disk.
    pub(super) fn note(&self, at: UnixTime, target: &str, verdict: Verdict) {
        // Changes reach the file in the order in which they come.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = self.memory();
        let before = memory.last.insert(target.to_owned(), verdict);
        if before == Some(verdict) {
            return;
        }
        let change = Change {
            at,
            target: target.to_owned(),
            before,
            verdict,
        };
        memory.changes.push_back(change.clone());
        let shortened = memory.shorten();
        let all: Option<Vec<Change>> = (shortened || self.is_behind.load(Relaxed))
            .then(|| memory.changes.iter().cloned().collect());
        drop(memory);
        let Some(file) = file.as_mut() else {
            return;
        };
        let written = match all {
            Some(all) => file.replace(&all),
            None => file.append(&change),
        };
        // The next change tries again, with all of them.
        self.is_behind.store(written.is_err(), Relaxed);
        if written.is_err() {
            self.failures.fetch_add(1, Relaxed);
        }
    }

    /// The changes of targets that `wanted` accepts, the newest first.
    pub(super) fn newest(&self, most: usize, wanted: impl Fn(&str) -> bool) -> Vec<Change> {
        let memory = self.memory();
        let newest = memory.changes.iter().rev();
        let wanted = newest.filter(|change| wanted(&change.target));
        wanted.take(most).cloned().collect()
    }

    /// Whether the last change could not be written.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind.load(Relaxed)
    }

    /// Whether it is kept beyond the end of the process.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// How often a change could not be written.
    pub(in crate::serve) fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Drops old changes if there are too many, and says whether it did. The
    /// last change of each target stays.
    fn shorten(&mut self) -> bool {
        if self.changes.len() <= CHANGES + 2 * self.last.len() {
            return false;
        }
        let mut seen = HashSet::new();
        let mut stays: VecDeque<Change> = VecDeque::new();
        for (age, change) in self.changes.drain(..).rev().enumerate() {
            let is_last = seen.insert(change.target.clone());
            if is_last || age < CHANGES / 2 {
                stays.push_front(change);
            }
        }
        self.changes = stays;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A file in memory, on a disk that may be full.
    #[derive(Clone, Debug, Default)]
    struct Disk {
        lines: Arc<Mutex<Vec<Change>>>,
        is_full: Arc<AtomicBool>,
    }

    impl Keep for Disk {
        fn append(&mut self, change: &Change) -> io::Result<()> {
            if self.is_full.load(Relaxed) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.lines.lock().unwrap().push(change.clone());
            Ok(())
        }

        fn replace(&mut self, changes: &[Change]) -> io::Result<()> {
            if self.is_full.load(Relaxed) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            *self.lines.lock().unwrap() = changes.to_vec();
            Ok(())
        }
    }

    const VERDICTS: [Verdict; 2] = [Verdict::DaneOk, Verdict::DaneBroken];

    #[test]
    fn only_changes_are_kept() {
        let disk = Disk::default();
        let history = History::kept(Vec::new(), Box::new(disk.clone()));
        for (at, verdict) in [(1, 0), (2, 0), (3, 1), (4, 1), (5, 0)] {
            history.note(UnixTime(at), "a.example", VERDICTS[verdict]);
        }
        history.note(UnixTime(6), "b.example", Verdict::NoDane);
        let all = history.newest(10, |_| true);
        let times: Vec<i64> = all.iter().map(|change| change.at.0).collect();
        assert_eq!(times, [6, 5, 3, 1]);
        assert_eq!(all[0].before, None);
        assert_eq!(all[1].before, Some(Verdict::DaneBroken));
        assert_eq!(history.newest(10, |target| target == "a.example").len(), 3);
        let written = disk.lines.lock().unwrap().clone();
        assert!(written.iter().eq(all.iter().rev()));
        // It goes on where the file ends.
        let history = History::kept(written, Box::new(disk.clone()));
        history.note(UnixTime(7), "a.example", Verdict::DaneOk);
        assert_eq!(disk.lines.lock().unwrap().len(), 4);
    }

    #[test]
    fn it_is_bounded_and_forgets_no_last_verdict() {
        let disk = Disk::default();
        let history = History::kept(Vec::new(), Box::new(disk.clone()));
        history.note(UnixTime(0), "quiet.example", Verdict::NoDane);
        let mut most = 0;
        for at in 1..10_000 {
            let verdict = VERDICTS[usize::from(at % 2 == 0)];
            history.note(UnixTime(at), "flaps.example", verdict);
            most = most.max(disk.lines.lock().unwrap().len());
        }
        assert!((CHANGES..=CHANGES + 4).contains(&most), "{most}");
        let all = history.newest(usize::MAX, |_| true);
        assert_eq!(all.last().unwrap().target, "quiet.example");
        assert!(disk.lines.lock().unwrap().iter().eq(all.iter().rev()));
    }

    #[test]
    fn a_full_disk_is_caught_up_later() {
        let disk = Disk::default();
        let history = History::kept(Vec::new(), Box::new(disk.clone()));
        for (at, is_full) in [(1, false), (2, true), (3, true), (4, false), (5, false)] {
            disk.is_full.store(is_full, Relaxed);
            history.note(
                UnixTime(at),
                "a.example",
                VERDICTS[usize::from(at % 2 == 0)],
            );
            assert_eq!(history.is_behind(), is_full);
        }
        assert_eq!(history.failures(), 2);
        let times: Vec<i64> = disk
            .lines
            .lock()
            .unwrap()
            .iter()
            .map(|it| it.at.0)
            .collect();
        assert_eq!(times, [1, 2, 3, 4, 5]);
    }
}
