//! Lookups as Postfix's `dns_lookup_x` makes them, each asked once.
//!
//! Answers stay raw while the check runs, because only at its end is it known
//! whether the resolver validates; then [`Dns::settle`] gives each its status.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;

use super::budget::{ALIAS_HOPS, Cuts, Deadline, RECORDS};
use super::resolver::{Question, Resolver};
use super::wire::{Datum, WireName};
use crate::dnssec::{KnownBy, SecurityStatus, Validated};
use crate::next_hop::host_name_fault;
use crate::observation::{
    Answer, Denial, FailureKind, Lookup, LookupFailure, RecordSet, RecordType, ResolverValidation,
};

/// An answer with the AD bit, before anything is made of the bit.
#[derive(Clone, Debug)]
pub(super) enum Raw {
    Records {
        aliases: Vec<String>,
        data: Vec<Datum>,
        ttl: u32,
        authentic: bool,
    },
    Denied {
        denial: Denial,
        authentic: bool,
    },
    Failed(LookupFailure),
}

type Questions = HashMap<(String, RecordType), Arc<OnceCell<Arc<Raw>>>>;

/// The lookups of one check.
pub(super) struct Dns<'a> {
    resolver: &'a Resolver,
    query: Duration,
    deadline: Deadline,
    cuts: &'a Cuts,
    asked: Mutex<Questions>,
    answered: AtomicBool,
    authentic: AtomicBool,
}

impl<'a> Dns<'a> {
    pub(super) fn new(
        resolver: &'a Resolver,
        query: Duration,
        deadline: Deadline,
        cuts: &'a Cuts,
    ) -> Self {
        Self {
            resolver,
            query,
            deadline,
            cuts,
            asked: Mutex::default(),
            answered: AtomicBool::new(false),
            authentic: AtomicBool::new(false),
        }
    }

    /// Looks a name up, or waits for whoever does so already.
    pub(super) async fn look_up(&self, name: &str, record_type: RecordType) -> Arc<Raw> {
        let cell = self
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry((name.to_owned(), record_type))
            .or_default()
            .clone();
        cell.get_or_init(async || Arc::new(self.follow(name, record_type).await))
            .await
            .clone()
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

    async fn follow(&self, name: &str, record_type: RecordType) -> Raw {
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
        for _ in 0..ALIAS_HOPS {
            let question = Question {
                name: &current,
                rtype: super::wire::rtype(record_type),
                checking_disabled: false,
            };
            let bytes = match self.resolver.ask(question, self.query, self.deadline).await {
                Ok(bytes) => bytes,
                Err(failure) => {
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
            let Some(reply) = super::wire::read(&bytes, &current, record_type) else {
                return failed(FailureKind::Malformed);
            };
            if reply.authentic {
                self.authentic.store(true, Ordering::Relaxed);
            }
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
            aliases.truncate(RECORDS);
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
                    authentic,
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

/// Gives a raw answer its status (RFC 4035 section 3.2.3, for a stub that
/// trusts its resolver as Postfix does).
pub(super) fn settle<T>(
    name: &str,
    record_type: RecordType,
    raw: &Raw,
    validation: ResolverValidation,
    take: impl Fn(&Datum) -> Option<T>,
) -> Lookup<T> {
    let answer = match raw {
        Raw::Records {
            aliases,
            data,
            ttl,
            authentic,
        } => Answer::Records(validated(
            *authentic,
            validation,
            RecordSet {
                aliases: aliases.clone(),
                records: data.iter().filter_map(take).collect(),
                ttl: *ttl,
            },
        )),
        Raw::Denied { denial, authentic } => {
            Answer::Denied(validated(*authentic, validation, *denial))
        }
        Raw::Failed(failure) => Answer::Failed(failure.clone()),
    };
    Lookup {
        name: name.to_owned(),
        record_type,
        answer,
    }
}

fn validated<T>(authentic: bool, validation: ResolverValidation, data: T) -> Validated<T> {
    let (status, known_by) = match validation {
        _ if authentic => (SecurityStatus::Secure, KnownBy::AuthenticatedData),
        ResolverValidation::Shown => (SecurityStatus::Insecure, KnownBy::NoAuthenticatedData),
        ResolverValidation::NotShown | ResolverValidation::NoAnswer => (
            SecurityStatus::Indeterminate,
            KnownBy::ResolverNotValidating,
        ),
    };
    Validated::new(status, known_by, data)
}
