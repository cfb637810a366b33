//! The sessions that the judgement of a target needs.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::mta_sts::HTTPS_PORT;
use crate::observation::{Cut, Observation, PolicyEnd, SessionEnd};

/// One session with one address. Targets with the same mail servers have the
/// same needs.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Need {
    /// The address to connect to.
    pub address: IpAddr,
    /// The TCP port.
    pub port: u16,
    /// The server name in the ClientHello (RFC 6066 section 3).
    #[serde(default)]
    pub server_name: Option<String>,
    /// The kind of the ClientHello.
    pub client_hello: ClientHello,
}

/// Whose ClientHello it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ClientHello {
    /// That of Postfix's SMTP client, after STARTTLS.
    Postfix,
    /// That of a client of MTA-STS, which fetches the policy of the host that
    /// `server_name` names.
    MtaStsPolicy,
}

/// The sessions for which an observation has a place, each once, in the order of
/// their addresses.
pub fn needs(dns: &Observation) -> Vec<Need> {
    let port = dns.next_hop.port;
    let places = dns.hosts.iter().flat_map(|host| &host.addresses);
    let sessions = places.flat_map(|place| {
        let sessions = place.sessions.iter();
        let open = sessions.filter(|session| session.end == SessionEnd::Assumed);
        open.map(|session| Need {
            address: place.address,
            port,
            server_name: session.sni.clone(),
            client_hello: ClientHello::Postfix,
        })
    });
    let fetch = dns.mta_sts.as_ref().and_then(|seen| seen.fetch.as_ref());
    let policies = fetch.into_iter().flat_map(|fetch| {
        let open = fetch.visits.iter();
        let open = open.filter(|visit| visit.end == PolicyEnd::NotInTime);
        open.map(|visit| policy_need(&fetch.host, visit.address))
    });
    let mut needs: Vec<Need> = sessions.chain(policies).collect();
    needs.sort();
    needs.dedup();
    needs
}

/// Leaves no place for sessions with hosts whose owner does not want them, and
/// notes that.
pub fn leave_alone(dns: &mut Observation, is_opted_out: impl Fn(&str) -> bool) {
    let hosts = dns.hosts.iter_mut();
    for host in hosts.filter(|host| is_opted_out(&host.name)) {
        for place in &mut host.addresses {
            place.sessions.clear();
            dns.cuts.push(Cut::OptedOut {
                address: place.address,
            });
        }
    }
}

/// The fetch of a policy from one address of its host.
pub(super) fn policy_need(host: &str, address: IpAddr) -> Need {
    Need {
        address,
        port: HTTPS_PORT,
        server_name: Some(host.to_owned()),
        client_hello: ClientHello::MtaStsPolicy,
    }
}
