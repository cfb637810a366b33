//! SMTP commands out and replies in, after Postfix's `smtp_chat.c`.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::budget::{Deadline, LINE_BYTES, REPLY_BYTES, REPLY_LINES};
use super::meter::is_flood;
use danecheck_core::observation::{Interruption, Reply};

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

    /// Sends `QUIT` and closes; the server's answer does not matter.
    pub(super) async fn quit(mut self, step: Duration, deadline: Deadline) {
        deadline
            .run(step, async {
                if self.send("QUIT").await.is_ok() {
                    let _ = self.stream.shutdown().await;
                }
            })
            .await;
    }

    async fn send(&mut self, command: &str) -> Result<(), Interruption> {
        let line = format!("{command}\r\n");
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
        for _ in 0..REPLY_LINES {
            let line = self.line().await?;
            let code = final_code(&line);
            if kept < REPLY_BYTES {
                kept += line.len() + 1;
                lines.push(line);
            } else {
                self.cut = true;
            }
            if let Some(code) = code {
                return Ok(Reply { code, lines });
            }
        }
        Err(Interruption::Flooded)
    }

    /// One line without its end; what is beyond the limit is skipped.
    async fn line(&mut self) -> Result<String, Interruption> {
        let mut line = Vec::new();
        loop {
            let end = self.ahead.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(self.ahead.len());
            let room = LINE_BYTES.saturating_sub(line.len());
            line.extend(self.ahead.iter().take(taken.min(room)));
            self.cut |= taken > room;
            self.ahead
                .drain(..end.map_or(taken, |end| end.saturating_add(1)));
            if end.is_some() {
                while line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(String::from_utf8_lossy(&line).into_owned());
            }
            let mut buffer = [0; 1024];
            match self.stream.read(&mut buffer).await {
                Ok(0) => return Err(Interruption::Lost),
                Ok(length) => self.ahead.extend(buffer.iter().take(length)),
                Err(error) if is_flood(&error) => return Err(Interruption::Flooded),
                Err(_) => return Err(Interruption::Lost),
            }
        }
    }
}

/// The code of a line that ends a reply.
fn final_code(line: &str) -> Option<u16> {
    let digits = line
        .bytes()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits != 3 {
        return None;
    }
    let (code, rest) = line.split_at_checked(3)?;
    if !(rest.is_empty() || rest.starts_with(' ')) {
        return None;
    }
    code.parse().ok()
}
