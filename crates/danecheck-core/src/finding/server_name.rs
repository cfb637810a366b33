//! Findings about servers that depend on the name that a client asks for in TLS
//! (SNI).

use crate::finding::rule::{Finding, Findings, Rule, Severity};
use crate::finding::subject::{at, peer};
use crate::judge::{AddressEvidence, HostEvidence, SessionEvidence, by_old_means};
use crate::observation::{HandshakeFailure, SessionEnd};

const TELL: &str = "Tell the receiver, with both commands.";

/// The alert of RFC 6066 section 3.
const UNRECOGNIZED_NAME: &str = "unrecognized_name";

/// Names of a certificate that a sentence has.
const NAMED: usize = 2;

pub(super) static OWN_NAME_REFUSED: Rule = Rule {
    id: "own-name-refused",
    severity: Severity::Error,
    reference: "RFC 6066 section 3",
    meaning: "The server does not know the name under which DNS lists it. It ends the TLS \
              handshake of every client that asks for this name (SNI) with the alert \
              unrecognized_name. DANE senders and senders that honour MTA-STS ask for it, so their \
              mail waits.",
    sender: TELL,
    receiver: "Add HOST to the names that the server's TLS knows. Or let it send its default \
               certificate for names that it does not know. Test it with `openssl s_client \
               -starttls smtp -connect HOST:25`, which asks for the name.",
};

pub(super) static OWN_NAME_UNKNOWN: Rule = Rule {
    id: "own-name-unknown",
    severity: Severity::Warning,
    reference: "RFC 6066 section 3",
    meaning: "The server does not know the name under which DNS lists it. It warns clients that \
              ask for this name (SNI) with the alert unrecognized_name, and sends its default \
              certificate. Postfix ignores the warning, but some clients end the handshake.",
    sender: "",
    receiver: "Add HOST to the names that the server's TLS knows. Test it with `openssl s_client \
               -starttls smtp -connect HOST:25 -tls1_2 -msg`, which shows the alert.",
};

pub(super) static SNI_OTHER_CERTIFICATE: Rule = Rule {
    id: "sni-other-certificate",
    severity: Severity::Info,
    reference: "RFC 7672 section 8.1",
    meaning: "The server shows one certificate to clients that ask for its name (SNI), and its \
              default certificate to clients that ask for none. DANE senders ask for the name. \
              Postfix asks for none at the levels encrypt, fingerprint, verify and secure, unless \
              the line has servername.",
    sender: "",
    receiver: "Use one certificate for both, with the name in the MX record. Otherwise renew both, \
               and publish TLSA records for the one that clients with SNI get.",
};

pub(super) static SNI_REFUSED: Rule = Rule {
    id: "sni-refused",
    severity: Severity::Error,
    reference: "RFC 7672 section 8.1",
    meaning: "The TLS handshake succeeds only if the client asks for no name (SNI). DANE senders \
              and senders that honour MTA-STS ask for the server's name, so their mail waits. Mail \
              from other senders flows.",
    sender: TELL,
    receiver: "Repair what ends the TLS of clients that ask for HOST: a filter or load balancer \
               that does not know the name, or the server's own support for SNI. Test it with \
               `openssl s_client -starttls smtp -connect HOST:25`, which asks for the name.",
};

pub(super) static SNI_REQUIRED: Rule = Rule {
    id: "sni-required",
    severity: Severity::Error,
    reference: "RFC 7672 section 8.1",
    meaning: "The TLS handshake succeeds only if the client asks for a name (SNI). Postfix asks \
              for none unless DANE, MTA-STS or a line with servername requires it. Where TLS is \
              required, such mail waits. At level may it goes in plain text some minutes later.",
    sender: TELL,
    receiver: "Give the server a default certificate for clients that ask for no name. Test it \
               with `openssl s_client -starttls smtp -connect HOST:25 -noservername`.",
};

/// Names why a handshake failed, if that depends on the server name; returns
/// whether it does.
pub(super) fn failed(
    host: &HostEvidence<'_>,
    port: u16,
    address: &AddressEvidence<'_>,
    sni: Option<&str>,
    failure: &HandshakeFailure,
    findings: &mut Findings,
) -> bool {
    if failure.ours || failure.limit {
        return false;
    }
    let subject = peer(host, address.seen.address);
    let is_unknown = failure.alert.as_deref() == Some(UNRECOGNIZED_NAME);
    let sessions = || address.sessions.iter().filter(|one| shook_hands(one));
    let why = match &failure.alert {
        _ if failure.timed_out => "time ran out".to_owned(),
        Some(alert) => format!("the server says {alert}"),
        None => failure.text.clone(),
    };
    let Some(name) = sni else {
        let named = sessions().find_map(|one| one.seen.sni.as_deref());
        let with_name = match named {
            Some(name) => format!("succeeds with the server name {name}"),
            None if is_unknown => "needs a server name".to_owned(),
            None => return false,
        };
        let message = format!(
            "The TLS handshake with {subject} {with_name}, and fails without one (SNI): {why}."
        );
        findings.put(at(
            Finding::new(&SNI_REQUIRED, subject, message),
            host,
            port,
        ));
        return true;
    };
    let goes_without = sessions().any(|one| one.seen.sni.is_none());
    let (rule, without) = match (is_unknown, goes_without) {
        (true, true) => (&OWN_NAME_REFUSED, ", and succeeds without one"),
        (true, false) => (&OWN_NAME_REFUSED, ""),
        (false, true) => (&SNI_REFUSED, ", and succeeds without one"),
        (false, false) => return false,
    };
    let message = format!(
        "The TLS handshake with {subject} fails with the server name {name} (SNI){without}: {why}."
    );
    findings.put(at(Finding::new(rule, subject, message), host, port));
    true
}

/// Raises the findings about handshakes that succeed.
pub(super) fn shown(
    host: &HostEvidence<'_>,
    port: u16,
    address: &AddressEvidence<'_>,
    findings: &mut Findings,
) {
    let subject = || peer(host, address.seen.address);
    let unnamed = address.sessions.iter().find(|one| one.seen.sni.is_none());
    for session in &address.sessions {
        let Some(name) = &session.seen.sni else {
            continue;
        };
        let tls = session.seen.tls.as_ref();
        if tls.is_some_and(|tls| tls.name_unknown) {
            let message = format!(
                "{} says that it does not know the server name {name} (a warning, \
                 {UNRECOGNIZED_NAME}), and continues{}.",
                subject(),
                certificate(session).map_or_else(String::new, |it| format!(" with {it}"))
            );
            findings.put(at(
                Finding::new(&OWN_NAME_UNKNOWN, subject(), message),
                host,
                port,
            ));
        }
        let leaf = |one: &SessionEvidence<'_>| one.seen.chain().first().cloned();
        let default = unnamed.filter(|one| leaf(one) != leaf(session));
        let both = default.and_then(certificate).zip(certificate(session));
        if let Some((default, own)) = both {
            let message = format!(
                "{} shows {own} to clients that ask for {name}, and {default} to clients that ask \
                 for no name.",
                subject()
            );
            findings.add(&SNI_OTHER_CERTIFICATE, subject(), message);
        }
    }
}

/// Whether TLS was agreed on, in this program's TLS or in Postfix's.
fn shook_hands(session: &SessionEvidence<'_>) -> bool {
    match session.seen.end {
        SessionEnd::Completed
        | SessionEnd::NoEhloReplyInTls(_)
        | SessionEnd::EhloRefusedInTls(_) => true,
        _ => by_old_means(session.seen).is_some(),
    }
}

/// `a certificate for mx.example.com and 3 other names`; `None` if it was not
/// seen.
fn certificate(session: &SessionEvidence<'_>) -> Option<String> {
    let leaf = match session.chain.first()? {
        Ok(leaf) => leaf,
        Err(_) => return Some("a certificate that cannot be read".to_owned()),
    };
    let names = leaf.dns_names();
    let first: Vec<&str> = names.iter().take(NAMED).collect();
    Some(match names.len().saturating_sub(NAMED) {
        _ if names.is_empty() => format!("the certificate {}", leaf.subject()),
        0 => format!("a certificate for {}", first.join(" and ")),
        1 => format!("a certificate for {} and another name", first.join(", ")),
        more => format!(
            "a certificate for {} and {more} other names",
            first.join(", ")
        ),
    })
}
