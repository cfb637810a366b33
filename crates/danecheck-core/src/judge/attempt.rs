//! One attempt with one address: `smtp_helo` and `smtp_start_tls` in
//! Postfix's `smtp_proto.c`, `smtp_stream_except` in its `smtp_trouble.c`.

use crate::observation::{
    ConnectFailureKind, HandshakeFailure, Interruption, LegacyAnswer, LegacySeen, Onward, Reply,
    Session, SessionEnd,
};
use crate::postfix::TlsVersion;

use super::envelope;
use super::failure::{Attempt, Failure, Peer, dsn, interrupted, is_interruption};
use super::handshake::{Rigour, completes, heard};
use super::outcome::{Channel, Untold};
use super::policy::{TlsPolicy, TlsUse};

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
                Attempt::Counted(failure) if age == Age::Deferred && is_interruption(&failure) => {
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
