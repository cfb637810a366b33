//! The mail servers, side by side: connections, offers of STARTTLS, and
//! certificates.

use crate::certificate::{Certificate, ReferenceName};
use crate::dnssec::SecurityStatus;
use crate::forensics::{common_name, is_public_root};
use crate::matching::fingerprints;
use crate::observation::{
    ConnectFailureKind, Der, HandshakeFailure, Interruption, Reply, Session, SessionEnd,
    SignatureCheck,
};
use crate::unix_time::UnixTime;

use super::super::dane::DaneRecords;
use super::super::evidence::{AddressEvidence, Evidence, HostEvidence, SessionEvidence};
use super::super::policy::dane_names;
use super::{Aspect, Difference, DifferenceKind, Found, common_hosts};

/// What is said of an address or a host that one look left out.
pub(super) const NOT_LOOKED_AT: &str = "not checked";

/// Looks that are closer together than so many seconds were made at once.
const AT_ONCE: u64 = 60;

/// Compares every address that both looks have.
pub(super) fn compare<'a>(a: &Evidence<'a>, b: &Evidence<'a>, found: &mut Found) {
    for (one, other) in common_hosts(a, b) {
        for address in &one.addresses {
            let ip = address.seen.address;
            let mut others = other.addresses.iter();
            let Some(second) = others.find(|it| it.seen.address == ip) else {
                continue;
            };
            let pair = Pair {
                a: Side {
                    evidence: a,
                    host: one,
                    address,
                },
                b: Side {
                    evidence: b,
                    host: other,
                    address: second,
                },
            };
            pair.compare(found);
        }
    }
}

/// One address of a host in one look.
#[derive(Clone, Copy)]
struct Side<'e, 'a> {
    evidence: &'e Evidence<'a>,
    host: &'e HostEvidence<'a>,
    address: &'e AddressEvidence<'a>,
}

/// The same address in both looks.
struct Pair<'e, 'a> {
    a: Side<'e, 'a>,
    b: Side<'e, 'a>,
}

/// How far a session came.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing is known of the server from there; why.
    NotSeen(String),
    /// The connection ends before the server's offers are known; how.
    Connection(String),
    /// STARTTLS is not offered, is refused, or fails; how.
    NoTls(String),
    /// TLS.
    Tls,
}

impl Stage {
    fn of(session: &SessionEvidence<'_>) -> Self {
        let seen = session.seen;
        let refused = |reply: &Reply| {
            Self::NotSeen(format!("the server refuses this client: {}", reply.text()))
        };
        match &seen.end {
            SessionEnd::Assumed => Self::NotSeen("no connection was made".to_owned()),
            SessionEnd::NotConnected(failure) => match failure.kind {
                ConnectFailureKind::TimedOut
                | ConnectFailureKind::Unreachable
                | ConnectFailureKind::Proxy => {
                    Self::NotSeen(format!("no connection: {}", failure.text))
                }
                ConnectFailureKind::Refused | ConnectFailureKind::Other => {
                    Self::Connection(format!("no connection: {}", failure.text))
                }
            },
            SessionEnd::NoGreeting(Interruption::TimedOut) => {
                Self::NotSeen("no greeting in time".to_owned())
            }
            SessionEnd::NoGreeting(how) => Self::Connection(format!("no greeting: {}", word(*how))),
            SessionEnd::GreetingRefused(reply) | SessionEnd::EhloRefused(reply) => refused(reply),
            SessionEnd::NoEhloReply(how) => {
                Self::Connection(format!("no answer to EHLO: {}", word(*how)))
            }
            SessionEnd::NoStartTls => match (seen.refusal_for_now(), &seen.ehlo) {
                (Some(reply), _) => refused(reply),
                (None, Some(ehlo)) => match ehlo.mask() {
                    Some(mask) => Self::NoTls(format!("{mask} in the place of STARTTLS")),
                    None => Self::NoTls("STARTTLS is not offered".to_owned()),
                },
                (None, None) => Self::NoTls("STARTTLS is not offered".to_owned()),
            },
            SessionEnd::NoStartTlsReply(how) => {
                Self::NoTls(format!("no answer to STARTTLS: {}", word(*how)))
            }
            SessionEnd::StartTlsRefused(reply) => {
                Self::NoTls(format!("STARTTLS is refused: {}", reply.text()))
            }
            SessionEnd::HandshakeFailed(failure) => Self::of_handshake(session, failure),
            SessionEnd::NoEhloReplyInTls(_)
            | SessionEnd::EhloRefusedInTls(_)
            | SessionEnd::Completed => Self::Tls,
        }
    }

    /// A handshake that only this program cannot finish showed a certificate.
    fn of_handshake(session: &SessionEvidence<'_>, failure: &HandshakeFailure) -> Self {
        if (failure.ours || failure.limit) && !session.chain.is_empty() {
            return Self::Tls;
        }
        Self::NoTls(format!("the TLS handshake fails: {}", failure.text))
    }

    fn words(&self) -> String {
        match self {
            Self::NotSeen(why) | Self::Connection(why) | Self::NoTls(why) => why.clone(),
            Self::Tls => "STARTTLS works".to_owned(),
        }
    }
}

fn word(how: Interruption) -> &'static str {
    match how {
        Interruption::Lost => "the connection is closed",
        Interruption::TimedOut => "nothing comes in time",
        Interruption::Flooded => "more comes than a reply may contain",
    }
}

impl<'a> Pair<'_, 'a> {
    fn compare(&self, found: &mut Found) {
        let (one, other) = (self.a.address, self.b.address);
        if one.seen.reserved.is_some() && other.seen.reserved.is_some() {
            return;
        }
        found.met += 1;
        let mut was_compared = false;
        let mut has_common = false;
        for session in &one.sessions {
            let sni = &session.seen.sni;
            let mut others = other.sessions.iter();
            if let Some(second) = others.find(|it| it.seen.sni == *sni) {
                has_common = true;
                was_compared |= self.sessions(session, second, found);
            }
        }
        let left_out = one.was_left_out() || other.was_left_out();
        if !has_common && (left_out || one.seen.reserved != other.seen.reserved) {
            let (kind, reason) = self.why_left_out();
            let words = (looked_at(one), looked_at(other));
            self.add(Aspect::Connection, words, kind, reason, found);
        } else if !has_common
            && let (Some(first), Some(second)) = (one.sessions.first(), other.sessions.first())
        {
            // Each look gave another server name, as its TLSA records ask for it.
            was_compared |= self.sessions(first, second, found);
        }
        if was_compared {
            found.compared += 1;
        }
    }

    /// Why one of the looks did not connect: nothing is known, unless it was asked
    /// not to.
    fn why_left_out(&self) -> (DifferenceKind, String) {
        let ip = self.a.address.seen.address;
        for side in [self.a, self.b] {
            let observation = side.evidence.observation;
            if let Some(only) = observation.only.filter(|_| !observation.uses(ip)) {
                let reason = format!("One of the looks used {} alone.", only.as_str());
                return (DifferenceKind::Explained, reason);
            }
        }
        let reason = "One of the looks did not connect to this address.".to_owned();
        (DifferenceKind::NotSeen, reason)
    }

    fn add(
        &self,
        what: Aspect,
        (a, b): (String, String),
        kind: DifferenceKind,
        reason: String,
        found: &mut Found,
    ) {
        found.add(Difference {
            what,
            host: self.a.host.seen.name.clone(),
            address: Some(self.a.address.seen.address),
            a,
            b,
            kind,
            reason,
        });
    }

    /// Compares two sessions with one server name; whether both saw the server.
    fn sessions(
        &self,
        one: &SessionEvidence<'a>,
        other: &SessionEvidence<'a>,
        found: &mut Found,
    ) -> bool {
        let (first, second) = (Stage::of(one), Stage::of(other));
        let words = || (first.words(), second.words());
        match (&first, &second) {
            (Stage::NotSeen(_), Stage::NotSeen(_)) => return false,
            (Stage::NotSeen(_), _) | (_, Stage::NotSeen(_)) => {
                let blind = match first {
                    Stage::NotSeen(_) => self.a,
                    _ => self.b,
                };
                let (kind, reason) = blind.why_not_seen();
                self.add(Aspect::Connection, words(), kind, reason, found);
                return false;
            }
            (Stage::Tls, Stage::Tls) => self.certificates(one, other, found),
            (one, other) if one == other => {}
            (Stage::NoTls(_), Stage::NoTls(_)) if are_alike(one.seen, other.seen) => {}
            (Stage::Connection(_), _) | (_, Stage::Connection(_)) => {
                let reason = "A person in between can cut a connection.".to_owned();
                let kind = DifferenceKind::Unexplained;
                self.add(Aspect::Connection, words(), kind, reason, found);
            }
            _ => {
                let reason = "STARTTLS is offered in plain text, so a person in between can \
                              remove it."
                    .to_owned();
                let kind = DifferenceKind::Unexplained;
                self.add(Aspect::Starttls, words(), kind, reason, found);
            }
        }
        true
    }

    fn certificates(
        &self,
        one: &SessionEvidence<'a>,
        other: &SessionEvidence<'a>,
        found: &mut Found,
    ) {
        let (Some(first), Some(second)) = (leaf(one), leaf(other)) else {
            if one.seen.chain().first() != other.seen.chain().first() {
                let words = (certificate_words(one), certificate_words(other));
                let reason = "One of the certificates cannot be read.".to_owned();
                let kind = DifferenceKind::Unexplained;
                self.add(Aspect::Certificate, words, kind, reason, found);
            }
            return;
        };
        let bad = |session: &SessionEvidence<'_>| {
            matches!(signature(session), Some(SignatureCheck::Bad(_)))
        };
        if bad(one) != bad(other) {
            let words = |session| match bad(session) {
                true => "the handshake is signed with another key".to_owned(),
                false => "the handshake is signed with the key of the certificate".to_owned(),
            };
            let reason = "One of the servers does not have the key of its certificate.".to_owned();
            let kind = DifferenceKind::Unexplained;
            let words = (words(one), words(other));
            self.add(Aspect::Certificate, words, kind, reason, found);
            return;
        }
        if first.der() == second.der() {
            return;
        }
        let words = (certificate_words(one), certificate_words(other));
        let (kind, reason) = match self.explained(one, other, first, second) {
            Some(reason) => (DifferenceKind::Explained, reason),
            None => (
                DifferenceKind::Unexplained,
                "Nothing proves that both certificates are the server's own.".to_owned(),
            ),
        };
        self.add(Aspect::Certificate, words, kind, reason, found);
    }

    /// Why both certificates are the server's own.
    fn explained(
        &self,
        one: &SessionEvidence<'a>,
        other: &SessionEvidence<'a>,
        first: &Certificate,
        second: &Certificate,
    ) -> Option<String> {
        let good = |session| signature(session) == Some(&SignatureCheck::Good);
        if !good(one) || !good(other) {
            return None;
        }
        let renewed = self.renewed(first, second);
        if first.spki_der() == second.spki_der() {
            return Some("Both certificates are of one key.".to_owned());
        }
        if self.a.matches_records(one, self.b) && self.b.matches_records(other, self.a) {
            return Some(match renewed {
                Some(when) => format!(
                    "TLSA records match both: the certificate was renewed between the looks \
                     (valid from {when})."
                ),
                None => "TLSA records match both certificates.".to_owned(),
            });
        }
        if self.are_trusted(one, other, renewed.is_some()) {
            return Some(match renewed {
                Some(when) => format!(
                    "A trusted CA issued both for this name: the certificate was renewed between \
                     the looks (valid from {when})."
                ),
                None => "A trusted CA issued both for this name, as for servers with several \
                         certificates, or several servers at one address."
                    .to_owned(),
            });
        }
        let known = shows_key(self.b.host, first) && shows_key(self.a.host, second);
        known.then(|| "Both looks saw both keys, at different addresses of this host.".to_owned())
    }

    /// Whether a trusted CA issued both. Where TLSA records match one of them alone,
    /// the CA's word does not suffice (RFC 7672 section 1.3.4), unless the other was
    /// issued between the looks.
    fn are_trusted(
        &self,
        one: &SessionEvidence<'a>,
        other: &SessionEvidence<'a>,
        renewed: bool,
    ) -> bool {
        let (a, b) = (self.a, self.b);
        let looked = [a, b].map(|side| side.evidence.observation.checked_at.0);
        let at_once = looked[0].abs_diff(looked[1]) < AT_ONCE;
        a.is_trusted(one, b)
            && b.is_trusted(other, a)
            && (a.matches_records(one, b) == b.matches_records(other, a) || renewed && !at_once)
    }

    /// From when the newer certificate is valid, if it was issued between the
    /// looks.
    fn renewed(&self, first: &Certificate, second: &Certificate) -> Option<String> {
        let looked = [self.a, self.b].map(|side| side.evidence.observation.checked_at);
        let (earlier, newer) = match looked {
            [a, b] if a <= b => (a, second),
            [_, b] => (b, first),
        };
        // CAs set the beginning an hour back.
        let slack = UnixTime(earlier.0.saturating_sub(3_600));
        let begins = newer.not_before();
        (begins >= slack).then(|| begins.day())
    }
}

/// Whether two sessions have no TLS in the same way, whatever the words.
fn are_alike(one: &Session, other: &Session) -> bool {
    let code = |session: &Session| match &session.end {
        SessionEnd::StartTlsRefused(reply) => Some(reply.code / 100),
        _ => None,
    };
    let is_masked = |session: &Session| session.ehlo.as_ref().is_some_and(|it| it.mask().is_some());
    std::mem::discriminant(&one.end) == std::mem::discriminant(&other.end)
        && code(one) == code(other)
        && is_masked(one) == is_masked(other)
}

impl<'a> Side<'_, 'a> {
    /// Why a server was not seen: nothing is known, unless no server of this
    /// family was.
    fn why_not_seen(self) -> (DifferenceKind, String) {
        let ipv4 = self.address.seen.address.is_ipv4();
        let mut all = self.evidence.addresses().map(|(_, address)| address);
        let seen = |address: &AddressEvidence<'_>| {
            let mut stages = address.sessions.iter().map(Stage::of);
            stages.any(|stage| !matches!(stage, Stage::NotSeen(_)))
        };
        let of_family = |address: &&AddressEvidence<'_>| address.seen.address.is_ipv4() == ipv4;
        let family = if ipv4 { "IPv4" } else { "IPv6" };
        let any_of_family = self
            .evidence
            .addresses()
            .map(|(_, address)| address)
            .filter(of_family)
            .any(seen);
        if !any_of_family && all.any(seen) {
            let reason = format!("No {family} address can be reached from one of the places.");
            return (DifferenceKind::Explained, reason);
        }
        let reason = "One of the looks did not see the server.".to_owned();
        (DifferenceKind::NotSeen, reason)
    }

    /// Whether a proven TLSA record of one of the looks matches what the
    /// session showed.
    fn matches_records(self, session: &SessionEvidence<'a>, other: Side<'_, 'a>) -> bool {
        [self, other].into_iter().any(|from| {
            let DaneRecords::Usable(tlsa, records) = from.address.dane else {
                return false;
            };
            let own = tlsa.lookup.own.as_ref();
            let proven = own.is_some_and(|own| own.status == SecurityStatus::Secure);
            let names = dane_names(&tlsa.base_domain, from.evidence.mx.as_ref());
            let now = self.evidence.now;
            proven
                && self
                    .evidence
                    .matching(session, records, &names, now)
                    .authenticates()
                    == Some(true)
        })
    }

    /// Whether a CA that both places trust, or everybody, issued the certificate for
    /// the name of the host. A firewall that inspects TLS has a CA of its own, which
    /// the machines behind it trust.
    fn is_trusted(self, session: &SessionEvidence<'_>, other: Side<'_, 'a>) -> bool {
        let name = ReferenceName::Exact(self.host.seen.name.clone());
        let store = |side: Side<'_, 'a>| &side.evidence.observation.trust_store.certificates;
        let elsewhere = store(other);
        let everywhere = |der: &Der| elsewhere.contains(der) || is_public_root(&der.0);
        self.evidence.pkix(&session.chain, &[name], true).is_ok()
            && store(self).iter().all(everywhere)
    }
}

/// Whether every session with an address proves that the server is this host's:
/// by TLSA, by a trusted CA, or by a key that the other look saw too.
pub(super) fn prove_themselves<'a>(
    (evidence, host): (&Evidence<'a>, &HostEvidence<'a>),
    address: &AddressEvidence<'a>,
    (other, elsewhere): (&Evidence<'a>, &HostEvidence<'a>),
) -> bool {
    let side = Side {
        evidence,
        host,
        address,
    };
    let beside = Side {
        evidence: other,
        host: elsewhere,
        address,
    };
    !address.sessions.is_empty()
        && address.sessions.iter().all(|session| {
            let good = signature(session) == Some(&SignatureCheck::Good);
            let known = || leaf(session).is_some_and(|leaf| shows_key(elsewhere, leaf));
            Stage::of(session) == Stage::Tls
                && good
                && (side.matches_records(session, side)
                    || side.is_trusted(session, beside)
                    || known())
        })
}

/// Whether some server of the host proved that it has this key.
fn shows_key(host: &HostEvidence<'_>, certificate: &Certificate) -> bool {
    let sessions = host.addresses.iter().flat_map(|address| {
        let limited = address.limited.iter().map(|(_, session)| session);
        address.sessions.iter().chain(limited)
    });
    sessions
        .filter(|session| signature(session) == Some(&SignatureCheck::Good))
        .filter_map(leaf)
        .any(|leaf| leaf.spki_der() == certificate.spki_der())
}

/// What was done at an address.
pub(super) fn looked_at(address: &AddressEvidence<'_>) -> String {
    match address.sessions.is_empty() {
        true => NOT_LOOKED_AT.to_owned(),
        false => "checked".to_owned(),
    }
}

fn leaf<'s>(session: &'s SessionEvidence<'_>) -> Option<&'s Certificate> {
    session.chain.first()?.as_ref().ok()
}

fn signature<'s>(session: &'s SessionEvidence<'_>) -> Option<&'s SignatureCheck> {
    session.seen.tls.as_ref().map(|tls| &tls.signature)
}

/// A certificate in a few words.
fn certificate_words(session: &SessionEvidence<'_>) -> String {
    let Some(leaf) = leaf(session) else {
        return "no certificate that can be read".to_owned();
    };
    let pin = fingerprints(leaf).public_key_sha256;
    let short: String = pin.chars().take(23).collect();
    format!(
        "{}, from {}, key {short}...",
        common_name(leaf),
        leaf.not_before().day()
    )
}
