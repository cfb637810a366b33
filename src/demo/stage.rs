//! A stage: name servers and mail servers for one check, under documentation
//! addresses, and the routes to them.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::observe::budget::Times;
use crate::observe::{Dial, Resolver, Setup, TrustStore, TrustStoreError, observe};
use danecheck_core::mta_sts::HTTPS_PORT;
use danecheck_core::next_hop::{NextHop, NextHopError, SMTP_PORT};
use danecheck_core::observation::Observation;
use danecheck_core::unix_time::UnixTime;
use danecheck_validation::trust_anchor::{RootAnchors, TrustAnchorError};

use danecheck_world::dns::{
    DnsWorld, Misbehaviour, NameServerFault, ResolverKind, Rtype, RunningDns, WorldError, Zone,
};
use danecheck_world::https::{PolicyRequestSeen, PolicyServer, RunningPolicyServer};
use danecheck_world::pki::{Authority, Identity, Leaf};
use danecheck_world::smtp::{ClosedPort, MailServer, RunningMailServer};

/// A check's surroundings while they are being set up.
pub struct Stage {
    /// The moment at which all is signed and minted.
    pub now: UnixTime,
    /// The root of the stage's own public key infrastructure; it is the trust
    /// store of the check.
    pub root: Authority,
    /// The authority under it that issues to mail servers.
    pub issuer: Authority,
    dns: DnsWorld,
    servers: Vec<(IpAddr, MailServer)>,
    policy_servers: Vec<(IpAddr, PolicyServer)>,
    closed: Vec<IpAddr>,
    thorough: bool,
    authoritative: bool,
    times: Times,
}

/// A stage on which everything runs.
pub struct RunningStage {
    dns: RunningDns,
    servers: Vec<RunningMailServer>,
    policy_servers: Vec<RunningPolicyServer>,
    routes: HashMap<SocketAddr, SocketAddr>,
    root_anchors: RootAnchors,
    trust_store: Arc<TrustStore>,
    now: UnixTime,
    thorough: bool,
    authoritative: bool,
    times: Times,
    _closed: Vec<ClosedPort>,
}

/// Why a stage cannot be set up: a mistake in its script, or no loopback.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A zone cannot be built.
    #[error("the name servers of the stage: {0}")]
    Dns(#[from] WorldError),
    /// A socket cannot be opened.
    #[error("the mail servers of the stage: {0}")]
    Socket(#[from] io::Error),
    /// The trust store is invalid.
    #[error("the trust store of the stage: {0}")]
    TrustStore(#[from] TrustStoreError),
    /// The root has no key.
    #[error("the root of the stage: {0}")]
    RootAnchors(#[from] TrustAnchorError),
    /// The target is not a next hop.
    #[error("the target of the stage: {0}")]
    Target(#[from] NextHopError),
}

impl Stage {
    /// An empty stage with a validating resolver.
    pub fn new(now: UnixTime) -> Self {
        let root = Authority::root("Demo Root X1", now);
        let issuer = root.intermediate("Demo R12");
        Self::under(now, root, issuer)
    }

    /// An empty stage under authorities that others share.
    pub fn under(now: UnixTime, root: Authority, issuer: Authority) -> Self {
        Self {
            now,
            root,
            issuer,
            dns: DnsWorld::new(now),
            servers: Vec::new(),
            policy_servers: Vec::new(),
            closed: Vec::new(),
            thorough: false,
            authoritative: false,
            // Nothing here takes long.
            times: Times {
                pause: Duration::ZERO,
                ..Times::default()
            },
        }
    }

    /// A certificate for this name from the stage's issuer.
    pub fn identity(&self, name: &str) -> Identity {
        self.issuer.issue(Leaf::new([name]))
    }

    /// Adds a zone.
    pub fn zone(&mut self, zone: Zone) {
        self.with_dns(|dns| dns.zone(zone));
    }

    /// Sets the kind of resolver.
    pub fn resolver(&mut self, kind: ResolverKind) {
        self.with_dns(|dns| dns.resolver(kind));
    }

    /// Makes one lookup misbehave.
    pub fn lookup_misbehaving(&mut self, name: &str, rtype: Rtype, how: Misbehaviour) {
        self.with_dns(|dns| dns.misbehaving(name, rtype, how));
    }

    /// Makes the name server at this address misbehave.
    pub fn name_server_misbehaving(&mut self, address: IpAddr, how: NameServerFault) {
        self.with_dns(|dns| dns.name_server_misbehaving(address, how));
    }

    /// Puts a mail server at port 25 of this address.
    pub fn server(&mut self, address: &str, server: MailServer) {
        self.servers
            .extend(address.parse().ok().map(|ip| (ip, server)));
    }

    /// Puts a server that sends an MTA-STS policy at this address.
    pub fn policy_server(&mut self, address: &str, server: PolicyServer) {
        self.policy_servers
            .extend(address.parse().ok().map(|ip| (ip, server)));
    }

    /// Makes this address refuse connections. An address with neither server
    /// nor refusal has no route.
    pub fn refusing(&mut self, address: &str) {
        self.closed.extend(address.parse::<IpAddr>().ok());
    }

    /// Makes checks ask each address for all its certificates.
    pub fn looked_at_thoroughly(&mut self) {
        self.thorough = true;
    }

    /// Makes checks ask the name servers about every lookup.
    pub fn asking_name_servers(&mut self) {
        self.authoritative = true;
    }

    /// Limits how long checks wait for silent servers.
    pub fn patience(&mut self, patience: Duration) {
        self.times.query = patience;
        self.times.reply = patience;
        self.times.handshake = patience;
    }

    fn with_dns(&mut self, change: impl FnOnce(DnsWorld) -> DnsWorld) {
        let dns = std::mem::replace(&mut self.dns, DnsWorld::new(self.now));
        self.dns = change(dns);
    }

    /// Starts everything.
    pub async fn start(self) -> Result<RunningStage, StageError> {
        let dns = self.dns.start().await?;
        let mut routes = dns.routes();
        let mut servers = Vec::new();
        for (ip, server) in self.servers {
            let server = server.start().await?;
            routes.insert(SocketAddr::new(ip, SMTP_PORT), server.addr());
            servers.push(server);
        }
        let mut policy_servers = Vec::new();
        for (ip, server) in self.policy_servers {
            let server = server.start().await?;
            routes.insert(SocketAddr::new(ip, HTTPS_PORT), server.addr());
            policy_servers.push(server);
        }
        let mut closed = Vec::new();
        for ip in self.closed {
            let port = ClosedPort::new()?;
            routes.insert(SocketAddr::new(ip, SMTP_PORT), port.addr());
            closed.push(port);
        }
        let pem = self.root.certificate().pem();
        Ok(RunningStage {
            root_anchors: RootAnchors::from_text(dns.trust_anchor())?,
            dns,
            servers,
            policy_servers,
            routes,
            trust_store: Arc::new(TrustStore::from_pem("the demo's own root", pem.as_bytes())?),
            now: self.now,
            thorough: self.thorough,
            authoritative: self.authoritative,
            times: self.times,
            _closed: closed,
        })
    }
}

impl RunningStage {
    /// Checks a target, as any check does.
    pub async fn observe(&self, target: &str) -> Result<Observation, StageError> {
        let next_hop: NextHop = target.parse()?;
        Ok(observe(&next_hop, &self.setup()).await)
    }

    /// The settings of a check on this stage.
    pub fn setup(&self) -> Setup {
        let resolver = Resolver::at([self.dns.addr()]);
        Setup {
            trust_store: self.trust_store.clone(),
            times: self.times,
            dial: self.dial(),
            thorough: self.thorough,
            allow_private: true,
            authoritative: self.authoritative,
            ..Setup::new(resolver, self.root_anchors.clone(), self.now)
        }
    }

    /// The routes from documentation addresses to the servers.
    pub fn dial(&self) -> Dial {
        Dial::Routed(self.routes.clone())
    }

    /// The name servers.
    pub fn dns(&self) -> &RunningDns {
        &self.dns
    }

    /// The requests to the servers that send policies.
    pub fn policy_requests(&self) -> Vec<PolicyRequestSeen> {
        let servers = self.policy_servers.iter();
        servers.flat_map(RunningPolicyServer::requests).collect()
    }

    /// The mail servers, in the order in which they were put on stage.
    pub fn servers(&self) -> &[RunningMailServer] {
        &self.servers
    }
}
