//! The API of a mailcow, read-only: a few GET requests, each within limits of
//! time and size.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, HOST, HeaderValue, USER_AGENT};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::budget::Deadline;
use super::cache::Retention;
use super::query::{Query, Raw};
use super::resolver::Resolver;
use super::wire::Datum;
use danecheck_core::next_hop::host_name_fault;
use danecheck_core::observation::RecordType;
use danecheck_core::reserved::reserved_block;

/// How long one request may take, connection included.
const PATIENCE: Duration = Duration::from_secs(8);

/// The largest answer: some 5,000 rows.
const LARGEST: usize = 1 << 20;

/// The API of a mailcow.
#[derive(Clone)]
pub struct MailcowApi {
    secure: bool,
    host: String,
    port: u16,
    /// Where to connect instead of asking DNS for the host.
    address: Option<IpAddr>,
    key: HeaderValue,
}

impl fmt::Debug for MailcowApi {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailcowApi({}:{})", self.host, self.port)
    }
}

impl MailcowApi {
    /// The API at `https://mail.example.com`; at `http://` only if `address`, or
    /// the host, is one of a private network, because the key is sent along.
    pub fn new(url: &str, address: Option<IpAddr>, key: &str) -> Result<Self, String> {
        let give = "give the address of mailcow's web page, such as https://mail.example.com";
        let (scheme, rest) = url.split_once("://").ok_or(give)?;
        let secure = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(give.to_owned()),
        };
        let place = rest.trim_end_matches('/');
        let usual = if secure { 443 } else { 80 };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !place.ends_with(']') => {
                (host, port.parse().map_err(|_| give.to_owned())?)
            }
            _ => (place, usual),
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let literal: Option<IpAddr> = bare.parse().ok();
        if literal.is_none() && host_name_fault(host).is_some() {
            return Err(give.to_owned());
        }
        let address = address.or(literal);
        if !secure && address.is_none_or(|address| reserved_block(address).is_none()) {
            return Err(
                "http:// sends the key in plain text: give https://, or the address of a \
                        private network"
                    .to_owned(),
            );
        }
        let key = key.trim();
        // What mailcow itself allows.
        let is_key = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if key.is_empty() || !key.chars().all(is_key) {
            return Err("the key has other characters than letters, digits and `-`".to_owned());
        }
        let mut value = HeaderValue::from_str(key).map_err(|error| error.to_string())?;
        value.set_sensitive(true);
        Ok(Self {
            secure,
            host: bare.to_owned(),
            port,
            address,
            key: value,
        })
    }

    /// The answer to `get/PATH`. mailcow counts refused keys for its ban of
    /// addresses, so nothing is asked twice.
    pub async fn get(&self, path: &str, resolver: &Resolver) -> Result<String, String> {
        match timeout(PATIENCE, self.ask(path, resolver)).await {
            Ok(answered) => answered,
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    async fn ask(&self, path: &str, resolver: &Resolver) -> Result<String, String> {
        let address = SocketAddr::new(self.find(resolver).await?, self.port);
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| format!("{address}: {error}"))?;
        if !self.secure {
            return self.request(path, stream).await;
        }
        let name = ServerName::try_from(self.host.clone()).map_err(|error| error.to_string())?;
        let connector = TlsConnector::from(Arc::new(configuration()?));
        let stream = connector.connect(name, stream).await;
        let stream = stream.map_err(|error| format!("{}: {error}", self.host))?;
        self.request(path, stream).await
    }

    async fn find(&self, resolver: &Resolver) -> Result<IpAddr, String> {
        if let Some(address) = self.address {
            return Ok(address);
        }
        let found = first_address(&self.host, resolver).await;
        found.ok_or_else(|| format!("{} has no address", self.host))
    }

    async fn request<S>(&self, path: &str, stream: S) -> Result<String, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let text = |error: hyper::Error| error.to_string();
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(64 << 10)
            .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(text)?;
        let request = Request::get(format!("/api/v1/get/{path}"))
            .header(HOST, &self.host)
            .header(USER_AGENT, concat!("danecheck/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, "application/json")
            .header("X-API-Key", self.key.clone())
            .body(Empty::new())
            .map_err(|error| error.to_string())?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(text)?;
            let status = response.status();
            if status.is_redirection() {
                return Err(format!("{status}: mailcow leads to another address"));
            }
            let body = Limited::new(response.into_body(), LARGEST).collect().await;
            let body = body.map_err(|_| "the answer breaks off or is too large".to_owned())?;
            let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            if status.is_success() {
                return Ok(body);
            }
            let said: Option<serde_json::Value> = serde_json::from_str(&body).ok();
            let said = said.and_then(|said| Some(said.get("msg")?.as_str()?.to_owned()));
            Err(match said {
                Some(said) => format!("{status}: {said}"),
                None => status.to_string(),
            })
        };
        tokio::pin!(exchange);
        let mut connection = Box::pin(connection);
        tokio::select! {
            biased;
            done = &mut exchange => return done,
            _ = &mut connection => {}
        }
        drop(connection);
        exchange.await
    }
}

/// The first address of a host, by this resolver.
pub async fn first_address(host: &str, resolver: &Resolver) -> Option<IpAddr> {
    for record_type in [RecordType::A, RecordType::Aaaa] {
        let query = Query {
            resolver: resolver.clone(),
            query: PATIENCE / 2,
            retention: Retention::at_most(Duration::ZERO),
        };
        let found = query.find(host, record_type, Deadline::after(PATIENCE));
        if let Raw::Records { data, .. } = &*found.await.raw {
            let mut addresses = data.iter().filter_map(|datum| match datum {
                Datum::Address(address) => Some(*address),
                _ => None,
            });
            if let Some(address) = addresses.next() {
                return Some(address);
            }
        }
    }
    None
}

/// The system's trust store, else Mozilla's.
fn configuration() -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        roots.add_parsable_certificates(mozilla.iter().cloned().map(CertificateDer::into_owned));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_only_where_nobody_reads_it() {
        let made = |url: &str, address: Option<&str>| {
            let address = address.map(|address| address.parse().unwrap());
            MailcowApi::new(url, address, "ab-12").map(|api| format!("{api:?}"))
        };
        for (url, address, expected) in [
            ("https://mail.example.com", None, "mail.example.com:443"),
            (
                "https://mail.example.com:8443/",
                None,
                "mail.example.com:8443",
            ),
            (
                "https://mail.example.com",
                Some("172.22.1.2"),
                "mail.example.com:443",
            ),
            ("http://172.22.1.2", None, "172.22.1.2:80"),
            ("http://[fd00::1]:8080", None, "fd00::1:8080"),
            (
                "http://mail.example.com",
                Some("172.22.1.2"),
                "mail.example.com:80",
            ),
        ] {
            assert_eq!(
                made(url, address),
                Ok(format!("MailcowApi({expected})")),
                "{url}"
            );
        }
        for url in [
            "mail.example.com",
            "ftp://mail.example.com",
            "http://mail.example.com",
            "http://8.8.8.8",
            "https://mail.example.com/api/v1",
            "https://a b",
            "https://mail.example.com:x",
        ] {
            assert!(made(url, None).is_err(), "{url}");
        }
        for key in ["", " \n", "a b", "a\nb", "\u{e4}"] {
            assert!(
                MailcowApi::new("https://a.example", None, key).is_err(),
                "{key:?}"
            );
        }
    }
}
