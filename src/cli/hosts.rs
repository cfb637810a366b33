//! Names in the hosts file: all that can be looked up without a resolver.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::input;
use super::stop::Stop;

/// The largest hosts file. Lists against advertisements have some megabytes.
const LARGEST: u64 = 32 << 20;

/// The addresses of a name, in the order of this hosts(5) file; those of
/// `localhost` are also known without it (RFC 6761 section 6.3).
pub(super) fn addresses(name: &str, path: &Path) -> Result<Vec<IpAddr>, Stop> {
    let text = match path.exists() {
        true => input::read(path, LARGEST)?,
        false => Vec::new(),
    };
    Ok(of_text(name, &String::from_utf8_lossy(&text)))
}

fn of_text(name: &str, text: &str) -> Vec<IpAddr> {
    let name = name.trim_end_matches('.');
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or(line);
        let mut words = line.split_ascii_whitespace();
        let address = words.next().and_then(|word| word.parse().ok());
        if let Some(address) = address
            && words.any(|word| word.trim_end_matches('.').eq_ignore_ascii_case(name))
        {
            found.push(address);
        }
    }
    let lower = name.to_ascii_lowercase();
    if found.is_empty() && (lower == "localhost" || lower.ends_with(".localhost")) {
        found = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_addresses_of_the_file() {
        let text = "# ours\n127.0.0.1 localhost\n::1\tip6-localhost localhost # both\n\
                    192.0.2.53 Unbound.example.  dns\nnonsense dns\n#192.0.2.9 dns\n";
        for (name, addresses) in [
            ("localhost", &["127.0.0.1", "::1"][..]),
            ("LOCALHOST.", &["127.0.0.1", "::1"]),
            ("ip6-localhost", &["::1"]),
            ("dns", &["192.0.2.53"]),
            ("unbound.example", &["192.0.2.53"]),
            ("elsewhere.example", &[]),
        ] {
            let found: Vec<String> = of_text(name, text).iter().map(IpAddr::to_string).collect();
            assert_eq!(found, addresses, "{name}");
        }
        assert_eq!(of_text("localhost", "").len(), 2);
        assert_eq!(of_text("a.localhost", "127.0.0.7 b.localhost").len(), 2);
        assert!(addresses("dns.example", Path::new("/nonexistent")).is_ok_and(|it| it.is_empty()));
    }
}
