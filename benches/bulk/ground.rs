//! Healthy domains, and the servers that many of them share.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use danecheck::world::delay::DelayRelay;
use danecheck::world::dns::{DnsWorld, ResolverKind, RunningDns, Zone, now};
use danecheck::world::pki::{Authority, Leaf};
use danecheck::world::smtp::{MailServer, RunningMailServer};

use crate::front;

/// How far away the mail servers are; the resolver is next door.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(50);

/// So many hosts, and domains on them, each a signed zone of its own.
pub(crate) struct Ground {
    pub(crate) hosts: usize,
    pub(crate) domains: usize,
    resolver: SocketAddr,
    /// The root's key, which is nobody else's.
    anchor: PathBuf,
    port: u16,
    servers: Vec<RunningMailServer>,
    _relays: Vec<DelayRelay>,
    _dns: RunningDns,
}

impl Ground {
    /// Starts the servers. The resolver listens at `resolver`; each mail
    /// server has an address and a key of its own, and all have one port.
    pub(crate) async fn start(
        domains: usize,
        hosts: usize,
        resolver: SocketAddr,
    ) -> Result<Self, Box<dyn Error>> {
        let now = now();
        let issuer = Authority::root("Bench Root", now).intermediate("Bench Issuer");
        let (mut servers, mut relays, mut port) = (Vec::new(), Vec::new(), 0);
        let mut records = String::new();
        for number in 0..hosts {
            let host = format!("mx{number}.hosts.example");
            let identity = issuer.issue(Leaf::new([host.as_str()]));
            let server = MailServer::new(identity.clone()).calling_itself(host);
            let server = server.start().await?;
            // 127.51.0.1 and on.
            let address = Ipv4Addr::from_bits(0x7f33_0001 + u32::try_from(number)?);
            let relay = DelayRelay::start_at((address, port), server.addr(), ROUND_TRIP / 2);
            let relay = relay.await?;
            port = relay.addr().port();
            records += &format!(
                "mx{number} A {address}\n_{port}._tcp.mx{number} TLSA {}\n",
                identity.tlsa(3, 1, 1)
            );
            servers.push(server);
            relays.push(relay);
        }
        let hosts_zone = Zone::signed("hosts.example.").records(&records);
        let world = DnsWorld::new(now)
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
            hosts,
            domains,
            resolver: front::start(resolver, dns.addr()).await?,
            port,
            servers,
            _relays: relays,
            _dns: dns,
        })
    }

    /// The options with which a program finds its way here.
    pub(crate) fn options(&self) -> [String; 4] {
        [
            "--resolver".to_owned(),
            self.resolver.to_string(),
            "--trust-anchor".to_owned(),
            self.anchor.display().to_string(),
        ]
    }

    /// The domains as they are given to a program.
    pub(crate) fn targets(&self) -> Vec<String> {
        let target = |number| format!("d{number}.test:{}", self.port);
        (0..self.domains).map(target).collect()
    }

    /// The most and the fewest connections to one server.
    pub(crate) fn connections(&self) -> (usize, usize) {
        let counts = self.servers.iter().map(|server| server.sessions().len());
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
