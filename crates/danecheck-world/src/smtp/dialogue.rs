//! The server's side of an SMTP session (RFC 5321, RFC 3207).

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::act::Act;
use super::handshake;
use super::misbehaviour::Misbehaviour;
use super::personality::Personality;
use super::record::Recorder;
use super::wire::Wire;

/// Serves one client. The error is mostly a client that closed early, which
/// does not matter.
pub(super) async fn serve(
    mut tcp: TcpStream,
    personality: &Personality,
    recorder: &Recorder,
) -> io::Result<()> {
    if personality.has(&Misbehaviour::ResetBeforeGreeting) {
        return tcp.set_zero_linger();
    }
    let mut cleartext = Dialogue {
        wire: Wire::new(&mut tcp)
            .ending_lines_with(personality.line_end())
            .dripping(personality.first(Misbehaviour::pace)),
        personality,
        recorder,
        encrypted: false,
        refused: false,
    };
    if cleartext.greet().await? == Next::Close || cleartext.run().await? == Next::Close {
        return Ok(());
    }
    let Some(tls) = handshake::accept(tcp, personality, recorder).await? else {
        return Ok(());
    };
    let mut encrypted = Dialogue {
        wire: Wire::new(tls),
        personality,
        recorder,
        encrypted: true,
        refused: false,
    };
    encrypted.run().await?;
    Ok(())
}

/// How a session continues after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Command,
    StartTls,
    Close,
}

struct Dialogue<'a, S> {
    wire: Wire<S>,
    personality: &'a Personality,
    recorder: &'a Recorder,
    encrypted: bool,
    /// The greeting was a refusal: only QUIT is left.
    refused: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Dialogue<'_, S> {
    async fn greet(&mut self) -> io::Result<Next> {
        let host = &self.personality.host_name;
        let usual = format!("220 {host} ESMTP");
        let number = self.recorder.number();
        let act = self
            .personality
            .first(|one| one.at_first_clients(number))
            .or_else(|| self.personality.first(|one| one.at_greeting(host)));
        let (greeting, then) = match act {
            None => (usual, Next::Command),
            Some(Act::Delay(time)) => {
                tokio::time::sleep(time).await;
                (usual, Next::Command)
            }
            Some(Act::Say(text)) => {
                self.refused = text.starts_with(['4', '5']);
                (text, Next::Command)
            }
            Some(Act::SayAndClose(text)) => (text, Next::Close),
            Some(act) => return self.perform(act).await,
        };
        let mut greeting = greeting.into_bytes();
        if let Some(ending) = self.personality.first(Misbehaviour::in_greeting) {
            greeting.extend_from_slice(ending);
        }
        self.wire.reply(&greeting).await?;
        Ok(then)
    }

    async fn run(&mut self) -> io::Result<Next> {
        loop {
            let Some(line) = self.wire.command().await? else {
                return Ok(Next::Close);
            };
            let verb = line.split_ascii_whitespace().next().unwrap_or_default();
            let verb = verb.to_ascii_uppercase();
            self.recorder.note(|record| record.commands.push(line));
            let next = self.obey(&verb).await?;
            if next != Next::Command {
                return Ok(next);
            }
        }
    }

    async fn obey(&mut self, verb: &str) -> io::Result<Next> {
        let act = match verb {
            "QUIT" => return self.quit().await,
            _ if self.refused => Act::Say("503 5.5.1 Bad sequence of commands".into()),
            "EHLO" => self.ehlo(),
            "HELO" => self.helo(),
            "STARTTLS" if !self.encrypted => self.starttls(),
            "NOOP" | "RSET" => Act::Say("250 2.0.0 Ok".into()),
            "MAIL" => Act::Say("451 4.3.0 No mail is taken here".into()),
            _ => Act::Say("502 5.5.1 Command not implemented".into()),
        };
        self.perform(act).await
    }

    async fn quit(&mut self) -> io::Result<Next> {
        self.recorder.note(|record| record.completed = true);
        self.wire.reply(b"221 2.0.0 Bye").await?;
        self.wire.close().await?;
        Ok(Next::Close)
    }

    fn ehlo(&self) -> Act {
        let host = &self.personality.host_name;
        let odd = if self.encrypted {
            self.personality.first(Misbehaviour::at_ehlo_after_tls)
        } else {
            self.personality.first(Misbehaviour::at_ehlo)
        };
        odd.unwrap_or_else(|| {
            let mut lines = format!("250-{host}\n250-PIPELINING\n250-SIZE 52428800\n");
            let spelling = self.personality.first(Misbehaviour::spells_starttls);
            let spelling = spelling.unwrap_or(Some("STARTTLS"));
            // Not offered twice (RFC 3207 section 4.2).
            if let Some(spelling) = spelling.filter(|_| !self.encrypted) {
                lines.extend(["250-", spelling, "\n"]);
            }
            lines.push_str("250-ENHANCEDSTATUSCODES\n250 8BITMIME");
            Act::Say(lines)
        })
    }

    fn helo(&self) -> Act {
        let odd = if self.encrypted {
            self.personality.first(Misbehaviour::at_helo_after_tls)
        } else {
            self.personality.first(Misbehaviour::at_helo)
        };
        odd.unwrap_or_else(|| Act::Say(format!("250 {}", self.personality.host_name)))
    }

    fn starttls(&self) -> Act {
        let odd = self.personality.first(Misbehaviour::at_starttls);
        odd.unwrap_or_else(|| Act::StartTls("220 2.0.0 Ready to start TLS".into()))
    }

    async fn perform(&mut self, act: Act) -> io::Result<Next> {
        match act {
            Act::Say(text) => self.wire.reply(text.as_bytes()).await?,
            Act::SayAndClose(text) => {
                self.wire.reply(text.as_bytes()).await?;
                self.wire.close().await?;
                return Ok(Next::Close);
            }
            Act::Close => return Ok(Next::Close),
            Act::Hang => {
                self.wire.until_closed().await;
                return Ok(Next::Close);
            }
            Act::Flood(text) => self.wire.flood(text.as_bytes()).await?,
            Act::FloodAfter(beginning, text) => {
                self.wire.send(beginning.as_bytes()).await?;
                self.wire.flood(text.as_bytes()).await?;
            }
            Act::Tarpit(line, pause) => {
                self.wire.tarpit(line, pause).await?;
                return Ok(Next::Close);
            }
            Act::Delay(time) => tokio::time::sleep(time).await,
            Act::StartTls(text) => {
                self.wire.reply(text.as_bytes()).await?;
                return Ok(Next::StartTls);
            }
            Act::StartTlsAnd(text, more) => {
                let both = format!("{text}\r\n{more}");
                self.wire.send(both.as_bytes()).await?;
                return Ok(Next::StartTls);
            }
        }
        Ok(Next::Command)
    }
}
