//! Which findings say why a session fails.

use super::cause::Cause;
use super::rule::{Finding, Rule};
use super::{
    client_certificate, handshake, old_tls, out_of_step, refusal, server_name, session,
    starttls_offer,
};

/// Each rule that names a cause, unless its check found a closer one.
static CAUSES: &[(&Rule, Cause)] = &[
    (
        &client_certificate::CLIENT_CERTIFICATE_REQUIRED,
        Cause::ClientCertificate,
    ),
    (&old_tls::TLS_DIFFERS_BY_RELEASE, Cause::Other),
    (&out_of_step::CLOSED_BEFORE_MAIL, Cause::ClosesEarly),
    (&refusal::TEMPORARY_REFUSAL, Cause::RefusesForNow),
    (&server_name::OWN_NAME_REFUSED, Cause::NameRefused),
    (&server_name::SNI_REFUSED, Cause::NameEndsTls),
    (&server_name::SNI_REQUIRED, Cause::NameRequired),
    (&session::EHLO_REFUSED, Cause::Refuses),
    (&session::GREETING_REFUSED, Cause::Refuses),
    (&handshake::HANDSHAKE_FAILED, Cause::Other),
    (&session::SERVER_SILENT, Cause::Silent),
    (&session::SESSION_LOST_IN_TLS, Cause::LostInTls),
    (&session::STARTTLS_NO_REPLY, Cause::NoReply),
    (&session::STARTTLS_REFUSED_FOR_GOOD, Cause::KeyFiles),
    (&session::STARTTLS_REFUSED_FOR_NOW, Cause::KeyFiles),
    (&starttls_offer::STARTTLS_MASKED, Cause::Masked),
];

impl Finding {
    /// Why the session with its subject fails; `None` if it does not say so, or
    /// says no more than that STARTTLS is missing.
    pub(crate) fn cause_of_failed_session(&self) -> Option<Cause> {
        let of_rule = || CAUSES.iter().find(|(rule, _)| *rule == self.rule);
        self.cause.or_else(|| of_rule().map(|(_, cause)| *cause))
    }
}
