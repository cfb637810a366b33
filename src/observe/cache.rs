//! A cache of results for the next check that needs them: limited in bytes, the
//! least recently used is dropped first.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::SetOnce;
use tokio::time::Instant;

use super::budget::FAILURES_KEPT;
use super::hasher::Gathering;

/// Bytes that an item costs besides its content.
const OVERHEAD: u64 = 400;

/// The size that an unfinished item counts for.
const UNDER_WAY: u64 = 4 * 1024;

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
pub(super) struct Cache<K, T>(Arc<Mutex<Kept<K, T>>>);

/// Two generations of items: what is used moves to the younger one. When that
/// has half of the bytes, it becomes the older one, and what is left in the
/// older one goes.
struct Kept<K, T> {
    /// The most bytes of one generation.
    most: u64,
    /// The number of the younger one.
    generation: u64,
    bytes: u64,
    young: Entries<K, T>,
    old: Entries<K, T>,
}

/// Its keys are domain names for the most part.
type Entries<K, T> = HashMap<K, Arc<CacheEntry<T>>, Gathering>;

/// An item, ready or under way.
pub(super) struct CacheEntry<T> {
    /// When it was begun.
    pub(super) at: Instant,
    result: SetOnce<Option<Arc<T>>>,
    until: OnceLock<Instant>,
    queued: AtomicBool,
    bytes: AtomicU64,
    /// The generation in which its bytes count.
    generation: AtomicU64,
}

/// An item that its caller has to make. If it is dropped before, the item
/// failed.
pub(super) struct Unfinished<K, T> {
    kept: Arc<Mutex<Kept<K, T>>>,
    entry: Arc<CacheEntry<T>>,
}

impl<T: Cacheable> CacheEntry<T> {
    fn new() -> Self {
        Self {
            at: Instant::now(),
            result: SetOnce::new(),
            until: OnceLock::new(),
            queued: AtomicBool::new(false),
            bytes: AtomicU64::new(UNDER_WAY + OVERHEAD),
            generation: AtomicU64::new(0),
        }
    }

    /// Waits for it; `None` if it failed.
    pub(super) async fn result(&self) -> Option<Arc<T>> {
        self.result.wait().await.clone()
    }

    /// The item, if it is ready.
    pub(super) fn ready(&self) -> Option<&Arc<T>> {
        self.result.get()?.as_ref()
    }

    /// Whether it still waits for its turn.
    pub(super) fn is_queued(&self) -> bool {
        self.queued.load(Relaxed)
    }

    /// It waits for its turn, or no longer does.
    pub(super) fn set_queued(&self, queued: bool) {
        self.queued.store(queued, Relaxed);
    }

    /// Whether it is unfinished, or may still be used.
    fn is_fresh(&self) -> bool {
        match self.until.get() {
            Some(until) => Instant::now() < *until,
            None => !matches!(self.result.get(), Some(None)),
        }
    }
}

impl<K, T> Unfinished<K, T>
where
    K: Eq + Hash,
    T: Cacheable,
{
    /// The item is ready.
    pub(super) fn finish(self, value: T) {
        let bytes = u64::try_from(value.bytes()).unwrap_or(u64::MAX / 4) + OVERHEAD;
        let _ = self.entry.until.set(Instant::now() + value.lasts());
        let _ = self.entry.result.set(Some(Arc::new(value)));
        // Now its size is known.
        let gone = {
            let mut kept = locked(&self.kept);
            let before = self.entry.bytes.swap(bytes, Relaxed);
            if self.entry.generation.load(Relaxed) == kept.generation {
                kept.bytes = kept.bytes.saturating_sub(before).saturating_add(bytes);
            }
            kept.age()
        };
        drop(gone);
    }
}

impl<K, T> Drop for Unfinished<K, T> {
    fn drop(&mut self) {
        let _ = self.entry.result.set(None);
    }
}

fn locked<K, T>(kept: &Mutex<Kept<K, T>>) -> MutexGuard<'_, Kept<K, T>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Eq + Hash, T: Cacheable> Kept<K, T> {
    /// A good item of this key, which is young from now on.
    fn find(
        &mut self,
        key: &K,
        good: impl Fn(&CacheEntry<T>) -> bool,
    ) -> Option<Arc<CacheEntry<T>>> {
        if let Some(entry) = self.young.get(key) {
            return good(entry).then(|| entry.clone());
        }
        let (key, entry) = self.old.remove_entry(key)?;
        let is_good = good(&entry);
        is_good.then(|| {
            self.put(key, entry.clone());
            entry
        })
    }

    fn put(&mut self, key: K, entry: Arc<CacheEntry<T>>) {
        entry.generation.store(self.generation, Relaxed);
        self.bytes += entry.bytes.load(Relaxed);
        match self.young.entry(key) {
            Entry::Occupied(mut place) => {
                let before = place.insert(entry);
                before.generation.store(u64::MAX, Relaxed);
                self.bytes = self.bytes.saturating_sub(before.bytes.load(Relaxed));
            }
            Entry::Vacant(place) => {
                place.insert(entry);
            }
        }
    }

    /// What goes because there is too much.
    fn age(&mut self) -> Option<Entries<K, T>> {
        if self.bytes <= self.most {
            return None;
        }
        self.bytes = 0;
        self.generation += 1;
        let young = std::mem::take(&mut self.young);
        Some(std::mem::replace(&mut self.old, young))
    }
}

impl<K, T> Cache<K, T>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    T: Cacheable,
{
    /// A shelf for this many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            most: bytes / 2,
            generation: 0,
            bytes: 0,
            young: HashMap::default(),
            old: HashMap::default(),
        })))
    }

    /// The item of this key. If there is none, or one that is too old or was
    /// begun before `not_before`, `start` makes it, in its own task.
    pub(super) fn get(
        &self,
        key: &K,
        not_before: Option<Instant>,
        start: impl FnOnce(Arc<CacheEntry<T>>) -> BoxFuture<'static, T>,
    ) -> Arc<CacheEntry<T>> {
        let (entry, unfinished) = self.enter(key, not_before);
        if let Some(unfinished) = unfinished {
            let work = start(entry.clone());
            tokio::spawn(async move { unfinished.finish(work.await) });
        }
        entry
    }

    /// The item of this key, and whether the caller has to make it.
    pub(super) fn enter(
        &self,
        key: &K,
        not_before: Option<Instant>,
    ) -> (Arc<CacheEntry<T>>, Option<Unfinished<K, T>>) {
        let good = |entry: &CacheEntry<T>| {
            entry.is_fresh() && not_before.is_none_or(|moment| moment <= entry.at)
        };
        let (entry, gone) = {
            let mut kept = locked(&self.0);
            if let Some(entry) = kept.find(key, good) {
                return (entry, None);
            }
            let entry = Arc::new(CacheEntry::new());
            kept.put(key.clone(), entry.clone());
            (entry, kept.age())
        };
        drop(gone);
        let unfinished = Unfinished {
            kept: self.0.clone(),
            entry: entry.clone(),
        };
        (entry, Some(unfinished))
    }

    /// The item of this key, if it is unfinished or may be used.
    pub(super) fn fresh(&self, key: &K) -> Option<Arc<CacheEntry<T>>> {
        locked(&self.0).find(key, CacheEntry::is_fresh)
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

    fn made(text: Text) -> BoxFuture<'static, Text> {
        Box::pin(std::future::ready(text))
    }

    async fn text(cache: &Cache<u32, Text>, key: u32, text: &'static str) -> &'static str {
        let item = cache.get(&key, None, |_| made(Text(text, HOUR)));
        item.result().await.unwrap().0
    }

    #[tokio::test]
    async fn an_item_is_made_once_while_it_lasts() {
        let cache = Cache::new(1 << 20);
        assert_eq!(text(&cache, 1, "first").await, "first");
        assert_eq!(text(&cache, 1, "second").await, "first");
        assert_eq!(text(&cache, 2, "other").await, "other");
        let gone = cache.get(&3, None, |_| made(Text("gone", Duration::ZERO)));
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
        let item = cache.get(&1, now, |_| made(Text("new", HOUR)));
        assert_eq!(item.result().await.unwrap().0, "new");
        assert_eq!(text(&cache, 1, "newer").await, "new");
    }

    #[tokio::test]
    async fn whoever_comes_meanwhile_waits_for_the_same() {
        let cache = Cache::new(1 << 20);
        let (send, receive) = tokio::sync::oneshot::channel();
        let first = cache.get(&1, None, |_| {
            Box::pin(async { Text(receive.await.unwrap(), HOUR) })
        });
        let second = cache.get(&1, None, |_| made(Text("second", HOUR)));
        send.send("first").unwrap();
        assert_eq!(first.result().await.unwrap().0, "first");
        assert_eq!(second.result().await.unwrap().0, "first");
    }

    #[tokio::test]
    async fn the_least_recently_used_goes_first_and_bytes_are_bounded() {
        let most = 10 * (OVERHEAD + 1000);
        let cache = Cache::new(most);
        for key in 0..100 {
            let long = cache.get(&key, None, |_| made(Text(&LONG, HOUR)));
            long.result().await.unwrap();
            // Always in use.
            cache.fresh(&0);
            let kept = locked(&cache.0);
            let all = kept.young.values().chain(kept.old.values());
            let bytes: u64 = all.map(|entry| entry.bytes.load(Relaxed)).sum();
            assert!(bytes <= most + UNDER_WAY + OVERHEAD, "{bytes}");
        }
        assert!(cache.fresh(&0).is_some());
        assert!(cache.fresh(&1).is_none());
        assert!(cache.fresh(&99).is_some());
    }

    #[tokio::test]
    async fn what_is_not_finished_failed_and_is_made_anew() {
        let cache: Cache<u32, Text> = Cache::new(1 << 20);
        let (entry, unfinished) = cache.enter(&1, None);
        assert!(cache.enter(&1, None).1.is_none(), "it is under way");
        drop(unfinished);
        assert!(entry.result().await.is_none());
        assert!(cache.fresh(&1).is_none());
        assert_eq!(text(&cache, 1, "anew").await, "anew");
    }

    static LONG: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| "x".repeat(1000));
}
