//! A byte stream with a limit.

use std::fmt;
use std::io;
use std::task::Poll;

use tokio::io::ReadBuf;

use super::watched::{Watch, Watched};

/// A stream of which the bytes that come in are counted, below TLS and above it
/// alike.
pub(super) type Metered<S> = Watched<S, Meter>;

/// The bytes that may still come.
pub(super) struct Meter {
    left: usize,
}

impl<S> Metered<S> {
    pub(super) fn new(stream: S, bytes: usize) -> Self {
        Self::by(stream, Meter { left: bytes })
    }
}

/// More came than allowed.
#[derive(Debug)]
struct Flood;

impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server sent more than a session may contain")
    }
}

impl std::error::Error for Flood {}

/// Whether an error means that the meter ran out.
pub(super) fn is_flood(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Flood>())
}

impl Watch for Meter {
    fn before(&mut self) -> io::Result<()> {
        match self.left {
            0 => Err(io::Error::other(Flood)),
            _ => Ok(()),
        }
    }

    fn after(&mut self, buf: &mut ReadBuf<'_>, start: usize) -> Poll<io::Result<()>> {
        let came = buf.filled().len().saturating_sub(start);
        self.left = self.left.saturating_sub(came);
        Poll::Ready(Ok(()))
    }
}
