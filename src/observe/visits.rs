//! The sessions that targets of a survey need, without the targets.

use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::join_all;

use super::budget::{Deadline, SESSIONS_BYTES};
use super::call::{Caller, SessionKey};
use super::mta_sts::{PolicyHost, TimeLimit};
use super::pool::Pool;
use super::setup::Setup;
use super::trust;
use super::trust_store::TrustStore;
use danecheck_core::observation::{Cut, Observation, PolicyVisit, Session, held_alone};
use danecheck_core::reserved::reserved_block;
use danecheck_core::survey::{ClientHello, HostsLine, Need};

/// How often a session waits for its turn at an address that other sessions
/// keep busy, each time as long as a check takes.
const WAITS: usize = 100;

/// Holds the sessions for these needs, all at once as far as the pool allows,
/// with the retries that a check makes. There is one result for each need, in
/// their order.
pub async fn visit(needs: &[Need], setup: &Setup) -> Vec<HostsLine> {
    let pool = setup.pool.clone().unwrap_or_default();
    let _running = pool.enter();
    let visitor = Visitor {
        setup,
        caller: Arc::new(Caller::new(
            pool.sessions(),
            &setup.dial,
            &setup.helo_name,
            setup.times,
        )),
        pool: &pool,
    };
    let mut places: Vec<(IpAddr, u16)> =
        needs.iter().map(|need| (need.address, need.port)).collect();
    places.sort_unstable();
    places.dedup();
    let at_places = places.into_iter().map(|place| {
        let here = needs
            .iter()
            .enumerate()
            .filter(move |(_, need)| (need.address, need.port) == place);
        visitor.see(here.collect())
    });
    let mut lines: Vec<(usize, HostsLine)> =
        join_all(at_places).await.into_iter().flatten().collect();
    lines.sort_by_key(|(number, _)| *number);
    lines.into_iter().map(|(_, line)| line).collect()
}

struct Visitor<'a> {
    setup: &'a Setup,
    caller: Arc<Caller>,
    pool: &'a Pool,
}

impl Visitor<'_> {
    /// The needs at one address.
    async fn see(&self, needs: Vec<(usize, &Need)>) -> Vec<(usize, HostsLine)> {
        let firsts = needs.iter().map(|(number, need)| async {
            let line = self.first(need).await;
            (*number, line)
        });
        let mut lines = join_all(firsts).await;
        let sessions = lines.iter().filter_map(|(_, line)| line.session.as_ref());
        let alone = held_alone(sessions);
        let held = lines.iter_mut().map(|(_, line)| line);
        let held = held.filter(|line| line.session.is_some());
        for (line, alone) in held.zip(alone) {
            if alone {
                line.alone = self.session(&line.need, 1, &mut line.cuts).await;
            }
        }
        // Targets share these sessions, and to one of them another may have come
        // in than to the next: each session may be the one that counts.
        let refuses = |line: &HostsLine| {
            let sessions = line.session.iter().chain(&line.alone);
            { sessions }.any(|session| session.refusal_for_now().is_some())
        };
        if lines.iter().any(|(_, line)| refuses(line)) {
            tokio::time::sleep(self.setup.times.pause).await;
        }
        for (_, line) in lines.iter_mut().filter(|(_, line)| refuses(line)) {
            line.later = self.session(&line.need, 2, &mut line.cuts).await;
        }
        lines
    }

    async fn first(&self, need: &Need) -> HostsLine {
        let mut line = HostsLine::nothing(need.clone());
        let reserved = reserved_block(need.address).filter(|_| !self.setup.allow_private);
        if let Some(block) = reserved {
            line.reserved = Some(block.to_string());
            return line;
        }
        match need.client_hello {
            ClientHello::MtaStsPolicy => {
                let visit = self.policy(need).await;
                if visit.as_ref().is_some_and(PolicyVisit::is_late) {
                    let host = need.server_name.clone().unwrap_or_default();
                    line.cuts.push(Cut::Policy { host });
                }
                line.policy = visit;
            }
            _ => line.session = self.session(need, 0, &mut line.cuts).await,
        }
        line
    }

    async fn session(&self, need: &Need, attempt: u8, cuts: &mut Vec<Cut>) -> Option<Session> {
        let key = SessionKey {
            address: need.address,
            port: need.port,
            sni: need.server_name.clone(),
            offer: None,
            own: None,
            attempt,
        };
        for _ in 0..WAITS {
            let total = Deadline::after(self.setup.times.total);
            let visit = total.within(self.setup.times.address);
            match self.caller.call(&key, None, visit, total).await {
                Ok(result) => {
                    cuts.extend(result.cuts().iter().cloned());
                    return result.session().cloned();
                }
                Err(missing) if missing.was_crowded_out() => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// One connection at a time to the host of a policy too.
    async fn policy(&self, need: &Need) -> Option<PolicyVisit> {
        let gates = &self.pool.sessions().gates;
        let _turn = gates.turn(need.address, gates.new_check()).await;
        let host = PolicyHost {
            setup: self.setup,
            host: need.server_name.as_deref()?,
            deadline: Deadline::after(self.setup.times.total),
            time_limit: &TimeLimit::new(),
        };
        Some(host.visit(need.address).await)
    }
}

/// Adds the trust store that a check would have added to an observation whose
/// sessions were held elsewhere.
pub fn add_trust_store(observation: &mut Observation, store: &TrustStore) {
    let seen = trust(store, &observation.hosts, observation.mta_sts.as_ref());
    observation.trust_store = seen;
}

/// What is kept of all sessions of one target, in bytes.
pub const SESSIONS_KEPT: usize = SESSIONS_BYTES;
