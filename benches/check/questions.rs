//! How many DNS questions a check asks, and how many of them wait for each
//! other.

use std::collections::HashMap;
use std::error::Error;
use std::time::{Duration, Instant};

use danecheck::observe::{Dial, Resolver, Setup, observe};
use danecheck_validation::trust_anchor::RootAnchors;
use danecheck_world::dns::{DnsWorld, Misbehaviour, ResolverKind, Zone, now};

/// Each answer takes so long, beside which the rest of a check is nothing.
const PER_ANSWER: Duration = Duration::from_millis(200);

/// What a check of a healthy signed domain with one MX host costs.
pub(crate) struct Questions {
    /// All of them, for both views.
    pub(crate) count: usize,
    /// The longest chain of questions of which each waits for the one before.
    pub(crate) chain: f64,
}

/// Counts the questions of one check. No mail server answers: only DNS takes
/// time, so that the time of a check is the chain times that of an answer.
pub(crate) async fn count(kind: ResolverKind) -> Result<Questions, Box<dyn Error>> {
    let dns = DnsWorld::new(now())
        .resolver(kind)
        .zone(
            Zone::signed("one.example.")
                .mx("@", 10, "mx1")
                .a("mx1", [192, 0, 2, 10].into())
                .tlsa("_25._tcp.mx1", "3 1 1 ab12"),
        )
        .misbehaving_always(Misbehaviour::DelayedBy(PER_ANSWER))
        .start()
        .await?;
    let root_anchors = RootAnchors::from_text(dns.trust_anchor())?;
    let setup = Setup {
        dial: Dial::Routed(HashMap::new()),
        allow_private: true,
        ..Setup::new(Resolver::at([dns.addr()]), root_anchors, now())
    };
    let target = "one.example".parse()?;
    let begin = Instant::now();
    observe(&target, &setup).await;
    let took = begin.elapsed();
    Ok(Questions {
        count: dns.query_count(),
        chain: took.as_secs_f64() / PER_ANSWER.as_secs_f64(),
    })
}
