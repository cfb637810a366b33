//! What an attempt leads to, and its failures as Postfix logs them.

use crate::observation::{Interruption, Reply};

use super::outcome::{Channel, Untold};

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

/// A connection that ended, or was silent, at this stage (`smtp_stream_except`).
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

/// Whether the connection was lost, and the server said nothing.
pub(super) fn is_interruption(failure: &Failure) -> bool {
    failure.dsn == "4.4.2" && failure.reason.starts_with("lost connection with ")
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
