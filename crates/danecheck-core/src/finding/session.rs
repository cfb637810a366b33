//! Findings about the dialogue with each address.

use crate::certificate::{Certificate, VerificationError};
use crate::finding::rule::{Finding, Findings, Rule, Severity, TELL};
use crate::finding::subject::{at, peer};
use crate::judge::{
    AddressEvidence, HostEvidence, Judged, by_old_means, cannot_be_seen, family_works,
};
use crate::matching::RecordOutcome;
use crate::observation::{
    ConnectFailure, ConnectFailureKind, HandshakeCause, Interruption, Reply, Session, SessionEnd,
};

use super::cause::{Cause, OutOfStep};
use super::dns::RESERVED_ADDRESS;
use super::handshake::{self, HANDSHAKE_FAILED};
use super::mismatch::REMOVE_UNDECODABLE;
use super::{client_certificate, old_tls, out_of_step, refusal, server_name, starttls_offer};

pub(super) static CONNECTION_REFUSED: Rule = Rule {
    id: "connection-refused",
    severity: Severity::Warning,
    reference: "Postfix smtp_connect_addr",
    meaning: "danecheck could not connect to a mail server: the server or the network refused the \
              connection. Postfix tries the next address. If there is none, mail waits.",
    sender: "",
    receiver: "Start the mail server, or remove the address or the MX record.",
};

pub(super) static CONNECTION_TIMED_OUT: Rule = Rule {
    id: "connection-timed-out",
    severity: Severity::Warning,
    reference: "Postfix smtp_connect_addr",
    meaning: "This address does not answer, while other addresses of its family do. Postfix tries \
              it all the same, and moves to the next address after its time limit.",
    sender: "Check from another network, best from your own mail server.",
    receiver: "Check that port 25 is open on every address that DNS names, or remove the address.",
};

pub(super) static EHLO_REFUSED: Rule = Rule {
    id: "ehlo-refused",
    severity: Severity::Warning,
    reference: "Postfix smtp_helo",
    meaning: "The server refuses to talk after the greeting. After a 5xx reply Postfix bounces the \
              mail at once. After a 4xx reply it tries the next address.",
    sender: "Check whether the server's reply names your address: the server may block it.",
    receiver: "Search the server's log for the time of this check. It names the rule that \
               refused, such as a block list. Exempt the client's address from that rule.",
};

pub(super) static GREETING_REFUSED: Rule = Rule {
    id: "greeting-refused",
    severity: Severity::Warning,
    reference: "Postfix smtp_helo",
    meaning: "The server refuses to talk in its greeting, often because of too many connections or \
              because of the client's address. Postfix tries the next address. If there is none, \
              mail waits. The refusal says nothing about STARTTLS or DANE.",
    sender: "Check whether the server's reply names your address: the server may block it.",
    receiver: "Search the server's log for the time of this check. It names the rule that \
               refused, such as a block list or a limit. Exempt the client's address from that \
               rule, or raise the limit.",
};

pub(super) static SERVER_SILENT: Rule = Rule {
    id: "server-silent",
    severity: Severity::Warning,
    reference: "Postfix smtp_stream_except",
    meaning: "The server accepted the connection, but then sent no proper reply or closed it. \
              Postfix tries the next address. If there is none, mail waits.",
    sender: "",
    receiver: "Connect to port 25 on the server itself. If it answers there, repair the firewall \
               or filter in front of it. Otherwise restart the mail server and read its log.",
};

pub(super) static SESSION_LOST_IN_TLS: Rule = Rule {
    id: "session-lost-in-tls",
    severity: Severity::Error,
    reference: "Postfix smtp_stream_except",
    meaning: "The TLS handshake succeeds, but then the server refuses or closes the connection at \
              the EHLO inside TLS.",
    sender: "Tell the receiver the time of this check and your address, so that it can search its \
             log.",
    receiver: "Search the server's log for the time of this check. Check what stands between the \
               network and the mail server (a filter, a load balancer).",
};

pub(super) static STARTTLS_NO_REPLY: Rule = Rule {
    id: "starttls-no-reply",
    severity: Severity::Error,
    reference: "Postfix smtp_stream_except",
    meaning: "The server offers STARTTLS but does not answer the command. Postfix then never falls \
              back to plain text, not even at level may. Only level none delivers.",
    sender: "Tell the receiver.",
    receiver: "Try STARTTLS on the server itself. If it works there, switch off the SMTP \
               inspection of the firewall in front of it. Otherwise search the server's log for its \
               certificate and key.",
};

pub(super) static STARTTLS_REFUSED_FOR_GOOD: Rule = Rule {
    id: "starttls-refused-for-good",
    severity: Severity::Error,
    reference: "Postfix smtp_helo",
    meaning: "The server offers STARTTLS and answers the command with a 5xx reply. Where TLS is \
              required, Postfix bounces the mail at once, even if the domain has other servers.",
    sender: TELL,
    receiver: "Correct the path and the permissions of the server's key and certificate files, \
               which its log names, and reload it. Or stop offering STARTTLS.",
};

pub(super) static STARTTLS_REFUSED_FOR_NOW: Rule = Rule {
    id: "starttls-refused-for-now",
    severity: Severity::Error,
    reference: "Postfix smtp_helo",
    meaning: "The server offers STARTTLS and answers the command with a 4xx reply. Reply 454 most \
              often means that it cannot read its key or its certificate. Where TLS is \
              required, mail waits. At level may it goes in plain text at once, if the server \
              keeps the connection open.",
    sender: TELL,
    receiver: "Correct the path and the permissions of the server's key and certificate files, \
               which its log names, and reload it.",
};

/// The step where the server closes at STARTTLS (RFC 5321 section 3.8).
const STARTTLS_421: &str = "Search the server's log for the time of this check. Reply 421 most \
                            often means that the server is stopping, or has too many connections.";

/// The step where the server does not know the command that it offers.
const STARTTLS_UNKNOWN: &str = "Try STARTTLS on the server itself. If it works there, switch off \
                                the SMTP inspection of the filter or firewall in front of it, \
                                which does not know STARTTLS. Otherwise switch TLS on in the \
                                server.";

/// Whether a certificate above the server's is the reason why a right TLSA
/// record does not help: OpenSSL cannot decode it.
fn sends_undecodable(address: &AddressEvidence<'_>) -> bool {
    let session = address.dane_session();
    let matching = session.and_then(|session| session.dane.as_ref());
    let outcomes = matching.map_or(&[][..], |matching| &matching.records);
    outcomes.iter().any(|outcome| match outcome {
        RecordOutcome::MatchesButNotTrusted { failure, .. } => {
            failure.error == VerificationError::Undecodable && failure.depth > 0
        }
        _ => false,
    })
}

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    for (host, address) in judged.evidence.addresses() {
        if let Some(block) = &address.seen.reserved {
            let subject = peer(host, address.seen.address);
            let message = format!(
                "danecheck did not connect to {subject}: the address belongs to {block}. With \
                 --allow-private it does."
            );
            findings.add(&RESERVED_ADDRESS, subject, message);
        }
        refusal::check(&peer(host, address.seen.address), address, findings);
        let port = judged.evidence.observation.next_hop.port;
        server_name::shown(host, port, address, findings);
        for session in &address.sessions {
            if session.leaf_is_not_for_signing() {
                let subject = peer(host, address.seen.address);
                let message = format!(
                    "The TLS handshake with {subject} fails: up to TLS 1.2, OpenSSL accepts no \
                     signature of this certificate's key, because of its key usage or of an \
                     invalid extension."
                );
                findings.put(Finding::new(&HANDSHAKE_FAILED, subject, message).receiver(
                    "Order a certificate whose key usage has digitalSignature, and without \
                     invalid extensions.",
                ));
            }
            match by_old_means(session.seen) {
                Some((legacy, tls)) => {
                    let subject = peer(host, address.seen.address);
                    let leaf = session.chain.first().and_then(|one| one.as_ref().ok());
                    let key = leaf.map(Certificate::key);
                    old_tls::check(subject, session.seen, key, (legacy, tls), findings);
                }
                None => end(judged, host, address, session.seen, findings),
            }
        }
    }
}

fn end(
    judged: &Judged<'_>,
    host: &HostEvidence<'_>,
    address: &AddressEvidence<'_>,
    session: &Session,
    findings: &mut Findings,
) {
    let subject = peer(host, address.seen.address);
    if out_of_step::session(&subject, session, findings)
        || refusal::session(&subject, session, findings)
        || client_certificate::session(&subject, session, findings)
    {
        return;
    }
    let port = judged.evidence.observation.next_hop.port;
    if let SessionEnd::HandshakeFailed(failure) = &session.end
        && server_name::failed(
            host,
            port,
            address,
            session.sni.as_deref(),
            failure,
            findings,
        )
    {
        return;
    }
    match &session.end {
        SessionEnd::Completed | SessionEnd::Assumed => {}
        // If a family does not work here at all, that is reported once for all
        // addresses.
        SessionEnd::NotConnected(_)
            if cannot_be_seen(address) && !family_works(&judged.evidence, address) => {}
        // `proxy-failed` reports it once.
        SessionEnd::NotConnected(failure) if failure.kind == ConnectFailureKind::Proxy => {}
        SessionEnd::NotConnected(failure) => findings.put(not_connected(subject, failure)),
        SessionEnd::NoGreeting(how) => findings.put(no_greeting(subject, *how)),
        SessionEnd::NoEhloReply(how) => findings.add(
            &SERVER_SILENT,
            subject.clone(),
            format!(
                "{subject} sends its greeting, and after EHLO it {}.",
                how_text(*how)
            ),
        ),
        SessionEnd::GreetingRefused(reply) => findings.add(
            &GREETING_REFUSED,
            subject.clone(),
            format!("{subject} refuses to talk: {}.", reply.text()),
        ),
        SessionEnd::EhloRefused(reply) => findings.put(ehlo_refused(subject, session, reply)),
        SessionEnd::NoStartTls => {
            // Without TLSA records nothing promises TLS: then `no-encryption`
            // reports it.
            if address.dane.promise_tls() {
                starttls_offer::missing(&subject, address, session, findings);
            }
        }
        SessionEnd::NoStartTlsReply(how) => findings.add(
            &STARTTLS_NO_REPLY,
            subject.clone(),
            format!(
                "{subject} offers STARTTLS, but after the command it {}.",
                how_text(*how)
            ),
        ),
        SessionEnd::StartTlsRefused(reply) => findings.put(starttls_refused(subject, reply)),
        // `not-all-looked-at` reports it: nothing is known against the server.
        SessionEnd::HandshakeFailed(failure) if failure.limit => {}
        SessionEnd::HandshakeFailed(failure) => {
            let finding = at(handshake::failed(&subject, session, failure), host, port);
            findings.put(match failure.cause() {
                HandshakeCause::Other | HandshakeCause::UnreadableCertificate(_)
                    if sends_undecodable(address) =>
                {
                    finding.receiver(REMOVE_UNDECODABLE)
                }
                _ => finding,
            });
        }
        SessionEnd::NoEhloReplyInTls(how) => findings.add(
            &SESSION_LOST_IN_TLS,
            subject.clone(),
            format!(
                "{subject} starts TLS, and after EHLO inside TLS it {}.",
                how_text(*how)
            ),
        ),
        SessionEnd::EhloRefusedInTls(reply) => findings.add(
            &SESSION_LOST_IN_TLS,
            subject.clone(),
            format!(
                "{subject} starts TLS and then refuses: {}.{}",
                reply.text(),
                // RFC 5321 section 4.2.1.
                match reply.code / 100 {
                    4 => " It says that this is temporary.",
                    _ => "",
                }
            ),
        ),
    }
}

fn not_connected(subject: String, failure: &ConnectFailure) -> Finding {
    let rule = match failure.kind {
        ConnectFailureKind::TimedOut | ConnectFailureKind::Unreachable => &CONNECTION_TIMED_OUT,
        ConnectFailureKind::Refused | ConnectFailureKind::Proxy | ConnectFailureKind::Other => {
            &CONNECTION_REFUSED
        }
    };
    let message = format!("No connection to {subject}: {}.", failure.text);
    Finding::new(rule, subject, message)
}

fn no_greeting(subject: String, how: Interruption) -> Finding {
    let message = match how {
        Interruption::Lost => format!("{subject} closes the connection before its greeting."),
        _ => format!(
            "{subject} accepts the connection and then {}.",
            how_text(how)
        ),
    };
    Finding::new(&SERVER_SILENT, subject, message)
}

fn ehlo_refused(subject: String, session: &Session, reply: &Reply) -> Finding {
    let message = format!("{subject} refuses EHLO: {}.", reply.text());
    let finding = Finding::new(&EHLO_REFUSED, subject, message);
    // It answered something that came before the first command.
    let is_early = session.before_ehlo.is_some();
    match reply.code {
        500..=599 if is_early => finding
            .receiver(OutOfStep::ProxyHeader.step())
            .because(Cause::PerhapsProxyHeader),
        // It did not understand the command: no rule refused the client.
        500..=504 => finding.receiver(
            "Connect to port 25 on the server itself, and send EHLO. If it answers there, repair \
             the filter or load balancer in front of it. Otherwise update the mail server.",
        ).because(Cause::Other),
        _ => finding,
    }
}

fn starttls_refused(subject: String, reply: &Reply) -> Finding {
    let rule = if reply.code / 100 == 4 {
        &STARTTLS_REFUSED_FOR_NOW
    } else {
        &STARTTLS_REFUSED_FOR_GOOD
    };
    let message = format!("{subject} refuses to start TLS: {}.", reply.text());
    let finding = Finding::new(rule, subject, message);
    match reply.code {
        421 => finding.receiver(STARTTLS_421).because(Cause::Other),
        500..=504 => finding.receiver(STARTTLS_UNKNOWN).because(Cause::Other),
        _ => finding,
    }
}

fn how_text(how: Interruption) -> &'static str {
    match how {
        Interruption::Lost => "closes the connection",
        Interruption::TimedOut => "sends nothing",
        Interruption::Flooded => "sends more than a reply may contain",
    }
}
