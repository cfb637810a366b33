//! Finished looks, for a short time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::look::Look;
use crate::serve::limits::WebLimits;
use danecheck_core::next_hop::NextHop;

/// Finished looks, a limited number and size.
#[derive(Debug)]
pub(super) struct Kept {
    limits: WebLimits,
    looks: HashMap<NextHop, (Instant, Arc<Look>)>,
    bytes: usize,
}

impl Kept {
    pub(super) fn new(limits: WebLimits) -> Self {
        Self {
            limits,
            looks: HashMap::new(),
            bytes: 0,
        }
    }

    /// The look at a target that ended less than `most` before `now`.
    pub(super) fn get(&self, target: &NextHop, most: Duration, now: Instant) -> Option<Arc<Look>> {
        let (ended, look) = self.looks.get(target)?;
        (now.saturating_duration_since(*ended) < most).then(|| look.clone())
    }

    /// Keeps a look that has ended now; the oldest give way to it.
    pub(super) fn put(&mut self, target: NextHop, look: Arc<Look>, now: Instant) {
        self.remove(&target);
        let is_late = |ended: Instant| now.saturating_duration_since(ended) >= self.limits.kept_for;
        let late: Vec<NextHop> = self
            .looks
            .iter()
            .filter(|(_, (ended, _))| is_late(*ended))
            .map(|(target, _)| target.clone())
            .collect();
        late.iter().for_each(|target| self.remove(target));
        let size = look.size();
        while self.looks.len() >= self.limits.kept.max(1)
            || self.bytes.saturating_add(size) > self.limits.kept_bytes
        {
            let oldest = self.looks.iter().min_by_key(|(_, (ended, _))| *ended);
            let Some(oldest) = oldest.map(|(target, _)| target.clone()) else {
                break;
            };
            self.remove(&oldest);
        }
        self.bytes = self.bytes.saturating_add(size);
        self.looks.insert(target, (now, look));
    }

    pub(super) fn len(&self) -> usize {
        self.looks.len()
    }

    fn remove(&mut self, target: &NextHop) {
        if let Some((_, look)) = self.looks.remove(target) {
            self.bytes = self.bytes.saturating_sub(look.size());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(number: usize) -> NextHop {
        format!("d{number}.example").parse().unwrap()
    }

    #[test]
    fn a_limited_number_of_bytes_for_a_limited_time() {
        let limits = WebLimits {
            kept: 3,
            kept_bytes: 100,
            ..WebLimits::default()
        };
        let mut kept = Kept::new(limits);
        let soon = Duration::from_secs(1);
        let begin = Instant::now();
        let after = |milliseconds| begin + Duration::from_millis(milliseconds);
        for number in 0..5 {
            let look = Arc::new(Look::of_size(30));
            kept.put(target(number), look, after(number as u64));
        }
        assert_eq!((kept.len(), kept.bytes), (3, 90));
        assert!(kept.get(&target(1), soon, after(5)).is_none());
        assert!(kept.get(&target(4), soon, after(5)).is_some());
        // A large one needs the room of several.
        kept.put(target(5), Arc::new(Look::of_size(60)), after(5));
        assert_eq!((kept.len(), kept.bytes), (2, 90));
        // The same target again takes its own room.
        kept.put(target(5), Arc::new(Look::of_size(70)), after(6));
        assert_eq!((kept.len(), kept.bytes), (2, 100));
        assert!(kept.get(&target(5), soon, after(1006)).is_none());
        assert!(kept.get(&target(5), soon * 2, after(1006)).is_some());
        let late = after(6) + limits.kept_for;
        kept.put(target(6), Arc::new(Look::of_size(1)), late);
        assert_eq!((kept.len(), kept.bytes), (1, 1));
    }
}
