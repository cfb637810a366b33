//! The dialogue of Postfix's `smtp_helo`, up to where mail would begin.

use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncWrite};

use super::budget::{Cuts, Deadline, SESSION_BYTES, Times};
use super::line::Chat;
use super::meter::Metered;
use super::tls;
use crate::observation::{Interruption, Reply, Session, SessionEnd, TlsSeen};

/// What one session needs to know.
pub(super) struct Script<'a> {
    pub(super) helo_name: &'a str,
    pub(super) sni: Option<&'a str>,
    pub(super) peer: IpAddr,
    pub(super) times: Times,
    pub(super) deadline: Deadline,
    pub(super) cuts: &'a Cuts,
}

/// How the server took `EHLO` and, where needed, `HELO`.
enum Hello {
    /// Ready for mail; whether it was `EHLO` that was accepted.
    Accepted {
        reply: Reply,
        extended: bool,
    },
    Refused(Reply),
    Interrupted(Interruption),
}

/// What is known of a session under way.
#[derive(Default)]
struct Seen {
    greeting: Option<Reply>,
    ehlo: Option<Reply>,
    tls: Option<TlsSeen>,
}

/// Talks to a server over a connection just opened.
pub(super) async fn converse<S>(stream: S, script: &Script<'_>) -> Session
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut seen = Seen::default();
    let mut chat = Chat::new(Metered::new(stream, SESSION_BYTES));
    let end = match before_tls(&mut chat, script, &mut seen).await {
        Some(end) => {
            goodbye(chat, &end, script).await;
            end
        }
        None => inside_tls(chat, script, &mut seen).await,
    };
    Session {
        sni: script.sni.map(str::to_owned),
        greeting: seen.greeting,
        ehlo: seen.ehlo,
        tls: seen.tls,
        legacy: None,
        end,
    }
}

/// The dialogue up to where the handshake begins; nothing where it ends before.
pub(super) async fn up_to_handshake<S>(stream: S, script: &Script<'_>) -> Option<Metered<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut chat = Chat::new(Metered::new(stream, SESSION_BYTES));
    match before_tls(&mut chat, script, &mut Seen::default()).await {
        Some(end) => {
            goodbye(chat, &end, script).await;
            None
        }
        None => Some(chat.into_stream()),
    }
}

/// The plain part; nothing where the server is ready for the handshake.
async fn before_tls<S>(
    chat: &mut Chat<S>,
    script: &Script<'_>,
    seen: &mut Seen,
) -> Option<SessionEnd>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match chat.listen(script.times.reply, script.deadline).await {
        Err(interruption) => return Some(SessionEnd::NoGreeting(interruption)),
        Ok(reply) => {
            seen.greeting = Some(reply.clone());
            if !reply.is_positive() {
                return Some(SessionEnd::GreetingRefused(reply));
            }
        }
    }
    let offered = match hello(chat, script).await {
        Hello::Interrupted(interruption) => return Some(SessionEnd::NoEhloReply(interruption)),
        Hello::Refused(reply) => {
            seen.ehlo = Some(reply.clone());
            return Some(SessionEnd::EhloRefused(reply));
        }
        Hello::Accepted { reply, extended } => {
            // A server that took `HELO` offered nothing.
            let offered = extended
                && reply
                    .keywords()
                    .any(|keyword| keyword.eq_ignore_ascii_case("STARTTLS"));
            seen.ehlo = Some(reply);
            offered
        }
    };
    if !offered {
        return Some(SessionEnd::NoStartTls);
    }
    let reply = chat
        .ask("STARTTLS", script.times.reply, script.deadline)
        .await;
    match reply {
        Err(interruption) => Some(SessionEnd::NoStartTlsReply(interruption)),
        Ok(reply) if reply.is_positive() => None,
        Ok(reply) => Some(SessionEnd::StartTlsRefused(reply)),
    }
}

async fn inside_tls<S>(chat: Chat<S>, script: &Script<'_>, seen: &mut Seen) -> SessionEnd
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let step = script.deadline.cap(script.times.handshake);
    let handshake = tls::shake_hands(chat.into_stream(), script.sni, script.peer, step).await;
    seen.tls = handshake.seen;
    if handshake.left_out > 0 {
        script.cuts.note(format!(
            "The last {} certificates that {} presented were left out.",
            handshake.left_out, script.peer
        ));
    }
    let stream = match handshake.stream {
        Ok(stream) => stream,
        Err(failure) => return SessionEnd::HandshakeFailed(failure),
    };
    let mut chat = Chat::new(stream);
    let end = match hello(&mut chat, script).await {
        Hello::Accepted { .. } => SessionEnd::Completed,
        Hello::Refused(reply) => SessionEnd::EhloRefusedInTls(reply),
        Hello::Interrupted(interruption) => SessionEnd::NoEhloReplyInTls(interruption),
    };
    goodbye(chat, &end, script).await;
    end
}

/// `EHLO`, and `HELO` where that is refused with anything but 421.
async fn hello<S>(chat: &mut Chat<S>, script: &Script<'_>) -> Hello
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    for (verb, extended) in [("EHLO", true), ("HELO", false)] {
        let command = format!("{verb} {}", script.helo_name);
        match chat
            .ask(&command, script.times.reply, script.deadline)
            .await
        {
            Err(interruption) => return Hello::Interrupted(interruption),
            Ok(reply) if reply.is_positive() => return Hello::Accepted { reply, extended },
            Ok(reply) if extended && reply.code != 421 => {}
            Ok(reply) => return Hello::Refused(reply),
        }
    }
    Hello::Interrupted(Interruption::Lost)
}

/// `QUIT`, where somebody is there to hear it.
async fn goodbye<S>(chat: Chat<S>, end: &SessionEnd, script: &Script<'_>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let heard = matches!(
        end,
        SessionEnd::GreetingRefused(_)
            | SessionEnd::EhloRefused(_)
            | SessionEnd::NoStartTls
            | SessionEnd::StartTlsRefused(_)
            | SessionEnd::EhloRefusedInTls(_)
            | SessionEnd::Completed
    );
    if heard {
        chat.quit(script.times.quit, script.deadline).await;
    }
}
