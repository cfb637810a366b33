//! Places that all checks share. Some are reserved for the first requests of
//! each check: a check that wants hundreds leaves these to the others.

use tokio::sync::{Semaphore, SemaphorePermit};

/// How many concurrent requests of one check count as its first ones.
const FIRST_OF_ONE: usize = 12;

/// Places for concurrent work.
#[derive(Debug)]
pub(super) struct Slots {
    first: Semaphore,
    others: Semaphore,
    keeps_first: bool,
}

/// Of these, the questions of danecheck's own validation. Other checks wait for
/// the same ones, so they must not wait behind the lookups of the check that
/// asks them.
const FIRST_OF_VALIDATION: usize = 4;

/// The first requests of one check.
#[derive(Debug)]
pub(super) struct Share(Semaphore);

/// The first questions of one check to the resolver.
#[derive(Debug)]
pub(super) struct QuestionShares {
    pub(super) lookups: Share,
    pub(super) validation: Share,
}

/// A slot, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    _first: Option<SemaphorePermit<'a>>,
    _slot: SemaphorePermit<'a>,
}

impl Slots {
    /// This many places, most of them for first requests.
    pub(super) fn new(count: usize) -> Self {
        let count = count.clamp(1, Semaphore::MAX_PERMITS);
        let first = count * 5 / 8;
        Self {
            first: Semaphore::new(first),
            others: Semaphore::new(count - first),
            keeps_first: first > 0,
        }
    }

    /// Waits for a place; `share` is that of the check, if it is known.
    pub(super) async fn slot<'a>(&'a self, share: Option<&'a Share>) -> Option<Slot<'a>> {
        let share = share.filter(|_| self.keeps_first);
        let first = share.and_then(|share| share.0.try_acquire().ok());
        let slots = match first {
            Some(_) => &self.first,
            None => &self.others,
        };
        Some(Slot {
            _first: first,
            _slot: slots.acquire().await.ok()?,
        })
    }
}

impl Default for QuestionShares {
    fn default() -> Self {
        let share = |count| Share(Semaphore::new(count));
        Self {
            lookups: share(FIRST_OF_ONE - FIRST_OF_VALIDATION),
            validation: share(FIRST_OF_VALIDATION),
        }
    }
}

impl Default for Share {
    fn default() -> Self {
        Self(Semaphore::new(FIRST_OF_ONE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn who_wants_too_much_leaves_the_others_their_first_slots() {
        let slots = Slots::new(64);
        let (greedy, modest) = (Share::default(), Share::default());
        let take = |share| slots.slot(Some(share)).now_or_never().flatten();
        let mut held: Vec<_> = std::iter::from_fn(|| take(&greedy)).collect();
        assert_eq!(held.len(), 64 * 3 / 8 + FIRST_OF_ONE);
        for _ in 0..FIRST_OF_ONE {
            held.push(take(&modest).unwrap());
        }
        assert!(take(&modest).is_none());
        assert!(slots.slot(None).now_or_never().is_none());
        // A returned place can be used again.
        held.clear();
        assert!(take(&greedy).is_some());
    }

    #[test]
    fn lookups_that_hang_leave_validation_its_slots() {
        let slots = Slots::new(64);
        let shares = [QuestionShares::default(), QuestionShares::default()];
        let take = |share| slots.slot(Some(share)).now_or_never().flatten();
        let mut held: Vec<_> = std::iter::from_fn(|| take(&shares[0].lookups)).collect();
        assert!(take(&shares[0].lookups).is_none());
        for share in &shares {
            for _ in 0..FIRST_OF_VALIDATION {
                held.push(take(&share.validation).unwrap());
            }
            assert!(take(&share.validation).is_none());
        }
    }

    #[test]
    fn there_are_as_many_as_were_asked_for() {
        for count in 1..40 {
            let slots = Slots::new(count);
            let shares: Vec<Share> = (0..count).map(|_| Share::default()).collect();
            let mut held = Vec::new();
            for share in &shares {
                held.extend(slots.slot(Some(share)).now_or_never().flatten());
            }
            held.extend(std::iter::from_fn(|| {
                slots.slot(None).now_or_never().flatten()
            }));
            assert_eq!(held.len(), count);
        }
    }
}
