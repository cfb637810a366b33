//! The dialogue of Postfix's `smtp_helo`, up to the point where mail would
//! begin.

use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncWrite};

use super::budget::{Cuts, Deadline, SESSION_BYTES, Times};
use super::line::Chat;
use super::meter::Metered;
use super::tls::{self, Offer};
use danecheck_core::observation::{
    Cut, Interruption, LimitedOffer, Reply, Session, SessionEnd, TlsSeen,
};

/// The input of one session.
pub(super) struct Script<'a> {
    pub(super) helo_name: &'a str,
    pub(super) sni: Option<&'a str>,
    /// The limit of the ClientHello.
    pub(super) offer: Option<LimitedOffer>,
    pub(super) peer: IpAddr,
    pub(super) times: Times,
    pub(super) deadline: Deadline,
    pub(super) cuts: &'a Cuts,
}

impl Script<'_> {
    fn note_cut<S: AsyncRead + AsyncWrite + Unpin>(&self, chat: &Chat<S>) {
        if chat.was_cut() {
            self.cuts.note(Cut::Reply { address: self.peer });
        }
    }
}

/// The server's replies to `EHLO` and, if that was refused, to `HELO`.
struct Hello {
    refused_ehlo: Option<Reply>,
    result: Result<Reply, Interruption>,
}

/// The state of a running session.
#[derive(Default)]
struct Seen {
    greeting: Option<Reply>,
    ehlo: Option<Reply>,
    tls: Option<TlsSeen>,
    refused_ehlo: Option<Reply>,
    refused_ehlo_in_tls: Option<Reply>,
}

/// Runs the dialogue over a new connection.
pub(super) async fn converse<S>(stream: S, script: &Script<'_>) -> Session
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut seen = Seen::default();
    let mut chat = Chat::new(Metered::new(stream, SESSION_BYTES));
    let end = before_tls(&mut chat, script, &mut seen).await;
    script.note_cut(&chat);
    let end = match end {
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
        refused_ehlo: seen.refused_ehlo,
        refused_ehlo_in_tls: seen.refused_ehlo_in_tls,
        end,
    }
}

/// The dialogue up to the handshake; `None` if it ends before.
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

/// The plain part; `None` if the server is ready for the handshake.
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
    let hello = hello(chat, script).await;
    let extended = hello.refused_ehlo.is_none();
    seen.ehlo = hello.refused_ehlo;
    let refused_for_now = seen.ehlo.clone().filter(|reply| reply.code / 100 == 4);
    let reply = match hello.result {
        Err(interruption) => return Some(SessionEnd::NoEhloReply(interruption)),
        Ok(reply) => seen.ehlo.insert(reply).clone(),
    };
    if !reply.is_positive() {
        return Some(SessionEnd::EhloRefused(reply));
    }
    seen.refused_ehlo = refused_for_now;
    // A server that accepted only `HELO` offered nothing.
    let offered = extended
        && reply
            .keywords()
            .any(|keyword| keyword.eq_ignore_ascii_case("STARTTLS"));
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
    let offer = Offer {
        sni: script.sni,
        peer: script.peer,
        limited: script.offer,
    };
    let handshake = tls::shake_hands(chat.into_stream(), &offer, step).await;
    seen.tls = handshake.seen;
    if handshake.left_out > 0 {
        script.cuts.note(Cut::Certificates {
            address: script.peer,
            left_out: handshake.left_out,
        });
    }
    let stream = match handshake.stream {
        Ok(stream) => stream,
        Err(failure) => return SessionEnd::HandshakeFailed(failure),
    };
    let mut chat = Chat::new(stream);
    let hello = hello(&mut chat, script).await;
    seen.refused_ehlo_in_tls = hello.refused_ehlo;
    let end = match hello.result {
        Ok(reply) if reply.is_positive() => SessionEnd::Completed,
        Ok(reply) => SessionEnd::EhloRefusedInTls(reply),
        Err(interruption) => SessionEnd::NoEhloReplyInTls(interruption),
    };
    script.note_cut(&chat);
    goodbye(chat, &end, script).await;
    end
}

/// `EHLO`, and `HELO` if that is refused with anything but 421.
async fn hello<S>(chat: &mut Chat<S>, script: &Script<'_>) -> Hello
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let ehlo = say(chat, "EHLO", script).await;
    match ehlo {
        Ok(reply) if !reply.is_positive() && reply.code != 421 => Hello {
            refused_ehlo: Some(reply),
            result: say(chat, "HELO", script).await,
        },
        result => Hello {
            refused_ehlo: None,
            result,
        },
    }
}

async fn say<S>(chat: &mut Chat<S>, verb: &str, script: &Script<'_>) -> Result<Reply, Interruption>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let command = format!("{verb} {}", script.helo_name);
    chat.ask(&command, script.times.reply, script.deadline)
        .await
}

/// `QUIT`, if the connection is still open.
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
