//! What a check meets here: a resolver, and mail servers at a distance.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use danecheck::world::delay::DelayRelay;
use danecheck::world::dns::{DnsWorld, RunningDns, Zone, now};
use danecheck::world::pki::Authority;
use danecheck::world::smtp::{MailServer, RunningMailServer};

/// How far away the mail servers are; the resolver is next door.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(50);

/// The domain with one MX host.
pub(crate) const ONE: &str = "one.example";
/// The domain with six.
pub(crate) const SIX: &str = "six.example";
/// An unsigned domain with one MX host.
pub(crate) const PLAIN: &str = "plain.example";

/// Name servers and mail servers, which stop when this is dropped.
pub(crate) struct Surroundings {
    dns: RunningDns,
    port: u16,
    _servers: Vec<RunningMailServer>,
    _relays: Vec<DelayRelay>,
}

impl Surroundings {
    /// Starts everything, the resolver at `resolver`. All mail servers listen
    /// at one port, which is a free one, and each at an address of its own.
    pub(crate) async fn start(resolver: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let now = now();
        let issuer = Authority::root("Bench Root", now).intermediate("Bench Issuer");
        let mut servers = Vec::new();
        let mut relays: Vec<DelayRelay> = Vec::new();
        let mut signed = String::new();
        let mut port = 0;
        for number in 1..=6_u8 {
            let host = format!("mx{number}.hosts.example");
            let identity = issuer.issue(danecheck::world::pki::Leaf::new([host.as_str()]));
            let server = MailServer::new(identity.clone())
                .calling_itself(host)
                .start()
                .await?;
            let address = Ipv4Addr::new(127, 50, 0, number);
            let relay =
                DelayRelay::start_at((address, port), server.addr(), ROUND_TRIP / 2).await?;
            port = relay.addr().port();
            signed += &format!(
                "mx{number} A {address}\n_{port}._tcp.mx{number} TLSA {}\n",
                identity.tlsa(3, 1, 1)
            );
            servers.push(server);
            relays.push(relay);
        }
        let six = (1..=6).fold(Zone::signed("six.example."), |zone, number| {
            zone.mx("@", number, &format!("mx{number}.hosts.example."))
        });
        let dns = DnsWorld::new(now)
            .listening_on(resolver)
            .zone(Zone::signed("hosts.example.").records(&signed))
            .zone(Zone::signed("one.example.").mx("@", 10, "mx1.hosts.example."))
            .zone(six)
            .zone(
                Zone::unsigned("plain.example.")
                    .mx("@", 10, "mx")
                    .a("mx", Ipv4Addr::new(127, 50, 0, 1)),
            )
            .start()
            .await?;
        Ok(Self {
            dns,
            port,
            _servers: servers,
            _relays: relays,
        })
    }

    /// The resolver's address.
    pub(crate) fn resolver(&self) -> SocketAddr {
        self.dns.addr()
    }

    /// A domain with the port at which its mail servers are here.
    pub(crate) fn next_hop(&self, domain: &str) -> String {
        format!("{domain}:{}", self.port)
    }
}
