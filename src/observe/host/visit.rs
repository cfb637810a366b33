//! One session to be, and the second one where a server refuses for now.

use std::net::IpAddr;
use std::sync::atomic::Ordering::Relaxed;

use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::super::budget::{Deadline, SESSIONS_BYTES};
use super::super::call::SessionKey;
use super::super::steps::{self, StepKind};
use super::check::Check;
use danecheck_core::observation::{Cut, LimitedOffer, Reply, Session};
use danecheck_core::postfix::HelloLimits;

/// One session to be.
#[derive(Clone, Copy)]
pub(super) struct Visit<'v> {
    pub(super) address: IpAddr,
    pub(super) sni: Option<&'v str>,
    /// The limit of the ClientHello.
    pub(super) offer: Option<LimitedOffer>,
    /// The limits of a policy line.
    pub(super) own: Option<HelloLimits>,
    /// How often danecheck tried before.
    pub(super) attempt: u8,
    /// A session from before this moment does not count.
    pub(super) not_before: Option<Instant>,
    pub(super) deadline: Deadline,
}

impl Check<'_> {
    /// Tries once more, after a pause, if the server refused for now; returns
    /// its first reply.
    pub(super) async fn ask_refusers_again(
        &self,
        visit: Visit<'_>,
        sessions: &mut [Session],
    ) -> Option<Reply> {
        let pause = self.setup.times.pause;
        let refusal = sessions.iter().find_map(Session::refusal_for_now)?.clone();
        if visit.deadline.cap(pause) < pause {
            return None;
        }
        // That was already done for other targets.
        let refused = |session: &&Session| session.refusal_for_now().is_some();
        let known = |session: &Session| self.caller.knows(&self.again_key(visit, 2, session));
        if !sessions.iter().filter(refused).all(known) {
            tokio::time::sleep(pause).await;
        }
        let mut asked = false;
        for session in sessions {
            if session.refusal_for_now().is_some()
                && let Some(again) = self.again(visit, 2, session).await
            {
                *session = again;
                asked = true;
            }
        }
        asked.then_some(refusal)
    }

    /// The same session once more.
    pub(super) async fn again(
        &self,
        visit: Visit<'_>,
        attempt: u8,
        session: &Session,
    ) -> Option<Session> {
        let visit = Visit {
            sni: session.sni.as_deref(),
            attempt,
            ..visit
        };
        self.talk(visit).await
    }

    fn again_key(&self, visit: Visit<'_>, attempt: u8, session: &Session) -> SessionKey {
        self.key(Visit {
            sni: session.sni.as_deref(),
            attempt,
            ..visit
        })
    }

    fn key(&self, visit: Visit<'_>) -> SessionKey {
        SessionKey {
            address: visit.address,
            port: self.port,
            sni: visit.sni.map(str::to_owned),
            offer: visit.offer,
            own: visit.own,
            attempt: visit.attempt,
        }
    }

    /// A separate box: sessions have many callers, each of which would hold one
    /// by value.
    pub(super) fn talk<'s>(&'s self, visit: Visit<'s>) -> BoxFuture<'s, Option<Session>> {
        Box::pin(self.hold(visit))
    }

    async fn hold(&self, visit: Visit<'_>) -> Option<Session> {
        let times = self.setup.times;
        let permit = visit
            .deadline
            .run(times.total, self.connections.acquire())
            .await;
        if permit.is_none() {
            self.cuts.late(visit.address.to_string());
            return None;
        }
        // There is no memory left to keep its answers.
        if self.room.is_used_up() {
            return None;
        }
        let key = self.key(visit);
        let _step = steps::begin(self.setup.steps.as_ref(), StepKind::Smtp, || {
            let (address, port) = (visit.address, self.port);
            match visit.sni {
                Some(name) => format!("{name} [{address}]:{port}"),
                None => format!("[{address}]:{port}"),
            }
        });
        let call = self
            .caller
            .call(&key, visit.not_before, visit.deadline, self.deadline);
        let session = match call.await {
            Ok(result) => {
                for cut in result.cuts() {
                    self.cuts.note(cut.clone());
                }
                result.session()?.clone()
            }
            Err(missing) => {
                self.cuts.late(visit.address.to_string());
                if missing.was_crowded_out() {
                    self.crowded.store(true, Relaxed);
                }
                return None;
            }
        };
        if session.was_waited_for() {
            self.cuts.late(visit.address.to_string());
        }
        if !self.room.take(session.size()) {
            self.cuts.note(Cut::Sessions {
                bound: SESSIONS_BYTES,
            });
            return None;
        }
        Some(session)
    }
}
