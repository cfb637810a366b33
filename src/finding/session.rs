//! Findings about the dialogue with each address.

use crate::judge::{
    AddressEvidence, DaneRecords, HostEvidence, Judged, Objection, by_old_means, cannot_be_seen,
    family_works, objection,
};
use crate::observation::{Answer, ConnectFailureKind, Interruption, Reply, Session, SessionEnd};

use super::dns::RESERVED_ADDRESS;
use super::tlsa::peer;
use super::{Findings, Rule, Severity};
use super::{client_certificate, old_tls, refusal};

pub(super) static CONNECTION_REFUSED: Rule = Rule {
    id: "connection-refused",
    severity: Severity::Warning,
    reference: "Postfix smtp_connect_addr",
    meaning: "No connection to a mail server came about, and something on the way said so. \
              Postfix goes on to the next address; where there is none, mail waits.",
    sender: "",
    receiver: "start the mail server, or remove the address or the MX record.",
};

pub(super) static CONNECTION_TIMED_OUT: Rule = Rule {
    id: "connection-timed-out",
    severity: Severity::Warning,
    reference: "Postfix smtp_connect_addr",
    meaning: "Nothing came back from this address, while others of its family answer. Postfix \
              tries it all the same, and goes on to the next address after its time-out.",
    sender: "look from another network, best from the mail server itself.",
    receiver: "see that port 25 is open on every address that DNS names, or remove the address.",
};

pub(super) static EHLO_REFUSED: Rule = Rule {
    id: "ehlo-refused",
    severity: Severity::Warning,
    reference: "Postfix smtp_helo",
    meaning: "The server refuses to talk after the greeting. A 5xx reply makes Postfix bounce \
              the mail at once; after a 4xx reply it goes on to the next address.",
    sender: "see whether the server's words name your address: it may be blocked there.",
    receiver: "search the server's log for this moment: it names the rule (a block list, a \
               missing reverse name, a limit) that refused; take the client's address out of it.",
};

pub(super) static GREETING_REFUSED: Rule = Rule {
    id: "greeting-refused",
    severity: Severity::Warning,
    reference: "Postfix smtp_helo",
    meaning: "The server refuses to talk in its very greeting, often because of too many \
              connections or of the client's address. Postfix goes on to the next address; \
              where there is none, mail waits. It says nothing about STARTTLS or DANE.",
    sender: "see whether the server's words name your address: it may be blocked there.",
    receiver: "search the server's log for this moment: it names the rule (a block list, a \
               missing reverse name, a limit on connections) that refused; take the client's \
               address out of it, or raise the limit.",
};

pub(super) static HANDSHAKE_FAILED: Rule = Rule {
    id: "handshake-failed",
    severity: Severity::Error,
    reference: "Postfix smtp_start_tls",
    meaning: "The server accepts STARTTLS, and then no TLS session comes about. Where TLS is \
              required mail waits; at level may each mail waits some minutes and then goes in \
              plain text.",
    sender: "tell the receiver; if many domains fail like this, look at your own \
             smtp_tls_protocols and smtp_tls_ciphers.",
    receiver: "try `openssl s_client -starttls smtp -connect HOST:25` against the server, and let \
               it offer TLS 1.2 and 1.3 with a certificate and key that belong together.",
};

pub(super) static SERVER_SILENT: Rule = Rule {
    id: "server-silent",
    severity: Severity::Warning,
    reference: "Postfix smtp_stream_except",
    meaning: "The server took the connection and then sent no proper reply, or hung up. \
              Postfix goes on to the next address; where there is none, mail waits.",
    sender: "",
    receiver: "connect to port 25 from outside and from the server itself: if only outside is \
               silent, a firewall or filter before it drops the dialogue; else restart the mail \
               server and read its log.",
};

pub(super) static SESSION_LOST_IN_TLS: Rule = Rule {
    id: "session-lost-in-tls",
    severity: Severity::Error,
    reference: "Postfix smtp_stream_except",
    meaning: "TLS comes about, and then the server refuses or hangs up at the EHLO inside it.",
    sender: "tell the receiver the time of this look and your address, for its log.",
    receiver: "look into the server's log for this moment, and see what stands between the \
               network and the mail server (a filter, a load balancer).",
};

pub(super) static STARTTLS_MASKED: Rule = Rule {
    id: "starttls-masked",
    severity: Severity::Error,
    reference: "RFC 7672 section 2.2",
    meaning: "Where the server should offer STARTTLS there are Xs: a firewall that inspects \
              SMTP (Cisco's `inspect esmtp` writes them so) overwrote the offer. It stands \
              before the server, or before you, and then every domain looks like this from \
              here.",
    sender: "check another domain, such as gmail.com: if it looks the same, switch off the SMTP \
             inspection of your own firewall.",
    receiver: "switch off the SMTP inspection of the firewall before the server.",
};

pub(super) static STARTTLS_NOT_OFFERED: Rule = Rule {
    id: "starttls-not-offered",
    severity: Severity::Error,
    reference: "RFC 7672 section 2.2",
    meaning: "TLSA records promise TLS, and the server does not offer it. Senders must not send \
              in plain text then, so mail waits. A firewall that removes STARTTLS from the \
              dialogue looks the same, and so does an attacker.",
    sender: "look from another network; if many domains lack STARTTLS, the fault is on your \
             side (a firewall's SMTP inspection).",
    receiver: "switch STARTTLS on, or remove the TLSA records.",
};

pub(super) static STARTTLS_NO_REPLY: Rule = Rule {
    id: "starttls-no-reply",
    severity: Severity::Error,
    reference: "Postfix smtp_stream_except",
    meaning: "The server offers STARTTLS and does not answer the command. Postfix never falls \
              back to plain text then, not even at level may: only level none delivers.",
    sender: "tell the receiver.",
    receiver: "try STARTTLS on the server itself: if it works there, a firewall before it drops \
               the connection (switch off its SMTP inspection); else read the server's log for \
               its certificate and key.",
};

pub(super) static STARTTLS_REFUSED_FOR_GOOD: Rule = Rule {
    id: "starttls-refused-for-good",
    severity: Severity::Error,
    reference: "Postfix smtp_helo",
    meaning: "The server offers STARTTLS and answers the command with a 5xx reply. Where TLS \
              is required Postfix bounces the mail at once, whatever other servers there are.",
    sender: "tell the receiver, by phone or through another mail system.",
    receiver: "correct the path and the permissions of the server's key and certificate files, \
               which its log names, and reload it; or do not offer STARTTLS.",
};

pub(super) static STARTTLS_REFUSED_FOR_NOW: Rule = Rule {
    id: "starttls-refused-for-now",
    severity: Severity::Error,
    reference: "Postfix smtp_helo",
    meaning: "The server offers STARTTLS and answers the command with a 4xx reply. Where TLS is \
              required mail waits; at level may it goes in plain text at once.",
    sender: "tell the receiver, by phone or through another mail system.",
    receiver: "correct the path and the permissions of the server's key and certificate files, \
               which its log names, and reload it: 454 most often means that one of them cannot \
               be read.",
};

pub(super) static TLSA_OF_OTHER_SERVICE: Rule = Rule {
    id: "tlsa-of-other-service",
    severity: Severity::Error,
    reference: "RFC 7671 section 6",
    meaning: "The name of the TLSA records for this port is an alias (CNAME) of another \
              service's, such as submission with TLS on port 465, and there is no STARTTLS here. \
              The records were never meant for it, and make senders refuse to deliver.",
    sender: "tell the receiver.",
    receiver: "remove the alias, or switch STARTTLS on here too.",
};

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    for (host, address) in judged.evidence.addresses() {
        if let Some(block) = &address.seen.reserved {
            let subject = peer(host, address.seen.address);
            let message = format!("{subject} was not connected to: the address is of {block}.");
            findings.add(&RESERVED_ADDRESS, subject, message);
        }
        refusal::check(&peer(host, address.seen.address), address, findings);
        for session in &address.sessions {
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
    if refusal::session(&subject, session, findings)
        || client_certificate::session(&subject, session, findings)
    {
        return;
    }
    let mut add = |rule, message: String| findings.add(rule, subject.clone(), message);
    match &session.end {
        SessionEnd::Completed | SessionEnd::Assumed => {}
        // A family that works nowhere here is told once, for all addresses.
        SessionEnd::NotConnected(_)
            if cannot_be_seen(address) && !family_works(&judged.evidence, address) => {}
        // `proxy-failed` tells it once.
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
            format!("{subject} takes the connection and {}.", how_text(*how)),
        ),
        SessionEnd::NoEhloReply(how) => add(
            &SERVER_SILENT,
            format!("{subject} greets, and after EHLO it {}.", how_text(*how)),
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
            // Without TLSA records nobody was promised TLS: `no-encryption`
            // says it then.
            if address.dane.promise_tls() {
                match session.ehlo.as_ref().and_then(masked) {
                    Some(mask) => add(
                        &STARTTLS_MASKED,
                        format!(
                            "{subject} shows {mask} where STARTTLS should be, although TLSA \
                             records promise TLS: a firewall overwrote it."
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
                                     {other}, by an alias."
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
                "{subject} offers STARTTLS, and when asked for it {}.",
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
                "{subject} starts TLS, and after EHLO inside it {}.",
                how_text(*how)
            ),
        ),
        SessionEnd::EhloRefusedInTls(reply) => add(
            &SESSION_LOST_IN_TLS,
            format!("{subject} starts TLS and then refuses: {}.", reply.text()),
        ),
    }
}

/// The end of the alias that the name of the TLSA records is, where it is the
/// name of another service: its first two labels are another port or protocol.
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

/// A keyword that a firewall overwrote: Xs, as many as `STARTTLS` has letters
/// or so, and perhaps an A at the end.
fn masked(ehlo: &Reply) -> Option<&str> {
    ehlo.keywords().find(|word| {
        let xs = word.strip_suffix('A').unwrap_or(word);
        xs.len() >= 6 && xs.bytes().all(|byte| byte == b'X')
    })
}

fn how_text(how: Interruption) -> &'static str {
    match how {
        Interruption::Lost => "hangs up",
        Interruption::TimedOut => "says nothing",
        Interruption::Flooded => "sends more than any reply may hold",
    }
}
