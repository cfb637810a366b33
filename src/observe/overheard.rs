//! The first bytes of each side of a handshake, as they were on the wire.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So many of each side: a ServerHello, or a line of plain text.
const BYTES: usize = 512;

/// What was said first.
#[derive(Clone, Debug, Default)]
pub(super) struct Beginning(Arc<Mutex<Sides>>);

#[derive(Debug, Default)]
struct Sides {
    client: Vec<u8>,
    server: Vec<u8>,
}

impl Beginning {
    fn sides(&self) -> MutexGuard<'_, Sides> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first line where the server answered in plain text, as a server
    /// that speaks SMTP does.
    pub(super) fn plaintext(&self) -> Option<String> {
        let sides = self.sides();
        let is_reply =
            sides.server.len() >= 3 && sides.server.iter().take(3).all(u8::is_ascii_digit);
        let line = sides.server.split(|byte| *byte == b'\n').next()?;
        is_reply.then(|| String::from_utf8_lossy(line).trim_end().to_owned())
    }

    /// Whether a ServerHello names another legacy session than the ClientHello
    /// (RFC 8446 section 4.1.3).
    pub(super) fn is_of_another_session(&self) -> bool {
        let sides = self.sides();
        match (session_id(&sides.client, 1), session_id(&sides.server, 2)) {
            (Some(ours), Some(theirs)) => ours != theirs,
            _ => false,
        }
    }

    /// Whether the server begins with the warning `unrecognized_name` (RFC 6066
    /// section 3). rustls passes over it, as OpenSSL does.
    pub(super) fn warns_of_unknown_name(&self) -> bool {
        let sides = self.sides();
        matches!(sides.server.as_slice(), [21, 3, _, 0, 2, 1, 112, ..])
    }
}

/// The legacy session of a hello of this type at the start of a handshake, which may
/// be cut into any number of records.
fn session_id(bytes: &[u8], hello: u8) -> Option<Vec<u8>> {
    let message = handshake(bytes);
    // Message header, version and random.
    let (header, rest) = message.split_at_checked(4 + 2 + 32)?;
    if header.first() != Some(&hello) {
        return None;
    }
    let (length, rest) = rest.split_first()?;
    rest.get(..usize::from(*length)).map(<[u8]>::to_vec)
}

/// What the records of a handshake contain, up to the first record of another kind.
fn handshake(mut bytes: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    while let Some((&[22, _, _, high, low], rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (body, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        message.extend(body);
        bytes = rest;
    }
    message
}

/// A stream whose beginning is kept.
pub(super) struct Overheard<S> {
    stream: S,
    beginning: Beginning,
}

impl<S> Overheard<S> {
    pub(super) fn new(stream: S, beginning: Beginning) -> Self {
        Self { stream, beginning }
    }
}

fn keep(kept: &mut Vec<u8>, new: &[u8]) {
    let room = BYTES.saturating_sub(kept.len());
    kept.extend(new.iter().take(room));
}

impl<S: AsyncRead + Unpin> AsyncRead for Overheard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let new = buf.filled().get(before..).unwrap_or_default();
        keep(&mut self.beginning.sides().server, new);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Overheard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        keep(
            &mut self.beginning.sides().client,
            buf.get(..written).unwrap_or_default(),
        );
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// TLS has said its end (`close_notify`); the connection below closes when it
    /// is dropped, which is next.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hello of this type with this legacy session, in records of so many bytes.
    fn hello(kind: u8, session: &[u8], record: usize) -> Vec<u8> {
        let mut message = vec![kind, 0, 0, 0, 3, 3];
        message.extend([7; 32]);
        message.push(u8::try_from(session.len()).unwrap());
        message.extend(session);
        message.extend([0x13, 0x01, 0]);
        let length = u8::try_from(message.len() - 4).unwrap();
        message[3] = length;
        let records = message.chunks(record).map(|body| {
            let length = u8::try_from(body.len()).unwrap();
            [&[22, 3, 3, 0, length], body].concat()
        });
        records.collect::<Vec<_>>().concat()
    }

    fn heard(client: &[u8], server: &[u8]) -> Beginning {
        let beginning = Beginning::default();
        keep(&mut beginning.sides().client, client);
        keep(&mut beginning.sides().server, server);
        beginning
    }

    #[test]
    fn the_legacy_session_is_that_of_the_question() {
        let ours = hello(1, &[5; 32], 200);
        for record in [200, 60, 7, 1] {
            let same = hello(2, &[5; 32], record);
            assert!(!heard(&ours, &same).is_of_another_session(), "{record}");
            let other = hello(2, &[6; 32], record);
            assert!(heard(&ours, &other).is_of_another_session(), "{record}");
            let none = hello(2, &[], record);
            assert!(heard(&ours, &none).is_of_another_session(), "{record}");
        }
    }

    #[test]
    fn what_is_no_hello_names_no_session() {
        let ours = hello(1, &[5; 32], 200);
        for server in [
            &b"220 go on\r\n"[..],
            &[21, 3, 3, 0, 2, 2, 40],
            &hello(2, &[6; 32], 200)[..30],
            &hello(4, &[6; 32], 200),
            &[],
        ] {
            assert!(!heard(&ours, server).is_of_another_session());
        }
    }
}
