//! One target of a run, from its name to its report.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use crate::config::{Advised, Config};
use crate::observe::{Setup, observe, presented};
use danecheck_core::judge::{Moment, Strictest};
use danecheck_core::next_hop::NextHopError;
use danecheck_core::observation::{Answer, Observation};
use danecheck_core::report::{ExitStatus, json};
use danecheck_core::sender::Sender;
use danecheck_core::unix_time::UnixTime;

use super::input::GivenTarget;
use super::pending::PendingTarget;
use super::typed;
use super::workers::Workers;

/// Different certificates up to which a judgement is brief: two hosts, each with
/// a leaf of its own, and their issuers.
const BRIEF_CERTIFICATES: usize = 6;

/// Bytes of these.
const BRIEF_BYTES: usize = 12 * 1024;

/// Bytes of TLSA records: some with digests, or three whole certificates, each of
/// which may be a trust anchor.
const BRIEF_RDATA: usize = 2048;

/// Addresses of all hosts, and limited looks at them.
const BRIEF_ADDRESSES: usize = 16;

/// One checked target, or the reason why it could not be checked.
pub(super) enum Outcome {
    Observed(Box<Checked>),
    Invalid(GivenTarget, NextHopError),
    /// Its task did not end properly, which is a fault in this program.
    Lost(GivenTarget),
}

/// A target with its results.
pub(super) struct Checked {
    /// `None` if it is not saved.
    pub(super) observation: Option<Observation>,
    pub(super) judged: Judged,
}

/// What a judgement comes to.
pub(super) enum Judged {
    /// The report as JSON, and its exit status. The report itself ends in the thread
    /// that made it: another one would free its memory far more slowly, and the
    /// first could not use it again.
    Line(String, ExitStatus),
    Report(Box<Advised>),
}

/// Checks targets, each in its own task, and judges them in other threads: that
/// takes as much processor time as checking.
pub(super) struct Checker {
    pub(super) setup: Arc<Setup>,
    /// Whether arguments were typed; lines of standard input never are.
    pub(super) typed: bool,
    pub(super) at: Option<Moment>,
    pub(super) expectations: Arc<Config>,
    pub(super) sender: Arc<Sender>,
    pub(super) saves: bool,
    pub(super) writes_json: bool,
    pub(super) now: fn() -> UnixTime,
    pub(super) workers: Workers,
}

impl Checker {
    /// Checks one target, unless its observation is there already.
    pub(super) fn check(&self, target: PendingTarget) -> impl Future<Output = Outcome> {
        let PendingTarget { given, observed } = target;
        let (setup, sender) = (self.setup.clone(), self.sender.clone());
        let (at, saves, writes_json) = (self.at, self.saves, self.writes_json);
        let (expectations, now) = (self.expectations.clone(), self.now);
        let workers = &self.workers;
        let typed = self.typed && matches!(given, GivenTarget::Argument(_));
        async move {
            let next_hop = match typed::next_hop(given.text()) {
                Ok(next_hop) => next_hop,
                Err(error) => return Outcome::Invalid(given, error),
            };
            let task = workers.spawn(async move {
                let hellos = match expectations.defaults().strictest {
                    true => Arc::new(HashMap::from([(
                        next_hop.policy_key(),
                        vec![Strictest::hello()],
                    )])),
                    false => setup.hellos.clone(),
                };
                let setup = Setup {
                    hellos,
                    checked_at: now(),
                    typed,
                    skip: expectations.terms(&next_hop).skip_hosts.clone(),
                    ..(*setup).clone()
                };
                let saves = saves && observed.is_none();
                let begun = Instant::now();
                let (observation, is_new) = match observed {
                    Some(observation) => (*observation, false),
                    // In a box: a task is moved when it begins and when it ends.
                    None => (Box::pin(observe(&next_hop, &setup)).await, true),
                };
                let is_brief = is_brief(&observation);
                let judge = move || {
                    let terms = expectations.terms(&next_hop);
                    let mut advised = terms.report(&observation, at, &sender);
                    advised.report.took = is_new.then(|| begun.elapsed());
                    let judged = match writes_json {
                        true => Judged::Line(json(&advised.report), terms.status(&advised.report)),
                        false => Judged::Report(Box::new(advised)),
                    };
                    Box::new(Checked {
                        judged,
                        observation: saves.then_some(observation),
                    })
                };
                // This thread also waits for the network of other targets, and
                // one domain can keep its judgement busy for a second. There
                // are as many judging threads as such judgements so far: the
                // system schedules them fairly, and none has to wait for
                // another. A brief one would wait longer for its thread than
                // it takes.
                match is_brief {
                    true => Ok(judge()),
                    false => tokio::task::spawn_blocking(judge).await,
                }
            });
            match task.await {
                Ok(Ok(seen)) => Outcome::Observed(seen),
                Ok(Err(_)) | Err(_) => Outcome::Lost(given),
            }
        }
    }
}

/// Whether a judgement takes milliseconds at most, whatever the certificates and
/// records are: paths through so few certificates are few, even if each of them
/// is signed with a slow algorithm.
fn is_brief(observation: &Observation) -> bool {
    let mut certificates = Vec::new();
    let mut bytes = 0;
    for der in presented(&observation.hosts, observation.mta_sts.as_ref()) {
        if !certificates.contains(&der) {
            certificates.push(der);
            bytes += der.0.len();
        }
        if certificates.len() > BRIEF_CERTIFICATES || bytes > BRIEF_BYTES {
            return false;
        }
    }
    let records = observation.hosts.iter().flat_map(|host| &host.tlsa);
    let records = records.filter_map(|tlsa| match &tlsa.lookup.answer {
        Answer::Records(found) => Some(found.open().regardless()),
        Answer::Denied(_) | Answer::Failed(_) => None,
    });
    let rdata = records
        .flat_map(|found| &found.records)
        .map(|it| it.rdata().len());
    let addresses = observation.hosts.iter().flat_map(|host| &host.addresses);
    rdata.sum::<usize>() <= BRIEF_RDATA
        && addresses.fold(0, |all, address| all + 1 + address.limited.len()) <= BRIEF_ADDRESSES
        && observation.elsewhere.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use danecheck_core::dnssec::{KnownBy, SecurityStatus, Validated};
    use danecheck_core::observation::{Der, RecordSet};
    use danecheck_core::tlsa::TlsaRecord;

    /// A domain with one host and two sessions.
    fn healthy() -> Observation {
        let text = include_str!("../../fixtures/observation/format-1.json");
        serde_json::from_str(text).unwrap()
    }

    /// The certificates of a session of it.
    fn chain(observation: &mut Observation) -> &mut Vec<Der> {
        let session = &mut observation.hosts[0].addresses[0].sessions[0];
        &mut session.tls.as_mut().unwrap().chain
    }

    #[test]
    fn a_usual_domain_is_judged_at_once_and_one_that_may_take_long_is_not() {
        assert!(is_brief(&healthy()));

        let mut same = healthy();
        let leaf = chain(&mut same)[0].clone();
        chain(&mut same).extend(vec![leaf; 40]);
        assert!(
            is_brief(&same),
            "the same certificate again is no more work"
        );

        let mut many = healthy();
        let others = (0..6).map(|number| Der(vec![number; 10]));
        chain(&mut many).extend(others);
        assert!(!is_brief(&many));

        let mut large = healthy();
        chain(&mut large).push(Der(vec![0; BRIEF_BYTES]));
        assert!(!is_brief(&large));

        let mut addresses = healthy();
        let address = addresses.hosts[0].addresses[0].clone();
        addresses.hosts[0].addresses = vec![address; BRIEF_ADDRESSES + 1];
        assert!(!is_brief(&addresses));

        let mut records = healthy();
        let answer = &mut records.hosts[0].tlsa[0].lookup.answer;
        *answer = Answer::Records(Validated::new(
            SecurityStatus::Secure,
            KnownBy::AuthenticatedData,
            RecordSet {
                aliases: Vec::new(),
                records: vec![TlsaRecord::from_rdata(&[2; 600]); 4],
                ttl: 60,
                original_ttl: None,
            },
        ));
        assert!(!is_brief(&records), "each may be an authority");

        let mut elsewhere = healthy();
        elsewhere.elsewhere.push(healthy());
        assert!(!is_brief(&elsewhere));
    }
}
