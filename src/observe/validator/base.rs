//! What validation starts from, for all checks of a run.

use std::sync::Arc;
use std::time::Duration;

use domain::dnssec::validator::anchor::TrustAnchors;
use domain::dnssec::validator::context::{Config, ValidationContext};

use super::super::budget::{Times, ZONES_KEPT};
use super::super::resolver::Resolver;
use super::upstream::Upstream;
use crate::trust_anchor::RootAnchors;

/// Iterations above which a denial by NSEC3 proves nothing (unbound's
/// `val-nsec3-keysize-iterations`; RFC 9276 section 3.2).
pub(super) const NSEC3_ITERATIONS: u16 = 150;

/// Aliases followed in one answer: as many as the validator can be told to. A
/// resolver starts anew at other zones' names alone (unbound's
/// `max-query-restarts`), and the message bounds the rest.
const ALIASES: u8 = 100;

/// The validator of the `domain` crate.
pub(super) type Context = ValidationContext<Upstream>;

/// What the checks of a run share of their validation: what was fetched, and
/// the validator that starts from the root alone.
#[derive(Clone)]
pub(in super::super) struct Base {
    pub(super) anchors: RootAnchors,
    pub(super) upstream: Upstream,
    pub(super) context: Option<Arc<Context>>,
}

impl Base {
    /// Nothing fetched yet, from this resolver; what is fetched is used for
    /// `keep` at the longest.
    pub(in super::super) fn new(
        resolver: &Resolver,
        anchors: &RootAnchors,
        times: Times,
        keep: Duration,
    ) -> Self {
        let upstream = Upstream::new(resolver.clone(), times.query, times.total, keep);
        Self {
            context: context(anchors.text(), &upstream, keep),
            anchors: anchors.clone(),
            upstream,
        }
    }
}

/// A validator that starts from these anchors.
pub(super) fn context(anchors: &str, upstream: &Upstream, keep: Duration) -> Option<Arc<Context>> {
    let mut config = Config::new();
    config.set_nsec3_iter_insecure(NSEC3_ITERATIONS);
    config.set_max_cname_dname(ALIASES);
    config.set_max_node_cache(ZONES_KEPT);
    config.set_max_validity(keep);
    // Whoever comes later gets a judgement of its own.
    config.set_max_bogus_validity(Duration::from_secs(1));
    let anchors = TrustAnchors::from_u8(anchors.as_bytes()).ok()?;
    let context = ValidationContext::with_config(anchors, upstream.clone(), config);
    Some(Arc::new(context))
}
