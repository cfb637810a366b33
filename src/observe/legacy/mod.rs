//! A second attempt with a server whose TLS our own TLS does not support.
//!
//! rustls supports TLS 1.2 and 1.3 with modern algorithms. OpenSSL under
//! Postfix still supports more, so danecheck asks such a server again with
//! Postfix's own ClientHello, and reads the unencrypted part of its answer. The
//! handshake is not finished: no keys are made. In TLS 1.3 only version and group
//! could be read, but there rustls lacks nothing that would make a difference
//! (the groups that it lacks are in `group`).

mod bytes;
mod flight;
#[cfg(test)]
mod flight_tests;
mod hello;
#[cfg(test)]
mod tests;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use self::flight::{FINITE_FIELD, Flight, NOTHING_COMMON, TLS_1_3, TOO_LONG};
use self::hello::{Hello, Rigour};
use super::group::Newer;
use super::smtp::{Script, up_to_handshake};
use super::tls::LOST;
use danecheck_core::observation::{
    HandshakeFailure, LegacyAnswer, LegacySeen, LegacyTls, Session, SessionEnd,
};
use danecheck_core::postfix::{HelloLimits, Suite, TlsVersion};

/// The longest record (RFC 5246 section 6.2.3).
const RECORD_BYTES: usize = (1 << 14) + 2048;

/// Asks a server over new connections, which `connect` opens.
pub(super) async fn look_again<S, F>(script: &Script<'_>, connect: impl Fn() -> F) -> LegacySeen
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = Option<S>>,
{
    let limits = |_| HelloLimits::NONE;
    let mut seen = look(script, limits, &connect).await;
    if seen.tls().is_some_and(is_left_out_by_newer_releases) {
        let limits = |rigour| HelloLimits::of_newer_releases(rigour == Rigour::Verifying);
        seen.newer = Some(Box::new(look(script, limits, &connect).await));
    }
    seen
}

/// The same with TLS 1.2 at most: there the whole of a chain is in the clear that is
/// too long for rustls.
pub(super) async fn look_at_chain<S, F>(script: &Script<'_>, connect: impl Fn() -> F) -> LegacySeen
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = Option<S>>,
{
    let limits = HelloLimits {
        newest: TlsVersion::Tls12,
        ..HelloLimits::NONE
    };
    look(script, |_| limits, &connect).await
}

/// Whether newer releases do not offer the suite at some level.
fn is_left_out_by_newer_releases(tls: &LegacyTls) -> bool {
    let suite = Suite::named(&tls.cipher);
    suite.is_some_and(|suite| suite.has_dsa_key() || suite.has_short_tag())
}

/// The groups of newer Postfix that a server takes, or may take as nothing else does:
/// without a common group it sends the alert `handshake_failure` (RFC 8446 section
/// 4.1.1).
pub(super) fn groups_in_doubt(seen: &LegacySeen) -> Option<Newer> {
    if answers(seen).any(|answer| is_refused(answer, FINITE_FIELD)) {
        return Some(Newer::FiniteField);
    }
    answers(seen)
        .all(|answer| is_refused(answer, NOTHING_COMMON))
        .then_some(Newer::Hybrid)
}

/// Whether a server answers with TLS 1.3.
pub(super) fn is_in_tls13(seen: &LegacySeen) -> bool {
    answers(seen).any(|answer| is_refused(answer, TLS_1_3))
}

/// Whether a message of the server is longer than OpenSSL takes.
pub(super) fn is_too_long_for_openssl(seen: &LegacySeen) -> bool {
    answers(seen).any(|answer| is_refused(answer, TOO_LONG))
}

fn answers(seen: &LegacySeen) -> impl Iterator<Item = &LegacyAnswer> {
    let answers = [Some(&seen.verifying), seen.lenient.as_ref()];
    answers.into_iter().flatten()
}

fn is_refused(answer: &LegacyAnswer, why: &str) -> bool {
    matches!(answer, LegacyAnswer::Refused(text) if text == why)
}

async fn look<S, F>(
    script: &Script<'_>,
    limits: impl Fn(Rigour) -> HelloLimits,
    connect: &impl Fn() -> F,
) -> LegacySeen
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = Option<S>>,
{
    let hello = |rigour| Hello {
        rigour,
        limits: limits(rigour),
    };
    let verifying = ask_over(connect().await, script, hello(Rigour::Verifying)).await;
    let lenient = match &verifying {
        LegacyAnswer::Spoken(_) => None,
        LegacyAnswer::Refused(_) => {
            Some(ask_over(connect().await, script, hello(Rigour::Lenient)).await)
        }
    };
    LegacySeen {
        verifying,
        lenient,
        newer: None,
    }
}

/// A session with a ClientHello that is limited as a policy line has it, read as
/// far as it is in the clear. Nothing is said of TLS in it if the server never
/// answered that ClientHello.
pub(super) async fn under_limits<S, F>(
    script: &Script<'_>,
    limits: HelloLimits,
    connect: impl Fn() -> F,
) -> Session
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = Option<S>>,
{
    let seen = look(script, |_| limits, &connect).await;
    let unheard = |answer: &LegacyAnswer| match answer {
        LegacyAnswer::Spoken(_) => false,
        LegacyAnswer::Refused(text) => NOT_HEARD.contains(&text.as_str()),
    };
    let was_heard = !answers(&seen).any(unheard);
    let end = SessionEnd::HandshakeFailed(HandshakeFailure {
        text: "the handshake was not finished".to_owned(),
        alert: None,
        timed_out: false,
        ours: true,
        limit: false,
    });
    Session {
        legacy: was_heard.then_some(seen),
        ..Session::ended(script.sni.map(str::to_owned), end)
    }
}

/// Why there is no answer to a ClientHello that says anything about TLS.
const NOT_HEARD: [&str; 4] = [NO_CONNECTION, NO_SMTP, NOT_IN_TIME, NO_RANDOMNESS];

const NO_CONNECTION: &str = "the second connection failed";
const NO_SMTP: &str = "the second SMTP session ended earlier";
const NOT_IN_TIME: &str = "it did not end in time";
const NO_RANDOMNESS: &str = "the operating system gave no random numbers";

async fn ask_over<S>(stream: Option<S>, script: &Script<'_>, hello: Hello) -> LegacyAnswer
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match stream {
        Some(stream) => ask(stream, script, hello).await,
        None => LegacyAnswer::Refused(NO_CONNECTION.to_owned()),
    }
}

/// One session up to the server's first flight.
async fn ask<S>(stream: S, script: &Script<'_>, hello: Hello) -> LegacyAnswer
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(stream) = up_to_handshake(stream, script).await else {
        return LegacyAnswer::Refused(NO_SMTP.to_owned());
    };
    let talk = first_flight(stream, script, hello);
    match script.deadline.run(script.times.handshake, talk).await {
        None => LegacyAnswer::Refused(NOT_IN_TIME.to_owned()),
        Some(Err(text)) => LegacyAnswer::Refused(text),
        Some(Ok(tls)) => LegacyAnswer::Spoken(tls),
    }
}

async fn first_flight<S>(
    mut stream: S,
    script: &Script<'_>,
    hello: Hello,
) -> Result<LegacyTls, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let lost = |_| LOST.to_owned();
    let bytes = hello::client_hello(hello, script.sni).ok_or(NO_RANDOMNESS)?;
    stream.write_all(&bytes).await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let tls = read_flight(stream).await?;
    // "wrong cipher returned" (openssl:`statem_clnt.c:set_client_ciphersuite`),
    // "unsupported protocol" (openssl:`statem_lib.c:ssl_choose_client_version`).
    let version = tls.version.parse::<TlsVersion>();
    let is_offered = version.is_ok_and(|version| version <= hello.limits.newest);
    match Suite::named(&tls.cipher) {
        Some(suite) if is_offered && hello.offers(suite) => Ok(tls),
        _ => Err(format!(
            "the server chose {} with {}, which was not offered",
            tls.version, tls.cipher
        )),
    }
}

/// Reads the server's answer to a ClientHello, up to the point where the client
/// would send again.
pub(super) async fn read_flight<S>(mut stream: S) -> Result<LegacyTls, String>
where
    S: AsyncRead + Unpin,
{
    let lost = |_| LOST.to_owned();
    let mut flight = Flight::default();
    loop {
        let mut header = [0; 5];
        stream.read_exact(&mut header).await.map_err(lost)?;
        let [kind, _, _, high, low] = header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > RECORD_BYTES {
            return Err(HandshakeFailure::NOT_TLS.to_owned());
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.map_err(lost)?;
        if let Some(tls) = flight.record(kind, &body)? {
            return Ok(tls);
        }
    }
}
