//! The observation with its certificates parsed and its records matched, once
//! for all levels.

use std::rc::Rc;

use crate::certificate::{Certificate, Presented, ReferenceName, VerificationFailure};
use crate::forensics::matches_nobody;
use crate::matching::{DaneMatching, Requirement, fingerprints, match_fingerprints};
use crate::observation::{
    AddressSeen, ConnectFailureKind, HostSeen, LimitedOffer, Observation, Session, SessionEnd,
};
use crate::postfix::{Dnssec, HelloLimits, InsecureMx, SecurityLevel, TlsVersion};
use crate::tlsa::{TlsaRecord, Usability, usability};
use crate::unix_time::UnixTime;

use super::attempt::{self, Age, Checked};
use super::dane::{DaneRecords, dane_records};
use super::delivery::{self, Attempts, Prospect};
use super::failure::{Attempt, Failure, Peer};
use super::handshake;
use super::outcome::{Channel, Outcome, Untold};
use super::policy::{
    CONFIGURATION_PROBLEM, MxInPlay, PeerCheck, PolicyRequest, TlsPolicy, TlsUse, dane_names,
    mx_in_play, tls_policy,
};
use super::route::{Route, route};
use super::verified::Verified;

/// The data of a judgement.
pub(crate) struct Evidence<'a> {
    pub(crate) observation: &'a Observation,
    /// The moment that certificates are judged for.
    pub(crate) now: UnixTime,
    pub(crate) route: Route,
    pub(crate) mx: Option<MxInPlay>,
    pub(crate) hosts: Vec<HostEvidence<'a>>,
    /// Everything that was verified, each once.
    pub(crate) verified: Verified<'a>,
}

/// One host.
pub(crate) struct HostEvidence<'a> {
    pub(crate) seen: &'a HostSeen,
    pub(crate) addresses: Vec<AddressEvidence<'a>>,
}

/// One address.
pub(crate) struct AddressEvidence<'a> {
    pub(crate) seen: &'a AddressSeen,
    /// Written once: each level and each sender has attempts of its own.
    peer: Peer,
    pub(crate) dane: DaneRecords<'a>,
    pub(crate) sessions: Vec<SessionEvidence<'a>>,
    /// The sessions in which danecheck offered less than Postfix does.
    pub(crate) limited: Vec<(LimitedOffer, SessionEvidence<'a>)>,
    /// The sessions with the ClientHello of a policy line, by its limits.
    pub(crate) own: Vec<(HelloLimits, SessionEvidence<'a>)>,
}

/// One session.
pub(crate) struct SessionEvidence<'a> {
    pub(crate) seen: &'a Session,
    /// Shared by all sessions that showed the same chain.
    pub(crate) chain: Rc<[Presented]>,
    /// The TLSA records matched with this chain, if there are both.
    pub(crate) dane: Option<Rc<DaneMatching>>,
    /// The same with groups that only newer Postfix offers.
    pub(crate) newer_groups: Option<Box<SessionEvidence<'a>>>,
}

impl<'a> Evidence<'a> {
    /// Parses and matches everything once, as of the observation.
    pub(crate) fn of(observation: &'a Observation) -> Self {
        Self::at(observation, observation.checked_at)
    }

    /// The same as of another moment.
    pub(crate) fn at(observation: &'a Observation, now: UnixTime) -> Self {
        let mx = mx_in_play(observation);
        let mut verified = Verified::new(observation);
        let mut hosts: Vec<HostEvidence<'a>> = observation
            .hosts
            .iter()
            .map(|host| HostEvidence {
                seen: host,
                addresses: host
                    .addresses
                    .iter()
                    .map(|address| address_evidence(&mut verified, observation, host, address))
                    .collect(),
            })
            .collect();
        // Each can have its equal share of work only when all are known.
        for host in &mut hosts {
            verified.count(host);
        }
        for address in hosts.iter_mut().flat_map(|host| &mut host.addresses) {
            let DaneRecords::Usable(tlsa, records) = address.dane else {
                continue;
            };
            let names = dane_names(&tlsa.base_domain, mx.as_ref());
            let limited = address.limited.iter_mut().map(|(_, session)| session);
            let own = address.own.iter_mut().map(|(_, session)| session);
            for session in address.sessions.iter_mut().chain(limited).chain(own) {
                let matched = |chain: &Rc<[Presented]>| {
                    (!chain.is_empty()).then(|| verified.dane(chain, records, &names, now))
                };
                session.dane = matched(&session.chain);
                if let Some(other) = &mut session.newer_groups {
                    other.dane = matched(&other.chain);
                }
            }
        }
        Self {
            observation,
            now,
            route: route(observation),
            mx,
            hosts,
            verified,
        }
    }

    /// The trusted certificates that can matter here.
    pub(crate) fn trust_store(&self) -> &[Certificate] {
        self.verified.trust_store()
    }

    /// Matches these records with what a session showed, at any moment.
    pub(crate) fn matching(
        &self,
        session: &SessionEvidence<'_>,
        records: &'a [TlsaRecord],
        names: &[String],
        now: UnixTime,
    ) -> Rc<DaneMatching> {
        self.verified.dane(&session.chain, records, names, now)
    }

    /// Verifies a chain with the trust store, or without one, and these names.
    pub(crate) fn pkix(
        &self,
        chain: &Rc<[Presented]>,
        names: &[ReferenceName],
        trusting: bool,
    ) -> Result<(), VerificationFailure> {
        self.verified.pkix(chain, names, trusting, self.now)
    }

    /// Every address with its host.
    pub(crate) fn addresses(
        &self,
    ) -> impl Iterator<Item = (&HostEvidence<'a>, &AddressEvidence<'a>)> + Clone {
        self.hosts
            .iter()
            .flat_map(|host| host.addresses.iter().map(move |address| (host, address)))
    }

    /// What Postfix does under this policy.
    pub(crate) fn outcome(&self, request: &PolicyRequest) -> Outcome {
        let candidates = match &self.route {
            Route::Nowhere(end) => return delivery::dead_end(end),
            Route::Addresses(candidates) => candidates,
        };
        let any_seen = self.addresses().any(|(_, address)| !address.was_left_out());
        let prospects: Vec<Prospect> = candidates
            .iter()
            .filter_map(|candidate| {
                let host = self.hosts.get(candidate.host)?;
                let address = host.addresses.get(candidate.address)?;
                // It is assumed to be like those that were checked.
                if address.was_left_out() && any_seen {
                    return None;
                }
                let other = host.other_family(address);
                let other = other.filter(|other| self.observation.uses(other.seen.address));
                Some(Prospect {
                    candidate: *candidate,
                    host: host.seen.name.clone(),
                    own: self.attempts(request, host, address, &address.dane),
                    after_other_family: other
                        .filter(|other| other.dane != address.dane)
                        .map(|other| self.attempts(request, host, address, &other.dane)),
                })
            })
            .collect();
        delivery::deliver(&prospects)
    }

    /// What Postfix does if its table gives a value that it rejects: no
    /// connection, 4.7.5, for every host.
    pub(crate) fn outcome_without_policy(&self) -> Outcome {
        match &self.route {
            Route::Nowhere(end) => delivery::dead_end(end),
            Route::Addresses(_) => delivery::ended(Failure::new("4.7.5", CONFIGURATION_PROBLEM)),
        }
    }

    fn attempts(
        &self,
        request: &PolicyRequest,
        host: &HostEvidence<'_>,
        address: &AddressEvidence<'_>,
        dane: &DaneRecords<'a>,
    ) -> Attempts {
        let new = self.attempt(request, host, address, dane, Age::New);
        let deferred = match &new {
            // Age turns soft failures only.
            Attempt::Soft(_) | Attempt::Counted(_) => {
                self.attempt(request, host, address, dane, Age::Deferred)
            }
            Attempt::Ready(_) | Attempt::Hard(_) | Attempt::NotJudged(_) => new.clone(),
        };
        Attempts { new, deferred }
    }

    /// What Postfix gets from one address under this policy, with the TLSA
    /// records that count for its host.
    pub(crate) fn attempt(
        &self,
        request: &PolicyRequest,
        host: &HostEvidence<'_>,
        address: &AddressEvidence<'_>,
        dane: &DaneRecords<'a>,
        age: Age,
    ) -> Attempt {
        let port = self.observation.next_hop.port;
        let name = &host.seen.name;
        let mx_ignored = request.settings.insecure_mx == InsecureMx::May
            && self.mx.as_ref().is_some_and(|mx| !mx.secure);
        if dies_of(request, dane) && !mx_ignored {
            let text = "unknown mail transport error";
            return Attempt::Hard(Failure::new("4.3.0", text));
        }
        let mx = self.mx.as_ref();
        let policy = match tls_policy(request, self.observation, mx, name, dane) {
            Ok(policy) => policy,
            Err(failure) => return Attempt::Soft(Failure::new("4.7.5", failure.text(name, port))),
        };
        let peer = &address.peer;
        let by_hello = address.by_hello(
            policy.sni.as_deref(),
            request.asks_for_server_name(),
            request.limits(policy.tls),
            request.excluded(policy.tls).unknown,
        );
        let session = match by_hello {
            _ if policy.tls == TlsUse::Never => address.session(None).map(|it| (it, it)),
            ByHello::Seen(session) => {
                let newer = session.newer_groups.as_deref().filter(|newer| {
                    handshake::offers_groups_of(newer.seen, policy.defaults)
                        && newer.seen.holds_under(request.limits(policy.tls))
                });
                let session = newer.unwrap_or(session);
                Some((session, session))
            }
            ByHello::InTheClear(session, usual) => Some((session, usual)),
            ByHello::NotSeen => return Attempt::NotJudged(Untold::Hello),
            ByHello::Nothing => None,
        };
        let Some((session, after_tls)) = session else {
            let why = address.seen.reserved.as_ref();
            return Attempt::Soft(Failure::new(
                "4.4.1",
                match why {
                    None => format!("{} was not checked", peer.name),
                    Some(block) => format!("{} was not checked: {block}", peer.name),
                },
            ));
        };
        let policy = match session.leaf_is_not_for_signing() {
            // Then no version of TLS will do.
            true => TlsPolicy {
                oldest: None,
                ..policy
            },
            false => policy,
        };
        let check = || self.check(session, &policy, request.settings.trust_store);
        attempt::attempt(session.seen, peer, &policy, age, check, after_tls.seen)
    }

    /// Whether a certificate passes (`tls_client_start` and
    /// `verify_extract_name` in Postfix's `tls_client.c`).
    fn check(
        &self,
        session: &SessionEvidence<'_>,
        policy: &TlsPolicy<'a>,
        trusting: bool,
    ) -> Checked {
        if session.shows_what_is_asked_for() {
            return granted(&policy.check);
        }
        let passed = |ok: Option<bool>| match ok {
            Some(true) => Checked::Passed(Channel::Authenticated),
            Some(false) => Checked::Failed,
            None => Checked::NotJudged,
        };
        match &policy.check {
            PeerCheck::None => Checked::Passed(Channel::Encrypted),
            PeerCheck::Pkix(names) => passed(match self.pkix(&session.chain, names, trusting) {
                Err(failure) if failure.is_for_want_of_work() => None,
                result => Some(result.is_ok()),
            }),
            PeerCheck::Pins(pins) => {
                let Some(Ok(leaf)) = session.chain.first() else {
                    return Checked::Failed;
                };
                // If no pins are given: those of the certificate that is served
                // now.
                let own = [fingerprints(leaf).public_key_sha256];
                let pins = if pins.is_empty() { &own[..] } else { pins };
                passed(Some(match_fingerprints(leaf, pins).is_ok()))
            }
            PeerCheck::Dane {
                records,
                names,
                half,
                only,
            } => {
                let matching = self.matching(session, records, names, self.now);
                if matching.requirement != Requirement::MustMatch {
                    // "all TLSA records unusable, fallback to unauthenticated
                    // TLS"; dane-only fails the verification instead.
                    return if *only {
                        Checked::Failed
                    } else {
                        Checked::Passed(Channel::Encrypted)
                    };
                }
                match (matching.authenticates(), half) {
                    (Some(true), true) => Checked::Passed(Channel::Encrypted),
                    (authenticates, _) => passed(authenticates),
                }
            }
        }
    }
}

/// The result of the check if a server shows what the policy asks for, as far
/// as any server can.
fn granted(check: &PeerCheck<'_>) -> Checked {
    match check {
        PeerCheck::None => Checked::Passed(Channel::Encrypted),
        PeerCheck::Pkix(_) | PeerCheck::Pins(_) => Checked::Passed(Channel::Authenticated),
        PeerCheck::Dane {
            records,
            half,
            only,
            ..
        } => match (Promise::of(records), only) {
            (Promise::Unusable, false) => Checked::Passed(Channel::Encrypted),
            (Promise::Unusable, true) | (Promise::Impossible, _) => Checked::Failed,
            (Promise::Kept, _) if *half => Checked::Passed(Channel::Encrypted),
            (Promise::Kept, _) => Checked::Passed(Channel::Authenticated),
        },
    }
}

/// Whether a server can satisfy a set of TLSA records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// There are certificates that match.
    Kept,
    /// No certificate matches.
    Impossible,
    /// Any certificate passes, because no record is usable.
    Unusable,
}

impl Promise {
    pub(crate) fn of(records: &[TlsaRecord]) -> Self {
        let usable = |record: &&TlsaRecord| usability(record) == Usability::Usable;
        let mut usable = records.iter().filter(usable).peekable();
        if usable.peek().is_none() {
            Self::Unusable
        } else if usable.all(matches_nobody) {
            Self::Impossible
        } else {
            Self::Kept
        }
    }
}

impl SessionEvidence<'_> {
    /// Whether the proxy failed before there was a connection.
    fn failed_at_proxy(&self) -> bool {
        matches!(&self.seen.end, SessionEnd::NotConnected(failure)
            if failure.kind == ConnectFailureKind::Proxy)
    }

    /// Whether it stands for a server that is assumed to behave as DNS
    /// requires.
    pub(crate) fn shows_what_is_asked_for(&self) -> bool {
        self.seen.end == SessionEnd::Assumed && self.seen.chain().is_empty()
    }

    /// Whether OpenSSL ends the handshake because of the leaf, whatever the policy
    /// asks for: up to TLS 1.2 a key on a curve has to be for signatures, by a key
    /// usage or by none, and a certificate that is invalid has none that counts
    /// (openssl:`ssl_check_srvr_ecc_cert_and_alg`, "ecc cert not for signing").
    pub(crate) fn leaf_is_not_for_signing(&self) -> bool {
        let is_old = self.version().is_some_and(|it| it <= TlsVersion::Tls12);
        let on_curve = self.seen.suite().is_some_and(|it| it.contains("_ECDSA_"));
        let Some(Ok(leaf)) = self.chain.first().filter(|_| is_old && on_curve) else {
            return false;
        };
        let usage = leaf.key_usage();
        leaf.invalid_extension().is_some() || usage.is_some_and(|it| !it.digital_signature)
    }

    /// Whether a ClientHello with these limits has the same result.
    fn answers(&self, limits: HelloLimits, is_unclear: bool) -> bool {
        // TLS 1.3 has no suites that a list of ciphers names.
        let needs_no_list =
            self.seen.suite().is_none() || self.seen.version() == Some(TlsVersion::Tls13);
        (!is_unclear || needs_no_list) && self.seen.holds_under(limits)
    }

    /// The version of TLS in use, or in use with Postfix.
    pub(crate) fn version(&self) -> Option<TlsVersion> {
        self.seen.version()
    }
}

/// What is known of a server under one ClientHello.
enum ByHello<'s, 'a> {
    /// This session shows it.
    Seen(&'s SessionEvidence<'a>),
    /// The first shows it as far as the handshake, the second what comes then.
    InTheClear(&'s SessionEvidence<'a>, &'s SessionEvidence<'a>),
    /// Nothing: the answer may depend on it, and it was not sent.
    NotSeen,
    /// There is no session at all.
    Nothing,
}

impl<'a> HostEvidence<'a> {
    /// An address of the family that this one is not of.
    fn other_family(&self, address: &AddressEvidence<'_>) -> Option<&AddressEvidence<'a>> {
        self.addresses
            .iter()
            .find(|other| other.seen.address.is_ipv4() != address.seen.address.is_ipv4())
    }
}

impl<'a> AddressEvidence<'a> {
    /// Whether a budget, or a proxy that failed, kept danecheck from checking it:
    /// that says nothing about the address.
    pub(crate) fn was_left_out(&self) -> bool {
        let mut sessions = self.sessions.iter();
        self.seen.reserved.is_none() && sessions.all(SessionEvidence::failed_at_proxy)
    }

    /// The session with this SNI; if there is none, the one without SNI,
    /// because danecheck connects only once to a server that cannot be reached.
    pub(crate) fn session(&self, sni: Option<&str>) -> Option<&SessionEvidence<'a>> {
        let find = |wanted: Option<&str>| {
            self.sessions
                .iter()
                .find(|session| session.seen.sni.as_deref() == wanted)
        };
        find(sni).or_else(|| find(None))
    }

    /// What the server does with this ClientHello: the session in which it was
    /// sent, or another whose result has to be the same. `is_asked_for` is
    /// whether the policy itself asks for the server name; `is_unclear` is
    /// whether it excludes suites by words that are not understood.
    fn by_hello(
        &self,
        sni: Option<&str>,
        is_asked_for: bool,
        limits: HelloLimits,
        is_unclear: bool,
    ) -> ByHello<'_, 'a> {
        let named = |session: &&SessionEvidence<'a>| session.seen.sni.as_deref() == sni;
        let own = |wanted: HelloLimits| {
            let mut own = self.own.iter().filter(move |(limits, _)| *limits == wanted);
            own.find_map(|(_, session)| Some(session).filter(named))
        };
        let usual = self.sessions.iter().find(named);
        let usual = usual.or_else(|| own(HelloLimits::NONE));
        let Some(session) = usual.or_else(|| self.session(None)) else {
            return ByHello::Nothing;
        };
        // Without a session of this name: up to TLS the name plays no part.
        if is_asked_for && usual.is_none() && session.seen.came_to_tls() {
            return ByHello::NotSeen;
        }
        match session.answers(limits, is_unclear) {
            true => ByHello::Seen(session),
            false if is_unclear => ByHello::NotSeen,
            false => own(limits).map_or(ByHello::NotSeen, |own| ByHello::InTheClear(own, session)),
        }
    }

    /// The session by which DANE is judged.
    pub(crate) fn dane_session(&self) -> Option<&SessionEvidence<'a>> {
        match &self.dane {
            DaneRecords::Usable(tlsa, _) => self.session(Some(&tlsa.base_domain)),
            _ => self.session(None),
        }
    }
}

/// Whether these TLSA records make smtp(8) crash, which ends the delivery
/// (`mymalloc` in Postfix's `parse_tlsa_rr`).
fn dies_of(request: &PolicyRequest, dane: &DaneRecords<'_>) -> bool {
    let asks = matches!(
        request.line.level,
        SecurityLevel::Dane | SecurityLevel::DaneOnly
    );
    asks && request.settings.dnssec == Dnssec::On
        && request.settings.dies_of_empty_tlsa
        && dane
            .records()
            .iter()
            .any(|record| matches!(record.rdata(), [2 | 3, _, matching] if *matching != 255))
}

/// The data of one address, its chains not yet matched.
fn address_evidence<'a>(
    verified: &mut Verified<'a>,
    observation: &Observation,
    host: &'a HostSeen,
    address: &'a AddressSeen,
) -> AddressEvidence<'a> {
    let mut evidence = |session: &'a Session| {
        let mut of = |session: &'a Session| SessionEvidence {
            seen: session,
            chain: verified.chain(session.chain()),
            dane: None,
            newer_groups: None,
        };
        let other = session.newer_groups.as_deref().map(&mut of).map(Box::new);
        SessionEvidence {
            newer_groups: other,
            ..of(session)
        }
    };
    let sessions = address.sessions.iter().map(&mut evidence).collect();
    let limited = address
        .limited
        .iter()
        .map(|look| (look.offer, evidence(&look.session)))
        .collect();
    let own = address
        .own_hellos
        .iter()
        .map(|look| (look.limits, evidence(&look.session)))
        .collect();
    AddressEvidence {
        seen: address,
        peer: Peer {
            name: format!("{}[{}]", host.name, address.address),
            port: observation.next_hop.port,
        },
        dane: dane_records(host, address.address),
        sessions,
        limited,
        own,
    }
}
