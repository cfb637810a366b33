//! Why a session fails, for letters: they say it in the receiver's language.

use super::{
    Rule, client_certificate, handshake, old_tls, out_of_step, refusal, server_name, session,
    starttls_offer,
};

/// What keeps a session from a mail transaction in TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The server refuses a PROXY header that stands before the first command.
    ProxyHeader,
    /// It greets more than once.
    TwoGreeters,
    /// It answers EHLO more than once.
    EhloTwice,
    /// It does not know the name under which DNS lists it.
    NameRefused,
    /// Something ends the TLS of clients that ask for its name.
    NameEndsTls,
    /// A firewall overwrites the offer.
    Masked,
    /// It cannot read its key or its certificate.
    KeyFiles,
    /// Another one, which the finding's own words describe.
    Other,
}

/// Each rule that names such a cause.
static CAUSES: &[(&Rule, Cause)] = &[
    (
        &client_certificate::CLIENT_CERTIFICATE_REQUIRED,
        Cause::Other,
    ),
    (&old_tls::TLS_DIFFERS_BY_RELEASE, Cause::Other),
    (&out_of_step::CLOSED_BEFORE_MAIL, Cause::Other),
    (&refusal::TEMPORARY_REFUSAL, Cause::Other),
    (&server_name::OWN_NAME_REFUSED, Cause::NameRefused),
    (&server_name::SNI_REFUSED, Cause::NameEndsTls),
    (&server_name::SNI_REQUIRED, Cause::Other),
    (&session::EHLO_REFUSED, Cause::Other),
    (&session::GREETING_REFUSED, Cause::Other),
    (&handshake::HANDSHAKE_FAILED, Cause::Other),
    (&session::SERVER_SILENT, Cause::Other),
    (&session::SESSION_LOST_IN_TLS, Cause::Other),
    (&session::STARTTLS_NO_REPLY, Cause::Other),
    (&session::STARTTLS_REFUSED_FOR_GOOD, Cause::KeyFiles),
    (&session::STARTTLS_REFUSED_FOR_NOW, Cause::KeyFiles),
    (&starttls_offer::STARTTLS_MASKED, Cause::Masked),
    (&starttls_offer::STARTTLS_NOT_OFFERED, Cause::Other),
];

/// The cause that a finding of this rule with this step for the receiver names;
/// `None` if it names none, or says no more than that STARTTLS is missing.
pub(crate) fn cause_of_failed_session(id: &str, step: &str) -> Option<Cause> {
    if id == out_of_step::REPLIES_OUT_OF_STEP.id {
        return Some(match step {
            out_of_step::PROXY_HEADER => Cause::ProxyHeader,
            out_of_step::ONE_GREETING => Cause::TwoGreeters,
            out_of_step::ONE_ANSWER => Cause::EhloTwice,
            _ => Cause::Other,
        });
    }
    let &(rule, cause) = CAUSES.iter().find(|(rule, _)| rule.id == id)?;
    let is_bare = *rule == starttls_offer::STARTTLS_NOT_OFFERED && step == rule.receiver;
    // A step that was made for another reply than that of a missing key.
    let is_other = cause == Cause::KeyFiles && !step.contains("key and certificate files");
    match (is_bare, is_other) {
        (true, _) => None,
        (false, true) => Some(Cause::Other),
        (false, false) => Some(cause),
    }
}
