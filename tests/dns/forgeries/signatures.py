"""Signatures and keys that are not what they have to be, and some that are all the same."""

import os
import random
import struct
from collections.abc import Callable

from . import wire as w
from .cases import Cases, reply
from .keys import EXPIRATION, HOUR, INCEPTION, NOW, Key, key_tag, signature
from .wire import Record
from .zones import Family, Zone, resigned, spoilt, without_signatures

TLSA = "_25._tcp.mx"
DAY = 24 * HOUR


def build(cases: Cases) -> None:
    """All of them."""
    fields(cases)
    times(cases)
    several(cases)
    keys(cases)
    delegation_sets(cases)


def over_tlsa(cases: Cases, kind: str, about: str, change: Callable[[Family, list[Record]], list[Record]]) -> None:
    """One case with something else over the TLSA records."""
    f = cases.family()
    answer = change(f, f.own.set(TLSA, w.TLSA))
    cases.add(kind, about, f, reply(f.own.at(TLSA), w.TLSA, answer))


def resign(cases: Cases, kind: str, about: str, **more: object) -> None:
    """One case with another signature by the right key."""
    over_tlsa(cases, kind, about, lambda f, records: resigned(records, f.own.key, f.own.apex, **more))


def fields(cases: Cases) -> None:
    """What RFC 4035 section 5.3.1 asks of a signature."""
    kind = "a field of a signature"
    resign(cases, kind, "no fault", tag=None)
    for labels in (0, 3, 4, 6, 200):
        resign(cases, kind, f"{labels} labels", labels=labels)
    for covered in (w.A, w.DNSKEY, 0):
        resign(cases, kind, f"covers {covered}", covered=covered)
    for original in (0, 60, 86400):
        resign(cases, kind, f"original TTL {original}", original=original)
    resign(cases, kind, "key tag of nobody", tag=1)
    for algorithm in (5, 8, 14, 15, 16, 100, 0):
        resign(cases, kind, f"algorithm {algorithm}", algorithm=algorithm)
    kind = "a signature that does not fit"
    over_tlsa(cases, kind, "one bit", lambda _, records: spoilt(records))
    over_tlsa(cases, kind, "no signature", lambda _, records: without_signatures(records))
    for length in (0, 1, 32, 63):
        over_tlsa(cases, kind, f"{length} bytes", lambda f, records, length=length: [
            records[0], records[1]._replace(rdata=records[1].rdata[:-64] + records[1].rdata[-64:][:length]),
        ])
    for about, value in (("zeros", b"\0" * 64), ("a byte too many", b"\0")):
        over_tlsa(cases, kind, about, lambda _, records, value=value: [
            records[0],
            records[1]._replace(rdata=(records[1].rdata[:-64] if len(value) > 1 else records[1].rdata) + value),
        ])
    over_tlsa(cases, kind, "other data", lambda _, records: [
        records[0]._replace(rdata=b"\3\1\1" + b"\xcd" * 32), records[1],
    ])
    over_tlsa(cases, kind, "another record", lambda _, records: [
        records[0], records[0]._replace(rdata=b"\3\1\1" + b"\xcd" * 32), records[1],
    ])
    over_tlsa(cases, kind, "the same record twice", lambda _, records: [records[0], *records])
    over_tlsa(cases, kind, "a TTL above the original", lambda _, records: [r._replace(ttl=90000) for r in records])
    over_tlsa(cases, kind, "the signature of another name", lambda f, records: [
        records[0], f.own.set("_25._tcp.mx2", w.TLSA)[1]._replace(owner=records[0].owner),
    ])
    over_tlsa(cases, kind, "of another type", lambda f, records: [
        records[0], f.own.set("mx", w.A)[1]._replace(owner=records[0].owner),
    ])
    kind = "the signer does not hold the name"
    for role in ("parent", "child", "sibling", "stranger"):
        over_tlsa(cases, kind, role, lambda f, records, role=role: resigned(
            records, f.zones[role].key, f.zones[role].apex,
        ))
        over_tlsa(cases, kind, f"{role} by the zone's own key", lambda f, records, role=role: resigned(
            records, f.own.key, f.zones[role].apex,
        ))
    over_tlsa(cases, kind, "the root", lambda f, records: resigned(records, f.keyring.root, ()))
    over_tlsa(cases, kind, "the top-level domain", lambda f, records: resigned(records, f.keyring.tops, w.name("lab.")))
    over_tlsa(cases, kind, "a name that is no zone", lambda f, records: resigned(records, f.own.key, f.own.at("mx")))
    over_tlsa(cases, kind, "a key of nobody", lambda f, records: resigned(records, f.keyring.outsider, f.own.apex))


def times(cases: Cases) -> None:
    """When signatures hold (unbound's val-sig-skew-min and -max; RFC 4034 section 3.1.5)."""
    kind = "the clock is a little off"
    minute = HOUR // 60
    for about, begin, end in (
        ("expired 30 minutes ago, lives 12 hours", -12 * HOUR - 30 * minute, -30 * minute),
        ("expired 70 minutes ago, lives 12 hours", -12 * HOUR - 70 * minute, -70 * minute),
        ("expired 80 minutes ago, lives 12 hours", -12 * HOUR - 80 * minute, -80 * minute),
        ("expired 50 minutes ago, lives 2 hours", -2 * HOUR - 50 * minute, -50 * minute),
        ("expired 70 minutes ago, lives 2 hours", -2 * HOUR - 70 * minute, -70 * minute),
        ("expired 20 hours ago, lives 30 days", -30 * DAY - 20 * HOUR, -20 * HOUR),
        ("expired 25 hours ago, lives 30 days", -30 * DAY - 25 * HOUR, -25 * HOUR),
        ("expired 20 hours ago, lives 5 days", -5 * DAY - 20 * HOUR, -20 * HOUR),
        ("expired 11 hours ago, lives 5 days", -5 * DAY - 11 * HOUR, -11 * HOUR),
        ("expired 60 days ago", -90 * DAY, -60 * DAY),
        ("valid in 30 minutes, lives 12 hours", 30 * minute, 12 * HOUR + 30 * minute),
        ("valid in 80 minutes, lives 12 hours", 80 * minute, 12 * HOUR + 80 * minute),
        ("valid in 20 hours, lives 30 days", 20 * HOUR, 30 * DAY + 20 * HOUR),
        ("valid in 25 hours, lives 30 days", 25 * HOUR, 30 * DAY + 25 * HOUR),
    ):
        resign(cases, kind, about, span=(NOW + begin, NOW + end))
    kind = "inception past expiration"
    for about, begin, end in (
        ("by a day", NOW + HOUR, NOW - 23 * HOUR),
        ("both past", NOW - HOUR, NOW - 2 * HOUR),
        ("both to come", NOW + 2 * HOUR, NOW + HOUR),
        ("by serial arithmetic, inception far ahead", NOW - 10 + (1 << 31), NOW + HOUR),
        ("by serial arithmetic, expiration far ahead", NOW - HOUR, NOW - HOUR + (1 << 31) + 5),
        ("by serial arithmetic, an expiration half around", NOW - HOUR, NOW - 2 * HOUR + (1 << 31)),
        ("the same moment", NOW, NOW),
        ("nothing but zeros", 0, 0),
        ("all there is", 0, 0xFFFFFFFF),
    ):
        resign(cases, kind, about, span=(begin, end))
    for style in ("NSEC", "NSEC3"):
        for about, begin, end in (
            ("expired 30 minutes ago", -12 * HOUR, -30 * minute), ("expired 60 days ago", -90 * DAY, -60 * DAY),
        ):
            f = cases.family(style, change={"own zone": with_span(NOW + begin, NOW + end)})
            message = f.truth("_25._tcp.nx", w.TLSA)
            cases.add("the clock is a little off", f"{style}: whole zone {about}", f, message)


def with_span(begin: int, end: int) -> Callable[[Zone], None]:
    """A zone whose signatures hold then."""
    return lambda zone: zone.signing.update(span=(begin, end))


def junk(records: list[Record], count: int, key: Key, apex: w.Name) -> list[Record]:
    """Signatures that do not fit, each another one."""
    return [signature(without_signatures(records), key, apex, spoil=True) for _ in range(count)]


def several(cases: Cases) -> None:
    """A good signature among bad ones: the order says nothing."""
    kind = "one good signature among others"
    for count in (1, 2, 3, 5, 7):
        for place in ("last", "first"):
            def change(f: Family, records: list[Record], count: int = count, place: str = place) -> list[Record]:
                bad = junk(records, count, f.own.key, f.own.apex)
                return records + bad if place == "first" else [records[0], *bad, records[1]]

            over_tlsa(cases, kind, f"{count} bad ones, the good one {place}", change)
    for about, more in (
        ("an expired one", {"span": (NOW - 90 * DAY, NOW - 60 * DAY)}),
        ("one of an algorithm that nobody knows", {"algorithm": 100}),
        ("one by a key that is not there", {"tag": 1}),
        ("one with too many labels", {"labels": 9}),
    ):
        over_tlsa(cases, kind, f"{about} first", lambda f, records, more=more: [
            records[0], signature(records[:1], f.own.key, f.own.apex, **more), records[1],
        ])
    over_tlsa(cases, kind, "a stranger's first", lambda f, records: [
        records[0], signature(records[:1], f.stranger.key, f.stranger.apex), records[1],
    ])
    over_tlsa(cases, kind, "the parent's first", lambda f, records: [
        records[0], signature(records[:1], f.parent.key, f.parent.apex), records[1],
    ])
    over_tlsa(cases, kind, "a stranger's last", lambda f, records: [
        *records, signature(records[:1], f.stranger.key, f.stranger.apex),
    ])


def of_tag(key: Key) -> Key:
    """A DNSKEY of the same tag and algorithm, which fits no signature."""
    head = key.rdata[:4]
    while True:
        public = bytearray(os.urandom(64))
        missing = (key.tag - key_tag(head + bytes(public[:62]) + b"\0\0")) & 0xFFFF
        public[62:] = struct.pack("!H", missing)
        other = Key(None, bytes(public), key.algorithm, key.flags, key.protocol)
        if other.tag == key.tag:
            return other


def keys(cases: Cases) -> None:
    """Key sets that say something else (RFC 4034 section 2.1, RFC 5011)."""
    def with_key(about: str, kind: str, change: Callable[[Key], Key], *, honest: bool = False) -> None:
        f = cases.family(change={"own zone": lambda zone: setattr(zone, "key", change(zone.key))})
        cases.add(kind, about, f, f.truth(TLSA, w.TLSA), honest=honest)

    for protocol in (0, 2, 4, 255):
        with_key(f"protocol {protocol}", "a key with another protocol", lambda key, p=protocol: key.but(protocol=p))
    for flags in (0, 1, 128, 384, 385):
        with_key(f"flags {flags}", "a key that signs no zone", lambda key, value=flags: key.but(flags=value))
    with_key("without SEP", "a key of other flags", lambda key: key.but(flags=256), honest=True)
    with_key("an unassigned flag", "a key of other flags", lambda key: key.but(flags=257 | 0x4000))
    # 2^40 itself is even, and no exponent of RSA.
    exponents = (3, 17, 65537, (1 << 32) + 15, (1 << 40) + 15, 1)
    for exponent, pair in zip(exponents, Key.rsa(*exponents), strict=True):
        with_key(f"exponent {exponent}", "an exponent of RSA", lambda _, pair=pair: pair)
    # With more of them it depends on chance what unbound says.
    kind = "keys of one tag"
    for count in (1, 2, 3):
        for place in ("last", "first"):
            f = cases.family()
            others = [of_tag(f.own.key) for _ in range(count)]
            own = f.own.plain(f.own.apex, w.DNSKEY)
            more = [Record(f.own.apex, w.DNSKEY, key.rdata, 300) for key in others]
            records = own + more if place == "first" else more + own
            question = (f.own.apex, w.DNSKEY)
            besides = {question: reply(*question, f.own.sign(records))}
            cases.add(kind, f"{count} others, the right one {place}", f, f.truth(TLSA, w.TLSA), besides=besides)
    kind = "the key set"
    for about, change in (
        ("without signature", lambda f, records: records[:1]),
        ("signature does not fit", lambda f, records: spoilt(records)),
        ("signed by a key that is not in it", lambda f, records: resigned(records, f.keyring.outsider, f.own.apex)),
        ("signed by the parent", lambda f, records: resigned(records, f.parent.key, f.parent.apex)),
        ("is the stranger's", lambda f, records: f.stranger.set(f.stranger.apex, w.DNSKEY)),
        ("is signed by a key beside it, which the DS does not know", lambda f, records: resigned(
            [*records[:1], Record(f.own.apex, w.DNSKEY, f.keyring.outsider.rdata, 300)],
            f.keyring.outsider, f.own.apex,
        )),
        ("is empty", lambda f, records: []),
    ):
        f = cases.family()
        question = (f.own.apex, w.DNSKEY)
        answer = change(f, f.own.set(f.own.apex, w.DNSKEY))
        cases.add(kind, about, f, f.truth(TLSA, w.TLSA), besides={question: reply(*question, answer)})
        f = cases.family()
        question = (f.own.apex, w.DNSKEY)
        answer = change(f, f.own.set(f.own.apex, w.DNSKEY))
        cases.add(kind, f"{about}; NXDOMAIN asked", f, f.truth("_25._tcp.nx", w.TLSA),
                  besides={question: reply(*question, answer)})


def delegation_sets(cases: Cases) -> None:
    """What the parent says of the keys (RFC 4035 section 5.2, RFC 4509, RFC 6840 section 5.11)."""
    def wrong(number: int) -> bytes:
        digest = random.Random(number).randbytes(32)
        return struct.pack("!HBB", number, 13, 2) + digest

    kind = "a right DS among others"
    for count in (1, 5, 20):
        for place in ("last", "first"):
            f = cases.family(ds=lambda zone, count=count: [zone.key.ds(zone.apex), *map(wrong, range(count))])
            question = (f.own.apex, w.DS)
            records = f.parent.plain(*question)
            order = records if place == "first" else records[1:] + records[:1]
            besides = {question: reply(*question, f.parent.sign(order))}
            cases.add(kind, f"{count} wrong ones, the right one {place}", f, f.truth(TLSA, w.TLSA), besides=besides)
    f = cases.family(ds=lambda zone: [zone.key.ds(zone.apex)] + [
        struct.pack("!HBB", zone.key.tag, 13, 2) + os.urandom(32) for _ in range(4)
    ])
    cases.add(kind, "four wrong ones of its tag", f, f.truth(TLSA, w.TLSA))
    kind = "a DS set of no use"
    for about, data in (
        ("wrong digest", lambda zone: [struct.pack("!HBB", zone.key.tag, 13, 2) + b"\x5a" * 32]),
        ("the stranger's key", lambda zone: [wrong(7)]),
        ("short digest", lambda zone: [zone.key.ds(zone.apex)[:-4]]),
        ("unknown digest", lambda zone: [struct.pack("!HBB", zone.key.tag, 13, 200) + b"\x5a" * 32]),
        ("unknown algorithm", lambda zone: [struct.pack("!HBB", zone.key.tag, 200, 2) + b"\x5a" * 32]),
        ("an algorithm that the key has not", lambda zone: [struct.pack("!HBB", zone.key.tag, 8, 2) + b"\x5a" * 32]),
        ("SHA-1 right, SHA-256 wrong", lambda zone: [
            zone.key.ds(zone.apex, 1), struct.pack("!HBB", zone.key.tag, 13, 2) + b"\x5a" * 32,
        ]),
        ("SHA-1 right", lambda zone: [zone.key.ds(zone.apex, 1)]),
        ("SHA-384 right", lambda zone: [zone.key.ds(zone.apex, 4)]),
    ):
        f = cases.family(ds=data)
        cases.add(kind, about, f, f.truth(TLSA, w.TLSA))
        f = cases.family(ds=data)
        message = f.truth(TLSA, w.TLSA)
        message.answer = without_signatures(message.answer)
        cases.add(kind, f"{about}, unsigned records", f, message)
    for about, change in (
        ("without signature", lambda f, records: records[:1]),
        ("signature does not fit", lambda f, records: spoilt(records)),
        ("signed by the zone itself", lambda f, records: resigned(records, f.own.key, f.own.apex)),
        ("signed by a stranger", lambda f, records: resigned(records, f.stranger.key, f.stranger.apex)),
        ("at another name", lambda f, records: [r._replace(owner=f.sibling.apex) for r in records]),
        ("expired", lambda f, records: resigned(
            records, f.parent.key, f.parent.apex, span=(INCEPTION - 60 * DAY, EXPIRATION - 60 * DAY),
        )),
    ):
        f = cases.family()
        question = (f.own.apex, w.DS)
        answer = change(f, f.parent.set(*question))
        cases.add("the DS set", about, f, f.truth(TLSA, w.TLSA), besides={question: reply(*question, answer)})
