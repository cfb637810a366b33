//! From a server that is ready for mail to the message: each command takes the
//! next reply, whether it came early or late (`smtp_loop` in Postfix's
//! `smtp_proto.c`).

use crate::observation::{Interruption, Onward};

use super::failure::{Attempt, Failure, Peer, dsn, interrupted};
use super::outcome::Channel;

/// A command before the message, as Postfix logs it.
struct Step {
    /// In `xfer_request`.
    command: &'static str,
    /// In `xfer_states`.
    sending: &'static str,
    /// The first digit of the reply that goes on.
    goes_on: u16,
}

/// The last one, which takes a reply of the server's own where no other is left.
const MESSAGE: Step = Step {
    command: "end of DATA command",
    sending: "sending end of data -- message may be sent more than once",
    goes_on: 2,
};

const STEPS: [Step; 3] = [
    Step {
        command: "MAIL FROM command",
        sending: "sending MAIL FROM",
        goes_on: 2,
    },
    Step {
        command: "RCPT TO command",
        sending: "sending RCPT TO",
        goes_on: 2,
    },
    Step {
        command: "DATA command",
        sending: "sending DATA command",
        goes_on: 3,
    },
];

/// Where the text of a reply stands that nobody has seen, for no mail was sent.
const UNSEEN: &str = "250 ...";

/// What comes of the message. A server with nothing amiss is taken to accept
/// it: 250 to `MAIL FROM` and `RCPT TO`, 354 to `DATA`.
pub(super) fn send(onward: Option<&Onward>, peer: &Peer, channel: Channel) -> Attempt {
    let Some(onward) = onward else {
        return Attempt::Ready(channel);
    };
    let mut queued = onward.replies.iter();
    for step in &STEPS {
        match queued.next() {
            Some(reply) if reply.code / 100 == step.goes_on => {}
            Some(reply) => return said(step, &reply.text(), dsn(reply), peer),
            None if onward.closed => {
                return Attempt::Counted(interrupted(Interruption::Lost, peer, step.sending));
            }
            None if onward.replies.is_empty() => return Attempt::Ready(channel),
            // From here on the server's own replies come too late: that to an
            // earlier command, which is no answer to `DATA`.
            None => {
                if step.goes_on != 2 {
                    return said(step, UNSEEN, "2.0.0".to_owned(), peer);
                }
            }
        }
    }
    // All commands are on their way, in their order, so the server takes the
    // message too.
    match queued.next() {
        Some(reply) if reply.code / 100 != MESSAGE.goes_on => {
            said(&MESSAGE, &reply.text(), dsn(reply), peer)
        }
        None if onward.closed => {
            Attempt::Counted(interrupted(Interruption::Lost, peer, MESSAGE.sending))
        }
        _ => Attempt::Ready(channel),
    }
}

/// A reply that ends the delivery (`smtp_mesg_fail`, `smtp_rcpt_fail`): what
/// neither begins with 4 nor with 5 is a protocol error (`vsmtp_fill_dsn`).
fn said(step: &Step, text: &str, dsn: String, peer: &Peer) -> Attempt {
    let reason = format!(
        "host {} said: {text} (in reply to {})",
        peer.name, step.command
    );
    match dsn.as_bytes().first() {
        Some(b'4') => Attempt::Counted(Failure { dsn, reason }),
        Some(b'5') => Attempt::Hard(Failure { dsn, reason }),
        _ => Attempt::Hard(Failure::new("5.5.0", format!("Protocol error: {reason}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::failure::is_interruption;
    use crate::observation::Reply;

    fn peer() -> Peer {
        Peer {
            name: "mx.example[192.0.2.1]".to_owned(),
            port: 25,
        }
    }

    fn after(replies: &[&str], closed: bool) -> Attempt {
        let replies = replies.iter().map(|line| Reply {
            code: line.get(..3).unwrap().parse().unwrap(),
            lines: vec![(*line).to_owned()],
        });
        let onward = Onward {
            replies: replies.collect(),
            left_out: 0,
            closed,
        };
        send(Some(&onward), &peer(), Channel::Plaintext)
    }

    fn code(attempt: &Attempt) -> (&str, &str) {
        match attempt {
            Attempt::Hard(failure) => ("hard", &failure.dsn),
            Attempt::Counted(failure) => ("counted", &failure.dsn),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_reply_too_many_bounces_at_data() {
        for replies in [
            &["250 mx"][..],
            &["220 mx"],
            &["250 one", "250 two"],
            &["250 one", "250 two", "250 three"],
            &["250 one", "250 two", "250 three", "250 four"],
        ] {
            let attempt = after(replies, false);
            assert_eq!(code(&attempt), ("hard", "5.5.0"), "{replies:?}");
            let Attempt::Hard(failure) = attempt else {
                continue;
            };
            assert!(
                failure
                    .reason
                    .starts_with("Protocol error: host mx.example")
            );
            assert!(failure.reason.ends_with("(in reply to DATA command)"));
        }
    }

    #[test]
    fn a_refusal_ends_it_where_its_turn_comes() {
        for (replies, expected) in [
            (&["502 5.5.2 what?"][..], ("hard", "5.5.2")),
            (&["451 4.3.0 wait"], ("counted", "4.3.0")),
            (&["250 ok", "550 no"], ("hard", "5.0.0")),
            (&["250 ok", "450 no"], ("counted", "4.0.0")),
            (&["354 go on"], ("hard", "5.5.0")),
            (&["250 ok", "250 ok", "421 4.3.2 bye"], ("counted", "4.3.2")),
        ] {
            assert_eq!(code(&after(replies, false)), expected, "{replies:?}");
        }
    }

    #[test]
    fn a_closed_connection_is_lost_where_the_replies_end() {
        for (replies, stage) in [
            (&[][..], "sending MAIL FROM"),
            (&["250 ok"], "sending RCPT TO"),
            (&["250 ok", "250 ok"], "sending DATA command"),
        ] {
            let Attempt::Counted(failure) = after(replies, true) else {
                panic!("{replies:?}");
            };
            assert_eq!(failure.dsn, "4.4.2");
            assert!(failure.reason.ends_with(stage), "{}", failure.reason);
            assert!(is_interruption(&failure));
        }
    }

    #[test]
    fn nothing_amiss_is_a_server_that_takes_mail() {
        let attempt = send(None, &peer(), Channel::Encrypted);
        assert_eq!(attempt, Attempt::Ready(Channel::Encrypted));
    }

    #[test]
    fn a_reply_that_asks_for_the_message_too_early_lets_it_through() {
        let asks = ["250 ok", "250 ok", "354 go on"];
        let ready = Attempt::Ready(Channel::Plaintext);
        assert_eq!(after(&asks, false), ready);
        let with = |last| after(&[asks[0], asks[1], asks[2], last], false);
        assert_eq!(with("250 ok"), ready);
        assert_eq!(code(&with("550 5.7.1 no")), ("hard", "5.7.1"));
        assert_eq!(code(&with("450 4.3.0 wait")), ("counted", "4.3.0"));
        let Attempt::Counted(failure) = after(&asks, true) else {
            panic!("it is lost");
        };
        assert!(failure.reason.contains("end of data"), "{}", failure.reason);
    }
}
