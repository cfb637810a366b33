//! Lookups as Postfix's `dns_lookup_x` makes them, each asked once.
//!
//! Answers stay raw while the check runs, because only at its end is it known
//! whether the resolver validates; then [`settle`] gives each its status.
//! danecheck's own validation of each answer sets out as soon as it is there,
//! and nobody waits for it who has the resolver's word.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::base::ToName as _;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::Setup;
use super::authority::{Authorities, Inspected, Way};
use super::budget::{ALIAS_HOPS, ANSWERS_BYTES, Cuts, Deadline, RECORDS, Room, Times};
use super::pool::{Kept, Pool};
use super::resolver::{Mode, Question, Resolver};
use super::validator::{Base, Failed, Owner, Validator};
use super::wire::{Datum, WireName};
use crate::dnssec::{KnownBy, OwnValidation, SecurityStatus, Validated};
use crate::next_hop::host_name_fault;
use crate::observation::{
    Answer, AuthoritySeen, Denial, ExtendedError, FailureKind, Lookup, LookupFailure, RecordSet,
    RecordType, ResolverValidation, Shortcoming,
};

/// An answer with the AD bit, before anything is made of the bit.
#[derive(Clone, Debug)]
pub(super) enum Raw {
    Records {
        aliases: Vec<String>,
        data: Vec<Datum>,
        ttl: u32,
        authentic: bool,
        original_ttl: Option<u32>,
        /// Signatures came with the last reply.
        signed: bool,
    },
    Denied {
        denial: Denial,
        authentic: bool,
    },
    Failed(LookupFailure),
}

/// The word of danecheck's own validation, once it is there.
type OwnWord = Shared<BoxFuture<'static, Option<OwnValidation>>>;

/// The word of the name servers, once it is there.
type TheirWord = Shared<BoxFuture<'static, Option<AuthoritySeen>>>;

/// A lookup that was made.
#[derive(Clone)]
pub(super) struct Looked {
    pub(super) raw: Arc<Raw>,
    /// When it was asked for.
    pub(super) asked_at: Instant,
    own: OwnWord,
    authority: TheirWord,
    /// The reason that came with the last reply.
    extended_error: Option<ExtendedError>,
}

/// What a lookup gave, whichever check made it.
pub(super) struct Found {
    raw: Arc<Raw>,
    /// What own validation makes of it, once a check has seen that to its end.
    own: OnceCell<OwnValidation>,
    trail: Trail,
    lasts: Duration,
}

impl Kept for Found {
    fn bytes(&self) -> usize {
        let data = match &*self.raw {
            Raw::Records { aliases, data, .. } => {
                aliases.iter().map(String::len).sum::<usize>() + data.len() * size_of::<Datum>()
            }
            Raw::Denied { .. } | Raw::Failed(_) => 0,
        };
        size_of::<Self>() + self.trail.bytes() * 2 + data
    }

    fn lasts(&self) -> Duration {
        self.lasts
    }
}

impl Looked {
    /// What the name servers themselves say, where they were asked.
    async fn authority(&self) -> Option<AuthoritySeen> {
        self.authority.clone().await
    }

    /// What danecheck's own validation says; nothing where nothing was asked.
    pub(super) async fn own(&self) -> Option<OwnValidation> {
        self.own.clone().await
    }
}

/// The replies that a lookup rests on.
#[derive(Default)]
struct Trail {
    replies: Vec<Bytes>,
    failed: Option<Failed>,
    /// The name at which aliases end, as far as they were followed.
    end: Option<WireName>,
    /// The reason that came with the last reply.
    extended_error: Option<ExtendedError>,
    /// The resolver said something.
    answered: bool,
    /// Some reply carried the AD bit.
    authentic: bool,
    /// What was cut off, one sentence each.
    cuts: Vec<String>,
}

impl Trail {
    fn bytes(&self) -> usize {
        self.replies.iter().map(Bytes::len).sum()
    }

    /// How long all replies may be used.
    fn ttl(&self) -> Duration {
        let ttls = self.replies.iter().map(|reply| super::wire::lasts(reply));
        Duration::from_secs(ttls.min().unwrap_or(0).into())
    }
}

type Questions = HashMap<(String, RecordType), Arc<OnceCell<Looked>>>;

/// A zone that its owner keeps bogus for validators to be tried on: who
/// answers for it does not validate. It is asked only of resolvers that set no
/// AD bit.
const KNOWN_BOGUS: &str = "dnssec-failed.org";

/// What a lookup is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Postfix's way to a mail server.
    Mail,
    /// Something beside it.
    Aside,
}

/// The lookups of one check.
pub(super) struct Dns<'a> {
    resolver: &'a Resolver,
    times: Times,
    deadline: Deadline,
    cuts: &'a Cuts,
    pool: Pool,
    validator: Validator,
    authorities: Authorities,
    /// Whether name servers are asked about every lookup.
    authoritative: bool,
    asked: Mutex<Questions>,
    room: Room,
    answered: AtomicBool,
    authentic: AtomicBool,
}

impl<'a> Dns<'a> {
    pub(super) fn new(setup: &'a Setup, pool: &Pool, deadline: Deadline, cuts: &'a Cuts) -> Self {
        let base = pool.parts().base.get_or_init(|| {
            Base::new(
                &setup.resolver,
                &setup.root_anchors,
                setup.times,
                pool.parts().limits.keep,
            )
        });
        let validator = Validator::new(base, setup.checked_at, setup.times, deadline);
        let way = Way {
            dial: setup.dial.clone(),
            private: setup.allow_private,
            times: setup.times,
            deadline,
            now: setup.checked_at,
        };
        Self {
            resolver: &setup.resolver,
            times: setup.times,
            deadline,
            cuts,
            pool: pool.clone(),
            authorities: Authorities::new(validator.clone(), way),
            authoritative: setup.authoritative,
            validator,
            asked: Mutex::default(),
            room: Room::new(ANSWERS_BYTES),
            answered: AtomicBool::new(false),
            authentic: AtomicBool::new(false),
        }
    }

    /// Looks a name up, or waits for whoever does so already.
    pub(super) async fn look_up(&self, name: &str, record_type: RecordType) -> Looked {
        let cell = self
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry((name.to_owned(), record_type))
            .or_default()
            .clone();
        cell.get_or_init(|| self.look(name, record_type, Purpose::Mail))
            .await
            .clone()
    }

    /// Looks a name up on which no delivery of Postfix depends: without own
    /// validation, without asking name servers, and without a word where it
    /// takes too long.
    pub(super) async fn look_up_aside(&self, name: &str, record_type: RecordType) -> Looked {
        let cell = self
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry((name.to_owned(), record_type))
            .or_default()
            .clone();
        cell.get_or_init(|| self.look(name, record_type, Purpose::Aside))
            .await
            .clone()
    }

    async fn look(&self, name: &str, record_type: RecordType, purpose: Purpose) -> Looked {
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
        if found.trail.answered {
            self.answered.store(true, Ordering::Relaxed);
        }
        if found.trail.authentic {
            self.authentic.store(true, Ordering::Relaxed);
        }
        for cut in &found.trail.cuts {
            self.cuts.note(cut.clone());
        }
        if matches!(&*found.raw, Raw::Failed(failure) if failure.kind == FailureKind::Timeout) {
            late();
        }
        let raw = if self.room.take(found.trail.bytes()) {
            found.raw.clone()
        } else {
            self.cuts.note(format!(
                "The DNS answers come to more than {} MiB in all; what came last was left out.",
                ANSWERS_BYTES >> 20
            ));
            Arc::new(failed(FailureKind::Malformed))
        };
        let own = match purpose {
            Purpose::Mail => self.validate(&found),
            Purpose::Aside => futures_util::future::ready(None).boxed().shared(),
        };
        // What is asked only of the resolver itself is nobody's fault.
        let of_resolver = name.is_empty() || name == KNOWN_BOGUS || aside;
        let authority = match found.trail.end.clone().filter(|_| !of_resolver) {
            Some(end) => self.inspect(end, record_type, &raw, own.clone()),
            None => futures_util::future::ready(None).boxed().shared(),
        };
        Looked {
            raw,
            asked_at,
            own,
            authority,
            extended_error: found.trail.extended_error.clone(),
        }
    }

    /// What a lookup gives, and when it was asked for; nothing where that
    /// comes too late for this check. What belongs to a host is asked once for
    /// all checks; MX and TXT records are the target's own.
    async fn find(&self, name: &str, record_type: RecordType) -> (Option<Arc<Found>>, Instant) {
        let work = {
            let asking = Asking {
                resolver: self.resolver.clone(),
                query: self.times.query,
                pool: self.pool.clone(),
            };
            let name = name.to_owned();
            // Whoever else waits for it may have more time than this check.
            let deadline = match self.pool.is_alone() {
                true => self.deadline,
                false => Deadline::after(self.times.total),
            };
            move || async move { asking.find(&name, record_type, deadline).await }
        };
        // What belongs to the target would only crowd out what belongs to hosts.
        if matches!(record_type, RecordType::Mx | RecordType::Txt) {
            let asked_at = Instant::now();
            return (Some(Arc::new(work().await)), asked_at);
        }
        let key = (name.to_owned(), record_type);
        let found = self.pool.parts().lookups.get(&key, None, |_| work());
        let waited = self.deadline.wait(found.result()).await;
        (waited.flatten(), found.at)
    }

    /// Lets own validation set out, beside whatever comes next.
    fn validate(&self, found: &Arc<Found>) -> OwnWord {
        let ready = |own| futures_util::future::ready(own).boxed().shared();
        if let Some(own) = found.own.get() {
            return ready(Some(own.clone()));
        }
        if found.trail.replies.is_empty() && found.trail.failed.is_none() {
            return ready(None);
        }
        let (validator, found) = (self.validator.clone(), found.clone());
        let deadline = self.deadline;
        let task = tokio::spawn(async move {
            let judge = async || {
                let trail = &found.trail;
                let own = validator.judge_lookup(&trail.replies, trail.failed.as_ref());
                let own = own.await;
                // What was cut short for this check counts for no other.
                match validator.was_cut() {
                    true => Err(own),
                    false => Ok(own),
                }
            };
            match deadline.wait(found.own.get_or_try_init(judge)).await {
                Some(Ok(own)) => own.clone(),
                Some(Err(own)) => own,
                None => Validator::late(),
            }
        });
        async move { task.await.ok() }.boxed().shared()
    }

    /// Lets the name servers be asked, beside whatever comes next, where the
    /// lookup fails or is bogus, or all are to be asked.
    fn inspect(
        &self,
        end: WireName,
        record_type: RecordType,
        raw: &Raw,
        own: OwnWord,
    ) -> TheirWord {
        let fails = match raw {
            // A resolver that never answered fails by itself.
            Raw::Failed(_) => self.answered.load(Ordering::Relaxed),
            Raw::Records { .. } | Raw::Denied { .. } => false,
        };
        let now = fails || self.authoritative;
        let sound = |own: &OwnValidation| own.status != SecurityStatus::Bogus;
        // Without a task of its own, in the common case.
        if !now && own.peek().is_some_and(|own| own.as_ref().is_none_or(sound)) {
            return futures_util::future::ready(None).boxed().shared();
        }
        let authorities = self.authorities.clone();
        let (pool, deadline) = (self.pool.clone(), self.deadline);
        let task = tokio::spawn(async move {
            let own = match now {
                true => None,
                false => own.await,
            };
            let bogus = own.filter(|own| !sound(own));
            if !now && bogus.is_none() {
                return None;
            }
            let rtype = super::wire::rtype(record_type);
            let end: Owner = end.to_name();
            let key = (end.to_string().to_ascii_lowercase(), record_type);
            let (asking, name, keep) = (authorities.clone(), end.clone(), pool.keeps_failure());
            let mut mine = false;
            let begun = pool.parts().inspections.get(&key, None, |_| {
                mine = true;
                async move { Inspected::new(asking.inspect(&name, rtype).await, keep) }
            });
            match deadline.wait(begun.result()).await.flatten() {
                Some(inspected) if mine || inspected.is_whole() => inspected.seen(),
                // Another check had no more time or budget for it.
                Some(_) => authorities.inspect(&end, rtype).await,
                None => None,
            }
        });
        async move { task.await.ok().flatten() }.boxed().shared()
    }

    /// Whether an answer is secure, for whoever has to decide on it now: by
    /// the resolver's word where it validates, else by our own. Nothing where
    /// nobody can tell.
    pub(super) async fn is_secure(&self, looked: &Looked) -> Option<bool> {
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

    /// Notes what was not asked of name servers, once all is settled.
    pub(super) fn note_what_was_left_out(&self) {
        for sentence in self.authorities.left_out() {
            self.cuts.note(sentence);
        }
    }

    /// Why a resolver that answers was not shown to validate.
    pub(super) async fn shortcoming(&self) -> Option<Shortcoming> {
        if self.validates().await || self.validation() == ResolverValidation::NoAnswer {
            return None;
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

/// A lookup on its way, for one check or several.
struct Asking {
    resolver: Resolver,
    query: Duration,
    pool: Pool,
}

impl Asking {
    async fn find(self, name: &str, record_type: RecordType, deadline: Deadline) -> Found {
        let mut trail = Trail::default();
        let raw = self.follow(name, record_type, deadline, &mut trail).await;
        let lasts = match &raw {
            // Time was up, for this check at least.
            Raw::Failed(_) if deadline.is_over() => Duration::ZERO,
            Raw::Failed(_) => self.pool.keeps_failure(),
            Raw::Records { .. } | Raw::Denied { .. } => self.pool.keeps(trail.ttl()),
        };
        Found {
            raw: Arc::new(raw),
            own: OnceCell::new(),
            trail,
            lasts,
        }
    }

    async fn follow(
        &self,
        name: &str,
        record_type: RecordType,
        deadline: Deadline,
        trail: &mut Trail,
    ) -> Raw {
        // `dns_lookup_x` asks nobody for such names.
        if !name.is_empty() && host_name_fault(name).is_some() {
            return Raw::Denied {
                denial: Denial::NxDomain,
                authentic: false,
            };
        }
        let Ok(mut current) = WireName::from_str(if name.is_empty() { "." } else { name }) else {
            return failed(FailureKind::Malformed);
        };
        let mut aliases = Vec::new();
        let mut authentic = true;
        let mut ttl = u32::MAX;
        trail.end = Some(current.clone());
        for _ in 0..ALIAS_HOPS {
            let question = Question {
                name: &current,
                rtype: super::wire::rtype(record_type),
                mode: Mode::Stub,
            };
            let bytes = match self.resolver.ask(question, self.query, deadline).await {
                // A copy takes no more room than it needs.
                Ok(bytes) => Bytes::copy_from_slice(&bytes),
                Err(failure) => {
                    trail.failed = Some(Failed {
                        name: current.clone(),
                        rtype: question.rtype,
                        failure: failure.clone(),
                    });
                    if !matches!(
                        failure.kind,
                        FailureKind::Timeout | FailureKind::Unreachable
                    ) {
                        trail.answered = true;
                    }
                    return Raw::Failed(failure);
                }
            };
            trail.answered = true;
            trail.replies.push(bytes.clone());
            let Some(reply) = super::wire::read(&bytes, &current, record_type) else {
                return failed(FailureKind::Malformed);
            };
            if reply.authentic {
                trail.authentic = true;
            }
            trail.end = reply.next.clone().or(trail.end.take());
            trail.extended_error.clone_from(&reply.extended_error);
            // One reply without the bit, and nothing after it counts.
            authentic &= reply.authentic;
            if reply.rcode == 3 {
                return Raw::Denied {
                    denial: Denial::NxDomain,
                    authentic,
                };
            }
            ttl = ttl.min(reply.ttl);
            if reply.cut {
                trail.cuts.push(format!(
                    "Only the first {RECORDS} {record_type} records of {name} were taken, as by Postfix."
                ));
            }
            aliases.extend(reply.aliases);
            if aliases.len() > RECORDS {
                aliases.truncate(RECORDS);
                trail.cuts.push(format!(
                    "Only the first {RECORDS} aliases of {name} were taken."
                ));
            }
            if !reply.data.is_empty() {
                if let Some(owner) = reply.owner
                    && aliases.last().map_or(name, String::as_str) != owner
                {
                    aliases.push(owner);
                }
                return Raw::Records {
                    aliases,
                    data: reply.data,
                    ttl,
                    original_ttl: reply.original_ttl,
                    authentic,
                    signed: reply.signed,
                };
            }
            if reply.spoiled {
                return failed(FailureKind::Malformed);
            }
            match reply.next {
                None => {
                    return Raw::Denied {
                        denial: Denial::NoData,
                        authentic,
                    };
                }
                Some(next) => {
                    if host_name_fault(&super::wire::text(&next)).is_some() {
                        return failed(FailureKind::Malformed);
                    }
                    current = next;
                }
            }
        }
        failed(FailureKind::AliasLoop)
    }
}

/// A lookup of which nothing was heard while this check had time.
fn timed_out(asked_at: Instant) -> Looked {
    let own = OwnValidation::indeterminate(format!(
        "the resolver gives no answer to judge: {}",
        FailureKind::Timeout.as_text()
    ));
    Looked {
        raw: Arc::new(failed(FailureKind::Timeout)),
        asked_at,
        own: futures_util::future::ready(Some(own)).boxed().shared(),
        authority: futures_util::future::ready(None).boxed().shared(),
        extended_error: None,
    }
}

fn failed(kind: FailureKind) -> Raw {
    Raw::Failed(LookupFailure {
        kind,
        extended_error: None,
    })
}

/// Gives a raw answer its status (RFC 4035 section 3.2.3): the resolver's
/// where it was shown to validate, for a stub that trusts it as Postfix does;
/// else danecheck's own.
pub(super) async fn settle<T>(
    name: &str,
    record_type: RecordType,
    looked: &Looked,
    validation: ResolverValidation,
    take: impl Fn(&Datum) -> Option<T>,
) -> Lookup<T> {
    let own = looked.own().await;
    let standing = |authentic| standing(authentic, validation, own.as_ref());
    let answer = match &*looked.raw {
        Raw::Records {
            aliases,
            data,
            ttl,
            original_ttl,
            authentic,
            ..
        } => match standing(*authentic) {
            Err(failure) => Answer::Failed(failure),
            Ok((status, known_by)) => Answer::Records(Validated::new(
                status,
                known_by,
                RecordSet {
                    aliases: aliases.clone(),
                    records: data.iter().filter_map(take).collect(),
                    ttl: *ttl,
                    original_ttl: *original_ttl,
                },
            )),
        },
        Raw::Denied { denial, authentic } => match standing(*authentic) {
            Err(failure) => Answer::Failed(failure),
            Ok((status, known_by)) => Answer::Denied(Validated::new(status, known_by, *denial)),
        },
        Raw::Failed(failure) => Answer::Failed(failure.clone()),
    };
    Lookup {
        name: name.to_owned(),
        record_type,
        answer,
        own,
        extended_error: looked.extended_error.clone(),
        authority: looked.authority().await,
    }
}

/// The status of an answer, and how it is known; or the failure that a
/// validating resolver would make of it.
fn standing(
    authentic: bool,
    validation: ResolverValidation,
    own: Option<&OwnValidation>,
) -> Result<(SecurityStatus, KnownBy), LookupFailure> {
    if authentic {
        return Ok((SecurityStatus::Secure, KnownBy::AuthenticatedData));
    }
    if validation == ResolverValidation::Shown {
        return Ok((SecurityStatus::Insecure, KnownBy::NoAuthenticatedData));
    }
    match own {
        Some(own) if own.status == SecurityStatus::Bogus => Err(LookupFailure {
            kind: FailureKind::Bogus,
            extended_error: Some(ExtendedError {
                code: own.extended_error(),
                text: own.reason.clone().unwrap_or_default(),
            }),
        }),
        Some(own) if own.status != SecurityStatus::Indeterminate => {
            Ok((own.status, KnownBy::OwnValidation))
        }
        _ => Ok((
            SecurityStatus::Indeterminate,
            KnownBy::ResolverNotValidating,
        )),
    }
}
