"""Denials that prove nothing, or say something else than their proof."""

from collections.abc import Callable

from . import wire as w
from .cases import Cases, alias, reply
from .zones import Change, Family, Zone, spoilt, unique, without_signatures

TLSA = "_25._tcp.mx"
PLACES = (("@", w.MX), ("mx", w.A), (TLSA, w.TLSA))


def build(cases: Cases) -> None:
    """All of them."""
    response_codes(cases)
    bare(cases)
    iterations(cases)
    nsec3_fields(cases)
    delegations(cases)
    malformed(cases)


def response_codes(cases: Cases) -> None:
    """True records and true proofs under another response code."""
    kind = "the response code is changed"
    asked = [*PLACES, ("x.w", w.TLSA), ("x.wct", w.TLSA), ("_25._tcp.alias", w.TLSA), ("mx", w.TXT)]
    for style in ("NSEC", "NSEC3"):
        for name, rtype in asked:
            f = cases.family(style)
            cases.add(kind, f"{style}: {name} {w.NAMES[rtype]}, NXDOMAIN", f, f.truth(name, rtype).but(rcode=3))
        for name, rtype, rcode in (("nx", w.A, 0), ("mx", w.AAAA, 3), ("er.ent", w.A, 3), ("x.w", w.AAAA, 3)):
            f = cases.family(style)
            message = f.truth(name, rtype).but(rcode=rcode)
            cases.add(kind, f"{style}: denial of {name} {w.NAMES[rtype]}, {w.RCODES[rcode]}", f, message)
        for rcode in (2, 5):
            f = cases.family(style)
            message = f.truth(TLSA, w.TLSA).but(rcode=rcode)
            cases.add(kind, f"{style}: true TLSA, {w.RCODES[rcode]}", f, message)
        f = cases.family(style)
        message = f.truth(TLSA, w.TLSA)
        proof = f.own.soa() + f.own.nxdomain(f.own.at("_25._tcp.nx"))
        message = message.but(rcode=3, authority=proof)
        cases.add(kind, f"{style}: true TLSA with the proof of another NXDOMAIN", f, message)
        f = cases.family(style)
        message = f.truth(TLSA, w.TLSA).but(flags=w.QR | w.RD | w.RA | w.AD)
        answer = without_signatures(message.answer)
        cases.add("the AD bit is set", f"{style}: over unsigned records", f, message.but(answer=answer))
        f = cases.family(style)
        message = reply(f.own.at(TLSA), w.TLSA)
        message.flags |= w.AD
        cases.add("the AD bit is set", f"{style}: over nothing", f, message)


def bare(cases: Cases) -> None:
    """Proofs that are missing, in part or without signatures."""
    for style in ("NSEC", "NSEC3", "opt-out"):
        for name, rtype in PLACES:
            f = cases.family(style)
            owner = f.own.at(name)
            cases.add("a denial without a proof", f"{style}: nothing for {w.NAMES[rtype]}", f, reply(owner, rtype))
            f = cases.family(style)
            owner = f.own.at(name)
            message = reply(owner, rtype, (), f.own.soa(), 3)
            cases.add("a denial without a proof", f"{style}: SOA for {w.NAMES[rtype]}", f, message)
        for about, change in (
            ("without signatures", without_signatures),
            ("with signatures that do not fit", spoilt),
            ("only the first record set", lambda records: records[:4]),
            ("without the first proof", lambda records: records[:2] + records[4:]),
            ("without SOA's signature", lambda records: without_signatures(records, w.SOA)),
        ):
            f = cases.family(style)
            message = f.truth("_25._tcp.nx", w.TLSA)
            message.authority = change(message.authority)
            cases.add("half a proof", f"{style}: NXDOMAIN {about}", f, message)
        f = cases.family(style)
        message = f.truth("x.w", w.TLSA)
        message.authority = []
        cases.add("half a proof", f"{style}: a wildcard, nothing about closer names", f, message)
        f = cases.family(style)
        message = f.truth("x.w", w.AAAA)
        message.authority = message.authority[:2] + message.authority[-2:]
        cases.add("half a proof", f"{style}: a wildcard's NODATA, nothing about closer names", f, message)
        f = cases.family(style)
        message = f.truth("x.w", w.TLSA)
        owner = f.own.at("y.w")
        message.answer = [record._replace(owner=owner) for record in message.answer]
        message.question = (owner, w.TLSA)
        cases.add("half a proof", f"{style}: a wildcard, the proof for another name", f, message)
        f = cases.family(style)
        message = f.truth("x.w", w.TLSA)
        owner = f.own.at("_25._tcp.mx.w")
        proof = f.own.no_closer(owner)
        answer = [record._replace(owner=owner) for record in message.answer]
        cases.add("a wildcard over several labels", style, f, reply(owner, w.TLSA, answer, proof), honest=True)


def iterations(cases: Cases) -> None:
    """NSEC3 with more iterations than anybody takes (RFC 9276 section 3.2)."""
    kind = "NSEC3 past the iteration limit"

    def many(count: int) -> Change:
        return lambda zone: setattr(zone, "iterations", count)

    for count in (151, 600, 65535):
        for role in ("stranger", "sibling", "parent", "child"):
            f = cases.family("NSEC3", change={role: many(count)})
            z = f.zones[role]
            owner = f.own.at(TLSA)
            if count == 65535:
                # Whoever counted this far would be at it for long.
                position = b"\1" * 20
                proof = z.sign([z.nsec3(position, b"\2" * 20, {w.A})])
            else:
                proof = z.nxdomain(z.at("_25._tcp.nx"))
            message = reply(owner, w.TLSA, (), z.soa() + proof, 3)
            cases.add(f"another zone's {kind}", f"{role}, {count} iterations", f, message)
    for role, zone_change in (("stranger", many(600)), ("own zone", many(600))):
        f = cases.family("NSEC3", change={role: zone_change})
        z = f.zones[role]
        owner = f.own.at(TLSA)
        proof = without_signatures(z.nxdomain(z.at("_25._tcp.nx")))
        cases.add(kind, f"{role}, without signatures", f, reply(owner, w.TLSA, (), z.soa() + proof, 3))
        f = cases.family("NSEC3", change={role: zone_change})
        z = f.zones[role]
        owner = f.own.at(TLSA)
        proof = spoilt(z.nxdomain(z.at("_25._tcp.nx")))
        cases.add(kind, f"{role}, with signatures that do not fit", f, reply(owner, w.TLSA, (), z.soa() + proof, 3))
    f = cases.family("NSEC3")
    high = Zone(f.own.apex, f.own.key, b"\xd0" * 32, "NSEC3", iterations=600)
    owner = f.own.at(TLSA)
    proof = spoilt(high.nodata(high.at("mx")))
    cases.add(kind, "in the own zone's name, signatures that do not fit", f,
              reply(owner, w.TLSA, (), f.own.soa() + proof))
    f = cases.family("NSEC3", change={"stranger": many(600)})
    owner = f.own.at("_25._tcp.alias")
    z = f.stranger
    message = reply(owner, w.TLSA, f.own.set(owner, w.CNAME), z.soa() + z.nxdomain(z.at("_25._tcp.nx")), 3)
    cases.add(f"another zone's {kind}", "behind a true alias", f, message)
    f = cases.family("NSEC3", change={"stranger": many(600)})
    z = f.stranger
    message = f.truth(TLSA, w.TLSA)
    message = message.but(answer=without_signatures(message.answer), authority=z.soa() + z.nxdomain(z.at("nx")))
    cases.add(f"another zone's {kind}", "beside unsigned records", f, message)
    f = cases.family("NSEC3", change={"stranger": many(600)})
    z, ds = f.stranger, (f.own.apex, w.DS)
    proof = reply(*ds, (), z.soa() + z.nodata(z.at("mx")))
    message = f.truth(TLSA, w.TLSA)
    message.answer = without_signatures(message.answer)
    cases.add(f"another zone's {kind}", "in place of the DS", f, message, besides={ds: proof})


def nsec3_fields(cases: Cases) -> None:
    """NSEC3 that says what nobody understands (RFC 5155 sections 3.1, 8.1, 8.2)."""
    kind = "NSEC3 with unknown flags"
    for flags in (2, 0x80, 0xFF):
        for name in ("_25._tcp.nx", "mx"):
            f = cases.family("NSEC3", change={"own zone": lambda zone, flags=flags: setattr(zone, "flags", flags)})
            rtype = w.TLSA if name != "mx" else w.AAAA
            cases.add(kind, f"{flags:#x}, denial of {name}", f, f.truth(name, rtype))
    for algorithm in (0, 2, 255):
        change = {"own zone": lambda zone, number=algorithm: setattr(zone, "hash_algorithm", number)}
        f = cases.family("NSEC3", change=change)
        cases.add("NSEC3 with an unknown hash algorithm", str(algorithm), f, f.truth("_25._tcp.nx", w.TLSA))
    f = cases.family("NSEC3")
    salted = Zone(f.own.apex, f.own.key, b"\xd0" * 32, "NSEC3", salt=b"salt")
    proof = f.own.soa() + f.own.match(f.own.at("mx")) + salted.cover(f.own.at("_tcp.mx"))
    message = reply(f.own.at(TLSA), w.TLSA, (), proof, 3)
    cases.add("NSEC3 of two salts", "closest encloser in one, the rest in the other", f, message)
    f = cases.family("opt-out")
    proof = f.own.soa() + f.own.cover(f.own.at("_tcp.mx")) + f.own.match(f.own.at("mx"))
    cases.add("an opt-out span over what is there", "TLSA of mx", f, reply(f.own.at(TLSA), w.TLSA, (), proof))


def delegations(cases: Cases) -> None:
    """That a signed zone is not signed (RFC 4035 section 5.2, RFC 5155 section 8.6)."""
    kind = "the DS set is denied"
    for style in ("NSEC", "NSEC3", "opt-out"):

        def add(about: str, proof: Callable[[Family], list[w.Record]], rcode: int = 0, style: str = style) -> None:
            f = cases.family(style)
            ds = (f.own.apex, w.DS)
            denial = reply(*ds, (), proof(f), rcode)
            message = f.truth(TLSA, w.TLSA)
            message.answer = without_signatures(message.answer)
            cases.add(kind, f"{style}: {about}", f, message, besides={ds: denial})

        add("by nothing", lambda f: [])
        add("by an SOA", lambda f: f.parent.soa())
        add("by the parent's own proof, which has the DS", lambda f: f.parent.soa() + f.parent.match(f.own.apex))
        add("by the apex of the zone itself", lambda f: f.own.soa() + f.own.match(f.own.apex))
        add("by the parent's apex", lambda f: f.parent.soa() + f.parent.match(f.parent.apex))
        add("by the sibling", lambda f: f.parent.soa() + f.parent.match(f.sibling.apex))
        add("by a stranger", lambda f: f.stranger.soa() + f.stranger.nodata(f.stranger.at("mx")))
        add("by NXDOMAIN", lambda f: f.parent.soa() + f.parent.nxdomain(f.parent.at("nx")), 3)
        add("by a span without closest encloser", lambda f: f.parent.soa() + f.parent.link(0))
        add("without signatures", lambda f: without_signatures(f.parent.soa() + f.parent.nodata(f.sibling.apex)))
    f = cases.family("opt-out", ds=[])
    ds = (f.own.apex, w.DS)
    proof = f.parent.soa() + f.parent.cover(f.own.apex)
    message = f.truth(TLSA, w.TLSA)
    message.answer = without_signatures(message.answer)
    cases.add("an opt-out DS denial without closest encloser", "the span alone", f, message,
              besides={ds: reply(*ds, (), proof)})
    f = cases.family("opt-out", ds=[])
    ds = (f.own.apex, w.DS)
    proof = f.parent.soa() + f.parent.match(f.parent.apex)
    message = f.truth(TLSA, w.TLSA)
    message.answer = without_signatures(message.answer)
    cases.add("an opt-out DS denial without closest encloser", "the closest encloser alone", f, message,
              besides={ds: reply(*ds, (), proof)})
    f = cases.family("NSEC3", ds=[])
    ds = (f.own.apex, w.DS)
    proof = f.parent.soa() + f.parent.match(f.parent.apex) + f.parent.cover(f.parent.at("nx"))
    message = f.truth(TLSA, w.TLSA)
    message.answer = without_signatures(message.answer)
    cases.add(kind, "NSEC3: by a span, as if opted out", f, message, besides={ds: reply(*ds, (), proof)})


def malformed(cases: Cases) -> None:
    """Ways past the checks by data that cannot be read."""
    kind = "malformed TLSA beside"
    two = b"\3\1"

    def short(zone: Zone, name: str = "_25._tcp.bad") -> list[w.Record]:
        return zone.set(name, w.TLSA)

    f = cases.family()
    z = f.stranger
    message = reply(f.own.at(TLSA), w.TLSA, z.set(TLSA, w.TLSA), short(z))
    cases.add(kind, "another zone's TLSA, malformed ones in the authority", f, message)
    f = cases.family()
    cases.add(kind, "another zone's malformed TLSA", f, reply(f.own.at(TLSA), w.TLSA, short(f.stranger)))
    f = cases.family()
    z = f.stranger
    message = reply(f.own.at(TLSA), w.TLSA, z.set(TLSA, w.TLSA) + short(z))
    cases.add(kind, "another zone's TLSA, both", f, message)
    f = cases.family()
    z = f.stranger
    answer = [alias(f.own.at(TLSA), z.at("_25._tcp.bad")), *short(z)]
    cases.add(kind, "an unsigned alias to malformed ones", f, reply(f.own.at(TLSA), w.TLSA, answer))
    f = cases.family()
    z = f.stranger
    records = [w.Record(f.own.at(TLSA), w.TLSA, two, 300)]
    cases.add(kind, "at the name, signed by another zone", f, reply(f.own.at(TLSA), w.TLSA, z.sign(records)))
    f = cases.family()
    cases.add(kind, "at the name, unsigned", f, reply(f.own.at(TLSA), w.TLSA, records_at(f, two)))
    f = cases.family()
    message = reply(f.own.at(TLSA), w.TLSA, f.own.sign(records_at(f, two), spoil=True))
    cases.add(kind, "at the name, signature does not fit", f, message)
    f = cases.family()
    message = reply(f.own.at(TLSA), w.TLSA, records_at(f, two), f.own.soa())
    cases.add(kind, "at the name, unsigned, with SOA", f, message)
    for style in ("NSEC", "NSEC3"):
        for proof in ("none", "of another name"):
            f = cases.family(style)
            owner = f.own.at(TLSA)
            answer = f.own.expanded(owner, f.own.at("*.wbad"), w.TLSA)
            junk = [answer[1]._replace(rdata=answer[1].rdata[:-4] + b"junk")]
            labels = [junk[0]._replace(rdata=junk[0].rdata[:3] + bytes([len(owner)]) + junk[0].rdata[4:])]
            authority = [] if proof == "none" else f.own.cover(f.own.at("x.wbad"))
            message = reply(owner, w.TLSA, [answer[0], *labels, answer[1]], authority)
            cases.add(kind, f"{style}: a wildcard over a name that is there, junk first, proof {proof}", f, message)
            f = cases.family(style)
            owner = f.own.at("x.wbad")
            message = reply(owner, w.TLSA, f.own.expanded(owner, f.own.at("*.wbad"), w.TLSA))
            cases.add(kind, f"{style}: a wildcard without its proof", f, message)
        f = cases.family(style)
        proof = f.own.soa() + f.own.nodata(f.own.at("mx2"))
        message = reply(f.own.at("mx2"), w.TLSA, f.stranger.set(TLSA, w.TLSA), proof)
        cases.add(kind, f"{style}: a true NODATA with another zone's TLSA", f, message)
        f = cases.family(style)
        proof = f.own.soa() + f.own.nodata(f.own.at("mx2"))
        message = reply(f.own.at("mx2"), w.TLSA, short(f.stranger), proof)
        cases.add(kind, f"{style}: a true NODATA with another zone's malformed TLSA", f, message)
        f = cases.family(style)
        proof = f.own.soa() + f.own.nodata(f.own.at("mx"))
        message = reply(f.own.at(TLSA), w.TLSA, (), unique(proof, short(f.stranger)))
        cases.add(kind, f"{style}: a false NODATA, malformed TLSA in the authority", f, message)


def records_at(f: Family, data: bytes) -> list[w.Record]:
    """A TLSA record at the name that is asked for."""
    return [w.Record(f.own.at(TLSA), w.TLSA, data, 300)]
