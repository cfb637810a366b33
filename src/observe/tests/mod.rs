//! The observing half against worlds on loopback.

mod dns;
mod pool;
mod refused;
mod sessions;
mod signature;
mod smtp;
mod timing;
mod wire;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::budget::Times;
use super::{Dial, Resolver, Setup, TrustStore, observe};
use danecheck_core::observation::{
    Answer, FailureKind, HostSeen, Lookup, Observation, ResolverValidation, Session,
};
use danecheck_validation::trust_anchor::RootAnchors;
use danecheck_world::dns::{DnsWorld, RunningDns, Zone, now};
use danecheck_world::pki::{Authority, Identity, Leaf};
use danecheck_world::smtp::{MailServer, Misbehaviour, RunningMailServer};

/// Where the servers of the scenarios seem to be.
const MX1: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const MX2: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 20);

fn identity(name: &str) -> Identity {
    Authority::root("Test Root", now()).issue(Leaf::new([name]))
}

fn quick() -> Times {
    Times {
        pause: Duration::ZERO,
        total: Duration::from_secs(10),
        query: Duration::from_secs(1),
        connect: Duration::from_millis(500),
        reply: Duration::from_millis(700),
        handshake: Duration::from_secs(2),
        ..Times::default()
    }
}

fn setup(dns: &RunningDns, routes: &[(Ipv4Addr, SocketAddr)]) -> Setup {
    let mut to_servers: HashMap<_, _> = dns.routes();
    to_servers.extend(
        routes
            .iter()
            .map(|(address, to)| (SocketAddr::from((*address, 25)), *to)),
    );
    let root_anchors = RootAnchors::from_text(dns.trust_anchor()).unwrap();
    Setup {
        times: quick(),
        helo_name: "probe.example".to_owned(),
        dial: Dial::Routed(to_servers),
        allow_private: true,
        mta_sts: false,
        ..Setup::new(Resolver::at([dns.addr()]), root_anchors, now())
    }
}

async fn look(target: &str, setup: &Setup) -> Observation {
    observe(&target.parse().unwrap(), setup).await
}

/// Looks at a target of a world without mail servers.
async fn look_at_dns(world: DnsWorld, target: &str) -> Observation {
    let dns = world.start().await.unwrap();
    look(target, &setup(&dns, &[])).await
}

/// A healthy domain whose one server misbehaves in these ways.
async fn look_at_server(ways: impl IntoIterator<Item = Misbehaviour>) -> Observation {
    let (observation, _) =
        look_at(MailServer::new(identity("mx1.good.test")).misbehaving(ways)).await;
    observation
}

async fn look_at(server: MailServer) -> (Observation, RunningMailServer) {
    let identity = identity("mx1.good.test");
    let dns = DnsWorld::new(now())
        .zone(good().tlsa("_25._tcp.mx1", &identity.tlsa(3, 1, 1)))
        .start()
        .await
        .unwrap();
    let server = server.start().await.unwrap();
    let observation = look("good.test", &setup(&dns, &[(MX1, server.addr())])).await;
    (observation, server)
}

fn good() -> Zone {
    Zone::signed("good.test.").mx("@", 10, "mx1").a("mx1", MX1)
}

fn host<'a>(observation: &'a Observation, name: &str) -> &'a HostSeen {
    observation
        .hosts
        .iter()
        .find(|host| host.name == name)
        .unwrap()
}

fn sessions(observation: &Observation) -> Vec<&Session> {
    observation
        .hosts
        .iter()
        .flat_map(|host| &host.addresses)
        .flat_map(|address| &address.sessions)
        .collect()
}

/// A lookup in one line: `secure 2`, `insecure nxdomain`, `timeout`.
fn brief<T>(lookup: &Lookup<T>) -> String {
    let status = lookup.status().map_or("", |status| status.as_str());
    match &lookup.answer {
        Answer::Records(set) => {
            let set = set.open().regardless();
            let aliases: String = set.aliases.iter().map(|name| format!(" {name}")).collect();
            format!("{status} {}{aliases}", set.records.len())
        }
        Answer::Denied(denial) => {
            format!("{status} {:?}", denial.open().regardless()).to_lowercase()
        }
        Answer::Failed(failure) => format!("{:?}", failure.kind).to_lowercase(),
    }
}

/// What was asked of a host for TLSA: `base: answer`.
fn tlsa(host: &HostSeen) -> Vec<String> {
    host.tlsa
        .iter()
        .map(|tlsa| format!("{}: {}", tlsa.base_domain, brief(&tlsa.lookup)))
        .collect()
}
