//! Addresses that do not exist in the public internet: the special-purpose
//! address registries of IANA (RFC 6890), multicast, and unallocated blocks.
//!
//! The owner of a name may point it at such an address, and so at a machine in
//! the network of the host that asks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of addresses that no host in the public internet has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservedBlock {
    /// The block, as `10.0.0.0/8`.
    pub prefix: &'static str,
    /// What it is for.
    pub purpose: &'static str,
}

impl fmt::Display for ReservedBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.prefix, self.purpose)
    }
}

/// The block of an address, if it is not a public one. An address that
/// represents an IPv4 address counts like that one.
pub fn reserved_block(address: IpAddr) -> Option<&'static ReservedBlock> {
    match address {
        IpAddr::V4(address) => block_of_v4(address),
        IpAddr::V6(address) => {
            let embedded = embedded_v4(address).and_then(block_of_v4);
            embedded.or_else(|| block_of_v6(address))
        }
    }
}

fn block_of_v4(address: Ipv4Addr) -> Option<&'static ReservedBlock> {
    let address = address.to_bits();
    V4.iter()
        .find(|(network, length, _)| (address ^ network.to_bits()) >> (32 - length) == 0)
        .map(|(_, _, block)| block)
}

fn block_of_v6(address: Ipv6Addr) -> Option<&'static ReservedBlock> {
    let bits = address.to_bits();
    let in_block =
        |network: Ipv6Addr, length: u32| (bits ^ network.to_bits()) >> (128 - length) == 0;
    let (network, length) = NAT64;
    if in_block(network, length) {
        return None;
    }
    V6.iter()
        .find(|(network, length, _)| in_block(*network, *length))
        .map(|(_, _, block)| block)
        .or_else(|| {
            let (network, length) = GLOBAL_UNICAST;
            (!in_block(network, length)).then_some(&UNALLOCATED)
        })
}

/// The IPv4 address to which packets for this one go: by NAT64 (RFC 6052) and
/// 6to4 (RFC 3056).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let (nat64, length) = NAT64;
    if (bits ^ nat64.to_bits()) >> (128 - length) == 0 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the last 32 bits are meant"
        )]
        return Some(Ipv4Addr::from_bits(bits as u32));
    }
    match address.segments() {
        [0x2002, high, low, ..] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

const fn v4(
    octets: [u8; 4],
    length: u32,
    prefix: &'static str,
    purpose: &'static str,
) -> (Ipv4Addr, u32, ReservedBlock) {
    let [a, b, c, d] = octets;
    (
        Ipv4Addr::new(a, b, c, d),
        length,
        ReservedBlock { prefix, purpose },
    )
}

const fn v6(
    start: [u16; 3],
    length: u32,
    prefix: &'static str,
    purpose: &'static str,
) -> (Ipv6Addr, u32, ReservedBlock) {
    let [a, b, c] = start;
    (
        Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0),
        length,
        ReservedBlock { prefix, purpose },
    )
}

/// All networks here have at least four bits, so no shift is too wide.
static V4: [(Ipv4Addr, u32, ReservedBlock); 15] = [
    v4([0, 0, 0, 0], 8, "0.0.0.0/8", "this network"),
    v4([10, 0, 0, 0], 8, "10.0.0.0/8", "private use"),
    v4([100, 64, 0, 0], 10, "100.64.0.0/10", "shared by providers"),
    v4([127, 0, 0, 0], 8, "127.0.0.0/8", "loopback"),
    v4([169, 254, 0, 0], 16, "169.254.0.0/16", "link local"),
    v4([172, 16, 0, 0], 12, "172.16.0.0/12", "private use"),
    v4([192, 0, 0, 0], 24, "192.0.0.0/24", "protocol assignments"),
    v4([192, 0, 2, 0], 24, "192.0.2.0/24", "documentation"),
    v4([192, 168, 0, 0], 16, "192.168.0.0/16", "private use"),
    v4([198, 18, 0, 0], 15, "198.18.0.0/15", "benchmarking"),
    v4([198, 51, 100, 0], 24, "198.51.100.0/24", "documentation"),
    v4([203, 0, 113, 0], 24, "203.0.113.0/24", "documentation"),
    v4([224, 0, 0, 0], 4, "224.0.0.0/4", "multicast"),
    v4([255, 255, 255, 255], 32, "255.255.255.255/32", "broadcast"),
    v4([240, 0, 0, 0], 4, "240.0.0.0/4", "reserved"),
];

/// The other blocks that may contain a host in the public internet.
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Leads to the IPv4 address in its last 32 bits.
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

static UNALLOCATED: ReservedBlock = ReservedBlock {
    prefix: "outside 2000::/3",
    purpose: "not allocated",
};

static V6: [(Ipv6Addr, u32, ReservedBlock); 13] = [
    (
        Ipv6Addr::UNSPECIFIED,
        128,
        ReservedBlock {
            prefix: "::/128",
            purpose: "no address",
        },
    ),
    (
        Ipv6Addr::LOCALHOST,
        128,
        ReservedBlock {
            prefix: "::1/128",
            purpose: "loopback",
        },
    ),
    (
        Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0),
        96,
        ReservedBlock {
            prefix: "::ffff:0:0/96",
            purpose: "IPv4-mapped",
        },
    ),
    v6([0x64, 0xff9b, 1], 48, "64:ff9b:1::/48", "local translation"),
    v6([0x100, 0, 0], 64, "100::/64", "discard only"),
    v6([0x2001, 0xdb8, 0], 32, "2001:db8::/32", "documentation"),
    v6([0x2001, 2, 0], 48, "2001:2::/48", "benchmarking"),
    v6([0x2001, 0, 0], 23, "2001::/23", "protocol assignments"),
    v6([0x3fff, 0, 0], 20, "3fff::/20", "documentation"),
    v6([0xfc00, 0, 0], 7, "fc00::/7", "unique local"),
    v6([0xfe80, 0, 0], 10, "fe80::/10", "link local"),
    v6([0xfec0, 0, 0], 10, "fec0::/10", "site local"),
    v6([0xff00, 0, 0], 8, "ff00::/8", "multicast"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(address: &str) -> Option<&'static str> {
        reserved_block(address.parse().unwrap()).map(|block| block.prefix)
    }

    #[test]
    fn the_first_and_the_last_address_of_a_block_are_in_it_and_their_neighbours_are_not() {
        for (block, first, last, before, after) in [
            (
                "0.0.0.0/8",
                "0.0.0.0",
                "0.255.255.255",
                None,
                Some("1.0.0.0"),
            ),
            (
                "10.0.0.0/8",
                "10.0.0.0",
                "10.255.255.255",
                Some("9.255.255.255"),
                Some("11.0.0.0"),
            ),
            (
                "100.64.0.0/10",
                "100.64.0.0",
                "100.127.255.255",
                Some("100.63.255.255"),
                Some("100.128.0.0"),
            ),
            (
                "127.0.0.0/8",
                "127.0.0.0",
                "127.255.255.255",
                Some("126.255.255.255"),
                Some("128.0.0.0"),
            ),
            (
                "169.254.0.0/16",
                "169.254.0.0",
                "169.254.255.255",
                Some("169.253.255.255"),
                Some("169.255.0.0"),
            ),
            (
                "172.16.0.0/12",
                "172.16.0.0",
                "172.31.255.255",
                Some("172.15.255.255"),
                Some("172.32.0.0"),
            ),
            (
                "192.0.0.0/24",
                "192.0.0.0",
                "192.0.0.255",
                Some("191.255.255.255"),
                Some("192.0.1.0"),
            ),
            (
                "192.0.2.0/24",
                "192.0.2.0",
                "192.0.2.255",
                Some("192.0.1.255"),
                Some("192.0.3.0"),
            ),
            (
                "192.168.0.0/16",
                "192.168.0.0",
                "192.168.255.255",
                Some("192.167.255.255"),
                Some("192.169.0.0"),
            ),
            (
                "198.18.0.0/15",
                "198.18.0.0",
                "198.19.255.255",
                Some("198.17.255.255"),
                Some("198.20.0.0"),
            ),
            (
                "198.51.100.0/24",
                "198.51.100.0",
                "198.51.100.255",
                Some("198.51.99.255"),
                Some("198.51.101.0"),
            ),
            (
                "203.0.113.0/24",
                "203.0.113.0",
                "203.0.113.255",
                Some("203.0.112.255"),
                Some("203.0.114.0"),
            ),
            (
                "224.0.0.0/4",
                "224.0.0.0",
                "239.255.255.255",
                Some("223.255.255.255"),
                None,
            ),
            ("240.0.0.0/4", "240.0.0.0", "255.255.255.254", None, None),
            (
                "255.255.255.255/32",
                "255.255.255.255",
                "255.255.255.255",
                None,
                None,
            ),
            ("::/128", "::", "::", None, None),
            ("::1/128", "::1", "::1", None, None),
            (
                "::ffff:0:0/96",
                "::ffff:0.0.0.0",
                "::ffff:255.255.255.255",
                None,
                None,
            ),
            (
                "64:ff9b:1::/48",
                "64:ff9b:1::",
                "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
                None,
                None,
            ),
            ("100::/64", "100::", "100::ffff:ffff:ffff:ffff", None, None),
            (
                "2001::/23",
                "2001::",
                "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
                None,
                Some("2001:200::"),
            ),
            (
                "2001:2::/48",
                "2001:2::",
                "2001:2:0:ffff:ffff:ffff:ffff:ffff",
                None,
                None,
            ),
            (
                "2001:db8::/32",
                "2001:db8::",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                Some("2001:db7:ffff::"),
                Some("2001:db9::"),
            ),
            (
                "3fff::/20",
                "3fff::",
                "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
                Some("3ffe:ffff::"),
                Some("3fff:1000::"),
            ),
            (
                "fc00::/7",
                "fc00::",
                "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                None,
                None,
            ),
            (
                "fe80::/10",
                "fe80::",
                "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                None,
                None,
            ),
            (
                "fec0::/10",
                "fec0::",
                "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                None,
                None,
            ),
            (
                "ff00::/8",
                "ff00::",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                None,
                None,
            ),
        ] {
            assert_eq!(prefix(first), Some(block), "{first}");
            assert_eq!(prefix(last), Some(block), "{last}");
            for neighbour in [before, after].into_iter().flatten() {
                assert_eq!(prefix(neighbour), None, "{neighbour}");
            }
        }
    }

    #[test]
    fn addresses_of_the_internet_are_free() {
        for address in [
            "1.1.1.1",
            "193.0.0.1",
            "223.255.255.255",
            "2a00::1",
            "2620:fe::fe",
        ] {
            assert_eq!(prefix(address), None, "{address}");
        }
    }

    #[test]
    fn an_embedded_ipv4_address_counts() {
        for (address, block) in [
            ("64:ff9b::10.1.2.3", Some("10.0.0.0/8")),
            ("64:ff9b::1.1.1.1", None),
            ("2002:7f00:1::1", Some("127.0.0.0/8")),
            ("2002:c0a8:1::", Some("192.168.0.0/16")),
            ("2002:101:101::1", None),
        ] {
            assert_eq!(prefix(address), block, "{address}");
        }
    }

    #[test]
    fn what_nobody_was_given_is_told_as_such() {
        for address in ["::2", "4000::1", "200::1", "64:ff9b:0:1::1"] {
            assert_eq!(prefix(address), Some("outside 2000::/3"), "{address}");
        }
    }
}
