//! The misbehaviours of a mail server.

use std::time::Duration;

/// One misbehaviour of a server.
///
/// A server has a list of them. If two concern the same step, the first counts.
/// `act.rs` says what each does, step by step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    // ------------------------------------------------------------ greeting
    /// Greets with 421 and closes (RFC 5321 section 3.8).
    Greeting421,
    /// Greets this many first clients with 421 and closes, as a server that
    /// refuses unknown clients at first.
    Greeting421AtFirst(usize),
    /// Greets with 554 and then answers 503 to all but QUIT (RFC 5321 section
    /// 3.1). Postfix continues to the next address, for
    /// `smtp_skip_5xx_greeting` is on.
    Greeting554,
    /// Greets with these lines, separated by `\n`, as they are.
    GreetingReply(String),
    /// Greets in three lines, which is allowed (RFC 5321 section 4.2.1).
    MultilineGreeting,
    /// Accepts the connection and never says anything.
    NoGreeting,
    /// Greets after this time.
    SlowGreeting(Duration),
    /// Closes in place of the greeting.
    DropBeforeGreeting,
    /// Resets the connection in place of the greeting; the client may see it
    /// while it still connects.
    ResetBeforeGreeting,
    /// Speaks another protocol: greets as an SSH server does.
    NotSmtp,
    /// Sends `220-` lines for as long as the client listens.
    MultilineFlood,
    /// Sends one line without end for as long as the client listens.
    EndlessLine,
    /// Sends one `220-` line every so often, for ever: each read succeeds,
    /// the greeting never ends.
    Tarpit(Duration),
    /// Adds terminal escapes, a NUL and bytes that are no UTF-8 to whatever
    /// the greeting is.
    ControlCharactersInGreeting,

    // --------------------------------------------------- every cleartext reply
    /// Sends every cleartext reply one byte at a time, this far apart.
    Drip(Duration),
    /// Ends every cleartext line with LF alone (against RFC 5321
    /// section 2.3.8).
    BareLf,

    // ---------------------------------------------------------------- EHLO
    /// Answers EHLO with 502. HELO works, and offers nothing.
    EhloRefused5xx,
    /// Answers EHLO and HELO with 502.
    EhloAndHeloRefused,
    /// Answers EHLO with 421 and closes.
    Ehlo421,
    /// Closes in place of the answer to EHLO.
    DropAtEhlo,
    /// Never answers EHLO.
    HangAtEhlo,
    /// Answers EHLO with lines for as long as the client listens.
    EhloFlood,
    /// Answers EHLO with these lines, separated by `\n`, as they are.
    EhloReply(String),
    /// Answers EHLO with these lines, separated by `\n`, and closes.
    EhloReplyAndClose(String),
    /// Does not offer STARTTLS, and refuses it with 502.
    NoStartTls,
    /// Shows `XXXXXXXA` in place of STARTTLS and refuses the command, as a
    /// firewall that inspects SMTP does to every server beyond it.
    StartTlsMasked,
    /// Offers `starttls`; keywords are case-insensitive (RFC 5321
    /// section 2.4).
    StartTlsInLowerCase,
    /// Offers STARTTLS with blanks and `=` around it, which Postfix's
    /// `smtp_helo` skips.
    StartTlsOddlySpaced,
    /// Offers STARTTLS with a parameter, which RFC 3207 section 4 does not
    /// have and Postfix's `smtp_helo` does not look at.
    StartTlsWithParameter,

    // ------------------------------------------------------------ STARTTLS
    /// Answers STARTTLS with 454 4.7.0.
    StartTls454,
    /// Answers STARTTLS with 554 5.7.3: with TLS required, Postfix bounces.
    StartTls554,
    /// Answers STARTTLS with these lines, separated by `\n`; if the first
    /// begins with a 2, TLS follows.
    StartTlsReply(String),
    /// Answers STARTTLS with these lines, separated by `\n`, and closes.
    StartTlsReplyAndClose(String),
    /// Closes in place of the answer to STARTTLS.
    DropBeforeStartTlsReply,
    /// Never answers STARTTLS.
    HangAtStartTlsReply,
    /// Sends cleartext right behind the answer to STARTTLS, in one segment:
    /// what somebody in between injects (CVE-2011-0411, from the server's
    /// side).
    CleartextAfterStartTlsReply,

    // ----------------------------------------------------------- handshake
    /// Reads the ClientHello and closes.
    DropAfterStartTlsReply,
    /// Reads the ClientHello and says nothing more.
    HangInHandshake,
    /// Answers the ClientHello with an SMTP reply.
    GarbageInHandshake,
    /// Answers the ClientHello with a long record, one byte at a time, with
    /// pauses.
    DripInHandshake(Duration),
    /// Answers the ClientHello with records of no length, which RFC 8446
    /// section 5.1 forbids, for as long as the client listens.
    EmptyRecordFlood,
    /// Answers the ClientHello with HelloRequest, which asks for a
    /// renegotiation (RFC 5246 section 7.4.1.1), for as long as the client
    /// listens.
    HelloRequestFlood,
    /// Closes in place of a handshake; answers a ClientHello that offers suites
    /// without forward secrecy with full records of HelloRequests for as long as
    /// the client listens.
    HelloRequestsToOldTls,
    /// Answers the ClientHello with warnings (RFC 5246 section 7.2) for as
    /// long as the client listens.
    WarningFlood,
    /// Agrees on TLS 1.2 and sends a certificate of 16 MiB that never ends.
    EndlessCertificate,
    /// Answers the ClientHello with the alert handshake_failure(40).
    HandshakeAlert,
    /// Answers the ClientHello with the alert protocol_version(70) in a TLS
    /// 1.0 record, as a server that knows nothing newer does.
    ProtocolVersionAlert,
    /// Agrees on TLS 1.0 with a suite that has no certificate.
    Tls10Anonymous,
    /// Answers the alert unrecognized_name(112) unless the client names one of
    /// the server's named identities (RFC 6066 section 3), so that a client
    /// without SNI fails.
    UnrecognizedNameAlert,
    /// Answers the alert unrecognized_name(112) to clients that name anything
    /// but one of the server's named identities, and takes those that name
    /// nothing.
    UnknownNameAlert,
    /// Answers the warning unrecognized_name(112) to clients that name anything
    /// but one of the server's named identities, and continues.
    UnknownNameWarning,
    /// Closes in place of a handshake with clients that name anything.
    DropIfNamed,
    /// Says nothing more to clients that name anything.
    HangIfNamed,
    /// Closes in place of a handshake with clients that name nothing.
    DropUnlessNamed,
    /// Wants a client certificate. With TLS 1.3 the client takes its handshake
    /// for done when the alert comes.
    RequireClientCertificate,
    /// Asks for a client certificate, and continues without.
    AskForClientCertificate,
    /// Shows its other identity to clients that know TLS 1.2 only; it has to
    /// have one.
    OtherIdentityInTls12,
    /// Knows TLS 1.2 only.
    Tls12Only,
    /// Knows TLS 1.3 only.
    Tls13Only,
    /// Sends this many certificates after its chain, some 400 bytes each.
    /// rustls reads 64 KiB of them and OpenSSL 100 KiB.
    HugeChain(usize),

    // ----------------------------------------------------------- after TLS
    /// Closes, without close_notify, in place of the answer to EHLO after the
    /// handshake.
    EhloAfterTlsDropped,
    /// Never answers EHLO after the handshake.
    HangAfterTls,
    /// Answers EHLO after the handshake with lines for as long as the client
    /// listens.
    FloodAfterTls,
    /// Sends this many session tickets after a handshake of TLS 1.3, some 250
    /// bytes each (RFC 8446 section 4.6.1).
    TicketFlood(usize),
    /// Answers EHLO after the handshake with these lines, separated by `\n`.
    EhloAfterTlsReply(String),
    /// Answers EHLO after the handshake and closes.
    EhloAfterTlsAndClose,
    /// Answers EHLO after the handshake with 421 and closes.
    EhloAfterTls421,
    /// Answers EHLO and HELO after the handshake with 554.
    EhloAfterTls5xx,
}
