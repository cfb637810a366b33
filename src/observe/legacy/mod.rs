//! A second look at a server with which our own TLS cannot speak.
//!
//! rustls has TLS 1.2 and 1.3 with what is good today. OpenSSL under Postfix
//! still has more, so such a server is asked again with Postfix's own
//! ClientHello, and what it answers is read as far as it comes in the clear.
//! The handshake is not finished: no keys are made.

mod bytes;
mod flight;
#[cfg(test)]
mod flight_tests;
mod hello;
mod suite;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use self::flight::Flight;
use self::hello::{Newest, Rigour};
use super::smtp::{Script, up_to_handshake};
use super::tls::LOST;
use crate::observation::{KeyExchange, LegacyAnswer, LegacySeen, LegacyTls};

/// The longest record (RFC 5246 section 6.2.3).
const RECORD_BYTES: usize = (1 << 14) + 2048;

const TLS_1_3: &str = "TLSv1.3";

/// Groups that rustls has as well: what fails with them in TLS 1.3 does not
/// fail for want of a group.
const OURS: [&str; 4] = ["x25519", "secp256r1", "secp384r1", "secp521r1"];

/// Asks a server over new connections, which `connect` opens.
pub(super) async fn look_again<S>(
    script: &Script<'_>,
    connect: impl AsyncFn() -> Option<S>,
) -> LegacySeen
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let ask = async |rigour, newest| match connect().await {
        Some(stream) => ask(stream, script, rigour, newest).await,
        None => LegacyAnswer::Refused("no second connection came about".to_owned()),
    };
    let mut verifying = plausible(ask(Rigour::Verifying, Newest::Tls13).await);
    if let LegacyAnswer::Spoken(tls) = &mut verifying
        && tls.version == TLS_1_3
        && let LegacyAnswer::Spoken(older) = ask(Rigour::Verifying, Newest::Tls12).await
    {
        // The same server, most likely with the same certificate.
        tls.chain = older.chain;
    }
    let lenient = match &verifying {
        LegacyAnswer::Spoken(_) => None,
        LegacyAnswer::Refused(_) => Some(plausible(ask(Rigour::Lenient, Newest::Tls13).await)),
    };
    LegacySeen { verifying, lenient }
}

/// A TLS 1.3 session that our own TLS could begin as well, and could not end.
fn plausible(answer: LegacyAnswer) -> LegacyAnswer {
    match &answer {
        LegacyAnswer::Spoken(LegacyTls {
            version,
            key_exchange: KeyExchange::Group(group),
            ..
        }) if version == TLS_1_3 && OURS.contains(&group.as_str()) => LegacyAnswer::Refused(
            "the server starts a TLS 1.3 session and does not go on with it".to_owned(),
        ),
        _ => answer,
    }
}

/// One session up to the server's first flight.
async fn ask<S>(stream: S, script: &Script<'_>, rigour: Rigour, newest: Newest) -> LegacyAnswer
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(stream) = up_to_handshake(stream, script).await else {
        return LegacyAnswer::Refused("the second SMTP session did not come as far".to_owned());
    };
    let talk = first_flight(stream, script, rigour, newest);
    match script.deadline.run(script.times.handshake, talk).await {
        None => LegacyAnswer::Refused("it did not end in time".to_owned()),
        Some(Err(text)) => LegacyAnswer::Refused(text),
        Some(Ok(tls)) => LegacyAnswer::Spoken(tls),
    }
}

async fn first_flight<S>(
    mut stream: S,
    script: &Script<'_>,
    rigour: Rigour,
    newest: Newest,
) -> Result<LegacyTls, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let lost = |_| LOST.to_owned();
    let hello = hello::client_hello(rigour, newest, script.sni)
        .ok_or("the operating system gave no random numbers")?;
    stream.write_all(&hello).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let mut flight = Flight::default();
    loop {
        let mut header = [0; 5];
        stream.read_exact(&mut header).await.map_err(lost)?;
        let [kind, _, _, high, low] = header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > RECORD_BYTES {
            return Err("the server sent something that is not TLS".to_owned());
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.map_err(lost)?;
        if let Some(tls) = flight.record(kind, &body)? {
            return Ok(tls);
        }
    }
}
