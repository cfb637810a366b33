//! Hosts that many domains share.

use std::net::Ipv4Addr;

use danecheck::demo::stage::{RunningStage, Stage};
use danecheck_world::dns::Zone;
use danecheck_world::smtp::MailServer;

use super::now;

/// `d0.example` and so on, in one zone, on so many hosts, each with its address.
pub(crate) async fn shared_hosts(domains: usize, hosts: u8) -> RunningStage {
    let mut stage = Stage::new(now());
    let mut zone = Zone::signed("hosts.test.");
    for number in 0..hosts {
        let name = format!("mx{number}");
        let identity = stage.identity(&format!("{name}.hosts.test"));
        let address = Ipv4Addr::new(192, 0, 2, number + 1);
        zone = zone
            .a(&name, address)
            .tlsa(&format!("_25._tcp.{name}"), &identity.tlsa(3, 1, 1));
        stage.server(&address.to_string(), MailServer::new(identity));
    }
    stage.zone(zone);
    let domains = (0..domains).fold(Zone::signed("example."), |zone, number| {
        let host = format!("mx{}.hosts.test.", number % usize::from(hosts));
        zone.mx(&format!("d{number}"), 10, &host)
    });
    stage.zone(domains);
    stage.start().await.unwrap()
}
