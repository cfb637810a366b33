"""Aliases that do not lead from the question to the answer."""

from . import wire as w
from .cases import Cases, alias, moved, reply
from .zones import Family, spoilt, without_signatures

TLSA = "_25._tcp.mx"
# Where a lie can stand on the way of mail: what is asked, and what another zone's
# alias leads to.
PLACES = (("@", w.MX, "mxalias", "@"), ("mx", w.A, "alias", "mx"), (TLSA, w.TLSA, "_25._tcp.alias", TLSA))


def build(cases: Cases) -> None:
    """All of them."""
    foreign(cases)
    chains(cases)
    dnames(cases)
    beside(cases)


def foreign(cases: Cases) -> None:
    """Another zone's alias, and a DNAME of the own zone, answer each type."""
    for asked, rtype, aliased, target in PLACES:
        word = w.NAMES[rtype]
        kind = "another zone's alias answers anything"
        f = cases.family()
        z = f.stranger
        owner = f.own.at(asked)
        cases.add(kind, f"{word}: the alias alone", f, reply(owner, rtype, z.set(aliased, w.CNAME)))
        f = cases.family()
        z, owner = f.stranger, f.own.at(asked)
        answer = z.set(aliased, w.CNAME) + z.set(target, rtype)
        cases.add(kind, f"{word}: with what it leads to", f, reply(owner, rtype, answer))
        f = cases.family()
        z, owner = f.stranger, f.own.at(asked)
        cases.add(kind, f"{word}: no alias, the records alone", f, reply(owner, rtype, z.set(target, rtype)))
        f = cases.family()
        z, owner = f.stranger, f.own.at(asked)
        answer = [alias(owner, z.at(target)), *z.set(target, rtype)]
        cases.add("an unsigned alias", f"{word}: into another zone", f, reply(owner, rtype, answer))
        f = cases.family()
        owner, target_name = f.own.at(asked), f.unsigned.at(target)
        answer = [alias(owner, target_name), *f.unsigned.set(target, rtype)]
        cases.add("an unsigned alias", f"{word}: into an unsigned zone", f, reply(owner, rtype, answer))
        f = cases.family()
        z, owner = f.stranger, f.own.at(asked)
        answer = spoilt(f.own.sign([alias(owner, z.at(target))])) + z.set(target, rtype)
        cases.add("an alias whose signature does not fit", word, f, reply(owner, rtype, answer))
        f = cases.family()
        owner = f.own.at(asked)
        answer = f.unsigned.set(target, rtype)
        cases.add("an unsigned zone's records answer", word, f, reply(owner, rtype, answer))
        f = cases.family()
        owner = f.own.at(asked)
        answer = [alias(f.unsigned.at(aliased), f.unsigned.at(target)), *f.unsigned.set(target, rtype)]
        cases.add("an unsigned zone's records answer", f"{word}: with an alias", f, reply(owner, rtype, answer))


def chains(cases: Cases) -> None:
    """Chains with a gap, a fork, a loop, or a part that is not true."""
    kind = "a chain of aliases with a gap"
    for style in ("NSEC", "NSEC3"):
        f = cases.family(style)
        owner = f.own.at("_25._tcp.alias")
        answer = f.own.set(owner, w.CNAME) + f.stranger.set("_25._tcp.alias", w.CNAME) + f.stranger.set(TLSA, w.TLSA)
        cases.add(kind, f"{style}: a true alias, then another zone's", f, reply(owner, w.TLSA, answer))
        f = cases.family(style)
        owner = f.own.at("_25._tcp.alias")
        answer = f.own.set(owner, w.CNAME) + f.stranger.set(TLSA, w.TLSA)
        cases.add(kind, f"{style}: a true alias, then another zone's records", f, reply(owner, w.TLSA, answer))
        f = cases.family(style)
        owner = f.own.at("hop")
        answer = f.own.set("hop", w.CNAME) + f.stranger.set("mx", w.A)
        cases.add(kind, f"{style}: the second alias is missing", f, reply(owner, w.A, answer))
        f = cases.family(style)
        owner = f.own.at("hop")
        answer = f.own.set("hop", w.CNAME) + f.own.set("mx", w.A)
        cases.add(kind, f"{style}: the second alias is missing, the records are true", f, reply(owner, w.A, answer))
    f = cases.family()
    owner = f.own.at("alias")
    first = [f.own.set(owner, w.CNAME), f.own.sign([alias(owner, f.stranger.at("mx"))])]
    answer = without_signatures(first[0]) + first[1] + f.stranger.set("mx", w.A)
    cases.add("two aliases at one name", "one is signed", f, reply(owner, w.A, answer))
    f = cases.family()
    owner = f.own.at("mx")
    answer = f.own.set("mx", w.A) + [alias(owner, f.stranger.at("mx"))] + f.stranger.set("mx", w.A)
    cases.add("an alias beside the records", "true records, unsigned alias", f, reply(owner, w.A, answer))
    f = cases.family()
    owner = f.own.at("mx")
    answer = f.own.set("mx", w.A) + f.stranger.set("alias", w.CNAME)
    cases.add("an alias beside the records", "true records, another zone's alias", f, reply(owner, w.A, answer))
    f = cases.family()
    owner = f.own.at("alias")
    answer = f.own.set("mx", w.A) + f.own.set("alias", w.CNAME)
    cases.add("aliases in another order", "the alias last", f, reply(owner, w.A, answer), honest=True)
    f = cases.family()
    owner = f.own.at("hop")
    answer = f.own.set("mx", w.A) + f.own.set("alias", w.CNAME) + f.own.set("hop", w.CNAME)
    cases.add("aliases in another order", "back to front", f, reply(owner, w.A, answer), honest=True)
    f = cases.family()
    owner = f.own.at("mx")
    answer = [alias(owner, owner)]
    cases.add("an alias without an end", "unsigned, to itself", f, reply(owner, w.A, answer))
    f = cases.family()
    owner = f.own.at("mx")
    z = f.stranger
    loop = z.sign([alias(z.at("l1"), z.at("l2"))]) + z.sign([alias(z.at("l2"), z.at("l1"))])
    cases.add("an alias without an end", "another zone's", f, reply(owner, w.A, loop))
    f = cases.family()
    owner = f.own.at("alias")
    answer = f.own.set(owner, w.CNAME)
    message = reply(owner, w.A, answer + f.own.set("mx", w.A), rcode=3)
    cases.add("the response code is changed", "an alias and its target, NXDOMAIN", f, message)
    f = cases.family()
    owner = f.own.at("alias")
    answer = f.own.set(owner, w.CNAME)
    cases.add("the response code is changed", "an alias alone, NXDOMAIN", f, reply(owner, w.A, answer, rcode=3))


def dname(f: Family, onward: w.Name) -> list[w.Record]:
    """The true DNAME, and an alias to somewhere."""
    return f.own.set("dn", w.DNAME) + [alias(f.own.at("_25._tcp.dn"), onward)]


def dnames(cases: Cases) -> None:
    """What a DNAME does not say (RFC 6672 section 5.3.1)."""
    kind = "the alias under a signed DNAME"
    f = cases.family()
    owner = f.own.at("_25._tcp.dn")
    answer = dname(f, f.unsigned.at(TLSA)) + f.unsigned.set(TLSA, w.TLSA)
    cases.add(kind, "leads into an unsigned zone", f, reply(owner, w.TLSA, answer))
    f = cases.family()
    owner = f.own.at("_25._tcp.dn")
    cases.add(kind, "leads elsewhere, alone", f, reply(owner, w.TLSA, dname(f, f.stranger.at(TLSA))))
    f = cases.family()
    owner = f.own.at("dn")
    answer = f.own.set("dn", w.DNAME) + [alias(owner, f.stranger.at("mx"))] + f.stranger.set("mx", w.A)
    cases.add(kind, "is at its owner, not below", f, reply(owner, w.A, answer))
    f = cases.family()
    owner = f.own.at("_25._tcp.xdn")
    answer = f.own.set("dn", w.DNAME) + [alias(owner, f.stranger.at(TLSA))] + f.stranger.set(TLSA, w.TLSA)
    cases.add(kind, "only ends in the same letters", f, reply(owner, w.TLSA, answer))
    f = cases.family()
    owner = f.own.at("_25._tcp.dn")
    answer = [*dname(f, f.stranger.at(TLSA)), *f.stranger.sign([alias(owner, f.stranger.at(TLSA))])[1:]]
    cases.add(kind, "is signed by another zone", f, reply(owner, w.TLSA, answer + f.stranger.set(TLSA, w.TLSA)))
    f = cases.family()
    owner = f.own.at("_25._tcp.dn")
    answer = without_signatures(dname(f, f.own.at(TLSA))) + f.own.set(TLSA, w.TLSA)
    cases.add("a DNAME without signature", "and the right alias", f, reply(owner, w.TLSA, answer))
    f = cases.family()
    owner = f.own.at("_25._tcp.dn")
    answer = spoilt(dname(f, f.own.at(TLSA))) + f.own.set(TLSA, w.TLSA)
    cases.add("a DNAME whose signature does not fit", "and the right alias", f, reply(owner, w.TLSA, answer))
    f = cases.family()
    owner = f.own.at("_25._tcp.dn")
    forged = [w.Record(f.own.at("dn"), w.DNAME, w.wire(f.stranger.at("mx")), 300)]
    right = f.own.set("dn", w.DNAME)
    answer = forged + right[1:] + [alias(owner, f.stranger.at(TLSA))] + f.stranger.set(TLSA, w.TLSA)
    cases.add("a DNAME whose signature does not fit", "other data", f, reply(owner, w.TLSA, answer))
    f = cases.family()
    owner = f.own.at("_25._tcp.dn")
    answer = dname(f, f.own.at(TLSA)) + f.own.set(TLSA, w.TLSA)
    cases.add("the response code is changed", "a DNAME, NXDOMAIN", f, reply(owner, w.TLSA, answer, rcode=3))


def beside(cases: Cases) -> None:
    """A true answer with something beside it that is not."""
    kind = "a set beside a true answer"
    for asked, rtype in (("@", w.MX), ("mx", w.A), (TLSA, w.TLSA)):
        word = w.NAMES[rtype]
        for about, more in (
            ("an unsigned set of another name", lambda f: moved(f.own.plain(f.own.at("mx"), w.TXT), f.own.at("x"))),
            ("another zone's set", lambda f: f.stranger.set(asked, rtype)),
            ("another zone's set of another type", lambda f: f.stranger.set("mx", w.TXT)),
            ("an unsigned set of another type", lambda f: moved(f.own.plain(f.own.at("mx"), w.TXT), f.own.at(asked))),
            ("a signature of nothing", lambda f: f.own.set("mx2", w.A)[1:]),
        ):
            f = cases.family()
            answer = f.own.set(asked, rtype) + more(f)
            cases.add(kind, f"{word}: {about}", f, reply(f.own.at(asked), rtype, answer))
            f = cases.family()
            answer = more(f) + f.own.set(asked, rtype)
            cases.add(kind, f"{word}: {about}, first", f, reply(f.own.at(asked), rtype, answer))
        f = cases.family()
        message = reply(f.own.at(asked), rtype, f.own.set(asked, rtype), f.stranger.soa())
        cases.add(kind, f"{word}: another zone's SOA in the authority", f, message)
        f = cases.family()
        message = reply(f.own.at(asked), rtype, f.own.set(asked, rtype))
        message.additional += moved(f.own.plain(f.own.at("mx2"), w.A), f.own.at("mx2"))
        cases.add(kind, f"{word}: unsigned addresses in the additional", f, message)
        f = cases.family()
        message = reply(f.own.at(asked), rtype, f.own.set(asked, rtype), f.stranger.nodata(f.stranger.at("mx")))
        cases.add(kind, f"{word}: another zone's NSEC in the authority", f, message)
        f = cases.family()
        message = reply(f.own.at(asked), rtype, f.own.set(asked, rtype), f.own.soa() + f.own.nodata(f.own.at("mx")))
        cases.add(kind, f"{word}: a denial in the authority", f, message)
        f = cases.family()
        extra = f.stranger.plain(f.stranger.at(asked), rtype)
        answer = f.own.set(asked, rtype) + moved(extra, f.own.at(asked))
        cases.add("another record in a signed set", word, f, reply(f.own.at(asked), rtype, answer))
