//! Mail that was deferred, and whose delivery the same log has later.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use memchr::memmem;

/// Recipients of messages that are remembered.
const REMEMBERED: usize = 50_000;

/// What waits, by the queue id and the recipient.
#[derive(Debug, Default)]
pub(super) struct Later {
    deferred: HashMap<u64, Deferred>,
    keys: RandomState,
}

/// One recipient's mail.
#[derive(Debug)]
pub(super) struct Deferred {
    /// The next hop that it is counted for.
    pub(super) next_hop: String,
    /// How often it was deferred.
    pub(super) attempts: u64,
}

impl Later {
    /// Whether nothing is remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.deferred.is_empty()
    }

    /// Remembers what a line of a log says was deferred.
    pub(super) fn deferred(&mut self, line: &[u8], next_hop: &str) {
        let Some(key) = self.key(line) else {
            return;
        };
        let room = self.deferred.len() < REMEMBERED;
        match self.deferred.get_mut(&key) {
            Some(known) if known.next_hop == next_hop => known.attempts += 1,
            None if room => {
                let next_hop = next_hop.to_owned();
                let attempts = 1;
                self.deferred.insert(key, Deferred { next_hop, attempts });
            }
            _ => {}
        }
    }

    /// What waited before this line of a log, which says how it ended.
    pub(super) fn ended(&mut self, line: &[u8]) -> Option<Deferred> {
        if self.is_empty() {
            return None;
        }
        let key = self.key(line)?;
        self.deferred.remove(&key)
    }

    /// `QUEUEID: to=<RECIPIENT>`.
    fn key(&self, line: &[u8]) -> Option<u64> {
        let at = memmem::find(line, b"to=<")?;
        let before = line.get(..at)?.trim_ascii_end().strip_suffix(b":")?;
        let from = before
            .iter()
            .rposition(|byte| !byte.is_ascii_alphanumeric())
            .map_or(0, |at| at + 1);
        let id = before.get(from..).filter(|id| !id.is_empty())?;
        let recipient = line.get(at..)?;
        let end = memchr::memchr(b'>', recipient)?;
        Some(self.keys.hash_one((id, recipient.get(..end)?)))
    }
}
