//! One MX host: its addresses, its TLSA records and sessions with each address.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, join_all};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::assumed::Assumed;
use super::base_domain::{self, Bases, Plan};
use super::budget::{
    ADDRESSES, ByteBudget, CONNECTIONS, Cuts, Deadline, OWN_HELLOS, SESSION_BEFORE_TLSA,
    SESSIONS_BYTES,
};
use super::call::{Caller, SessionKey};
use super::lookup::{Dns, LookupResult};
use super::pool::Pool;
use super::query::Raw;
use super::settle::settle;
use super::setup::{Setup, Visits};
use super::wire::Datum;
use danecheck_core::certificate::{Certificate, KeyKind};
use danecheck_core::next_hop::{NextHop, NextHopHost, lookup_name_fault};
use danecheck_core::observation::{
    AddressSeen, Cut, Denial, HostSeen, LimitedLook, LimitedOffer, Lookup, OwnHello, RecordType,
    Reply, ResolverValidation, Session, SessionEnd, TlsaLookup, UnusedTlsa,
};
use danecheck_core::postfix::{HelloLimits, LineHello, ServerName};
use danecheck_core::reserved::{ReservedBlock, reserved_block};
use danecheck_core::tlsa::TlsaRecord;

/// The data that all parts of one check share.
pub(super) struct Check<'a> {
    setup: &'a Setup,
    promised: Promised<'a>,
    hellos: Hellos<'a>,
    next_hop: String,
    caller: Arc<Caller>,
    port: u16,
    /// The address literal that the user typed, so danecheck may connect to it.
    typed: Option<IpAddr>,
    dns: &'a Dns<'a>,
    deadline: Deadline,
    cuts: &'a Cuts,
    connections: Semaphore,
    room: ByteBudget,
    /// Time was up while the check waited for an address that others keep busy.
    crowded: AtomicBool,
}

/// The ClientHellos that policy lines ask for, once they are known.
pub(super) type Hellos<'a> = Shared<BoxFuture<'a, Arc<[LineHello]>>>;

/// Whether the domain announces an MTA-STS policy, once that is known.
pub(super) type Promised<'a> = Shared<BoxFuture<'a, bool>>;

/// One session to be.
#[derive(Clone, Copy)]
struct Visit<'v> {
    address: IpAddr,
    sni: Option<&'v str>,
    /// The limit of the ClientHello.
    offer: Option<LimitedOffer>,
    /// The limits of a policy line.
    own: Option<HelloLimits>,
    /// How often danecheck tried before.
    attempt: u8,
    /// A session from before this moment does not count.
    not_before: Option<Instant>,
    deadline: Deadline,
}

/// A host before its answers have a status.
pub(super) struct RawHost {
    name: String,
    families: Vec<Family>,
    /// Of a host that is a literal.
    addresses: Vec<AddressSeen>,
    /// Its TLSA records were asked for at its own name, although nobody
    /// connects to it.
    tlsa_without_address: bool,
    /// TLSA records that no sender asks for.
    tlsa_unused: Option<UnusedTlsa>,
}

/// The addresses of one family and what followed from them.
struct Family {
    record_type: RecordType,
    looked: LookupResult,
    bases: Arc<Bases>,
    addresses: Vec<AddressSeen>,
}

impl<'a> Check<'a> {
    pub(super) fn new(
        setup: &'a Setup,
        next_hop: &NextHop,
        pool: &Pool,
        dns: &'a Dns<'a>,
        deadline: Deadline,
        cuts: &'a Cuts,
        (promised, hellos): (Promised<'a>, Hellos<'a>),
    ) -> Self {
        Self {
            setup,
            promised,
            hellos,
            next_hop: match &next_hop.host {
                NextHopHost::Name(name) => name.clone(),
                NextHopHost::Address(address) => address.to_string(),
            },
            caller: Arc::new(Caller::new(
                pool.sessions(),
                &setup.dial,
                &setup.helo_name,
                setup.times,
            )),
            port: next_hop.port,
            typed: match next_hop.host {
                NextHopHost::Address(address) if setup.typed => Some(address),
                NextHopHost::Address(_) | NextHopHost::Name(_) => None,
            },
            dns,
            deadline,
            cuts,
            connections: Semaphore::new(CONNECTIONS),
            room: ByteBudget::new(SESSIONS_BYTES),
            crowded: AtomicBool::new(false),
        }
    }

    /// Whether another check would see more, because this one had to wait for
    /// other targets.
    pub(super) fn was_crowded_out(&self) -> bool {
        self.crowded.load(Relaxed)
    }

    /// Checks one host. The address families are independent, so a slow answer
    /// in one does not delay the other.
    pub(super) async fn see(&self, name: &str) -> RawHost {
        let mut host = RawHost {
            name: name.to_owned(),
            families: Vec::new(),
            addresses: Vec::new(),
            tlsa_without_address: false,
            tlsa_unused: None,
        };
        if let Ok(address) = name.parse::<IpAddr>() {
            let nothing = async { Arc::new(Bases::default()) }.boxed().shared();
            host.addresses
                .push(Box::pin(self.see_address(name, address, nothing)).await);
        } else if lookup_name_fault(name).is_none() {
            let mut families = Box::pin(async {
                tokio::join!(
                    self.see_family(name, RecordType::A),
                    self.see_family(name, RecordType::Aaaa),
                )
            });
            // No check waits for what no delivery depends on.
            let (a, aaaa) = tokio::select! {
                biased;
                seen = &mut families => seen,
                unused = self.unused_tlsa(name) => {
                    host.tlsa_unused = unused;
                    families.await
                }
            };
            let nowhere = |family: &Family| !matches!(*family.looked.raw, Raw::Records { .. });
            let exists = |family: &Family| {
                let no_data = Denial::NoData;
                matches!(*family.looked.raw, Raw::Denied { denial, .. } if denial == no_data)
            };
            let families = [a, aaaa];
            // To postfix-tlspol before 1.12 that is a host all the same.
            if families.iter().all(nowhere) && families.iter().any(exists) {
                self.ask_for_tlsa_aside(name).await;
                host.tlsa_without_address = true;
            }
            host.families = families.into();
        }
        host
    }

    /// A host to which Postfix does not go: what a policy service asks about it.
    pub(super) async fn pass_over(&self, name: &str) -> RawHost {
        let mut host = RawHost {
            name: name.to_owned(),
            families: Vec::new(),
            addresses: Vec::new(),
            tlsa_without_address: false,
            tlsa_unused: None,
        };
        if name.parse::<IpAddr>().is_err() && lookup_name_fault(name).is_none() {
            let family = |record_type| async move {
                Family {
                    record_type,
                    looked: self.dns.look_up_aside(name, record_type).await,
                    bases: Arc::default(),
                    addresses: Vec::new(),
                }
            };
            let (a, aaaa, ()) = tokio::join!(
                family(RecordType::A),
                family(RecordType::Aaaa),
                self.ask_for_tlsa_aside(name)
            );
            host.families = vec![a, aaaa];
            host.tlsa_without_address = true;
        }
        host
    }

    /// The TLSA records of a host whose addresses DNSSEC does not protect, if the
    /// zone is signed all the same, or this is a close look.
    async fn unused_tlsa(&self, host: &str) -> Option<UnusedTlsa> {
        let (a, aaaa) = tokio::join!(
            self.dns.look_up(host, RecordType::A),
            self.dns.look_up(host, RecordType::Aaaa),
        );
        let is_close = self.setup.thorough || self.setup.authoritative;
        let mut base = None;
        for looked in [&a, &aaaa] {
            let Raw::Records {
                aliases, signed, ..
            } = &*looked.raw
            else {
                continue;
            };
            if self.dns.is_secure(looked).await != Some(false) {
                return None;
            }
            if *signed || is_close {
                base = base.or(Some(aliases.last().map_or(host, String::as_str)));
            }
        }
        let name = base_domain::owner(base?, self.port);
        let found = self.dns.glance(&name, RecordType::Tlsa).await?;
        let Raw::Records { data, .. } = &*found else {
            return None;
        };
        let records: Vec<TlsaRecord> = data.iter().filter_map(tlsa_record).collect();
        (!records.is_empty()).then_some(UnusedTlsa { name, records })
    }

    async fn ask_for_tlsa_aside(&self, name: &str) {
        let owner = base_domain::owner(name, self.port);
        self.dns.look_up_aside(&owner, RecordType::Tlsa).await;
    }

    async fn see_family(&self, host: &str, record_type: RecordType) -> Family {
        let looked = self.dns.look_up(host, record_type).await;
        let mut family = Family {
            record_type,
            looked: looked.clone(),
            bases: Arc::default(),
            addresses: Vec::new(),
        };
        let Raw::Records { aliases, data, .. } = &*looked.raw else {
            return family;
        };
        let bases = async {
            let secure = self.dns.is_secure(&looked).await;
            let plan = Plan::new(host, aliases, secure);
            Arc::new(base_domain::explore(self.dns, host, self.port, plan).await)
        }
        .boxed()
        .shared();
        let mut found: Vec<IpAddr> = Vec::new();
        for address in data.iter().filter_map(address) {
            if !found.contains(&address) {
                found.push(address);
            }
        }
        if found.len() > ADDRESSES {
            self.cuts.note(Cut::Addresses {
                host: host.to_owned(),
                record_type,
                found: found.len(),
                bound: ADDRESSES,
            });
        }
        let left_out = found.split_off(found.len().min(ADDRESSES));
        let talks = found
            .into_iter()
            .map(|address| Box::pin(self.see_address(host, address, bases.clone())));
        let (bases, seen) = tokio::join!(bases.clone(), join_all(talks));
        family.bases = bases;
        family.addresses = seen;
        family
            .addresses
            .extend(left_out.into_iter().map(AddressSeen::not_looked_at));
        family
    }

    /// One session without a server name at once, and one with it as soon as it
    /// is known that Postfix would send one.
    async fn see_address<B>(&self, host: &str, address: IpAddr, bases: Shared<B>) -> AddressSeen
    where
        B: Future<Output = Arc<Bases>>,
    {
        if self.setup.only.is_some_and(|only| !only.has(address)) {
            return AddressSeen::not_looked_at(address);
        }
        if let Some(block) = self.left_alone(address) {
            return AddressSeen {
                reserved: Some(block.to_string()),
                ..AddressSeen::not_looked_at(address)
            };
        }
        if let Some(assumed) = &self.setup.assumed {
            bases.await;
            return assumed.address(address);
        }
        if self.setup.visits == Visits::Later {
            return self.leave_places(host, address, bases.await.as_ref()).await;
        }
        let visit = Visit {
            address,
            sni: None,
            offer: None,
            own: None,
            attempt: 0,
            not_before: None,
            deadline: self.deadline.within(self.setup.times.address),
        };
        let met = Notify::new();
        let known_bases = bases.clone();
        let named = async {
            let bases = bases.await;
            let Some(sni) = bases.sni.as_ref() else {
                return self.talk_for_policy(host, visit, &met).await;
            };
            // The server's certificate and its records have to be from the same
            // time: a key change in between would look like a fault.
            let not_before = sni.asked_at.checked_sub(SESSION_BEFORE_TLSA);
            let visit = Visit {
                sni: Some(&sni.name),
                not_before,
                ..visit
            };
            self.talk(visit).await
        };
        let plain = async {
            let session = self.talk(visit).await;
            met.notify_one();
            session
        };
        let (plain, named) = tokio::join!(plain, named);
        let mut sessions: Vec<Session> = plain.into_iter().chain(named).collect();
        // Some servers allow a client only one connection at a time; Postfix
        // opens only one.
        let any_came_in = sessions.iter().any(|session| !session.is_turned_away());
        for session in &mut sessions {
            if any_came_in
                && session.is_turned_away()
                && let Some(again) = self.again(visit, 1, session).await
            {
                *session = again;
            }
        }
        let refused_at_first = self.ask_refusers_again(visit, &mut sessions).await;
        let dane = known_bases.await;
        let dane = dane.sni.as_ref().map(|sni| sni.name.as_str());
        let own_hellos = self.own_hellos(host, visit, &sessions, dane).await;
        let limited = match sessions.last() {
            Some(judged) if self.setup.thorough => self.limited_looks(visit, judged).await,
            _ => Vec::new(),
        };
        AddressSeen {
            address,
            sessions,
            reserved: None,
            refused_at_first,
            limited,
            own_hellos,
        }
    }

    /// The sessions that another process is to hold, each as its place: it ends
    /// as [`SessionEnd::Assumed`].
    async fn leave_places(&self, host: &str, address: IpAddr, bases: &Bases) -> AddressSeen {
        let is_literal = host.parse::<IpAddr>().is_ok();
        let named = match &bases.sni {
            Some(sni) => Some(sni.name.clone()),
            None if !is_literal && self.promised.clone().await => Some(host.to_owned()),
            None => None,
        };
        let place = |sni| Session::ended(sni, SessionEnd::Assumed);
        AddressSeen {
            sessions: std::iter::once(place(None))
                .chain(named.map(|name| place(Some(name))))
                .collect(),
            ..AddressSeen::not_looked_at(address)
        }
    }

    /// A session with the server name that MTA-STS requires (RFC 8461 section
    /// 6.1), if no TLSA record requires it. Whether there is a policy is known
    /// by now; otherwise danecheck waits for that only as long as the session
    /// without a server name lasts.
    async fn talk_for_policy(&self, host: &str, visit: Visit<'_>, met: &Notify) -> Option<Session> {
        if host.parse::<IpAddr>().is_ok() {
            return None;
        }
        let promised = tokio::select! {
            biased;
            promised = self.promised.clone() => promised,
            () = met.notified() => false,
        };
        if !promised {
            return None;
        }
        let visit = Visit {
            sni: Some(host),
            ..visit
        };
        self.talk(visit).await
    }

    /// The sessions with the ClientHellos of policy lines, if the usual sessions
    /// do not show what the server does with them; one after the other.
    async fn own_hellos(
        &self,
        host: &str,
        visit: Visit<'_>,
        usual: &[Session],
        dane: Option<&str>,
    ) -> Vec<OwnHello> {
        let mut own: Vec<OwnHello> = Vec::new();
        let came_to_tls = usual.iter().any(Session::came_to_tls);
        let hellos = self.hellos.clone().await;
        let special = hellos.iter().filter(|hello| !hello.is_usual());
        for hello in special.take(OWN_HELLOS).filter(|_| came_to_tls) {
            let sni = match &hello.server_name {
                _ if hello.dane_first && dane.is_some() => dane,
                None => None,
                Some(ServerName::HostName) => Some(host),
                Some(ServerName::NextHop) => Some(self.next_hop.as_str()),
                Some(ServerName::Literal(name)) => Some(name.as_str()),
            };
            let known = |own: &[OwnHello], limits: HelloLimits| {
                let of_line = own.iter().filter(|look| look.limits == limits);
                let sessions = of_line.map(|look| &look.session);
                let plain = usual.iter().filter(|_| limits == HelloLimits::NONE);
                let mut all = plain.chain(sessions);
                all.find(|session| session.sni.as_deref() == sni).cloned()
            };
            let plain = match known(&own, HelloLimits::NONE) {
                Some(session) => session,
                None => {
                    let Some(session) = self.talk(Visit { sni, ..visit }).await else {
                        continue;
                    };
                    own.push(OwnHello {
                        limits: HelloLimits::NONE,
                        session: session.clone(),
                    });
                    session
                }
            };
            if plain.holds_under(hello.limits) || known(&own, hello.limits).is_some() {
                continue;
            }
            let limited = Visit {
                sni,
                own: Some(hello.limits),
                ..visit
            };
            if let Some(session) = self.talk(limited).await
                && session.legacy.is_some()
            {
                own.push(OwnHello {
                    limits: hello.limits,
                    session,
                });
            }
        }
        own
    }

    /// What the server shows to clients that offer less, one after the other;
    /// `judged` is the session by which DANE is judged. Empty if that session
    /// showed no certificate.
    async fn limited_looks(&self, visit: Visit<'_>, judged: &Session) -> Vec<LimitedLook> {
        let Some(tls) = &judged.tls else {
            return Vec::new();
        };
        let Some(leaf) = tls.chain.first() else {
            return Vec::new();
        };
        let key = Certificate::from_der(&leaf.0).map(|leaf| leaf.key().kind().clone());
        let other_key = match key {
            Ok(KeyKind::Rsa | KeyKind::RsaPss) => LimitedOffer::Curves,
            _ => LimitedOffer::Rsa,
        };
        let other_version =
            (tls.version.as_deref() == Some("TLSv1.3")).then_some(LimitedOffer::Tls12);
        let mut looks = Vec::new();
        for offer in other_version.into_iter().chain([other_key]) {
            let talk = self.talk(Visit {
                sni: judged.sni.as_deref(),
                offer: Some(offer),
                ..visit
            });
            if let Some(session) = talk.await {
                looks.push(LimitedLook { offer, session });
            }
        }
        looks
    }

    /// Tries once more, after a pause, if the server refused for now; returns
    /// its first reply.
    async fn ask_refusers_again(
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
    async fn again(&self, visit: Visit<'_>, attempt: u8, session: &Session) -> Option<Session> {
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

    /// The reserved block that keeps an address from being connected to.
    fn left_alone(&self, address: IpAddr) -> Option<&'static ReservedBlock> {
        let assumed = self.setup.assumed.as_ref();
        if self.setup.allow_private
            || self.typed == Some(address)
            || assumed.is_some_and(Assumed::is_at_any_address)
        {
            return None;
        }
        reserved_block(address)
    }

    /// A separate box: sessions have many callers, each of which would hold one
    /// by value.
    fn talk<'s>(&'s self, visit: Visit<'s>) -> BoxFuture<'s, Option<Session>> {
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

fn address(datum: &Datum) -> Option<IpAddr> {
    match datum {
        Datum::Address(address) => Some(*address),
        _ => None,
    }
}

fn tlsa_record(datum: &Datum) -> Option<TlsaRecord> {
    match datum {
        Datum::Tlsa(data) => Some(TlsaRecord::from_rdata(data)),
        _ => None,
    }
}

impl RawHost {
    /// The host with a status at each answer.
    pub(super) async fn settle(
        self,
        check: &Check<'_>,
        validation: ResolverValidation,
    ) -> HostSeen {
        let mut host = HostSeen {
            name: self.name,
            a: None,
            aaaa: None,
            alias: None,
            tlsa: Vec::new(),
            tlsa_without_address: None,
            tlsa_unused: self.tlsa_unused,
            addresses: self.addresses,
        };
        let mut candidates: Vec<String> = Vec::new();
        for family in self.families {
            let lookup = settle(
                &host.name,
                family.record_type,
                &family.looked,
                validation,
                address,
            )
            .await;
            if family.record_type == RecordType::A {
                host.a = Some(lookup);
            } else {
                host.aaaa = Some(lookup);
            }
            if family.bases.alias_asked {
                host.alias = Some(check.settle_alias(&host.name, validation).await);
            }
            // The resolver turned out to validate only later: Postfix behind it
            // would not have asked.
            let asked_in_vain =
                family.bases.for_the_report && validation == ResolverValidation::Shown;
            if !asked_in_vain {
                candidates.extend(family.bases.candidates.iter().cloned());
            }
            for seen in family.addresses {
                host.addresses.push(seen);
            }
        }
        for base in in_order(&host.name, candidates) {
            host.tlsa.push(check.settle_tlsa(base, validation).await);
        }
        if self.tlsa_without_address {
            let tlsa = check.settle_tlsa(host.name.clone(), validation).await;
            host.tlsa_without_address = Some(tlsa);
        }
        host
    }
}

/// Each candidate once, the host itself last.
fn in_order(host: &str, candidates: Vec<String>) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    for base in candidates {
        if !order.contains(&base) {
            order.push(base);
        }
    }
    order.sort_by_key(|base| base == host);
    order
}

impl Check<'_> {
    async fn settle_alias(&self, host: &str, validation: ResolverValidation) -> Lookup<String> {
        let looked = self.dns.look_up(host, RecordType::Cname).await;
        settle(
            host,
            RecordType::Cname,
            &looked,
            validation,
            |datum| match datum {
                Datum::Name(name) => Some(name.clone()),
                _ => None,
            },
        )
        .await
    }

    async fn settle_tlsa(&self, base_domain: String, validation: ResolverValidation) -> TlsaLookup {
        let name = base_domain::owner(&base_domain, self.port);
        let looked = self.dns.look_up(&name, RecordType::Tlsa).await;
        let lookup = settle(&name, RecordType::Tlsa, &looked, validation, tlsa_record).await;
        TlsaLookup {
            base_domain,
            lookup,
        }
    }
}
