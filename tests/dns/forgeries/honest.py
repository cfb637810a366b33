"""Answers that are true, or true enough for unbound, of each shape."""

from . import wire as w
from .cases import Cases, reply
from .zones import STYLES, Zone, without_signatures

# What is asked of a zone, one of each shape.
QUESTIONS = (
    ("@", w.MX), ("mx", w.A), ("_25._tcp.mx", w.TLSA), ("mx", w.AAAA), ("_25._tcp.nx", w.TLSA),
    ("_tcp.mx", w.TLSA), ("er.ent", w.A), ("x.w", w.TLSA), ("x.w", w.AAAA), ("_25._tcp.wt", w.TLSA),
    ("x.wc", w.A), ("x.wc", w.AAAA), ("x.wct", w.TLSA), ("alias", w.A), ("alias", w.AAAA), ("hop", w.A),
    ("_25._tcp.alias", w.TLSA), ("mxalias", w.MX), ("dangling", w.A), ("_25._tcp.dn", w.TLSA),
    ("_26._tcp.dn", w.TLSA), ("_25._tcp.bad", w.TLSA), ("x.wbad", w.TLSA), ("alias", w.CNAME),
    ("dn", w.DNAME), ("@", w.DNSKEY), ("@", w.DS), ("@", w.SOA), ("c", w.DS), ("u", w.DS), ("mx", w.DS),
)


def build(cases: Cases) -> None:
    """All of them."""
    for style in STYLES:
        for name, rtype in QUESTIONS:
            f = cases.family(style)
            cases.add("true", f"{style}: {name} {w.NAMES[rtype]}", f, f.truth(name, rtype), honest=True)
        across(cases, style)
        lenient(cases, style)
        f = cases.family(style, change={"own zone": lambda zone: zone.add(
            "_25._tcp.mx", w.TLSA, *(b"\3\1\2" + bytes([number]) * 64 for number in range(40)),
        )})
        cases.add("true", f"{style}: more than a datagram holds", f, f.truth("_25._tcp.mx", w.TLSA), honest=True)
    for count in (1, 10, 150):
        f = cases.family("NSEC3", change={"own zone": lambda zone, count=count: setattr(zone, "iterations", count)})
        cases.add("true", f"{count} iterations", f, f.truth("_25._tcp.nx", w.TLSA), honest=True)
    for count in (151, 600):
        for name, rtype in (("_25._tcp.nx", w.TLSA), ("mx", w.AAAA), ("x.w", w.TLSA), ("_25._tcp.mx", w.TLSA)):
            change = {"own zone": lambda zone, count=count: setattr(zone, "iterations", count)}
            f = cases.family("NSEC3", change=change)
            words = f"{count} iterations: {name} {w.NAMES[rtype]}"
            cases.add("true, past the iteration limit", words, f, f.truth(name, rtype), honest=True)


def across(cases: Cases, style: str) -> None:
    """Aliases of the zone itself into others: theirs are shown, and rightly."""
    for about, role in (("child", "child"), ("sibling", "sibling"), ("stranger", "stranger"), ("parent", "parent")):
        def change(zone: Zone, onward: str = "") -> None:
            zone.add("out", w.CNAME, w.wire(w.name(onward)))
            zone.add("outd", w.DNAME, w.wire(w.name(onward)))

        apex = {"child": "c.v.p{0}.lab.", "sibling": "s.p{0}.lab.", "stranger": "e{0}.evil.", "parent": "p{0}.lab."}
        target = f"mx.{apex[role].format(cases.number + 1)}"
        f = cases.family(style, change={"own zone": lambda zone, target=target: change(zone, target)})
        cases.add("a true alias into another zone", f"{style}: {about}, A", f, f.truth("out", w.A), honest=True)
        cases.add("a true alias into another zone", f"{style}: {about}, AAAA", f, f.truth("out", w.AAAA), honest=True)
        cases.add("a true alias into another zone", f"{style}: {about}, DNAME", f,
                  f.truth("_25._tcp.outd", w.TLSA), honest=True)
        cases.add("a true alias into another zone", f"{style}: {about}, DNAME, denied", f,
                  f.truth("_26._tcp.outd", w.TLSA), honest=True)
    f = cases.family(style)
    cases.add("an unsigned zone", f"{style}: TLSA", f, f.truth("_25._tcp.mx", w.TLSA, f.unsigned), honest=True)
    for name, rtype in (("mx", w.AAAA), ("_25._tcp.nx", w.TLSA), ("alias", w.A), ("_25._tcp.dn", w.TLSA)):
        f = cases.family(style)
        words = f"{style}: {name} {w.NAMES[rtype]}"
        cases.add("an unsigned zone", words, f, f.truth(name, rtype, f.unsigned), honest=True)


def lenient(cases: Cases, style: str) -> None:
    """What unbound lets pass though something is missing."""
    for name, rtype in (("mx", w.AAAA), ("_25._tcp.nx", w.TLSA), ("x.w", w.AAAA), ("er.ent", w.A)):
        f = cases.family(style)
        message = f.truth(name, rtype)
        message.authority = [record for record in message.authority if not is_soa(record)]
        cases.add("a denial without SOA", f"{style}: {name} {w.NAMES[rtype]}", f, message, honest=True)
    if style != "opt-out":
        return
    for rtype in (w.TLSA, w.A, w.DS):
        f = cases.family(style)
        owner = f.own.at("u2")
        message = reply(owner, rtype, (), f.own.soa() + f.own.match(f.own.apex) + f.own.cover(owner))
        cases.add("NODATA under opt-out", f"closest encloser and span, {w.NAMES[rtype]}", f, message, honest=True)
        f = cases.family(style)
        owner = f.own.at("a.b.u2")
        message = reply(owner, rtype, (), f.own.soa() + f.own.match(f.own.apex) + f.own.cover(f.own.at("u2")))
        cases.add("NODATA under opt-out", f"deeper, {w.NAMES[rtype]}", f, message, honest=True)
    f = cases.family(style)
    owner = f.own.at("u2")
    message = reply(owner, w.TLSA, (), f.own.soa() + f.own.cover(owner))
    cases.add("NODATA under opt-out", "the span alone", f, message)
    f = cases.family(style)
    message = f.truth("_25._tcp.nx", w.TLSA)
    message.authority = without_signatures(message.authority)
    cases.add("NODATA under opt-out", "NXDOMAIN without signatures", f, message)


def is_soa(record: w.Record) -> bool:
    """Whether it is an SOA record, or its signature."""
    return record.rtype == w.SOA or record.rtype == w.RRSIG and record.rdata[:2] == b"\0\6"
