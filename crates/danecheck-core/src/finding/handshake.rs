//! Findings about TLS handshakes that fail.

use crate::finding::rule::{Finding, Rule, Severity};
use crate::judge::{Objection, objection};
use crate::observation::{HandshakeCause, HandshakeFailure, Session};

/// How the receiver sees what this program saw.
macro_rules! test_it {
    () => {
        "Test it with `openssl s_client -starttls smtp -connect HOST:25`."
    };
}

pub(super) static HANDSHAKE_FAILED: Rule = Rule {
    id: "handshake-failed",
    severity: Severity::Error,
    reference: "Postfix smtp_start_tls",
    meaning: "The server accepts STARTTLS, but the TLS handshake fails. Where TLS is required, \
              mail waits. At level may, each mail waits some minutes and then goes in plain \
              text.",
    sender: "Tell the receiver. If many domains fail like this, check your own smtp_tls_protocols \
             and smtp_tls_ciphers.",
    receiver: concat!(
        "Check the server's key, and offer ECDHE with AES-GCM. ",
        test_it!()
    ),
};

const NOT_TLS: &str = concat!(
    "Find out what answers on port 25: the mail server, or a filter or proxy in front of it. It ",
    "accepts STARTTLS and then starts no TLS: correct its TLS settings. ",
    test_it!()
);

const INTERRUPTED: &str = concat!(
    "Search the server's log for the time of this check. Check that its key belongs to its ",
    "certificate, and that no firewall in front of it inspects SMTP or drops large packets. ",
    test_it!()
);

/// The step where the certificates are too long.
pub(super) const SHORTEN_CHAIN: &str = "Shorten the chain file of the server: only its own \
                                        certificate and that one's issuers belong there. Reload \
                                        the server.";

/// The finding about a handshake that failed so.
pub(super) fn failed(subject: &str, session: &Session, failure: &HandshakeFailure) -> Finding {
    let newer = session.newer_groups.as_ref();
    if let Some(newer) = newer.filter(|newer| newer.tls.is_some()) {
        return by_newer_groups(subject, newer);
    }
    let objection = session.legacy.as_ref().and_then(objection);
    let cause = failure.cause();
    let why = match (&failure.alert, objection, cause) {
        (_, Some(Objection::ShortPrime(bits)), _) => {
            format!("the server's Diffie-Hellman prime has only {bits} bits")
        }
        (_, _, HandshakeCause::TimedOut) => "time ran out".to_owned(),
        (_, _, HandshakeCause::TooLong) => {
            "the server sends a longer handshake message than Postfix takes".to_owned()
        }
        (_, _, HandshakeCause::UnreadableCertificate(place)) => {
            format!("number {place} of the certificates that the server sends cannot be read")
        }
        (Some(alert), _, _) => format!("the server says {alert}"),
        (None, _, _) => failure.text.clone(),
    };
    let message = format!("The TLS handshake with {subject} fails: {why}.");
    let finding = Finding::new(&HANDSHAKE_FAILED, subject, message);
    let mut finding = match (objection, cause) {
        (Some(Objection::ShortPrime(_)), _) => finding
            .receiver("Let the server use a Diffie-Hellman prime of 2048 bits or more, or ECDHE."),
        (_, HandshakeCause::UnreadableCertificate(1)) => {
            finding.receiver("Repair or replace the certificate file of the server, and reload it.")
        }
        (_, HandshakeCause::UnreadableCertificate(place)) => finding.receiver(&format!(
            "Repair the chain file of the server, whose certificate number {place} cannot be \
             read, and reload the server."
        )),
        (_, HandshakeCause::TooLong) => finding.receiver(SHORTEN_CHAIN),
        (_, HandshakeCause::NotTls) => finding.receiver(NOT_TLS),
        (_, HandshakeCause::Lost | HandshakeCause::TimedOut) => finding.receiver(INTERRUPTED),
        (_, HandshakeCause::Other) => finding,
    };
    // The same handshake: openssl asks for the name of the host by itself.
    if session.sni.is_none() {
        finding.remedy = finding.remedy.replace("HOST:25", "HOST:25 -noservername");
    }
    finding
}

/// The finding about a server that takes only groups that newer Postfix offers;
/// `newer` is the session with them.
fn by_newer_groups(subject: &str, newer: &Session) -> Finding {
    let group = newer.tls.as_ref().and_then(|tls| tls.group.as_deref());
    let group = group.map_or_else(String::new, |group| format!(" ({group})"));
    let release = match newer.is_in_hybrid_group() {
        true => "3.11 on OpenSSL 3.5",
        false => "3.8",
    };
    let message = format!(
        "The TLS handshake with {subject} fails: the server takes only TLS groups that no Postfix \
         before {release} offers{group}. With --postfix-version RELEASE the report is about \
         yours too."
    );
    Finding::new(&HANDSHAKE_FAILED, subject, message).steps(
        "Offer the group x25519 or secp256r1 as well.",
        "Give your release with --postfix-version, or ask your own Postfix with --sender local.",
    )
}
