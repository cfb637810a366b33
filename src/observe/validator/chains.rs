//! The chains of trust of a run: each link is computed once for all checks, and
//! its work counts against none of them.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::base::{Message, Name, Rtype};
use tokio::sync::OnceCell;

use super::super::budget::{Deadline, Times, ZONES_BYTES_KEPT};
use super::super::cache::{Cache, Cacheable};
use super::super::resolver::Resolver;
use super::upstream::{Fetched, Upstream};
use danecheck_core::dnssec::OwnValidation;
use danecheck_core::observation::FailureKind;
use danecheck_core::unix_time::UnixTime;
use danecheck_core::work::WorkBudget;
use danecheck_validation::trust_anchor::RootAnchors;
use danecheck_validation::{Chain, Delegation, End, Owner, Work, ZONE_WORK, Zone};
use danecheck_validation::{child, cut, holds, path, root};

/// Records in a reply up to which a link is computed on this thread; more would
/// delay the network.
const ON_THE_SPOT: u16 = 12;

/// The input of a link: the number of the link above, and the reply. The same
/// bytes are never judged twice.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    above: u64,
    rtype: Rtype,
    name: Owner,
    reply: Bytes,
}

/// Without the reply, which is long: a resolver gives few to one question.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.above, self.rtype).hash(state);
        self.name.hash(state);
    }
}

/// A link of a chain.
#[derive(Clone)]
enum Found {
    Zone(Arc<Zone>),
    Cut(Arc<Delegation>),
    NoCut,
    End(Arc<OwnValidation>),
}

/// A link, and the time for which it is valid.
#[derive(Clone)]
struct Link {
    /// No other link has this number; that of the link above if there is none.
    number: u64,
    found: Found,
    holds: Range<UnixTime>,
    keep: Duration,
    bytes: usize,
}

impl Cacheable for Link {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn lasts(&self) -> Duration {
        self.keep
    }
}

/// What the checks of a run share of their validation: the fetched replies, and
/// the links.
#[derive(Clone)]
pub(in super::super) struct Base {
    anchors: RootAnchors,
    upstream: Upstream,
    links: Arc<Cache<Key, Link>>,
    /// Links so far.
    numbers: Arc<AtomicU64>,
    keep: Duration,
}

impl Base {
    /// Empty, for this resolver; replies are used for at most `keep`.
    pub(in super::super) fn new(
        resolver: &Resolver,
        anchors: &RootAnchors,
        times: Times,
        keep: Duration,
    ) -> Self {
        Self {
            anchors: anchors.clone(),
            upstream: Upstream::new(resolver.clone(), times.query, times.total, keep),
            links: Arc::new(Cache::new(ZONES_BYTES_KEPT)),
            numbers: Arc::default(),
            keep,
        }
    }

    /// The chains for one check.
    pub(super) fn for_one_check(&self, now: UnixTime, deadline: Deadline) -> Chains {
        Chains {
            base: Self {
                upstream: self.upstream.for_one_check(deadline),
                ..self.clone()
            },
            now,
            known: Mutex::default(),
        }
    }
}

/// The chains of one check.
pub(super) struct Chains {
    base: Base,
    now: UnixTime,
    /// Those that it asked for, so that all its lookups are judged by the same.
    known: Mutex<HashMap<Owner, Arc<OnceCell<Chain>>>>,
}

/// A zone on the way down, and its input.
struct At {
    zone: Arc<Zone>,
    number: u64,
    holds: Range<UnixTime>,
}

impl Chains {
    pub(super) fn upstream(&self) -> &Upstream {
        &self.base.upstream
    }

    /// Whether the chain to a name is known, or under way.
    pub(super) fn has_begun(&self, name: &Owner) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains_key(name)
    }

    /// How far the chain reaches towards a name.
    pub(super) async fn to(&self, name: &Owner) -> Chain {
        let cell = {
            let lock = self.known.lock();
            let mut known = lock.unwrap_or_else(PoisonError::into_inner);
            known.entry(name.clone()).or_default().clone()
        };
        let find = async || match self.down(name).await {
            Ok(zone) => Chain::Zone(zone),
            Err(end) => Chain::End(end),
        };
        cell.get_or_init(find).await.clone()
    }

    async fn down(&self, name: &Owner) -> Result<Arc<Zone>, Arc<OwnValidation>> {
        let whole = UnixTime(i64::MIN)..UnixTime(i64::MAX);
        let reply = self.base.upstream.fetch(&Name::root(), Rtype::DNSKEY).await;
        let (anchors, now) = (self.base.anchors.clone(), self.now);
        let find = move |reply: Reply<'_>, work: Work<'_>| {
            Ok(Found::Zone(Arc::new(root(reply, &anchors, now, work)?)))
        };
        let link = self
            .link(0, &whole, Rtype::DNSKEY, &Name::root(), reply, find)
            .await;
        let mut at = match link.found {
            Found::Zone(zone) => At {
                zone,
                number: link.number,
                holds: link.holds,
            },
            Found::End(end) => return Err(end),
            Found::Cut(_) | Found::NoCut => return Err(Arc::new(late())),
        };
        for name in path(name) {
            let reply = self.base.upstream.fetch(&name, Rtype::DS).await;
            let (zone, here) = (at.zone.clone(), name.clone());
            let find = move |reply: Reply<'_>, work: Work<'_>| {
                let found = cut(&zone, &here, reply, now, work)?;
                Ok(found.map_or(Found::NoCut, |it| Found::Cut(Arc::new(it))))
            };
            let link = self
                .link(at.number, &at.holds, Rtype::DS, &name, reply, find)
                .await;
            let delegation = match link.found {
                Found::Cut(delegation) => delegation,
                Found::NoCut | Found::Zone(_) => continue,
                Found::End(end) => return Err(end),
            };
            let reply = self.base.upstream.fetch(&name, Rtype::DNSKEY).await;
            let find = move |reply: Reply<'_>, work: Work<'_>| {
                Ok(Found::Zone(Arc::new(child(&delegation, reply, now, work)?)))
            };
            let link = self
                .link(link.number, &link.holds, Rtype::DNSKEY, &name, reply, find)
                .await;
            match link.found {
                Found::Zone(zone) => {
                    at = At {
                        zone,
                        number: link.number,
                        holds: link.holds,
                    };
                }
                Found::End(end) => return Err(end),
                Found::Cut(_) | Found::NoCut => {}
            }
        }
        Ok(at.zone)
    }

    /// Computes a link, unless another check already did.
    async fn link(
        &self,
        above: u64,
        holds_above: &Range<UnixTime>,
        rtype: Rtype,
        name: &Owner,
        reply: Fetched,
        find: impl Fn(Reply<'_>, Work<'_>) -> Result<Found, End> + Clone + Send + Sync + 'static,
    ) -> Link {
        let (now, keep) = (self.now, self.base.keep);
        let reply = match reply {
            Ok(reply) => reply,
            // No link; another check may succeed.
            Err(failure) => {
                let budget = WorkBudget::new(ZONE_WORK);
                let found = find(Err(failure.kind), Work::of(&budget)).unwrap_or_else(ended);
                return Link {
                    number: above,
                    found,
                    holds: holds_above.clone(),
                    keep: Duration::ZERO,
                    bytes: 0,
                };
            }
        };
        let key = Key {
            above,
            rtype,
            name: name.clone(),
            reply: reply.clone(),
        };
        let above = holds_above.clone();
        let is_long = is_long(&reply);
        let numbers = self.base.numbers.clone();
        let work = move || {
            let budget = WorkBudget::new(ZONE_WORK);
            let found = find(Ok(&reply), Work::of(&budget)).unwrap_or_else(ended);
            let here = holds(&reply, now);
            Link {
                number: numbers.fetch_add(1, Relaxed) + 1,
                found,
                holds: above.start.max(here.start)..above.end.min(here.end),
                keep,
                bytes: 1024 + 2 * reply.len(),
            }
        };
        let (entry, unfinished) = self.base.links.enter(&key, None);
        if let Some(unfinished) = unfinished {
            let make = work.clone();
            let make = move || unfinished.finish(make());
            if is_long {
                // Like any other task it ends with its runtime.
                tokio::task::spawn_blocking(make);
            } else {
                make();
            }
        }
        match entry.result().await {
            Some(link) if link.holds.contains(&now) => link.as_ref().clone(),
            // The links below it find the same of themselves.
            Some(link) => Link {
                number: link.number,
                ..work()
            },
            None => work(),
        }
    }
}

/// What is said where there was no time for a judgement.
pub(super) fn late() -> OwnValidation {
    OwnValidation::indeterminate("the validation did not end in time")
}

type Reply<'a> = Result<&'a Bytes, FailureKind>;

fn ended(end: End) -> Found {
    Found::End(Arc::from(end))
}

/// Whether there is much to check.
fn is_long(reply: &Bytes) -> bool {
    Message::from_octets(reply).is_ok_and(|message| {
        let counts = message.header_counts();
        counts.ancount().max(counts.nscount()) > ON_THE_SPOT
    })
}
