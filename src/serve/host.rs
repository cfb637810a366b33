//! Which Host and Origin headers are accepted. A page in a browser can send
//! requests to any address that the browser reaches, under any name that points
//! there. But it cannot lie about that name, or about its own origin.

use std::net::{IpAddr, SocketAddr};

use hyper::Request;
use hyper::header::{HOST, ORIGIN};
use hyper::http::uri::Authority;

use danecheck_core::next_hop::host_name_fault;

/// A name that requests may use for the exporter, besides `localhost` and the
/// address of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    name: String,
    /// The only port for it; any port if none was given.
    port: Option<u16>,
}

/// Why a text is not such a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give a host name such as exporter.example.com, with or without :PORT")]
pub struct HostNameError;

impl std::str::FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let authority: Authority = text.parse().map_err(|_| HostNameError)?;
        let named = Named::of(&authority).ok_or(HostNameError)?;
        if named.host.parse::<IpAddr>().is_err() && host_name_fault(&named.host).is_some() {
            return Err(HostNameError);
        }
        Ok(Self {
            name: named.host,
            port: named.port,
        })
    }
}

/// What is wrong with the host of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unwelcome {
    /// It names no host, several hosts, or an invalid one (RFC 9112 section
    /// 3.2).
    NoHost,
    /// It is for another host.
    OtherHost,
    /// It comes from a page of another origin.
    OtherOrigin,
}

/// Whether a request that arrived at this address is meant for this exporter,
/// and does not come from a page of another origin.
pub(super) fn welcome<B>(
    request: &Request<B>,
    reached: SocketAddr,
    names: &[HostName],
) -> Result<(), Unwelcome> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Unwelcome::NoHost);
    };
    let host = Authority::try_from(host.as_bytes()).map_err(|_| Unwelcome::NoHost)?;
    let host = Named::of(&host).ok_or(Unwelcome::NoHost)?;
    // A request for a whole URL is for the host in the URL (section 3.2.2).
    let in_target = match request.uri().authority() {
        None => None,
        Some(authority) => Some(Named::of(authority).ok_or(Unwelcome::NoHost)?),
    };
    if !host.is_accepted(reached, names)
        || in_target.is_some_and(|host| !host.is_accepted(reached, names))
    {
        return Err(Unwelcome::OtherHost);
    }
    for origin in request.headers().get_all(ORIGIN) {
        let Some((origin, default_port)) = origin.to_str().ok().and_then(origin_of) else {
            return Err(Unwelcome::OtherOrigin);
        };
        // An origin without a port is at the default port of its scheme: another
        // server of this machine, unless the request leaves out its port too.
        let is_here =
            origin.port.is_some() || host.port.is_none() || default_port == reached.port();
        if !(origin.is_named(names) || is_here && origin.is_own(reached)) {
            return Err(Unwelcome::OtherOrigin);
        }
    }
    Ok(())
}

/// The host of an origin, and the default port of its scheme (RFC 6454 section 7);
/// `None` for `null`, and for what is no page of a web server.
fn origin_of(origin: &str) -> Option<(Named, u16)> {
    let (scheme, authority) = origin.split_once("://")?;
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let named = Named::of(&authority.parse().ok()?)?;
    Some((named, default_port))
}

/// A host as a request names it.
struct Named {
    /// In lower case, an IPv6 address without brackets.
    host: String,
    port: Option<u16>,
}

impl Named {
    fn of(authority: &Authority) -> Option<Self> {
        let host = authority.host();
        let rest = authority.as_str().strip_prefix(host)?;
        let port = match rest.strip_prefix(':') {
            // RFC 3986 section 3.2.3: a port may be empty.
            Some("") => None,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(port.parse().ok()?)
            }
            Some(_) => return None,
            None if rest.is_empty() => None,
            // A user before the host, which no request has.
            None => return None,
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if host.is_empty() || bare.is_some_and(|bare| bare.parse::<std::net::Ipv6Addr>().is_err()) {
            return None;
        }
        let host = bare.unwrap_or(host).to_ascii_lowercase();
        Some(Self { host, port })
    }

    fn is_accepted(&self, reached: SocketAddr, names: &[HostName]) -> bool {
        self.is_own(reached) || self.is_named(names)
    }

    /// Whether it is `localhost`, or the address that was reached.
    fn is_own(&self, reached: SocketAddr) -> bool {
        let own_port = self.port.is_none_or(|port| port == reached.port());
        let is_address = self
            .host
            .parse()
            .is_ok_and(|host: IpAddr| host.to_canonical() == reached.ip().to_canonical());
        own_port && (is_address || self.host == "localhost")
    }

    /// Whether it is one of these names.
    fn is_named(&self, names: &[HostName]) -> bool {
        names.iter().any(|name| {
            name.name == self.host && name.port.is_none_or(|port| self.port == Some(port))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let begin = Request::builder().uri("/-/healthy");
        let request = headers.iter().fold(begin, |request, (name, value)| {
            request.header(*name, *value)
        });
        request.body(()).unwrap()
    }

    fn welcome_at(reached: &str, headers: &[(&str, &str)]) -> Result<(), Unwelcome> {
        let names = ["exporter.example", "behind.example:8443"].map(|name| name.parse().unwrap());
        welcome(&request(headers), reached.parse().unwrap(), &names)
    }

    #[test]
    fn a_host_is_the_address_that_was_reached_or_a_name_that_was_given() {
        for (reached, host, expected) in [
            ("127.0.0.1:9725", "127.0.0.1", Ok(())),
            ("127.0.0.1:9725", "127.0.0.1:9725", Ok(())),
            ("127.0.0.1:9725", "127.0.0.1:", Ok(())),
            ("127.0.0.1:9725", "LocalHost:9725", Ok(())),
            ("127.0.0.1:9725", "Exporter.example", Ok(())),
            ("127.0.0.1:9725", "exporter.example:80", Ok(())),
            ("127.0.0.1:9725", "behind.example:8443", Ok(())),
            ("[::1]:9725", "[::1]:9725", Ok(())),
            ("[::1]:9725", "[0:0:0:0:0:0:0:1]", Ok(())),
            ("[::ffff:192.0.2.1]:9725", "192.0.2.1:9725", Ok(())),
            ("127.0.0.1:9725", "127.0.0.1:80", Err(Unwelcome::OtherHost)),
            (
                "127.0.0.1:9725",
                "127.0.0.2:9725",
                Err(Unwelcome::OtherHost),
            ),
            ("127.0.0.1:9725", "localhost:80", Err(Unwelcome::OtherHost)),
            (
                "127.0.0.1:9725",
                "localhost.evil.example",
                Err(Unwelcome::OtherHost),
            ),
            (
                "127.0.0.1:9725",
                "evil.example:9725",
                Err(Unwelcome::OtherHost),
            ),
            (
                "127.0.0.1:9725",
                "behind.example",
                Err(Unwelcome::OtherHost),
            ),
            ("127.0.0.1:9725", "2130706433", Err(Unwelcome::OtherHost)),
            ("[::1]:9725", "127.0.0.1:9725", Err(Unwelcome::OtherHost)),
            ("127.0.0.1:9725", "", Err(Unwelcome::NoHost)),
            ("127.0.0.1:9725", ":9725", Err(Unwelcome::NoHost)),
            ("127.0.0.1:9725", "a b", Err(Unwelcome::NoHost)),
            ("127.0.0.1:9725", "127.0.0.1:x", Err(Unwelcome::NoHost)),
            (
                "127.0.0.1:9725",
                "evil.example@127.0.0.1",
                Err(Unwelcome::NoHost),
            ),
        ] {
            assert_eq!(welcome_at(reached, &[("host", host)]), expected, "{host}");
        }
    }

    #[test]
    fn a_request_has_one_host() {
        let host = ("host", "127.0.0.1:9725");
        let other = ("host", "evil.example");
        for headers in [&[][..], &[host, host], &[host, other], &[other, host]] {
            let found = welcome_at("127.0.0.1:9725", headers);
            assert_eq!(found, Err(Unwelcome::NoHost), "{headers:?}");
        }
        let mut whole = request(&[host]);
        *whole.uri_mut() = "http://evil.example/probe".parse().unwrap();
        let found = welcome(&whole, "127.0.0.1:9725".parse().unwrap(), &[]);
        assert_eq!(found, Err(Unwelcome::OtherHost));
    }

    #[test]
    fn a_page_of_somebody_else_is_refused() {
        let host = ("host", "127.0.0.1:9725");
        for (origin, expected) in [
            ("http://127.0.0.1:9725", Ok(())),
            ("http://localhost:9725", Ok(())),
            ("https://exporter.example", Ok(())),
            ("http://evil.example", Err(Unwelcome::OtherOrigin)),
            ("http://localhost:3000", Err(Unwelcome::OtherOrigin)),
            // The web server at port 80 of this machine is another one.
            ("http://localhost", Err(Unwelcome::OtherOrigin)),
            ("https://localhost", Err(Unwelcome::OtherOrigin)),
            ("http://127.0.0.1", Err(Unwelcome::OtherOrigin)),
            ("ftp://localhost:9725", Err(Unwelcome::OtherOrigin)),
            (
                "chrome-extension://localhost:9725",
                Err(Unwelcome::OtherOrigin),
            ),
            ("null", Err(Unwelcome::OtherOrigin)),
            ("", Err(Unwelcome::OtherOrigin)),
            (
                "http://127.0.0.1:9725@evil.example",
                Err(Unwelcome::OtherOrigin),
            ),
        ] {
            let found = welcome_at("127.0.0.1:9725", &[host, ("origin", origin)]);
            assert_eq!(found, expected, "{origin}");
        }
        // At the default port nobody names it.
        for (reached, host, origin) in [
            ("127.0.0.1:80", "localhost:80", "http://localhost"),
            ("127.0.0.1:9725", "localhost", "http://localhost"),
        ] {
            let found = welcome_at(reached, &[("host", host), ("origin", origin)]);
            assert_eq!(found, Ok(()), "{reached} {host} {origin}");
        }
        let two = [
            host,
            ("origin", "http://localhost:9725"),
            ("origin", "null"),
        ];
        assert_eq!(
            welcome_at("127.0.0.1:9725", &two),
            Err(Unwelcome::OtherOrigin)
        );
    }

    #[test]
    fn a_name_is_a_host_with_or_without_a_port() {
        for good in [
            "exporter.example",
            "exporter",
            "exporter.example:80",
            "192.0.2.1",
        ] {
            assert!(good.parse::<HostName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "http://exporter.example",
            "a b",
            "a:b",
            "u@a.example",
            "*",
            "-a.example",
        ] {
            assert_eq!(bad.parse::<HostName>(), Err(HostNameError), "{bad}");
        }
    }
}
