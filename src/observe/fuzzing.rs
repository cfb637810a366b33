//! The parsers behind the sockets, for [`crate::fuzzing`].

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use domain::base::{Message, ToName as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Runtime;

use super::budget::{
    CHAIN_BYTES, CHAIN_CERTIFICATES, Cuts, LINE_BYTES, RECORDS, REPLY_BYTES, Times,
};
use super::legacy::read_flight;
use super::smtp::{Script, converse};
use super::wire::{self, WireName};
use danecheck_core::observation::{RecordType, Reply, Session, SessionEnd};

/// A server that sends what is on the tape, in pieces, and then closes.
struct Tape<'a> {
    rest: &'a [u8],
    piece: usize,
}

impl<'a> Tape<'a> {
    /// The first byte gives the length of the pieces.
    fn new(data: &'a [u8]) -> Self {
        let (piece, rest) = data.split_first().unwrap_or((&0, &[]));
        Self {
            rest,
            piece: usize::from(*piece).saturating_add(1),
        }
    }
}

impl AsyncRead for Tape<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.piece.min(buffer.remaining()).min(self.rest.len());
        let (now, later) = self.rest.split_at(length);
        buffer.put_slice(now);
        self.rest = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tape<'_> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs one dialogue; `None` if there is no runtime to be had.
fn run<T>(work: impl Future<Output = T>) -> Option<T> {
    thread_local! {
        static RUNTIME: Option<Runtime> = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .ok();
    }
    RUNTIME.with(|runtime| Some(runtime.as_ref()?.block_on(work)))
}

/// The server's side of an SMTP session, TLS included.
pub fn smtp(data: &[u8]) {
    let cuts = Cuts::default();
    let session = run(async {
        let script = Script::in_memory(Times::default(), &cuts);
        converse(Tape::new(data), &script).await
    });
    if let Some(session) = session {
        bounded(&session.session);
    }
}

fn bounded(session: &Session) {
    for reply in [&session.greeting, &session.ehlo].into_iter().flatten() {
        bounded_reply(reply);
    }
    match &session.end {
        SessionEnd::GreetingRefused(reply)
        | SessionEnd::EhloRefused(reply)
        | SessionEnd::StartTlsRefused(reply)
        | SessionEnd::EhloRefusedInTls(reply) => bounded_reply(reply),
        _ => {}
    }
}

fn bounded_reply(reply: &Reply) {
    assert!((0..1000).contains(&reply.code));
    let bytes: usize = reply.lines.iter().map(String::len).sum();
    // A byte that is not UTF-8 takes three bytes instead of one.
    assert!(bytes <= REPLY_BYTES + 3 * LINE_BYTES, "a reply of {bytes}");
    let _ = reply.keywords().count();
    let _ = reply.text();
}

/// The first flight of a server of old TLS, record by record.
pub fn legacy_tls(data: &[u8]) {
    if let Some(Ok(tls)) = run(read_flight(Tape::new(data))) {
        let bytes: usize = tls.chain.iter().map(|der| der.0.len()).sum();
        assert!(bytes <= CHAIN_BYTES && tls.chain.len() <= CHAIN_CERTIFICATES);
        assert!(tls.anonymous == tls.chain.is_empty());
    }
}

/// A DNS message, as the answer to its own question.
pub fn dns(data: &[u8]) {
    let Ok(message) = Message::from_octets(data) else {
        return;
    };
    let Ok(question) = message.sole_question() else {
        return;
    };
    let name: WireName = question.qname().to_name();
    let _ = wire::head(data, &name, question.qtype());
    for asked in [
        RecordType::A,
        RecordType::Aaaa,
        RecordType::Cname,
        RecordType::Mx,
        RecordType::Ns,
        RecordType::Soa,
        RecordType::Tlsa,
    ] {
        // For every type: the readers differ by type.
        let mut asking = data.to_vec();
        let at = 12 + name.as_slice().len();
        if let Some(place) = asking.get_mut(at..at + 2) {
            place.copy_from_slice(&wire::rtype(asked).to_int().to_be_bytes());
        }
        if let Some(reply) = wire::read(&asking, &name, asked) {
            assert!(reply.data.len() <= RECORDS);
        }
    }
}
