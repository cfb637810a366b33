//! Ends of a session that say more about the visit than about the server.

use super::session::{Interruption, Session, SessionEnd};

impl Session {
    /// Whether it ended as it does if a server thinks that a client connects
    /// too often.
    pub fn is_turned_away(&self) -> bool {
        match &self.end {
            SessionEnd::NotConnected(_) | SessionEnd::NoGreeting(Interruption::Lost) => true,
            SessionEnd::GreetingRefused(reply) | SessionEnd::EhloRefused(reply) => {
                reply.code / 100 == 4
            }
            _ => false,
        }
    }

    /// Whether it ended because of a time limit that Postfix does not have.
    pub fn was_waited_for(&self) -> bool {
        match &self.end {
            SessionEnd::NoGreeting(how)
            | SessionEnd::NoEhloReply(how)
            | SessionEnd::NoStartTlsReply(how)
            | SessionEnd::NoEhloReplyInTls(how) => *how == Interruption::TimedOut,
            SessionEnd::HandshakeFailed(failure) => failure.timed_out,
            _ => false,
        }
    }
}
