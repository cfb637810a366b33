//! A cache of results for the next check that needs them: limited in bytes, the
//! least recently used is dropped first.

use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::time::Instant;

/// Bytes that an item costs besides its content.
const OVERHEAD: u32 = 700;

/// The size that an unfinished item counts for.
const UNDER_WAY: u32 = 4 * 1024;

/// What can be kept.
pub(in super::super) trait Kept: Send + Sync + 'static {
    /// About how many bytes it takes.
    fn bytes(&self) -> usize;

    /// How long it may be used.
    fn lasts(&self) -> Duration;
}

/// Items by their key; each is made once, and other callers wait for it.
pub(in super::super) struct Shelf<K, T>(Cache<K, Arc<Begun<T>>>);

/// An item, ready or under way.
pub(in super::super) struct Begun<T> {
    /// When it was begun.
    pub(in super::super) at: Instant,
    result: Shared<BoxFuture<'static, Option<Arc<T>>>>,
    facts: Arc<Facts>,
}

/// The state of an item.
#[derive(Default)]
pub(in super::super) struct Facts {
    bytes: AtomicU32,
    until: OnceLock<Instant>,
    queued: AtomicBool,
}

impl Facts {
    /// It waits for its turn, or no longer does.
    pub(in super::super) fn set_queued(&self, queued: bool) {
        self.queued.store(queued, Relaxed);
    }
}

impl<T: Kept> Begun<T> {
    /// Waits for it; `None` if it failed.
    pub(in super::super) async fn result(&self) -> Option<Arc<T>> {
        self.result.clone().await
    }

    /// The item, if it is ready.
    pub(in super::super) fn ready(&self) -> Option<&Arc<T>> {
        self.result.peek()?.as_ref()
    }

    /// Whether it still waits for its turn.
    pub(in super::super) fn is_queued(&self) -> bool {
        self.facts.queued.load(Relaxed)
    }

    /// Whether it is unfinished, or may still be used.
    fn is_fresh(&self) -> bool {
        match self.facts.until.get() {
            Some(until) => Instant::now() < *until,
            None => !matches!(self.result.peek(), Some(None)),
        }
    }

    fn weight(&self) -> u32 {
        let bytes = match self.facts.bytes.load(Relaxed) {
            0 => UNDER_WAY,
            bytes => bytes,
        };
        bytes.saturating_add(OVERHEAD)
    }
}

impl<K, T> Shelf<K, T>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    T: Kept,
{
    /// A shelf for this many bytes.
    pub(in super::super) fn new(bytes: u64) -> Self {
        let cache = Cache::builder()
            .max_capacity(bytes)
            .weigher(|_, item: &Arc<Begun<T>>| item.weight())
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self(cache)
    }

    /// The item of this key. If there is none, or one that is too old or was
    /// begun before `not_before`, `start` makes it, in its own task.
    pub(in super::super) fn get<F>(
        &self,
        key: &K,
        not_before: Option<Instant>,
        start: impl FnOnce(Arc<Facts>) -> F,
    ) -> Arc<Begun<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let good =
            |item: &Begun<T>| item.is_fresh() && not_before.is_none_or(|moment| moment <= item.at);
        if let Some(item) = self.0.get(key).filter(|item| good(item)) {
            return item;
        }
        self.0
            .entry_by_ref(key)
            .or_insert_with_if(|| self.begin(key.clone(), start), |item| !good(item))
            .into_value()
    }

    /// The item of this key, if it is unfinished or may be used.
    pub(in super::super) fn fresh(&self, key: &K) -> Option<Arc<Begun<T>>> {
        self.0.get(key).filter(|item| item.is_fresh())
    }

    fn begin<F>(&self, key: K, start: impl FnOnce(Arc<Facts>) -> F) -> Arc<Begun<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let facts = Arc::new(Facts::default());
        let work = start(facts.clone());
        let (cache, known) = (self.0.clone(), facts.clone());
        let task = tokio::spawn(async move {
            let value = work.await;
            let bytes = u32::try_from(value.bytes()).unwrap_or(u32::MAX);
            known.bytes.store(bytes.max(1), Relaxed);
            let _ = known.until.set(Instant::now() + value.lasts());
            // Now its size is known.
            match cache.get(&key) {
                Some(item) if Arc::ptr_eq(&item.facts, &known) => cache.insert(key, item),
                _ => {}
            }
            Arc::new(value)
        });
        Arc::new(Begun {
            at: Instant::now(),
            result: async move { task.await.ok() }.boxed().shared(),
            facts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Text(&'static str, Duration);

    impl Kept for Text {
        fn bytes(&self) -> usize {
            self.0.len()
        }

        fn lasts(&self) -> Duration {
            self.1
        }
    }

    const HOUR: Duration = Duration::from_secs(3600);

    async fn text(shelf: &Shelf<u32, Text>, key: u32, text: &'static str) -> &'static str {
        let item = shelf.get(&key, None, |_| async move { Text(text, HOUR) });
        item.result().await.unwrap().0
    }

    #[tokio::test]
    async fn an_item_is_made_once_while_it_lasts() {
        let shelf = Shelf::new(1 << 20);
        assert_eq!(text(&shelf, 1, "first").await, "first");
        assert_eq!(text(&shelf, 1, "second").await, "first");
        assert_eq!(text(&shelf, 2, "other").await, "other");
        let gone = shelf.get(&3, None, |_| async { Text("gone", Duration::ZERO) });
        assert_eq!(gone.result().await.unwrap().0, "gone");
        assert!(shelf.fresh(&3).is_none());
        assert_eq!(text(&shelf, 3, "anew").await, "anew");
        assert_eq!(shelf.fresh(&3).unwrap().ready().unwrap().0, "anew");
    }

    #[tokio::test]
    async fn an_item_from_before_a_moment_is_made_anew() {
        let shelf = Shelf::new(1 << 20);
        assert_eq!(text(&shelf, 1, "old").await, "old");
        let now = Some(Instant::now());
        let item = shelf.get(&1, now, |_| async { Text("new", HOUR) });
        assert_eq!(item.result().await.unwrap().0, "new");
        assert_eq!(text(&shelf, 1, "newer").await, "new");
    }

    #[tokio::test]
    async fn whoever_comes_meanwhile_waits_for_the_same() {
        let shelf = Shelf::new(1 << 20);
        let (send, receive) = tokio::sync::oneshot::channel();
        let first = shelf.get(&1, None, |_| async { Text(receive.await.unwrap(), HOUR) });
        let second = shelf.get(&1, None, |_| async { Text("second", HOUR) });
        send.send("first").unwrap();
        assert_eq!(first.result().await.unwrap().0, "first");
        assert_eq!(second.result().await.unwrap().0, "first");
    }

    #[tokio::test]
    async fn the_least_recently_used_goes_first_and_bytes_are_bounded() {
        let shelf = Shelf::new(10 * u64::from(OVERHEAD + 1000));
        for key in 0..100 {
            let long = shelf.get(&key, None, |_| async { Text(&LONG, HOUR) });
            long.result().await.unwrap();
            // Always in use.
            shelf.fresh(&0);
            shelf.0.run_pending_tasks();
        }
        assert!(shelf.0.weighted_size() <= 10 * u64::from(OVERHEAD + 1000));
        assert!(shelf.fresh(&0).is_some());
        assert!(shelf.fresh(&1).is_none());
        assert!(shelf.fresh(&99).is_some());
    }

    static LONG: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| "x".repeat(1000));
}
