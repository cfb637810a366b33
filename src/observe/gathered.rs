//! Writes that go out together.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So many bytes may wait; then a write sends them.
const MOST: usize = 32 * 1024;

/// A stream that sends what was written when it is flushed, and before it reads.
///
/// In a handshake a flush sends nothing. So the last messages of the client go out
/// in one packet with the first command inside TLS, because each packet costs both
/// sides more than its bytes do.
pub(super) struct Gathered<S> {
    stream: S,
    waiting: Vec<u8>,
    handshakes: bool,
}

impl<S> Gathered<S> {
    /// A stream at the beginning of a handshake.
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            waiting: Vec::new(),
            handshakes: true,
        }
    }

    /// From now on a flush sends.
    pub(super) fn end_handshake(&mut self) {
        self.handshakes = false;
    }
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.waiting))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => drop(self.waiting.drain(..sent)),
            }
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The other side may have to be heard before there is room for more.
        if let Poll::Ready(sent) = self.poll_send(cx) {
            sent?;
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.waiting.len() >= MOST {
            ready!(self.poll_send(cx))?;
        }
        self.waiting.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.handshakes {
            true => Poll::Ready(Ok(())),
            false => self.poll_send(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// What was written at once; nothing comes back.
    #[derive(Default)]
    struct Packets(Vec<Vec<u8>>);

    impl AsyncRead for Packets {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Packets {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.push(buf.to_vec());
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn the_end_of_a_handshake_goes_out_with_the_first_command() {
        let mut stream = Gathered::new(Packets::default());
        stream.write_all(b"hello").await.unwrap();
        stream.flush().await.unwrap();
        assert!(stream.stream.0.is_empty());
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!(stream.stream.0, [b"hello"]);
        stream.write_all(b"finished ").await.unwrap();
        stream.flush().await.unwrap();
        stream.end_handshake();
        stream.write_all(b"command").await.unwrap();
        stream.flush().await.unwrap();
        stream.write_all(b"quit").await.unwrap();
        stream.shutdown().await.unwrap();
        let sent: Vec<&[u8]> = vec![b"hello", b"finished command", b"quit"];
        assert_eq!(stream.stream.0, sent);
    }

    #[tokio::test]
    async fn what_waits_is_bounded() {
        let mut stream = Gathered::new(Packets::default());
        for _ in 0..10 {
            stream.write_all(&[0; MOST]).await.unwrap();
            assert!(stream.waiting.len() <= 2 * MOST);
        }
    }
}
