//! The chains of trust of a run: each link is computed once for all checks, and
//! its work counts against none of them.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::base::{Message, Name, Rtype};
use ring::digest::{Context, SHA256};

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

/// The input of a link: the link above, and the reply. The same bytes are never
/// judged twice.
type Key = [u8; 32];

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
        }
    }
}

/// The chains of one check.
pub(super) struct Chains {
    base: Base,
    now: UnixTime,
}

/// A zone on the way down, and its input.
struct At {
    zone: Arc<Zone>,
    key: Key,
    holds: Range<UnixTime>,
}

impl Chains {
    pub(super) fn upstream(&self) -> &Upstream {
        &self.base.upstream
    }

    /// How far the chain reaches towards a name.
    pub(super) async fn to(&self, name: &Owner) -> Chain {
        match self.down(name).await {
            Ok(zone) => Chain::Zone(zone),
            Err(end) => Chain::End(end),
        }
    }

    async fn down(&self, name: &Owner) -> Result<Arc<Zone>, Arc<OwnValidation>> {
        let whole = UnixTime(i64::MIN)..UnixTime(i64::MAX);
        let reply = self.base.upstream.fetch(&Name::root(), Rtype::DNSKEY).await;
        let (anchors, now) = (self.base.anchors.clone(), self.now);
        let find = move |reply: Reply<'_>, work: Work<'_>| {
            Ok(Found::Zone(Arc::new(root(reply, &anchors, now, work)?)))
        };
        let (key, link) = self
            .link(&[0; 32], &whole, "DNSKEY", &Name::root(), reply, find)
            .await;
        let mut at = match link.found {
            Found::Zone(zone) => At {
                zone,
                key,
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
            let (key, link) = self
                .link(&at.key, &at.holds, "DS", &name, reply, find)
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
            let (key, link) = self
                .link(&key, &link.holds, "DNSKEY", &name, reply, find)
                .await;
            match link.found {
                Found::Zone(zone) => {
                    at = At {
                        zone,
                        key,
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
        above: &Key,
        holds_above: &Range<UnixTime>,
        what: &str,
        name: &Owner,
        reply: Fetched,
        find: impl Fn(Reply<'_>, Work<'_>) -> Result<Found, End> + Clone + Send + Sync + 'static,
    ) -> (Key, Link) {
        let (now, keep) = (self.now, self.base.keep);
        let reply = match reply {
            Ok(reply) => reply,
            // No link; another check may succeed.
            Err(failure) => {
                let budget = WorkBudget::new(ZONE_WORK);
                let found = find(Err(failure.kind), Work::of(&budget)).unwrap_or_else(ended);
                let link = Link {
                    found,
                    holds: holds_above.clone(),
                    keep: Duration::ZERO,
                    bytes: 0,
                };
                return (*above, link);
            }
        };
        let key = key(above, what, name, &reply);
        let above = holds_above.clone();
        let is_long = is_long(&reply);
        let work = move || {
            let budget = WorkBudget::new(ZONE_WORK);
            let found = find(Ok(&reply), Work::of(&budget)).unwrap_or_else(ended);
            let here = holds(&reply, now);
            Link {
                found,
                holds: above.start.max(here.start)..above.end.min(here.end),
                keep,
                bytes: 1024 + 2 * reply.len(),
            }
        };
        let entry = self.base.links.get(&key, None, |_| {
            let work = work.clone();
            async move {
                if is_long {
                    // Like any other task it ends with its runtime.
                    let long = tokio::task::spawn_blocking(work.clone()).await;
                    return long.unwrap_or_else(|_| work());
                }
                work()
            }
        });
        let link = entry.result().await;
        match link.filter(|link| link.holds.contains(&now)) {
            Some(link) => (key, link.as_ref().clone()),
            None => (key, work()),
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

fn key(above: &Key, what: &str, name: &Owner, reply: &Bytes) -> Key {
    let mut context = Context::new(&SHA256);
    context.update(above);
    context.update(what.as_bytes());
    context.update(&name.as_slice().to_ascii_lowercase());
    context.update(reply);
    let mut key = [0; 32];
    let digest = context.finish();
    for (to, from) in key.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    key
}
