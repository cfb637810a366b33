//! Whether a recommendation asks for less, and whether an attacker on the path
//! could cause it.

use crate::observation::{HostSeen, Lookup, SessionEnd, SignatureCheck};
use crate::postfix::{
    Comparison, DaneMeaning, Dnssec, InsecureMx, PolicyLine, SecurityLevel, Settings,
};
use crate::sender::InForce;

use super::attempt::Age;
use super::dane::DaneRecords;
use super::evidence::{AddressEvidence, Evidence, HostEvidence, Promise};
use super::failure::Attempt;
use super::outcome::Outcome;
use super::policy::{PeerCheck, PolicyRequest, tls_policy};
use super::route::next_hop_name;

/// Said if an attacker on the path can cause the failure.
pub(crate) const LOOKS_THE_SAME: &str = "An attacker between you and the receiver looks exactly \
                                         like this. Check from another network, or ask the \
                                         receiver by phone, before you set it.";

/// What to check before this override is set: it asks for less than the policy
/// in force, and it is not proven that the server itself causes the failure.
pub(crate) fn caution(
    evidence: &Evidence<'_>,
    in_force: &InForce,
    settings: Settings,
    after: &PolicyLine,
) -> Option<String> {
    if evidence.observation.assumed.is_some() {
        return Some(
            "danecheck checked no mail server: it assumes that mail is accepted at this level."
                .to_owned(),
        );
    }
    let before = in_force.policy.line.as_ref().ok();
    let weaker = comparison(evidence, settings).is_weaker(Some(after), before);
    let own = || before.is_some_and(|line| is_the_servers_own(evidence, line, settings));
    (weaker && !own()).then(|| LOOKS_THE_SAME.to_owned())
}

/// The caution, after the advice to look again if what keeps the mail back today
/// may go by itself.
pub(crate) fn first_wait(
    evidence: &Evidence<'_>,
    today: &Outcome,
    caution: Option<String>,
) -> Option<String> {
    let why = may_go_by_itself(evidence).filter(|_| !today.delivers());
    match (why, caution) {
        (None, caution) => caution,
        (Some(why), None) => Some(format!("{why} before you set it.")),
        (Some(why), Some(caution)) => Some(format!("{why}. {caution}")),
    }
}

/// What to do first if a server refuses for now (RFC 5321 section 4.2.1), or
/// refuses this client inside TLS, as far as the end of the sentence.
fn may_go_by_itself(evidence: &Evidence<'_>) -> Option<String> {
    let sessions = || {
        let addresses = evidence.addresses();
        addresses.flat_map(|(_, address)| &address.sessions)
    };
    // The code, because the message may be about another fault.
    if let Some(refusal) = sessions().find_map(|session| session.seen.refusal_for_now()) {
        let code = refusal.code;
        return Some(format!(
            "The refusal ({code}) may end by itself: look again in a few minutes"
        ));
    }
    sessions()
        .any(|session| matches!(session.seen.end, SessionEnd::EhloRefusedInTls(_)))
        .then(|| {
            "The server may refuse only the machine that made this check: run it again on your \
             own mail server"
                .to_owned()
        })
}

/// What the comparison of lines for this next hop depends on.
pub(crate) fn comparison(evidence: &Evidence<'_>, settings: Settings) -> Comparison {
    let of_addresses = evidence
        .addresses()
        .map(|(_, address)| meaning(evidence, settings, &address.dane));
    let unseen = evidence
        .hosts
        .iter()
        .filter(|host| host.addresses.is_empty() && may_have_an_address(host.seen))
        .map(|_| DaneMeaning::Unknown);
    Comparison {
        next_hop: next_hop_name(evidence.observation),
        hosts: of_addresses.chain(unseen).collect(),
        oldest_at_may: settings.oldest_at_may,
        oldest_above: settings.oldest_above,
    }
}

/// Whether a lookup of its addresses failed.
fn may_have_an_address(host: &HostSeen) -> bool {
    let failed = |lookup: &Option<Lookup<_>>| {
        lookup
            .as_ref()
            .is_some_and(|lookup| lookup.failure().is_some())
    };
    failed(&host.a) || failed(&host.aaaa)
}

/// `dane_init`, as far as it decides how much Postfix asks for.
fn meaning(evidence: &Evidence<'_>, settings: Settings, dane: &DaneRecords<'_>) -> DaneMeaning {
    if settings.dnssec != Dnssec::On {
        return DaneMeaning::May;
    }
    let insecure_mx = evidence.mx.as_ref().is_some_and(|mx| !mx.secure);
    if insecure_mx {
        return match (settings.insecure_mx, dane) {
            (InsecureMx::May, _) | (_, DaneRecords::NotFound(_)) => DaneMeaning::May,
            _ => DaneMeaning::UnsecuredProof,
        };
    }
    match dane {
        DaneRecords::LookupError => DaneMeaning::Unknown,
        DaneRecords::NotFound(_) => DaneMeaning::May,
        DaneRecords::Unusable(_) => DaneMeaning::Encrypt,
        DaneRecords::Usable(_, records) if Promise::of(records) == Promise::Unusable => {
            DaneMeaning::EncryptWithCertificate
        }
        DaneRecords::Usable(..) => DaneMeaning::Proof,
    }
}

/// Whether it is proven that the server itself is the reason why mail waits. At
/// every address the policy in force ends with a reply to `EHLO`, or to `HELO`,
/// that came inside a TLS session. The server signed the handshake with the key
/// of its certificate. And this certificate is proven to be the receiver's.
/// Proofs are:
///
/// - TLSA records, if the MX records are secure or there are none;
/// - what the policy in force asks for: a pin; names and a CA, unless the name
///   is that of an MX host which DNS alone names.
///
/// All else can be an attacker on the path: a connection that fails or is cut,
/// within TLS too, STARTTLS that is not offered or refused, a handshake that
/// fails, another certificate, a lookup that fails, other MX records.
pub(crate) fn is_the_servers_own(
    evidence: &Evidence<'_>,
    in_force: &PolicyLine,
    settings: Settings,
) -> bool {
    let request = PolicyRequest::of_line(in_force.clone(), settings);
    let mut addresses = evidence.addresses().peekable();
    addresses.peek().is_some()
        && addresses.all(|(host, address)| {
            // One delivery uses for all addresses of a host the policy of its
            // first address.
            let mut others = host.addresses.iter().map(|other| &other.dane);
            others.all(|dane| refuses_as_itself(evidence, &request, host, address, dane))
        })
}

fn refuses_as_itself<'a>(
    evidence: &Evidence<'a>,
    request: &PolicyRequest,
    host: &HostEvidence<'a>,
    address: &AddressEvidence<'a>,
    dane: &DaneRecords<'a>,
) -> bool {
    let name = &host.seen.name;
    let Ok(policy) = tls_policy(
        request,
        evidence.observation,
        evidence.mx.as_ref(),
        name,
        dane,
    ) else {
        return false;
    };
    let Some(session) = address.session(policy.sni.as_deref()) else {
        return false;
    };
    let SessionEnd::EhloRefusedInTls(reply) = &session.seen.end else {
        return false;
    };
    let signed = session
        .seen
        .tls
        .as_ref()
        .is_some_and(|tls| tls.signature == SignatureCheck::Good);
    // The policy ends at this reply, not at a check before it.
    let ends_there = match evidence.attempt(request, host, address, dane, Age::New) {
        Attempt::Soft(failure) | Attempt::Counted(failure) | Attempt::Hard(failure) => {
            failure.reason.ends_with(&reply.text())
        }
        Attempt::Ready(_) | Attempt::NotJudged(_) => false,
    };
    let secure_mx = evidence.mx.as_ref().is_none_or(|mx| mx.secure);
    let by_tlsa = secure_mx
        && session
            .dane
            .as_ref()
            .is_some_and(|matching| matching.authenticates() == Some(true));
    let by_policy = match &policy.check {
        PeerCheck::Pins(pins) => !pins.is_empty(),
        PeerCheck::Pkix(_) => {
            let by_dns = match request.line.matches.as_slice() {
                [] => request.line.level == SecurityLevel::Verify,
                names => names.iter().any(|name| name == "hostname"),
            };
            secure_mx || !by_dns
        }
        PeerCheck::Dane { .. } | PeerCheck::None => false,
    };
    signed && ends_there && (by_tlsa || by_policy)
}
