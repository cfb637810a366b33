//! What goes wrong before TLS.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::{Client, Heard};
use super::{identity, running};
use crate::smtp::MailServer;
use crate::smtp::Misbehaviour::{self, *};

async fn greeting(misbehaviour: Misbehaviour) -> Heard {
    let server = running(misbehaviour).await;
    Client::connect(server.addr()).await.heard().await
}

async fn ehlo(misbehaviour: Misbehaviour) -> Heard {
    let server = running(misbehaviour).await;
    let mut client = Client::connect(server.addr()).await;
    assert!(client.heard().await.text().starts_with("220 "));
    client.say("EHLO me").await
}

async fn starttls(misbehaviour: Misbehaviour) -> Heard {
    let server = running(misbehaviour).await;
    let mut client = Client::connect(server.addr()).await;
    client.heard().await;
    client.say("EHLO me").await;
    client.say("STARTTLS").await
}

#[tokio::test]
async fn greetings_that_refuse() {
    let server = running(Greeting554).await;
    let mut client = Client::connect(server.addr()).await;
    assert!(client.heard().await.text().starts_with("554 5.7.1 "));
    assert!(client.say("EHLO me").await.text().starts_with("503 "));
    assert!(client.say("QUIT").await.text().starts_with("221 "));

    let server = running(Greeting421).await;
    let mut client = Client::connect(server.addr()).await;
    assert!(client.heard().await.text().starts_with("421 "));
    assert_eq!(client.heard().await, Heard::Closed);

    let odd = GreetingReply("450-4.7.1 Not now\n450 4.7.1 Later".into());
    let heard = greeting(odd).await;
    assert_eq!(heard.text(), "450-4.7.1 Not now\r\n450 4.7.1 Later\r\n");
}

#[tokio::test]
async fn greetings_that_never_come() {
    assert_eq!(greeting(DropBeforeGreeting).await, Heard::Closed);
    assert_eq!(greeting(ResetBeforeGreeting).await, Heard::Reset);

    let server = running(NoGreeting).await;
    let mut client = Client::connect(server.addr()).await;
    assert!(client.is_silent().await);
    assert_eq!(client.leaves().await, Heard::Closed);
    assert_eq!(server.sessions_after(1).await.len(), 1);
}

#[tokio::test]
async fn greetings_that_are_odd() {
    let heard = greeting(MultilineGreeting).await;
    assert_eq!(heard.text().matches("\r\n").count(), 3);

    // A careless reader takes `SSH-` for a code with more lines to come.
    let server = running(NotSmtp).await;
    let mut client = Client::connect(server.addr()).await;
    let mut line = [0; 21];
    client.stream.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"SSH-2.0-OpenSSH_9.2\r\n");

    let time = Duration::from_millis(80);
    let begun = tokio::time::Instant::now();
    assert!(
        greeting(SlowGreeting(time))
            .await
            .text()
            .starts_with("220 ")
    );
    assert!(begun.elapsed() >= time);

    for refusing in [false, true] {
        let mut ways = vec![ControlCharactersInGreeting];
        ways.extend(refusing.then_some(Greeting554));
        let server = MailServer::new(identity()).misbehaving(ways);
        let server = server.start().await.unwrap();
        let heard = Client::connect(server.addr()).await.heard().await;
        assert_eq!(heard.text().starts_with("554 "), refusing);
        assert!(heard.text().contains("\u{1b}[2J"));
        assert!(heard.text().contains('\0'));
        assert!(heard.text().contains(char::REPLACEMENT_CHARACTER));
    }
}

/// Reads that much of an endless greeting; the server stops when we leave.
async fn endless(misbehaviour: Misbehaviour, bytes: usize) -> String {
    let server = running(misbehaviour).await;
    let mut client = Client::connect(server.addr()).await;
    let mut read = vec![0; bytes];
    client.stream.read_exact(&mut read).await.unwrap();
    drop(client);
    assert_eq!(server.sessions_after(1).await.len(), 1);
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn floods_last_until_the_client_leaves() {
    let lines = endless(MultilineFlood, 1 << 20).await;
    assert!(lines.lines().count() > 10_000);
    assert!(
        lines
            .lines()
            .rev()
            .skip(1)
            .all(|line| line.starts_with("220-"))
    );

    let line = endless(EndlessLine, 1 << 20).await;
    assert!(line.starts_with("220 ") && !line.contains('\n'));

    let lines = endless(Tarpit(Duration::from_millis(5)), 30).await;
    assert!(lines.starts_with("220-wait\r\n220-wait\r\n"));
}

#[tokio::test]
async fn an_ehlo_flood_lasts_until_the_client_leaves() {
    let server = running(EhloFlood).await;
    let mut client = Client::connect(server.addr()).await;
    client.heard().await;
    client.stream.write_all(b"EHLO me\r\n").await.unwrap();
    let mut read = vec![0; 1 << 20];
    client.stream.read_exact(&mut read).await.unwrap();
    assert!(read.starts_with(b"250-X-ANOTHER\r\n250-X-ANOTHER\r\n"));
    drop(client);
    assert_eq!(server.sessions_after(1).await.len(), 1);
}

#[tokio::test]
async fn a_tarpit_ends_with_its_client_however_long_its_pause() {
    let server = running(Tarpit(Duration::from_secs(3600))).await;
    drop(Client::connect(server.addr()).await);
    assert_eq!(server.sessions_after(1).await.len(), 1);
}

#[tokio::test]
async fn replies_one_byte_at_a_time_or_with_bare_line_ends() {
    let server = running(Drip(Duration::from_millis(1))).await;
    let mut client = Client::connect(server.addr()).await;
    let mut first = [0; 8];
    assert_eq!(client.stream.read(&mut first).await.unwrap(), 1);
    client.unread.push(first[0]);
    assert_eq!(client.heard().await.text(), "220 mx.example.com ESMTP\r\n");
    assert!(
        client
            .say("EHLO me")
            .await
            .text()
            .ends_with("250 8BITMIME\r\n")
    );

    let server = running(BareLf).await;
    let mut client = Client::connect(server.addr()).await;
    assert_eq!(client.heard().await.text(), "220 mx.example.com ESMTP\n");
    assert!(!client.say("EHLO me").await.text().contains('\r'));
}

#[tokio::test]
async fn ehlo_refused_leaves_helo_or_nothing() {
    for (misbehaviour, helo) in [(EhloRefused5xx, "250 "), (EhloAndHeloRefused, "502 ")] {
        let server = running(misbehaviour).await;
        let mut client = Client::connect(server.addr()).await;
        client.heard().await;
        assert!(client.say("EHLO me").await.text().starts_with("502 "));
        assert!(client.say("HELO me").await.text().starts_with(helo));
        assert!(client.say("STARTTLS").await.text().starts_with("502 "));
    }
}

#[tokio::test]
async fn ehlo_without_an_answer() {
    assert!(ehlo(Ehlo421).await.text().starts_with("421 "));
    assert_eq!(ehlo(DropAtEhlo).await, Heard::Closed);

    let server = running(HangAtEhlo).await;
    let mut client = Client::connect(server.addr()).await;
    client.heard().await;
    let unanswered = tokio::time::timeout(Duration::from_millis(60), client.say("EHLO me"));
    assert!(unanswered.await.is_err());
    assert_eq!(client.leaves().await, Heard::Closed);
}

#[tokio::test]
async fn starttls_offered_in_every_spelling_is_served() {
    for (misbehaviour, spelling) in [
        (StartTlsInLowerCase, "250-starttls\r\n"),
        (StartTlsOddlySpaced, "250-  = STARTTLS= \r\n"),
        (StartTlsWithParameter, "250-STARTTLS REQUIRED\r\n"),
    ] {
        assert!(ehlo(misbehaviour.clone()).await.text().contains(spelling));
        assert!(starttls(misbehaviour).await.text().starts_with("220 "));
    }
}

#[tokio::test]
async fn starttls_not_offered_is_refused() {
    let heard = ehlo(NoStartTls).await;
    assert!(!heard.text().to_ascii_uppercase().contains("STARTTLS"));
    let heard = ehlo(StartTlsMasked).await;
    assert!(!heard.text().contains("STARTTLS") && heard.text().contains("250-XXXXXXXA\r\n"));
    for misbehaviour in [NoStartTls, StartTlsMasked] {
        assert!(starttls(misbehaviour).await.text().starts_with("502 "));
    }
}

#[tokio::test]
async fn starttls_refused() {
    let cases = [
        (StartTls454, "454 4.7.0 "),
        (StartTls554, "554 5.7.3 "),
        (StartTlsReply("500 What?".into()), "500 What?\r\n"),
    ];
    for (misbehaviour, reply) in cases {
        assert!(
            ehlo(misbehaviour.clone())
                .await
                .text()
                .contains("250-STARTTLS\r\n")
        );
        let server = running(misbehaviour).await;
        let mut client = Client::connect(server.addr()).await;
        client.heard().await;
        assert!(client.say("STARTTLS").await.text().starts_with(reply));
        // Postfix at `may` continues in cleartext on this connection.
        assert!(client.say("NOOP").await.text().starts_with("250 "));
    }
}

#[tokio::test]
async fn starttls_without_an_answer() {
    assert_eq!(starttls(DropBeforeStartTlsReply).await, Heard::Closed);

    let server = running(HangAtStartTlsReply).await;
    let mut client = Client::connect(server.addr()).await;
    client.heard().await;
    let unanswered = tokio::time::timeout(Duration::from_millis(60), client.say("STARTTLS"));
    assert!(unanswered.await.is_err());
    assert_eq!(client.leaves().await, Heard::Closed);
}
