//! One lookup: danecheck asks as Postfix's `dns_lookup_x` does, alias by alias,
//! for one check or for several.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OnceCell;

use super::budget::{ALIAS_HOPS, Deadline, RECORDS};
use super::cache::{Cacheable, Retention};
use super::exchange::{Mode, Question};
use super::resolver::{Answer, Resolver};
use super::validator::Failed;
use super::wire::{Datum, WireName};
use danecheck_core::dnssec::OwnValidation;
use danecheck_core::next_hop::lookup_name_fault;
use danecheck_core::observation::{
    Cut, Denial, ExtendedError, FailureKind, LookupFailure, RecordType,
};

/// An answer with the AD bit, before the bit is interpreted.
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

/// The result of a lookup, whichever check made it.
pub(super) struct QueryResult {
    pub(super) raw: Arc<Raw>,
    /// The result of danecheck's own validation, once a check has finished it.
    pub(super) own: OnceCell<OwnValidation>,
    pub(super) replies: Replies,
    lasts: Duration,
}

impl Cacheable for QueryResult {
    fn bytes(&self) -> usize {
        let data = match &*self.raw {
            Raw::Records { aliases, data, .. } => {
                aliases.iter().map(String::len).sum::<usize>() + data.len() * size_of::<Datum>()
            }
            Raw::Denied { .. } | Raw::Failed(_) => 0,
        };
        size_of::<Self>() + self.replies.bytes() * 2 + data
    }

    fn lasts(&self) -> Duration {
        self.lasts
    }
}

/// The replies on which a lookup depends.
#[derive(Default)]
pub(super) struct Replies {
    pub(super) messages: Vec<Bytes>,
    pub(super) failed: Option<Failed>,
    /// The name at the end of the aliases, as far as they were followed.
    pub(super) end: Option<WireName>,
    /// The reason that came with the last reply.
    pub(super) extended_error: Option<ExtendedError>,
    /// The resolver answered.
    pub(super) answered: bool,
    /// Some reply carried the AD bit.
    pub(super) authentic: bool,
    /// What was cut off.
    pub(super) cuts: Vec<Cut>,
}

impl Replies {
    pub(super) fn bytes(&self) -> usize {
        self.messages.iter().map(Bytes::len).sum()
    }

    /// What a lookup without an answer says of the resolver.
    fn note_failure(&mut self, question: Question<'_>, failure: &LookupFailure) {
        self.failed = Some(Failed {
            name: question.name.clone(),
            rtype: question.rtype,
            failure: failure.clone(),
        });
        let is_silent = matches!(
            failure.kind,
            FailureKind::Timeout | FailureKind::Unreachable
        );
        self.answered |= !is_silent;
    }

    /// What is past the limits in a reply to the lookup of this name.
    fn note_cuts(&mut self, name: &str, record_type: RecordType, is_cut: bool, aliases: usize) {
        if is_cut {
            self.cuts.push(Cut::Records {
                name: name.to_owned(),
                record_type,
                bound: RECORDS,
            });
        }
        if aliases > RECORDS {
            self.cuts.push(Cut::Aliases {
                name: name.to_owned(),
                bound: RECORDS,
            });
        }
    }

    /// How long all replies may be used.
    fn ttl(&self) -> Duration {
        let ttls = self.messages.iter().map(|reply| super::wire::lasts(reply));
        Duration::from_secs(ttls.min().unwrap_or(0).into())
    }
}

/// A running lookup, for one check or several.
pub(super) struct Query {
    pub(super) resolver: Resolver,
    /// How long to wait for one server.
    pub(super) query: Duration,
    pub(super) retention: Retention,
}

impl Query {
    /// Makes the lookup.
    pub(super) async fn find(
        self,
        name: &str,
        record_type: RecordType,
        deadline: Deadline,
    ) -> QueryResult {
        let mut replies = Replies::default();
        let raw = self.follow(name, record_type, deadline, &mut replies).await;
        let lasts = match &raw {
            // Time was up, at least for this check.
            Raw::Failed(_) if deadline.is_over() => Duration::ZERO,
            Raw::Failed(_) => self.retention.of_failure(),
            Raw::Records { .. } | Raw::Denied { .. } => self.retention.of(replies.ttl()),
        };
        QueryResult {
            raw: Arc::new(raw),
            own: OnceCell::new(),
            replies,
            lasts,
        }
    }

    async fn follow(
        &self,
        name: &str,
        record_type: RecordType,
        deadline: Deadline,
        replies: &mut Replies,
    ) -> Raw {
        // `dns_lookup_x` does not ask for such names.
        if !name.is_empty() && lookup_name_fault(name).is_some() {
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
        replies.end = Some(current.clone());
        for _ in 0..ALIAS_HOPS {
            let question = Question {
                name: &current,
                rtype: super::wire::rtype(record_type),
                mode: Mode::Stub,
            };
            let Answer { head, bytes } =
                match self.resolver.ask(question, self.query, deadline).await {
                    Ok(answer) => answer,
                    Err(failure) => {
                        replies.note_failure(question, &failure);
                        return Raw::Failed(failure);
                    }
                };
            replies.answered = true;
            replies.messages.push(bytes.clone());
            let Some(reply) = super::wire::read_on(head, &bytes, &current, record_type) else {
                return failed(FailureKind::Malformed);
            };
            if reply.authentic {
                replies.authentic = true;
            }
            replies.end = reply.next.clone().or(replies.end.take());
            replies.extended_error.clone_from(&reply.extended_error);
            // After one reply without the bit, later bits do not count.
            authentic &= reply.authentic;
            if reply.rcode == 3 {
                return Raw::Denied {
                    denial: Denial::NxDomain,
                    authentic,
                };
            }
            ttl = ttl.min(reply.ttl);
            aliases.extend(reply.aliases);
            replies.note_cuts(name, record_type, reply.cut, aliases.len());
            aliases.truncate(RECORDS);
            if !reply.data.is_empty() {
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
                    if lookup_name_fault(&super::wire::text(&next)).is_some() {
                        return failed(FailureKind::Malformed);
                    }
                    current = next;
                }
            }
        }
        failed(FailureKind::AliasLoop)
    }
}

/// A lookup that failed.
pub(super) fn failed(kind: FailureKind) -> Raw {
    Raw::Failed(LookupFailure {
        kind,
        extended_error: None,
    })
}
