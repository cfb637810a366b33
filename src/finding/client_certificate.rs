//! Findings about servers that ask for a client certificate.

use crate::observation::{HandshakeFailure, Interruption, Session, SessionEnd};

use super::{Findings, Rule, Severity};

pub(super) static CLIENT_CERTIFICATE_REQUIRED: Rule = Rule {
    id: "client-certificate-required",
    severity: Severity::Error,
    reference: "RFC 8446 section 4.3.2",
    meaning: "The server asks for a client certificate and hangs up on those who show none. Mail \
              servers that send to strangers have none to show, and Postfix has one only where \
              smtp_tls_cert_file or smtp_tls_chain_files says so.",
    sender: "tell the receiver the time of this look and your address, for its log.",
    receiver: "do not require client certificates on port 25 (Postfix: `smtpd_tls_req_ccert = \
               no`); make it so on the submission ports only.",
};

pub(super) static CLIENT_CERTIFICATE_WANTED: Rule = Rule {
    id: "client-certificate-wanted",
    severity: Severity::Info,
    reference: "Postfix smtp_tls_cert_file",
    meaning: "The server asks for a client certificate, and is content with none. A Postfix that \
              has one shows it here, and some servers break the handshake off over a certificate \
              that they do not know.",
    sender: "if the handshake fails from your Postfix and not here, leave smtp_tls_cert_file and \
             smtp_tls_chain_files empty.",
    receiver: "nothing, unless senders complain: then do not ask (Postfix: \
               `smtpd_tls_ask_ccert = no`).",
};

/// Raises the findings of this module for one session; whether its end is told
/// by them.
pub(super) fn session(subject: &str, session: &Session, findings: &mut Findings) -> bool {
    let tls = session.tls.as_ref();
    if !tls.is_some_and(|tls| tls.client_certificate_wanted) {
        return false;
    }
    match &session.end {
        SessionEnd::Completed => {
            findings.add(
                &CLIENT_CERTIFICATE_WANTED,
                subject,
                format!("{subject} asks for a client certificate, and takes mail without one."),
            );
            true
        }
        // Under TLS 1.3 the refusal comes after the handshake.
        SessionEnd::HandshakeFailed(HandshakeFailure { alert: Some(_), .. })
        | SessionEnd::NoEhloReplyInTls(Interruption::Lost) => {
            findings.add(
                &CLIENT_CERTIFICATE_REQUIRED,
                subject,
                format!(
                    "{subject} asks for a client certificate, and ends the session without one."
                ),
            );
            true
        }
        _ => false,
    }
}
