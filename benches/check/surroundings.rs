//! What a check meets here: a resolver, and mail servers at a distance.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

use danecheck_world::dns::{DnsWorld, RunningDns, Zone, now};

use crate::common::DistantHosts;

/// The domain with one MX host.
pub(crate) const ONE: &str = "one.example";
/// The domain with six.
pub(crate) const SIX: &str = "six.example";
/// An unsigned domain with one MX host.
pub(crate) const PLAIN: &str = "plain.example";

/// Where the first mail server is.
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 50, 0, 1);

/// Name servers and mail servers, which stop when this is dropped.
pub(crate) struct Surroundings {
    dns: RunningDns,
    hosts: DistantHosts,
}

impl Surroundings {
    /// Starts everything, the resolver at `resolver`.
    pub(crate) async fn start(resolver: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let hosts = DistantHosts::start(6, FIRST).await?;
        let six = (0..6).fold(Zone::signed("six.example."), |zone, number| {
            zone.mx("@", number, &format!("mx{number}.hosts.example."))
        });
        let plain = Zone::unsigned("plain.example.");
        let dns = DnsWorld::new(now())
            .listening_on(resolver)
            .zone(Zone::signed("hosts.example.").records(&hosts.records))
            .zone(Zone::signed("one.example.").mx("@", 10, "mx0.hosts.example."))
            .zone(six)
            .zone(plain.mx("@", 10, "mx").a("mx", FIRST))
            .start()
            .await?;
        Ok(Self { dns, hosts })
    }

    /// The resolver's address.
    pub(crate) fn resolver(&self) -> SocketAddr {
        self.dns.addr()
    }

    /// A domain with the port at which its mail servers are here.
    pub(crate) fn next_hop(&self, domain: &str) -> String {
        format!("{domain}:{}", self.hosts.port)
    }
}
