//! The validator's way to the DS and DNSKEY record sets: the resolver, each
//! question once for all checks of a run, with CD=1.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::base::{Message, Rtype};

use super::super::budget::{Deadline, FAILURES_KEPT, KEYS_BYTES_KEPT, VALIDATION_QUERIES};
use super::super::pool::{Begun, Kept, Shelf};
use super::super::resolver::{Mode, Question, Resolver};
use danecheck_core::observation::{FailureKind, LookupFailure};
use danecheck_validation::{Owner, VALIDATED_RECORDS};

/// What came back for one question.
pub(in super::super) type Fetched = Result<Bytes, LookupFailure>;

/// How long an answer is kept at least, so that one lookup is judged by one
/// answer.
const KEPT_AT_LEAST: Duration = Duration::from_secs(5);

/// What one check may still have asked for its own validation, and how long
/// it waits for that.
#[derive(Debug)]
pub(super) struct Allowance {
    left: AtomicUsize,
    used_up: AtomicBool,
    deadline: Deadline,
    resolver: Resolver,
}

impl Allowance {
    fn new(deadline: Deadline, resolver: Resolver) -> Self {
        Self {
            resolver,
            left: AtomicUsize::new(VALIDATION_QUERIES),
            used_up: AtomicBool::new(false),
            deadline,
        }
    }

    /// Pays for one question; false where there is nothing left.
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

/// An answer on its shelf.
pub(super) struct Answered {
    fetched: Fetched,
    lasts: Duration,
}

impl Kept for Answered {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.fetched.as_ref().map_or(0, Bytes::len)
    }

    fn lasts(&self) -> Duration {
        self.lasts
    }
}

/// All questions of one run, asked for one check.
#[derive(Clone)]
pub(in super::super) struct Upstream {
    shared: Arc<Shared>,
    /// Nothing where nobody asks yet.
    payer: Option<Arc<Allowance>>,
}

struct Shared {
    resolver: Resolver,
    query: Duration,
    total: Duration,
    keep: Duration,
    asked: Shelf<(Owner, Rtype), Answered>,
}

impl Upstream {
    /// The questions of a run, each of which takes `query` with one server
    /// and `total` in all; answers are used for `keep` at the longest.
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
                asked: Shelf::new(KEYS_BYTES_KEPT),
            }),
            payer: None,
        }
    }

    /// The same, for one check, which waits so long.
    pub(super) fn for_one_check(&self, deadline: Deadline) -> Self {
        let resolver = self.shared.resolver.for_one_check();
        Self {
            shared: self.shared.clone(),
            payer: Some(Arc::new(Allowance::new(deadline, resolver))),
        }
    }

    /// Who is asked, for the check that pays.
    pub(in super::super) fn resolver(&self) -> &Resolver {
        match &self.payer {
            Some(payer) => &payer.resolver,
            None => &self.shared.resolver,
        }
    }

    pub(super) fn payer(&self) -> Option<&Arc<Allowance>> {
        self.payer.as_ref()
    }

    /// Asks, or waits for the question that is under way; fails where that is
    /// not paid for, or takes longer than the check.
    pub(in super::super) async fn fetch(&self, name: &Owner, rtype: Rtype) -> Fetched {
        let payer = self.payer.as_deref();
        match self.begin(name, rtype, payer) {
            Some(begun) => self.wait(&begun).await,
            None => Err(no_more()),
        }
    }

    /// Lets it be asked, where it is not yet.
    pub(super) fn fetch_ahead(&self, name: &Owner, rtype: Rtype) {
        self.begin(name, rtype, self.payer.as_deref());
    }

    async fn wait(&self, begun: &Begun<Answered>) -> Fetched {
        let answered = match &self.payer {
            Some(payer) => payer.deadline.wait(begun.result()).await.flatten(),
            None => begun.result().await,
        };
        answered.map_or_else(|| Err(no_more()), |it| it.fetched.clone())
    }

    /// Asks, unless somebody did so already; nothing where it would have to be
    /// asked and is not paid for.
    fn begin(
        &self,
        name: &Owner,
        rtype: Rtype,
        payer: Option<&Allowance>,
    ) -> Option<Arc<Begun<Answered>>> {
        let key = (name.clone(), rtype);
        let asked = &self.shared.asked;
        if let Some(begun) = asked.fresh(&key) {
            return Some(begun);
        }
        if !payer.is_none_or(Allowance::pay) {
            return None;
        }
        Some(asked.get(&key, None, |_| {
            let (upstream, name) = (self.clone(), name.clone());
            // A check that runs out of time leaves the answer to the others.
            let deadline = Deadline::after(self.shared.total);
            async move { upstream.answer(&name, rtype, deadline).await }
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

    /// Asks whatever the resolver itself thinks of the data.
    pub(super) async fn ask(&self, name: &Owner, rtype: Rtype, deadline: Deadline) -> Fetched {
        use domain::base::ToName as _;
        let question = Question {
            name: &name.to_vec(),
            rtype,
            mode: Mode::CheckingDisabled,
        };
        let query = self.shared.query;
        let answer = self.resolver().ask(question, query, deadline).await?;
        // A copy takes no more room than it needs.
        let answer = Bytes::copy_from_slice(&answer);
        if has_too_many_records(&answer) {
            return Err(no_more());
        }
        Ok(answer)
    }
}

/// Whether to put its records in order would take too long.
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
