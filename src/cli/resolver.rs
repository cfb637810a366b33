//! The options that say who answers DNS questions and where trust in the
//! answers begins.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::observe::{DNS_PORT, Resolver, zone_index};
use danecheck_core::next_hop::host_name_fault;
use danecheck_validation::trust_anchor::RootAnchors;

use super::stop::Stop;
use super::{hosts, input};

/// Where the system has its names.
const HOSTS_FILE: &str = "/etc/hosts";

/// The variable that says the same as the option, for a container.
const RESOLVER: &str = "DANECHECK_RESOLVER";

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "How to look")]
pub(super) struct ResolverArguments {
    /// The recursive resolver [env: DANECHECK_RESOLVER] [default: the
    /// system's]
    #[arg(long, hide_short_help = true, value_name = "IP[:PORT]", value_parser = named)]
    pub(super) resolver: Option<Named>,

    /// DNSSEC root trust anchor, DS or DNSKEY records in zone-file form
    /// [default: the built-in IANA anchors]
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    pub(super) trust_anchor: Option<PathBuf>,
}

/// How a resolver is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Address(SocketAddr),
    /// A name that only the hosts file can know, and the port.
    Name(String, u16),
}

impl ResolverArguments {
    /// The resolver.
    pub(super) fn resolver(&self) -> Result<Resolver, Stop> {
        let of_environment = match std::env::var(RESOLVER) {
            Ok(text) if self.resolver.is_none() && !text.is_empty() => {
                let why = |why| Stop::Sentence(format!("{RESOLVER}: {why}"));
                Some(named(&text).map_err(why)?)
            }
            _ => None,
        };
        match self.resolver.as_ref().or(of_environment.as_ref()) {
            Some(Named::Address(address)) => Ok(Resolver::at([*address])),
            Some(Named::Name(name, port)) => by_name(name, *port, Path::new(HOSTS_FILE)),
            None => system_resolver(),
        }
    }

    pub(super) fn root_anchors(&self) -> Result<RootAnchors, Stop> {
        input::root_anchors(self.trust_anchor.as_deref())
    }
}

/// The resolver with this name in a hosts file. Nothing else can look its name
/// up: that is what the resolver is for.
fn by_name(name: &str, port: u16, path: &Path) -> Result<Resolver, Stop> {
    let addresses = hosts::addresses(name, path)?;
    if addresses.is_empty() {
        return Err(Stop::Sentence(format!(
            "--resolver {name}: {} does not name it, and only a resolver could look it up: give its \
             address, such as 127.0.0.1 or [::1]:53",
            path.display()
        )));
    }
    let servers = addresses.into_iter();
    Ok(Resolver::at(servers.map(|ip| SocketAddr::new(ip, port))))
}

#[cfg(all(unix, not(any(target_os = "android", target_vendor = "apple"))))]
pub(super) fn system_resolver() -> Result<Resolver, Stop> {
    input::system_resolver(Path::new("/etc/resolv.conf"))
}

#[cfg(not(all(unix, not(any(target_os = "android", target_vendor = "apple")))))]
pub(super) fn system_resolver() -> Result<Resolver, Stop> {
    Ok(Resolver::system())
}

/// Reads `127.0.0.1`, `127.0.0.1:5353`, `[::1]:53`, `fe80::1%eth0`, and a port
/// after `#` or `@`, as dnsmasq and unbound write it; else a name.
fn named(text: &str) -> Result<Named, String> {
    const GIVE: &str = "give an address such as 127.0.0.1, 127.0.0.1:5353 or [::1]:53";
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(format!(
            "danecheck asks resolvers over UDP and TCP, not over {scheme}: {GIVE}"
        ));
    }
    let (host, port) = split(text).ok_or(GIVE)?;
    let port = match port {
        None => DNS_PORT,
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(|| format!("`{port}` is not a port from 1 to 65535: {GIVE}"))?,
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Named::Address(SocketAddr::new(address, port)));
    }
    if let Some((address, zone)) = host.split_once('%')
        && let Ok(address) = address.parse::<Ipv6Addr>()
    {
        let index = zone_index(address, zone)
            .ok_or_else(|| format!("this machine has no network interface `{zone}`: {GIVE}"))?;
        let address = SocketAddrV6::new(address, port, 0, index);
        return Ok(Named::Address(address.into()));
    }
    let is_number = host
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number || host_name_fault(host.trim_end_matches('.')).is_some() {
        return Err(GIVE.to_owned());
    }
    Ok(Named::Name(host.to_owned(), port))
}

/// Reads an address in the same forms; a name would mean nothing elsewhere.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    match named(text)? {
        Named::Address(address) => Ok(address),
        Named::Name(..) => {
            Err("give an address such as 192.0.2.53, as it is seen from there".to_owned())
        }
    }
}

/// The host and the text of the port.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix([':', '#', '@']) {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    if let Some((host, port)) = text.split_once(['#', '@']) {
        return Some((host, Some(port)));
    }
    match text.split_once(':') {
        // An IPv6 address has more colons.
        Some((host, port)) if !port.contains(':') => Some((host, Some(port))),
        _ => Some((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolver_is_named_by_its_address_or_in_the_hosts_file() {
        for (text, address) in [
            ("127.0.0.1", "127.0.0.1:53"),
            ("127.0.0.1:5353", "127.0.0.1:5353"),
            ("127.0.0.1#5353", "127.0.0.1:5353"),
            ("127.0.0.1@5353", "127.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            ("[::1]:5353", "[::1]:5353"),
            ("::1#5353", "[::1]:5353"),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(named(text), Ok(Named::Address(address)), "{text}");
        }
        for (text, name, port) in [
            ("localhost", "localhost", 53),
            ("localhost:5353", "localhost", 5353),
            ("dns.example.com", "dns.example.com", 53),
        ] {
            assert_eq!(
                named(text),
                Ok(Named::Name(name.to_owned(), port)),
                "{text}"
            );
        }
        for (text, why) in [
            ("", "give an address"),
            ("127.0.0.1:0", "`0` is not a port"),
            ("127.0.0.1:dns", "`dns` is not a port"),
            ("127.0.0", "give an address"),
            ("127.0.0.256", "give an address"),
            ("[::1", "give an address"),
            ("a b", "give an address"),
            ("https://dns.example/dns-query", "not over https"),
            ("tls://192.0.2.1", "not over tls"),
            (
                "fe80::1%no-such-interface",
                "no network interface `no-such-interface`",
            ),
        ] {
            let error = named(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_address_keeps_its_zone() {
        for text in ["fe80::1%lo", "fe80::1%1", "[fe80::1%lo]:53"] {
            let Ok(Named::Address(SocketAddr::V6(address))) = named(text) else {
                panic!("{text}: {:?}", named(text));
            };
            assert_eq!(address.scope_id(), 1, "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_name_outside_the_hosts_file_is_refused_with_what_to_give() {
        let nowhere = Path::new("/nonexistent");
        let resolver = by_name("localhost", 5353, nowhere).unwrap();
        assert_eq!(resolver.addresses(), ["127.0.0.1:5353", "[::1]:5353"]);
        let Err(Stop::Sentence(sentence)) = by_name("dns.example.com", 53, nowhere) else {
            panic!("a resolver without an address");
        };
        assert!(sentence.contains("give its address"), "{sentence}");
    }
}
