//! A cache of results for the next check that needs them: limited in bytes, the
//! least recently used is dropped first.

use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use moka::policy::EvictionPolicy;
use moka::sync::Cache as Moka;
use tokio::time::Instant;

use super::budget::FAILURES_KEPT;

/// Bytes that an item costs besides its content.
const OVERHEAD: u32 = 700;

/// The size that an unfinished item counts for.
const UNDER_WAY: u32 = 4 * 1024;

/// What can be kept.
pub(super) trait Cacheable: Send + Sync + 'static {
    /// About how many bytes it takes.
    fn bytes(&self) -> usize;

    /// How long it may be used.
    fn lasts(&self) -> Duration;
}

/// How long other checks use what one check found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retention {
    longest: Duration,
}

impl Retention {
    pub(super) fn at_most(longest: Duration) -> Self {
        Self { longest }
    }

    /// How long something is kept that would last so long.
    pub(super) fn of(self, lasts: Duration) -> Duration {
        lasts.min(self.longest)
    }

    /// How long a failure is kept.
    pub(super) fn of_failure(self) -> Duration {
        self.of(FAILURES_KEPT)
    }
}

/// Items by their key; each is made once, and other callers wait for it.
pub(super) struct Cache<K, T>(Moka<K, Arc<CacheEntry<T>>>);

/// An item, ready or under way.
pub(super) struct CacheEntry<T> {
    /// When it was begun.
    pub(super) at: Instant,
    result: Shared<BoxFuture<'static, Option<Arc<T>>>>,
    state: Arc<EntryState>,
}

/// The state of an item.
#[derive(Default)]
pub(super) struct EntryState {
    bytes: AtomicU32,
    until: OnceLock<Instant>,
    queued: AtomicBool,
}

impl EntryState {
    /// It waits for its turn, or no longer does.
    pub(super) fn set_queued(&self, queued: bool) {
        self.queued.store(queued, Relaxed);
    }
}

impl<T: Cacheable> CacheEntry<T> {
    /// Waits for it; `None` if it failed.
    pub(super) async fn result(&self) -> Option<Arc<T>> {
        self.result.clone().await
    }

    /// The item, if it is ready.
    pub(super) fn ready(&self) -> Option<&Arc<T>> {
        self.result.peek()?.as_ref()
    }

    /// Whether it still waits for its turn.
    pub(super) fn is_queued(&self) -> bool {
        self.state.queued.load(Relaxed)
    }

    /// Whether it is unfinished, or may still be used.
    fn is_fresh(&self) -> bool {
        match self.state.until.get() {
            Some(until) => Instant::now() < *until,
            None => !matches!(self.result.peek(), Some(None)),
        }
    }

    fn weight(&self) -> u32 {
        let bytes = match self.state.bytes.load(Relaxed) {
            0 => UNDER_WAY,
            bytes => bytes,
        };
        bytes.saturating_add(OVERHEAD)
    }
}

impl<K, T> Cache<K, T>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    T: Cacheable,
{
    /// A shelf for this many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        let cache = Moka::builder()
            .max_capacity(bytes)
            .weigher(|_, item: &Arc<CacheEntry<T>>| item.weight())
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self(cache)
    }

    /// The item of this key. If there is none, or one that is too old or was
    /// begun before `not_before`, `start` makes it, in its own task.
    pub(super) fn get<F>(
        &self,
        key: &K,
        not_before: Option<Instant>,
        start: impl FnOnce(Arc<EntryState>) -> F,
    ) -> Arc<CacheEntry<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let good = |item: &CacheEntry<T>| {
            item.is_fresh() && not_before.is_none_or(|moment| moment <= item.at)
        };
        if let Some(item) = self.0.get(key).filter(|item| good(item)) {
            return item;
        }
        self.0
            .entry_by_ref(key)
            .or_insert_with_if(|| self.begin(key.clone(), start), |item| !good(item))
            .into_value()
    }

    /// The item of this key, if it is unfinished or may be used.
    pub(super) fn fresh(&self, key: &K) -> Option<Arc<CacheEntry<T>>> {
        self.0.get(key).filter(|item| item.is_fresh())
    }

    fn begin<F>(&self, key: K, start: impl FnOnce(Arc<EntryState>) -> F) -> Arc<CacheEntry<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let state = Arc::new(EntryState::default());
        let work = start(state.clone());
        let (cache, known) = (self.0.clone(), state.clone());
        let task = tokio::spawn(async move {
            let value = work.await;
            let bytes = u32::try_from(value.bytes()).unwrap_or(u32::MAX);
            known.bytes.store(bytes.max(1), Relaxed);
            let _ = known.until.set(Instant::now() + value.lasts());
            // Now its size is known.
            match cache.get(&key) {
                Some(item) if Arc::ptr_eq(&item.state, &known) => cache.insert(key, item),
                _ => {}
            }
            Arc::new(value)
        });
        Arc::new(CacheEntry {
            at: Instant::now(),
            result: async move { task.await.ok() }.boxed().shared(),
            state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Text(&'static str, Duration);

    impl Cacheable for Text {
        fn bytes(&self) -> usize {
            self.0.len()
        }

        fn lasts(&self) -> Duration {
            self.1
        }
    }

    const HOUR: Duration = Duration::from_secs(3600);

    async fn text(cache: &Cache<u32, Text>, key: u32, text: &'static str) -> &'static str {
        let item = cache.get(&key, None, |_| async move { Text(text, HOUR) });
        item.result().await.unwrap().0
    }

    #[tokio::test]
    async fn an_item_is_made_once_while_it_lasts() {
        let cache = Cache::new(1 << 20);
        assert_eq!(text(&cache, 1, "first").await, "first");
        assert_eq!(text(&cache, 1, "second").await, "first");
        assert_eq!(text(&cache, 2, "other").await, "other");
        let gone = cache.get(&3, None, |_| async { Text("gone", Duration::ZERO) });
        assert_eq!(gone.result().await.unwrap().0, "gone");
        assert!(cache.fresh(&3).is_none());
        assert_eq!(text(&cache, 3, "anew").await, "anew");
        assert_eq!(cache.fresh(&3).unwrap().ready().unwrap().0, "anew");
    }

    #[tokio::test]
    async fn an_item_from_before_a_moment_is_made_anew() {
        let cache = Cache::new(1 << 20);
        assert_eq!(text(&cache, 1, "old").await, "old");
        let now = Some(Instant::now());
        let item = cache.get(&1, now, |_| async { Text("new", HOUR) });
        assert_eq!(item.result().await.unwrap().0, "new");
        assert_eq!(text(&cache, 1, "newer").await, "new");
    }

    #[tokio::test]
    async fn whoever_comes_meanwhile_waits_for_the_same() {
        let cache = Cache::new(1 << 20);
        let (send, receive) = tokio::sync::oneshot::channel();
        let first = cache.get(&1, None, |_| async { Text(receive.await.unwrap(), HOUR) });
        let second = cache.get(&1, None, |_| async { Text("second", HOUR) });
        send.send("first").unwrap();
        assert_eq!(first.result().await.unwrap().0, "first");
        assert_eq!(second.result().await.unwrap().0, "first");
    }

    #[tokio::test]
    async fn the_least_recently_used_goes_first_and_bytes_are_bounded() {
        let cache = Cache::new(10 * u64::from(OVERHEAD + 1000));
        for key in 0..100 {
            let long = cache.get(&key, None, |_| async { Text(&LONG, HOUR) });
            long.result().await.unwrap();
            // Always in use.
            cache.fresh(&0);
            cache.0.run_pending_tasks();
        }
        assert!(cache.0.weighted_size() <= 10 * u64::from(OVERHEAD + 1000));
        assert!(cache.fresh(&0).is_some());
        assert!(cache.fresh(&1).is_none());
        assert!(cache.fresh(&99).is_some());
    }

    static LONG: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| "x".repeat(1000));
}
