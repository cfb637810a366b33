//! What one of the looks has and the other has not, although no answer of DNS says
//! why: it was left out, so nothing is known of it, and the looks are not the same.

use std::collections::{BTreeSet, HashSet};

use super::super::evidence::{Evidence, HostEvidence};
use super::servers::{NOT_LOOKED_AT, looked_at};
use super::{Aspect, Difference, DifferenceKind, Found, common_hosts};

/// Adds what was left out; after everything else, which may be the reason.
pub(super) fn compare<'a>(a: &Evidence<'a>, b: &Evidence<'a>, found: &mut Found) {
    let (one, other) = (a.observation, b.observation);
    let domain = one.next_hop.to_string();
    if one.mx.is_some() != other.mx.is_some() {
        let words = [one.mx.is_some(), other.mx.is_some()].map(asked);
        left_out(Aspect::Mx, &domain, None, words, found);
    }
    if one.mta_sts.is_some() != other.mta_sts.is_some() {
        let words = [one.mta_sts.is_some(), other.mta_sts.is_some()].map(asked);
        left_out(Aspect::MtaStsRecord, &domain, None, words, found);
    }
    if !found.has(Aspect::Mx, None) {
        for (host, words) in
            alone(a, b, ["checked", NOT_LOOKED_AT]).chain(alone(b, a, [NOT_LOOKED_AT, "checked"]))
        {
            left_out(Aspect::Connection, &host.seen.name, None, words, found);
        }
    }
    for (one, other) in common_hosts(a, b) {
        of_host(one, other, found);
    }
}

/// The hosts that one look alone has.
fn alone<'e, 'a>(
    a: &'e Evidence<'a>,
    b: &'e Evidence<'a>,
    words: [&'static str; 2],
) -> impl Iterator<Item = (&'e HostEvidence<'a>, [&'static str; 2])> {
    let theirs: HashSet<&str> = b.hosts.iter().map(|host| host.seen.name.as_str()).collect();
    let hosts = a.hosts.iter();
    let hosts = hosts.filter(move |host| !theirs.contains(host.seen.name.as_str()));
    hosts.map(move |host| (host, words))
}

fn of_host(one: &HostEvidence<'_>, other: &HostEvidence<'_>, found: &mut Found) {
    let name = &one.seen.name;
    for (here, there) in [
        (one.seen.a.is_some(), other.seen.a.is_some()),
        (one.seen.aaaa.is_some(), other.seen.aaaa.is_some()),
    ] {
        if here != there {
            left_out(Aspect::Address, name, None, [here, there].map(asked), found);
        }
    }
    if !found.has(Aspect::Address, Some(name)) {
        for (from, to, words) in [
            (one, other, ["checked", NOT_LOOKED_AT]),
            (other, one, [NOT_LOOKED_AT, "checked"]),
        ] {
            let known = |ip| to.addresses.iter().any(|it| it.seen.address == ip);
            let here = from.addresses.iter().filter(|it| !known(it.seen.address));
            for address in here.filter(|it| looked_at(it) != NOT_LOOKED_AT) {
                let ip = Some(address.seen.address);
                left_out(Aspect::Connection, name, ip, words, found);
            }
        }
    }
    let bases = |host: &HostEvidence<'_>| {
        let tlsa = host.seen.tlsa.iter();
        tlsa.map(|it| (it.base_domain.clone(), it.lookup.name.clone()))
            .collect::<BTreeSet<_>>()
    };
    let (here, there) = (bases(one), bases(other));
    if !found.has(Aspect::Alias, Some(name)) && !found.has(Aspect::Address, Some(name)) {
        for (base, lookup) in here.symmetric_difference(&there) {
            let is_here = here.iter().any(|(it, _)| it == base);
            let words = [is_here, !is_here].map(asked);
            left_out(Aspect::Tlsa, lookup, None, words, found);
        }
    }
}

/// What was done about a lookup.
fn asked(is_asked: bool) -> &'static str {
    if is_asked { "asked" } else { "not asked" }
}

/// Adds one thing that was left out.
fn left_out(
    what: Aspect,
    host: &str,
    address: Option<std::net::IpAddr>,
    [a, b]: [&str; 2],
    found: &mut Found,
) {
    found.add(Difference {
        what,
        host: host.to_owned(),
        address,
        a: a.to_owned(),
        b: b.to_owned(),
        kind: DifferenceKind::NotSeen,
        reason: "One of the looks left it out.".to_owned(),
    });
}
