//! Why a session fails, as data: the finding says it in English, and a letter
//! in the receiver's language.

use crate::observation::{Reply, Session, SessionEnd};

/// What keeps a session from a mail transaction in TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The server sends replies that nobody asked for.
    OutOfStep(OutOfStep),
    /// It does not know the name under which DNS lists it.
    NameRefused,
    /// Something ends the TLS of clients that ask for its name.
    NameEndsTls,
    /// A firewall overwrites the offer.
    Masked,
    /// It cannot read its key or its certificate.
    KeyFiles,
    /// It refuses EHLO, perhaps because a PROXY header stands before it.
    PerhapsProxyHeader,
    /// It asks clients for certificates.
    ClientCertificate,
    /// It has no certificate for clients that ask for no name.
    NameRequired,
    /// It closes the connection before a transaction.
    ClosesEarly,
    /// It refuses this client for now.
    RefusesForNow,
    /// It refuses this client.
    Refuses,
    /// It says nothing.
    Silent,
    /// It does not answer STARTTLS.
    NoReply,
    /// It ends the session inside TLS.
    LostInTls,
    /// Another one, which only the finding's own words describe.
    Other,
}

/// What most likely puts a server out of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutOfStep {
    /// It refuses what stands before the first command, such as a PROXY header.
    ProxyHeader,
    /// It greets more than once.
    TwoGreeters,
    /// It answers EHLO more than once.
    Ehlo,
    /// It does so inside TLS alone, or greets there.
    InTls,
}

impl OutOfStep {
    pub(super) fn of(session: &Session) -> Self {
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
    pub(super) fn step(self) -> &'static str {
        match self {
            Self::ProxyHeader => {
                "Stop the proxy or load balancer in front of the server from sending a PROXY \
                 header (HAProxy: remove `send-proxy`, `send-proxy-v2`). Or let the mail server \
                 expect it (Postfix: `smtpd_upstream_proxy_protocol = haproxy`)."
            }
            Self::TwoGreeters => {
                "Remove one of the two programs that greet on this port. Test it: connect to the \
                 port and send nothing. One greeting may come, and no other reply."
            }
            Self::Ehlo => {
                "Write the answer to EHLO as one reply: `250-` before all lines but the last, \
                 and `250` and a blank before that."
            }
            Self::InTls => {
                "Inside TLS, let the server and each filter in front of it wait for EHLO, send \
                 no greeting, and answer EHLO once, as one reply: `250-` before all lines but \
                 the last."
            }
        }
    }

    /// What the server most likely does, as a sentence without its end.
    pub(super) fn sentence(self) -> &'static str {
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
