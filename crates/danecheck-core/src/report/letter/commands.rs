//! How the receiver sees it: commands, each of one line or more.

use crate::next_hop::NextHop;
use crate::postfix::TlsVersion;

use super::WIDTH;
use super::problem::{NamedBy, Problem};
use super::words::Speaker;

impl Speaker<'_> {
    /// The port that mail goes to.
    pub(super) fn port(&self) -> u16 {
        let next_hop = self.report.target.parse::<NextHop>();
        next_hop.map_or(25, |next_hop| next_hop.port)
    }

    /// The commands.
    pub(super) fn commands(&self) -> Vec<Vec<String>> {
        let alone = |command: String| vec![command];
        let target = &self.report.target;
        let finger = alone(match target.starts_with('[') {
            // The shell takes brackets for a pattern.
            true => format!("posttls-finger -c -l dane '{target}'"),
            false => format!("posttls-finger -c -l dane {target}"),
        });
        match self.problem {
            Problem::Records { owner, .. } => {
                vec![alone(format!("dig +short TLSA {owner}")), finger]
            }
            Problem::Lookup { lookup } => vec![
                alone(format!("delv {} {}", lookup.name, lookup.record_type)),
                alone(format!(
                    "dig +dnssec {} {}",
                    lookup.name, lookup.record_type
                )),
            ],
            Problem::NullMx { .. } => vec![alone(format!("dig +short MX {}", self.domain))],
            Problem::NoAddress { host, named_by } => {
                let mx = match named_by {
                    NamedBy::Sender => None,
                    NamedBy::MxRecord | NamedBy::Domain => {
                        Some(alone(format!("dig +short MX {}", self.domain)))
                    }
                };
                let addresses = ["A", "AAAA"];
                let addresses =
                    addresses.map(|rtype| alone(format!("dig +short {rtype} {}", host.name)));
                mx.into_iter().chain(addresses).collect()
            }
            Problem::MtaSts { host } => vec![
                alone(format!("dig +short TXT _mta-sts.{}", self.domain)),
                self.openssl(&host.name, ""),
            ],
            Problem::OldTls { host, oldest, .. } => {
                let version = match oldest {
                    TlsVersion::Tls13 => " -tls1_3",
                    _ => " -tls1_2",
                };
                vec![self.openssl(&host.name, version)]
            }
            Problem::StartTls { host, .. }
            | Problem::Certificate { host, .. }
            | Problem::Refuses { host, .. } => vec![self.openssl(&host.name, ""), finger],
        }
    }

    fn openssl(&self, host: &str, more: &str) -> Vec<String> {
        let begin = "openssl s_client -starttls smtp";
        let connect = format!("-connect {host}:{}{more}", self.port());
        match begin.len() + connect.len() + 1 > WIDTH - 2 {
            true => vec![format!("{begin} \\"), format!("  {connect}")],
            false => vec![format!("{begin} {connect}")],
        }
    }
}
