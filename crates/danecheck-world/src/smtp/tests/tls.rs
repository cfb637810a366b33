//! What goes wrong in the handshake and after it.

use rustls::ALL_VERSIONS;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncReadExt;

use super::client::{Client, Heard};
use super::{NOW, identity, running};
use crate::pki::Leaf;
use crate::smtp::Misbehaviour::{self, *};
use crate::smtp::{MailServer, SessionRecord};

/// The error of a handshake with a server that spoils it, and its record.
async fn spoiled(misbehaviour: Misbehaviour) -> (String, SessionRecord) {
    let server = running(misbehaviour).await;
    let client = Client::starttls(server.addr()).await;
    let error = client
        .handshake(Some("mx1.example.com"), ALL_VERSIONS)
        .await;
    let error = error.err().unwrap().to_string();
    let record = server.sessions_after(1).await.remove(0);
    assert_eq!(record.sni.as_deref(), Some("mx1.example.com"));
    assert_eq!(record.tls_version, None);
    assert!(!record.completed);
    (error, record)
}

#[tokio::test]
async fn handshakes_that_fail() {
    for (misbehaviour, expected) in [
        (DropAfterStartTlsReply, "eof"),
        (GarbageInHandshake, "corrupt message"),
        (HandshakeAlert, "HandshakeFailure"),
        (ProtocolVersionAlert, "ProtocolVersion"),
    ] {
        let (error, _) = spoiled(misbehaviour).await;
        assert!(error.contains(expected), "{error}, not {expected}");
    }
}

#[tokio::test]
async fn a_handshake_that_hangs() {
    let server = running(HangInHandshake).await;
    let mut client = Client::starttls(server.addr()).await;
    // No ClientHello comes either: the server waits for that as well.
    assert!(client.is_silent().await);
    let handshake = client.handshake(None, ALL_VERSIONS);
    let time = std::time::Duration::from_millis(60);
    assert!(tokio::time::timeout(time, handshake).await.is_err());
    let sessions = server.sessions_after(1).await;
    assert_eq!(sessions[0].handshake_error, None);
}

#[tokio::test]
async fn cleartext_behind_the_starttls_reply() {
    let server = running(CleartextAfterStartTlsReply).await;
    let mut client = Client::starttls(server.addr()).await;
    assert_eq!(
        client.heard().await.text(),
        "250-injected\r\n250 AUTH PLAIN\r\n"
    );
    // Who throws that away gets a sound session.
    let (mut client, _) = client.handshake(None, ALL_VERSIONS).await.unwrap();
    assert!(client.say("EHLO me").await.text().starts_with("250"));
}

#[tokio::test]
async fn a_client_certificate_is_demanded() {
    let (error, record) = {
        let server = running(RequireClientCertificate).await;
        let client = Client::starttls(server.addr()).await;
        let error = client.handshake(None, &[&TLS12]).await.err().unwrap();
        (error, server.sessions_after(1).await.remove(0))
    };
    assert!(
        error.to_string().contains("HandshakeFailure") || error.to_string().contains("ertificate"),
        "{error}"
    );
    assert!(record.handshake_error.is_some());

    // With TLS 1.3 the alert comes in place of the next reply.
    let server = running(RequireClientCertificate).await;
    let client = Client::starttls(server.addr()).await;
    let (mut client, _) = client.handshake(None, &[&TLS13]).await.unwrap();
    let error = client.stream.read_u8().await.unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
}

#[tokio::test]
async fn one_protocol_version_only() {
    for (misbehaviour, known, name, unknown) in [
        (Tls12Only, &TLS12, "TLSv1.2", &TLS13),
        (Tls13Only, &TLS13, "TLSv1.3", &TLS12),
    ] {
        let server = running(misbehaviour).await;
        let client = Client::starttls(server.addr()).await;
        let (mut client, _) = client.handshake(None, &[known]).await.unwrap();
        client.say("QUIT").await;
        let client = Client::starttls(server.addr()).await;
        let error = client.handshake(None, &[unknown]).await.err().unwrap();
        assert!(error.to_string().contains("ProtocolVersion"), "{error}");
        let sessions = server.sessions_after(2).await;
        assert_eq!(sessions[0].tls_version, Some(name));
        assert_eq!(sessions[1].tls_version, None);
    }
}

#[tokio::test]
async fn a_name_decides_which_identity_is_shown() {
    let [default, named] = [identity(), Leaf::new(["mail.example.net"]).self_signed(NOW)];
    let server = MailServer::new(default.clone()).showing_to("mail.example.net", named.clone());
    let server = server.start().await.unwrap();
    for (sni, shown) in [
        (None, &default),
        (Some("MAIL.example.net"), &named),
        (Some("other.example.net"), &default),
    ] {
        let client = Client::starttls(server.addr()).await;
        let (_, seen) = client.handshake(sni, ALL_VERSIONS).await.unwrap();
        assert_eq!(seen.chain(), shown.chain_der());
    }
}

#[tokio::test]
async fn without_a_known_name_there_is_an_alert() {
    let server = MailServer::new(identity())
        .showing_to("mail.example.net", identity())
        .misbehaving([UnrecognizedNameAlert]);
    let server = server.start().await.unwrap();
    for (sni, works) in [
        (None, false),
        (Some("other.example"), false),
        (Some("mail.example.net"), true),
    ] {
        let client = Client::starttls(server.addr()).await;
        let error = client.handshake(sni, ALL_VERSIONS).await.err();
        let error = error.map(|error| error.to_string());
        assert_eq!(error.is_none(), works, "{error:?}");
        assert!(
            error
                .unwrap_or("UnrecognisedName".into())
                .contains("Unrecogni")
        );
    }
}

#[tokio::test]
async fn a_huge_chain_is_sent_whole_or_refused() {
    let server = running(HugeChain(100)).await;
    let client = Client::starttls(server.addr()).await;
    let (_, seen) = client.handshake(None, ALL_VERSIONS).await.unwrap();
    assert_eq!(seen.chain().len(), 101);

    // rustls reads handshake messages up to 64 KiB.
    let (error, _) = spoiled(HugeChain(1000)).await;
    assert!(error.contains("HandshakePayloadTooLarge"), "{error}");
}

#[tokio::test]
async fn sessions_that_fail_after_the_handshake() {
    for (misbehaviour, reply) in [(EhloAfterTls421, "421 "), (EhloAfterTls5xx, "554 ")] {
        let server = running(misbehaviour).await;
        let client = Client::starttls(server.addr()).await;
        let (mut client, _) = client.handshake(None, ALL_VERSIONS).await.unwrap();
        assert!(client.say("EHLO me").await.text().starts_with(reply));
    }

    let server = running(EhloAfterTlsDropped).await;
    let client = Client::starttls(server.addr()).await;
    let (mut client, _) = client.handshake(None, ALL_VERSIONS).await.unwrap();
    assert_eq!(client.say("EHLO me").await, Heard::Closed);

    let server = running(HangAfterTls).await;
    let client = Client::starttls(server.addr()).await;
    let (mut client, _) = client.handshake(None, ALL_VERSIONS).await.unwrap();
    let time = std::time::Duration::from_millis(60);
    assert!(
        tokio::time::timeout(time, client.say("EHLO me"))
            .await
            .is_err()
    );
    drop(client);
    assert!(server.sessions_after(1).await[0].tls_version.is_some());
}
