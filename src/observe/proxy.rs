//! Connections through a SOCKS proxy (RFC 1928), for users in places where port
//! 25 is blocked; `ssh -D` is enough. DNS lookups do not use the proxy.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_socks::Error as SocksError;
use tokio_socks::tcp::Socks5Stream;

use super::budget::Deadline;
use super::connect_failure::connect_failure;
use danecheck_core::next_hop::host_name_fault;
use danecheck_core::observation::{ConnectFailure, ConnectFailureKind, Interruption, SessionEnd};

/// A SOCKS proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    /// User and password (RFC 1929).
    login: Option<(String, String)>,
}

/// Why a text does not name a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give a SOCKS proxy such as socks5://127.0.0.1:1080 or socks5://user:password@[::1]:1080")]
pub struct ProxyError;

impl FromStr for Proxy {
    type Err = ProxyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // curl's `socks5h` lets the proxy look names up; danecheck gives it
        // addresses.
        let schemes = ["socks5://", "socks5h://"];
        let of_url = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = of_url.unwrap_or(text).trim_end_matches('/');
        let (login, place) = match rest.rsplit_once('@') {
            None => (None, rest),
            // Without the scheme it may be anything, a password included.
            Some(_) if of_url.is_none() => return Err(ProxyError),
            Some((login, place)) => {
                let (user, password) = login.split_once(':').ok_or(ProxyError)?;
                // One byte holds each length (RFC 1929 section 2).
                if [user, password]
                    .iter()
                    .any(|word| !(1..=255).contains(&word.len()))
                {
                    return Err(ProxyError);
                }
                (Some((user.to_owned(), password.to_owned())), place)
            }
        };
        let (host, port) = place.rsplit_once(':').ok_or(ProxyError)?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let is_host = match bare {
            Some(bare) => bare.parse::<Ipv6Addr>().is_ok(),
            None => host.parse::<Ipv4Addr>().is_ok() || host_name_fault(host).is_none(),
        };
        // Text that is not a host may be part of a login, so it is not shown.
        if !is_host {
            return Err(ProxyError);
        }
        let host = bare.unwrap_or(host);
        Ok(Self {
            host: host.to_owned(),
            port: port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or(ProxyError)?,
            login,
        })
    }
}

/// Without the password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "socks5://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "socks5://{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl Proxy {
    /// A connection to this address through the proxy.
    pub(super) async fn reach(
        &self,
        to: SocketAddr,
        step: Duration,
        deadline: Deadline,
    ) -> Result<TcpStream, ConnectFailure> {
        let connect = TcpStream::connect((self.host.as_str(), self.port));
        let stream = match deadline.run(step, connect).await {
            Some(Ok(stream)) => stream,
            Some(Err(error)) => return Err(failed(&connect_failure(&error).text)),
            None => return Err(failed("Connection timed out")),
        };
        let _ = stream.set_nodelay(true);
        let ask = async {
            match &self.login {
                None => Socks5Stream::connect_with_socket(stream, to).await,
                Some((user, password)) => {
                    Socks5Stream::connect_with_password_and_socket(stream, to, user, password).await
                }
            }
        };
        match deadline.run(step, ask).await {
            Some(Ok(stream)) => Ok(stream.into_inner()),
            Some(Err(error)) => Err(explain(&error)),
            None => Err(connect_failure(&io::ErrorKind::TimedOut.into())),
        }
    }
}

/// What `ssh -D` does if its other end cannot connect, whatever the reason: it
/// accepts before it knows, so its own answer may be lost with the rest.
const HUNG_UP: &str = "the proxy closed the connection before the server sent anything";

/// The end of a session through a proxy: if nothing came from the server, there
/// may have been no connection.
pub(super) fn without_greeting(end: SessionEnd) -> SessionEnd {
    let (kind, text) = match end {
        SessionEnd::NoGreeting(Interruption::Lost) => (ConnectFailureKind::Unreachable, HUNG_UP),
        SessionEnd::NoGreeting(Interruption::TimedOut) => (
            ConnectFailureKind::TimedOut,
            "nothing came through the proxy in time",
        ),
        end => return end,
    };
    SessionEnd::NotConnected(ConnectFailure {
        kind,
        text: text.to_owned(),
    })
}

/// The proxy failed.
fn failed(why: &str) -> ConnectFailure {
    ConnectFailure {
        kind: ConnectFailureKind::Proxy,
        text: why.to_owned(),
    }
}

/// The replies of RFC 1928 section 6, in the words of the operating system if
/// they are about the target.
fn explain(error: &SocksError) -> ConnectFailure {
    use ConnectFailureKind::{Refused, TimedOut, Unreachable};
    let about_target = |kind, text: &str| ConnectFailure {
        kind,
        text: text.to_owned(),
    };
    match error {
        SocksError::ConnectionRefused => about_target(Refused, "Connection refused"),
        SocksError::HostUnreachable => about_target(Unreachable, "No route to host"),
        SocksError::NetworkUnreachable => about_target(Unreachable, "Network is unreachable"),
        SocksError::TtlExpired => about_target(TimedOut, "Connection timed out"),
        // An IPv6 address, and a proxy that supports only IPv4.
        SocksError::AddressTypeNotSupported => {
            about_target(Unreachable, "the proxy accepts no addresses of this family")
        }
        // The proxy does not say why it could not connect.
        SocksError::GeneralSocksServerFailure => {
            about_target(Unreachable, "the proxy could not connect")
        }
        SocksError::ConnectionNotAllowedByRuleset => failed("it does not allow the connection"),
        SocksError::NoAcceptableAuthMethods | SocksError::UnknownAuthMethod => {
            failed("it requires another kind of login")
        }
        SocksError::PasswordAuthFailure(_) | SocksError::AuthorizationRequired => {
            failed("it rejects the user and the password")
        }
        SocksError::Io(error)
            if matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::BrokenPipe
            ) =>
        {
            about_target(Unreachable, HUNG_UP)
        }
        SocksError::Io(error) => failed(&connect_failure(error).text),
        _ => failed("it does not speak SOCKS 5"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_written_as_a_url() {
        for (text, host, port, login) in [
            ("socks5://127.0.0.1:1080", "127.0.0.1", 1080, None),
            ("socks5://[::1]:1080", "::1", 1080, None),
            ("socks5://jump.example.com:9/", "jump.example.com", 9, None),
            ("socks5h://127.0.0.1:1080", "127.0.0.1", 1080, None),
            ("127.0.0.1:1080", "127.0.0.1", 1080, None),
            ("[::1]:1080", "::1", 1080, None),
            ("localhost:1080", "localhost", 1080, None),
            (
                "socks5://me:p@ss:w@localhost:1",
                "localhost",
                1,
                Some(("me", "p@ss:w")),
            ),
        ] {
            let proxy: Proxy = text.parse().unwrap();
            assert_eq!((proxy.host.as_str(), proxy.port), (host, port), "{text}");
            let own = proxy.login.as_ref();
            assert_eq!(own.map(|(u, p)| (u.as_str(), p.as_str())), login, "{text}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused() {
        for text in [
            "",
            "127.0.0.1",
            "localhost",
            "::1:1080",
            "me:x@localhost:1080",
            "socks4://127.0.0.1:1080",
            "http://127.0.0.1:1080",
            "socks5://127.0.0.1",
            "socks5://127.0.0.1:0",
            "socks5://127.0.0.1:65536",
            "socks5://:1080",
            "socks5://::1:1080",
            "socks5://me@localhost:1080",
            "socks5://:x@localhost:1080",
            "socks5://me%3Ax%40localhost:1080",
            "socks5://me,x:1080",
            "socks5://[me]:1080",
        ] {
            assert_eq!(text.parse::<Proxy>(), Err(ProxyError), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let proxy: Proxy = "socks5://me:secret@[::1]:1080".parse().unwrap();
        assert_eq!(proxy.to_string(), "socks5://[::1]:1080");
        assert_eq!(format!("{proxy:?}"), "Proxy(socks5://[::1]:1080)");
    }
}
