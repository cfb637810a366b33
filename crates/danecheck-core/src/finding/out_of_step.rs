//! Findings about servers that send more replies than they were asked for, or
//! close the connection before mail comes.

use crate::observation::{Onward, Reply, Session, SessionEnd};

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

/// The step where the server takes what stands before the first command for
/// commands.
pub(super) const PROXY_HEADER: &str = "Stop the proxy or load balancer in front of the server from \
                                       sending a PROXY header (HAProxy: remove `send-proxy`, \
                                       `send-proxy-v2`). Or let the mail server expect it \
                                       (Postfix: `smtpd_upstream_proxy_protocol = haproxy`).";

/// The step where more than one program greets.
pub(super) const ONE_GREETING: &str = "Remove one of the two programs that greet on this port. \
                                       Test it: connect to the port and send nothing. One \
                                       greeting may come, and no other reply.";

/// The step where EHLO is answered more than once.
pub(super) const ONE_ANSWER: &str = "Write the answer to EHLO as one reply: `250-` before all \
                                     lines but the last, and `250` and a blank before that.";

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
        let text = format!(
            "{subject} sends more replies than it receives commands: after {place} it sends \
             \"{}\" unasked. {}.",
            reply.text(),
            Cause::of(session).sentence()
        );
        let finding = Finding::new(&REPLIES_OUT_OF_STEP, subject, text);
        findings.put(finding.receiver(Cause::of(session).step()));
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

/// What most likely puts a server out of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// It refuses what stands before the first command.
    ProxyHeader,
    /// It greets more than once.
    TwoGreeters,
    /// It answers EHLO more than once.
    Ehlo,
    /// It does so inside TLS alone, or greets there.
    InTls,
}

impl Cause {
    fn of(session: &Session) -> Self {
        let early = session.before_ehlo.iter().flat_map(|early| &early.lines);
        let greets_again = |line: &String| line.starts_with("220");
        let refuses = |line: &String| line.starts_with('5');
        let refused = |reply: &Reply| reply.code / 100 == 5;
        let ehlo = session.ehlo.as_ref();
        if ehlo.is_some_and(|reply| reply.code == 220) || early.clone().any(greets_again) {
            Self::TwoGreeters
        } else if early.clone().any(refuses)
            || session.refused_ehlo.as_ref().is_some_and(refused)
            || matches!(&session.end, SessionEnd::EhloRefused(reply) if refused(reply))
        {
            Self::ProxyHeader
        } else if session.end == SessionEnd::Completed && session.after_ehlo.is_none() {
            Self::InTls
        } else {
            Self::Ehlo
        }
    }

    /// What the receiver does.
    fn step(self) -> &'static str {
        match self {
            Self::ProxyHeader => PROXY_HEADER,
            Self::TwoGreeters => ONE_GREETING,
            Self::Ehlo => ONE_ANSWER,
            Self::InTls => {
                "Inside TLS, let the server and each filter in front of it wait for EHLO, send \
                 no greeting, and answer EHLO once, as one reply: `250-` before all lines but \
                 the last."
            }
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::ProxyHeader => {
                "Most likely a proxy in front of it sends a PROXY header that it does not expect"
            }
            Self::TwoGreeters => {
                "Most likely two programs greet on this port, such as a filter and the mail server"
            }
            Self::Ehlo => "Most likely it answers EHLO in more than one reply",
            Self::InTls => {
                "Most likely it greets again inside TLS, or answers EHLO there in more than one \
                 reply"
            }
        }
    }
}
