//! Asks the recursive resolver as the C library does for Postfix.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::budget::{Deadline, NAME_SERVERS, QUERY_ROUNDS, QUESTIONS};
use super::exchange::{DNS_PORT, Mode, NoReply, Question, Sockets, over_tcp};
use super::from_root::FromRoot;
use super::proxy::Proxy;
use super::slots::{QuestionShares, Slots};
use super::through::ask_through;
use super::wire::{self, Reply};
use danecheck_core::observation::{FailureKind, LookupFailure};

/// The servers of a recursive resolver, in the order in which they are asked.
#[derive(Clone, Debug)]
pub struct Resolver {
    servers: Arc<[SocketAddr]>,
    /// The server that answered last, so that a dead one costs time only once.
    first: Arc<AtomicUsize>,
    slots: Arc<Slots>,
    sockets: Arc<Sockets>,
    /// Why it is asked, if nothing names a resolver.
    by_default: Option<String>,
    /// The check, if it is known.
    shares: Option<Arc<QuestionShares>>,
    way: Way,
}

/// How the servers are reached.
#[derive(Clone, Debug)]
enum Way {
    /// From here.
    Direct,
    /// Over TCP, through a proxy.
    Through(Proxy),
    /// The zones' name servers, from the root down, through a proxy.
    FromRoot(Arc<FromRoot>),
}

/// A reply with the response code 0 or 3.
pub(super) struct Answer {
    /// What its header says.
    pub(super) head: Reply,
    pub(super) bytes: Bytes,
}

impl Resolver {
    /// These servers; like the C library, it ignores those beyond the third.
    pub fn at(servers: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self {
            servers: servers.into_iter().take(NAME_SERVERS).collect(),
            first: Arc::default(),
            slots: Arc::new(Slots::new(QUESTIONS)),
            sockets: Arc::default(),
            by_default: None,
            shares: None,
            way: Way::Direct,
        }
    }

    /// These servers, asked over TCP through a proxy.
    pub(super) fn through(proxy: Proxy, servers: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self {
            way: Way::Through(proxy),
            ..Self::at(servers)
        }
    }

    /// No resolver: the zones' name servers, from the root down, through a
    /// proxy.
    pub(super) fn from_root(proxy: Proxy, hints: &[SocketAddr], private: bool) -> Self {
        Self {
            way: Way::FromRoot(Arc::new(FromRoot::new(proxy, hints, private))),
            ..Self::at([])
        }
    }

    /// Whether it is reached from here, so that name servers can be asked
    /// beside it.
    pub(super) fn is_here(&self) -> bool {
        matches!(self.way, Way::Direct)
    }

    /// The same for one check, whose first questions do not wait for checks
    /// that ask too much.
    pub(super) fn for_one_check(&self) -> Self {
        Self {
            shares: Some(Arc::default()),
            ..self.clone()
        }
    }

    /// The servers of a resolv.conf(5); if it names none, the one on this host,
    /// as in the C library (`res_init`).
    #[cfg(all(unix, not(any(target_os = "android", target_vendor = "apple"))))]
    pub fn by_resolv_conf(name: &str, text: &[u8]) -> Self {
        let servers = named_servers(&String::from_utf8_lossy(text));
        if servers.is_empty() {
            return Self::on_this_host(format!("{name} names no server"));
        }
        Self::at(servers)
    }

    /// The resolver on this host, because nothing names another: `why`, in a few
    /// words.
    pub fn on_this_host(why: String) -> Self {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DNS_PORT);
        Self {
            by_default: Some(why),
            ..Self::at([address])
        }
    }

    /// Why the resolver on this host is asked, if nothing names a resolver.
    pub fn by_default(&self) -> Option<&str> {
        self.by_default.as_deref()
    }

    /// The system's servers, if no file names them; else the one on this host.
    #[cfg(not(all(unix, not(any(target_os = "android", target_vendor = "apple")))))]
    pub fn system() -> Self {
        let servers: Vec<SocketAddr> = match hickory_resolver::system_conf::read_system_conf() {
            Ok((config, _)) => config
                .name_servers()
                .iter()
                .map(|server| SocketAddr::new(server.ip, DNS_PORT))
                .collect(),
            Err(_) => Vec::new(),
        };
        if servers.is_empty() {
            return Self::on_this_host("the system names no server".to_owned());
        }
        Self::at(servers)
    }

    /// `address:port` of each server.
    pub fn addresses(&self) -> Vec<String> {
        if let Way::FromRoot(_) = self.way {
            return vec!["the zones' name servers".to_owned()];
        }
        self.servers.iter().map(SocketAddr::to_string).collect()
    }

    /// `address:port` of the server that answered last, or else of the first.
    pub(super) fn answering(&self) -> Option<SocketAddr> {
        self.servers
            .get(self.first.load(Ordering::Relaxed))
            .copied()
    }

    /// Asks one question, after `__res_context_send` of the C library: if a
    /// server fails, the next one is asked, in two rounds; any other reply is
    /// final. The result has the response code 0 or 3.
    pub(super) async fn ask(
        &self,
        question: Question<'_>,
        query: Duration,
        deadline: Deadline,
    ) -> Result<Answer, LookupFailure> {
        let share = self.shares.as_deref().map(|shares| match question.mode {
            Mode::CheckingDisabled => &shares.validation,
            Mode::Stub | Mode::Authority => &shares.lookups,
        });
        let slot = self.slots.slot(share);
        let _slot = deadline.run(deadline.left(), slot).await;
        if let Way::FromRoot(from_root) = &self.way {
            let found = from_root.ask(question, query, deadline).await;
            return found
                .and_then(|bytes| read(bytes, question))
                .map_err(failure);
        }
        let mut silence = None;
        let mut refusal = None;
        let last = self.first.load(Ordering::Relaxed);
        let order = self.servers.iter().enumerate().cycle().skip(last);
        for (index, server) in order.take(self.servers.len() * QUERY_ROUNDS) {
            if deadline.is_over() {
                break;
            }
            let asked = self.ask_server(*server, question, deadline.cap(query));
            match asked.await {
                Ok(answer) => {
                    self.first.store(index, Ordering::Relaxed);
                    let Some(kind) = answer.head.failure() else {
                        return Ok(answer);
                    };
                    let failure = LookupFailure {
                        kind,
                        extended_error: answer.head.extended_error,
                    };
                    match kind {
                        FailureKind::ServFail | FailureKind::Refused | FailureKind::NotImp => {
                            // The first answer has the fullest reason.
                            refusal.get_or_insert(failure);
                        }
                        _ => return Err(failure),
                    }
                }
                Err(FailureKind::Malformed) => return Err(failure(FailureKind::Malformed)),
                Err(kind) => {
                    silence.get_or_insert(failure(kind));
                }
            }
        }
        Err(refusal
            .or(silence)
            .unwrap_or_else(|| failure(FailureKind::Timeout)))
    }

    /// Over TCP too if the reply does not fit into a datagram.
    async fn ask_server(
        &self,
        server: SocketAddr,
        question: Question<'_>,
        time: Duration,
    ) -> Result<Answer, FailureKind> {
        let deadline = Deadline::after(time);
        let read = |bytes: Bytes| read(bytes, question);
        if let Way::Through(proxy) = &self.way {
            return ask_through(proxy, server, question, time)
                .await
                .and_then(read);
        }
        let reply = self.sockets.ask(server, question, time).await;
        let answer = reply.map_err(kind).and_then(read)?;
        if !answer.head.truncated {
            return Ok(answer);
        }
        let reply = over_tcp(server, question, deadline.left()).await;
        reply.map_err(kind).and_then(read)
    }
}

/// The `nameserver` lines of a resolv.conf, as the C library reads them
/// (`res_init.c`): a zone that does not exist counts as none.
pub(super) fn named_servers(text: &str) -> Vec<SocketAddr> {
    let lines = text.lines().filter_map(|line| {
        let rest = line.strip_prefix("nameserver")?;
        let value = rest.trim_start_matches([' ', '\t']);
        (value.len() < rest.len()).then_some(value)
    });
    let words = lines.filter_map(|value| value.split([' ', '\t', ';', '#', '\r']).next());
    words
        .filter_map(|word| match word.split_once('%') {
            None => Some(SocketAddr::new(word.parse().ok()?, DNS_PORT)),
            Some((address, zone)) => {
                let address: Ipv6Addr = address.parse().ok()?;
                let index = zone_index(address, zone).unwrap_or(0);
                Some(SocketAddrV6::new(address, DNS_PORT, 0, index).into())
            }
        })
        .collect()
}

/// The index of the interface that an IPv6 address's zone names (RFC 4007
/// section 11); `None` if this machine has none. A number is an index itself.
pub fn zone_index(address: Ipv6Addr, zone: &str) -> Option<u32> {
    if let Ok(index) = zone.parse() {
        return Some(index);
    }
    // With a whole address the system looks the zone up, and nothing else.
    let mut found = (format!("{address}%{zone}"), DNS_PORT)
        .to_socket_addrs()
        .ok()?;
    found.find_map(|one| match one {
        SocketAddr::V6(one) if one.scope_id() != 0 => Some(one.scope_id()),
        _ => None,
    })
}

impl Resolver {
    /// Asks over TCP alone, one server after the other, and says how the first
    /// one fails if all do.
    pub(super) async fn ask_over_tcp(
        &self,
        question: Question<'_>,
        query: Duration,
        deadline: Deadline,
    ) -> Result<(), FailureKind> {
        let mut first = None;
        for server in &*self.servers {
            match over_tcp(*server, question, deadline.cap(query)).await {
                Ok(bytes) => {
                    let head = wire::head(&bytes, question.name, question.rtype);
                    return match head.map(|head| head.failure()) {
                        Some(None) => Ok(()),
                        Some(Some(kind)) => Err(kind),
                        None => Err(FailureKind::Malformed),
                    };
                }
                Err(why) => {
                    first.get_or_insert(kind(why));
                }
            }
        }
        Err(first.unwrap_or(FailureKind::Unreachable))
    }
}

fn read(bytes: Bytes, question: Question<'_>) -> Result<Answer, FailureKind> {
    let head = wire::head(&bytes, question.name, question.rtype);
    head.map(|head| Answer { head, bytes })
        .ok_or(FailureKind::Malformed)
}

fn failure(kind: FailureKind) -> LookupFailure {
    LookupFailure {
        kind,
        extended_error: None,
    }
}

pub(super) fn kind(why: NoReply) -> FailureKind {
    match why {
        NoReply::Timeout => FailureKind::Timeout,
        NoReply::Closed | NoReply::Unreachable => FailureKind::Unreachable,
        NoReply::Malformed => FailureKind::Malformed,
    }
}
