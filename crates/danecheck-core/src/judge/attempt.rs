//! One attempt with one address: `smtp_helo` and `smtp_start_tls` in
//! Postfix's `smtp_proto.c`, `smtp_stream_except` in its `smtp_trouble.c`.

use crate::observation::{
    ConnectFailureKind, HandshakeFailure, Interruption, LegacyAnswer, LegacySeen, Onward, Reply,
    Session, SessionEnd,
};
use crate::postfix::TlsVersion;

use super::envelope;
use super::handshake::{Rigour, completes, heard};
use super::outcome::{Channel, Untold};
use super::policy::{TlsPolicy, TlsUse};

/// The result of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The server is ready for the message.
    Ready(Channel),
    /// Try the next address; deferred if there is none.
    Soft(Failure),
    /// The same after a server that was ready for mail: Postfix tries only so
    /// many of those (`smtp_mx_session_limit`).
    Counted(Failure),
    /// The end, whatever other hosts there are: bounced, or deferred where the
    /// code begins with 4.
    Hard(Failure),
    /// It cannot be told which of them.
    NotJudged(Untold),
}

impl Attempt {
    /// Whether the other attempt has the same effect on the delivery, whatever
    /// failure Postfix logs.
    pub(crate) fn leads_where(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ready(one), Self::Ready(two)) => one == two,
            (Self::Soft(_), Self::Soft(_))
            | (Self::Counted(_), Self::Counted(_))
            | (Self::Hard(_), Self::Hard(_))
            | (Self::NotJudged(_), Self::NotJudged(_)) => true,
            _ => false,
        }
    }
}

/// A failure as Postfix logs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) dsn: String,
    pub(crate) reason: String,
}

impl Failure {
    pub(crate) fn new(dsn: &str, reason: impl Into<String>) -> Self {
        Self {
            dsn: dsn.to_owned(),
            reason: reason.into(),
        }
    }
}

/// The peer, as the log names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// `host[address]`.
    pub(crate) name: String,
    pub(crate) port: u16,
}

/// The result of a certificate check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    Passed(Channel),
    Failed,
    /// Unknown: it takes more work than one check may cost.
    NotJudged,
}

/// The age of a message, as far as it matters for the plain-text retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// The first delivery attempt.
    New,
    /// Older than `minimal_backoff_time`.
    Deferred,
}

/// The attempt. `after_tls` is the session that shows what happens inside TLS: this
/// one, or another if only the unencrypted part of this one was read. `check`
/// judges the certificates of this session under the
/// policy; it is called only after a TLS handshake.
pub(crate) fn attempt(
    session: &Session,
    peer: &Peer,
    policy: &TlsPolicy<'_>,
    age: Age,
    check: impl Fn() -> Checked,
    after_tls: &Session,
) -> Attempt {
    if let Some(untold) = cut_off(session, policy) {
        return Attempt::NotJudged(untold);
    }
    if policy.tls != TlsUse::Never && is_unheard(session, policy) {
        return Attempt::NotJudged(Untold::Hello);
    }
    let in_plaintext = || envelope::send(after_tls.onward_in_plaintext(), peer, Channel::Plaintext);
    let stages = Stages {
        session: after_tls,
        peer,
        in_tls: hello_stage(after_tls.refused_ehlo_in_tls.is_some()),
        in_plaintext: &in_plaintext,
    };
    match &session.end {
        SessionEnd::NotConnected(failure) if failure.kind == ConnectFailureKind::Proxy => {
            let text = format!(
                "{} was not checked: the proxy failed: {}",
                peer.name, failure.text
            );
            Attempt::Soft(Failure::new("4.4.1", text))
        }
        SessionEnd::NotConnected(failure) => Attempt::Soft(Failure::new(
            "4.4.1",
            format!("connect to {}:{}: {}", peer.name, peer.port, failure.text),
        )),
        SessionEnd::NoGreeting(how) => Attempt::Soft(interrupted(
            *how,
            peer,
            "receiving the initial server greeting",
        )),
        SessionEnd::GreetingRefused(reply) => {
            let mut dsn = dsn(reply);
            // smtp_skip_5xx_greeting makes a 5xx greeting soft.
            if reply.code / 100 == 5 {
                dsn.replace_range(..1, "4");
            }
            refusal(peer, reply, dsn)
        }
        SessionEnd::NoEhloReply(how) => {
            let refused = session.ehlo.iter().any(|reply| !reply.is_positive());
            let greeting = session.greeting.as_ref();
            let hidden = greeting.is_some_and(Reply::is_hidden_by_firewall);
            Attempt::Soft(interrupted(*how, peer, hello_stage(refused || hidden)))
        }
        SessionEnd::EhloRefused(reply) => refusal(peer, reply, dsn(reply)),
        SessionEnd::NoStartTls
        | SessionEnd::NoStartTlsReply(_)
        | SessionEnd::StartTlsRefused(_)
        | SessionEnd::HandshakeFailed(_)
        | SessionEnd::NoEhloReplyInTls(_)
        | SessionEnd::EhloRefusedInTls(_)
        | SessionEnd::Completed
        | SessionEnd::Assumed => match policy.tls {
            TlsUse::Never => in_plaintext(),
            TlsUse::Opportunistic => {
                opportunistic(end_for_postfix(session, policy, after_tls), &stages, age)
            }
            TlsUse::Mandatory => {
                mandatory(end_for_postfix(session, policy, after_tls), &stages, check)
            }
        },
    }
}

/// What the steps after `EHLO` need to know.
struct Stages<'a> {
    session: &'a Session,
    peer: &'a Peer,
    /// What `smtp_helo` is at inside TLS.
    in_tls: &'static str,
    /// What comes of the message without TLS.
    in_plaintext: &'a dyn Fn() -> Attempt,
}

impl Stages<'_> {
    /// What the first command of the message finds at the end of the session.
    fn onward(&self) -> Option<&Onward> {
        self.session.onward.as_ref()
    }
}

/// Why it cannot be told where the session leads: a limit of this program
/// ended it, at a step that Postfix comes to under this policy.
fn cut_off(session: &Session, policy: &TlsPolicy<'_>) -> Option<Untold> {
    let flooded = |how: &Interruption| *how == Interruption::Flooded;
    let limited = match &session.end {
        SessionEnd::NoGreeting(how) | SessionEnd::NoEhloReply(how) => flooded(how),
        _ if policy.tls == TlsUse::Never => false,
        SessionEnd::NoStartTlsReply(how) | SessionEnd::NoEhloReplyInTls(how) => flooded(how),
        SessionEnd::HandshakeFailed(failure) => {
            failure.limit && !is_decided_by_second_look(session)
        }
        _ => false,
    };
    limited.then_some(Untold::Limit)
}

/// Whether the server's answer to this Postfix's own ClientHello is not known: an
/// older danecheck saved the session.
fn is_unheard(session: &Session, policy: &TlsPolicy<'_>) -> bool {
    let legacy = session.legacy.as_ref();
    legacy.is_some_and(|legacy| heard(legacy, Rigour::of(policy), policy.defaults).is_none())
}

/// Whether the server's answer to Postfix's own ClientHello says how the
/// handshake goes on.
fn is_decided_by_second_look(session: &Session) -> bool {
    let answers = session.legacy.iter().flat_map(|legacy| {
        let looks = [Some(&legacy.verifying), legacy.lenient.as_ref()];
        looks.into_iter().flatten()
    });
    answers
        .into_iter()
        .any(|answer| matches!(answer, LegacyAnswer::Spoken(_)))
}

/// What becomes of a handshake in which the sender does not take the version
/// that the server speaks.
static TOO_OLD: SessionEnd = SessionEnd::HandshakeFailed(HandshakeFailure {
    text: String::new(),
    alert: None,
    timed_out: false,
    ours: true,
    limit: false,
});

/// How the session would have ended with Postfix's TLS instead of ours.
fn end_for_postfix<'a>(
    session: &'a Session,
    policy: &TlsPolicy<'_>,
    after_tls: &'a Session,
) -> &'a SessionEnd {
    let new_enough = |version: Option<&str>| {
        policy.oldest.is_some_and(|oldest| {
            version
                .and_then(|version| version.parse::<TlsVersion>().ok())
                .is_none_or(|version| version >= oldest)
        })
    };
    let finished = session.tls.as_ref().and_then(|tls| tls.version.as_deref());
    match &session.end {
        SessionEnd::HandshakeFailed(_)
            if completes(session, Rigour::of(policy), policy.defaults) =>
        {
            let legacy = session.legacy.as_ref();
            let legacy =
                legacy.and_then(|legacy| heard(legacy, Rigour::of(policy), policy.defaults));
            let legacy = legacy.and_then(LegacySeen::tls);
            if new_enough(legacy.map(|tls| tls.version.as_str())) {
                match &after_tls.end {
                    end @ (SessionEnd::NoEhloReplyInTls(_) | SessionEnd::EhloRefusedInTls(_)) => {
                        end
                    }
                    _ => &SessionEnd::Completed,
                }
            } else {
                &TOO_OLD
            }
        }
        SessionEnd::NoEhloReplyInTls(_)
        | SessionEnd::EhloRefusedInTls(_)
        | SessionEnd::Completed
            if !new_enough(finished) =>
        {
            &TOO_OLD
        }
        end => end,
    }
}

/// Level `may`: plain text wherever Postfix allows it.
fn opportunistic(end: &SessionEnd, stages: &Stages<'_>, age: Age) -> Attempt {
    let peer = stages.peer;
    let plain_text_when_deferred = |failure| match age {
        Age::New => Attempt::Soft(failure),
        // PLAINTEXT_FALLBACK_OK_AFTER_STARTTLS_FAILURE and
        // PLAINTEXT_FALLBACK_OK_AFTER_TLS_SESSION_FAILURE.
        Age::Deferred => (stages.in_plaintext)(),
    };
    match end {
        SessionEnd::StartTlsRefused(_) => envelope::send(stages.onward(), peer, Channel::Plaintext),
        // No TLS session has begun, so neither rule for plain text applies.
        SessionEnd::NoStartTlsReply(how) => {
            Attempt::Soft(interrupted(*how, peer, "receiving the STARTTLS response"))
        }
        SessionEnd::HandshakeFailed(_) => plain_text_when_deferred(handshake_failure()),
        SessionEnd::NoEhloReplyInTls(how) => {
            plain_text_when_deferred(interrupted(*how, peer, stages.in_tls))
        }
        SessionEnd::EhloRefusedInTls(reply) => refusal(peer, reply, dsn(reply)),
        SessionEnd::Completed | SessionEnd::Assumed => {
            match envelope::send(stages.onward(), peer, Channel::Encrypted) {
                Attempt::Counted(failure)
                    if age == Age::Deferred && envelope::is_interruption(&failure) =>
                {
                    (stages.in_plaintext)()
                }
                attempt => attempt,
            }
        }
        _ => (stages.in_plaintext)(),
    }
}

/// Level `encrypt` and above.
fn mandatory(end: &SessionEnd, stages: &Stages<'_>, check: impl Fn() -> Checked) -> Attempt {
    let peer = stages.peer;
    match end {
        SessionEnd::StartTlsRefused(reply) => {
            return server_failure(
                dsn(reply),
                format!(
                    "TLS is required, but host {} refused to start TLS: {}",
                    peer.name,
                    reply.text()
                ),
            );
        }
        SessionEnd::NoStartTlsReply(how) => {
            return Attempt::Soft(interrupted(*how, peer, "receiving the STARTTLS response"));
        }
        SessionEnd::HandshakeFailed(_) => return Attempt::Soft(handshake_failure()),
        SessionEnd::NoEhloReplyInTls(_)
        | SessionEnd::EhloRefusedInTls(_)
        | SessionEnd::Completed
        | SessionEnd::Assumed => {}
        _ => {
            return Attempt::Soft(Failure::new(
                "4.7.4",
                format!("TLS is required, but was not offered by host {}", peer.name),
            ));
        }
    }
    match (check(), end) {
        (Checked::Failed, _) => {
            Attempt::Soft(Failure::new("4.7.5", "Server certificate not verified"))
        }
        // It fails whatever the certificate is.
        (Checked::Passed(_) | Checked::NotJudged, SessionEnd::NoEhloReplyInTls(how)) => {
            Attempt::Soft(interrupted(*how, peer, stages.in_tls))
        }
        (Checked::NotJudged, SessionEnd::EhloRefusedInTls(reply)) => {
            match refusal(peer, reply, dsn(reply)) {
                Attempt::Soft(failure) => Attempt::Soft(failure),
                _ => Attempt::NotJudged(Untold::Work),
            }
        }
        (Checked::NotJudged, _) => Attempt::NotJudged(Untold::Work),
        (Checked::Passed(_), SessionEnd::EhloRefusedInTls(reply)) => {
            refusal(peer, reply, dsn(reply))
        }
        (Checked::Passed(channel), _) => envelope::send(stages.onward(), peer, channel),
    }
}

/// The step of `smtp_helo` at which no reply came.
fn hello_stage(ehlo_refused: bool) -> &'static str {
    if ehlo_refused {
        "performing the HELO handshake"
    } else {
        "performing the EHLO handshake"
    }
}

fn handshake_failure() -> Failure {
    Failure::new("4.7.5", "Cannot start TLS: handshake failure")
}

pub(super) fn interrupted(how: Interruption, peer: &Peer, stage: &str) -> Failure {
    let reason = match how {
        Interruption::Lost => format!("lost connection with {} while {stage}", peer.name),
        // Postfix skips what does not fit and continues to read until its time
        // limit.
        Interruption::TimedOut | Interruption::Flooded => {
            format!("conversation with {} timed out while {stage}", peer.name)
        }
    };
    Failure::new("4.4.2", reason)
}

fn refusal(peer: &Peer, reply: &Reply, dsn: String) -> Attempt {
    server_failure(
        dsn,
        format!("host {} refused to talk to me: {}", peer.name, reply.text()),
    )
}

/// A failure with the server's own code: a code that begins with 4 is soft, any
/// other is hard (`smtp_bulk_fail`).
fn server_failure(dsn: String, reason: String) -> Attempt {
    if dsn.starts_with('4') {
        Attempt::Soft(Failure { dsn, reason })
    } else {
        Attempt::Hard(Failure { dsn, reason })
    }
}

/// The enhanced status code of a reply (`smtp_chat_resp`): the server's own
/// where it fits the reply code, else `4.0.0` or `5.0.0`.
pub(super) fn dsn(reply: &Reply) -> String {
    let class = match reply.code / 100 {
        2 => '2',
        4 => '4',
        5 => '5',
        _ => return "5.5.0".to_owned(),
    };
    let last = reply.lines.last().map_or("", String::as_str);
    let own = last
        .get(3..)
        .map(|rest| rest.trim_start_matches([' ', '-']))
        .and_then(|rest| rest.split(|c: char| c != '.' && !c.is_ascii_digit()).next())
        .filter(|code| code.starts_with(class) && is_enhanced_code(code));
    own.map_or_else(|| format!("{class}.0.0"), str::to_owned)
}

/// `dsn_valid`: class, one to three digits, one to three digits.
fn is_enhanced_code(code: &str) -> bool {
    let parts: Vec<&str> = code.split('.').collect();
    match parts.as_slice() {
        [class, subject, detail] => {
            class.len() == 1
                && [subject, detail]
                    .iter()
                    .all(|part| (1..=3).contains(&part.len()))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(lines: &[&str]) -> Reply {
        Reply {
            code: lines.last().unwrap().get(..3).unwrap().parse().unwrap(),
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    #[test]
    fn the_status_code_is_the_servers_own_where_it_fits_the_reply() {
        for (line, code) in [
            ("454 4.7.0 TLS not available", "4.7.0"),
            ("454 TLS not available", "4.0.0"),
            ("454 5.7.0 out of step", "4.0.0"),
            ("554 5.7.1", "5.7.1"),
            ("554 5.7", "5.0.0"),
            ("554 5.7.1234 too long", "5.0.0"),
            ("334 go on", "5.5.0"),
        ] {
            assert_eq!(dsn(&reply(&[line])), code, "{line}");
        }
    }
}
