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

use bytes::Bytes;
use domain::base::ToName as _;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::OnceCell;

use super::Setup;
use super::authority::{Authorities, Way};
use super::budget::{ALIAS_HOPS, ANSWERS_BYTES, Cuts, Deadline, RECORDS, Room, Times};
use super::resolver::{Mode, Question, Resolver};
use super::validator::{Failed, Validator};
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
    own: OwnWord,
    authority: TheirWord,
    /// The reason that came with the last reply.
    extended_error: Option<ExtendedError>,
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
}

type Questions = HashMap<(String, RecordType), Arc<OnceCell<Looked>>>;

/// A zone that its owner keeps bogus for validators to be tried on: who
/// answers for it does not validate. It is asked only of resolvers that set no
/// AD bit.
const KNOWN_BOGUS: &str = "dnssec-failed.org";

/// The lookups of one check.
pub(super) struct Dns<'a> {
    resolver: &'a Resolver,
    times: Times,
    deadline: Deadline,
    cuts: &'a Cuts,
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
    pub(super) fn new(setup: &'a Setup, deadline: Deadline, cuts: &'a Cuts) -> Self {
        let validator = Validator::new(
            &setup.resolver,
            &setup.root_anchors,
            setup.checked_at,
            setup.times,
            deadline,
        );
        let way = Way {
            dial: setup.dial.clone(),
            private: setup.allow_private,
            times: setup.times,
            deadline,
        };
        Self {
            resolver: &setup.resolver,
            times: setup.times,
            deadline,
            cuts,
            authorities: Authorities::new(validator.upstream().clone(), way),
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
        cell.get_or_init(async || {
            let mut trail = Trail::default();
            let raw = self.follow(name, record_type, &mut trail).await;
            let end = trail.end.take();
            let extended_error = trail.extended_error.take();
            let own = self.validate(trail);
            // What is asked only of the resolver itself is nobody's fault.
            let of_resolver = name.is_empty() || name == KNOWN_BOGUS;
            let authority = match end.filter(|_| !of_resolver) {
                Some(end) => self.inspect(end, record_type, &raw, own.clone()),
                None => futures_util::future::ready(None).boxed().shared(),
            };
            Looked {
                raw: Arc::new(raw),
                own,
                authority,
                extended_error,
            }
        })
        .await
        .clone()
    }

    /// Lets own validation set out, beside whatever comes next.
    fn validate(&self, trail: Trail) -> OwnWord {
        let validator = self.validator.clone();
        let Trail {
            replies, failed, ..
        } = trail;
        if replies.is_empty() && failed.is_none() {
            return futures_util::future::ready(None).boxed().shared();
        }
        let task =
            tokio::spawn(async move { validator.judge_lookup(&replies, failed.as_ref()).await });
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
        let authorities = self.authorities.clone();
        let now = fails || self.authoritative;
        let task = tokio::spawn(async move {
            let own = match now {
                true => None,
                false => own.await,
            };
            let bogus = own.filter(|own| own.status == SecurityStatus::Bogus);
            if !now && bogus.is_none() {
                return None;
            }
            let rtype = super::wire::rtype(record_type);
            authorities.inspect(&end.to_name(), rtype).await
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

    async fn follow(&self, name: &str, record_type: RecordType, trail: &mut Trail) -> Raw {
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
            let bytes = match self
                .resolver
                .ask(question, self.times.query, self.deadline)
                .await
            {
                Ok(bytes) => Bytes::from(bytes),
                Err(failure) => {
                    if failure.kind == FailureKind::Timeout {
                        self.cuts.late(format!("{name} {record_type}"));
                    }
                    trail.failed = Some(Failed {
                        name: current.clone(),
                        rtype: question.rtype,
                        failure: failure.clone(),
                    });
                    if !matches!(
                        failure.kind,
                        FailureKind::Timeout | FailureKind::Unreachable
                    ) {
                        self.answered.store(true, Ordering::Relaxed);
                    }
                    return Raw::Failed(failure);
                }
            };
            self.answered.store(true, Ordering::Relaxed);
            if !self.room.take(bytes.len()) {
                self.cuts.note(format!(
                    "The DNS answers come to more than {} MiB in all; what came last was left \
                     out.",
                    ANSWERS_BYTES >> 20
                ));
                return failed(FailureKind::Malformed);
            }
            trail.replies.push(bytes.clone());
            let Some(reply) = super::wire::read(&bytes, &current, record_type) else {
                return failed(FailureKind::Malformed);
            };
            if reply.authentic {
                self.authentic.store(true, Ordering::Relaxed);
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
                self.cuts.note(format!(
                    "Only the first {RECORDS} {record_type} records of {name} were taken, as by Postfix."
                ));
            }
            aliases.extend(reply.aliases);
            if aliases.len() > RECORDS {
                aliases.truncate(RECORDS);
                self.cuts.note(format!(
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
