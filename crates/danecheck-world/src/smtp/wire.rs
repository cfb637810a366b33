//! Lines in, replies out, and the ways of not answering.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The most bytes that a client may send without a line end.
const LONGEST_COMMAND: usize = 4096;

/// A connection, cleartext or encrypted, seen as lines.
pub(super) struct Wire<S> {
    stream: S,
    unread: Vec<u8>,
    line_end: &'static [u8],
    pace: Option<Duration>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            unread: Vec::new(),
            line_end: b"\r\n",
            pace: None,
        }
    }

    pub(super) fn ending_lines_with(mut self, line_end: &'static [u8]) -> Self {
        self.line_end = line_end;
        self
    }

    pub(super) fn dripping(mut self, pace: Option<Duration>) -> Self {
        self.pace = pace;
        self
    }

    /// The next command line, or nothing when the client has left.
    pub(super) async fn command(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                return Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()));
            }
            if self.unread.len() >= LONGEST_COMMAND {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Sends `lines`, separated by `\n`, each with its line end.
    pub(super) async fn reply(&mut self, lines: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(lines.len() + 2);
        for line in lines.split(|byte| *byte == b'\n') {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(self.line_end);
        }
        self.send(&bytes).await
    }

    /// Sends `bytes` at the pace of the connection.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(pace) = self.pace else {
            self.stream.write_all(bytes).await?;
            return self.stream.flush().await;
        };
        for byte in bytes {
            self.stream.write_all(&[*byte]).await?;
            self.stream.flush().await?;
            tokio::time::sleep(pace).await;
        }
        Ok(())
    }

    /// Sends these bytes again and again, until an error shows that the client
    /// has closed.
    pub(super) async fn flood(&mut self, bytes: &[u8]) -> io::Result<()> {
        let block = bytes.repeat(64);
        loop {
            self.send(&block).await?;
        }
    }

    /// Sends `line` after every `pause` until the client closes.
    pub(super) async fn tarpit(&mut self, line: &str, pause: Duration) -> io::Result<()> {
        loop {
            let left = tokio::time::timeout(pause, self.until_closed()).await;
            if left.is_ok() {
                return Ok(());
            }
            self.reply(line.as_bytes()).await?;
        }
    }

    /// Reads, and says nothing, until the client closes.
    pub(super) async fn until_closed(&mut self) {
        until_closed(&mut self.stream).await;
    }

    /// Closes as the protocol below has it, with close_notify under TLS.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }
}

/// Reads, and says nothing, until the client closes.
pub(super) async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) {
    let mut ignored = [0; 1024];
    while let Ok(1..) = stream.read(&mut ignored).await {}
}
