//! Manners: how often, and how many times at once, danecheck connects to an
//! address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use super::budget::{CONNECTION_BURST, CONNECTION_INTERVAL};

/// How many gates are kept before unneeded ones are removed.
const GATES: usize = 1024;

/// The gates of all addresses.
pub(super) struct Gates {
    per_host: usize,
    known: Mutex<Known>,
    checks: AtomicU64,
}

/// One check of one target, to know which sessions wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct CheckId(u64);

struct Known {
    gates: HashMap<IpAddr, Arc<Gate>>,
    sweep_at: usize,
}

struct Gate {
    places: Arc<Semaphore>,
    /// When the next connection would begin if all were spread evenly (the
    /// "generic cell rate algorithm" of ITU-T I.371).
    due: Mutex<Instant>,
    /// The turns that each check has here or waits for.
    wanted: Mutex<HashMap<CheckId, Wanted>>,
}

/// How many turns a check wants, and the most that it wanted at once since it
/// last wanted none.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    now: usize,
    most: usize,
}

/// Turns at one address that a check may want at once before it fills the
/// address by itself: two for each of a few hosts.
const CROWD: usize = 8;

/// A turn at an address, or the wait for it.
pub(super) struct Turn {
    gate: Arc<Gate>,
    check: CheckId,
    place: Option<OwnedSemaphorePermit>,
}

impl Turn {
    fn wanted(gate: Arc<Gate>, check: CheckId) -> Self {
        {
            let mut wanted = gate.wanted();
            let own = wanted.entry(check).or_default();
            own.now += 1;
            own.most = own.most.max(own.now);
        }
        Self {
            gate,
            check,
            place: None,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.place.take());
        let mut wanted = self.gate.wanted();
        match wanted.get_mut(&self.check) {
            Some(own) if own.now > 1 => own.now -= 1,
            _ => {
                wanted.remove(&self.check);
            }
        }
    }
}

impl Gates {
    pub(super) fn new(per_host: usize) -> Self {
        Self {
            per_host: per_host.min(Semaphore::MAX_PERMITS),
            known: Mutex::new(Known {
                gates: HashMap::new(),
                sweep_at: GATES,
            }),
            checks: AtomicU64::new(0),
        }
    }

    /// A check that begins.
    pub(super) fn new_check(&self) -> CheckId {
        CheckId(self.checks.fetch_add(1, Relaxed))
    }

    /// Whether other checks have a turn at this address, or wait for one.
    pub(super) fn has_others(&self, address: IpAddr, check: CheckId) -> bool {
        let gate = self.known().gates.get(&address).cloned();
        gate.is_some_and(|gate| gate.wanted().keys().any(|other| *other != check))
    }

    /// Whether a check wants so many turns at this address that it fills it by
    /// itself.
    pub(super) fn is_crowd(&self, address: IpAddr, check: CheckId) -> bool {
        let gate = self.known().gates.get(&address).cloned();
        gate.is_some_and(|gate| {
            let most = gate.wanted().get(&check).map(|own| own.most);
            most.is_some_and(|most| most > CROWD)
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn at this address; it ends when it is dropped.
    pub(super) async fn turn(&self, address: IpAddr, check: CheckId) -> Option<Turn> {
        let gate = self.gate(address, Instant::now());
        let mut turn = Turn::wanted(gate.clone(), check);
        turn.place = Some(gate.places.clone().acquire_owned().await.ok()?);
        let now = Instant::now();
        let due = gate.next(now);
        if due > now {
            sleep_until(due).await;
        }
        Some(turn)
    }

    fn gate(&self, address: IpAddr, now: Instant) -> Arc<Gate> {
        let mut known = self.known();
        if known.gates.len() >= known.sweep_at {
            known
                .gates
                .retain(|_, gate| Arc::strong_count(gate) > 1 || gate.is_in_use(now));
            known.sweep_at = GATES.max(known.gates.len() * 2);
        }
        let gate = known.gates.entry(address).or_insert_with(|| {
            Arc::new(Gate {
                places: Arc::new(Semaphore::new(self.per_host)),
                due: Mutex::new(now),
                wanted: Mutex::default(),
            })
        });
        gate.clone()
    }
}

impl Gate {
    fn wanted(&self) -> MutexGuard<'_, HashMap<CheckId, Wanted>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When a connection that is requested now may begin.
    fn next(&self, now: Instant) -> Instant {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let this = (*due).max(now);
        *due = this + CONNECTION_INTERVAL;
        this.checked_sub(CONNECTION_INTERVAL * (CONNECTION_BURST - 1))
            .map_or(now, |early| early.max(now))
    }

    fn is_in_use(&self, now: Instant) -> bool {
        let due = *self.due.lock().unwrap_or_else(PoisonError::into_inner);
        due > now || Arc::strong_count(&self.places) > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn connections_come_in_a_burst_and_then_evenly() {
        let now = Instant::now();
        let gate = Gates::new(2).gate(HERE, now);
        for _ in 0..CONNECTION_BURST {
            assert_eq!(gate.next(now), now);
        }
        for number in 1..=10 {
            assert_eq!(gate.next(now), now + CONNECTION_INTERVAL * number);
        }
        // After a long pause a burst is allowed again.
        let later = now + CONNECTION_INTERVAL * 100;
        for _ in 0..CONNECTION_BURST {
            assert_eq!(gate.next(later), later);
        }
        assert!(gate.next(later) > later);
    }

    #[tokio::test]
    async fn no_more_are_there_at_once_than_may_be() {
        let gates = Gates::new(2);
        let check = gates.new_check();
        let mut turns: Vec<_> = (0..2)
            .map(|_| gates.turn(HERE, check).now_or_never())
            .collect();
        assert!(turns.iter().all(Option::is_some));
        assert!(gates.turn(HERE, check).now_or_never().is_none());
        let elsewhere = gates.turn(Ipv4Addr::LOCALHOST.into(), check);
        assert!(elsewhere.now_or_never().is_some());
        turns.pop();
        assert!(gates.turn(HERE, check).now_or_never().is_some());
    }

    #[tokio::test]
    async fn nobody_is_his_own_crowd() {
        let gates = Gates::new(1);
        let (one, other) = (gates.new_check(), gates.new_check());
        let held = gates.turn(HERE, one).now_or_never();
        {
            let mut waiting = std::pin::pin!(gates.turn(HERE, one));
            assert!(waiting.as_mut().now_or_never().is_none());
            assert!(!gates.has_others(HERE, one));
            assert!(gates.has_others(HERE, other));
        }
        let mut waiting = Box::pin(gates.turn(HERE, other));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(gates.has_others(HERE, one));
        assert!(!gates.has_others(Ipv4Addr::LOCALHOST.into(), one));
        // A check that gives up, during or before its turn, no longer counts.
        drop(waiting);
        assert!(!gates.has_others(HERE, one));
        drop(held);
        assert!(!gates.has_others(HERE, other));
    }

    #[tokio::test]
    async fn a_check_that_wants_many_turns_is_a_crowd_until_it_wants_none() {
        let gates = Gates::new(1);
        let check = gates.new_check();
        let mut turns: Vec<_> = (0..=CROWD)
            .map(|_| Box::pin(gates.turn(HERE, check)))
            .collect();
        let mut held = Vec::new();
        for (number, turn) in turns.iter_mut().enumerate() {
            assert!(!gates.is_crowd(HERE, check), "{number}");
            held.extend(turn.as_mut().now_or_never());
        }
        assert_eq!(held.len(), 1, "the others wait");
        assert!(gates.is_crowd(HERE, check));
        assert!(!gates.is_crowd(HERE, gates.new_check()));
        turns.clear();
        assert!(gates.is_crowd(HERE, check));
        held.clear();
        assert!(!gates.is_crowd(HERE, check));
    }

    #[tokio::test]
    async fn gates_that_nobody_needs_go() {
        let gates = Gates::new(2);
        let held = gates.turn(HERE, gates.new_check()).now_or_never();
        let mut now = Instant::now();
        for number in 0..10 * GATES {
            let address = Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(number).unwrap());
            gates.gate(address.into(), now).next(now);
            now += CONNECTION_INTERVAL;
        }
        let known = gates.known.lock().unwrap();
        assert!(known.gates.len() <= GATES);
        assert!(known.gates.contains_key(&HERE));
        drop(held);
    }
}
