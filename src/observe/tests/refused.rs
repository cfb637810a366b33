//! Replies that nobody asked for, one of which is taken for the answer to STARTTLS.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

use super::super::budget::{Cuts, Deadline, Times};
use super::super::smtp::{Doubt, Script, converse, settle};
use super::smtp::{EHLO, play_on, quick};
use danecheck_core::observation::{Onward, SessionEnd};

/// What a server does when its own answer to STARTTLS is out.
#[derive(Clone, Copy)]
enum Then {
    Closes,
    /// Takes the next command for TLS, says this and closes.
    WaitsForTls(&'static str),
    /// Answers nothing any more.
    Hangs,
}

async fn serve(stream: DuplexStream, strays: &str, starttls: &str, then: Then) {
    let mut stream = BufReader::new(stream);
    let ehlo = [EHLO, strays].concat();
    let lines = [
        ("", "220 hi\r\n"),
        ("EHLO", ehlo.as_str()),
        ("STARTTLS", starttls),
    ];
    play_on(&mut stream, &lines).await;
    let mut line = String::new();
    match then {
        Then::Closes => {}
        Then::WaitsForTls(says) => {
            let _ = stream.read_line(&mut line).await;
            let _ = stream.write_all(says.as_bytes()).await;
        }
        Then::Hangs => while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {},
    }
}

/// What `MAIL FROM` finds, with the session that settles it where one is needed.
async fn found(strays: &str, starttls: &str, then: Then) -> (Vec<u16>, Onward) {
    let cuts = Cuts::default();
    let times = Times {
        quit: Duration::from_millis(200),
        ..quick()
    };
    let script = Script {
        deadline: Deadline::after(Duration::from_secs(60)),
        ..Script::in_memory(times, &cuts)
    };
    let (client, server) = tokio::io::duplex(1 << 16);
    let talk = async { converse(client, &script).await };
    let (first, ()) = tokio::join!(talk, serve(server, strays, starttls, then));
    let mut onward = first.session.onward.clone();
    assert!(matches!(first.session.end, SessionEnd::StartTlsRefused(_)));
    if first.doubts.contains(&Doubt::Closed) {
        let (client, server) = tokio::io::duplex(1 << 16);
        let talk = async { settle(client, &script, &first.session, Doubt::Closed).await };
        let (settled, ()) = tokio::join!(talk, serve(server, strays, starttls, then));
        onward = settled.unwrap();
    }
    let onward = onward.unwrap();
    (
        onward.replies.iter().map(|reply| reply.code).collect(),
        onward,
    )
}

#[tokio::test]
async fn a_220_that_nobody_asked_for_is_not_the_one_that_accepts_starttls() {
    let strays = "no reply at all\r\n421 4.3.2 closing\r\n220 scripted\r\n";
    let tls = Then::WaitsForTls("");
    let noise = Then::WaitsForTls("454 4.7.0 TLS failed\r\n");
    for (strays, starttls, then, codes, closed) in [
        (strays, "220 go\r\n", tls, &[220, 220][..], true),
        (strays, "220 go\r\n", noise, &[220, 220], true),
        // Servers that accept with another code, and Postfix too.
        (strays, "250 go\r\n", tls, &[220, 250], true),
        ("502 no\r\n", "250 go\r\n", tls, &[250], true),
        // It waits for TLS, and is slow to see that no TLS comes.
        ("502 no\r\n", "250 go\r\n", Then::Hangs, &[250], true),
        // Refused after all.
        (strays, "454 no\r\n", Then::Closes, &[220, 454], true),
        (strays, "454 no\r\n", Then::Hangs, &[220, 454], false),
        ("421 no\r\n", "220 go\r\n", tls, &[220], true),
        ("421 no\r\n", "220 go\r\n", noise, &[220], true),
        (
            "421 no\r\n250 a\r\n220 b\r\n",
            "220 go\r\n",
            tls,
            &[250, 220, 220],
            true,
        ),
    ] {
        let (found, onward) = found(strays, starttls, then).await;
        let case = format!("{strays:?} {starttls:?}");
        assert_eq!((&*found, onward.closed), (codes, closed), "{case}");
    }
}

#[tokio::test]
async fn more_replies_than_are_kept_are_enough_for_every_command() {
    let strays = ["421 no\r\n220 a\r\n", &"250 b\r\n".repeat(5)].concat();
    let (found, onward) = found(&strays, "220 go\r\n", Then::WaitsForTls("")).await;
    assert_eq!((&*found, onward.left_out), (&[220, 250, 250, 250][..], 3));
}
