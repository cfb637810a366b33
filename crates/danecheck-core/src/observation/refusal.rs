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

/// Which of the sessions that were held with an address at the same time are
/// held again, each by itself: those turned away, if another came in. Some
/// servers allow a client only one connection at a time; Postfix opens only one.
pub fn held_alone<'s>(sessions: impl IntoIterator<Item = &'s Session>) -> Vec<bool> {
    let turned_away = sessions.into_iter().map(Session::is_turned_away);
    let mut alone: Vec<bool> = turned_away.collect();
    if alone.iter().all(|turned_away| *turned_away) {
        alone.fill(false);
    }
    alone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_turned_away_comes_again_if_another_came_in() {
        let came_in = Session::ended(None, SessionEnd::Completed);
        let lost = Session::ended(None, SessionEnd::NoGreeting(Interruption::Lost));
        let slow = Session::ended(None, SessionEnd::NoGreeting(Interruption::TimedOut));
        for (sessions, alone) in [
            (vec![], vec![]),
            (vec![&came_in, &came_in], vec![false, false]),
            (vec![&lost, &came_in], vec![true, false]),
            (vec![&came_in, &lost, &lost], vec![false, true, true]),
            // One that is slow came in.
            (vec![&lost, &slow], vec![true, false]),
            // It turns away everybody.
            (vec![&lost], vec![false]),
            (vec![&lost, &lost], vec![false, false]),
        ] {
            assert_eq!(held_alone(sessions.iter().copied()), alone, "{sessions:?}");
        }
    }
}
