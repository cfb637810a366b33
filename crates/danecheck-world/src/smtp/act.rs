//! What each misbehaviour does at each step. A variant that a step does not
//! list does not change it.

use std::time::Duration;

use super::misbehaviour::Misbehaviour;

/// What is done at a step of the cleartext or encrypted dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Replies, and continues.
    Say(String),
    /// Replies and closes.
    SayAndClose(String),
    /// Closes without an answer.
    Close,
    /// Says nothing until the client closes.
    Hang,
    /// Repeats this as long as the client reads.
    Flood(&'static str),
    /// Sends the first once and repeats the second as long as the client reads.
    FloodAfter(&'static str, &'static str),
    /// Repeats this line, with a pause before each.
    Tarpit(&'static str, Duration),
    /// Waits and then behaves normally.
    Delay(Duration),
    /// Says this and continues with TLS.
    StartTls(String),
    /// As before, followed by this in the same segment.
    StartTlsAnd(String, &'static str),
}

/// What is done with a ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandshakeAct {
    /// Closes.
    Close,
    /// Says nothing until the client closes.
    Hang,
    /// Answers with these bytes.
    Send(&'static [u8]),
    /// Answers with these bytes unless the client names a known identity.
    SendUnlessNamed(&'static [u8]),
    /// Answers with these bytes if the client names an unknown identity.
    SendIfUnknown(&'static [u8]),
    /// As before, and continues.
    WarnIfUnknown(&'static [u8]),
    /// Closes if the client names anything.
    CloseIfNamed,
    /// Says nothing more if the client names anything.
    HangIfNamed,
    /// Closes if the client names nothing.
    CloseIfUnnamed,
    /// Answers with these bytes and then with zeros, one by one, this far
    /// apart.
    Drip(&'static [u8], Duration),
    /// Closes unless the client offers obsolete suites; else answers with these
    /// bytes as long as the client listens.
    FloodOldTls(&'static [u8]),
    /// Answers with the first bytes once and with the second as long as the
    /// client reads.
    Flood(&'static [u8], &'static [u8]),
}

const UNAVAILABLE: &str = "421 4.3.2 Service not available, closing transmission channel";
const NOT_IMPLEMENTED: &str = "502 5.5.1 Command not implemented";

/// An alert record: content type 21, version, length 2, fatal, description
/// (RFC 8446 section 6).
const fn alert(minor_version: u8, description: u8) -> [u8; 7] {
    [21, 3, minor_version, 0, 2, 2, description]
}

/// The header of the longest record (RFC 5246 section 6.2.1), a handshake.
const LONGEST_RECORD: [u8; 5] = [22, 3, 3, 0x40, 0];

/// A record of a handshake message of no length: HelloRequest.
const HELLO_REQUEST: [u8; 9] = [22, 3, 3, 0, 4, 0, 0, 0, 0];

/// A record as long as any may be, full of HelloRequests.
static HELLO_REQUESTS: [u8; 5 + 0x4000] = {
    let mut record = [0; 5 + 0x4000];
    if let Some((header, _)) = record.split_first_chunk_mut() {
        *header = LONGEST_RECORD;
    }
    record
};

/// A warning that clients ignore: unrecognized_name(112).
const WARNING: [u8; 7] = [21, 3, 3, 0, 2, 1, 112];

/// A ServerHello for TLS 1.2 with ECDHE-RSA-AES128-GCM-SHA256, and the first
/// bytes of a certificate message as long as any can be (RFC 5246 sections
/// 7.4.1.3 and 7.4.2).
const HELLO_AND_CERTIFICATE: [u8; 62] = [
    22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0xc0, 0x2f, 0, 22, 3, 3, 0, 10, 11, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xfc, 0xff, 0xff, 0xf9,
];

/// The first flight of a server with TLS 1.0 and DH-anon-AES256-SHA: ServerHello,
/// a ServerKeyExchange of 2048 bits and ServerHelloDone (RFC 2246 section 7.4).
const TLS10_ANONYMOUS: [u8; 584] = {
    let mut flight = [7; 584];
    put(&mut flight, 0, &[22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1]);
    // No session, the suite, no compression.
    put(&mut flight, 43, &[0, 0, 0x3a, 0]);
    put(&mut flight, 47, &[22, 3, 1, 2, 11, 12, 0, 2, 7, 1, 0]);
    put(&mut flight, 58 + 256, &[0, 1, 2, 1, 0]);
    put(
        &mut flight,
        58 + 256 + 5 + 256,
        &[22, 3, 1, 0, 4, 14, 0, 0, 0],
    );
    flight
};

const fn put(flight: &mut [u8], place: usize, bytes: &[u8]) {
    let (_, rest) = flight.split_at_mut(place);
    let (here, _) = rest.split_at_mut(bytes.len());
    here.copy_from_slice(bytes);
}

/// More of a handshake message, in a record of 16 bytes.
const MORE_OF_IT: [u8; 21] = [
    22, 3, 3, 0, 16, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
];

impl Misbehaviour {
    /// In place of the greeting for a client after this many others.
    pub(super) fn at_first_clients(&self, number: usize) -> Option<Act> {
        match self {
            Self::Greeting421AtFirst(clients) if number < *clients => {
                Some(Act::SayAndClose(UNAVAILABLE.into()))
            }
            _ => None,
        }
    }

    pub(super) fn at_greeting(&self, host: &str) -> Option<Act> {
        Some(match self {
            Self::Greeting421 => Act::SayAndClose(UNAVAILABLE.into()),
            Self::Greeting554 => Act::Say(format!("554 5.7.1 {host} takes no mail from you")),
            Self::GreetingReply(lines) => Act::Say(lines.clone()),
            Self::MultilineGreeting => {
                Act::Say(format!("220-{host} ESMTP\n220-Be brief\n220 Be nice"))
            }
            Self::NoGreeting => Act::Hang,
            Self::SlowGreeting(time) => Act::Delay(*time),
            Self::DropBeforeGreeting => Act::Close,
            Self::NotSmtp => Act::Say("SSH-2.0-OpenSSH_9.2".into()),
            Self::MultilineFlood => Act::Flood("220-and another line\r\n"),
            Self::EndlessLine => Act::FloodAfter("220 ", "and so on "),
            Self::Tarpit(pause) => Act::Tarpit("220-wait", *pause),
            _ => return None,
        })
    }

    /// What is added after any greeting.
    pub(super) fn in_greeting(&self) -> Option<&'static [u8]> {
        match self {
            Self::ControlCharactersInGreeting => {
                Some(b" \x1b[2J\x1b[31mred\x1b]0;title\x07 \x00 \x7f \xff\xfe \xc2\x9b1m end")
            }
            _ => None,
        }
    }

    pub(super) fn at_ehlo(&self) -> Option<Act> {
        Some(match self {
            Self::EhloRefused5xx | Self::EhloAndHeloRefused => Act::Say(NOT_IMPLEMENTED.into()),
            Self::Ehlo421 => Act::SayAndClose(UNAVAILABLE.into()),
            Self::DropAtEhlo => Act::Close,
            Self::HangAtEhlo => Act::Hang,
            Self::EhloFlood => Act::Flood("250-X-ANOTHER\r\n"),
            Self::EhloReply(lines) => Act::Say(lines.clone()),
            Self::EhloReplyAndClose(lines) => Act::SayAndClose(lines.clone()),
            _ => return None,
        })
    }

    pub(super) fn at_helo(&self) -> Option<Act> {
        match self {
            Self::EhloAndHeloRefused => Some(Act::Say(NOT_IMPLEMENTED.into())),
            _ => None,
        }
    }

    /// How STARTTLS is spelled in the answer to EHLO, if at all.
    pub(super) fn spells_starttls(&self) -> Option<Option<&'static str>> {
        Some(match self {
            Self::NoStartTls => None,
            Self::StartTlsMasked => Some("XXXXXXXA"),
            Self::StartTlsInLowerCase => Some("starttls"),
            Self::StartTlsOddlySpaced => Some("  = STARTTLS= "),
            Self::StartTlsWithParameter => Some("STARTTLS REQUIRED"),
            _ => return None,
        })
    }

    pub(super) fn at_starttls(&self) -> Option<Act> {
        Some(match self {
            Self::NoStartTls
            | Self::StartTlsMasked
            | Self::EhloRefused5xx
            | Self::EhloAndHeloRefused => Act::Say(NOT_IMPLEMENTED.into()),
            Self::StartTls454 => {
                Act::Say("454 4.7.0 TLS not available due to local problem".into())
            }
            Self::StartTls554 => Act::Say("554 5.7.3 TLS is not for you".into()),
            Self::StartTlsReply(lines) if lines.starts_with('2') => Act::StartTls(lines.clone()),
            Self::StartTlsReply(lines) => Act::Say(lines.clone()),
            Self::StartTlsReplyAndClose(lines) => Act::SayAndClose(lines.clone()),
            Self::DropBeforeStartTlsReply => Act::Close,
            Self::HangAtStartTlsReply => Act::Hang,
            Self::CleartextAfterStartTlsReply => Act::StartTlsAnd(
                "220 2.0.0 Go ahead".into(),
                "250-injected\r\n250 AUTH PLAIN\r\n",
            ),
            _ => return None,
        })
    }

    pub(super) fn at_client_hello(&self) -> Option<HandshakeAct> {
        Some(match self {
            Self::DropAfterStartTlsReply => HandshakeAct::Close,
            Self::HangInHandshake => HandshakeAct::Hang,
            Self::GarbageInHandshake => {
                HandshakeAct::Send(b"500 5.5.2 Error: command not recognized\r\n")
            }
            Self::DripInHandshake(pause) => HandshakeAct::Drip(&LONGEST_RECORD, *pause),
            Self::EmptyRecordFlood => HandshakeAct::Flood(&[], &[22, 3, 3, 0, 0]),
            Self::HelloRequestFlood => HandshakeAct::Flood(&[], &HELLO_REQUEST),
            Self::HelloRequestsToOldTls => HandshakeAct::FloodOldTls(&HELLO_REQUESTS),
            Self::WarningFlood => HandshakeAct::Flood(&[], &WARNING),
            Self::EndlessCertificate => HandshakeAct::Flood(&HELLO_AND_CERTIFICATE, &MORE_OF_IT),
            Self::HandshakeAlert => HandshakeAct::Send(&const { alert(3, 40) }),
            Self::ProtocolVersionAlert => HandshakeAct::Send(&const { alert(1, 70) }),
            Self::Tls10Anonymous => HandshakeAct::Send(&TLS10_ANONYMOUS),
            Self::UnrecognizedNameAlert => HandshakeAct::SendUnlessNamed(&const { alert(3, 112) }),
            Self::UnknownNameAlert => HandshakeAct::SendIfUnknown(&const { alert(3, 112) }),
            Self::UnknownNameWarning => HandshakeAct::WarnIfUnknown(&WARNING),
            Self::DropIfNamed => HandshakeAct::CloseIfNamed,
            Self::HangIfNamed => HandshakeAct::HangIfNamed,
            Self::DropUnlessNamed => HandshakeAct::CloseIfUnnamed,
            _ => return None,
        })
    }

    pub(super) fn at_ehlo_after_tls(&self) -> Option<Act> {
        Some(match self {
            Self::EhloAfterTlsDropped => Act::Close,
            Self::HangAfterTls => Act::Hang,
            Self::FloodAfterTls => Act::Flood("250-X-ANOTHER\r\n"),
            Self::EhloAfterTlsReply(lines) => Act::Say(lines.clone()),
            Self::EhloAfterTlsAndClose => Act::SayAndClose("250 closing".into()),
            Self::EhloAfterTls421 => Act::SayAndClose(UNAVAILABLE.into()),
            Self::EhloAfterTls5xx => Act::Say("554 5.3.0 Not after all".into()),
            _ => return None,
        })
    }

    pub(super) fn at_helo_after_tls(&self) -> Option<Act> {
        match self {
            Self::EhloAfterTls5xx => self.at_ehlo_after_tls(),
            _ => None,
        }
    }

    /// The time between two bytes of a cleartext reply.
    pub(super) fn pace(&self) -> Option<Duration> {
        match self {
            Self::Drip(pace) => Some(*pace),
            _ => None,
        }
    }
}
