//! Healthy domains, and the servers that many of them share.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use danecheck_world::dns::{DnsWorld, ResolverKind, RunningDns, Zone, now};

use crate::common::DistantHosts;
use crate::front;

/// Where the first mail server is.
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 51, 0, 1);

/// So many hosts, and domains on them, each a signed zone of its own.
pub(crate) struct Ground {
    pub(crate) domains: usize,
    resolver: SocketAddr,
    /// The root's key, which is nobody else's.
    anchor: PathBuf,
    distant: DistantHosts,
    _dns: RunningDns,
}

impl Ground {
    /// Starts the servers, the resolver at `resolver`.
    pub(crate) async fn start(
        domains: usize,
        hosts: usize,
        resolver: SocketAddr,
    ) -> Result<Self, Box<dyn Error>> {
        let distant = DistantHosts::start(hosts, FIRST).await?;
        let hosts_zone = Zone::signed("hosts.example.").records(&distant.records);
        let world = DnsWorld::new(now())
            .resolver(ResolverKind::NotValidating)
            .zone(hosts_zone);
        let world = (0..domains).fold(world, |world, number| {
            let host = format!("mx{}.hosts.example.", number % hosts);
            world.zone(Zone::signed(&format!("d{number}.test.")).mx("@", 10, &host))
        });
        let dns = world.start().await?;
        let name = format!("danecheck-bulk-anchor-{}", std::process::id());
        let anchor = std::env::temp_dir().join(name);
        std::fs::write(&anchor, dns.trust_anchor())?;
        Ok(Self {
            anchor,
            domains,
            resolver: front::start(resolver, dns.addr()).await?,
            distant,
            _dns: dns,
        })
    }

    /// The options with which a program finds its way here.
    pub(crate) fn options(&self) -> [String; 5] {
        [
            "--allow-private".to_owned(),
            "--resolver".to_owned(),
            self.resolver.to_string(),
            "--trust-anchor".to_owned(),
            self.anchor.display().to_string(),
        ]
    }

    /// The domains as they are given to a program.
    pub(crate) fn targets(&self) -> Vec<String> {
        let target = |number| format!("d{number}.test:{}", self.distant.port);
        (0..self.domains).map(target).collect()
    }

    /// How many mail servers there are.
    pub(crate) fn hosts(&self) -> usize {
        self.distant.servers.len()
    }

    /// The most and the fewest connections to one server.
    pub(crate) fn connections(&self) -> (usize, usize) {
        let counts = self
            .distant
            .servers
            .iter()
            .map(|server| server.sessions().len());
        counts.fold((0, usize::MAX), |(most, fewest), count| {
            (most.max(count), fewest.min(count))
        })
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.anchor);
    }
}
