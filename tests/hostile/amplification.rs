//! Small messages with large effects: questions, connections and names that
//! multiply.

use danecheck_world::dns::{Misbehaviour as Dns, ResolverKind, Rtype};
use danecheck_world::smtp::{MailServer, Misbehaviour};

use crate::cases::Case;
use crate::ground::{DOMAIN, Ground};

/// MX hosts, as many as are checked.
const HOSTS: u8 = 20;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        // Names of over a hundred labels, and answers of nothing but pointers to
        // them (RFC 1035 section 4.1.4).
        Case::new("dns-pointers-to-long-names", |ground| {
            ground.resolver = ResolverKind::NotValidating;
            let labels = "a.".repeat(105);
            for number in 0..HOSTS {
                let name = format!("h{number}.{labels}");
                ground.records(&format!("@ MX 10 {name}{DOMAIN}."));
                let name = name.trim_end_matches('.');
                for rtype in [Rtype::A, Rtype::AAAA] {
                    ground.lookup(name, rtype, Dns::PointerFlood);
                }
            }
        })
        .without_rest()
        .costing_work(),
        // Each address refuses for now, and is asked again and again.
        Case::new("every-address-refuses-for-now", |ground| {
            hosts(ground, &[Misbehaviour::Greeting421]);
        })
        .without_rest(),
        // Another look with an older TLS meets messages of four bytes.
        Case::new("every-address-floods-an-older-tls", |ground| {
            hosts(ground, &[Misbehaviour::HelloRequestsToOldTls]);
        })
        .without_rest()
        .costing_work(),
        // Each wants another look with an older TLS.
        Case::new("every-address-ends-the-handshake", |ground| {
            hosts(ground, &[Misbehaviour::HandshakeAlert]);
        })
        .without_rest(),
        // All hosts have the same eight addresses, and a name of their own for each.
        Case::new("twenty-hosts-at-eight-addresses", |ground| {
            for address in 1..=8 {
                let identity = ground.identity("mx");
                ground.server(address, MailServer::new(identity));
            }
            for host in 0..HOSTS {
                ground.records(&format!("@ MX 10 mx{host}"));
                for address in 1..=8 {
                    let address = ground.address(address);
                    ground.records(&format!("mx{host} A {address}"));
                }
                let tlsa = format!("_{}._tcp.mx{host} TLSA 3 1 1 {:064x}", ground.port, host);
                ground.records(&tlsa);
            }
        })
        .without_rest(),
    ]
}

/// Twenty hosts of eight addresses that misbehave like this.
pub(crate) fn hosts(ground: &mut Ground, ways: &[Misbehaviour]) {
    for host in 0..HOSTS {
        let name = format!("mx{host}");
        let identity = ground.identity(&name);
        let owner = format!("_{}._tcp.{name}", ground.port);
        let tlsa = identity.tlsa(3, 1, 1);
        ground.records(&format!("@ MX 10 {name}\n{owner} TLSA {tlsa}"));
        for number in 0..8 {
            let address = 1 + host * 8 + number;
            ground.records(&format!("{name} A {}", ground.address(address)));
            let server = MailServer::new(identity.clone());
            ground.server(address, server.misbehaving(ways.iter().cloned()));
        }
    }
}
