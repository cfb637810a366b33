//! Findings about servers that ask for a client certificate.

use crate::finding::rule::{Findings, Rule, Severity};
use crate::observation::{HandshakeFailure, Interruption, Session, SessionEnd};

pub(super) static CLIENT_CERTIFICATE_REQUIRED: Rule = Rule {
    id: "client-certificate-required",
    severity: Severity::Error,
    reference: "RFC 8446 section 4.3.2",
    meaning: "The server asks for a client certificate and ends the session if the client has \
              none. Sending mail servers usually have no client certificate. Postfix has one only \
              if smtp_tls_cert_file or smtp_tls_chain_files is set.",
    sender: "Tell the receiver the time of this check and your address, so that it can search its \
             log.",
    receiver: "Stop requiring client certificates on port 25 (Postfix: `smtpd_tls_req_ccert = \
               no`). Require them only on the submission ports.",
};

pub(super) static CLIENT_CERTIFICATE_WANTED: Rule = Rule {
    id: "client-certificate-wanted",
    severity: Severity::Info,
    reference: "Postfix smtp_tls_cert_file",
    meaning: "The server asks for a client certificate, and accepts a session without one. A \
              Postfix that has a client certificate shows it here. Some servers then end the \
              handshake because they do not know the certificate.",
    sender: "Leave smtp_tls_cert_file and smtp_tls_chain_files empty if the handshake fails from \
             your Postfix but not here.",
    receiver: "Do nothing unless senders complain. Then stop asking (Postfix: `smtpd_tls_ask_ccert \
               = no`).",
};

/// Raises the findings of this module for one session, and returns whether they
/// explain its end.
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
                format!("{subject} asks for a client certificate, and accepts mail without one."),
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
