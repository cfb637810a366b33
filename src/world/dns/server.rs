//! The sockets of the resolver, on loopback and a free port unless told
//! otherwise.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a server on loopback: it opens sockets, reads the clock once, and waits where it is told to be slow"
)]

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use domain::base::Rtype;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;

use super::error::WorldError;
use super::misbehaviour::{Misbehaviour, Outcome, Reaction};
use super::packet::EDNS_PAYLOAD;
use super::record::{TTL, parse_name};
use super::resolver::{Asked, Resolver, ResolverKind, Transport};
use super::tree::Tree;
use super::verdict::Validator;
use super::zone::Zone;
use crate::unix_time::UnixTime;

/// How often a port that UDP got and TCP did not is given back.
const PORT_ATTEMPTS: usize = 32;

/// The real clock, once, for [`DnsWorld::new`].
pub fn now() -> UnixTime {
    let elapsed = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixTime(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
}

/// A DNS tree and its resolver, as a scenario writes them.
#[derive(Clone, Debug)]
pub struct DnsWorld {
    now: UnixTime,
    addr: SocketAddr,
    kind: ResolverKind,
    zones: Vec<Zone>,
    misbehaviours: Vec<(String, Rtype, Misbehaviour)>,
    always: Option<Misbehaviour>,
}

impl DnsWorld {
    /// A world whose signatures are valid around `now`, with a validating
    /// resolver and no zones but the root.
    pub fn new(now: UnixTime) -> Self {
        Self {
            now,
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
            kind: ResolverKind::Validating,
            zones: Vec::new(),
            misbehaviours: Vec::new(),
            always: None,
        }
    }

    /// Listens here; port 0 is a free one.
    #[must_use]
    pub fn listening_on(mut self, addr: impl Into<SocketAddr>) -> Self {
        self.addr = addr.into();
        self
    }

    /// Adds a zone. The root and top-level zones that are not added are there
    /// all the same, signed.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zones.push(zone);
        self
    }

    /// Says what the resolver does about DNSSEC.
    #[must_use]
    pub fn resolver(mut self, kind: ResolverKind) -> Self {
        self.kind = kind;
        self
    }

    /// Answers queries for `name` and `rtype` wrongly.
    #[must_use]
    pub fn misbehaving(mut self, name: &str, rtype: Rtype, how: Misbehaviour) -> Self {
        self.misbehaviours.push((name.to_owned(), rtype, how));
        self
    }

    /// Answers all other queries wrongly too.
    #[must_use]
    pub fn misbehaving_always(mut self, how: Misbehaviour) -> Self {
        self.always = Some(how);
        self
    }

    /// Signs the tree and opens the sockets.
    pub async fn start(self) -> Result<RunningDns, WorldError> {
        let tree = Arc::new(Tree::plant(&self.zones, self.now)?);
        let anchors = Anchors::of(&tree);
        let validator = Validator::new(Arc::clone(&tree), &anchors.dnskey, self.now);
        let mut resolver = Resolver::new(tree, validator, self.kind);
        resolver.always = self.always;
        for (name, rtype, how) in &self.misbehaviours {
            let key = (parse_name(name)?, *rtype);
            resolver.misbehaviours.insert(key, *how);
        }
        let resolver = Arc::new(resolver);
        let (udp, tcp, addr) = bind(self.addr).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(Arc::new(udp), Arc::clone(&resolver)));
        tasks.spawn(serve_tcp(tcp, Arc::clone(&resolver)));
        Ok(RunningDns {
            addr,
            anchors,
            resolver,
            _tasks: tasks,
        })
    }
}

/// The root's key, as others are told to trust it.
#[derive(Debug)]
struct Anchors {
    ds: String,
    dnskey: String,
}

impl Anchors {
    /// Both empty where the root is not signed.
    fn of(tree: &Tree) -> Self {
        let root = tree.root();
        let ttl = TTL.as_secs();
        let ds = root.and_then(|root| root.ds());
        let dnskey = root.and_then(|root| root.dnskey());
        Self {
            ds: ds.map_or_else(String::new, |ds| format!(". {ttl} IN DS {ds}\n")),
            dnskey: dnskey
                .iter()
                .flat_map(|set| &set.rrset.data)
                .map(|dnskey| format!(". {ttl} IN DNSKEY {dnskey}\n"))
                .collect(),
        }
    }
}

/// A resolver that is up. It goes away when it is dropped.
#[derive(Debug)]
pub struct RunningDns {
    addr: SocketAddr,
    anchors: Anchors,
    resolver: Arc<Resolver>,
    _tasks: JoinSet<()>,
}

impl RunningDns {
    /// Where it listens, UDP and TCP.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The DS of the root (RFC 4034 section 5.3), as zone file text.
    pub fn trust_anchor(&self) -> &str {
        &self.anchors.ds
    }

    /// The DNSKEY of the root (RFC 4034 section 2.2), as zone file text.
    pub fn trust_anchor_dnskey(&self) -> &str {
        &self.anchors.dnskey
    }

    /// The queries it has seen, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.resolver.asked()
    }

    /// How many queries it has seen.
    pub fn query_count(&self) -> usize {
        self.asked().len()
    }
}

/// One port for both transports: clients know only one.
async fn bind(wanted: SocketAddr) -> Result<(UdpSocket, TcpListener, SocketAddr), WorldError> {
    let failed = |source: io::Error| WorldError::Socket {
        address: wanted.to_string(),
        source,
    };
    let mut attempts = 0;
    loop {
        attempts += 1;
        let udp = UdpSocket::bind(wanted).await.map_err(failed)?;
        let addr = udp.local_addr().map_err(failed)?;
        match TcpListener::bind(addr).await {
            Ok(tcp) => return Ok((udp, tcp, addr)),
            Err(error)
                if error.kind() == io::ErrorKind::AddrInUse
                    && wanted.port() == 0
                    && attempts < PORT_ATTEMPTS => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, resolver: Arc<Resolver>) {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    // Dropped, and so ended, with the loop.
    let mut pending = JoinSet::new();
    loop {
        // A client that went away shows as an error of its next datagram.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        let packet = buffer.get(..length).unwrap_or_default().to_vec();
        let (socket, resolver) = (Arc::clone(&socket), Arc::clone(&resolver));
        pending.spawn(async move {
            let response = match settle(&resolver, &packet, Transport::Udp).await {
                Outcome::Respond(response) | Outcome::Drip(response, _) => response,
                Outcome::Flood => vec![0; usize::from(EDNS_PAYLOAD)],
                Outcome::Ignore | Outcome::Close => return,
            };
            let _ = socket.send_to(&response, client).await;
        });
        while pending.try_join_next().is_some() {}
    }
}

async fn serve_tcp(listener: TcpListener, resolver: Arc<Resolver>) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve_connection(stream, Arc::clone(&resolver)));
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Queries one after the other (RFC 7766 section 6.2.1) until either side
/// has had enough.
async fn serve_connection(mut stream: TcpStream, resolver: Arc<Resolver>) {
    while let Ok(length) = stream.read_u16().await {
        let mut packet = vec![0; usize::from(length)];
        if stream.read_exact(&mut packet).await.is_err() {
            return;
        }
        match settle(&resolver, &packet, Transport::Tcp).await {
            Outcome::Respond(response) => {
                let Ok(length) = u16::try_from(response.len()) else {
                    return;
                };
                let framed = [length.to_be_bytes().as_slice(), &response].concat();
                if stream.write_all(&framed).await.is_err() {
                    return;
                }
            }
            Outcome::Drip(response, pause) => {
                let Ok(length) = u16::try_from(response.len()) else {
                    return;
                };
                for byte in length.to_be_bytes().into_iter().chain(response) {
                    tokio::time::sleep(pause).await;
                    if stream.write_u8(byte).await.is_err() {
                        return;
                    }
                }
            }
            // A length of 0xffff, and so much of nothing.
            Outcome::Flood => while stream.write_all(&[0xff; 4096]).await.is_ok() {},
            Outcome::Ignore => {}
            Outcome::Close => return,
        }
    }
}

async fn settle(resolver: &Resolver, packet: &[u8], transport: Transport) -> Outcome {
    let Reaction { after, outcome } = resolver.react(packet, transport).await;
    if !after.is_zero() {
        tokio::time::sleep(after).await;
    }
    outcome
}
