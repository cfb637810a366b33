//! Lookups as Postfix's `dns_lookup_x` makes them, each once.
//!
//! Answers stay raw while the check runs, because only its end shows whether
//! the resolver validates. Then [`super::settle`] gives each its status.
//! danecheck's own validation of an answer begins as soon as the answer is
//! there. If the resolver validates, nothing waits for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::base::ToName as _;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, ready};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::authority::{Authorities, Inspected, NameServerAccess};
use super::budget::{ANSWERS_BYTES, ByteBudget, Cuts, Deadline, Times};
use super::cache::{Cache, Retention};
use super::pool::Pool;
use super::query::{Query, QueryResult, Raw, failed};
use super::resolver::Resolver;
use super::running::RunningChecks;
use super::setup::Setup;
use super::steps::{self, StepKind, Steps};
use super::validator::{Base, Validator, name_in_doubt};
use danecheck_core::dnssec::{OwnValidation, SecurityStatus};
use danecheck_core::observation::{
    AuthoritySeen, Cut, ExtendedError, FailureKind, RecordType, ResolverValidation, Shortcoming,
};
use danecheck_validation::Owner;

/// The answers of the name servers, once they are there.
type PendingInspection = Shared<BoxFuture<'static, Option<AuthoritySeen>>>;

/// The result of danecheck's own validation, and what follows from it.
#[derive(Clone, Default)]
struct Judged {
    /// `None` if there is nothing to judge.
    own: Option<OwnValidation>,
    /// The name servers are asked because of this result.
    authority: Option<PendingInspection>,
}

/// A lookup that was made.
#[derive(Clone)]
pub(super) struct LookupResult {
    pub(super) raw: Arc<Raw>,
    /// When it was asked for.
    pub(super) asked_at: Instant,
    judged: Shared<BoxFuture<'static, Judged>>,
    /// The name servers are asked whatever the result of the validation is.
    authority: Option<PendingInspection>,
    /// The reason that came with the last reply.
    pub(super) extended_error: Option<ExtendedError>,
}

impl LookupResult {
    /// What the name servers answer directly, if they were asked.
    pub(super) async fn authority(&self) -> Option<AuthoritySeen> {
        let pending = match &self.authority {
            Some(pending) => Some(pending.clone()),
            None => self.judged.clone().await.authority,
        };
        pending?.await
    }

    /// The result of danecheck's own validation; `None` if nothing was asked.
    pub(super) async fn own(&self) -> Option<OwnValidation> {
        self.judged.clone().await.own
    }
}

/// The name and the record type.
type Key = (String, RecordType);

type Questions = HashMap<Key, Arc<OnceCell<LookupResult>>>;

/// A zone that its owner keeps bogus as a test of validators: a resolver that
/// answers for it does not validate. Only resolvers that set no AD bit are
/// asked for it.
const KNOWN_BOGUS: &str = "dnssec-failed.org";

/// What a lookup is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Postfix's way to a mail server.
    Mail,
    /// Anything else.
    Aside,
}

/// The lookups of one check.
pub(super) struct Dns<'a> {
    resolver: Resolver,
    times: Times,
    deadline: Deadline,
    cuts: &'a Cuts,
    lookups: Arc<Cache<Key, QueryResult>>,
    inspections: Arc<Cache<Key, Inspected>>,
    retention: Retention,
    running: RunningChecks,
    validator: Validator,
    authorities: Authorities,
    /// Whether name servers are asked about every lookup.
    authoritative: bool,
    asked: Mutex<Questions>,
    room: ByteBudget,
    answered: AtomicBool,
    authentic: AtomicBool,
    steps: Option<Steps>,
}

impl<'a> Dns<'a> {
    pub(super) fn new(setup: &'a Setup, pool: &Pool, deadline: Deadline, cuts: &'a Cuts) -> Self {
        let base =
            pool.base(|keep| Base::new(&setup.resolver, &setup.root_anchors, setup.times, keep));
        let validator = Validator::new(base, setup.checked_at, setup.times, deadline);
        let access = NameServerAccess {
            dial: setup.dial.clone(),
            private: setup.allow_private,
            times: setup.times,
            deadline,
            now: setup.checked_at,
        };
        Self {
            resolver: validator.upstream().resolver().clone(),
            times: setup.times,
            deadline,
            cuts,
            lookups: pool.lookups().clone(),
            inspections: pool.inspections().clone(),
            retention: pool.retention(),
            running: pool.running().clone(),
            authorities: Authorities::new(validator.clone(), access),
            authoritative: setup.authoritative,
            validator,
            asked: Mutex::default(),
            room: ByteBudget::new(ANSWERS_BYTES),
            answered: AtomicBool::new(false),
            authentic: AtomicBool::new(false),
            steps: setup.steps.clone(),
        }
    }

    /// Looks a name up, or waits for the running lookup.
    pub(super) async fn look_up(&self, name: &str, record_type: RecordType) -> LookupResult {
        self.look_up_for(Purpose::Mail, name, record_type).await
    }

    /// Looks up a name on which no delivery depends: without own validation,
    /// without asking name servers, and without a note if it takes too long.
    pub(super) async fn look_up_aside(&self, name: &str, record_type: RecordType) -> LookupResult {
        self.look_up_for(Purpose::Aside, name, record_type).await
    }

    /// The answer to a question on which nothing in this check depends, not even
    /// what is known of the resolver.
    pub(super) async fn glance(&self, name: &str, record_type: RecordType) -> Option<Arc<Raw>> {
        let (found, _) = self.find(name, record_type).await;
        found.map(|found| found.raw.clone())
    }

    async fn look_up_for(
        &self,
        purpose: Purpose,
        name: &str,
        record_type: RecordType,
    ) -> LookupResult {
        let cell = self
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry((name.to_owned(), record_type))
            .or_default()
            .clone();
        cell.get_or_init(|| Box::pin(self.look(name, record_type, purpose)))
            .await
            .clone()
    }

    async fn look(&self, name: &str, record_type: RecordType, purpose: Purpose) -> LookupResult {
        let aside = purpose == Purpose::Aside;
        let late = || {
            if !aside {
                self.cuts.late(format!("{name} {record_type}"));
            }
        };
        let (found, asked_at) = self.find(name, record_type).await;
        let Some(found) = found else {
            late();
            return timed_out(asked_at);
        };
        if found.replies.answered {
            self.answered.store(true, Ordering::Relaxed);
        }
        if found.replies.authentic {
            self.authentic.store(true, Ordering::Relaxed);
        }
        for cut in &found.replies.cuts {
            self.cuts.note(cut.clone());
        }
        if matches!(&*found.raw, Raw::Failed(failure) if failure.kind == FailureKind::Timeout) {
            late();
        }
        let raw = if self.room.take(found.replies.bytes()) {
            found.raw.clone()
        } else {
            self.cuts.note(Cut::Answers {
                bound: ANSWERS_BYTES,
            });
            Arc::new(failed(FailureKind::Malformed))
        };
        // A failure of a question about the resolver itself is not the domain's
        // fault.
        let of_resolver = name.is_empty()
            || name == KNOWN_BOGUS
            || aside
            // Name servers are asked from here, not from elsewhere.
            || !self.resolver.is_here();
        let end = found.replies.end.clone().filter(|_| !of_resolver);
        let inspection = end.map(|end| Inspection {
            authorities: self.authorities.clone(),
            cache: self.inspections.clone(),
            keep: self.retention.of_failure(),
            deadline: self.deadline,
            asked: name.parse().unwrap_or_else(|_| end.to_name()),
            name: end.to_name(),
            record_type,
        });
        // If the resolver never answered, that has its own finding.
        let fails = matches!(*raw, Raw::Failed(_)) && self.answered.load(Ordering::Relaxed);
        let (at_once, if_bogus) = match inspection {
            Some(inspection) if fails || self.authoritative => (Some(inspection), None),
            inspection => (None, inspection),
        };
        LookupResult {
            raw,
            asked_at,
            judged: match purpose {
                Purpose::Mail => self.validate(&found, if_bogus),
                Purpose::Aside => ready(Judged::default()).boxed().shared(),
            },
            authority: at_once.map(Inspection::begin),
            extended_error: found.replies.extended_error.clone(),
        }
    }

    /// The result of a lookup, and when it was asked for; `None` if it comes
    /// too late for this check. Lookups about a host are made once for all
    /// checks; MX and TXT records belong to one target.
    async fn find(
        &self,
        name: &str,
        record_type: RecordType,
    ) -> (Option<Arc<QueryResult>>, Instant) {
        let _step = steps::begin(self.steps.as_ref(), StepKind::Dns, || match name {
            "" => format!(". {record_type}"),
            name => format!("{name} {record_type}"),
        });
        let work = {
            let query = Query {
                resolver: self.resolver.clone(),
                query: self.times.query,
                retention: self.retention,
            };
            let name = name.to_owned();
            // Another check that waits for it may have more time than this one.
            let deadline = match self.running.is_alone() {
                true => self.deadline,
                false => Deadline::after(self.times.total),
            };
            move || async move { query.find(&name, record_type, deadline).await }.boxed()
        };
        // Lookups of one target would only displace lookups of shared hosts.
        if matches!(record_type, RecordType::Mx | RecordType::Txt) {
            let asked_at = Instant::now();
            return (Some(Arc::new(work().await)), asked_at);
        }
        let key = (name.to_owned(), record_type);
        let found = self.lookups.get(&key, None, |_| work());
        let waited = self.deadline.wait(found.result()).await;
        (waited.flatten(), found.at)
    }

    /// Starts danecheck's own validation beside the next steps, and after it
    /// the questions to the name servers if the answer is bogus.
    fn validate(
        &self,
        found: &Arc<QueryResult>,
        if_bogus: Option<Inspection>,
    ) -> Shared<BoxFuture<'static, Judged>> {
        let validator = self.validator.clone();
        let judged = move |own: OwnValidation| {
            validator.note(&own);
            Judged {
                authority: if_bogus
                    .filter(|_| own.is_bogus())
                    .map(|inspection| inspection.because_of(&own).begin()),
                own: Some(own),
            }
        };
        if let Some(own) = found.own.get() {
            return ready(judged(own.clone())).boxed().shared();
        }
        if found.replies.messages.is_empty() && found.replies.failed.is_none() {
            return ready(Judged::default()).boxed().shared();
        }
        let (validator, found) = (self.validator.clone(), found.clone());
        let deadline = self.deadline;
        let task = tokio::spawn(async move {
            let judge = async || {
                let replies = &found.replies;
                let own = validator.judge_lookup(&replies.messages, replies.failed.as_ref());
                // In a box: a task is moved when it begins and when it ends.
                let own = Box::pin(own).await;
                // A result that was cut short for this check counts for no
                // other.
                match validator.was_cut() {
                    true => Err(own),
                    false => Ok(own),
                }
            };
            judged(
                match deadline.wait(found.own.get_or_try_init(judge)).await {
                    Some(Ok(own)) => own.clone(),
                    Some(Err(own)) => own,
                    None => Validator::late(),
                },
            )
        });
        async move { task.await.unwrap_or_default() }
            .boxed()
            .shared()
    }

    /// Whether an answer is secure, for a caller that has to decide now: by the
    /// resolver's AD bit if it validates, else by our own validation. `None` if
    /// unknown.
    pub(super) async fn is_secure(&self, looked: &LookupResult) -> Option<bool> {
        let authentic = match &*looked.raw {
            Raw::Records { authentic, .. } | Raw::Denied { authentic, .. } => *authentic,
            Raw::Failed(_) => false,
        };
        if authentic || self.validates().await {
            return Some(authentic);
        }
        match looked.own().await?.status {
            SecurityStatus::Secure => Some(true),
            SecurityStatus::Insecure | SecurityStatus::Bogus => Some(false),
            SecurityStatus::Indeterminate => None,
        }
    }

    /// Notes which questions to name servers were left out, at the end.
    pub(super) fn note_what_was_left_out(&self) {
        let left_out = self.authorities.left_out().chain(self.validator.left_out());
        left_out.for_each(|cut| self.cuts.note(cut));
    }

    /// Why a resolver that answers did not prove that it validates.
    pub(super) async fn shortcoming(&self) -> Option<Shortcoming> {
        if self.validates().await || self.validation() == ResolverValidation::NoAnswer {
            return None;
        }
        if self.denies_the_root().await {
            return Some(Shortcoming::DeniesTheRoot);
        }
        let root = self.look_up("", RecordType::Ns).await;
        if matches!(&*root.raw, Raw::Records { signed: false, .. }) {
            return Some(Shortcoming::NotDnssecCapable);
        }
        let ask = async {
            let looked = self.look_up(KNOWN_BOGUS, RecordType::Ns).await;
            let own = looked.own().await;
            own.map(|own| (looked.raw, own.status))
        };
        let (raw, status) = self.deadline.run(self.times.query, ask).await??;
        match (&*raw, status) {
            (Raw::Failed(_), SecurityStatus::Bogus) => Some(Shortcoming::AdStripped),
            (Raw::Records { .. } | Raw::Denied { .. }, SecurityStatus::Bogus) => {
                Some(Shortcoming::DoesNotValidate)
            }
            _ => None,
        }
    }

    /// Whether the resolver denies what must exist: the name servers of the
    /// root.
    pub(super) async fn denies_the_root(&self) -> bool {
        let root = self.look_up("", RecordType::Ns).await;
        matches!(&*root.raw, Raw::Denied { .. })
    }

    /// Postfix's probe for a resolver that validates (`dns_sec_probe`).
    pub(super) async fn validates(&self) -> bool {
        if !self.authentic.load(Ordering::Relaxed) {
            self.look_up("", RecordType::Ns).await;
        }
        self.authentic.load(Ordering::Relaxed)
    }

    /// What is known of the resolver so far.
    pub(super) fn validation(&self) -> ResolverValidation {
        if self.authentic.load(Ordering::Relaxed) {
            ResolverValidation::Shown
        } else if self.answered.load(Ordering::Relaxed) {
            ResolverValidation::NotShown
        } else {
            ResolverValidation::NoAnswer
        }
    }
}

/// A question to name servers about one record set.
struct Inspection {
    authorities: Authorities,
    cache: Arc<Cache<Key, Inspected>>,
    /// How long what they say may be used.
    keep: Duration,
    deadline: Deadline,
    asked: Owner,
    name: Owner,
    record_type: RecordType,
}

impl Inspection {
    /// It is about the name at which the chain of trust breaks.
    fn because_of(self, own: &OwnValidation) -> Self {
        let name = name_in_doubt(own, self.asked.clone(), self.name);
        Self { name, ..self }
    }

    /// Starts these questions beside the next steps.
    fn begin(self) -> PendingInspection {
        let task = tokio::spawn(self.ask());
        async move { task.await.ok().flatten() }.boxed().shared()
    }

    async fn ask(self) -> Option<AuthoritySeen> {
        let rtype = super::wire::rtype(self.record_type);
        let key = (self.name.to_string().to_ascii_lowercase(), self.record_type);
        let (authorities, name) = (self.authorities.clone(), self.name.clone());
        let keep = self.keep;
        let mut mine = false;
        let entry = self.cache.get(&key, None, |_| {
            mine = true;
            async move { Inspected::new(authorities.inspect(&name, rtype).await, keep) }.boxed()
        });
        match self.deadline.wait(entry.result()).await.flatten() {
            Some(inspected) if mine || inspected.is_whole() => inspected.seen(),
            // Another check had no time or budget left for it.
            Some(_) => self.authorities.inspect(&self.name, rtype).await,
            None => None,
        }
    }
}

/// A lookup that got no answer while this check had time.
fn timed_out(asked_at: Instant) -> LookupResult {
    let own = OwnValidation::indeterminate(format!(
        "the resolver gives no answer to judge: {}",
        FailureKind::Timeout.as_text()
    ));
    LookupResult {
        raw: Arc::new(failed(FailureKind::Timeout)),
        asked_at,
        judged: ready(Judged {
            own: Some(own),
            authority: None,
        })
        .boxed()
        .shared(),
        authority: None,
        extended_error: None,
    }
}
