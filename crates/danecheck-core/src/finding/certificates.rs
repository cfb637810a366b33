//! Findings about certificates that OpenSSL does not use, and about servers with
//! several certificates, of which each client sees one (`--thorough`).

use crate::certificate::Certificate;
use crate::finding::rule::{Findings, Rule, Severity};
use crate::finding::subject::{peer, short};
use crate::judge::{AddressEvidence, HostEvidence, Judged, SessionEvidence};
use crate::matching::{DaneMatching, Requirement, served_records};
use crate::observation::LimitedOffer;

pub(super) static CERTIFICATE_INVALID: Rule = Rule {
    id: "certificate-invalid",
    severity: Severity::Warning,
    reference: "OpenSSL ossl_x509v3_cache_extensions",
    meaning: "The server sends a certificate with an extension that OpenSSL cannot decode, or finds \
              more than once. Postfix uses OpenSSL, so it trusts no chain through this \
              certificate: mail waits at the levels `verify` and `secure`, and where TLSA records \
              name a certificate authority (usage 2). TLSA records of usage 3 still match.",
    sender: "",
    receiver: "Order a new certificate without the faulty extension. Until then, publish a TLSA \
               record 3 1 1 of the server's own key, for which extensions do not matter.",
};

pub(super) static CERTIFICATE_NOT_COVERED: Rule = Rule {
    id: "certificate-not-covered",
    severity: Severity::Warning,
    reference: "RFC 7671 section 8.1",
    meaning: "The server has several certificates, and one of them matches no TLSA record. Which \
              certificate a sender gets depends on what its TLS offers and prefers. So the mail of \
              some senders flows and that of others waits.",
    sender: "",
    receiver: "Publish a record 3 1 1 for each certificate of the server, or configure only one \
               certificate.",
};

pub(super) static TLS12_OTHER_CERTIFICATE: Rule = Rule {
    id: "tls12-other-certificate",
    severity: Severity::Info,
    reference: "RFC 8446 section 4.4.2.2",
    meaning: "Senders that support only TLS 1.2 get a different certificate from senders with TLS \
              1.3. Both certificates need TLSA records.",
    sender: "",
    receiver: "Publish a record 3 1 1 for the key of each certificate, or configure one \
               certificate for both.",
};

/// One certificate of a server, and who gets it.
struct Shown<'e> {
    leaf: &'e Certificate,
    session: &'e SessionEvidence<'e>,
    /// `None` for Postfix.
    offer: Option<LimitedOffer>,
}

/// Raises the findings of this module.
pub(super) fn check(judged: &Judged<'_>, findings: &mut Findings) {
    for (host, address) in judged.evidence.addresses() {
        let shown = shown(address);
        invalid(host, address, &shown, findings);
        other_in_tls12(host, address, &shown, findings);
        not_covered(host, address, &shown, findings);
    }
}

/// The certificates, Postfix's first.
fn shown<'e>(address: &'e AddressEvidence<'e>) -> Vec<Shown<'e>> {
    let usual = address.dane_session().map(|session| (None, session));
    let limited = address
        .limited
        .iter()
        .map(|(offer, session)| (Some(*offer), session));
    usual
        .into_iter()
        .chain(limited)
        .filter_map(|(offer, session)| {
            let leaf = session.chain.first()?.as_ref().ok()?;
            Some(Shown {
                leaf,
                session,
                offer,
            })
        })
        .collect()
}

fn invalid(
    host: &HostEvidence<'_>,
    address: &AddressEvidence<'_>,
    shown: &[Shown<'_>],
    findings: &mut Findings,
) {
    let sent = shown
        .iter()
        .flat_map(|one| one.session.chain.iter().flatten());
    for certificate in sent {
        let Some(cause) = certificate.invalid_extension() else {
            continue;
        };
        let subject = peer(host, address.seen.address);
        let message = format!(
            "{subject} sends the certificate {}, which OpenSSL does not use: {cause}.",
            certificate.subject()
        );
        // One says what to do: the others may come from the same authority.
        findings.add(&CERTIFICATE_INVALID, subject, message);
        return;
    }
}

fn other_in_tls12(
    host: &HostEvidence<'_>,
    address: &AddressEvidence<'_>,
    shown: &[Shown<'_>],
    findings: &mut Findings,
) {
    let by = |offer| shown.iter().find(|one| one.offer == offer);
    let (Some(usual), Some(old)) = (by(None), by(Some(LimitedOffer::Tls12))) else {
        return;
    };
    if usual.leaf.der() == old.leaf.der() {
        return;
    }
    let subject = peer(host, address.seen.address);
    let message = format!(
        "{subject} shows one key in TLS 1.2 ({}) and another in TLS 1.3 ({}).",
        old.leaf.key().description(),
        usual.leaf.key().description()
    );
    findings.add(&TLS12_OTHER_CERTIFICATE, subject, message);
}

fn not_covered(
    host: &HostEvidence<'_>,
    address: &AddressEvidence<'_>,
    shown: &[Shown<'_>],
    findings: &mut Findings,
) {
    let Some(usual) = shown.first().map(|one| one.leaf.der()) else {
        return;
    };
    let some_is_covered = shown
        .iter()
        .any(|one| is_covered(one.session.dane.as_deref()) == Some(true));
    let mut told: Vec<&[u8]> = Vec::new();
    for one in shown {
        let der = one.leaf.der();
        // If no record matches the one that Postfix gets, `tlsa-mismatch` says
        // so.
        let news = der != usual || some_is_covered;
        if is_covered(one.session.dane.as_deref()) != Some(false) || !news || told.contains(&der) {
            continue;
        }
        told.push(der);
        let subject = peer(host, address.seen.address);
        let who = match one.offer {
            None => "Postfix gets it, and other senders get one that matches",
            Some(LimitedOffer::Tls12) => "Senders without TLS 1.3 get it",
            Some(LimitedOffer::Rsa) => "Senders that use only RSA, or prefer RSA, get it",
            Some(LimitedOffer::Curves) => {
                "Senders that use only ECDSA or EdDSA, or prefer them, get it"
            }
        };
        let record = served_records(&one.session.chain)
            .first()
            .map_or_else(String::new, |served| short(&served.record));
        let message = format!(
            "{subject} has a certificate that no TLSA record matches ({}, {record}). {who}.",
            one.leaf.key().description()
        );
        findings.add(&CERTIFICATE_NOT_COVERED, subject, message);
    }
}

/// Whether a record matches what the server shows; `None` if no record counts.
fn is_covered(matching: Option<&DaneMatching>) -> Option<bool> {
    matching
        .filter(|matching| matching.requirement == Requirement::MustMatch)
        .and_then(DaneMatching::authenticates)
}
