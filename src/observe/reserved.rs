//! Addresses that are not public: a name in public DNS that leads to one
//! leads into the network of whoever asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is of a block that is not globally reachable, by the
/// registries of special-purpose addresses (RFC 6890), or no host's own.
pub fn is_reserved(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_reserved_v4(address),
        IpAddr::V6(address) => is_reserved_v6(address),
    }
}

fn is_reserved_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        // RFC 7723 section 4 and RFC 8155 section 6: two services for all.
        [192, 0, 0, 9 | 10] => false,
        // This host, private use, loopback, multicast and beyond.
        [0 | 10 | 127 | 224..=255, ..] => true,
        // Shared by the customers of a provider (RFC 6598).
        [100, 64..=127, ..] => true,
        // Link-local (RFC 3927), private use (RFC 1918).
        [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..] => true,
        // Protocol assignments, documentation (RFC 5737), the former 6to4
        // relays (RFC 7526).
        [192, 0, 0 | 2, _] | [192, 88, 99, _] => true,
        [198, 51, 100, _] | [203, 0, 113, _] => true,
        // Benchmarks (RFC 2544).
        [198, 18 | 19, ..] => true,
        _ => false,
    }
}

fn is_reserved_v6(address: Ipv6Addr) -> bool {
    let behind = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_reserved_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // RFC 6052: what counts is the IPv4 address behind it.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => behind(high, low),
        // RFC 3056: likewise.
        [0x2002, high, low, ..] => behind(high, low),
        // Outside the global unicast addresses in use (RFC 4291 section 2.4):
        // loopback, local, link-local, multicast, discard.
        [first, ..] if !(0x2000..=0x3fff).contains(&first) => true,
        // Documentation (RFC 3849, RFC 9637).
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => true,
        // Protocol assignments (RFC 2928): Teredo, benchmarks, ORCHID; but not
        // anycast services and AS112.
        [0x2001, 1, 0, 0, 0, 0, 0, 1..=3] => false,
        [0x2001, 3, ..] | [0x2001, 4, 0x112, ..] => false,
        [0x2001, 0..=0x01ff, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_network_are_reserved_and_others_are_not() {
        for (text, reserved) in [
            ("127.0.0.1", true),
            ("10.1.2.3", true),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("169.254.169.254", true),
            ("172.16.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("192.0.2.53", true),
            ("192.0.0.9", false),
            ("198.18.0.1", true),
            ("198.20.0.1", false),
            ("224.0.0.1", true),
            ("255.255.255.255", true),
            ("0.0.0.0", true),
            ("9.9.9.9", false),
            ("193.0.14.129", false),
            ("::1", true),
            ("::", true),
            ("::ffff:10.0.0.1", true),
            ("::ffff:9.9.9.9", false),
            ("64:ff9b::192.168.0.1", true),
            ("64:ff9b::9.9.9.9", false),
            ("64:ff9b:1::1", true),
            ("2002:c0a8:0101::1", true),
            ("2002:0909:0909::1", false),
            ("fc00::1", true),
            ("fe80::1", true),
            ("ff02::1", true),
            ("2001:db8::1", true),
            ("3fff:1::1", true),
            ("2001::1", true),
            ("2001:7fd::1", false),
            ("2001:500:2::c", false),
            ("2620:fe::fe", false),
        ] {
            assert_eq!(is_reserved(text.parse().unwrap()), reserved, "{text}");
        }
    }
}
