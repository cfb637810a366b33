//! The dialogue against scripted servers in memory.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream,
};
use tokio_rustls::TlsAcceptor;

use super::super::budget::{Cuts, Times};
use super::super::smtp::{Script, converse};
use danecheck_core::observation::{Interruption, Session, SessionEnd, SignatureCheck};

pub(super) const EHLO: &str = "250-mx.example\r\n250-SIZE 100\r\n250 StartTLS\r\n";

pub(super) fn quick() -> Times {
    Times {
        pause: Duration::ZERO,
        total: Duration::from_secs(5),
        reply: Duration::from_millis(300),
        handshake: Duration::from_secs(1),
        ..Times::default()
    }
}

async fn talk<F>(sni: Option<&str>, server: impl FnOnce(DuplexStream) -> F) -> Session
where
    F: Future<Output = ()>,
{
    talk_within(quick(), sni, server).await
}

async fn talk_within<F>(
    times: Times,
    sni: Option<&str>,
    server: impl FnOnce(DuplexStream) -> F,
) -> Session
where
    F: Future<Output = ()>,
{
    let (client, other) = tokio::io::duplex(1 << 16);
    let cuts = Cuts::default();
    let script = Script {
        sni,
        ..Script::in_memory(times, &cuts)
    };
    let talk = async { converse(client, &script).await.session };
    let (session, ()) = tokio::join!(talk, async {
        // A server may well still be talking when the client has gone.
        let _ = tokio::time::timeout(times.total, server(other)).await;
    });
    session
}

/// Says each line when its command (the first word) has come; the first is
/// the greeting. Then closes, or hears out the client.
async fn play(stream: DuplexStream, lines: &[(&str, &str)]) {
    let mut stream = BufReader::new(stream);
    play_on(&mut stream, lines).await;
    hear_out(stream).await;
}

async fn hear_out(mut stream: impl AsyncRead + Unpin) {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

pub(super) async fn play_on<S>(stream: &mut BufReader<S>, lines: &[(&str, &str)])
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for (command, reply) in lines {
        if !command.is_empty() {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            assert_eq!(line.split_whitespace().next().unwrap_or(""), *command);
        }
        let _ = stream.write_all(reply.as_bytes()).await;
        let _ = stream.flush().await;
    }
}

async fn ends(lines: &[(&str, &str)]) -> SessionEnd {
    talk(None, |stream| play(stream, lines)).await.end
}

#[tokio::test]
async fn a_server_without_starttls_is_ready_for_mail() {
    for ehlo in [
        "250 mx.example\r\n",
        "250-mx.example\r\n250 PIPELINING\r\n",
        // The first line names the server, whatever it says.
        "250 STARTTLS\r\n",
        "250-mx.example\r\n250 STARTTLSX\r\n",
        // A tab is no blank to Postfix.
        "250-mx.example\r\n250 STARTTLS\t\r\n",
        "250-mx.example\r\n250 \0STARTTLS\r\n",
    ] {
        let end = ends(&[("", "220 mx.example ESMTP\r\n"), ("EHLO", ehlo)]).await;
        assert_eq!(end, SessionEnd::NoStartTls, "{ehlo}");
    }
}

#[tokio::test]
async fn starttls_is_found_as_postfix_finds_it() {
    for ehlo in [
        "250-mx.example\r\n250 starttls\r\n",
        "250-mx.example\n250-STARTTLS=now\n250 HELP\n",
        "250-mx.example\r\nnoise\r\n250-STARTTLS\r\n250 OK\r\n",
        "250-mx.example\r\n250-STARTTLS\0\r\n250 OK\0 and more\r\n",
    ] {
        let end = ends(&[
            ("", "220 mx.example\r\n"),
            ("EHLO", ehlo),
            ("STARTTLS", "454 4.7.0 later\r\n"),
        ])
        .await;
        let SessionEnd::StartTlsRefused(reply) = end else {
            panic!("{ehlo}: {end:?}");
        };
        assert_eq!(reply.code, 454);
    }
}

#[tokio::test]
async fn a_greeting_other_than_2xx_is_a_refusal() {
    for (greeting, code) in [
        ("554 go away\r\n", 554),
        ("421-busy\r\n421 really\r\n", 421),
        ("354 odd\r\n", 354),
        ("220x garbage\r\n2201 garbage\r\n\r\n550\r\n", 550),
    ] {
        let SessionEnd::GreetingRefused(reply) = ends(&[("", greeting)]).await else {
            panic!("{greeting}");
        };
        assert_eq!(reply.code, code);
    }
}

#[tokio::test]
async fn helo_follows_a_refused_ehlo_unless_it_was_421() {
    let end = ends(&[
        ("", "220 hi\r\n"),
        ("EHLO", "502 what\r\n"),
        ("HELO", "250-mx\r\n250 STARTTLS\r\n"),
    ])
    .await;
    assert_eq!(end, SessionEnd::NoStartTls);

    let end = ends(&[("", "220 hi\r\n"), ("EHLO", "421 no\r\n")]).await;
    assert!(matches!(end, SessionEnd::EhloRefused(reply) if reply.code == 421));

    let end = ends(&[
        ("", "220 hi\r\n"),
        ("EHLO", "500 no\r\n"),
        ("HELO", "550 no\r\n"),
    ])
    .await;
    assert!(matches!(end, SessionEnd::EhloRefused(reply) if reply.code == 550));
}

#[tokio::test]
async fn drops_are_lost_where_they_happen() {
    let close = |lines: &'static [(&str, &str)]| {
        talk(None, move |stream| async move {
            play_on(&mut BufReader::new(stream), lines).await;
        })
    };
    let lost = Interruption::Lost;
    assert_eq!(close(&[]).await.end, SessionEnd::NoGreeting(lost));
    assert_eq!(
        close(&[("", "220 mx.exa")]).await.end,
        SessionEnd::NoGreeting(lost)
    );
    assert_eq!(
        close(&[("", "220 hi\r\n"), ("EHLO", "250-mx\r\n")])
            .await
            .end,
        SessionEnd::NoEhloReply(lost)
    );
    assert_eq!(
        close(&[("", "220 hi\r\n"), ("EHLO", EHLO), ("STARTTLS", "")])
            .await
            .end,
        SessionEnd::NoStartTlsReply(lost)
    );
    let SessionEnd::HandshakeFailed(failure) = close(&[
        ("", "220 hi\r\n"),
        ("EHLO", EHLO),
        ("STARTTLS", "220 go\r\n"),
    ])
    .await
    .end
    else {
        panic!("no handshake");
    };
    assert_eq!(failure.text, "the connection was lost");
    assert!(!failure.timed_out);
}

#[tokio::test]
async fn silence_times_out_where_it_happens() {
    let slow = Interruption::TimedOut;
    assert_eq!(ends(&[]).await, SessionEnd::NoGreeting(slow));
    assert_eq!(
        ends(&[("", "220-hi\r\n220-wait\r\n")]).await,
        SessionEnd::NoGreeting(slow)
    );
    assert_eq!(
        ends(&[("", "220 hi\r\n"), ("EHLO", "")]).await,
        SessionEnd::NoEhloReply(slow)
    );
    assert_eq!(
        ends(&[("", "220 hi\r\n"), ("EHLO", EHLO), ("STARTTLS", "")]).await,
        SessionEnd::NoStartTlsReply(slow)
    );
}

#[tokio::test]
async fn replies_that_nobody_asked_for_stay_in_the_queue() {
    let session = talk(None, |stream| {
        play(
            stream,
            &[
                ("", "220 hi\r\n502 what\r\n"),
                ("EHLO", EHLO),
                ("HELO", "250 mx\r\n"),
                ("QUIT", "221 bye\r\n"),
            ],
        )
    })
    .await;
    assert_eq!(session.end, SessionEnd::NoStartTls);
    let early = session.before_ehlo.unwrap();
    assert_eq!((early.bytes, early.lines.len()), (10, 1));
    let onward = session.onward.unwrap();
    assert_eq!(onward.replies.len(), 1);
    assert_eq!(onward.replies[0].lines, ["250 mx"]);
    assert!(!onward.closed);

    // As many as there may be: the first are kept, the others counted.
    let flood = format!("250 mx\r\n{}", "250 more\r\n".repeat(100));
    let session = talk(None, |stream| async move {
        play(
            stream,
            &[
                ("", "220 hi\r\n"),
                ("EHLO", &flood),
                ("QUIT", "221 bye\r\n"),
            ],
        )
        .await;
    })
    .await;
    let onward = session.onward.unwrap();
    assert_eq!((onward.replies.len(), onward.left_out), (4, 96));
}

#[tokio::test]
async fn a_server_in_step_leaves_nothing_behind() {
    for lines in [
        &[
            ("", "220 hi\r\n"),
            ("EHLO", "250 mx\r\n"),
            ("QUIT", "221 bye\r\n"),
        ][..],
        // No answer, or one of its own kind.
        &[("", "220 hi\r\n"), ("EHLO", "250 mx\r\n")],
        &[
            ("", "220 hi\r\n"),
            ("EHLO", "250 mx\r\n"),
            ("QUIT", "502 what\r\n"),
        ],
    ] {
        let session = talk(None, |stream| play(stream, lines)).await;
        assert_eq!(session.onward, None, "{lines:?}");
        assert_eq!(session.before_ehlo, None, "{lines:?}");
    }
}

#[tokio::test]
async fn long_replies_are_read_to_their_end() {
    let greeting = format!("{}220 hi\r\n", "220-x\r\n".repeat(5000));
    let ehlo = format!(
        "250-mx\r\n250-STARTTLS\r\n{}250 OK\r\n",
        "250-X1234567\r\n".repeat(10_000)
    );
    let session = talk(None, |stream| async move {
        play(
            stream,
            &[("", &greeting), ("EHLO", &ehlo), ("STARTTLS", "454 no\r\n")],
        )
        .await;
    })
    .await;
    assert!(matches!(session.end, SessionEnd::StartTlsRefused(_)));
}

#[tokio::test]
async fn floods_end_early() {
    for chunk in ["220-more\r\n".repeat(100), "x".repeat(1000)] {
        // Whatever the machine does besides: it is the bytes that end it.
        let times = Times {
            total: Duration::from_secs(60),
            reply: Duration::from_secs(60),
            ..quick()
        };
        let session = talk_within(times, None, |mut stream| async move {
            while stream.write_all(chunk.as_bytes()).await.is_ok() {}
        })
        .await;
        assert_eq!(session.end, SessionEnd::NoGreeting(Interruption::Flooded));
    }
}

#[tokio::test]
async fn long_lines_and_replies_are_cut_as_by_postfix() {
    let greeting = format!("220 {}\r\n", "x".repeat(5000));
    let ehlo = format!(
        "250-mx\r\n{}250-STARTTLS\r\n250 OK\r\n",
        format!("250-{}\r\n", "Y".repeat(500)).repeat(5)
    );
    let session = talk(None, |stream| async move {
        play(stream, &[("", &greeting), ("EHLO", &ehlo)]).await;
    })
    .await;
    assert_eq!(session.greeting.unwrap().lines[0].len(), 2048);
    // The keyword came, and came too late.
    assert_eq!(session.end, SessionEnd::NoStartTls);
}

fn acceptor(key: &rcgen::KeyPair) -> (TlsAcceptor, Vec<u8>) {
    acceptor_with(key, &[])
}

/// With entries of any kind behind the certificate.
fn acceptor_with(key: &rcgen::KeyPair, more: &[Vec<u8>]) -> (TlsAcceptor, Vec<u8>) {
    let certificate = rcgen::CertificateParams::new(vec!["mx.example".to_owned()])
        .unwrap()
        .self_signed(key)
        .unwrap();
    let der = certificate.der().to_vec();
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                std::iter::once(&der)
                    .chain(more)
                    .map(|der| CertificateDer::from(der.clone()))
                    .collect(),
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
    (TlsAcceptor::from(Arc::new(config)), der)
}

/// A whole session; `inside` are the lines inside TLS.
async fn whole(
    sni: Option<&str>,
    go: &'static str,
    inside: &'static [(&'static str, &'static str)],
) -> (Session, Vec<u8>, Option<String>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let (acceptor, der) = acceptor(&key);
    let mut seen_sni = None;
    let session = talk(sni, |stream| {
        let seen_sni = &mut seen_sni;
        async move {
            let mut stream = BufReader::new(stream);
            play_on(
                &mut stream,
                &[("", "220 hi\r\n"), ("EHLO", EHLO), ("STARTTLS", go)],
            )
            .await;
            let stream = acceptor.accept(stream.into_inner()).await.unwrap();
            *seen_sni = stream.get_ref().1.server_name().map(str::to_owned);
            let mut stream = BufReader::new(stream);
            play_on(&mut stream, inside).await;
            hear_out(stream).await;
        }
    })
    .await;
    (session, der, seen_sni)
}

#[tokio::test]
async fn a_session_inside_tls_shows_the_chain_and_proves_the_key() {
    let (session, der, sni) = whole(
        None,
        "220 go\r\n",
        &[("EHLO", "250 mx\r\n"), ("QUIT", "221 bye\r\n")],
    )
    .await;
    assert_eq!(session.end, SessionEnd::Completed);
    assert_eq!(sni, None);
    let tls = session.tls.unwrap();
    assert_eq!(tls.version.as_deref(), Some("TLSv1.3"));
    assert_eq!(tls.cipher.as_deref(), Some("TLS_AES_256_GCM_SHA384"));
    assert_eq!(tls.group.as_deref(), Some("X25519"));
    assert_eq!(tls.signature, SignatureCheck::Good);
    assert_eq!(tls.chain.len(), 1);
    assert_eq!(tls.chain[0].0, der);
}

#[tokio::test]
async fn the_server_name_is_sent_only_when_given() {
    let (session, _, sni) =
        whole(Some("mx.example"), "220 go\r\n", &[("EHLO", "250 mx\r\n")]).await;
    assert_eq!(sni.as_deref(), Some("mx.example"));
    assert_eq!(session.sni.as_deref(), Some("mx.example"));
}

#[tokio::test]
async fn what_was_injected_before_tls_is_not_taken_for_an_answer_inside() {
    let (session, _, _) = whole(
        None,
        "220 go\r\n250 injected\r\n",
        &[("EHLO", "421 no\r\n")],
    )
    .await;
    assert!(matches!(session.end, SessionEnd::EhloRefusedInTls(reply) if reply.code == 421));
}

#[tokio::test]
async fn ehlo_refused_inside_tls_is_followed_by_helo() {
    let (session, _, _) = whole(
        None,
        "220 go\r\n",
        &[("EHLO", "500 no\r\n"), ("HELO", "250 mx\r\n")],
    )
    .await;
    assert_eq!(session.end, SessionEnd::Completed);
}

/// OpenSSL parses every entry of a Certificate message.
#[tokio::test]
async fn an_entry_that_is_no_certificate_fails_the_handshake() {
    let key = rcgen::KeyPair::generate().unwrap();
    let (_, good) = acceptor(&key);
    let junk = b"not DER".to_vec();
    let far_behind: Vec<Vec<u8>> = vec![good.clone(); 25]
        .into_iter()
        .chain([junk.clone()])
        .collect();
    for (more, fails) in [
        (vec![good.clone()], false),
        (vec![junk.clone()], true),
        (vec![good.clone(), vec![0x30, 0x00]], true),
        (far_behind, true),
    ] {
        let (acceptor, _) = acceptor_with(&key, &more);
        let session = talk(None, |stream| async move {
            let mut stream = BufReader::new(stream);
            let lines = [
                ("", "220 hi\r\n"),
                ("EHLO", EHLO),
                ("STARTTLS", "220 go\r\n"),
            ];
            play_on(&mut stream, &lines).await;
            let Ok(stream) = acceptor.accept(stream.into_inner()).await else {
                return;
            };
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            let _ = stream.read_line(&mut line).await;
            let _ = stream.write_all(b"250 mx\r\n").await;
            let _ = stream.flush().await;
            hear_out(stream).await;
        })
        .await;
        let failed = matches!(&session.end, SessionEnd::HandshakeFailed(failure) if !failure.limit);
        assert_eq!(failed, fails, "{} more: {:?}", more.len(), session.end);
    }
}

#[tokio::test]
async fn silence_inside_tls_keeps_the_chain() {
    let (session, _, _) = whole(None, "220 go\r\n", &[("EHLO", "")]).await;
    assert_eq!(
        session.end,
        SessionEnd::NoEhloReplyInTls(Interruption::TimedOut)
    );
    assert_eq!(session.tls.unwrap().chain.len(), 1);
}

#[tokio::test]
async fn what_is_not_tls_fails_the_handshake() {
    let end = ends(&[
        ("", "220 hi\r\n"),
        ("EHLO", EHLO),
        ("STARTTLS", "220 go\r\n"),
        ("", ""),
    ])
    .await;
    // Nothing came: the client waits for as long as a handshake may take.
    assert!(matches!(end, SessionEnd::HandshakeFailed(failure) if failure.timed_out));

    let session = talk(None, |stream| async move {
        let mut stream = BufReader::new(stream);
        let lines = [
            ("", "220 hi\r\n"),
            ("EHLO", EHLO),
            ("STARTTLS", "220 go\r\n"),
        ];
        play_on(&mut stream, &lines).await;
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).await.unwrap();
        // Alert, fatal, handshake_failure.
        stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).await.unwrap();
        stream.flush().await.unwrap();
        hear_out(stream).await;
    })
    .await;
    let SessionEnd::HandshakeFailed(failure) = session.end else {
        panic!("{:?}", session.end);
    };
    assert_eq!(failure.alert.as_deref(), Some("handshake_failure"));
}
