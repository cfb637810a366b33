//! danecheck's own validation of what a resolver answers: this module fetches
//! what [`crate::validation`] needs, from the same resolver with CD=1. What one
//! check learns about the zones above serves all checks of a run.

mod chains;
#[cfg(test)]
mod tests;
mod upstream;

use std::collections::{BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::base::{Name, Rtype, ToName as _};
use futures_util::FutureExt as _;
use futures_util::future::join_all;

pub(super) use self::chains::Base;
use self::chains::Chains;
pub(super) use self::upstream::Upstream;
use super::budget::Deadline;
use super::wire::WireName;
use danecheck_core::dnssec::{Fault, OwnValidation, SecurityStatus};
use danecheck_core::observation::{Cut, FailureKind, LookupFailure};
use danecheck_core::unix_time::UnixTime;
use danecheck_core::work::WorkBudget;
use danecheck_validation::{
    CHECK_WORK, Chain, Judgement, LOOKUP_WORK, Need, Owner, Packet, Progress, Work, path,
};

/// How often a judgement may ask for more before it is given up: it asks for
/// the signers, then for others that may hold the names, and then it has
/// everything.
const ROUNDS: usize = 8;

/// Signatures in one reply up to which they are checked on this thread; more
/// would delay the network.
const ON_THE_SPOT: usize = 8;

/// Zones above a signer, itself included, that are fetched in advance.
const SIGNER_DEPTH: usize = 6;

/// How many record sets that took too much work are named.
const NAMED: usize = 3;

/// A question without a usable answer.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub(super) name: WireName,
    pub(super) rtype: Rtype,
    pub(super) failure: LookupFailure,
}

/// The validation of one check; its parts share what they fetch.
#[derive(Clone)]
pub(super) struct Validator(Arc<Run>);

struct Run {
    chains: Chains,
    work: Arc<WorkBudget>,
    too_much: Mutex<BTreeSet<String>>,
    now: UnixTime,
    total: Duration,
    deadline: Deadline,
}

impl Validator {
    /// The validation of one check.
    pub(super) fn new(
        base: &Base,
        now: UnixTime,
        times: super::budget::Times,
        deadline: Deadline,
    ) -> Self {
        Self(Arc::new(Run {
            chains: base.for_one_check(now, deadline),
            work: Arc::new(WorkBudget::new(CHECK_WORK)),
            too_much: Mutex::default(),
            now,
            total: times.total,
            deadline,
        }))
    }

    /// Fetches replies from the resolver with CD=1, and keeps them.
    pub(super) fn upstream(&self) -> &Upstream {
        self.0.chains.upstream()
    }

    /// Whether some judgement ended because time, questions or work ran out.
    pub(super) fn was_cut(&self) -> bool {
        let budget = self.upstream().budget();
        self.0.deadline.is_over()
            || budget.is_some_and(|budget| budget.is_used_up())
            || self.0.work.used_up().is_some()
    }

    /// The result if there was no time for a judgement.
    pub(super) fn late() -> OwnValidation {
        chains::late()
    }

    /// Notes what a judgement left undone.
    pub(super) fn note(&self, own: &OwnValidation) {
        if let Some(link) = &own.weak_link
            && link.fault == Fault::TooMuchWork
        {
            let lock = self.0.too_much.lock();
            let mut sets = lock.unwrap_or_else(PoisonError::into_inner);
            if sets.len() <= NAMED {
                sets.insert(link.record_set.clone());
            }
        }
    }

    /// What was left undone because the work ran out.
    pub(super) fn left_out(&self) -> Option<Cut> {
        let lock = self.0.too_much.lock();
        let sets = lock.unwrap_or_else(PoisonError::into_inner);
        (!sets.is_empty()).then(|| Cut::Signatures {
            record_sets: sets.iter().take(NAMED).cloned().collect(),
            has_others: sets.len() > NAMED,
        })
    }

    /// Judges what a lookup gave: its replies, and the question that failed at
    /// their end, which is asked again with CD=1.
    pub(super) async fn judge_lookup(
        &self,
        replies: &[Bytes],
        failed: Option<&Failed>,
    ) -> OwnValidation {
        let work = self.work_for_one_lookup();
        let mut result = OwnValidation::plain(SecurityStatus::Secure);
        for reply in replies {
            result = worse(result, self.judge(reply, &work).await);
        }
        let Some(failed) = failed else {
            return result;
        };
        let cannot = |failure: &LookupFailure| {
            OwnValidation::indeterminate(format!(
                "the resolver gives no answer to judge: {}",
                failure.kind.as_text()
            ))
        };
        let last = match failed.failure.kind {
            FailureKind::Timeout | FailureKind::Unreachable => cannot(&failed.failure),
            _ => {
                let name: Owner = failed.name.to_name();
                let again = self.upstream().ask(&name, failed.rtype, self.0.deadline);
                match again.await {
                    Ok(reply) => self.judge(&reply, &work).await,
                    Err(failure) => cannot(&failure),
                }
            }
        };
        worse(result, last)
    }

    /// What the answers to one lookup may cost, from the resolver and from name
    /// servers.
    pub(super) fn work_for_one_lookup(&self) -> Arc<WorkBudget> {
        Arc::new(WorkBudget::new(LOOKUP_WORK))
    }

    /// Judges one reply within this work budget, and within that of the check.
    pub(super) async fn judge(&self, reply: &Bytes, work: &Arc<WorkBudget>) -> OwnValidation {
        let Some(packet) = Packet::read(reply) else {
            return OwnValidation::indeterminate("the answer cannot be read, or is too long");
        };
        self.upstream().fetch_ahead(&Name::root(), Rtype::DNSKEY);
        // A panic in it goes no further.
        let judge = AssertUnwindSafe(self.follow(packet, work)).catch_unwind();
        let own = match self.0.deadline.run(self.0.total, judge).await {
            Some(Ok(own)) => own,
            Some(Err(_)) => OwnValidation::indeterminate("the answer cannot be judged"),
            None => Self::late(),
        };
        self.note(&own);
        own
    }

    async fn follow(&self, packet: Packet, work: &Arc<WorkBudget>) -> OwnValidation {
        let mut judgement = Judgement::new(packet);
        let mut chains: HashMap<Owner, Chain> = HashMap::new();
        for _ in 0..ROUNDS {
            let needs;
            (judgement, needs) = match self.proceed(judgement, chains.clone(), work).await {
                Some((_, Progress::Done(own))) => return *own,
                Some((judgement, Progress::Needs(needs))) => (judgement, needs),
                None => break,
            };
            if needs.is_empty() {
                break;
            }
            for need in &needs {
                if !self.0.chains.has_begun(&need.name) {
                    self.fetch_ahead(need);
                }
            }
            let reached = needs
                .iter()
                .map(|need| Box::pin(self.0.chains.to(&need.name)));
            let reached = join_all(reached).await;
            let names = needs.into_iter().map(|need| need.name);
            chains.extend(names.zip(reached));
        }
        OwnValidation::indeterminate("the answer cannot be judged")
    }

    /// One step of a judgement; on another thread if it may take long.
    async fn proceed(
        &self,
        mut judgement: Judgement,
        chains: HashMap<Owner, Chain>,
        work: &Arc<WorkBudget>,
    ) -> Option<(Judgement, Progress)> {
        let (now, own, all) = (self.0.now, work.clone(), self.0.work.clone());
        let much = judgement.size() > ON_THE_SPOT;
        let step = move || {
            let work = Work {
                own: &own,
                all: Some(&all),
            };
            let progress = judgement.proceed(&chains, now, work);
            (judgement, progress)
        };
        if much {
            return tokio::task::spawn_blocking(step).await.ok();
        }
        Some(step())
    }

    /// Fetches at once what the judgement would ask for one by one.
    fn fetch_ahead(&self, need: &Need) {
        // It is unknown here where an unsigned zone begins; mostly it is the
        // second label. The signer comes from an unverified signature: one with
        // a hundred labels must not use up the questions of the check.
        let depth = if need.is_signer { SIGNER_DEPTH } else { 2 };
        for (above, zone) in path(&need.name).into_iter().take(depth).enumerate() {
            self.upstream().fetch_ahead(&zone, Rtype::DS);
            if need.is_signer || above == 0 {
                self.upstream().fetch_ahead(&zone, Rtype::DNSKEY);
            }
        }
    }
}

/// The name about which name servers are asked because of a bogus answer: the
/// one at the end of the aliases, or the one that was asked, if the aliases
/// lead out of the zone in which the chain breaks. A forged alias leads to the
/// attacker's servers.
pub(super) fn name_in_doubt(own: &OwnValidation, asked: Owner, end: Owner) -> Owner {
    let zone = own
        .weak_link
        .as_ref()
        .map(|link| link.zone.parse::<Owner>());
    match zone {
        Some(Ok(zone)) if !end.ends_with(&zone) && asked.ends_with(&zone) => asked,
        _ => end,
    }
}

/// The status of the whole from those of its parts.
fn worse(one: OwnValidation, other: OwnValidation) -> OwnValidation {
    let rank = |validation: &OwnValidation| match validation.status {
        SecurityStatus::Secure => 0,
        SecurityStatus::Insecure => 1,
        SecurityStatus::Indeterminate => 2,
        SecurityStatus::Bogus => 3,
    };
    let spans = [&one.first_to_end, &other.first_to_end];
    let first_to_end = spans.into_iter().flatten().min_by_key(|it| it.expiration);
    let first_to_end = first_to_end.cloned();
    let forgiven = [&one.forgiven, &other.forgiven];
    let forgiven = forgiven.into_iter().flatten().min_by_key(|it| it.until);
    let forgiven = forgiven.cloned();
    let worse = if rank(&other) > rank(&one) {
        other
    } else {
        one
    };
    OwnValidation {
        first_to_end,
        forgiven,
        ..worse
    }
}
