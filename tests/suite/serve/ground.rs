//! Fifty domains, an exporter that checks them, and its clients.

use std::net::SocketAddr;
use std::time::Duration;

use danecheck::config::Terms;
use danecheck::demo::stage::{RunningStage, Stage};
use danecheck::observe::Setup;
use danecheck::serve::{Exporter, History, Limits, Web};
use danecheck_world::dns::{Misbehaviour, Rtype, Zone};
use danecheck_world::pki::stale_tlsa;
use danecheck_world::smtp::MailServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::support::now;

pub(crate) const TARGETS: usize = 50;

/// The header of a form.
pub(crate) const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

pub(crate) fn domain(number: usize) -> String {
    format!("d{number}.example")
}

/// Fifty domains on one mail server; their MX lookups take a while.
pub(crate) async fn stage() -> RunningStage {
    let mut stage = Stage::new(now());
    let identity = stage.identity("mx.many.example");
    let many = Zone::signed("many.example.").records("mx A 192.0.2.10");
    stage.zone(many.tlsa("_25._tcp.mx", &identity.tlsa(3, 1, 1)));
    stage.server("192.0.2.10", MailServer::new(identity));
    for number in 0..TARGETS {
        let domain = domain(number);
        stage.zone(Zone::signed(&format!("{domain}.")).mx("@", 10, "mx.many.example."));
        let slow = Misbehaviour::DelayedBy(Duration::from_millis(300));
        stage.lookup_misbehaving(&format!("{domain}."), Rtype::MX, slow);
    }
    let stale = Zone::signed("stale.example.")
        .mx("@", 10, "mx")
        .records("mx A 192.0.2.11")
        .tlsa("_25._tcp.mx", &stale_tlsa(3, 1, 1));
    stage.zone(stale);
    stage.server(
        "192.0.2.11",
        MailServer::new(stage.identity("mx.stale.example")),
    );
    stage.start().await.unwrap()
}

pub(crate) fn exporter(setup: Setup, limits: Limits) -> Exporter {
    let listed = (0..TARGETS).map(domain).chain(["stale.example".to_owned()]);
    let targets = listed.map(|target| (target.parse().unwrap(), Terms::default()));
    Exporter::new(setup, now, targets.collect(), limits).unwrap()
}

/// The same with pages, and with these domains in the overview.
pub(crate) fn with_pages(exporter: Exporter, domains: &[&str]) -> Exporter {
    exporter.with_pages(Web {
        domains: domains.iter().map(|name| name.parse().unwrap()).collect(),
        reads: str::parse,
        history: History::default(),
    })
}

/// Runs an exporter for as long as its clients need it.
pub(crate) async fn serving<C: AsyncFnOnce(SocketAddr)>(exporter: Exporter, clients: C) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async {
        stopped.await.unwrap();
    };
    tokio::join!(exporter.run(listener, stopped), async {
        clients(address).await;
        stop.send(()).unwrap();
    });
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, "GET", path, "").await
}

pub(crate) async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
) -> Answer {
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    read(&mut stream).await
}

/// A form that is sent to `/check`.
pub(crate) async fn post(address: SocketAddr, headers: &str, form: &str) -> Answer {
    let length = form.len();
    let text = format!(
        "POST /check HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: \
         {length}\r\n{headers}\r\n{form}"
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A form that is too large is answered before all of it is read.
    let _ = stream.write_all(text.as_bytes()).await;
    read(&mut stream).await
}

/// All that comes until the end of the connection.
pub(crate) async fn read(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

/// A value of the exporter's own metrics.
pub(crate) async fn own(address: SocketAddr, name: &str) -> u64 {
    let metrics = get(address, "/metrics").await.body;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(&format!("danecheck_exporter_{name} ")));
    line.unwrap_or_else(|| panic!("{name} in {metrics}"))
        .parse()
        .unwrap()
}
