//! Asks the recursive resolver as the C library does for Postfix.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::base::Rtype;
use domain::base::name::ToLabelIter;
use hickory_resolver::net::tcp::TcpClientStream;
use hickory_resolver::net::udp::UdpClientStream;
use hickory_resolver::net::xfer::{DnsRequestSender, FirstAnswer};
use hickory_resolver::net::{DnsHandle, NetError};
use hickory_resolver::proto::op::{
    DnsRequest, DnsRequestOptions, DnsResponse, Edns, Message, Query,
};
use hickory_resolver::proto::rr::{Name, RecordType as HickoryType};

use super::budget::{Deadline, EDNS_PAYLOAD, NAME_SERVERS, QUERY_ROUNDS, QUESTIONS};
use super::slots::{QuestionShares, Slots};
use super::tap::Tap;
use super::wire::{self, Reply, WireName};
use danecheck_core::observation::{FailureKind, LookupFailure};

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// The time after which a datagram counts as lost.
const RESEND_AFTER: Duration = Duration::from_millis(1500);

/// The question.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) name: &'a WireName,
    pub(super) rtype: Rtype,
    pub(super) mode: Mode,
}

/// The receiver of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// A resolver, as Postfix asks it.
    Stub,
    /// A resolver, with CD=1: whatever its own validation says (RFC 4035
    /// section 3.2.2).
    CheckingDisabled,
    /// A name server, without recursion.
    Authority,
}

/// The servers of a recursive resolver, in the order in which they are asked.
#[derive(Clone, Debug)]
pub struct Resolver {
    servers: Vec<SocketAddr>,
    /// The server that answered last, so that a dead one costs time only once.
    first: Arc<AtomicUsize>,
    slots: Arc<Slots>,
    /// Why it is asked, if nothing names a resolver.
    by_default: Option<String>,
    /// The check, if it is known.
    shares: Option<Arc<QuestionShares>>,
}

impl Resolver {
    /// These servers; like the C library, it ignores those beyond the third.
    pub fn at(servers: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self {
            servers: servers.into_iter().take(NAME_SERVERS).collect(),
            first: Arc::default(),
            slots: Arc::new(Slots::new(QUESTIONS)),
            by_default: None,
            shares: None,
        }
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
    ) -> Result<Vec<u8>, LookupFailure> {
        let share = self.shares.as_deref().map(|shares| match question.mode {
            Mode::CheckingDisabled => &shares.validation,
            Mode::Stub | Mode::Authority => &shares.lookups,
        });
        let slot = self.slots.slot(share);
        let _slot = deadline.run(deadline.left(), slot).await;
        let mut silence = None;
        let mut refusal = None;
        let last = self.first.load(Ordering::Relaxed);
        let order = self.servers.iter().enumerate().cycle().skip(last);
        for (index, server) in order.take(self.servers.len() * QUERY_ROUNDS) {
            if deadline.is_over() {
                break;
            }
            match ask_server(*server, question, deadline.cap(query)).await {
                Ok((head, bytes)) => {
                    self.first.store(index, Ordering::Relaxed);
                    let Some(kind) = head.failure() else {
                        return Ok(bytes);
                    };
                    let failure = LookupFailure {
                        kind,
                        extended_error: head.extended_error,
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
}

/// The `nameserver` lines of a resolv.conf, as the C library reads them
/// (`res_init.c`): a zone that does not exist counts as none.
#[cfg(all(unix, not(any(target_os = "android", target_vendor = "apple"))))]
fn named_servers(text: &str) -> Vec<SocketAddr> {
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
        for server in &self.servers {
            let request = request(question).ok_or(FailureKind::Malformed)?;
            let time = deadline.cap(query);
            let answer = deadline.run(time, over_tcp(*server, request, time)).await;
            match answer.unwrap_or(Err(NetError::Timeout)) {
                Ok(bytes) => {
                    let head = wire::head(&bytes, question.name, question.rtype);
                    return match head.map(|head| head.failure()) {
                        Some(None) => Ok(()),
                        Some(Some(kind)) => Err(kind),
                        None => Err(FailureKind::Malformed),
                    };
                }
                Err(error) => {
                    first.get_or_insert(class(&error));
                }
            }
        }
        Err(first.unwrap_or(FailureKind::Unreachable))
    }
}

fn failure(kind: FailureKind) -> LookupFailure {
    LookupFailure {
        kind,
        extended_error: None,
    }
}

async fn ask_server(
    server: SocketAddr,
    question: Question<'_>,
    time: Duration,
) -> Result<(Reply, Vec<u8>), FailureKind> {
    let deadline = Deadline::after(time);
    let read = |bytes: Vec<u8>| {
        let head = wire::head(&bytes, question.name, question.rtype);
        head.map(|head| (head, bytes)).ok_or(FailureKind::Malformed)
    };
    let request = request(question).ok_or(FailureKind::Malformed)?;
    let (head, bytes) = deadline
        .run(time, over_udp(server, request.clone(), time))
        .await
        .unwrap_or(Err(NetError::Timeout))
        .map_err(|error| class(&error))
        .and_then(read)?;
    if !head.truncated {
        return Ok((head, bytes));
    }
    deadline
        .run(time, over_tcp(server, request, time))
        .await
        .unwrap_or(Err(NetError::Timeout))
        .map_err(|error| class(&error))
        .and_then(read)
}

/// One datagram out and one back.
pub(super) async fn over_udp(
    server: SocketAddr,
    request: DnsRequest,
    time: Duration,
) -> Result<Vec<u8>, NetError> {
    let tap = Tap::default();
    let id = request.id;
    let mut stream = UdpClientStream::builder(server, tap.clone())
        .with_timeout(Some(time))
        .build();
    match stream.send_message(request).first_answer().await {
        Ok(response) => Ok(response.into_buffer()),
        Err(error) if class(&error) == FailureKind::Malformed => tap.datagram(id).ok_or(error),
        Err(error) => Err(error),
    }
}

/// One question over its own connection.
pub(super) async fn over_tcp(
    server: SocketAddr,
    request: DnsRequest,
    time: Duration,
) -> Result<Vec<u8>, NetError> {
    let tap = Tap::default();
    let exchange = TcpClientStream::exchange(server, None, time, None, tap.clone()).await?;
    // hickory never reports a message on a stream that it cannot read.
    tokio::select! {
        biased;
        answer = exchange.send(request).first_answer() => answer
            .map(DnsResponse::into_buffer),
        message = tap.message() => Ok(message),
    }
}

/// RD, AD and DO are set, and CD is clear except for danecheck's own
/// validation: Postfix's `RES_USE_DNSSEC`, `RES_USE_EDNS0` and `RES_TRUSTAD`. A
/// name server is asked with DO alone, as resolvers ask it.
pub(super) fn request(question: Question<'_>) -> Option<DnsRequest> {
    let labels: Vec<&[u8]> = question
        .name
        .iter_labels()
        .map(|label| label.as_slice())
        .filter(|label| !label.is_empty())
        .collect();
    let mut name = Name::from_labels(labels).ok()?;
    name.set_fqdn(true);
    let kind = HickoryType::from(question.rtype.to_int());
    let mut message = Message::query();
    message.queries.push(Query::query(name, kind));
    let to_resolver = question.mode != Mode::Authority;
    message.metadata.recursion_desired = to_resolver;
    message.metadata.authentic_data = to_resolver;
    message.metadata.checking_disabled = question.mode == Mode::CheckingDisabled;
    let mut edns = Edns::new();
    edns.set_max_payload(EDNS_PAYLOAD).set_dnssec_ok(true);
    message.edns = Some(edns);
    let mut options = DnsRequestOptions::default();
    options.retry_interval = RESEND_AFTER;
    Some(DnsRequest::new(message, options))
}

fn class(error: &NetError) -> FailureKind {
    match error {
        NetError::Timeout => FailureKind::Timeout,
        NetError::Io(error) if error.kind() == io::ErrorKind::TimedOut => FailureKind::Timeout,
        NetError::Proto(_) | NetError::Dns(_) => FailureKind::Malformed,
        _ => FailureKind::Unreachable,
    }
}
