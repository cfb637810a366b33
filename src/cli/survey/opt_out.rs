//! The list of those who do not want to be looked at.

use std::collections::HashSet;
use std::net::IpAddr;

use danecheck_core::next_hop::{NextHop, NextHopHost};
use danecheck_core::survey::Need;

use crate::cli::input::{self, LARGEST_LIST};
use crate::cli::stop::Stop;

use super::args::OptOutArguments;

/// Names and networks to leave alone.
#[derive(Clone, Debug, Default)]
pub(super) struct OptOut {
    /// Lower case, A-labels, without the final dot.
    names: HashSet<String>,
    networks: Vec<(IpAddr, u32)>,
}

impl OptOutArguments {
    pub(super) fn read(&self) -> Result<OptOut, Stop> {
        let Some(path) = &self.opt_out else {
            return Ok(OptOut::default());
        };
        let refuse = |error| Stop::Sentence(format!("{}: {error}", path.display()));
        let text = String::from_utf8(input::read(path, LARGEST_LIST)?)
            .map_err(|_| refuse("is not text: give one entry on each line".to_owned()))?;
        OptOut::parse(&text).map_err(refuse)
    }
}

impl OptOut {
    fn parse(text: &str) -> Result<Self, String> {
        let mut list = Self::default();
        for (number, line) in (1_u64..).zip(text.lines()) {
            let entry = line.split('#').next().unwrap_or_default().trim();
            if entry.is_empty() {
                continue;
            }
            if let Some(network) = network(entry) {
                list.networks.push(network);
                continue;
            }
            let name = entry.trim_start_matches("*.").trim_start_matches('.');
            match name.parse::<NextHop>().map(|next_hop| next_hop.host) {
                Ok(NextHopHost::Name(name)) => {
                    list.names.insert(name);
                }
                _ => {
                    return Err(format!(
                        "line {number}: `{entry}` is neither a domain, nor an address, nor a \
                         network such as 192.0.2.0/24"
                    ));
                }
            }
        }
        Ok(list)
    }

    /// Whether a name, or a domain above it, stands in the list.
    pub(super) fn has_name(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let mut rest = name.as_str();
        loop {
            if self.names.contains(rest) {
                return true;
            }
            match rest.split_once('.') {
                Some((_, parent)) => rest = parent,
                None => return false,
            }
        }
    }

    /// Whether an address, or its network, stands in the list.
    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|(network, length)| {
            let shared = match (address, network) {
                (IpAddr::V4(one), IpAddr::V4(other)) => {
                    (one.to_bits() ^ other.to_bits()).leading_zeros()
                }
                (IpAddr::V6(one), IpAddr::V6(other)) => {
                    (one.to_bits() ^ other.to_bits()).leading_zeros()
                }
                _ => return false,
            };
            shared >= *length
        })
    }

    /// Whether a session is to be left out because of its address or its server
    /// name. One without a server name is left out if `all` has names for the same
    /// place and each of them stands in the list.
    pub(super) fn has_need(&self, need: &Need, all: &[Need]) -> bool {
        if self.has_address(need.address) {
            return true;
        }
        if let Some(name) = &need.server_name {
            return self.has_name(name);
        }
        let here = all
            .iter()
            .filter(|other| (other.address, other.port) == (need.address, need.port));
        let mut names = here
            .filter_map(|other| other.server_name.as_deref())
            .peekable();
        names.peek().is_some() && names.all(|name| self.has_name(name))
    }

    /// Whether this target is to be left alone.
    pub(super) fn has_target(&self, next_hop: &NextHop) -> bool {
        match &next_hop.host {
            NextHopHost::Name(name) => self.has_name(name),
            NextHopHost::Address(address) => self.has_address(*address),
        }
    }
}

fn network(entry: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = match entry.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
        None => (entry, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = length.unwrap_or(longest);
    (length <= longest).then_some((address, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_those_below_and_networks_for_their_addresses() {
        let list = OptOut::parse(
            "# those who asked\nexample.com\n*.example.net  # by mail\nBÜCHER.example\n\
             192.0.2.0/24\n2001:db8::1\n",
        )
        .unwrap();
        for (name, is_in) in [
            ("example.com", true),
            ("mx.Example.COM.", true),
            ("example.net", true),
            ("notexample.com", false),
            ("com", false),
            ("xn--bcher-kva.example", true),
        ] {
            assert_eq!(list.has_name(name), is_in, "{name}");
        }
        for (address, is_in) in [
            ("192.0.2.77", true),
            ("::ffff:192.0.2.77", true),
            ("192.0.3.1", false),
            ("2001:db8::1", true),
            ("2001:db8::2", false),
        ] {
            assert_eq!(
                list.has_address(address.parse().unwrap()),
                is_in,
                "{address}"
            );
        }
    }

    #[test]
    fn a_line_that_is_nothing_is_named() {
        for wrong in ["192.0.2.0/33", "two words", "-example.com"] {
            let error = OptOut::parse(&format!("example.com\n{wrong}\n")).unwrap_err();
            assert!(error.starts_with("line 2: "), "{error}");
        }
    }
}
