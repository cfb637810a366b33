"""Every combination of what an answer claims to be, how its zones deny, and
whose records it is made of."""

from . import wire as w
from .cases import Cases, alias, moved, reply
from .keys import EXPIRATION, INCEPTION
from .wire import Message, Name
from .zones import ROLES, STYLES, Family, Zone, resigned, unique

FORMS = ("direct", "CNAME", "DNAME", "wildcard")
TLSA = "_25._tcp.mx"

# Why a combination cannot be built.
TRUE = "a zone's own records at their own name are the truth"


def build(cases: Cases) -> list[str]:
    """All of them; what could not be built, and why."""
    unbuilt = []
    for style in STYLES:
        for source in ROLES:
            for form in FORMS:
                for make in MAKERS[form]:
                    family = cases.family(style)
                    zone = family.zones[source]
                    made = make(family, zone)
                    where = f"{form}, {style}, {source}"
                    if isinstance(made, str):
                        unbuilt.append(f"{where}, {make.__name__}: {made}")
                        continue
                    about, message = made
                    cases.add(f"{form} answered by {source}", f"{where}: {about}", family, message)
    return unbuilt


Made = tuple[str, Message] | str


def direct_records(family: Family, zone: Zone) -> Made:
    """Records at the name, signed by another zone."""
    if zone is family.own:
        return TRUE
    owner = family.own.at(TLSA)
    records = moved(zone.plain(zone.at(TLSA), w.TLSA), owner)
    return "its key signs TLSA in its own name", reply(owner, w.TLSA, zone.sign(records))


def direct_in_the_name(family: Family, zone: Zone) -> Made:
    """Records at the name, signed by another zone's key, the own zone named as signer."""
    if zone is family.own:
        return TRUE
    owner = family.own.at(TLSA)
    records = moved(zone.plain(zone.at(TLSA), w.TLSA), owner)
    answer = resigned(records, zone.key, family.own.apex)
    return "its key signs TLSA in the zone's name", reply(owner, w.TLSA, answer)


def direct_nodata(family: Family, zone: Zone) -> Made:
    """NODATA of what is there, with a proof from elsewhere."""
    proof = zone.nodata(zone.at("mx" if zone is family.own else "mx2"))
    owner = family.own.at(TLSA)
    return "its NODATA of mx2 denies TLSA", reply(owner, w.TLSA, (), zone.soa() + proof)


def direct_nxdomain(family: Family, zone: Zone) -> Made:
    """NXDOMAIN of what is there."""
    owner = family.own.at(TLSA)
    proof = zone.nxdomain(zone.at("_25._tcp.nx"))
    return "its NXDOMAIN denies TLSA", reply(owner, w.TLSA, (), zone.soa() + proof, 3)


def direct_apex(family: Family, zone: Zone) -> Made:
    """NODATA by what is at an apex or a delegation."""
    owner = family.own.at(TLSA)
    if zone is family.parent:
        return "its delegation denies TLSA", reply(owner, w.TLSA, (), zone.soa() + zone.match(family.own.apex))
    proof = zone.match(zone.apex)
    return "its apex denies TLSA", reply(owner, w.TLSA, (), zone.soa() + proof)


def direct_last(family: Family, zone: Zone) -> Made:
    """NXDOMAIN by the link that wraps around."""
    owner = family.own.at(TLSA)
    proof = unique(zone.link(-1), zone.link(0))
    return "its last link denies TLSA", reply(owner, w.TLSA, (), zone.soa() + proof, 3)


def cname_elsewhere(family: Family, zone: Zone) -> Made:
    """An alias of its own that the question does not lead to."""
    owner = family.own.at(TLSA)
    answer = zone.set("_25._tcp.alias", w.CNAME) + zone.set(TLSA, w.TLSA)
    return "its own alias answers", reply(owner, w.TLSA, answer)


def cname_alone(family: Family, zone: Zone) -> Made:
    """The same, and nothing else."""
    answer = zone.set("_25._tcp.alias", w.CNAME)
    return "its own alias alone answers", reply(family.own.at(TLSA), w.TLSA, answer)


def cname_at_name(family: Family, zone: Zone) -> Made:
    """An alias at the name that it signs."""
    owner = family.own.at("_25._tcp.mx2")
    onward = zone.at(TLSA)
    answer = zone.sign([alias(owner, onward)]) + zone.set(TLSA, w.TLSA)
    if zone is family.own:
        # Its own signature would make it true.
        answer = [alias(owner, onward), *zone.set(TLSA, w.TLSA)]
    return "an alias at the name leads to it", reply(owner, w.TLSA, answer)


def cname_denied(family: Family, zone: Zone) -> Made:
    """A true alias, whose target is denied by a zone that does not hold it."""
    owner = family.own.at("_25._tcp.alias")
    answer = family.own.set(owner, w.CNAME)
    proof = zone.nodata(zone.at("mx"))
    return "its NODATA denies the target of a true alias", reply(owner, w.TLSA, answer, zone.soa() + proof)


def cname_denied_name(family: Family, zone: Zone) -> Made:
    """The same with NXDOMAIN."""
    owner = family.own.at("_25._tcp.alias")
    answer = family.own.set(owner, w.CNAME)
    proof = zone.nxdomain(zone.at("_25._tcp.nx"))
    message = reply(owner, w.TLSA, answer, zone.soa() + proof, 3)
    return "its NXDOMAIN denies the target of a true alias", message


def dname_elsewhere(family: Family, zone: Zone) -> Made:
    """A DNAME of its own, and an alias from the name under it."""
    owner = family.own.at("_25._tcp.mx2")
    onward = zone.at(TLSA)
    answer = zone.set("dn", w.DNAME) + [alias(owner, onward)] + zone.set(TLSA, w.TLSA)
    return "a DNAME that is not above the name", reply(owner, w.TLSA, answer)


def dname_at_name(family: Family, zone: Zone) -> Made:
    """A DNAME above the name that it signs."""
    owner = family.own.at("_25._tcp.mx2")
    above, onward = family.own.at("mx2"), zone.at("mx")
    dname = [w.Record(above, w.DNAME, w.wire(onward), 300)]
    answer = dname if zone is family.own else zone.sign(dname)
    answer = answer + [alias(owner, zone.at(TLSA))] + zone.set(TLSA, w.TLSA)
    return "a DNAME above the name leads to it", reply(owner, w.TLSA, answer)


def dname_wrong_target(family: Family, zone: Zone) -> Made:
    """A true DNAME, and an alias that is not the one it makes."""
    owner = family.own.at("_25._tcp.dn")
    onward = zone.at("_25._tcp.mx2" if zone is family.own else TLSA)
    answer = family.own.set("dn", w.DNAME) + [alias(owner, onward)] + zone.set(onward, w.TLSA)
    return "the alias under a true DNAME leads to it", reply(owner, w.TLSA, answer)


def dname_denied(family: Family, zone: Zone) -> Made:
    """A true DNAME, whose target is denied by a zone that does not hold it."""
    owner = family.own.at("_25._tcp.dn")
    answer = family.own.set("dn", w.DNAME) + [alias(owner, family.own.at(TLSA))]
    proof = zone.nxdomain(zone.at("_25._tcp.nx"))
    message = reply(owner, w.TLSA, answer, zone.soa() + proof, 3)
    return "its NXDOMAIN denies the target of a true DNAME", message


def wildcard_records(family: Family, zone: Zone) -> Made:
    """Its wildcard at a name of the zone."""
    owner = family.own.at("_25._tcp.wt" if zone is not family.own else TLSA)
    wildcard = zone.at("*._tcp.wt")
    answer = [record._replace(owner=owner) for record in zone.set(wildcard, w.TLSA)]
    proof = zone.no_closer(zone.at("_25._tcp.wt"))
    return "its wildcard is moved here", reply(owner, w.TLSA, answer, proof)


def wildcard_over_name(family: Family, zone: Zone) -> Made:
    """A true wildcard over a name, that there is none closer proved by it."""
    owner = family.own.at("x.w")
    proof = zone.no_closer(zone.at("x.y.w" if zone is family.own else "x.w"))
    if zone is family.own and family.style != "NSEC":
        proof = zone.match(zone.apex)
    elif zone is family.own:
        proof = zone.match(zone.at("mx"))
    answer = family.own.expanded(owner, family.own.at("*.w"), w.TLSA)
    return "it proves that nothing is closer than a true wildcard", reply(owner, w.TLSA, answer, proof)


def wildcard_signed(family: Family, zone: Zone) -> Made:
    """A wildcard of the zone that it signs."""
    owner = family.own.at("_25._tcp.mx.wild")
    wildcard: Name = family.own.at("*.wild")
    records = [w.Record(wildcard, w.TLSA, b"\3\1\1" + zone.digest, 300)]
    span = (INCEPTION, EXPIRATION) if zone is not family.own else (INCEPTION - 86400 * 9, EXPIRATION - 86400 * 9)
    answer = moved(zone.sign(records, span=span), owner)
    proof = family.own.no_closer(owner)
    return "a wildcard that it signed", reply(owner, w.TLSA, answer, proof)


def wildcard_denied(family: Family, zone: Zone) -> Made:
    """What a wildcard gives, denied by it."""
    owner = family.own.at("x.w")
    other = zone.at("x.wc") if zone is family.own else zone.at("x.w")
    if zone is family.own:
        proof = zone.wildcard_nodata(other)
    else:
        proof = zone.nxdomain(zone.at("x.nx"))
    message = reply(owner, w.TLSA, (), zone.soa() + proof, 0 if zone is family.own else 3)
    return "it denies what a wildcard gives", message


MAKERS = {
    "direct": (direct_records, direct_in_the_name, direct_nodata, direct_nxdomain, direct_apex, direct_last),
    "CNAME": (cname_elsewhere, cname_alone, cname_at_name, cname_denied, cname_denied_name),
    "DNAME": (dname_elsewhere, dname_at_name, dname_wrong_target, dname_denied),
    "wildcard": (wildcard_records, wildcard_over_name, wildcard_signed, wildcard_denied),
}
