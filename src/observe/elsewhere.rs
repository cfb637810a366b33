//! A second look at the same moment, through a proxy: DNS, every address and the
//! policy of MTA-STS, as they are from the other end of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::base::iana::Rcode;
use domain::base::{Message, Name, Rtype};
use tokio::sync::OnceCell;

use super::dial::Dial;
use super::exchange::{DNS_PORT, Mode, Question};
use super::pool::Pool;
use super::proxy::Proxy;
use super::resolver::Resolver;
use super::setup::Setup;
use super::through::ask_through;
use danecheck_core::next_hop::NextHop;
use danecheck_core::observation::Observation;

/// Where the resolver of the far host may listen: its own, and that of
/// systemd-resolved.
const NEAR_IT: [Ipv4Addr; 2] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 53)];

/// How long each of them is waited for.
const PATIENCE: Duration = Duration::from_secs(4);

/// A place to look from (`--also-from`).
#[derive(Clone, Debug)]
pub struct Elsewhere(Arc<Place>);

#[derive(Debug)]
struct Place {
    proxy: Proxy,
    /// `--also-resolver`.
    given: Option<SocketAddr>,
    /// Servers of the root; its own, unless others are given.
    hints: Vec<SocketAddr>,
    found: OnceCell<Resolver>,
    /// What looks from there share. It is never mixed with what is seen here.
    pool: Pool,
}

impl Elsewhere {
    /// From the other end of this proxy. The resolver is the given one as seen
    /// from there, else the far host's own, else the zones' name servers.
    pub fn new(proxy: Proxy, resolver: Option<SocketAddr>) -> Self {
        Self::starting_at(proxy, resolver, Vec::new())
    }

    /// The same, with other servers of the root, for worlds of their own.
    pub fn starting_at(proxy: Proxy, resolver: Option<SocketAddr>, hints: Vec<SocketAddr>) -> Self {
        Self(Arc::new(Place {
            proxy,
            given: resolver,
            hints,
            found: OnceCell::new(),
            pool: Pool::default(),
        }))
    }

    /// The look from there.
    pub(super) fn look<'l>(
        &'l self,
        next_hop: &'l NextHop,
        setup: &'l Setup,
    ) -> Pin<Box<dyn Future<Output = Observation> + Send + 'l>> {
        Box::pin(async move {
            let place = &self.0;
            let resolver = place.found.get_or_init(|| place.resolver(setup)).await;
            let there = Setup {
                resolver: resolver.clone(),
                dial: Dial::Proxied(place.proxy.clone()),
                pool: Some(place.pool.clone()),
                also_from: Arc::from([]),
                authoritative: false,
                thorough: false,
                contact: false,
                local_sender: None,
                ..setup.clone()
            };
            super::observe_here(next_hop, &there).await
        })
    }
}

impl Place {
    async fn resolver(&self, setup: &Setup) -> Resolver {
        if let Some(given) = self.given {
            return Resolver::through(self.proxy.clone(), [given]);
        }
        let question = Question {
            name: &Name::root_vec(),
            rtype: Rtype::NS,
            mode: Mode::Stub,
        };
        let time = setup.times.query.min(PATIENCE);
        for address in NEAR_IT {
            let server = SocketAddr::new(IpAddr::V4(address), DNS_PORT);
            let answer = ask_through(&self.proxy, server, question, time).await;
            let works = answer.is_ok_and(|bytes| {
                let message = Message::from_octets(&bytes);
                message.is_ok_and(|message| {
                    let header = message.header();
                    let answers = message.header_counts().ancount() > 0;
                    header.qr() && header.ra() && header.rcode() == Rcode::NOERROR && answers
                })
            });
            if works {
                return Resolver::through(self.proxy.clone(), [server]);
            }
        }
        Resolver::from_root(self.proxy.clone(), &self.hints, setup.allow_private)
    }
}
