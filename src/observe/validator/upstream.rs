//! Fetches DS and DNSKEY record sets for the validator: from the resolver with
//! CD=1, each once for all checks of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::base::{Message, Rtype};

use super::super::budget::{Deadline, FAILURES_KEPT, KEYS_BYTES_KEPT, VALIDATION_QUERIES};
use super::super::cache::{Cache, CacheEntry, Cacheable};
use super::super::exchange::{Mode, Question};
use super::super::resolver::Resolver;
use danecheck_core::observation::{FailureKind, LookupFailure};
use danecheck_validation::{Owner, VALIDATED_RECORDS};

/// The answer to one question.
pub(in super::super) type Fetched = Result<Bytes, LookupFailure>;

/// The least time for which an answer is kept, so that one lookup is judged by
/// one answer.
const KEPT_AT_LEAST: Duration = Duration::from_secs(5);

/// How many questions one check may still ask for its own validation, and how
/// long it waits for them.
#[derive(Debug)]
pub(super) struct QueryBudget {
    left: AtomicUsize,
    used_up: AtomicBool,
    deadline: Deadline,
    resolver: Resolver,
}

impl QueryBudget {
    fn new(deadline: Deadline, resolver: Resolver) -> Self {
        Self {
            resolver,
            left: AtomicUsize::new(VALIDATION_QUERIES),
            used_up: AtomicBool::new(false),
            deadline,
        }
    }

    /// Pays for one question; false if there is nothing left.
    fn pay(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        let relaxed = Ordering::Relaxed;
        let paid = self.left.fetch_update(relaxed, relaxed, one_less).is_ok();
        if !paid {
            self.used_up.store(true, relaxed);
        }
        paid
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.used_up.load(Ordering::Relaxed)
    }
}

/// A cached answer.
pub(super) struct Answered {
    fetched: Fetched,
    lasts: Duration,
}

impl Cacheable for Answered {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.fetched.as_ref().map_or(0, Bytes::len)
    }

    fn lasts(&self) -> Duration {
        self.lasts
    }
}

/// The questions of one run, for one check.
#[derive(Clone)]
pub(in super::super) struct Upstream {
    shared: Arc<Shared>,
    /// `None` if no question was asked yet.
    budget: Option<Arc<QueryBudget>>,
}

struct Shared {
    resolver: Resolver,
    query: Duration,
    total: Duration,
    keep: Duration,
    asked: Cache<(Owner, Rtype), Answered>,
}

impl Upstream {
    /// The questions of a run. Each may take `query` with one server and
    /// `total` in all; answers are used for at most `keep`.
    pub(super) fn new(
        resolver: Resolver,
        query: Duration,
        total: Duration,
        keep: Duration,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                resolver,
                query,
                total,
                keep,
                asked: Cache::new(KEYS_BYTES_KEPT),
            }),
            budget: None,
        }
    }

    /// The same, for one check, which waits this long.
    pub(super) fn for_one_check(&self, deadline: Deadline) -> Self {
        let resolver = self.shared.resolver.for_one_check();
        Self {
            shared: self.shared.clone(),
            budget: Some(Arc::new(QueryBudget::new(deadline, resolver))),
        }
    }

    /// The resolver, for the check that pays.
    pub(in super::super) fn resolver(&self) -> &Resolver {
        match &self.budget {
            Some(budget) => &budget.resolver,
            None => &self.shared.resolver,
        }
    }

    pub(super) fn budget(&self) -> Option<&Arc<QueryBudget>> {
        self.budget.as_ref()
    }

    /// Asks, or waits for the running question; fails if the check cannot pay
    /// for it, or if it takes longer than the check.
    pub(in super::super) async fn fetch(&self, name: &Owner, rtype: Rtype) -> Fetched {
        let budget = self.budget.as_deref();
        match self.begin(name, rtype, budget) {
            Some(entry) => self.wait(&entry).await,
            None => Err(no_more()),
        }
    }

    /// Starts the question, if it is not running yet.
    pub(super) fn fetch_ahead(&self, name: &Owner, rtype: Rtype) {
        self.begin(name, rtype, self.budget.as_deref());
    }

    async fn wait(&self, entry: &CacheEntry<Answered>) -> Fetched {
        let answered = match &self.budget {
            Some(budget) => budget.deadline.wait(entry.result()).await.flatten(),
            None => entry.result().await,
        };
        answered.map_or_else(|| Err(no_more()), |it| it.fetched.clone())
    }

    /// Asks, unless another check already did; `None` if the check cannot pay
    /// for a new question.
    fn begin(
        &self,
        name: &Owner,
        rtype: Rtype,
        budget: Option<&QueryBudget>,
    ) -> Option<Arc<CacheEntry<Answered>>> {
        let key = (name.clone(), rtype);
        let asked = &self.shared.asked;
        if let Some(entry) = asked.fresh(&key) {
            return Some(entry);
        }
        if !budget.is_none_or(QueryBudget::pay) {
            return None;
        }
        Some(asked.get(&key, None, |_| {
            let (upstream, name) = (self.clone(), name.clone());
            // If a check runs out of time, the answer still serves the others.
            let deadline = Deadline::after(self.shared.total);
            Box::pin(async move { upstream.answer(&name, rtype, deadline).await })
        }))
    }

    async fn answer(&self, name: &Owner, rtype: Rtype, deadline: Deadline) -> Answered {
        let fetched = self.ask(name, rtype, deadline).await;
        let lasts = match &fetched {
            Ok(bytes) => Duration::from_secs(super::super::wire::lasts(bytes).into()),
            Err(_) => FAILURES_KEPT,
        };
        Answered {
            fetched,
            lasts: lasts.min(self.shared.keep).max(KEPT_AT_LEAST),
        }
    }

    /// Asks with CD=1.
    pub(super) async fn ask(&self, name: &Owner, rtype: Rtype, deadline: Deadline) -> Fetched {
        use domain::base::ToName as _;
        let question = Question {
            name: &name.to_vec(),
            rtype,
            mode: Mode::CheckingDisabled,
        };
        let query = self.shared.query;
        let answer = self.resolver().ask(question, query, deadline).await?.bytes;
        if has_too_many_records(&answer) {
            return Err(no_more());
        }
        Ok(answer)
    }
}

/// Whether sorting its records would take too long.
fn has_too_many_records(answer: &Bytes) -> bool {
    Message::from_octets(answer).is_ok_and(|message| {
        let counts = message.header_counts();
        let most = counts.ancount().max(counts.nscount());
        usize::from(most) > VALIDATED_RECORDS
    })
}

/// A budget is used up.
fn no_more() -> LookupFailure {
    LookupFailure {
        kind: FailureKind::Timeout,
        extended_error: None,
    }
}
