//! Why a TLS handshake failed, in words that the judging half knows again.

use serde::{Deserialize, Serialize};

/// A TLS handshake that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandshakeFailure {
    /// What went wrong, in one line.
    pub text: String,
    /// The alert that the server sent (RFC 8446 section 6), by its name.
    pub alert: Option<String>,
    /// It ended because time was up.
    pub timed_out: bool,
    /// Our own TLS does not support what the server sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ours: bool,
    /// A limit of this program ended it, where Postfix may go on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limit: bool,
}

/// What kind of failure ended a TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeCause {
    /// The server sent plain text, or something else that is not TLS.
    NotTls,
    /// The certificate at this place, 1 for the server's own, cannot be read.
    UnreadableCertificate(usize),
    /// A handshake message is longer than this program takes.
    TooLong,
    /// The connection ended.
    Lost,
    /// Time ran out.
    TimedOut,
    /// The server sent an alert, or did something else.
    Other,
}

impl HandshakeFailure {
    /// The text where the server sent something that is not TLS.
    pub const NOT_TLS: &'static str = "the server sent something that is not TLS";

    /// The beginning of the text where the server sent a reply in place of TLS.
    pub const PLAINTEXT: &'static str = "the server goes on in plain text: ";

    /// The text where a message is longer than this program takes.
    pub const TOO_LONG: &'static str =
        "the server sent a longer handshake message than this program takes";

    /// The text where the connection ended in the handshake.
    pub const LOST: &'static str = "the connection was lost";

    /// What stands before and after the place of a certificate that cannot be
    /// read.
    const UNREADABLE: [&'static str; 2] = [
        "number ",
        " of the certificates that the server sent is none",
    ];

    /// The text where the certificate at this place, 1 for the server's own,
    /// cannot be read.
    pub fn unreadable(place: usize) -> String {
        let [before, after] = Self::UNREADABLE;
        format!("{before}{place}{after}")
    }

    /// What kind of failure it is.
    pub fn cause(&self) -> HandshakeCause {
        let [before, after] = Self::UNREADABLE;
        let place = self.text.strip_prefix(before);
        let place = place.and_then(|rest| rest.strip_suffix(after));
        match self.text.as_str() {
            _ if self.timed_out => HandshakeCause::TimedOut,
            _ if self.alert.is_some() => HandshakeCause::Other,
            Self::NOT_TLS => HandshakeCause::NotTls,
            Self::TOO_LONG => HandshakeCause::TooLong,
            Self::LOST => HandshakeCause::Lost,
            text if text.starts_with(Self::PLAINTEXT) => HandshakeCause::NotTls,
            _ => place
                .and_then(|place| place.parse().ok())
                .map_or(HandshakeCause::Other, HandshakeCause::UnreadableCertificate),
        }
    }
}
