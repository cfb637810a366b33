//! SMTP commands out and replies in, after Postfix's `smtp_chat.c`.

use std::time::Duration;

use bytes::BufMut as _;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::budget::{Deadline, LINE_BYTES, REPLIES_KEPT, REPLY_BYTES};
use super::meter::is_flood;
use danecheck_core::observation::{Interruption, Reply, Unasked};

/// What Postfix reads at a time (`VSTREAM_BUFSIZE`).
const READ_BYTES: usize = 4096;

/// A stream of lines.
pub(super) struct Chat<S> {
    stream: S,
    /// Bytes that arrived and are not read yet.
    ahead: Vec<u8>,
    /// Something of a reply was skipped.
    cut: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Chat<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            ahead: Vec::new(),
            cut: false,
        }
    }

    /// Whether a reply was longer than what is kept of it.
    pub(super) fn was_cut(&self) -> bool {
        self.cut
    }

    /// The stream without the bytes that were read ahead: Postfix purges its
    /// buffers before TLS, so that nothing that was injected in plain text
    /// survives (`smtp_start_tls`, CVE-2011-0411).
    pub(super) fn into_stream(self) -> S {
        self.stream
    }

    /// Sends a command and waits for the reply.
    pub(super) async fn ask(
        &mut self,
        command: &str,
        step: Duration,
        deadline: Deadline,
    ) -> Result<Reply, Interruption> {
        deadline
            .run(step, async {
                self.send(command).await?;
                self.reply().await
            })
            .await
            .unwrap_or(Err(Interruption::TimedOut))
    }

    /// Waits for a reply.
    pub(super) async fn listen(
        &mut self,
        step: Duration,
        deadline: Deadline,
    ) -> Result<Reply, Interruption> {
        deadline
            .run(step, self.reply())
            .await
            .unwrap_or(Err(Interruption::TimedOut))
    }

    /// What came and no command has taken yet.
    pub(super) fn unasked(&self) -> Option<Unasked> {
        if self.ahead.is_empty() {
            return None;
        }
        let text = String::from_utf8_lossy(self.ahead.get(..LINE_BYTES).unwrap_or(&self.ahead));
        Some(Unasked {
            bytes: u64::try_from(self.ahead.len()).unwrap_or(u64::MAX),
            lines: text.lines().take(REPLIES_KEPT).map(str::to_owned).collect(),
        })
    }

    /// Says goodbye, hears what the server still has to say, and closes.
    pub(super) async fn quit(mut self, step: Duration, deadline: Deadline) -> Farewell {
        let mut farewell = Farewell::default();
        let talk = async {
            let sent = self.send("QUIT").await;
            loop {
                match self.reply().await {
                    // The connection closes behind it (RFC 5321 section 4.1.1.10).
                    Ok(reply) if reply.code == 221 => {
                        farewell.answered = true;
                        break;
                    }
                    Ok(reply) => farewell.keep(reply),
                    Err(_) => {
                        farewell.closed = true;
                        break;
                    }
                }
            }
            if sent.is_ok() {
                let _ = self.stream.shutdown().await;
            }
        };
        deadline.run(step, talk).await;
        farewell
    }

    /// Says nothing and hears what comes all the same; then asks for a reply
    /// that any server has (`RSET`), and closes.
    pub(super) async fn listen_on(mut self, step: Duration, deadline: Deadline) -> Farewell {
        let mut farewell = Farewell::default();
        let silence = async {
            while let Ok(reply) = self.reply().await {
                farewell.keep(reply);
            }
        };
        if deadline.run(step, silence).await.is_some() {
            farewell.closed = true;
            return farewell;
        }
        match self.ask("RSET", step, deadline).await {
            Err(Interruption::Lost) => farewell.closed = true,
            Ok(_) => {
                farewell.answered = true;
                deadline.run(step, self.send("QUIT")).await;
            }
            Err(_) => {}
        }
        farewell
    }

    async fn send(&mut self, command: &str) -> Result<(), Interruption> {
        let line = [command, "\r\n"].concat();
        let sent = async {
            self.stream.write_all(line.as_bytes()).await?;
            self.stream.flush().await
        };
        sent.await.map_err(|_| Interruption::Lost)
    }

    /// `smtp_chat_resp`: lines that are not a reply are kept and skipped, up to
    /// a line of three digits, alone or followed by a blank.
    async fn reply(&mut self) -> Result<Reply, Interruption> {
        let mut lines = Vec::new();
        let mut kept = 0_usize;
        loop {
            let line = self.line().await?;
            // All of it is text to Postfix up to a NUL.
            let text = line.split(|byte| *byte == 0).next().unwrap_or_default();
            let code = final_code(text);
            if kept < REPLY_BYTES {
                kept += text.len() + 1;
                let line = String::from_utf8(line);
                lines.push(line.unwrap_or_else(|error| {
                    String::from_utf8_lossy(error.as_bytes()).into_owned()
                }));
            } else {
                self.cut = true;
            }
            if let Some(code) = code {
                return Ok(Reply { code, lines });
            }
        }
    }

    /// One line without its end; what is too long is skipped.
    async fn line(&mut self) -> Result<Vec<u8>, Interruption> {
        let mut line = Vec::new();
        loop {
            let end = self.ahead.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(self.ahead.len());
            let room = LINE_BYTES.saturating_sub(line.len());
            line.extend_from_slice(self.ahead.get(..taken.min(room)).unwrap_or_default());
            self.cut |= taken > room;
            self.ahead
                .drain(..end.map_or(taken, |end| end.saturating_add(1)));
            if end.is_some() {
                while line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            self.ahead.reserve(READ_BYTES);
            let mut buffer = (&mut self.ahead).limit(READ_BYTES);
            match self.stream.read_buf(&mut buffer).await {
                Ok(0) => return Err(Interruption::Lost),
                Ok(_) => {}
                Err(error) if is_flood(&error) => return Err(Interruption::Flooded),
                Err(_) => return Err(Interruption::Lost),
            }
        }
    }
}

/// What came behind the last reply that counts.
#[derive(Debug, Default)]
pub(super) struct Farewell {
    /// The first replies, but for 221.
    pub(super) replies: Vec<Reply>,
    /// How many came.
    pub(super) count: usize,
    /// The server answered our last command as servers do.
    pub(super) answered: bool,
    /// It closed the connection before it did.
    pub(super) closed: bool,
}

impl Farewell {
    fn keep(&mut self, reply: Reply) {
        if self.replies.len() < REPLIES_KEPT {
            self.replies.push(reply);
        }
        self.count += 1;
    }
}

/// The code of a line that ends a reply.
fn final_code(line: &[u8]) -> Option<u16> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits != 3 {
        return None;
    }
    let (code, rest) = line.split_at_checked(3)?;
    if !(rest.is_empty() || rest.starts_with(b" ")) {
        return None;
    }
    std::str::from_utf8(code).ok()?.parse().ok()
}
