//! The dialogue of Postfix's `smtp_helo`, up to the point where mail would
//! begin.

use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncWrite};

use super::budget::{Cuts, Deadline, SESSION_BYTES, Times};
use super::group::Newer;
use super::line::{Chat, Farewell};
use super::meter::Metered;
use super::tls::{self, Offer};
use danecheck_core::observation::{
    Cut, Interruption, LimitedOffer, Onward, Reply, Session, SessionEnd, TlsSeen, Unasked,
};

/// The input of one session.
pub(super) struct Script<'a> {
    pub(super) helo_name: &'a str,
    pub(super) sni: Option<&'a str>,
    /// The limit of the ClientHello.
    pub(super) offer: Option<LimitedOffer>,
    /// Groups that it also offers, as only newer Postfix does.
    pub(super) newer: Option<Newer>,
    pub(super) peer: IpAddr,
    pub(super) times: Times,
    pub(super) deadline: Deadline,
    pub(super) cuts: &'a Cuts,
}

#[cfg(any(test, fuzzing))]
impl<'a> Script<'a> {
    /// An ordinary session with a server in memory.
    pub(super) fn in_memory(times: Times, cuts: &'a Cuts) -> Self {
        Self {
            helo_name: "probe.example",
            sni: None,
            offer: None,
            newer: None,
            peer: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
            times,
            deadline: Deadline::after(times.total),
            cuts,
        }
    }
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
    before_ehlo: Option<Unasked>,
    after_ehlo: Option<Unasked>,
    /// The reply with which STARTTLS was accepted.
    starttls: Option<Reply>,
    /// The server said something in plain text in place of TLS.
    spoke_in_plaintext: bool,
}

/// What was heard, and what it leaves open.
pub(super) struct Conversation {
    pub(super) session: Session,
    /// Sessions that would settle the rest.
    pub(super) doubts: Vec<Doubt>,
}

/// What only another session can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// What is behind the reply to `EHLO`, where `STARTTLS` does not follow.
    WithoutStartTls,
    /// What comes if the client says nothing: after `QUIT`, its answer and the
    /// end of the connection cannot be told from those of an earlier command.
    Closed,
}

/// Talks to a server over a connection just opened.
pub(super) async fn converse<S>(stream: S, script: &Script<'_>) -> Conversation
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut seen = Seen::default();
    let mut chat = Chat::new(Metered::new(stream, SESSION_BYTES));
    let end = before_tls(&mut chat, script, &mut seen).await;
    script.note_cut(&chat);
    let (end, farewell) = match end {
        Some(end) => {
            let farewell = goodbye(chat, &end, script).await;
            (end, farewell)
        }
        None => inside_tls(chat, script, &mut seen, Ending::Goodbye).await,
    };
    note_flood(&end, script);
    let (onward, closed) = match farewell {
        Some(farewell) if may_go_on(&end) => after_goodbye(&end, farewell),
        // No command follows, but it says why EHLO was refused.
        Some(farewell) if matches!(end, SessionEnd::EhloRefused(_)) => {
            (after_goodbye(&end, farewell).0, false)
        }
        _ => (None, false),
    };
    let mut doubts = Vec::new();
    if closed {
        doubts.push(Doubt::Closed);
    }
    if is_plaintext_doubtful(&end, &seen, onward.as_ref()) {
        doubts.push(Doubt::WithoutStartTls);
    }
    Conversation {
        session: Session {
            sni: script.sni.map(str::to_owned),
            greeting: seen.greeting,
            ehlo: seen.ehlo,
            tls: seen.tls,
            legacy: None,
            newer_groups: None,
            refused_ehlo: seen.refused_ehlo,
            refused_ehlo_in_tls: seen.refused_ehlo_in_tls,
            before_ehlo: seen.before_ehlo,
            after_ehlo: seen.after_ehlo,
            without_starttls: None,
            onward,
            end,
        },
        doubts,
    }
}

/// What another session shows about a doubt; nothing where it came to another
/// end than the first.
pub(super) async fn settle<S>(
    stream: S,
    script: &Script<'_>,
    first: &Session,
    doubt: Doubt,
) -> Option<Option<Onward>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut seen = Seen::default();
    let mut chat = Chat::new(Metered::new(stream, SESSION_BYTES));
    let farewell = if doubt == Doubt::WithoutStartTls {
        match up_to_starttls(&mut chat, script, &mut seen).await {
            Ok(_) => chat.listen_on(script.times.quit, script.deadline).await,
            Err(_) => return None,
        }
    } else {
        let (end, farewell) = match before_tls(&mut chat, script, &mut seen).await {
            Some(end @ (SessionEnd::NoStartTls | SessionEnd::StartTlsRefused(_))) => {
                let farewell = chat.listen_on(script.times.quit, script.deadline).await;
                (end, Some(farewell))
            }
            Some(_) => return None,
            None => inside_tls(chat, script, &mut seen, Ending::ListenOn).await,
        };
        if std::mem::discriminant(&end) != std::mem::discriminant(&first.end) {
            return None;
        }
        // The last reply is that to STARTTLS: it waits for TLS, and no command.
        let mut farewell = farewell?;
        let whole = farewell.count == farewell.replies.len();
        let last = farewell.replies.last().filter(|_| whole);
        let accepts =
            |reply: &Reply| reply.code == 220 || reply.is_positive() && !farewell.answered;
        farewell.closed |=
            matches!(end, SessionEnd::StartTlsRefused(_)) && last.is_some_and(accepts);
        farewell
    };
    Some(onward(farewell.replies, farewell.count, farewell.closed))
}

/// Whether mail would follow where a session ended.
fn may_go_on(end: &SessionEnd) -> bool {
    matches!(
        end,
        SessionEnd::NoStartTls | SessionEnd::StartTlsRefused(_) | SessionEnd::Completed
    )
}

/// What the next command would have found, and whether it is in doubt that it
/// would have found anybody.
fn after_goodbye(end: &SessionEnd, farewell: Farewell) -> (Option<Onward>, bool) {
    let Farewell {
        mut replies,
        count,
        answered,
        closed,
    } = farewell;
    if answered {
        return (onward(replies, count, false), false);
    }
    // It accepted STARTTLS, after another reply was taken for that: now it
    // waits for TLS. A 220 with more behind it may be one that nobody asked for.
    let accepted = replies.iter().rposition(|reply| reply.code == 220);
    if let (SessionEnd::StartTlsRefused(_), Some(place)) = (end, accepted) {
        replies.truncate(place + 1);
        let in_doubt = place + 1 < count;
        return (onward(replies, place + 1, true), in_doubt);
    }
    // A server that waits for TLS, after it accepted STARTTLS with another code, may
    // be slow to see that QUIT is none.
    let accepted = replies.last().is_some_and(Reply::is_positive);
    let in_doubt = closed || accepted && matches!(end, SessionEnd::StartTlsRefused(_));
    // The last was its own kind of answer to QUIT.
    let count = count.saturating_sub(1);
    replies.truncate(count);
    (onward(replies, count, false), in_doubt)
}

fn onward(replies: Vec<Reply>, count: usize, closed: bool) -> Option<Onward> {
    let left_out = count.saturating_sub(replies.len());
    (!replies.is_empty() || closed).then(|| Onward {
        replies,
        left_out: u32::try_from(left_out).unwrap_or(u32::MAX),
        closed,
    })
}

/// Whether the session leaves open what a client meets that does not send
/// `STARTTLS`.
fn is_plaintext_doubtful(end: &SessionEnd, seen: &Seen, onward: Option<&Onward>) -> bool {
    let asked = match end {
        SessionEnd::NoStartTlsReply(Interruption::Lost) => return true,
        SessionEnd::StartTlsRefused(_) => onward.is_some_and(|onward| !onward.replies.is_empty()),
        SessionEnd::NoStartTlsReply(_)
        | SessionEnd::HandshakeFailed(_)
        | SessionEnd::NoEhloReplyInTls(_)
        | SessionEnd::EhloRefusedInTls(_)
        | SessionEnd::Completed => {
            seen.spoke_in_plaintext
                || seen
                    .starttls
                    .as_ref()
                    .is_some_and(|reply| reply.code != 220)
        }
        _ => return false,
    };
    asked || seen.after_ehlo.is_some()
}

/// Says where no more was read than a session may contain.
fn note_flood(end: &SessionEnd, script: &Script<'_>) {
    let flooded = match end {
        SessionEnd::NoGreeting(how)
        | SessionEnd::NoEhloReply(how)
        | SessionEnd::NoStartTlsReply(how)
        | SessionEnd::NoEhloReplyInTls(how) => *how == Interruption::Flooded,
        SessionEnd::HandshakeFailed(failure) => failure.limit,
        _ => false,
    };
    if flooded {
        script.cuts.note(Cut::Session {
            address: script.peer,
        });
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
    match up_to_starttls(chat, script, seen).await {
        Ok(true) => {}
        Ok(false) => return Some(SessionEnd::NoStartTls),
        Err(end) => return Some(end),
    }
    seen.after_ehlo = chat.unasked();
    let reply = chat
        .ask("STARTTLS", script.times.reply, script.deadline)
        .await;
    match reply {
        Err(interruption) => Some(SessionEnd::NoStartTlsReply(interruption)),
        Ok(reply) if reply.is_positive() => {
            seen.starttls = Some(reply);
            None
        }
        Ok(reply) => Some(SessionEnd::StartTlsRefused(reply)),
    }
}

/// The greeting and `EHLO`; whether STARTTLS is offered.
async fn up_to_starttls<S>(
    chat: &mut Chat<S>,
    script: &Script<'_>,
    seen: &mut Seen,
) -> Result<bool, SessionEnd>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match chat.listen(script.times.reply, script.deadline).await {
        Err(interruption) => return Err(SessionEnd::NoGreeting(interruption)),
        Ok(reply) => {
            seen.greeting = Some(reply.clone());
            if !reply.is_positive() {
                return Err(SessionEnd::GreetingRefused(reply));
            }
        }
    }
    seen.before_ehlo = chat.unasked();
    let hidden = seen
        .greeting
        .as_ref()
        .is_some_and(Reply::is_hidden_by_firewall);
    let hello = if hidden {
        Hello {
            refused_ehlo: None,
            result: say(chat, "HELO", script).await,
        }
    } else {
        hello(chat, script).await
    };
    let extended = !hidden && hello.refused_ehlo.is_none();
    seen.ehlo.clone_from(&hello.refused_ehlo);
    let reply = match hello.result {
        Err(interruption) => return Err(SessionEnd::NoEhloReply(interruption)),
        Ok(reply) => seen.ehlo.insert(reply).clone(),
    };
    if !reply.is_positive() {
        return Err(SessionEnd::EhloRefused(reply));
    }
    seen.refused_ehlo = hello.refused_ehlo;
    // A server that took `HELO` offered nothing.
    Ok(extended
        && reply
            .keywords()
            .any(|keyword| keyword.eq_ignore_ascii_case("STARTTLS")))
}

/// How a session is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Goodbye,
    ListenOn,
}

async fn inside_tls<S>(
    chat: Chat<S>,
    script: &Script<'_>,
    seen: &mut Seen,
    ending: Ending,
) -> (SessionEnd, Option<Farewell>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let step = script.deadline.cap(script.times.handshake);
    let offer = Offer {
        newer: script.newer,
        sni: script.sni,
        peer: script.peer,
        limited: script.offer,
    };
    let handshake = tls::shake_hands(chat.into_stream(), &offer, step).await;
    seen.tls = handshake.seen;
    seen.spoke_in_plaintext = handshake.plaintext;
    if handshake.left_out > 0 {
        script.cuts.note(Cut::Certificates {
            address: script.peer,
            left_out: handshake.left_out,
        });
    }
    let stream = match handshake.stream {
        Ok(stream) => stream,
        Err(failure) => return (SessionEnd::HandshakeFailed(failure), None),
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
    let farewell = match ending {
        Ending::Goodbye => goodbye(chat, &end, script).await,
        Ending::ListenOn if end == SessionEnd::Completed => {
            Some(chat.listen_on(script.times.quit, script.deadline).await)
        }
        Ending::ListenOn => None,
    };
    (end, farewell)
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
    let command = [verb, " ", script.helo_name].concat();
    chat.ask(&command, script.times.reply, script.deadline)
        .await
}

/// `QUIT`, where somebody is there to hear it.
async fn goodbye<S>(chat: Chat<S>, end: &SessionEnd, script: &Script<'_>) -> Option<Farewell>
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
        Some(chat.quit(script.times.quit, script.deadline).await)
    } else {
        None
    }
}
