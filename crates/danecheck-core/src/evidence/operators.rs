//! Where next hops of different operators fail alike, it is this machine or its
//! network.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::Standing;
use crate::report::Report;

use super::cause::{self, Cause, Concern};
use super::triage::{CommonFault, Explained, WaitingNextHop};

/// Operators from which on the same fault is no coincidence.
const ALIKE: usize = 3;

/// Causes that one's own machine or network can give to every next hop, and what
/// to look at then.
const SUSPECTS: &[(&Cause, &str)] = &[
    (
        &cause::STARTTLS_NOT_OFFERED,
        "Something between this machine and the internet takes STARTTLS away: a firewall that \
         inspects SMTP, or the provider.",
    ),
    (
        &cause::STARTTLS_NO_REPLY,
        "Something between this machine and the internet cuts sessions off at STARTTLS.",
    ),
    (
        &cause::HANDSHAKE_FAILURE,
        "Check smtp_tls_protocols and smtp_tls_ciphers, and what stands between this machine and \
         the internet.",
    ),
    (
        &cause::TLSA_LOOKUP_ERROR,
        "Check the resolver of this machine: TLSA lookups fail.",
    ),
    (
        &cause::NO_TLSA_RECORDS,
        "Check whether the resolver of this machine validates, and where level dane-only comes \
         from.",
    ),
    (
        &cause::NON_DNSSEC_DESTINATION,
        "Check whether the resolver of this machine validates.",
    ),
    (
        &cause::DNS_TRY_AGAIN,
        "Check the resolver of this machine: names are not found.",
    ),
    (
        &cause::CERTIFICATE_UNTRUSTED,
        "Check smtp_tls_CAfile and smtp_tls_CApath on this machine.",
    ),
];

/// Causes that are on this machine with one next hop already.
const OWN: &[(&Cause, &str)] = &[
    (
        &cause::CLIENT_CONFIGURATION,
        "The TLS settings of this machine's Postfix have a fault. A warning in its log says \
         which.",
    ),
    (
        &cause::POLICY_LOOKUP,
        "A table of smtp_tls_policy_maps on this machine cannot be read, or has a mistake.",
    ),
    (
        &cause::TLS_ENGINE,
        "The Postfix of this machine cannot set up TLS. A warning in its log says why.",
    ),
    (
        &cause::TLS_UNAVAILABLE,
        "The Postfix of this machine has no TLS.",
    ),
    (
        &cause::BAD_PROTOCOLS,
        "A TLS policy of this machine has a mistake in protocols=, ciphers= or exclude=.",
    ),
];

/// What a look at a next hop finds of these causes.
const FOUND: &[(&Cause, &[&str])] = &[
    (
        &cause::STARTTLS_NOT_OFFERED,
        &["starttls-not-offered", "starttls-masked"],
    ),
    (&cause::STARTTLS_NO_REPLY, &["starttls-no-reply"]),
    (&cause::HANDSHAKE_FAILURE, &["handshake-failed"]),
    (&cause::TLSA_LOOKUP_ERROR, &["tlsa-lookup-failed"]),
    (
        &cause::DNS_TRY_AGAIN,
        &["mx-lookup-failed", "address-lookup-failed"],
    ),
];

/// The fault that looks show at next hops of different operators.
pub(super) fn seen_alike(looks: &[(String, Report)]) -> Option<CommonFault> {
    let found = FOUND.iter().filter_map(|(cause, ids)| {
        let shows = |report: &Report| {
            let mut findings = report.findings.iter();
            findings.any(|finding| ids.contains(&finding.id.as_str()))
        };
        let alike = looks.iter().filter(|(_, report)| shows(report));
        let message = SUSPECTS.iter().find(|(suspect, _)| suspect == cause)?.1;
        common(cause, alike, looks.len(), message)
    });
    found
        .chain(one_certificate(looks))
        .max_by_key(|fault| fault.next_hops)
}

fn common<'l>(
    cause: &Cause,
    alike: impl Iterator<Item = &'l (String, Report)>,
    looks: usize,
    message: &str,
) -> Option<CommonFault> {
    let alike: Vec<&(String, Report)> = alike.collect();
    let operators: Vec<String> = alike
        .iter()
        .map(|(name, report)| registered(report.hosts.first().map_or(name, |host| &host.name)))
        .collect();
    let different = operators.iter().collect::<BTreeSet<_>>().len();
    (different >= ALIKE).then(|| CommonFault {
        cause: cause.id,
        next_hops: operators.len() as u64,
        operators: different as u64,
        message: message.to_owned(),
        names: alike.iter().map(|(name, _)| name.clone()).collect(),
        others: looks.saturating_sub(alike.len()) as u64,
    })
}

/// Hosts of different operators, at as many addresses, that show one key which
/// their TLSA records do not know.
fn one_certificate(looks: &[(String, Report)]) -> Option<CommonFault> {
    type AddressesAndLooks<'a> = (BTreeSet<&'a str>, Vec<&'a (String, Report)>);
    let mut shown: BTreeMap<&str, AddressesAndLooks<'_>> = BTreeMap::new();
    for look in looks {
        let hosts = look.1.hosts.iter();
        for address in hosts.flat_map(|host| &host.addresses) {
            if address.dane != Standing::Broken {
                continue;
            }
            let leaves = address
                .sessions
                .iter()
                .filter_map(|session| session.certificates.first());
            for leaf in leaves {
                let (addresses, of) = shown.entry(&leaf.tlsa).or_default();
                addresses.insert(&address.address);
                if !of.iter().any(|(name, _)| *name == look.0) {
                    of.push(look);
                }
            }
        }
    }
    let several = shown
        .into_values()
        .filter(|(addresses, _)| addresses.len() >= ALIKE);
    several
        .filter_map(|(_, of)| {
            common(
                &cause::CERTIFICATE_NO_MATCH,
                of.into_iter(),
                looks.len(),
                "Their hosts show one and the same certificate, which none of their TLSA records \
                 knows: something between this machine and the internet answers in their place.",
            )
        })
        .max_by_key(|fault| fault.next_hops)
}

/// The fault that next hops have in common, the most frequent first.
pub(super) fn common_fault(
    next_hops: &[WaitingNextHop],
    causes: &[Explained],
) -> Option<CommonFault> {
    let with = |cause: &Cause| -> Vec<&WaitingNextHop> {
        next_hops
            .iter()
            .filter(|hop| hop.causes.contains(&cause.id))
            .collect()
    };
    let own = OWN.iter().filter_map(|(cause, message)| {
        let hops = with(cause);
        (!hops.is_empty()).then(|| CommonFault {
            cause: cause.id,
            next_hops: hops.len() as u64,
            operators: 0,
            message: (*message).to_owned(),
            names: names(&hops),
            others: 0,
        })
    });
    let alike = SUSPECTS.iter().filter_map(|(cause, message)| {
        let hops = with(cause);
        let operators: BTreeSet<String> = hops.iter().map(|hop| operator(hop)).collect();
        (operators.len() >= ALIKE).then(|| CommonFault {
            cause: cause.id,
            next_hops: hops.len() as u64,
            operators: operators.len() as u64,
            message: (*message).to_owned(),
            names: names(&hops),
            others: others(cause, next_hops, causes),
        })
    });
    own.chain(alike).max_by_key(|fault| fault.next_hops)
}

fn names(hops: &[&WaitingNextHop]) -> Vec<String> {
    hops.iter().map(|hop| hop.name.clone()).collect()
}

/// Next hops that do not fail like this. One whose names are not found shows
/// nothing; one that was connected to, or tried, had its names found.
fn others(cause: &Cause, next_hops: &[WaitingNextHop], causes: &[Explained]) -> u64 {
    let is_of =
        |id: &str, concern: Concern| Cause::find(id).is_some_and(|cause| cause.concern == concern);
    let mut others: BTreeSet<&str> = next_hops
        .iter()
        .filter(|hop| !hop.causes.iter().all(|id| is_of(id, Concern::Dns)))
        .map(|hop| hop.name.as_str())
        .collect();
    if cause.concern == Concern::Dns {
        let tried = causes
            .iter()
            .filter(|one| is_of(one.id, Concern::Connection));
        others.extend(tried.flat_map(|one| one.next_hops.iter().map(|hop| hop.name.as_str())));
    }
    for hop in next_hops
        .iter()
        .filter(|hop| hop.causes.contains(&cause.id))
    {
        others.remove(hop.name.as_str());
    }
    others.len() as u64
}

/// Who runs a next hop: the domain of its host, as far as that is known.
fn operator(hop: &WaitingNextHop) -> String {
    registered(hop.hosts.first().unwrap_or(&hop.name))
}

/// The domain of a host that somebody registered.
fn registered(name: &str) -> String {
    let name = name.trim_end_matches('.').trim_start_matches('[');
    let name = name.split([']', ':']).next().unwrap_or(name);
    let labels: Vec<&str> = name.split('.').collect();
    // `co.uk`, `com.au`: what is registered has one label more.
    let length = match labels.as_slice() {
        [.., second, top] if top.len() == 2 && second.len() <= 3 => 3,
        _ => 2,
    };
    let from = labels.len().saturating_sub(length);
    labels.get(from..).unwrap_or(&labels).join(".")
}

#[cfg(test)]
mod tests {
    use crate::evidence::{Reading, Triage};

    fn triage(text: &str, domains: &[&str]) -> Triage {
        let mut reading = Reading::default();
        for domain in domains {
            let host = format!("mx.{domain}");
            let text = text.replace("HOST", &host);
            reading.bytes(
                format!("to=<u@{domain}>, relay=none, dsn=4.7.5, status=deferred ({text})\n")
                    .as_bytes(),
            );
        }
        reading.triage()
    }

    #[test]
    fn the_same_fault_at_three_operators_is_this_machines() {
        for text in [
            "TLS is required, but was not offered by host HOST[192.0.2.1]",
            "TLSA lookup error for HOST:25",
            "lost connection with HOST[192.0.2.1] while receiving the STARTTLS response",
        ] {
            let alike = triage(text, &["a.example", "b.test", "c.co.uk"]).common_fault;
            assert_eq!(alike.map(|fault| fault.operators), Some(3), "{text}");
            let two = triage(text, &["a.example", "b.test"]);
            assert_eq!(two.common_fault, None, "{text}");
            // Three domains of one operator.
            let one = triage(text, &["a.one.test", "b.one.test", "c.one.test"]);
            assert_eq!(one.common_fault, None, "{text}");
        }
        let own = triage("client TLS configuration problem", &["a.example"]).common_fault;
        assert_eq!(own.map(|fault| fault.operators), Some(0));
    }
}
