//! Whole sessions, many at once, and addresses where nothing answers.

use std::io;
use std::net::Ipv6Addr;
use std::time::Duration;

use rustls::ALL_VERSIONS;
use tokio::net::TcpStream;

use super::client::{Client, Heard};
use super::{identity, running};
use crate::smtp::{BlackHole, ClosedPort, MailServer, Misbehaviour};

#[tokio::test]
async fn a_healthy_server_serves_and_remembers() {
    let identity = identity();
    let server = MailServer::new(identity.clone()).calling_itself("mx1.example.com");
    let server = server.start().await.unwrap();

    let mut client = Client::connect(server.addr()).await;
    assert_eq!(client.heard().await.text(), "220 mx1.example.com ESMTP\r\n");
    assert!(
        client
            .say("EHLO me")
            .await
            .text()
            .contains("250-STARTTLS\r\n")
    );
    assert!(
        client
            .say("starttls")
            .await
            .text()
            .starts_with("220 2.0.0 ")
    );
    let (mut client, seen) = client
        .handshake(Some("mx1.example.com"), ALL_VERSIONS)
        .await
        .unwrap();
    assert_eq!(seen.chain(), identity.chain_der());
    assert!(!client.say("EHLO me").await.text().contains("STARTTLS"));
    assert!(client.say("STARTTLS").await.text().starts_with("502 "));
    assert!(client.say("QUIT").await.text().starts_with("221 "));
    assert_eq!(client.heard().await, Heard::Closed);

    let record = server.sessions_after(1).await.remove(0);
    assert_eq!(record.sni.as_deref(), Some("mx1.example.com"));
    assert_eq!(
        record.commands,
        ["EHLO me", "starttls", "EHLO me", "STARTTLS", "QUIT"]
    );
    assert_eq!(record.tls_version, Some("TLSv1.3"));
    assert!(record.completed && !record.mail_seen());
}

#[tokio::test]
async fn mail_is_refused_and_remembered() {
    let server = MailServer::new(identity()).start().await.unwrap();
    let mut client = Client::connect(server.addr()).await;
    client.heard().await;
    assert!(client.say("mail from:<>").await.text().starts_with("451 "));
    assert!(server.sessions()[0].mail_seen());
}

#[tokio::test]
async fn a_server_can_be_on_ipv6() {
    let server = MailServer::new(identity()).listening_on((Ipv6Addr::LOCALHOST, 0));
    let server = match server.start().await {
        // No IPv6 on this machine.
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => return,
        server => server.unwrap(),
    };
    assert!(
        Client::connect(server.addr())
            .await
            .heard()
            .await
            .text()
            .starts_with("220 ")
    );
}

#[tokio::test]
async fn connections_end_with_their_server() {
    let server = running(Misbehaviour::NoGreeting).await;
    let addr = server.addr();
    let mut client = Client::connect(addr).await;
    assert!(client.is_silent().await);
    drop(server);
    assert_eq!(client.heard().await, Heard::Closed);
    let refused = TcpStream::connect(addr).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn dozens_of_servers_on_one_runtime() {
    let mut servers = Vec::new();
    for _ in 0..50 {
        servers.push(MailServer::new(identity()).start().await.unwrap());
    }
    let probes = servers.iter().map(|server| async {
        let client = Client::starttls(server.addr()).await;
        let (mut client, _) = client.handshake(None, ALL_VERSIONS).await.unwrap();
        client.say("EHLO me").await;
        client.say("QUIT").await;
        server.sessions_after(1).await.remove(0)
    });
    for record in futures_util::future::join_all(probes).await {
        assert!(record.completed);
    }
}

#[tokio::test]
async fn a_closed_port_refuses_and_a_black_hole_does_not_answer() {
    let closed = ClosedPort::new().unwrap();
    let refused = TcpStream::connect(closed.addr()).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);

    let hole = BlackHole::start().await.unwrap();
    let connecting = TcpStream::connect(hole.addr());
    let waited = tokio::time::timeout(Duration::from_millis(60), connecting).await;
    assert!(waited.is_err(), "{waited:?}");
}
