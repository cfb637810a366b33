//! The second look at servers in memory, which replay what was recorded.

use std::cell::RefCell;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

use super::{groups_in_doubt, look_again};
use crate::observe::budget::{Cuts, Times};
use crate::observe::group::Newer;
use crate::observe::smtp::Script;
use danecheck_core::observation::{LegacyAnswer, LegacySeen};

const RSA: &[u8] = include_bytes!("../../../fixtures/tls/tls12-rsa.bin");
const ANONYMOUS: &[u8] = include_bytes!("../../../fixtures/tls/tls12-anonymous.bin");
const REFUSED: &[u8] = include_bytes!("../../../fixtures/tls/tls12-anonymous-refused.bin");

/// Speaks SMTP up to STARTTLS, hears a ClientHello, sends one flight.
async fn serve(stream: DuplexStream, flight: &[u8]) {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mx.example\r\n").await.unwrap();
    for reply in ["250-mx.example\r\n250 STARTTLS\r\n", "220 go on\r\n"] {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        stream.write_all(reply.as_bytes()).await.unwrap();
    }
    let mut header = [0; 5];
    stream.read_exact(&mut header).await.unwrap();
    let length = u16::from_be_bytes([header[3], header[4]]);
    let mut hello = vec![0; usize::from(length)];
    stream.read_exact(&mut hello).await.unwrap();
    // The client may have seen enough before it has read all.
    let _ = stream.write_all(flight).await;
}

/// Looks at a server that sends these flights, one a connection, and refuses
/// connections when they are used up.
fn look(flights: &[&'static [u8]]) -> LegacySeen {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let left = RefCell::new(flights.iter().copied());
    let cuts = Cuts::default();
    runtime.block_on(async {
        let script = Script::in_memory(Times::default(), &cuts);
        look_again(&script, async || {
            let flight = left.borrow_mut().next()?;
            let (ours, theirs) = duplex(64 * 1024);
            tokio::spawn(serve(theirs, flight));
            Some(ours)
        })
        .await
    })
}

#[test]
fn a_server_that_answers_is_asked_once() {
    let seen = look(&[RSA, ANONYMOUS]);
    let LegacyAnswer::Spoken(tls) = &seen.verifying else {
        panic!("{seen:?}");
    };
    assert_eq!(tls.cipher, "TLS_RSA_WITH_AES_256_GCM_SHA384");
    assert_eq!(seen.lenient, None);
}

#[test]
fn a_server_that_refuses_is_asked_leniently() {
    let seen = look(&[REFUSED, ANONYMOUS]);
    assert_eq!(
        seen.verifying,
        LegacyAnswer::Refused("the server sent the alert handshake_failure".to_owned())
    );
    assert!(matches!(&seen.lenient, Some(LegacyAnswer::Spoken(tls)) if tls.anonymous));
    assert!(seen.tls().unwrap().chain.is_empty());
}

#[test]
fn a_flight_that_breaks_off_is_a_lost_connection() {
    let seen = look(&[&RSA[..100], REFUSED]);
    let lost = LegacyAnswer::Refused("the connection was lost".to_owned());
    assert_eq!(seen.verifying, lost);
    assert!(seen.tls().is_none());
}

#[test]
fn only_a_server_that_refuses_all_may_want_another_group() {
    let in_doubt = |flights: &[&'static [u8]]| groups_in_doubt(&look(flights));
    assert_eq!(in_doubt(&[REFUSED, REFUSED]), Some(Newer::Hybrid));
    assert_eq!(in_doubt(&[REFUSED, ANONYMOUS]), None);
    assert_eq!(in_doubt(&[RSA]), None);
    assert_eq!(in_doubt(&[REFUSED, &RSA[..100]]), None);
    assert_eq!(in_doubt(&[]), None);
}

#[test]
fn a_server_that_is_gone_refuses() {
    let seen = look(&[]);
    assert!(matches!(seen.verifying, LegacyAnswer::Refused(_)));
    assert!(matches!(seen.lenient, Some(LegacyAnswer::Refused(_))));
}
