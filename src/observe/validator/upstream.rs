//! The validator's way to the DS and DNSKEY record sets: the resolver, each
//! question once for all checks of a run, with CD=1.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::base::{Message, Rtype};
use domain::net::client::request::{
    ComposeRequest, Error, GetResponse, RequestMessage, SendRequest,
};
use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::super::budget::{
    Deadline, FAILURES_KEPT, KEYS_BYTES_KEPT, VALIDATED_RECORDS, VALIDATION_QUERIES,
};
use super::super::pool::{Begun, Kept, Shelf};
use super::super::resolver::{Mode, Question, Resolver};
use super::packet::Owner;
use crate::observation::{FailureKind, LookupFailure};

/// What came back for one question.
pub(in super::super) type Fetched = Result<Bytes, LookupFailure>;

/// How long an answer is kept at least: longer than the validator takes a zone
/// for bogus because of a failure, so that there is an explanation all that
/// time.
const KEPT_AT_LEAST: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// Who pays for what the validator asks.
    pub(super) static PAYER: Arc<Allowance>;
}

/// What one check may still have asked for its own validation, and how long
/// it waits for that.
#[derive(Debug)]
pub(super) struct Allowance {
    left: AtomicUsize,
    used_up: watch::Sender<bool>,
    deadline: Deadline,
}

impl Allowance {
    fn new(deadline: Deadline) -> Self {
        Self {
            left: AtomicUsize::new(VALIDATION_QUERIES),
            used_up: watch::Sender::new(false),
            deadline,
        }
    }

    /// Pays for one question; false where there is nothing left.
    fn pay(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        let relaxed = Ordering::Relaxed;
        let paid = self.left.fetch_update(relaxed, relaxed, one_less).is_ok();
        if !paid {
            self.used_up.send_replace(true);
        }
        paid
    }

    pub(super) fn is_used_up(&self) -> bool {
        *self.used_up.borrow()
    }

    /// Ends where it is used up.
    pub(super) async fn used_up(&self) {
        // The sender is part of this.
        let _ = self.used_up.subscribe().wait_for(|it| *it).await;
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
    /// Nothing where whoever asks has to say who pays.
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
        Self {
            shared: self.shared.clone(),
            payer: Some(Arc::new(Allowance::new(deadline))),
        }
    }

    pub(super) fn payer(&self) -> Option<&Arc<Allowance>> {
        self.payer.as_ref()
    }

    /// Asks, or waits for whoever does so already; fails where that is not
    /// paid for, or takes longer than the check.
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

    /// What came back, where it was asked; waits for what is under way.
    pub(super) async fn fetched(&self, name: &Owner, rtype: Rtype) -> Option<Fetched> {
        let begun = self.shared.asked.peek(&(name.clone(), rtype))?;
        Some(self.wait(&begun).await)
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
        let shared = &self.shared;
        let answer = shared
            .resolver
            .ask(question, shared.query, deadline)
            .await?;
        // A copy takes no more room than it needs.
        let answer = Bytes::copy_from_slice(&answer);
        if has_too_many_records(&answer) {
            return Err(no_more());
        }
        Ok(answer)
    }
}

impl SendRequest<RequestMessage<Vec<u8>>> for Upstream {
    fn send_request(&self, request: RequestMessage<Vec<u8>>) -> Box<dyn GetResponse + Send + Sync> {
        let payer = PAYER.try_with(Clone::clone).ok();
        let pending = match self.begin_request(&request, payer.as_deref()) {
            Err(error) => Pending::Ready(Some(Err(error))),
            // An answer here, even a bad one, would be kept for the other
            // checks; whoever waits for this gives up (`used_up`).
            Ok(None) => Pending::Never,
            Ok(Some(begun)) => match begun.result().now_or_never() {
                Some(answered) => Pending::Ready(Some(response(answered.as_deref()))),
                None => Pending::Task(tokio::spawn(async move {
                    response(begun.result().await.as_deref())
                })),
            },
        };
        Box::new(pending)
    }
}

impl Upstream {
    fn begin_request(
        &self,
        request: &RequestMessage<Vec<u8>>,
        payer: Option<&Allowance>,
    ) -> Result<Option<Arc<Begun<Answered>>>, Error> {
        use domain::base::ToName as _;
        let request = request.to_message()?;
        let question = request.sole_question().map_err(|_| Error::FormError)?;
        let name = question.qname().to_name();
        Ok(self.begin(&name, question.qtype(), payer))
    }
}

/// An answer as the validator takes it.
fn response(answered: Option<&Answered>) -> Response {
    match answered.map(|it| &it.fetched) {
        Some(Ok(bytes)) => Ok(Message::from_octets(bytes.clone())?),
        Some(Err(_)) | None => Err(Error::NoTransportAvailable),
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

type Response = Result<Message<Bytes>, Error>;

/// An answer, there or under way.
#[derive(Debug)]
enum Pending {
    /// Nothing once it was taken.
    Ready(Option<Response>),
    /// A task of its own, because the trait wants a future that threads can
    /// share.
    Task(JoinHandle<Response>),
    Never,
}

impl GetResponse for Pending {
    fn get_response(&mut self) -> Pin<Box<dyn Future<Output = Response> + Send + Sync + '_>> {
        Box::pin(async {
            match self {
                Self::Ready(response) => response.take().unwrap_or(Err(Error::ConnectionClosed)),
                Self::Task(task) => task.await.unwrap_or(Err(Error::ConnectionClosed)),
                Self::Never => std::future::pending().await,
            }
        })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Self::Task(task) = self {
            task.abort();
        }
    }
}
