//! A session with an address, for one check or for several: which check begins
//! it, which ones wait for it, and for how long.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::budget::{Cuts, Deadline, QUEUE, Times};
use super::cache::{Cache, Cacheable, Retention};
use super::dial::Dial;
use super::gate::{CheckId, Gates};
use super::group::Newer;
use super::legacy;
use super::proxy::without_greeting;
use super::running::RunningChecks;
use super::slots::{Share, Slots};
use super::smtp::{self, Conversation, Doubt, Script};
use super::tls;
use danecheck_core::observation::{Cut, LimitedOffer, Session, SessionEnd};
use danecheck_core::postfix::HelloLimits;

/// The key of a session, for one way to connect and one name in `EHLO`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SessionKey {
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) sni: Option<String>,
    pub(super) offer: Option<LimitedOffer>,
    /// The limits of a policy line, under which only the unencrypted part of the
    /// answer is read.
    pub(super) own: Option<HelloLimits>,
    /// How many attempts the server refused before.
    pub(super) attempt: u8,
}

/// What checks share of their sessions.
#[derive(Clone)]
pub(super) struct SharedSessions {
    pub(super) cache: Arc<Cache<SessionKey, SessionResult>>,
    /// How often an address is connected to.
    pub(super) gates: Arc<Gates>,
    /// Connections at once in all.
    pub(super) connections: Arc<Slots>,
    pub(super) retention: Retention,
    pub(super) running: RunningChecks,
}

/// A session that took place.
pub(super) struct SessionResult {
    /// `None` if its turn never came.
    session: Option<Session>,
    cuts: Vec<Cut>,
    /// It ended because the check that began it ran out of time.
    cut: bool,
    lasts: Duration,
}

impl SessionResult {
    pub(super) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// What budgets cut off.
    pub(super) fn cuts(&self) -> &[Cut] {
        &self.cuts
    }
}

impl Cacheable for SessionResult {
    fn bytes(&self) -> usize {
        let session = self.session.as_ref().map_or(0, Session::size);
        // Replies are kept line by line, each with an allocation.
        size_of::<Self>() + session + session / 4 + 512
    }

    fn lasts(&self) -> Duration {
        self.lasts
    }
}

/// No session took place while the check had time.
pub(super) struct NoSession {
    crowded_out: bool,
}

impl NoSession {
    /// Because others came first.
    pub(super) fn was_crowded_out(&self) -> bool {
        self.crowded_out
    }
}

/// What a session needs of a check.
pub(super) struct Caller {
    shared: SharedSessions,
    check: CheckId,
    share: Share,
    /// It filled some address with its own sessions.
    is_crowd: AtomicBool,
    dial: Dial,
    helo_name: String,
    times: Times,
}

impl Caller {
    /// A check that connects in this way, calls itself by this name in `EHLO`,
    /// and takes so long.
    pub(super) fn new(shared: &SharedSessions, dial: &Dial, helo_name: &str, times: Times) -> Self {
        Self {
            shared: shared.clone(),
            check: shared.gates.new_check(),
            share: Share::default(),
            is_crowd: AtomicBool::new(false),
            dial: dial.clone(),
            helo_name: helo_name.to_owned(),
            times,
        }
    }

    /// Whether this session took place already.
    pub(super) fn knows(&self, key: &SessionKey) -> bool {
        let entry = self.shared.cache.fresh(key);
        entry.is_some_and(|entry| entry.ready().is_some())
    }

    /// Opens a session, or waits for the session that is running. `visit` is
    /// the time for it, `total` that of the check.
    pub(super) async fn call(
        self: &Arc<Self>,
        key: &SessionKey,
        not_before: Option<tokio::time::Instant>,
        visit: Deadline,
        total: Deadline,
    ) -> Result<Arc<SessionResult>, NoSession> {
        loop {
            let mut mine = false;
            let entry = self.shared.cache.get(key, not_before, |entry| {
                mine = true;
                let (caller, key) = (self.clone(), key.clone());
                Box::pin(async move {
                    entry.set_queued(true);
                    let shared = &caller.shared;
                    // A place at the address first: waiting for that delays
                    // nothing elsewhere.
                    let turn = async {
                        let turn = shared.gates.turn(key.address, caller.check).await?;
                        let slot = shared.connections.slot(Some(&caller.share)).await?;
                        Some((turn, slot))
                    };
                    let turn = caller.wait(turn, key.address, total).await;
                    entry.set_queued(false);
                    match turn {
                        Some(_held) => caller.talk(&key, visit).await,
                        None => SessionResult::never(),
                    }
                })
            });
            match total.wait(entry.result()).await {
                Some(Some(result)) if result.cut && !mine && !total.is_over() => {}
                Some(Some(result)) if result.session.is_some() => return Ok(result),
                Some(Some(_)) => {
                    return Err(NoSession {
                        crowded_out: self.has_others(key),
                    });
                }
                Some(None) => return Err(NoSession { crowded_out: false }),
                None => {
                    return Err(NoSession {
                        crowded_out: entry.is_queued() && self.has_others(key),
                    });
                }
            }
        }
    }

    /// Whether other targets keep the address busy: a target with twenty hosts
    /// at one address waits for itself, and is not checked again because of
    /// that.
    fn has_others(&self, key: &SessionKey) -> bool {
        let gates = &self.shared.gates;
        gates.has_others(key.address, self.check)
            && !gates.is_crowd(key.address, self.check)
            && !self.is_crowd.load(Relaxed)
    }

    /// Waits for a turn as long as this check lasts. It waits longer, for the
    /// next check of the target and for others, unless that delays the others.
    async fn wait<T>(
        &self,
        turn: impl Future<Output = Option<T>>,
        address: IpAddr,
        total: Deadline,
    ) -> Option<T> {
        let queue = Deadline::after(QUEUE);
        let mut turn = std::pin::pin!(turn);
        if let Some(turn) = total.wait(turn.as_mut()).await {
            return turn;
        }
        if self.shared.gates.is_crowd(address, self.check) {
            self.is_crowd.store(true, Relaxed);
            return None;
        }
        queue.wait(turn).await.flatten()
    }

    async fn talk(&self, key: &SessionKey, visit: Deadline) -> SessionResult {
        // If no other check can use it, it ends when its check does, with the
        // result so far. Otherwise it takes the time that it would take for any
        // of them.
        let alone = self.shared.running.is_alone();
        let own = Deadline::after(self.times.session());
        let deadline = if alone { visit } else { own };
        if deadline.is_over() {
            return SessionResult::never();
        }
        let shortened = alone && visit.left() + Duration::from_secs(1) < own.left();
        let cuts = Cuts::default();
        let session = self.converse(key, deadline, &cuts).await;
        let cut = shortened && deadline.is_over();
        let lasts = match &session.end {
            _ if cut => Duration::ZERO,
            SessionEnd::Completed | SessionEnd::NoStartTls
                if session.refusal_for_now().is_none() && session.onward.is_none() =>
            {
                self.shared.retention.of(Duration::MAX)
            }
            _ => self.shared.retention.of_failure(),
        };
        SessionResult {
            session: Some(session),
            cuts: cuts.into_all(),
            cut,
            lasts,
        }
    }

    fn script<'s>(&'s self, key: &'s SessionKey, deadline: Deadline, cuts: &'s Cuts) -> Script<'s> {
        Script {
            helo_name: &self.helo_name,
            sni: key.sni.as_deref(),
            offer: key.offer,
            newer: None,
            peer: key.address,
            times: self.times,
            deadline,
            cuts,
        }
    }

    async fn converse(&self, key: &SessionKey, deadline: Deadline, cuts: &Cuts) -> Session {
        let (address, port) = (key.address, key.port);
        let (dial, step) = (&self.dial, self.times.connect);
        if let Some(limits) = key.own {
            let script = self.script(key, deadline, cuts);
            let connect = || async move { dial.reach(address, port, step, deadline).await.ok() };
            return Box::pin(legacy::under_limits(&script, limits, connect)).await;
        }
        let script = self.script(key, deadline, cuts);
        let mut session = self.converse_by(&script, key).await;
        if key.offer.is_some() || !tls::is_worth_another_look(&session) {
            return session;
        }
        let connect = || async move { dial.reach(address, port, step, deadline).await.ok() };
        let mut seen = Box::pin(legacy::look_again(&script, connect)).await;
        if let SessionEnd::HandshakeFailed(failure) = &mut session.end
            && failure.text == tls::TOO_LONG
        {
            if legacy::is_in_tls13(&seen) {
                seen = Box::pin(legacy::look_at_chain(&script, connect)).await;
            }
            // Then OpenSSL does not take it either.
            failure.limit = !legacy::is_too_long_for_openssl(&seen);
        }
        if let Some(newer) = legacy::groups_in_doubt(&seen) {
            let script = Script {
                newer: Some(newer),
                ..script
            };
            let with_them = Box::pin(self.converse_by(&script, key)).await;
            // A server that refuses the one may have other reasons too.
            if newer == Newer::FiniteField || with_them.is_in_hybrid_group() {
                session.newer_groups = Some(Box::new(with_them));
            }
        }
        session.legacy = Some(seen);
        session
    }

    /// One session by this script, and what settles its doubts.
    async fn converse_by(&self, script: &Script<'_>, key: &SessionKey) -> Session {
        let (address, port) = (key.address, key.port);
        let (dial, step, deadline) = (&self.dial, self.times.connect, script.deadline);
        let stream = match dial.reach(address, port, step, deadline).await {
            Ok(stream) => stream,
            Err(end) => {
                return Session::ended(key.sni.clone(), end);
            }
        };
        let Conversation {
            mut session,
            doubts,
        } = smtp::converse(stream, script).await;
        if self.dial.proxy().is_some() {
            session.end = without_greeting(session.end);
        }
        for doubt in doubts {
            let Ok(stream) = dial.reach(address, port, step, deadline).await else {
                break;
            };
            let settled = Box::pin(smtp::settle(stream, script, &session, doubt));
            let Some(onward) = settled.await else {
                continue;
            };
            match doubt {
                Doubt::WithoutStartTls => session.without_starttls = onward,
                Doubt::Closed => session.onward = onward,
            }
        }
        session
    }
}

impl SessionResult {
    /// No session, because its turn never came.
    fn never() -> Self {
        Self {
            session: None,
            cuts: Vec::new(),
            cut: true,
            lasts: Duration::ZERO,
        }
    }
}
