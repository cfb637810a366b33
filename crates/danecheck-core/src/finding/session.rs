//! Findings about the dialogue with each address.

use crate::finding::rule::{Findings, Rule, Severity};
use crate::finding::subject::peer;
use crate::judge::{
    AddressEvidence, DaneRecords, HostEvidence, Judged, Objection, by_old_means, cannot_be_seen,
    family_works, objection,
};
use crate::observation::{Answer, ConnectFailureKind, Interruption, Reply, Session, SessionEnd};

use super::dns::RESERVED_ADDRESS;
use super::{client_certificate, old_tls, out_of_step, refusal, server_name};

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
    sender: "Check from another network, best from the mail server itself.",
    receiver: "Check that port 25 is open on every address that DNS names, or remove the address.",
};

pub(super) static EHLO_REFUSED: Rule = Rule {
    id: "ehlo-refused",
    severity: Severity::Warning,
    reference: "Postfix smtp_helo",
    meaning: "The server refuses to talk after the greeting. After a 5xx reply Postfix bounces the \
              mail at once. After a 4xx reply it tries the next address.",
    sender: "Check whether the server's reply names your address: the server may block it.",
    receiver: "Search the server's log for the time of this check. It names the rule that refused: \
               a block list, a missing reverse name, a limit. Exempt the client's address from \
               that rule.",
};

pub(super) static GREETING_REFUSED: Rule = Rule {
    id: "greeting-refused",
    severity: Severity::Warning,
    reference: "Postfix smtp_helo",
    meaning: "The server refuses to talk in its greeting, often because of too many connections or \
              because of the client's address. Postfix tries the next address. If there is none, \
              mail waits. The refusal says nothing about STARTTLS or DANE.",
    sender: "Check whether the server's reply names your address: the server may block it.",
    receiver: "Search the server's log for the time of this check. It names the rule that refused: \
               a block list, a missing reverse name, a limit on connections. Exempt the client's \
               address from that rule, or raise the limit.",
};

pub(super) static HANDSHAKE_FAILED: Rule = Rule {
    id: "handshake-failed",
    severity: Severity::Error,
    reference: "Postfix smtp_start_tls",
    meaning: "The server accepts STARTTLS, but the TLS handshake fails. Where TLS is required, \
              mail waits. At level may, each mail waits some minutes and then goes in plain \
              text.",
    sender: "Tell the receiver. If many domains fail like this, check your own smtp_tls_protocols \
             and smtp_tls_ciphers.",
    receiver: "Run `openssl s_client -starttls smtp -connect HOST:25 -noservername` against the \
               server, and again with `-servername HOST`, as DANE senders do. Let it offer TLS 1.2 \
               and 1.3, with a certificate and a key that belong together.",
};

pub(super) static SERVER_SILENT: Rule = Rule {
    id: "server-silent",
    severity: Severity::Warning,
    reference: "Postfix smtp_stream_except",
    meaning: "The server accepted the connection, but then sent no proper reply or closed it. \
              Postfix tries the next address. If there is none, mail waits.",
    sender: "",
    receiver: "Connect to port 25 from outside and from the server itself. If only outside is \
               silent, a firewall or filter in front of the server drops the dialogue. Otherwise \
               restart the mail server and read its log.",
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

pub(super) static STARTTLS_MASKED: Rule = Rule {
    id: "starttls-masked",
    severity: Severity::Error,
    reference: "RFC 7672 section 2.2",
    meaning: "The server's reply shows Xs where STARTTLS should be. A firewall that inspects SMTP \
              overwrote the offer, as Cisco's `inspect esmtp` does. The firewall is in front of \
              the server or in front of you. If it is in front of you, every domain looks like \
              this from here.",
    sender: "Check another domain, such as gmail.com. If it looks the same, switch off the SMTP \
             inspection of your own firewall.",
    receiver: "Switch off the SMTP inspection of the firewall in front of the server.",
};

pub(super) static STARTTLS_NOT_OFFERED: Rule = Rule {
    id: "starttls-not-offered",
    severity: Severity::Error,
    reference: "RFC 7672 section 2.2",
    meaning: "TLSA records promise TLS, but the server does not offer it. Senders must not send in \
              plain text then, so mail waits. A firewall that removes STARTTLS from the dialogue \
              looks the same, and so does an attacker.",
    sender: "Check from another network. If many domains lack STARTTLS, the fault is on your side \
             (a firewall's SMTP inspection).",
    receiver: "Switch STARTTLS on, or remove the TLSA records.",
};

pub(super) static STARTTLS_NO_REPLY: Rule = Rule {
    id: "starttls-no-reply",
    severity: Severity::Error,
    reference: "Postfix smtp_stream_except",
    meaning: "The server offers STARTTLS but does not answer the command. Postfix then never falls \
              back to plain text, not even at level may. Only level none delivers.",
    sender: "Tell the receiver.",
    receiver: "Try STARTTLS on the server itself. If it works there, a firewall in front of the \
               server drops the connection: switch off its SMTP inspection. Otherwise search the \
               server's log for its certificate and key.",
};

pub(super) static STARTTLS_REFUSED_FOR_GOOD: Rule = Rule {
    id: "starttls-refused-for-good",
    severity: Severity::Error,
    reference: "Postfix smtp_helo",
    meaning: "The server offers STARTTLS and answers the command with a 5xx reply. Where TLS is \
              required, Postfix bounces the mail at once, even if the domain has other servers.",
    sender: "Tell the receiver by phone or through another mail system.",
    receiver: "Correct the path and the permissions of the server's key and certificate files, \
               which its log names, and reload it. Or stop offering STARTTLS.",
};

pub(super) static STARTTLS_REFUSED_FOR_NOW: Rule = Rule {
    id: "starttls-refused-for-now",
    severity: Severity::Error,
    reference: "Postfix smtp_helo",
    meaning: "The server offers STARTTLS and answers the command with a 4xx reply. Where TLS is \
              required, mail waits. At level may it goes in plain text at once, if the server \
              keeps the connection open.",
    sender: "Tell the receiver by phone or through another mail system.",
    receiver: "Correct the path and the permissions of the server's key and certificate files, \
               which its log names, and reload it. Reply 454 most often means that the server \
               cannot read one of them.",
};

pub(super) static TLSA_OF_OTHER_SERVICE: Rule = Rule {
    id: "tlsa-of-other-service",
    severity: Severity::Error,
    reference: "RFC 7671 section 6",
    meaning: "The name of the TLSA records for this port is an alias (CNAME) of another service's \
              name, such as submission with TLS on port 465. This port has no STARTTLS. The \
              records were never meant for this port, and they make senders refuse to deliver.",
    sender: "Tell the receiver.",
    receiver: "Remove the alias, or switch STARTTLS on here too.",
};

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
        server_name::shown(host, address, findings);
        for session in &address.sessions {
            if session.leaf_is_not_for_signing() {
                let subject = peer(host, address.seen.address);
                let message = format!(
                    "The TLS handshake with {subject} fails: up to TLS 1.2 OpenSSL takes this \
                     certificate's key for no signature, because of the key usage or of an \
                     extension that is invalid."
                );
                findings.add(&HANDSHAKE_FAILED, subject, message);
            }
            match by_old_means(session.seen) {
                Some((legacy, tls)) => {
                    old_tls::check(peer(host, address.seen.address), legacy, tls, findings);
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
    if let SessionEnd::HandshakeFailed(failure) = &session.end
        && server_name::failed(host, address, session.sni.as_deref(), failure, findings)
    {
        return;
    }
    let mut add = |rule, message: String| findings.add(rule, subject.clone(), message);
    match &session.end {
        SessionEnd::Completed | SessionEnd::Assumed => {}
        // If a family does not work here at all, that is reported once for all
        // addresses.
        SessionEnd::NotConnected(_)
            if cannot_be_seen(address) && !family_works(&judged.evidence, address) => {}
        // `proxy-failed` reports it once.
        SessionEnd::NotConnected(failure) if failure.kind == ConnectFailureKind::Proxy => {}
        SessionEnd::NotConnected(failure) => {
            let rule = match failure.kind {
                ConnectFailureKind::TimedOut | ConnectFailureKind::Unreachable => {
                    &CONNECTION_TIMED_OUT
                }
                ConnectFailureKind::Refused
                | ConnectFailureKind::Proxy
                | ConnectFailureKind::Other => &CONNECTION_REFUSED,
            };
            add(
                rule,
                format!("No connection to {subject}: {}.", failure.text),
            );
        }
        SessionEnd::NoGreeting(how) => add(
            &SERVER_SILENT,
            format!(
                "{subject} accepts the connection and then {}.",
                how_text(*how)
            ),
        ),
        SessionEnd::NoEhloReply(how) => add(
            &SERVER_SILENT,
            format!(
                "{subject} sends its greeting, and after EHLO it {}.",
                how_text(*how)
            ),
        ),
        SessionEnd::GreetingRefused(reply) => add(
            &GREETING_REFUSED,
            format!("{subject} refuses to talk: {}.", reply.text()),
        ),
        SessionEnd::EhloRefused(reply) => add(
            &EHLO_REFUSED,
            format!("{subject} refuses EHLO: {}.", reply.text()),
        ),
        SessionEnd::NoStartTls => {
            // Without TLSA records nothing promises TLS: then `no-encryption`
            // reports it.
            if address.dane.promise_tls() {
                let hidden = session
                    .greeting
                    .as_ref()
                    .filter(|greeting| greeting.is_hidden_by_firewall());
                if let Some(greeting) = hidden {
                    add(
                        &STARTTLS_MASKED,
                        format!(
                            "{subject} greets with \"{}\", as a firewall does that hides the \
                             greeting. Postfix then sends HELO instead of EHLO and sees no \
                             STARTTLS, although TLSA records promise TLS.",
                            greeting.text()
                        ),
                    );
                    return;
                }
                match session.ehlo.as_ref().and_then(Reply::mask) {
                    Some(mask) => add(
                        &STARTTLS_MASKED,
                        format!(
                            "{subject} shows {mask} where STARTTLS should be, although TLSA \
                             records promise TLS. A firewall overwrote it."
                        ),
                    ),
                    None => {
                        add(
                            &STARTTLS_NOT_OFFERED,
                            format!(
                                "{subject} does not offer STARTTLS, although TLSA records \
                                 promise TLS."
                            ),
                        );
                        if let Some(other) = other_service(address) {
                            add(
                                &TLSA_OF_OTHER_SERVICE,
                                format!(
                                    "The TLSA records that promise TLS at {subject} are those at \
                                     {other}, through an alias."
                                ),
                            );
                        }
                    }
                }
            }
        }
        SessionEnd::NoStartTlsReply(how) => add(
            &STARTTLS_NO_REPLY,
            format!(
                "{subject} offers STARTTLS, but after the command it {}.",
                how_text(*how)
            ),
        ),
        SessionEnd::StartTlsRefused(reply) => {
            let rule = if reply.code / 100 == 4 {
                &STARTTLS_REFUSED_FOR_NOW
            } else {
                &STARTTLS_REFUSED_FOR_GOOD
            };
            add(
                rule,
                format!("{subject} refuses to start TLS: {}.", reply.text()),
            );
        }
        // `not-all-looked-at` reports it: nothing is known against the server.
        SessionEnd::HandshakeFailed(failure) if failure.limit => {}
        SessionEnd::HandshakeFailed(failure) => {
            let objection = session.legacy.as_ref().and_then(objection);
            let why = match (&failure.alert, objection) {
                (_, Some(Objection::ShortPrime(bits))) => {
                    format!("the server's Diffie-Hellman prime has only {bits} bits")
                }
                _ if failure.timed_out => "time ran out".to_owned(),
                (Some(alert), _) => format!("the server says {alert}"),
                (None, _) => failure.text.clone(),
            };
            add(
                &HANDSHAKE_FAILED,
                format!("The TLS handshake with {subject} fails: {why}."),
            );
        }
        SessionEnd::NoEhloReplyInTls(how) => add(
            &SESSION_LOST_IN_TLS,
            format!(
                "{subject} starts TLS, and after EHLO inside TLS it {}.",
                how_text(*how)
            ),
        ),
        SessionEnd::EhloRefusedInTls(reply) => add(
            &SESSION_LOST_IN_TLS,
            format!("{subject} starts TLS and then refuses: {}.", reply.text()),
        ),
    }
}

/// The target of the alias of the TLSA records' name, if it is the name of
/// another service: its first two labels are another port or protocol.
fn other_service<'e>(address: &AddressEvidence<'e>) -> Option<&'e str> {
    let (DaneRecords::Usable(tlsa, _) | DaneRecords::Unusable(tlsa)) = &address.dane else {
        return None;
    };
    let Answer::Records(set) = &tlsa.lookup.answer else {
        return None;
    };
    let end = set.open().regardless().aliases.last()?;
    let service = |name: &str| -> Vec<String> {
        let labels = name.split('.').take(2);
        labels.map(str::to_ascii_lowercase).collect()
    };
    let theirs = service(end);
    let is_service = theirs.iter().all(|label| label.starts_with('_'));
    (is_service && theirs != service(&tlsa.lookup.name)).then_some(end)
}

fn how_text(how: Interruption) -> &'static str {
    match how {
        Interruption::Lost => "closes the connection",
        Interruption::TimedOut => "sends nothing",
        Interruption::Flooded => "sends more than a reply may contain",
    }
}
