//! A world as a scenario writes it, and as it runs: the resolver and the name
//! servers of the zones, on loopback and free ports unless told otherwise.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "it reads the clock once"
)]

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use domain::base::Rtype;

use super::error::WorldError;
use super::misbehaviour::Misbehaviour;
use super::name_server::{NameServer, NameServerFault};
use super::query_log::Asked;
use super::record::{Owner, TTL, parse_name};
use super::resolver::{Resolver, ResolverKind};
use super::socket::Serving;
use super::tree::Tree;
use super::verdict::Validator;
use super::zone::Zone;
use danecheck_core::unix_time::UnixTime;

/// The address of the name servers of a zone that names none.
const EVERYBODYS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The port of DNS.
const DNS_PORT: u16 = 53;

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
    faults: HashMap<IpAddr, Vec<NameServerFault>>,
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
            faults: HashMap::new(),
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

    /// Sets how the resolver treats DNSSEC.
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

    /// Also answers all other queries wrongly.
    #[must_use]
    pub fn misbehaving_always(mut self, how: Misbehaviour) -> Self {
        self.always = Some(how);
        self
    }

    /// Makes the name server at this address misbehave; the resolver's data
    /// from the tree does not change.
    #[must_use]
    pub fn name_server_misbehaving(mut self, address: IpAddr, how: NameServerFault) -> Self {
        self.faults.entry(address).or_default().push(how);
        self
    }

    /// Signs the tree and opens the sockets.
    pub async fn start(self) -> Result<RunningDns, WorldError> {
        let tree = Arc::new(Tree::plant(&self.zones, self.now)?);
        let anchors = Anchors::of(&tree);
        let name_servers = self.name_servers(&tree).await?;
        let validator = Validator::new(Arc::clone(&tree), &anchors.dnskey, self.now);
        let mut resolver = Resolver::new(tree, validator, self.kind);
        resolver.always = self.always;
        for (name, rtype, how) in &self.misbehaviours {
            let key = (parse_name(name)?, *rtype);
            resolver.misbehaviours.insert(key, *how);
        }
        let resolver = Arc::new(resolver);
        Ok(RunningDns {
            anchors,
            serving: Serving::start(self.addr, Arc::clone(&resolver)).await?,
            resolver,
            name_servers,
        })
    }

    /// A server at each address that zones name.
    async fn name_servers(
        &self,
        tree: &Arc<Tree>,
    ) -> Result<BTreeMap<IpAddr, RunningNameServer>, WorldError> {
        let mut zones: BTreeMap<IpAddr, Vec<Owner>> = BTreeMap::new();
        let mut left: Vec<Owner> = tree.apexes().cloned().collect();
        for zone in self
            .zones
            .iter()
            .filter(|zone| !zone.name_servers.is_empty())
        {
            let apex = parse_name(&zone.apex)?;
            left.retain(|it| *it != apex);
            for address in &zone.name_servers {
                zones.entry(*address).or_default().push(apex.clone());
            }
        }
        zones.entry(EVERYBODYS).or_default().extend(left);
        let mut running = BTreeMap::new();
        for (address, zones) in zones {
            let faults = self.faults.get(&address).cloned().unwrap_or_default();
            let without_tcp = faults.contains(&NameServerFault::TcpRefused);
            let server = Arc::new(NameServer::new(Arc::clone(tree), zones, faults));
            let anywhere = (Ipv4Addr::LOCALHOST, 0).into();
            let serving = if without_tcp {
                Serving::start_without_tcp(anywhere, Arc::clone(&server)).await?
            } else {
                Serving::start(anywhere, Arc::clone(&server)).await?
            };
            running.insert(address, RunningNameServer { serving, server });
        }
        Ok(running)
    }
}

/// A running name server.
#[derive(Debug)]
struct RunningNameServer {
    serving: Serving,
    server: Arc<NameServer>,
}

/// The root's key, as a trust anchor.
#[derive(Debug)]
struct Anchors {
    ds: String,
    dnskey: String,
}

impl Anchors {
    /// Both empty if the root is not signed.
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

/// A running resolver. It ends when it is dropped.
#[derive(Debug)]
pub struct RunningDns {
    serving: Serving,
    anchors: Anchors,
    resolver: Arc<Resolver>,
    name_servers: BTreeMap<IpAddr, RunningNameServer>,
}

impl RunningDns {
    /// Where it listens, UDP and TCP.
    pub fn addr(&self) -> SocketAddr {
        self.serving.addr()
    }

    /// The map from the addresses of the name servers to the sockets on which
    /// they listen.
    pub fn routes(&self) -> HashMap<SocketAddr, SocketAddr> {
        let servers = self.name_servers.iter();
        servers
            .map(|(address, it)| (SocketAddr::new(*address, DNS_PORT), it.serving.addr()))
            .collect()
    }

    /// The queries to the name servers, each with the address to which it was
    /// sent.
    pub fn asked_of_name_servers(&self) -> Vec<(IpAddr, Asked)> {
        let servers = self.name_servers.iter();
        servers
            .flat_map(|(address, it)| it.server.asked().into_iter().map(|asked| (*address, asked)))
            .collect()
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
