//! Findings about servers that refuse for now with a 4xx reply, for example
//! because of too many connections or greylisting.

use crate::finding::rule::{Findings, Rule, Severity};
use crate::judge::AddressEvidence;
use crate::observation::{Session, SessionEnd};

pub(super) static REFUSED_AT_FIRST: Rule = Rule {
    id: "refused-at-first",
    severity: Severity::Info,
    reference: "RFC 5321 section 4.2.1",
    meaning: "The server refused for now, but accepted the client a moment later. The report is \
              about the second attempt. After such a refusal Postfix tries the next address. If \
              there is none, it tries again some minutes later. Only a refusal of STARTTLS makes \
              it send in plain text, at level may.",
    sender: "Do nothing unless mail to this server is often late. Then ask its administrator for a \
             higher limit for your address.",
    receiver: "",
};

pub(super) static TEMPORARY_REFUSAL: Rule = Rule {
    id: "temporary-refusal",
    severity: Severity::Warning,
    reference: "RFC 5321 section 4.2.1",
    meaning: "The server refuses to talk for now, and did so again after a pause. The cause is too \
              many connections, greylisting, or a fault of its own. Postfix tries the next \
              address. If there is none, mail waits and is tried again. The refusal says nothing \
              about STARTTLS or DANE.",
    sender: "Look again in a few minutes, best from your own mail server: the receiver may know \
             that host already.",
    receiver: "Find out why the server refuses. Give a mail server that is always full more \
               capacity.",
};

/// Raises the findings of this module for one address.
pub(super) fn check(subject: &str, address: &AddressEvidence<'_>, findings: &mut Findings) {
    let Some(first) = &address.seen.refused_at_first else {
        return;
    };
    let still = address
        .sessions
        .iter()
        .any(|session| session.seen.refusal_for_now().is_some());
    if !still {
        findings.add(
            &REFUSED_AT_FIRST,
            subject,
            format!(
                "{subject} refused for now ({}), but accepted the next attempt.",
                first.text()
            ),
        );
    }
}

/// Raises the finding about a session that ended so, and returns whether it
/// did.
pub(super) fn session(subject: &str, session: &Session, findings: &mut Findings) -> bool {
    let what = match &session.end {
        SessionEnd::GreetingRefused(_) => "to talk",
        SessionEnd::EhloRefused(_) | SessionEnd::NoStartTls => "EHLO",
        // STARTTLS and what follows have their own findings.
        _ => return false,
    };
    let Some(reply) = session.refusal_for_now() else {
        return false;
    };
    findings.add(
        &TEMPORARY_REFUSAL,
        subject,
        format!("{subject} refuses {what} for now: {}.", reply.text()),
    );
    true
}
