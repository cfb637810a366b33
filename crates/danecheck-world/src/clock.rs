//! A clock for distance. The runtime's timers are late by up to two
//! milliseconds, and a session waits for a dozen of them: that would be most of
//! what a checker takes beside its round trips.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the embedded world waits here"
)]

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

use tokio::sync::oneshot;

/// A thread that sleeps until the next moment that somebody waits for.
static CLOCK: LazyLock<Option<Sender<Wanted>>> = LazyLock::new(|| {
    let (sender, receiver) = channel();
    let thread = std::thread::Builder::new().name("clock".to_owned());
    thread.spawn(move || keep_time(&receiver)).ok()?;
    Some(sender)
});

/// Waits until a moment, to about a tenth of a millisecond.
pub(crate) async fn until(at: Instant) {
    let (wake, woken) = oneshot::channel();
    match &*CLOCK {
        Some(clock) if clock.send(Wanted { at, wake }).is_ok() => {
            let _ = woken.await;
        }
        _ => tokio::time::sleep_until(at.into()).await,
    }
}

/// A moment, and who waits for it.
struct Wanted {
    at: Instant,
    wake: oneshot::Sender<()>,
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Wanted {}

impl PartialOrd for Wanted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Wanted {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

fn keep_time(wishes: &Receiver<Wanted>) {
    let mut waiting: BinaryHeap<Reverse<Wanted>> = BinaryHeap::new();
    loop {
        let next = waiting.peek().map(|Reverse(next)| next.at);
        let come = match next {
            Some(at) => wishes.recv_timeout(at.saturating_duration_since(Instant::now())),
            None => wishes.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match come {
            Ok(wanted) => waiting.push(Reverse(wanted)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let now = Instant::now();
        while waiting.peek().is_some_and(|Reverse(next)| next.at <= now) {
            if let Some(Reverse(due)) = waiting.pop() {
                // A waiter that is gone needs no word.
                let _ = due.wake.send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn moments_come_in_their_order_and_not_early() {
        let begun = Instant::now();
        let after = |milliseconds| async move {
            let at = begun + Duration::from_millis(milliseconds);
            until(at).await;
            assert!(Instant::now() >= at);
            Instant::now()
        };
        let (late, early, past) = tokio::join!(after(30), after(10), after(0));
        assert!(past <= early && early <= late);
    }
}
