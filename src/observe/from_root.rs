//! Answers of the zones' own name servers, found from the root down (RFC 1034
//! section 5.3.3), over TCP through a proxy: for a place whose resolver cannot
//! be asked. Nothing that a resolver here says plays a part.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::base::iana::Rcode;
use domain::base::{Message, Name, ParsedName, Rtype, ToName as _};
use domain::rdata::{A, Aaaa, Ns};

use super::budget::Deadline;
use super::exchange::{DNS_PORT, Mode, Question};
use super::proxy::Proxy;
use super::through::ask_through;
use super::wire;
use danecheck_core::observation::FailureKind;
use danecheck_core::reserved::reserved_block;
use danecheck_validation::Owner;

/// The root's name servers, from a to m (root.hints).
const ROOT: [Ipv4Addr; 13] = [
    Ipv4Addr::new(198, 41, 0, 4),
    Ipv4Addr::new(170, 247, 170, 2),
    Ipv4Addr::new(192, 33, 4, 12),
    Ipv4Addr::new(199, 7, 91, 13),
    Ipv4Addr::new(192, 203, 230, 10),
    Ipv4Addr::new(192, 5, 5, 241),
    Ipv4Addr::new(192, 112, 36, 4),
    Ipv4Addr::new(198, 97, 190, 53),
    Ipv4Addr::new(192, 36, 148, 17),
    Ipv4Addr::new(192, 58, 128, 30),
    Ipv4Addr::new(193, 0, 14, 129),
    Ipv4Addr::new(199, 7, 83, 42),
    Ipv4Addr::new(202, 12, 27, 33),
];

/// Referrals on the way to one answer.
const REFERRALS: usize = 16;

/// How deep the search for the address of a name server may lead.
const DEPTH: usize = 3;

/// Servers of a zone that are asked before it counts as silent.
const SERVERS: usize = 3;

/// Delegations that are kept.
const KEPT: usize = 1000;

/// The search from the root, with the delegations that it met.
#[derive(Debug)]
pub(super) struct FromRoot {
    proxy: Proxy,
    hints: Vec<SocketAddr>,
    /// Whether name servers at addresses that are not public are asked.
    private: bool,
    known: Mutex<HashMap<Owner, Arc<[SocketAddr]>>>,
}

type Found<'f> = Pin<Box<dyn Future<Output = Result<Bytes, FailureKind>> + Send + 'f>>;

/// How long a search may take.
#[derive(Clone, Copy)]
struct Limits {
    query: Duration,
    deadline: Deadline,
}

impl FromRoot {
    /// Begins at these servers, or at the root's own.
    pub(super) fn new(proxy: Proxy, hints: &[SocketAddr], private: bool) -> Self {
        let root = ROOT.map(|address| SocketAddr::new(IpAddr::V4(address), DNS_PORT));
        Self {
            proxy,
            hints: match hints {
                [] => root.to_vec(),
                given => given.to_vec(),
            },
            private,
            known: Mutex::default(),
        }
    }

    /// The answer to a question, whatever its mode.
    pub(super) async fn ask(
        &self,
        question: Question<'_>,
        query: Duration,
        deadline: Deadline,
    ) -> Result<Bytes, FailureKind> {
        let name: Owner = question.name.to_name();
        let limits = Limits { query, deadline };
        self.find(name, question.rtype, limits, 0).await
    }

    fn find(&self, name: Owner, rtype: Rtype, limits: Limits, depth: usize) -> Found<'_> {
        Box::pin(async move {
            let (mut zone, mut servers) = self.nearest(&name, rtype);
            for _ in 0..REFERRALS {
                if limits.deadline.is_over() {
                    return Err(FailureKind::Timeout);
                }
                let bytes = self.ask_any(&servers, &name, rtype, limits).await?;
                let Some(referral) = referral(&bytes, &name, &zone) else {
                    return Ok(bytes);
                };
                let next = self.addresses(&referral, limits, depth).await;
                if next.is_empty() {
                    return Err(FailureKind::ServFail);
                }
                zone = referral.zone;
                servers = next.into();
                self.keep(zone.clone(), servers.clone());
            }
            Err(FailureKind::ServFail)
        })
    }

    /// The lowest zone above a name whose servers are known.
    fn nearest(&self, name: &Owner, rtype: Rtype) -> (Owner, Arc<[SocketAddr]>) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // The parent has the DS records of a zone (RFC 4035 section 3.1.4.1).
        let above = usize::from(rtype == Rtype::DS);
        for suffix in name.iter_suffixes().skip(above) {
            let suffix: Owner = suffix;
            if let Some(servers) = known.get(&suffix) {
                return (suffix, servers.clone());
            }
        }
        (Name::root(), self.hints.clone().into())
    }

    fn keep(&self, zone: Owner, servers: Arc<[SocketAddr]>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < KEPT {
            known.insert(zone, servers);
        }
    }

    async fn ask_any(
        &self,
        servers: &[SocketAddr],
        name: &Owner,
        rtype: Rtype,
        limits: Limits,
    ) -> Result<Bytes, FailureKind> {
        let name = name.to_vec();
        let question = Question {
            name: &name,
            rtype,
            mode: Mode::Authority,
        };
        let mut failure = FailureKind::Unreachable;
        for server in servers.iter().take(SERVERS) {
            let time = limits.deadline.cap(limits.query);
            let asked = ask_through(&self.proxy, *server, question, time).await;
            let read = asked.and_then(|bytes| {
                let head = wire::head(&bytes, question.name, rtype);
                match head.map(|head| head.failure()) {
                    Some(None) => Ok(bytes),
                    Some(Some(kind)) => Err(kind),
                    None => Err(FailureKind::Malformed),
                }
            });
            match read {
                Ok(bytes) => return Ok(bytes),
                Err(kind) => failure = kind,
            }
        }
        Err(failure)
    }

    /// The addresses of the servers that a referral names.
    async fn addresses(
        &self,
        referral: &Referral,
        limits: Limits,
        depth: usize,
    ) -> Vec<SocketAddr> {
        let allowed = |address: &IpAddr| self.private || reserved_block(*address).is_none();
        let mut found: Vec<IpAddr> = referral.glue.iter().copied().filter(allowed).collect();
        if found.is_empty() && depth < DEPTH {
            for server in referral.servers.iter().take(SERVERS) {
                let answer = self.find(server.clone(), Rtype::A, limits, depth + 1);
                if let Ok(bytes) = answer.await {
                    found.extend(addresses(&bytes).into_iter().filter(allowed));
                }
                if !found.is_empty() {
                    break;
                }
            }
        }
        let found = found.into_iter();
        found
            .map(|address| SocketAddr::new(address, DNS_PORT))
            .collect()
    }
}

/// A zone below, and its name servers.
struct Referral {
    zone: Owner,
    servers: Vec<Owner>,
    /// Their IPv4 addresses first.
    glue: Vec<IpAddr>,
}

/// The referral that a reply is, if it is one and leads nearer to the name.
fn referral(bytes: &[u8], name: &Owner, from: &Owner) -> Option<Referral> {
    let message = Message::from_octets(bytes).ok()?;
    let header = message.header();
    if header.aa() || header.rcode() != Rcode::NOERROR || message.header_counts().ancount() > 0 {
        return None;
    }
    let mut zone: Option<Owner> = None;
    let mut servers = Vec::new();
    for record in message.authority().ok()?.limit_to::<Ns<ParsedName<_>>>() {
        let record = record.ok()?;
        let owner: Owner = record.owner().to_name();
        let is_below = owner != *from && owner.ends_with(from) && name.ends_with(&owner);
        if is_below && zone.as_ref().is_none_or(|zone| *zone == owner) {
            servers.push(record.data().nsdname().to_name());
            zone = Some(owner);
        }
    }
    let zone = zone?;
    let mut four = Vec::new();
    let mut six = Vec::new();
    if let Ok(additional) = message.additional() {
        for record in additional.flatten() {
            let owner: Owner = record.owner().to_name();
            if !servers.contains(&owner) {
                continue;
            }
            if let Ok(Some(a)) = record.to_record::<A>() {
                four.push(IpAddr::V4(a.data().addr()));
            } else if let Ok(Some(aaaa)) = record.to_record::<Aaaa>() {
                six.push(IpAddr::V6(aaaa.data().addr()));
            }
        }
    }
    four.extend(six);
    Some(Referral {
        zone,
        servers,
        glue: four,
    })
}

/// The IPv4 addresses of an answer.
fn addresses(bytes: &[u8]) -> Vec<IpAddr> {
    let Ok(message) = Message::from_octets(bytes) else {
        return Vec::new();
    };
    let Ok(answer) = message.answer() else {
        return Vec::new();
    };
    let records = answer.limit_to::<A>().filter_map(Result::ok);
    records.map(|a| IpAddr::V4(a.data().addr())).collect()
}
