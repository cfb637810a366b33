//! Port 25 outwards and STARTTLS on the way, by what several targets have in
//! common.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::certificate::{Certificate, Presented, ReferenceName, matches_host};
use crate::observation::{
    AddressFamily, AddressSeen, ConnectFailureKind, Der, MachineSeen, Observation, Session,
    SessionEnd,
};

use super::CheckStatus::{Error, Warning};
use super::{CheckResult, CheckStatus};

/// The command that names targets.
pub(super) const COMMAND: &str = "Run `danecheck doctor --via DOMAIN1 DOMAIN2` with two domains \
                                  of different operators to which your mail goes.";

pub(super) fn check(seen: &MachineSeen, checks: &mut Vec<CheckResult>) {
    for (id, ipv4) in [("port-25-ipv4", true), ("port-25-ipv6", false)] {
        checks.push(port(seen, id, ipv4));
    }
    checks.push(starttls(seen));
    checks.push(interception(seen));
}

/// The addresses of a target, of one family or of both.
fn addresses(target: &Observation, ipv4: Option<bool>) -> Vec<&AddressSeen> {
    let all = target.hosts.iter().flat_map(|host| &host.addresses);
    all.filter(|address| ipv4.is_none_or(|ipv4| address.address.is_ipv4() == ipv4))
        .filter(|address| !address.sessions.is_empty())
        .collect()
}

fn reached(address: &AddressSeen) -> bool {
    let ends = address.sessions.iter().map(|session| &session.end);
    ends.into_iter()
        .any(|end| !matches!(end, SessionEnd::NotConnected(_)))
}

/// Whether a server at the address greeted, whatever it said.
fn greeted(address: &AddressSeen) -> bool {
    let mut sessions = address.sessions.iter();
    sessions.any(|session| session.greeting.is_some())
}

/// What a server says that refuses this client in its greeting; `None` if it does
/// not.
fn refusal(address: &AddressSeen) -> Option<String> {
    let refused = address.sessions.iter().map(|session| match &session.end {
        SessionEnd::GreetingRefused(reply) => Some(reply.text()),
        _ => None,
    });
    let refused: Option<Vec<String>> = refused.collect();
    refused?.into_iter().next()
}

/// The operator of a target: the last two labels of its first MX host, or three
/// where the registry sells names below `co.uk` and its like.
fn operator(target: &Observation) -> String {
    let host = target.hosts.first().map_or("", |host| host.name.as_str());
    let labels: Vec<&str> = host.rsplit('.').collect();
    let is_shared = matches!(labels.as_slice(),
        [country, below, _, ..] if country.len() == 2 && below.len() <= 3);
    let count = if is_shared { 3 } else { 2 };
    let mut own: Vec<&str> = labels.into_iter().take(count).collect();
    own.reverse();
    own.join(".")
}

fn operators<'t>(targets: impl Iterator<Item = &'t Observation>) -> usize {
    targets.map(operator).collect::<BTreeSet<_>>().len()
}

fn failure(address: &AddressSeen) -> String {
    let words = address
        .sessions
        .iter()
        .find_map(|session| match &session.end {
            SessionEnd::NotConnected(failure) => Some(failure.text.clone()),
            _ => None,
        });
    words.unwrap_or_default()
}

fn port(seen: &MachineSeen, id: &str, ipv4: bool) -> CheckResult {
    let family = if ipv4 { "IPv4" } else { "IPv6" };
    if seen.targets.is_empty() {
        let message = format!("Nothing was connected to, so port 25 over {family} is unknown.");
        return CheckResult::unknown(id, message).remedy(COMMAND);
    }
    let own = match ipv4 {
        true => AddressFamily::Ipv4,
        false => AddressFamily::Ipv6,
    };
    let only = seen.targets.iter().find_map(|target| target.only);
    if let Some(only) = only.filter(|only| *only != own) {
        let used = only.as_str();
        let message = format!("Only {used} was asked for, so port 25 over {family} is unknown.");
        return CheckResult::unknown(id, message);
    }
    let with_family = || {
        let targets = seen.targets.iter();
        targets.filter(move |target| !addresses(target, Some(ipv4)).is_empty())
    };
    let all: Vec<&AddressSeen> = with_family()
        .flat_map(|target| addresses(target, Some(ipv4)))
        .collect();
    if all.is_empty() {
        let message = format!("No target has an {family} address that may be connected to.");
        return CheckResult::unknown(id, message);
    }
    let many = operators(with_family()) > 1;
    let works = all.iter().filter(|address| reached(address)).count();
    if works > 0 && many && !all.iter().any(|address| greeted(address)) {
        return silent(id, family, &all);
    }
    let greetings = all.iter().filter(|address| greeted(address));
    let refusals: Option<Vec<String>> = greetings
        .map(|address| Some(format!("{}: {}", address.address, refusal(address)?)))
        .collect();
    let refusing = with_family().filter(|target| {
        let mut own = addresses(target, Some(ipv4)).into_iter();
        own.any(|address| greeted(address) && refusal(address).is_some())
    });
    if let Some(refusals) = refusals
        && operators(refusing) > 1
    {
        return refused(id, family, refusals);
    }
    let failed = all.iter().filter(|address| !reached(address));
    let evidence: Vec<String> = failed
        .map(|address| format!("{}: {}", address.address, failure(address)))
        .collect();
    if works > 0 {
        let message = format!(
            "Port 25 is open over {family}: {works} of {} addresses answer.",
            { all.len() }
        );
        return CheckResult::ok(id, message).seen(evidence);
    }
    if !many {
        let message = format!(
            "No address of one operator answers over {family}, which is no word against this \
             network."
        );
        return CheckResult::unknown(id, message)
            .seen(evidence)
            .remedy(COMMAND);
    }
    let no_route = all.iter().all(|address| {
        address.sessions.iter().all(|session| {
            matches!(&session.end, SessionEnd::NotConnected(failure)
                if failure.kind == ConnectFailureKind::Unreachable)
        })
    });
    let elsewhere = seen.targets.iter().any(|target| {
        let others = addresses(target, Some(!ipv4));
        others.into_iter().any(reached)
    });
    if no_route && !ipv4 {
        return CheckResult::new(id, Warning, "This machine has no IPv6.")
            .seen(evidence)
            .remedy(
                "Run `postconf -e inet_protocols=ipv4` if that is meant to be so. Else repair the \
                 IPv6 of this machine.",
            );
    }
    let message = format!("No target can be reached at port 25 over {family}.");
    let status = if elsewhere { Warning } else { Error };
    CheckResult::new(id, status, message)
        .likely()
        .seen(evidence)
        .remedy(
            "Open port 25 outwards in your firewall, or ask your provider to: home lines and \
             clouds block it. No entry for a domain helps. Until then send through a relay at \
             port 587 (relayhost).",
        )
}

/// Every connection is accepted, and nobody greets.
fn silent(id: &str, family: &str, all: &[&AddressSeen]) -> CheckResult {
    let taken = all.iter().filter(|address| reached(address));
    let evidence: Vec<String> = taken
        .map(|address| format!("{}: a connection, and no greeting", address.address))
        .collect();
    let message = format!(
        "Something takes every connection to port 25 over {family} and does not greet: a firewall \
         or a filter on the way, or on this machine."
    );
    CheckResult::new(id, Error, message)
        .likely()
        .seen(evidence)
        .remedy(
            "Search this machine and its firewall for a filter of mail (a virus scanner, a proxy), \
             and exempt port 25 from it. Else ask your provider. No entry for a domain helps.",
        )
}

/// Operators that have nothing in common refuse this client.
fn refused(id: &str, family: &str, evidence: Vec<String>) -> CheckResult {
    let message = format!(
        "Every target refuses this machine over {family} in its greeting: its address has a bad \
         name, or something on the way answers in their place."
    );
    CheckResult::new(id, Warning, message)
        .likely()
        .seen(evidence)
        .remedy(
            "Read what they say. Search block lists for the address of this machine, and check \
             that it has a PTR record. No entry for a domain helps.",
        )
}

/// What one target shows of STARTTLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    /// It works.
    Works,
    /// A firewall's mask is in its place.
    Masked,
    /// It is not offered.
    Missing,
    /// It is offered, and fails.
    Fails,
}

fn offer(session: &Session) -> Option<Offer> {
    let greeting = session.greeting.as_ref();
    let hidden = greeting.is_some_and(|reply| reply.is_hidden_by_firewall());
    match &session.end {
        // A firewall that overwrites the greeting may know no EHLO either.
        SessionEnd::EhloRefused(_) | SessionEnd::NoEhloReply(_) if hidden => Some(Offer::Masked),
        // RFC 5321 section 4.2.4: the command is not known.
        SessionEnd::EhloRefused(reply) if matches!(reply.code, 500 | 502) => Some(Offer::Missing),
        SessionEnd::NoStartTls if session.refusal_for_now().is_some() => None,
        SessionEnd::NoStartTls => {
            let mask = session.ehlo.as_ref().and_then(|reply| reply.mask());
            Some(match mask.is_some() || hidden {
                true => Offer::Masked,
                false => Offer::Missing,
            })
        }
        SessionEnd::NoStartTlsReply(_)
        | SessionEnd::StartTlsRefused(_)
        | SessionEnd::HandshakeFailed(_) => Some(Offer::Fails),
        SessionEnd::NoEhloReplyInTls(_)
        | SessionEnd::EhloRefusedInTls(_)
        | SessionEnd::Completed => Some(Offer::Works),
        _ => None,
    }
}

/// The best that a target shows over this family.
fn best(target: &Observation, ipv4: bool) -> Option<Offer> {
    let sessions = addresses(target, Some(ipv4))
        .into_iter()
        .flat_map(|address| &address.sessions);
    let offers: Vec<Offer> = sessions.filter_map(offer).collect();
    let order = [Offer::Works, Offer::Fails, Offer::Masked, Offer::Missing];
    order.into_iter().find(|one| offers.contains(one))
}

/// STARTTLS over each family: a firewall for one of them strips it there alone.
fn starttls(seen: &MachineSeen) -> CheckResult {
    let id = "starttls";
    if seen.targets.is_empty() {
        let message = "Nothing was connected to, so STARTTLS is unknown.";
        return CheckResult::unknown(id, message).remedy(COMMAND);
    }
    worst([true, false].map(|ipv4| starttls_over(seen, ipv4)))
}

/// The result of the family that matters most: a fault, else what is in order, else
/// what is known of the reason why nothing is known.
fn worst([first, second]: [CheckResult; 2]) -> CheckResult {
    let weight = |check: &CheckResult| match check.status {
        Error => 3,
        Warning => 2,
        CheckStatus::Ok => 1,
        CheckStatus::Unknown => 0,
    };
    let is_empty = first.status == CheckStatus::Unknown && first.evidence.is_empty();
    match weight(&second) > weight(&first) || is_empty && weight(&second) == 0 {
        true => second,
        false => first,
    }
}

fn starttls_over(seen: &MachineSeen, ipv4: bool) -> CheckResult {
    let id = "starttls";
    let offers: Vec<(&Observation, Offer)> = seen
        .targets
        .iter()
        .filter_map(|target| Some((target, best(target, ipv4)?)))
        .collect();
    let elsewhere = seen.targets.iter().filter_map(|it| best(it, !ipv4));
    let family = match elsewhere.into_iter().any(|offer| offer == Offer::Works) {
        true if ipv4 => " over IPv4 alone",
        true => " over IPv6 alone",
        false => "",
    };
    let word = |offer: Offer| match offer {
        Offer::Works => "STARTTLS works",
        Offer::Masked => "Xs or stars in the place of STARTTLS",
        Offer::Missing => "STARTTLS is not offered",
        Offer::Fails => "STARTTLS is offered and fails",
    };
    let evidence: Vec<String> = offers
        .iter()
        .map(|(target, offer)| format!("{}: {}", target.next_hop, word(*offer)))
        .collect();
    let works = offers.iter().any(|(_, offer)| *offer == Offer::Works);
    if offers.is_empty() {
        return CheckResult::unknown(id, "No target was reached, so STARTTLS is unknown.");
    }
    if works {
        let message = "STARTTLS gets through. What lacks it lacks it by itself.";
        return CheckResult::ok(id, message).seen(evidence);
    }
    if operators(offers.iter().map(|(target, _)| *target)) < 2 {
        let message = "One operator lacks STARTTLS, which is no word against this network.";
        return CheckResult::unknown(id, message)
            .seen(evidence)
            .remedy(COMMAND);
    }
    let masked = offers.iter().any(|(_, offer)| *offer == Offer::Masked);
    let message = if masked {
        format!(
            "Something on the way out overwrites STARTTLS{family}: a firewall that inspects SMTP."
        )
    } else {
        format!(
            "Something on the way out takes STARTTLS away{family}, or breaks it: operators that \
             have nothing in common lack it alike."
        )
    };
    let result = CheckResult::new(id, Error, message).seen(evidence).remedy(
        "Switch off the SMTP inspection of your firewall (Cisco: `no inspect esmtp`, FortiGate: \
         the SMTP profile), or ask your provider. No entry for a domain helps: every domain looks \
         like this. Until then send through a relay at port 587 (relayhost).",
    );
    match masked {
        true => result,
        false => result.likely(),
    }
}

/// Whether somebody on the way ends TLS in the place of all servers.
fn interception(seen: &MachineSeen) -> CheckResult {
    let id = "tls-end-to-end";
    if seen.targets.is_empty() {
        let message = "Nothing was connected to, so it is unknown who ends TLS.";
        return CheckResult::unknown(id, message).remedy(COMMAND);
    }
    worst([true, false].map(|ipv4| interception_over(seen, ipv4)))
}

/// Whether a chain that the target showed over this family leads to a certificate
/// of the trust store, by the names in it.
fn leads_to_trust(target: &Observation, ipv4: bool) -> bool {
    let read = |der: &Der| Certificate::from_der(&der.0).ok();
    let store = target.trust_store.certificates.iter().filter_map(read);
    let store: BTreeSet<String> = store.map(|one| one.subject().to_string()).collect();
    let sessions = addresses(target, Some(ipv4))
        .into_iter()
        .flat_map(|address| &address.sessions);
    let mut shown = sessions.flat_map(Session::chain).filter_map(read);
    shown.any(|one| store.contains(&one.issuer().to_string()))
}

fn interception_over(seen: &MachineSeen, ipv4: bool) -> CheckResult {
    let id = "tls-end-to-end";
    let mut leaves: Vec<(&Observation, &[u8], Certificate)> = seen
        .targets
        .iter()
        .filter_map(|target| {
            let sessions = addresses(target, Some(ipv4))
                .into_iter()
                .flat_map(|address| &address.sessions);
            let mut chains = sessions.filter_map(|session| session.chain().first());
            let der = &chains.next()?.0;
            let leaf: Presented = Certificate::from_der(der);
            Some((target, der.as_slice(), leaf.ok()?))
        })
        .collect();
    if operators(leaves.iter().map(|(target, ..)| *target)) < 2 {
        return CheckResult::unknown(id, "Too few targets showed a certificate.");
    }
    // Names of their own may lead to one server.
    let mut known: BTreeSet<IpAddr> = BTreeSet::new();
    leaves.retain(|(target, ..)| {
        let own = addresses(target, None).into_iter().map(|it| it.address);
        let own: BTreeSet<IpAddr> = own.collect();
        let is_new = known.is_disjoint(&own);
        known.extend(own);
        is_new
    });
    if operators(leaves.iter().map(|(target, ..)| *target)) < 2 {
        let message = "The targets share their mail servers, so they are one witness.";
        return CheckResult::unknown(id, message).remedy(COMMAND);
    }
    let one_key = |of: &dyn Fn(&Certificate) -> Vec<u8>| {
        let all: BTreeSet<Vec<u8>> = leaves.iter().map(|(.., leaf)| of(leaf)).collect();
        all.len() == 1
    };
    let same_key = one_key(&|leaf| leaf.spki_der().to_vec());
    let issuer = |leaf: &Certificate| leaf.issuer().to_string();
    let same_issuer = one_key(&|leaf| issuer(leaf).into_bytes());
    let trusted = leaves
        .iter()
        .any(|(target, ..)| leads_to_trust(target, ipv4));
    let evidence = leaves
        .iter()
        .map(|(target, _, leaf)| format!("{}: issued by {}", target.next_hop, issuer(leaf)));
    // A firewall makes one certificate for each host.
    let one_for_all = || {
        let ders: BTreeSet<&[u8]> = leaves.iter().map(|(_, der, _)| *der).collect();
        let names_all = leaves.iter().all(|(target, _, leaf)| {
            let host = target.hosts.first().map_or("", |host| host.name.as_str());
            matches_host(leaf, &ReferenceName::Exact(host.to_owned()))
        });
        ders.len() == 1 && names_all
    };
    if same_key && trusted && one_for_all() {
        let message = "The targets show one certificate, which a trusted CA issued for the MX \
                       hosts of all of them: they have one provider.";
        return CheckResult::ok(id, message).likely().seen(evidence);
    }
    if same_key && trusted {
        let message = "Operators that seem to have nothing in common show one certificate: they \
                       have one provider, or somebody on the way ends TLS in their place.";
        return CheckResult::new(id, Warning, message)
            .likely()
            .seen(evidence)
            .remedy(COMMAND);
    }
    if same_key || same_issuer && !trusted {
        let message = "Operators that have nothing in common show certificates of one key, or of \
                       one issuer that nobody trusts: somebody on the way ends TLS in their place.";
        return CheckResult::new(id, Error, message)
            .likely()
            .seen(evidence)
            .remedy(
                "Find the firewall or the provider that inspects mail, and switch that off. Set no \
                 override: it would give your mail away.",
            );
    }
    CheckResult::ok(
        id,
        "The targets show certificates that have nothing in common.",
    )
    .likely()
}
