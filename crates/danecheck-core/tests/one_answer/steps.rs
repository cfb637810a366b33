//! The step of a finding belongs to what was seen.

use danecheck_core::observation::Reply;
use danecheck_core::report::Report;

use super::words::{first_step, recorded};

/// The error names the reason that was seen, and the step repairs that one.
#[test]
fn the_step_belongs_to_the_reason() {
    let dates = "Or publish 3 1 1 of the server's own key, for which dates do not count.";
    for (name, id, message, step) in [
        (
            "message-junk-first",
            "handshake-failed",
            "number 1 of the certificates that the server sends cannot be read.",
            "Repair or replace the certificate file of the server",
        ),
        (
            "message-junk-far",
            "handshake-failed",
            "number 33 of the certificates",
            "Repair the chain file of the server, whose certificate number 33 cannot be read",
        ),
        (
            "message-throng-tls-1.2",
            "handshake-failed",
            "sends a longer handshake message than Postfix takes.",
            "Shorten the chain file",
        ),
        (
            "starttls-then-plain",
            "handshake-failed",
            "something that is not TLS.",
            "Find out what answers on port 25",
        ),
        (
            "starttls-twice-apart",
            "handshake-failed",
            "goes on in plain text: 220 go ahead.",
            "Find out what answers on port 25",
        ),
        (
            "starttls-then-hang",
            "handshake-failed",
            "time ran out.",
            "Search the server's log",
        ),
        (
            "starttls-then-drop",
            "handshake-failed",
            "the connection was lost.",
            "Search the server's log",
        ),
        (
            "handshake-fails",
            "handshake-failed",
            "the server says protocol_version.",
            "offer ECDHE with AES-GCM",
        ),
        (
            "newer-hybrid-group",
            "handshake-failed",
            "takes only TLS groups that no Postfix before 3.11 on OpenSSL 3.5 offers \
             (X25519MLKEM768).",
            "Offer the group x25519 or secp256r1 as well.",
        ),
        (
            "old-ffdhe2048-group-tls-1.3",
            "handshake-failed",
            "takes only TLS groups that no Postfix before 3.8 offers",
            "Offer the group x25519 or secp256r1 as well.",
        ),
        (
            "message-crowd-tls-1.2",
            "tls-outdated",
            "sends more than 64 kilobytes of certificates",
            "Shorten the chain file",
        ),
        (
            "old-key-rsa-pss-tls-1.2",
            "tls-outdated",
            "shows a key of a rare kind (RSA-PSS 2048 bits)",
            "Use a certificate with an RSA key of 2048 bits or a key on P-256. If TLSA records",
        ),
        (
            "old-key-ed448-tls-1.2",
            "tls-outdated",
            "shows a key of a rare kind (Ed448)",
            "Use a certificate with",
        ),
        (
            "old-cbc",
            "tls-outdated",
            "offers no newer TLS than TLSv1.2 with TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA.",
            "Offer TLS 1.2 or 1.3 with ECDHE and AES-GCM.",
        ),
        (
            "old-key-dsa",
            "tls-outdated",
            "offers no newer TLS than TLSv1.2 with TLS_DHE_DSS_WITH_AES_256_GCM_SHA384.",
            "Offer TLS 1.2 or 1.3 with ECDHE and AES-GCM. Use a certificate with an RSA key of",
        ),
        (
            "no-certificate",
            "tls-too-old",
            "shows no certificate (TLSv1.2 with TLS_DH_anon_WITH_AES_256_GCM_SHA384)",
            "Offer TLS 1.2 or 1.3",
        ),
        (
            "old-protocol-only",
            "tls-too-old",
            "TLSv1 with TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, and signs with SHA-1 only.",
            "Offer TLS 1.2 or 1.3",
        ),
        (
            "anchor-leaf-expired",
            "dane-ta-certificate-expired",
            "the server's certificate has expired.",
            "Renew the server's certificate",
        ),
        (
            "anchor-leaf-not-yet-valid",
            "dane-ta-certificate-expired",
            "the server's certificate is not valid before 20",
            "Put the former certificate back until 20",
        ),
        (
            "anchor-below-expired",
            "dane-ta-certificate-expired",
            "expired on 20",
            "Replace the expired CA certificate in the chain that the server sends",
        ),
        (
            "anchor-root-not-yet-valid",
            "dane-ta-certificate-expired",
            "is not valid before 20",
            dates,
        ),
        (
            "stale-not-yet-valid",
            "tlsa-mismatch",
            ", valid only from 2026-12-22, matches none",
            "Publish 3 1 1 of the current key",
        ),
        (
            "starttls-421",
            "starttls-refused-for-now",
            "refuses to start TLS: 421 4.3.2 closing.",
            "Reply 421 most often means",
        ),
        (
            "starttls-454",
            "starttls-refused-for-now",
            "refuses to start TLS: 454 not now.",
            "Correct the path and the permissions of the server's key",
        ),
        (
            "starttls-502-coded",
            "starttls-refused-for-good",
            "refuses to start TLS: 502 5.5.1 what?.",
            "Try STARTTLS on the server itself.",
        ),
        (
            "starttls-554",
            "starttls-refused-for-good",
            "refuses to start TLS: 554 no.",
            "Correct the path and the permissions of the server's key",
        ),
        (
            "greeting-in-tls",
            "replies-out-of-step",
            "Most likely it greets again inside TLS, or answers EHLO there in more than one reply.",
            "Inside TLS, let the server",
        ),
        (
            "ehlo-in-tls-in-two-replies",
            "replies-out-of-step",
            "after its answer to EHLO inside TLS it sends \"250 HELP\" unasked.",
            "Inside TLS, let the server",
        ),
        (
            "ehlo-then-421-and-220",
            "replies-out-of-step",
            "after its answer to EHLO it sends \"421 4.3.2 closing\" unasked.",
            "Write the answer to EHLO as one reply",
        ),
    ] {
        let report = Report::of(&recorded(name));
        let first = &report.findings[0];
        assert_eq!(first.id, id, "{name}");
        assert!(first.message.contains(message), "{name}: {first:?}");
        let receiver = first.remedy.strip_prefix("Receiver: ").unwrap();
        let receiver = first_step(receiver);
        assert!(receiver.contains(step), "{name}: {first:?}");
    }
}

/// A server that refuses EHLO is not asked to switch on what it offers there.
#[test]
fn a_refused_ehlo_is_named() {
    let mut seen = recorded("ehlo-refused");
    let reply = Reply {
        code: 502,
        lines: vec!["502 5.5.2 what".to_owned()],
    };
    for host in &mut seen.hosts {
        for session in host.addresses.iter_mut().flat_map(|one| &mut one.sessions) {
            session.refused_ehlo = Some(reply.clone());
        }
    }
    let report = Report::of(&seen);
    let first = &report.findings[0];
    assert_eq!(first.id, "starttls-not-offered");
    let said = "refuses EHLO: 502 5.5.2 what. Postfix then sends HELO and sees no STARTTLS";
    assert!(first.message.contains(said), "{first:?}");
    let step = "accept EHLO: only its answer offers STARTTLS.";
    assert!(first_step(&first.remedy).ends_with(step), "{first:?}");
}
