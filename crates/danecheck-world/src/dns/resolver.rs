//! The recursive resolver: which data of the tree a client gets, and with which
//! bits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::base::Rtype;
use domain::base::iana::Rcode;
use tokio::sync::OnceCell;

use super::answer::Answer;
use super::misbehaviour::{Exchange, Misbehaviour, Outcome, Reaction};
use super::packet::{Query, Response, Speaker, bare_response};
use super::query_log::{Asked, QueryLog, Transport};
use super::record::Owner;
use super::socket::Serve;
use super::tree::Tree;
use super::verdict::{Validator, Verdict};
use danecheck_core::dnssec::SecurityStatus;

/// How a resolver treats DNSSEC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResolverKind {
    /// Validates: AD for secure answers, SERVFAIL for bogus ones unless CD is
    /// set (RFC 4035 section 3.2).
    #[default]
    Validating,
    /// Does not validate, but passes on the signatures that queries ask for: a
    /// security-aware, non-validating resolver (RFC 4033 section 2).
    NotValidating,
    /// Validates, but the AD bit is lost on the way, as through a forwarder
    /// or a stub without `trust-ad`.
    AdStripped,
    /// Does not support DNSSEC: no RRSIG, NSEC or NSEC3, no AD.
    NotDnssecCapable,
}

/// A cached answer, with its verdict once it is needed.
#[derive(Debug)]
struct Cached {
    answer: Answer,
    verdict: OnceCell<Verdict>,
}

/// The resolver behind the sockets.
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) tree: Arc<Tree>,
    pub(super) validator: Validator,
    pub(super) kind: ResolverKind,
    pub(super) misbehaviours: HashMap<(Owner, Rtype), Misbehaviour>,
    pub(super) always: Option<Misbehaviour>,
    cache: Mutex<HashMap<(Owner, Rtype), Arc<Cached>>>,
    log: QueryLog,
}

impl Serve for Resolver {
    async fn react(&self, packet: &[u8], transport: Transport) -> Reaction {
        self.answer_to(packet, transport).await
    }
}

impl Resolver {
    pub(super) fn new(tree: Arc<Tree>, validator: Validator, kind: ResolverKind) -> Self {
        Self {
            tree,
            validator,
            kind,
            misbehaviours: HashMap::new(),
            always: None,
            cache: Mutex::default(),
            log: QueryLog::default(),
        }
    }

    /// Every query so far, oldest first.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.log.asked()
    }

    async fn answer_to(&self, packet: &[u8], transport: Transport) -> Reaction {
        let query = match Query::read(packet) {
            Ok(query) => query,
            Err(response) => {
                return Reaction::now(response.map_or(Outcome::Ignore, Outcome::Respond));
            }
        };
        if !query.recursion_desired() {
            let declined = bare_response(query.message, Rcode::REFUSED);
            return Reaction::now(Outcome::Respond(declined));
        }
        self.log.remember(&query, transport);
        let misbehaviour = self.misbehaviour(&query);
        let other = misbehaviour.and_then(|how| how.other_name());
        let exchange = Exchange {
            query: &query,
            transport,
            honest: self.respond(&query).await,
            other: other.map(|name| self.tree.answer(&name, query.rtype)),
        };
        match misbehaviour {
            Some(misbehaviour) => misbehaviour.react(&exchange),
            None => Reaction::now(exchange.honest()),
        }
    }

    fn misbehaviour(&self, query: &Query<'_>) -> Option<&Misbehaviour> {
        let at = |name| self.misbehaviours.get(&(name, query.rtype));
        let above = || {
            let mut suffixes = query.name.iter_suffixes().filter_map(at);
            suffixes.find(|how| how.is_inherited())
        };
        at(query.name.clone())
            .or_else(above)
            .or(self.always.as_ref())
    }

    async fn respond(&self, query: &Query<'_>) -> Response {
        let cached = self.cached(query);
        let plain = Response {
            answer: cached.answer.clone(),
            speaker: Speaker::Resolver,
            authentic_data: false,
            truncated: false,
            dnssec: query.dnssec_ok() && self.kind != ResolverKind::NotDnssecCapable,
        };
        let validates = match self.kind {
            ResolverKind::Validating | ResolverKind::AdStripped => !query.checking_disabled(),
            ResolverKind::NotValidating | ResolverKind::NotDnssecCapable => false,
        };
        if !validates {
            return plain;
        }
        let verdict = cached
            .verdict
            .get_or_init(|| self.validator.judge(query, &cached.answer))
            .await;
        match (&verdict.status, &verdict.reason) {
            (SecurityStatus::Bogus, Some(reason)) => Response {
                answer: Answer::failure(reason.clone().about(&query.name, query.rtype)),
                ..plain
            },
            (SecurityStatus::Secure, _) => Response {
                authentic_data: self.kind == ResolverKind::Validating
                    && query.wants_authentic_data(),
                ..plain
            },
            _ => plain,
        }
    }

    fn cached(&self, query: &Query<'_>) -> Arc<Cached> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = cache
            .entry((query.name.clone(), query.rtype))
            .or_insert_with(|| {
                Arc::new(Cached {
                    answer: self.tree.answer(&query.name, query.rtype),
                    verdict: OnceCell::new(),
                })
            });
        Arc::clone(entry)
    }
}
