//! One SMTP session with one address: how far it got and how it ended.

use serde::{Deserialize, Serialize};

use crate::postfix::{HelloLimits, TlsVersion};

use super::der::Der;
use super::handshake_failure::HandshakeFailure;

/// A session as far as `EHLO` inside TLS; no mail is ever sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The server name asked for in TLS (SNI, RFC 6066 section 3).
    pub sni: Option<String>,
    /// The greeting, if one came.
    pub greeting: Option<Reply>,
    /// The reply to `EHLO` (or `HELO`) before TLS, if one came.
    pub ehlo: Option<Reply>,
    /// What TLS showed; also present if the handshake failed after the server's
    /// certificate had come.
    pub tls: Option<TlsSeen>,
    /// The server's answer to Postfix's own ClientHello, if our TLS does not
    /// support what the server does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legacy: Option<LegacySeen>,
    /// The same session with groups that only newer Postfix offers in TLS 1.3, if the
    /// server takes no other: ffdhe2048 and ffdhe3072 (since 3.8), or X25519MLKEM768
    /// (since 3.11).
    #[serde(
        default,
        alias = "finite_field",
        skip_serializing_if = "Option::is_none"
    )]
    pub newer_groups: Option<Box<Session>>,
    /// The reply to `EHLO` before TLS, where it was refused and `HELO` accepted:
    /// then STARTTLS is not so much missing as not asked for. Older observations
    /// keep no 5xx reply of a server that is in step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_ehlo: Option<Reply>,
    /// The reply to `EHLO` inside TLS, if it was refused and `HELO` tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_ehlo_in_tls: Option<Reply>,
    /// What had come before our `EHLO`, behind the greeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_ehlo: Option<Unasked>,
    /// What had come before our `STARTTLS`, behind the reply to `EHLO`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ehlo: Option<Unasked>,
    /// What `MAIL FROM` would find in the place of `STARTTLS`, where that is
    /// not plain from this session: seen in another one, without TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_starttls: Option<Onward>,
    /// What `MAIL FROM` would find at the end of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onward: Option<Onward>,
    /// How it ended.
    pub end: SessionEnd,
}

/// What a server sent unasked: each command takes the next reply, whether it
/// came early or late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unasked {
    /// How many bytes had come.
    pub bytes: u64,
    /// The first lines of them, line ends removed.
    pub lines: Vec<String>,
}

/// What the next command finds, where that is not a server that waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Onward {
    /// The first of the replies that are there already, or on their way.
    pub replies: Vec<Reply>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u32,
    /// Behind them the server closes the connection, whatever the command is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Session {
    /// A session of which nothing is known but its end.
    pub fn ended(sni: Option<String>, end: SessionEnd) -> Self {
        Self {
            sni,
            greeting: None,
            ehlo: None,
            tls: None,
            legacy: None,
            newer_groups: None,
            refused_ehlo: None,
            refused_ehlo_in_tls: None,
            before_ehlo: None,
            after_ehlo: None,
            without_starttls: None,
            onward: None,
            end,
        }
    }

    /// What `MAIL FROM` finds after `EHLO` without `STARTTLS`, where that is
    /// not a server that waits for it.
    pub fn onward_in_plaintext(&self) -> Option<&Onward> {
        match self.end {
            SessionEnd::NoStartTls => self.onward.as_ref(),
            _ => self.without_starttls.as_ref(),
        }
    }

    /// The reply with which the server refused for now, which says nothing
    /// about its TLS (RFC 5321 section 4.2.1).
    pub fn refusal_for_now(&self) -> Option<&Reply> {
        let refusal = match &self.end {
            SessionEnd::GreetingRefused(reply)
            | SessionEnd::EhloRefused(reply)
            | SessionEnd::StartTlsRefused(reply)
            | SessionEnd::EhloRefusedInTls(reply) => Some(reply),
            SessionEnd::NoStartTls => self.refused_ehlo.as_ref(),
            _ => None,
        };
        refusal.filter(|reply| reply.code / 100 == 4)
    }

    /// Whether its keys were made in the group X25519MLKEM768.
    pub fn is_in_hybrid_group(&self) -> bool {
        let group = self.tls.as_ref().and_then(|tls| tls.group.as_deref());
        group == Some("X25519MLKEM768")
    }

    /// Whether it came as far as the handshake.
    pub fn came_to_tls(&self) -> bool {
        matches!(
            self.end,
            SessionEnd::HandshakeFailed(_)
                | SessionEnd::NoEhloReplyInTls(_)
                | SessionEnd::EhloRefusedInTls(_)
                | SessionEnd::Completed
        )
    }

    /// The version of TLS in use, or in use with Postfix.
    pub fn version(&self) -> Option<TlsVersion> {
        let finished = self.tls.as_ref().and_then(|tls| tls.version.as_ref());
        let legacy = self.legacy.as_ref().and_then(LegacySeen::tls);
        let version = legacy.map(|tls| &tls.version).or(finished)?;
        version.parse().ok()
    }

    /// The suite in use, or in use with Postfix, by its IANA name.
    pub fn suite(&self) -> Option<&str> {
        let finished = self.tls.as_ref().and_then(|tls| tls.cipher.as_deref());
        let legacy = self.legacy.as_ref().and_then(LegacySeen::tls);
        legacy.map(|tls| tls.cipher.as_str()).or(finished)
    }

    /// Whether a ClientHello with these limits has the same result as that of
    /// this session. A server that fails when all is offered is assumed to fail
    /// when less is.
    pub fn holds_under(&self, limits: HelloLimits) -> bool {
        let suite = self.suite();
        !self.came_to_tls() || suite.is_none() || limits.allow(self.version(), suite)
    }

    /// About how many bytes of it came from the server.
    pub fn size(&self) -> usize {
        let refusal = match &self.end {
            SessionEnd::GreetingRefused(reply)
            | SessionEnd::EhloRefused(reply)
            | SessionEnd::StartTlsRefused(reply)
            | SessionEnd::EhloRefusedInTls(reply) => Some(reply),
            _ => None,
        };
        let replies = self
            .greeting
            .iter()
            .chain(&self.ehlo)
            .chain(&self.refused_ehlo)
            .chain(&self.refused_ehlo_in_tls)
            .chain(refusal);
        let onward = [&self.without_starttls, &self.onward];
        let queued = onward.into_iter().flatten().flat_map(|one| &one.replies);
        let unasked = [&self.before_ehlo, &self.after_ehlo];
        let text: usize = replies
            .chain(queued)
            .flat_map(|reply| &reply.lines)
            .chain(unasked.into_iter().flatten().flat_map(|one| &one.lines))
            .map(|line| line.len().saturating_add(size_of::<String>()))
            .sum();
        let newer = self.legacy.iter().filter_map(|it| it.newer.as_deref());
        let legacy = self.legacy.iter().chain(newer).flat_map(|legacy| {
            let looks = [Some(&legacy.verifying), legacy.lenient.as_ref()];
            looks.into_iter().flatten()
        });
        let old_chains = legacy.filter_map(|answer| match answer {
            LegacyAnswer::Spoken(tls) => Some(&tls.chain),
            LegacyAnswer::Refused(_) => None,
        });
        let chains = self.tls.iter().map(|tls| &tls.chain).chain(old_chains);
        let chain: usize = chains.flatten().map(|der| der.0.len()).sum();
        let other = self.newer_groups.as_ref().map_or(0, |other| other.size());
        text.saturating_add(chain).saturating_add(other)
    }
}

/// A session with a ClientHello that offers less than Postfix's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitedLook {
    /// What it offers.
    pub offer: LimitedOffer,
    /// The session.
    pub session: Session,
}

/// The limits of a ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitedOffer {
    /// TLS 1.2.
    Tls12,
    /// Signatures with RSA keys.
    Rsa,
    /// Signatures with keys on curves.
    Curves,
}

/// A session with the ClientHello of a policy line; its server name is that of
/// the session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnHello {
    /// What it was limited to.
    pub limits: HelloLimits,
    /// The result.
    pub session: Session,
}

/// Where a session ended, in the order of the dialogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SessionEnd {
    /// No TCP connection.
    NotConnected(ConnectFailure),
    /// No greeting.
    NoGreeting(Interruption),
    /// A greeting other than 2xx.
    GreetingRefused(Reply),
    /// No reply to `EHLO`, or to `HELO` after it.
    NoEhloReply(Interruption),
    /// `EHLO` answered with 421, or `HELO` after a refused `EHLO` with
    /// anything but 2xx.
    EhloRefused(Reply),
    /// The server is ready for mail and offers no STARTTLS.
    NoStartTls,
    /// No reply to `STARTTLS`.
    NoStartTlsReply(Interruption),
    /// `STARTTLS` answered with anything but 2xx.
    StartTlsRefused(Reply),
    /// STARTTLS accepted, no TLS session.
    HandshakeFailed(HandshakeFailure),
    /// No reply to the `EHLO` inside TLS.
    NoEhloReplyInTls(Interruption),
    /// The `EHLO` inside TLS refused, and `HELO` after it unless it was 421.
    EhloRefusedInTls(Reply),
    /// The server is ready for mail inside TLS.
    Completed,
    /// There was no session: the server is assumed to be ready for mail inside
    /// TLS ([`Assumption`](super::Assumption)).
    Assumed,
}

/// A dialogue that ended without a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interruption {
    /// The connection was closed or reset.
    Lost,
    /// Nothing, or not all of it, came in time.
    TimedOut,
    /// The reply was longer than any reply may be, and was cut off.
    Flooded,
}

/// A connection that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectFailure {
    /// The class.
    pub kind: ConnectFailureKind,
    /// The operating system's words, as Postfix logs them: `Connection
    /// refused`.
    pub text: String,
}

/// Classes of failed connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ConnectFailureKind {
    /// Refused.
    Refused,
    /// No answer.
    TimedOut,
    /// There is no route from here.
    Unreachable,
    /// The proxy failed; the text says why.
    Proxy,
    /// Anything else.
    Other,
}

/// A server's answers to the ClientHellos of Postfix on OpenSSL 3, read in the
/// clear; neither handshake was finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegacySeen {
    /// To the ClientHello of levels at which a certificate must match:
    /// OpenSSL's security level 1, no anonymous suites.
    pub verifying: LegacyAnswer,
    /// To the ClientHello of `may` and `encrypt`: security level 0. Sent only
    /// if the first was refused, because it offers all of that one and more.
    pub lenient: Option<LegacyAnswer>,
    /// The same with the ClientHellos of Postfix 3.8 and newer on OpenSSL 3.2 and
    /// newer, if the server chose a suite that these do not offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer: Option<Box<LegacySeen>>,
}

/// An answer to one ClientHello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegacyAnswer {
    /// Everything that a client needs to continue.
    Spoken(LegacyTls),
    /// Anything else; why, in one line.
    Refused(String),
}

/// What a server agreed to in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegacyTls {
    /// `TLSv1`, `TLSv1.1` or `TLSv1.2`.
    pub version: String,
    /// The suite by its IANA name.
    pub cipher: String,
    /// The suite has no certificate.
    pub anonymous: bool,
    /// The server signs its part of the key exchange.
    pub signed: bool,
    /// The signature is in TLS 1.2 and uses SHA-1.
    pub sha1_signature: bool,
    /// The key exchange.
    pub key_exchange: KeyExchange,
    /// The certificates in the order presented, the leaf first.
    pub chain: Vec<Der>,
}

/// A key exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyExchange {
    /// With the RSA key of the certificate.
    Rsa,
    /// Diffie-Hellman with a prime of this many bits.
    FiniteField(u32),
    /// In this group.
    Group(String),
}

impl Session {
    /// The certificates from either TLS, the leaf first.
    pub fn chain(&self) -> &[Der] {
        let finished = self.tls.as_ref().map(|tls| tls.chain.as_slice());
        let read = self.legacy.as_ref().and_then(LegacySeen::tls);
        finished
            .filter(|chain| !chain.is_empty())
            .or(read.map(|tls| tls.chain.as_slice()))
            .unwrap_or_default()
    }
}

impl LegacySeen {
    /// What the server agreed to; with certificates, if it had the choice.
    pub fn tls(&self) -> Option<&LegacyTls> {
        [Some(&self.verifying), self.lenient.as_ref()]
            .into_iter()
            .flatten()
            .find_map(|answer| match answer {
                LegacyAnswer::Spoken(tls) => Some(tls),
                LegacyAnswer::Refused(_) => None,
            })
    }
}

/// One reply, with all its lines as they came, line ends removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The three digits of the last line.
    pub code: u16,
    /// The lines, code included, still with control characters.
    pub lines: Vec<String>,
}

/// What TLS showed of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSeen {
    /// `TLSv1.3`; `None` if the handshake ended before it was agreed.
    pub version: Option<String>,
    /// The suite by its IANA name.
    pub cipher: Option<String>,
    /// The key exchange group.
    pub group: Option<String>,
    /// The certificates in the order presented, the leaf first.
    pub chain: Vec<Der>,
    /// Whether the server proved that it has the leaf's key.
    pub signature: SignatureCheck,
    /// The server asked for a client certificate; danecheck sent none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub client_certificate_wanted: bool,
    /// The server warned that it does not know the server name (RFC 6066
    /// section 3), and continued.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub name_unknown: bool,
}

impl TlsSeen {
    /// A handshake that has shown nothing yet.
    pub fn nothing() -> Self {
        Self {
            version: None,
            cipher: None,
            group: None,
            chain: Vec::new(),
            signature: SignatureCheck::NotSeen,
            client_certificate_wanted: false,
            name_unknown: false,
        }
    }
}

/// The check of the server's handshake signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SignatureCheck {
    /// It was made with the leaf's key.
    Good,
    /// It was not.
    Bad(String),
    /// This program does not support the algorithm.
    Unknown(String),
    /// There was none.
    NotSeen,
}

impl Reply {
    /// The reply in one line, as Postfix logs it: of each line what comes
    /// before a NUL, with `?` for what cannot be printed (`smtp_chat_resp`).
    pub fn text(&self) -> String {
        let lines: Vec<String> = self.lines.iter().map(|line| printable(line)).collect();
        lines.join(" ")
    }

    /// Whether it is the greeting of a firewall that hides all of it, as Cisco's
    /// PIX does: `220 ****`. Postfix then sends `HELO` and no `EHLO`, so it sees
    /// no offer of STARTTLS (`smtp_helo`, `smtp_pix_workarounds`).
    pub fn is_hidden_by_firewall(&self) -> bool {
        let mut lines = self.lines.iter().map(|line| printable(line));
        lines.all(|line| {
            line.bytes()
                .all(|byte| matches!(byte, b'2' | b'0' | b' ' | b'*'))
        })
    }

    /// The word that a firewall that inspects SMTP puts in the place of
    /// STARTTLS, as Cisco's does: `XXXXXXXA`.
    pub fn mask(&self) -> Option<String> {
        self.keywords().find(|word| {
            let xs = word.strip_suffix('A').unwrap_or(word);
            xs.len() >= 6 && xs.bytes().all(|byte| byte == b'X')
        })
    }

    /// Whether the reply is 2xx.
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// The keywords of an `EHLO` reply, in the words of Postfix's `smtp_helo`:
    /// in each line that has one, what follows the code and one separator,
    /// from there past blanks and `=` up to the next; the first of them
    /// is the server's name. A tab is no separator, for it is a `?` by then.
    pub fn keywords(&self) -> impl Iterator<Item = String> {
        const AROUND: [char; 2] = [' ', '='];
        self.lines
            .iter()
            .filter_map(|line| {
                let line = printable(line);
                let (_, words) = line.trim_start_matches(['-', ' ']).split_once(['-', ' '])?;
                words
                    .trim_start_matches(AROUND)
                    .split(AROUND)
                    .next()
                    .filter(|word| !word.is_empty())
                    .map(str::to_owned)
            })
            .skip(1)
    }
}

/// What Postfix keeps of a line: up to a NUL, and `?` for each character that
/// cannot be printed.
fn printable(line: &str) -> String {
    let line = line.split('\0').next().unwrap_or_default();
    line.chars()
        .map(|c| match c {
            char::REPLACEMENT_CHARACTER => '?',
            c if c.is_control() => '?',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_of_nothing_but_stars_is_hidden() {
        let reply = |lines: &[&str]| Reply {
            code: 220,
            lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        };
        for hidden in [
            "220",
            "220 ",
            "220 ****2**0****",
            "220 ***\0 mx.example ESMTP",
        ] {
            assert!(reply(&[hidden]).is_hidden_by_firewall(), "{hidden}");
        }
        for shown in ["220 mx", "220-**", "220 ***\t", "221 **"] {
            assert!(!reply(&[shown]).is_hidden_by_firewall(), "{shown}");
        }
    }

    #[test]
    fn keywords_are_found_where_postfix_finds_them() {
        for (lines, keywords) in [
            (&["250 mx.example"][..], &[][..]),
            (&["250 STARTTLS"], &[]),
            // The name is the first word, in whatever line it is.
            (&["250-", "250 STARTTLS"], &[]),
            (
                &["250-mx", "250-SIZE 1", "250 AUTH=PLAIN"],
                &["SIZE", "AUTH"],
            ),
            (&["250-mx", "250-  STARTTLS  "], &["STARTTLS"]),
            (&["250-mx", "250 STARTTLS\t"], &["STARTTLS?"]),
            (
                &["250-mx", "250-\tSTARTTLS", "250 A\u{7f}B"],
                &["?STARTTLS", "A?B"],
            ),
            (&["250-mx", "250 STARTTLS\0anything"], &["STARTTLS"]),
            (&["250-mx", "250-\0STARTTLS", "250 OK"], &["OK"]),
            (&["250-mx", "250--STARTTLS"], &["-STARTTLS"]),
            (&["250-mx", "noise STARTTLS", "250 OK"], &["STARTTLS", "OK"]),
            (&["250-mx", "", "-", "250"], &[]),
        ] {
            let reply = Reply {
                code: 250,
                lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            };
            assert_eq!(reply.keywords().collect::<Vec<_>>(), keywords, "{lines:?}");
        }
    }
}
