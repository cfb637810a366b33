//! Findings about servers that send more replies than they were asked for, or
//! close the connection before mail comes.

use crate::observation::{Onward, Session, SessionEnd};

use super::cause::{Cause, OutOfStep};
use super::{Finding, Findings, Rule, Severity};

pub(super) static CLOSED_BEFORE_MAIL: Rule = Rule {
    id: "closed-before-mail",
    severity: Severity::Error,
    reference: "Postfix smtp_stream_except",
    meaning: "The server answers a command and then closes the connection. Postfix sends the next \
              command and finds the connection lost. So mail waits, even if the level allows \
              plain text after that answer.",
    sender: "Tell the receiver. Set no override that danecheck does not advise.",
    receiver: "Search the log of the server and of each filter or load balancer in front of it for \
               this moment. Let them keep the connection open after a refusal of STARTTLS and \
               after EHLO, until the client sends QUIT.",
};

pub(super) static REPLIES_OUT_OF_STEP: Rule = Rule {
    id: "replies-out-of-step",
    severity: Severity::Error,
    reference: "Postfix smtp_loop",
    meaning: "The server sends more replies than it receives commands. Each command takes the next \
              reply, so Postfix reads the reply to RCPT TO as the reply to DATA. It then returns \
              the mail to its sender at once: `Protocol error`, code 5.5.0. Mail waits only at \
              levels that fail before that.",
    sender: "Set no weaker level: Postfix may then return mail that now waits. Tell the receiver \
             by phone or through another mail system.",
    receiver: "Connect to port 25 and send nothing: one greeting may come, and no other reply. If \
               a 5xx reply follows, stop sending a PROXY header (HAProxy: remove `send-proxy`) or \
               let the mail server expect it (Postfix: `smtpd_upstream_proxy_protocol = haproxy`, \
               or `postscreen_upstream_proxy_protocol = haproxy`). If a second 220 follows, \
               remove one of the two programs that greet on this port. If EHLO has two answers, \
               write its lines as one reply: `250-` before all but the last.",
};

/// Raises the findings of this module for one session; whether they explain
/// its end.
pub(super) fn session(subject: &str, session: &Session, findings: &mut Findings) -> bool {
    // The earliest reply first: that one is read in the place of another.
    let early = session.without_starttls.as_ref();
    let onwards = early.into_iter().chain(&session.onward);
    let onwards: Vec<&Onward> = onwards.collect();
    if let Some(reply) = onwards.iter().find_map(|onward| onward.replies.first()) {
        let is_early = early.is_some_and(|onward| !onward.replies.is_empty());
        let place = match is_early {
            true => "its answer to EHLO",
            false => place(session),
        };
        let cause = OutOfStep::of(session);
        let text = format!(
            "{subject} sends more replies than it receives commands: after {place} it sends \
             \"{}\" unasked. {}.",
            reply.text(),
            cause.sentence()
        );
        let finding = Finding::new(&REPLIES_OUT_OF_STEP, subject, text);
        findings.put(
            finding
                .receiver(cause.step())
                .because(Cause::OutOfStep(cause)),
        );
        return true;
    }
    if onwards.iter().any(|onward| onward.closed) {
        let text = format!("{subject} closes the connection after {}.", place(session));
        findings.add(&CLOSED_BEFORE_MAIL, subject, text);
    }
    false
}

/// The last answer before the one that nobody asked for, or before the end.
fn place(session: &Session) -> &'static str {
    let refused = session.refused_ehlo.is_some();
    match session.end {
        SessionEnd::Completed if session.onward.is_some() => "its answer to EHLO inside TLS",
        SessionEnd::StartTlsRefused(_) if session.onward.is_some() => "its answer to STARTTLS",
        SessionEnd::NoStartTls if refused => "its answer to HELO",
        _ => "its answer to EHLO",
    }
}
