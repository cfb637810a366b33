//! The observation with its certificates parsed and its records matched, once
//! for all levels.

use crate::certificate::{Certificate, Presented, presented_chain};
use crate::forensics::matches_nobody;
use crate::matching::{
    DaneMatching, Stage, fingerprints, match_dane, match_fingerprints, verify_pkix,
};
use crate::observation::{
    AddressSeen, HostSeen, LegacySeen, LimitedOffer, Observation, Session, SessionEnd,
};
use crate::sender::{Dnssec, InsecureMx, TlsVersion};
use crate::tlsa::{TlsaRecord, Usability, usability};
use crate::unix_time::UnixTime;

use super::attempt::{self, Age, Attempt, Checked, Failure, Peer};
use super::dane::{DaneRecords, dane_records};
use super::delivery::{self, Attempts, Prospect};
use super::level::SecurityLevel;
use super::outcome::{Channel, Outcome};
use super::policy::{
    CONFIGURATION_PROBLEM, MxInPlay, PeerCheck, PolicyRequest, TlsPolicy, dane_names, mx_in_play,
    tls_policy,
};
use super::route::{Route, route};

/// What a judgement works on.
pub(crate) struct Evidence<'a> {
    pub(crate) observation: &'a Observation,
    /// The moment that certificates are judged for.
    pub(crate) now: UnixTime,
    pub(crate) route: Route,
    pub(crate) mx: Option<MxInPlay>,
    pub(crate) hosts: Vec<HostEvidence<'a>>,
    trust_store: Vec<Certificate>,
}

/// One host.
pub(crate) struct HostEvidence<'a> {
    pub(crate) seen: &'a HostSeen,
    pub(crate) addresses: Vec<AddressEvidence<'a>>,
}

/// One address.
pub(crate) struct AddressEvidence<'a> {
    pub(crate) seen: &'a AddressSeen,
    pub(crate) dane: DaneRecords<'a>,
    pub(crate) sessions: Vec<SessionEvidence<'a>>,
    /// The sessions with less offered than Postfix does.
    pub(crate) limited: Vec<(LimitedOffer, SessionEvidence<'a>)>,
}

/// One session.
pub(crate) struct SessionEvidence<'a> {
    pub(crate) seen: &'a Session,
    pub(crate) chain: Vec<Presented>,
    /// The TLSA records against this chain, where there are both.
    pub(crate) dane: Option<DaneMatching>,
}

impl<'a> Evidence<'a> {
    /// Parses and matches everything once, as of the observation.
    pub(crate) fn of(observation: &'a Observation) -> Self {
        Self::at(observation, observation.checked_at)
    }

    /// The same as of another moment.
    pub(crate) fn at(observation: &'a Observation, now: UnixTime) -> Self {
        let mx = mx_in_play(observation);
        let hosts = observation
            .hosts
            .iter()
            .map(|host| HostEvidence {
                seen: host,
                addresses: host
                    .addresses
                    .iter()
                    .map(|address| address_evidence(now, mx.as_ref(), host, address))
                    .collect(),
            })
            .collect();
        Self {
            observation,
            now,
            route: route(observation),
            mx,
            hosts,
            trust_store: observation
                .trust_store
                .certificates
                .iter()
                .filter_map(|der| Certificate::from_der(&der.0).ok())
                .collect(),
        }
    }

    /// The trusted certificates that can matter here.
    pub(crate) fn trust_store(&self) -> &[Certificate] {
        &self.trust_store
    }

    /// Every address with its host.
    pub(crate) fn addresses(
        &self,
    ) -> impl Iterator<Item = (&HostEvidence<'a>, &AddressEvidence<'a>)> {
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
                // It is taken to be like those that were looked at.
                if address.was_left_out() && any_seen {
                    return None;
                }
                let other = host.other_family(address);
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

    /// What Postfix does where its table gives nothing that it takes: no
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
        dane: &DaneRecords<'_>,
    ) -> Attempts {
        let new = self.attempt(request, host, address, dane, Age::New);
        let deferred = match &new {
            // Age turns soft failures only.
            Attempt::Soft(_) => self.attempt(request, host, address, dane, Age::Deferred),
            Attempt::Ready(_) | Attempt::Hard(_) => new.clone(),
        };
        Attempts { new, deferred }
    }

    /// What Postfix gets from one address under this policy, with the TLSA
    /// records in play for its host.
    pub(crate) fn attempt(
        &self,
        request: &PolicyRequest,
        host: &HostEvidence<'_>,
        address: &AddressEvidence<'_>,
        dane: &DaneRecords<'_>,
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
        let policy = match tls_policy(request, self.observation, name, dane) {
            Ok(policy) => policy,
            Err(failure) => return Attempt::Soft(Failure::new("4.7.5", failure.text(name, port))),
        };
        let peer = Peer {
            name: format!("{name}[{}]", address.seen.address),
            port,
        };
        let Some(session) = address.session(policy.sni.as_deref()) else {
            let why = address.seen.reserved.as_ref();
            return Attempt::Soft(Failure::new(
                "4.4.1",
                match why {
                    None => format!("{} was not looked at", peer.name),
                    Some(block) => format!("{} was not looked at: {block}", peer.name),
                },
            ));
        };
        // The match made beforehand is for the address's own records.
        let matched = session.dane.as_ref().filter(|_| *dane == address.dane);
        attempt::attempt(session.seen, &peer, &policy, age, || {
            self.check(session, matched, &policy, request.settings.trust_store)
        })
    }

    /// Whether a certificate passes (`tls_client_start` and
    /// `verify_extract_name` in Postfix's `tls_client.c`).
    fn check(
        &self,
        session: &SessionEvidence<'_>,
        matched: Option<&DaneMatching>,
        policy: &TlsPolicy<'_>,
        trusting: bool,
    ) -> Checked {
        if session.shows_what_is_asked_for() {
            return granted(&policy.check);
        }
        let now = self.now;
        let passed = |ok: bool| {
            if ok {
                Checked::Passed(Channel::Authenticated)
            } else {
                Checked::Failed
            }
        };
        match &policy.check {
            PeerCheck::None => Checked::Passed(Channel::Encrypted),
            PeerCheck::Pkix(names) => {
                let store = match trusting {
                    true => self.trust_store.as_slice(),
                    false => &[],
                };
                passed(verify_pkix(&session.chain, store, names, now).is_ok())
            }
            PeerCheck::Pins(pins) => {
                let Some(Ok(leaf)) = session.chain.first() else {
                    return Checked::Failed;
                };
                // Without pins given, those of the certificate seen now.
                let own = [fingerprints(leaf).public_key_sha256];
                let pins = if pins.is_empty() { &own[..] } else { pins };
                passed(match_fingerprints(leaf, pins).is_ok())
            }
            PeerCheck::Dane {
                records,
                names,
                half,
                only,
            } => {
                let computed;
                let matching = match matched {
                    Some(matching) => matching,
                    None => {
                        computed = match_dane(records, &session.chain, names, now);
                        &computed
                    }
                };
                if matching.stage != Stage::MustMatch {
                    // "all TLSA records unusable, fallback to unauthenticated
                    // TLS"; dane-only fails the verification instead.
                    return if *only {
                        Checked::Failed
                    } else {
                        Checked::Passed(Channel::Encrypted)
                    };
                }
                match (&matching.result, half) {
                    (Ok(_), true) => Checked::Passed(Channel::Encrypted),
                    (result, _) => passed(result.is_ok()),
                }
            }
        }
    }
}

/// What the check comes to where a server shows what is asked for, as far as
/// any server can.
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

/// What a server can do about a set of TLSA records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// There are certificates that match.
    Kept,
    /// No certificate matches.
    Impossible,
    /// Any will do, for no record is usable.
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
    /// Whether it stands for a server that does what DNS asks of it.
    pub(crate) fn shows_what_is_asked_for(&self) -> bool {
        self.seen.end == SessionEnd::Assumed && self.seen.chain().is_empty()
    }

    /// The version of TLS that came about, or would with Postfix.
    pub(crate) fn version(&self) -> Option<TlsVersion> {
        let finished = self.seen.tls.as_ref().and_then(|tls| tls.version.as_ref());
        let legacy = self.seen.legacy.as_ref().and_then(LegacySeen::tls);
        let version = legacy.map(|tls| &tls.version).or(finished)?;
        version.parse().ok()
    }
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
    /// Whether a budget kept it from being looked at: no word on the address.
    pub(crate) fn was_left_out(&self) -> bool {
        self.sessions.is_empty() && self.seen.reserved.is_none()
    }

    /// The session with this SNI; one without SNI stands in where there is
    /// none, for a server that cannot be reached is visited only once.
    pub(crate) fn session(&self, sni: Option<&str>) -> Option<&SessionEvidence<'a>> {
        let find = |wanted: Option<&str>| {
            self.sessions
                .iter()
                .find(|session| session.seen.sni.as_deref() == wanted)
        };
        find(sni).or_else(|| find(None))
    }

    /// The session in which DANE is judged.
    pub(crate) fn dane_session(&self) -> Option<&SessionEvidence<'a>> {
        match &self.dane {
            DaneRecords::Usable(tlsa, _) => self.session(Some(&tlsa.base_domain)),
            _ => self.session(None),
        }
    }
}

/// Whether looking at these TLSA records ends smtp(8), and with it the
/// delivery (`mymalloc` in Postfix's `parse_tlsa_rr`).
fn dies_of(request: &PolicyRequest, dane: &DaneRecords<'_>) -> bool {
    let asks = matches!(request.level, SecurityLevel::Dane | SecurityLevel::DaneOnly);
    asks && request.settings.dnssec == Dnssec::On
        && request.settings.dies_of_empty_tlsa
        && dane
            .records()
            .iter()
            .any(|record| matches!(record.rdata(), [2 | 3, _, matching] if *matching != 255))
}

fn address_evidence<'a>(
    now: UnixTime,
    mx: Option<&MxInPlay>,
    host: &'a HostSeen,
    address: &'a AddressSeen,
) -> AddressEvidence<'a> {
    let dane = dane_records(host, address.address);
    let matched = |session: &'a Session| {
        let ders = session.chain().iter();
        let chain = presented_chain(&ders.map(|der| &der.0).collect::<Vec<_>>());
        let matched = match &dane {
            DaneRecords::Usable(tlsa, records) if !chain.is_empty() => Some(match_dane(
                records,
                &chain,
                &dane_names(&tlsa.base_domain, mx),
                now,
            )),
            _ => None,
        };
        SessionEvidence {
            seen: session,
            chain,
            dane: matched,
        }
    };
    let sessions = address.sessions.iter().map(matched).collect();
    let limited = address
        .limited
        .iter()
        .map(|look| (look.offer, matched(&look.session)))
        .collect();
    AddressEvidence {
        seen: address,
        dane,
        sessions,
        limited,
    }
}
