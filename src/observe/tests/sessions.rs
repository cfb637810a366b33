//! What servers do, as data: each misbehaviour ends a session where it should.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::tls::{Offer, shake_hands};
use super::*;
use danecheck_core::observation::{ConnectFailureKind, Interruption, SessionEnd, SignatureCheck};
use danecheck_world::smtp::{BlackHole, ClosedPort};

/// A name for where a session ended.
fn name(end: &SessionEnd) -> String {
    let end = format!("{end:?}");
    end.split(['(', ' ']).next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_healthy_server_is_met_with_and_without_its_name() {
    let anonymous = identity("other.test");
    let named = identity("mx1.good.test");
    let server = MailServer::new(anonymous.clone()).showing_to("mx1.good.test", named.clone());
    let (seen, server) = look_at(server).await;
    let met = sessions(&seen);
    assert_eq!(met.len(), 2);
    for (session, sni, identity) in [
        (met[0], None, &anonymous),
        (met[1], Some("mx1.good.test"), &named),
    ] {
        assert_eq!(session.sni.as_deref(), sni);
        assert_eq!(session.end, SessionEnd::Completed);
        let tls = session.tls.as_ref().unwrap();
        assert_eq!(tls.version.as_deref(), Some("TLSv1.3"));
        assert_eq!(tls.signature, SignatureCheck::Good);
        let chain: Vec<_> = tls.chain.iter().map(|der| der.0.as_slice()).collect();
        let expected: Vec<_> = identity
            .chain()
            .iter()
            .map(|it| it.der().as_ref())
            .collect();
        assert_eq!(chain, expected);
    }
    let records = server.sessions_after(2).await;
    assert!(
        records
            .iter()
            .all(|record| record.completed && !record.mail_seen())
    );
    assert_eq!(records[0].commands[0], "EHLO probe.example");
}

#[tokio::test]
async fn every_misbehaviour_ends_a_session_where_it_happens() {
    use Misbehaviour as Bad;
    for (way, end) in [
        (Bad::Greeting421, "GreetingRefused"),
        (Bad::Greeting554, "GreetingRefused"),
        (Bad::NoGreeting, "NoGreeting"),
        (Bad::DropBeforeGreeting, "NoGreeting"),
        (Bad::NotSmtp, "NoGreeting"),
        (Bad::MultilineFlood, "NoGreeting"),
        (Bad::EndlessLine, "NoGreeting"),
        (Bad::Tarpit(Duration::from_millis(50)), "NoGreeting"),
        (Bad::MultilineGreeting, "Completed"),
        (Bad::ControlCharactersInGreeting, "Completed"),
        (Bad::SlowGreeting(Duration::from_millis(200)), "Completed"),
        (Bad::BareLf, "Completed"),
        (Bad::EhloRefused5xx, "NoStartTls"),
        (Bad::EhloAndHeloRefused, "EhloRefused"),
        (Bad::Ehlo421, "EhloRefused"),
        (Bad::DropAtEhlo, "NoEhloReply"),
        (Bad::HangAtEhlo, "NoEhloReply"),
        (Bad::EhloFlood, "NoEhloReply"),
        (Bad::NoStartTls, "NoStartTls"),
        (Bad::StartTlsMasked, "NoStartTls"),
        (Bad::StartTlsInLowerCase, "Completed"),
        (Bad::StartTlsOddlySpaced, "Completed"),
        (Bad::StartTlsWithParameter, "Completed"),
        (Bad::StartTls454, "StartTlsRefused"),
        (Bad::StartTls554, "StartTlsRefused"),
        (Bad::DropBeforeStartTlsReply, "NoStartTlsReply"),
        (Bad::HangAtStartTlsReply, "NoStartTlsReply"),
        (Bad::CleartextAfterStartTlsReply, "Completed"),
        (Bad::DropAfterStartTlsReply, "HandshakeFailed"),
        (Bad::HangInHandshake, "HandshakeFailed"),
        (Bad::GarbageInHandshake, "HandshakeFailed"),
        (Bad::HandshakeAlert, "HandshakeFailed"),
        (Bad::ProtocolVersionAlert, "HandshakeFailed"),
        (Bad::Tls12Only, "Completed"),
        (Bad::Tls13Only, "Completed"),
        (Bad::EhloAfterTlsDropped, "NoEhloReplyInTls"),
        (Bad::HangAfterTls, "NoEhloReplyInTls"),
        (Bad::EhloAfterTls421, "EhloRefusedInTls"),
        (Bad::EhloAfterTls5xx, "EhloRefusedInTls"),
        (Bad::RequireClientCertificate, "NoEhloReplyInTls"),
    ] {
        let seen = look_at_server([way.clone()]).await;
        let met = sessions(&seen);
        assert_eq!(met.len(), 2, "{way:?}");
        for session in met {
            assert_eq!(name(&session.end), end, "{way:?}: {session:?}");
        }
    }
}

#[tokio::test]
async fn the_words_of_a_refusal_are_kept() {
    let way = Misbehaviour::StartTlsReply("454-4.7.0 one\n454 4.7.0 two".to_owned());
    let seen = look_at_server([way]).await;
    let SessionEnd::StartTlsRefused(reply) = &sessions(&seen)[0].end else {
        panic!("{seen:?}");
    };
    assert_eq!(reply.text(), "454-4.7.0 one 454 4.7.0 two");
}

#[tokio::test]
async fn alerts_have_their_names() {
    for (way, alert) in [
        (Misbehaviour::HandshakeAlert, "handshake_failure"),
        (Misbehaviour::ProtocolVersionAlert, "protocol_version"),
    ] {
        let seen = look_at_server([way]).await;
        let SessionEnd::HandshakeFailed(failure) = &sessions(&seen)[0].end else {
            panic!("{seen:?}");
        };
        assert_eq!(failure.alert.as_deref(), Some(alert));
    }
}

/// The server sees why its answer is refused: a ServerHello of another protocol.
#[tokio::test]
async fn a_handshake_that_fails_here_ends_with_an_alert() {
    let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
    let offer = Offer {
        sni: None,
        peer: Ipv4Addr::LOCALHOST.into(),
        limited: None,
        newer: None,
    };
    let server = async {
        let mut hello = [0; 5];
        theirs.read_exact(&mut hello).await.unwrap();
        let mut rest = vec![0; usize::from(u16::from_be_bytes([hello[3], hello[4]]))];
        theirs.read_exact(&mut rest).await.unwrap();
        let random = [7; 32];
        let body = [&[3, 0][..], &random, &[0, 0, 0x2f, 0]].concat();
        let message = [&[2, 0, 0, 38][..], &body].concat();
        let record = [&[22, 3, 3, 0, 42][..], &message].concat();
        theirs.write_all(&record).await.unwrap();
        let mut came = Vec::new();
        theirs.read_to_end(&mut came).await.unwrap();
        came
    };
    let client = async {
        let handshake = shake_hands(ours, &offer, Duration::from_secs(10)).await;
        assert!(handshake.stream.is_err());
    };
    let ((), came) = tokio::join!(client, server);
    assert_eq!(came.first(), Some(&21), "{came:?}");
}

#[tokio::test]
async fn a_flood_is_told_from_a_loss() {
    for (way, interruption) in [
        (Misbehaviour::MultilineFlood, Interruption::Flooded),
        (Misbehaviour::EndlessLine, Interruption::Flooded),
        (Misbehaviour::DropBeforeGreeting, Interruption::Lost),
        (Misbehaviour::NoGreeting, Interruption::TimedOut),
    ] {
        let seen = look_at_server([way]).await;
        assert_eq!(sessions(&seen)[0].end, SessionEnd::NoGreeting(interruption));
    }
}

#[tokio::test]
async fn a_chain_is_kept_up_to_its_budget() {
    let seen = look_at_server([Misbehaviour::HugeChain(60)]).await;
    let met = sessions(&seen);
    assert_eq!(met[0].end, SessionEnd::Completed);
    let kept = met[0].tls.as_ref().unwrap().chain.len();
    assert_eq!(kept, super::super::budget::CHAIN_CERTIFICATES);
    assert_eq!(seen.cuts.len(), 1, "{:?}", seen.cuts);
}

#[tokio::test]
async fn where_nobody_answers_the_operating_system_says_why() {
    let dns = DnsWorld::new(now())
        .zone(
            good()
                .mx("@", 20, "mx2")
                .mx("@", 30, "mx3")
                .a("mx2", MX2)
                .a("mx3", [192, 0, 2, 30].into()),
        )
        .start()
        .await
        .unwrap();
    let closed = ClosedPort::new().unwrap();
    let hole = BlackHole::start().await.unwrap();
    let seen = look(
        "good.test",
        &setup(&dns, &[(MX1, closed.addr()), (MX2, hole.addr())]),
    )
    .await;
    for (host_name, kind, text) in [
        (
            "mx1.good.test",
            ConnectFailureKind::Refused,
            "Connection refused",
        ),
        (
            "mx2.good.test",
            ConnectFailureKind::TimedOut,
            "Connection timed out",
        ),
        (
            "mx3.good.test",
            ConnectFailureKind::Unreachable,
            "No route to host",
        ),
    ] {
        let SessionEnd::NotConnected(failure) =
            &host(&seen, host_name).addresses[0].sessions[0].end
        else {
            panic!("{host_name}");
        };
        assert_eq!((failure.kind, failure.text.as_str()), (kind, text));
    }
}

#[tokio::test]
async fn the_trust_store_is_reduced_to_what_can_matter() {
    let root = Authority::root("Known Root", now());
    let other = Authority::root("Other Root", now());
    let leaf = root
        .intermediate("Known CA")
        .issue(Leaf::new(["mx1.good.test"]));
    let server = MailServer::new(leaf).start().await.unwrap();
    let dns = DnsWorld::new(now()).zone(good()).start().await.unwrap();
    let mut setup = setup(&dns, &[(MX1, server.addr())]);
    let pem = root.certificate().pem() + &other.certificate().pem();
    setup.trust_store = Arc::new(TrustStore::from_pem("roots.pem", pem.as_bytes()).unwrap());
    let seen = look("good.test", &setup).await;
    assert_eq!(seen.trust_store.source, "roots.pem");
    let kept: Vec<_> = seen
        .trust_store
        .certificates
        .iter()
        .map(|der| der.0.as_slice())
        .collect();
    assert_eq!(kept, [root.certificate().der().as_ref()]);
}

#[test]
fn a_trust_store_without_certificates_is_refused() {
    assert!(TrustStore::from_pem("x", b"").is_err());
    assert!(TrustStore::from_pem("x", b"-----BEGIN CERTIFICATE-----\n!\n").is_err());
}

#[tokio::test]
async fn an_observation_survives_saving() {
    let seen = look_at_server([Misbehaviour::ControlCharactersInGreeting]).await;
    let saved = serde_json::to_string(&seen).unwrap();
    let again: Observation = serde_json::from_str(&saved).unwrap();
    assert_eq!(again, seen);
}

/// Takes one client at a time; others hear 421.
async fn one_at_a_time(listener: tokio::net::TcpListener) {
    let busy = Arc::new(tokio::sync::Semaphore::new(1));
    loop {
        let Ok((mut stream, _)) = listener.accept().await else {
            return;
        };
        let busy = Arc::clone(&busy);
        tokio::spawn(async move {
            let Ok(_permit) = busy.try_acquire() else {
                let _ = stream.write_all(b"421 one at a time\r\n").await;
                return;
            };
            let _ = stream.write_all(b"220 hello\r\n").await;
            let mut buffer = [0; 100];
            let _ = stream.read(&mut buffer).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            let _ = stream.write_all(b"250 no more than this\r\n").await;
        });
    }
}

#[tokio::test]
async fn a_server_that_takes_one_client_at_a_time_is_asked_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let server = tokio::spawn(one_at_a_time(listener));
    let dns = DnsWorld::new(now())
        .zone(good().tlsa("_25._tcp.mx1", "3 1 1 ab"))
        .start()
        .await
        .unwrap();
    let seen = look("good.test", &setup(&dns, &[(MX1, to)])).await;
    server.abort();
    let met = sessions(&seen);
    assert_eq!(met.len(), 2);
    assert!(
        met.iter().all(|it| it.end == SessionEnd::NoStartTls),
        "{met:?}"
    );
}
