//! A question as a message, and which message is its reply.

use std::io;

use domain::base::iana::{Class, Rcode};
use domain::base::{Message, Rtype};

use super::super::budget::EDNS_PAYLOAD;
use super::super::wire::WireName;

/// The port of name servers and resolvers.
pub const DNS_PORT: u16 = 53;

/// The question.
#[derive(Clone, Copy)]
pub(in super::super) struct Question<'a> {
    pub(in super::super) name: &'a WireName,
    pub(in super::super) rtype: Rtype,
    pub(in super::super) mode: Mode,
}

/// The receiver of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Mode {
    /// A resolver, as Postfix asks it.
    Stub,
    /// A resolver, with CD=1: whatever its own validation says (RFC 4035
    /// section 3.2.2).
    CheckingDisabled,
    /// A name server, without recursion.
    Authority,
}

/// Why no reply came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum NoReply {
    /// Nothing came in time.
    Timeout,
    /// Nobody listens there, or the connection was closed.
    Closed,
    /// No packet gets there.
    Unreachable,
    /// What came is no message.
    Malformed,
}

impl From<io::Error> for NoReply {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::Timeout,
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Unreachable,
        }
    }
}

/// The message (RFC 1035 section 4.1): RD, AD and DO are set, and CD is clear
/// except for danecheck's own validation: Postfix's `RES_USE_DNSSEC`,
/// `RES_USE_EDNS0` and `RES_TRUSTAD`. A name server is asked with DO alone, as
/// resolvers ask it.
pub(super) fn query(question: Question<'_>, id: u16) -> Vec<u8> {
    let name = question.name.as_slice();
    let flags: u16 = match question.mode {
        Mode::Stub => 0x0120,
        Mode::CheckingDisabled => 0x0130,
        Mode::Authority => 0,
    };
    let mut message = Vec::with_capacity(12 + name.len() + 4 + 11);
    let mut put = |number: u16| message.extend_from_slice(&number.to_be_bytes());
    put(id);
    put(flags);
    // One question, and the OPT record (RFC 6891 section 6.1.2).
    [1, 0, 0, 1].into_iter().for_each(&mut put);
    message.extend_from_slice(name);
    let mut put = |number: u16| message.extend_from_slice(&number.to_be_bytes());
    put(question.rtype.to_int());
    put(Class::IN.to_int());
    message.push(0);
    let mut put = |number: u16| message.extend_from_slice(&number.to_be_bytes());
    put(Rtype::OPT.to_int());
    put(EDNS_PAYLOAD);
    // Version 0 and the DO bit (RFC 3225 section 3); no options.
    [0, 0x8000, 0].into_iter().for_each(&mut put);
    message
}

/// Whether a datagram is the reply to a question, as far as glibc looks
/// (`res_queriesmatch`): its number, and the question in it. A reply by which a
/// server says that it does not understand the question may leave it out.
pub(super) fn is_reply(bytes: &[u8], question: Question<'_>, id: u16) -> bool {
    if bytes.first_chunk() != Some(&id.to_be_bytes()) {
        return false;
    }
    // The sender knows the number: what cannot be read is malformed, and nothing
    // better will come.
    let Ok(message) = Message::from_octets(bytes) else {
        return true;
    };
    match message.header_counts().qdcount() {
        0 => message.header().rcode() == Rcode::FORMERR,
        1 => message.sole_question().map_or(true, |asked| {
            asked.qtype() == question.rtype
                && asked.qclass() == Class::IN
                && asked.qname() == question.name
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr as _;

    fn name(text: &str) -> WireName {
        WireName::from_str(text).unwrap()
    }

    #[test]
    fn a_question_says_what_postfix_says() {
        let name = name("mx.example.");
        for (mode, flags) in [
            (Mode::Stub, (true, true, false)),
            (Mode::CheckingDisabled, (true, true, true)),
            (Mode::Authority, (false, false, false)),
        ] {
            let question = Question {
                name: &name,
                rtype: Rtype::TLSA,
                mode,
            };
            let bytes = query(question, 0x1234);
            let message = Message::from_octets(&bytes[..]).unwrap();
            let header = message.header();
            assert_eq!(header.id(), 0x1234);
            assert_eq!((header.rd(), header.ad(), header.cd()), flags, "{mode:?}");
            let asked = message.sole_question().unwrap();
            assert_eq!(asked.qname(), &name);
            assert_eq!((asked.qtype(), asked.qclass()), (Rtype::TLSA, Class::IN));
            let opt = message.opt().unwrap();
            assert!(opt.dnssec_ok());
            assert_eq!(opt.udp_payload_size(), EDNS_PAYLOAD);
            assert_eq!(opt.opt().len(), 0);
            assert!(!header.qr());
        }
    }

    #[test]
    fn a_reply_has_the_number_and_the_question() {
        let name = name("mx.example.");
        let question = Question {
            name: &name,
            rtype: Rtype::TLSA,
            mode: Mode::Stub,
        };
        let sent = query(question, 7);
        assert!(is_reply(&sent, question, 7));
        assert!(!is_reply(&sent, question, 8), "another number");
        let other = WireName::from_str("my.example.").unwrap();
        for (name, rtype) in [(&other, Rtype::TLSA), (&name, Rtype::A)] {
            let asked = Question {
                name,
                rtype,
                ..question
            };
            assert!(!is_reply(&query(asked, 7), question, 7), "{rtype}");
        }
        let upper = WireName::from_str("MX.EXAMPLE.").unwrap();
        let upper = Question {
            name: &upper,
            ..question
        };
        assert!(
            is_reply(&query(upper, 7), question, 7),
            "names have no case"
        );
        // Without the question only "I do not understand" counts.
        let mut bare = vec![0, 7, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(is_reply(&bare, question, 7));
        bare[3] = 5;
        assert!(!is_reply(&bare, question, 7));
        // What knows the number and cannot be read is no reason to wait.
        assert!(is_reply(&sent[..14], question, 7));
        assert!(is_reply(&[0, 7], question, 7));
        assert!(!is_reply(&[0], question, 7));
    }
}
