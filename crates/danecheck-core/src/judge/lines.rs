//! The lines that could stand in a table for this next hop, and the strictest of
//! them that delivers.

use crate::matching::fingerprints;
use crate::postfix::{
    HelloLimits, Override, PolicyLine, SecurityLevel, ServerName, Settings, TlsVersion,
};
use crate::sender::InForce;

use super::evidence::{AddressEvidence, Evidence, SessionEvidence};
use super::outcome::{Channel, Outcome};
use super::policy::PolicyRequest;
use super::route::{Candidate, Route};

/// The strictest policy below the one in force with which mail flows, and its
/// outcome; or the strictest for which that is unknown.
pub(super) fn strictest_that_delivers(
    evidence: &Evidence<'_>,
    in_force: &InForce,
    settings: Settings,
) -> Option<(PolicyLine, Outcome)> {
    // The policy in force may fail only because of the server's TLS version.
    let in_line = in_force.policy.line.as_ref().ok();
    let itself = in_line.into_iter().flat_map(|line| {
        let advised = PolicyLine {
            matches: line.matches.clone(),
            server_name: line.server_name.clone(),
            protocols: line.protocols.clone(),
            late_fault: line.late_fault.clone(),
            ..PolicyLine::plain(line.level)
        };
        with_older_tls(advised, settings).into_iter().skip(1)
    });
    let below = candidates_below(evidence, in_force, settings);
    itself
        .chain(
            below
                .into_iter()
                .flat_map(|line| with_older_tls(line, settings)),
        )
        .map(|line| {
            let outcome = evidence.outcome(&PolicyRequest::of_line(line.clone(), settings));
            (line, outcome)
        })
        // If a stricter one might deliver, no weaker one is advised.
        .find(|(line, outcome)| match line.level {
            _ if !outcome.is_told() => true,
            // Such a level is what senders do by default, or the last resort.
            SecurityLevel::Dane | SecurityLevel::May | SecurityLevel::None => outcome.delivers(),
            _ => outcome.delivers_at_once(),
        })
}

/// The levels that can replace the one in force, the strictest first.
fn candidates_below(
    evidence: &Evidence<'_>,
    in_force: &InForce,
    settings: Settings,
) -> Vec<PolicyLine> {
    use SecurityLevel::{Dane, DaneOnly, Encrypt, May, None, Secure, Verify};
    let in_force = in_force.policy.line.as_ref().ok().map(|line| line.level);
    let below: &[SecurityLevel] = match in_force {
        Some(None) => &[],
        Some(May) => &[None],
        Some(Encrypt) => &[May, None],
        Some(Dane) => &[Encrypt, May, None],
        Some(DaneOnly) | Option::None => &[Dane, Encrypt, May, None],
        Some(_) => &[Secure, Dane, Verify, Encrypt, May, None],
    };
    let authenticates = |line: &PolicyLine| {
        let outcome = evidence.outcome(&PolicyRequest::of_line(line.clone(), settings));
        outcome.channel == Some(Channel::Authenticated) || !outcome.is_told()
    };
    below
        .iter()
        .filter_map(|level| match level {
            Secure => secure_line(evidence, settings),
            // To replace a policy that asks for a certificate, DANE has to
            // prove as much.
            Dane if below.contains(&Secure) => Some(PolicyLine::plain(Dane)).filter(authenticates),
            Verify => Some(PolicyLine::plain(Verify)),
            level => Some(PolicyLine::plain(*level)),
        })
        .collect()
}

/// The policy as it is, and then with older TLS than the sender usually
/// accepts, the newest first.
pub(super) fn with_older_tls(line: PolicyLine, settings: Settings) -> Vec<PolicyLine> {
    let oldest = match line.level {
        SecurityLevel::None => return vec![line],
        _ if line.protocols.is_some() => return vec![line],
        SecurityLevel::May => settings.oldest_at_may,
        _ => settings.oldest_above,
    };
    let older = TlsVersion::ALL
        .into_iter()
        .rev()
        .filter(|version| *version < oldest)
        .map(|version| line.clone().with_oldest_tls(version))
        .collect::<Vec<_>>();
    std::iter::once(line).chain(older).collect()
}

/// The override with this line for the target.
pub(super) fn override_of(evidence: &Evidence<'_>, line: PolicyLine) -> Override {
    Override {
        next_hop: evidence.observation.next_hop.policy_key(),
        line,
    }
}

/// `secure` with the names of the MX hosts, with SNI only if it is needed;
/// `None` if that is known not to deliver.
pub(super) fn secure_line(evidence: &Evidence<'_>, settings: Settings) -> Option<PolicyLine> {
    let names: Vec<String> = host_names(evidence);
    [false, true].into_iter().find_map(|sni_hostname| {
        let line = PolicyLine {
            matches: names.clone(),
            server_name: sni_hostname.then_some(ServerName::HostName),
            ..PolicyLine::plain(SecurityLevel::Secure)
        };
        let seen = !sni_hostname || sni_was_seen(evidence);
        let may_deliver = || {
            let outcome = evidence.outcome(&PolicyRequest::of_line(line.clone(), settings));
            outcome.delivers_at_once() || !outcome.is_told()
        };
        (!names.is_empty() && seen && may_deliver()).then_some(line)
    })
}

/// Whether every address had a session with the SNI of its MX host's own name.
fn sni_was_seen(evidence: &Evidence<'_>) -> bool {
    evidence
        .addresses()
        .all(|(host, address)| shown_to(address, Some(&host.seen.name)).is_some())
}

/// The session with this server name, one of the usual ones or that of a policy
/// line.
pub(super) fn shown_to<'s, 'a>(
    address: &'s AddressEvidence<'a>,
    sni: Option<&str>,
) -> Option<&'s SessionEvidence<'a>> {
    let own = address.own.iter();
    let own = own.filter(|(limits, _)| *limits == HelloLimits::NONE);
    let mut sessions = address
        .sessions
        .iter()
        .chain(own.map(|(_, session)| session));
    sessions.find(|session| session.seen.sni.as_deref() == sni)
}

/// The hosts that Postfix may try, in its order, each once.
fn host_names(evidence: &Evidence<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for candidate in candidates(evidence) {
        if let Some(host) = evidence.hosts.get(candidate.host)
            && !names.contains(&host.seen.name)
            && crate::next_hop::host_name_fault(&host.seen.name).is_none()
        {
            names.push(host.seen.name.clone());
        }
    }
    names
}

/// The SHA-256 pins of the keys served without SNI, each once.
pub(super) fn pins(evidence: &Evidence<'_>) -> Vec<String> {
    pins_of(evidence, false)
}

/// The same, or those of the keys served to the MX host's own name.
pub(super) fn pins_of(evidence: &Evidence<'_>, sni: bool) -> Vec<String> {
    let mut pins: Vec<String> = Vec::new();
    for candidate in candidates(evidence) {
        let key = evidence
            .hosts
            .get(candidate.host)
            .and_then(|host| {
                let address = host.addresses.get(candidate.address)?;
                match sni {
                    true => shown_to(address, Some(&host.seen.name)),
                    false => address.session(None),
                }
            })
            .and_then(|session| session.chain.first()?.as_ref().ok())
            .map(|leaf| fingerprints(leaf).public_key_sha256);
        if let Some(key) = key
            && !pins.contains(&key)
        {
            pins.push(key);
        }
    }
    pins
}

pub(super) fn candidates<'e>(evidence: &'e Evidence<'_>) -> &'e [Candidate] {
    match &evidence.route {
        Route::Addresses(candidates) => candidates,
        Route::Nowhere(_) => &[],
    }
}
