"""Signed zones in memory: what is true in them, and proofs of what is not."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from . import wire as w
from .keys import Key, signature, signed
from .wire import Message, Name, Record

# How a zone denies.
NSEC, NSEC3, OPT_OUT = "NSEC", "NSEC3", "opt-out"
STYLES = (NSEC, NSEC3, OPT_OUT)
TTL = 300
HEX32 = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghijklmnopqrstuv")

# In every zone: owner, type, data. Nothing listens at the address.
CONTENT = """\
@ MX 10 mx
mx A 127.0.9.9
mx TXT text
_25._tcp.mx TLSA 3 1 1
mx2 A 127.0.9.9
_25._tcp.mx2 TLSA 3 1 1
*.w TLSA 3 1 1
*.w A 127.0.9.9
*.w MX 10 mx
*._tcp.wt TLSA 3 1 1
wt A 127.0.9.9
*.wc CNAME mx
*.wct CNAME _25._tcp.mx
deep.er.ent A 127.0.9.9
alias CNAME mx
_25._tcp.alias CNAME _25._tcp.mx
mxalias CNAME @
hop CNAME alias
dangling CNAME nowhere
dn DNAME mx
bad A 127.0.9.9
_25._tcp.bad TLSA malformed
*.wbad TLSA malformed
"""
Parsed = list[tuple[Name, int, list[str]]]
PARSED: Parsed = [
    (w.name(owner), w.NUMBERS[rtype], words)
    for owner, rtype, *words in (line.split() for line in CONTENT.splitlines())
]


def address(words: str) -> bytes:
    """The data of an A record."""
    return bytes(int(part) for part in words.split("."))


@dataclass
class Zone:
    """A zone with one key, and all of its records."""

    apex: Name
    # Nothing in a zone that is not signed.
    key: Key | None
    # What its own TLSA records say, so that one sees whose they are.
    digest: bytes
    style: str = NSEC
    iterations: int = 0
    salt: bytes = b""
    # Of NSEC3, beside opt-out.
    flags: int = 0
    hash_algorithm: int = 1
    # Other keys of its DNSKEY set, and who signs that.
    more_keys: list[Key] = field(default_factory=list)
    records: dict[Name, dict[int, list[Record]]] = field(default_factory=dict)
    # Delegations, by name: the DS data.
    cuts: dict[Name, list[bytes]] = field(default_factory=dict)
    # Signed sets, where somebody asked.
    made: dict[tuple[Name, int], list[Record]] = field(default_factory=dict)
    chain: list[tuple[object, Name]] = field(default_factory=list)
    # What becomes of each signature: see keys.signature.
    signing: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        soa = w.wire(self.at("ns")) + w.wire(self.at("host"))
        self.add("@", w.SOA, soa + struct.pack("!IIIII", 1, 3600, 600, 86400, TTL))
        self.add("@", w.NS, w.wire(self.at("ns")))
        self.add("ns", w.A, address("127.0.9.53"))
        for owner, rtype, words in PARSED:
            self.add_at(owner + self.apex, rtype, self.data(rtype, words))

    def data(self, rtype: int, words: list[str]) -> bytes:
        """Data from text."""
        match rtype, words:
            case w.A, [text]:
                return address(text)
            case w.MX, [preference, host]:
                return struct.pack("!H", int(preference)) + w.wire(self.at(host))
            case w.TXT, [text]:
                return bytes([len(text)]) + text.encode()
            case w.TLSA, ["malformed"]:
                return b"\3\1"
            case w.TLSA, [usage, selector, matching]:
                return bytes([int(usage), int(selector), int(matching)]) + self.digest
        return w.wire(self.at(words[0]))

    def at(self, text: str) -> Name:
        """A name in the zone."""
        return w.name(text, self.apex)

    def add(self, owner: str, rtype: int, *data: bytes) -> None:
        """More records at a name."""
        for one in data:
            self.add_at(self.at(owner), rtype, one)

    def add_at(self, owner: Name, rtype: int, data: bytes) -> None:
        """One more record."""
        self.records.setdefault(owner, {}).setdefault(rtype, []).append(Record(owner, rtype, data, TTL))

    def delegate(self, child: "Zone") -> None:
        """Leave a name to another zone, with DS where it is signed."""
        self.cut(child.apex, [child.key.ds(child.apex)] if child.key else [])

    def cut(self, apex: Name, ds: list[bytes]) -> None:
        """Leave a name to another zone."""
        self.cuts[apex] = ds
        owned = self.records.setdefault(apex, {})
        owned[w.NS] = [Record(apex, w.NS, w.wire((b"ns", *apex)), TTL)]
        if ds:
            owned[w.DS] = [Record(apex, w.DS, one, TTL) for one in ds]

    # Sets.

    def plain(self, owner: Name, rtype: int) -> list[Record]:
        """A set without signature."""
        if (owner, rtype) == (self.apex, w.DNSKEY):
            keys = [self.key, *self.more_keys] if self.key else []
            return [Record(owner, rtype, key.rdata, TTL) for key in keys]
        return self.records.get(owner, {}).get(rtype, [])

    def set(self, owner: Name | str, rtype: int) -> list[Record]:
        """A set with its signature, where the zone is signed."""
        owner = self.at(owner) if isinstance(owner, str) else owner
        if (owner, rtype) not in self.made:
            records = self.plain(owner, rtype)
            assert records, f"{w.text(owner)} {rtype} is not there"
            self.made[owner, rtype] = self.sign(records)
        return list(self.made[owner, rtype])

    def sign(self, records: list[Record], **more: object) -> list[Record]:
        """Any records, signed as this zone signs."""
        if not self.key:
            return list(records)
        return signed(records, self.key, self.apex, **{**self.signing, **more})

    def expanded(self, owner: Name, wildcard: Name, rtype: int) -> list[Record]:
        """The set of a wildcard at another name (RFC 4035 section 3.1.3.3)."""
        return [record._replace(owner=owner) for record in self.set(wildcard, rtype)]

    # Names.

    def holds(self, owner: Name) -> bool:
        """Whether a name is there, be it empty."""
        return any(w.is_below(one, owner) for one in self.records)

    def is_occluded(self, owner: Name) -> bool:
        """Whether it is below a delegation."""
        return any(len(owner) > len(cut) and w.is_below(owner, cut) for cut in self.cuts)

    def encloser(self, owner: Name) -> Name:
        """The closest name above that is there."""
        while not self.holds(owner):
            owner = owner[1:]
        return owner

    def next_closer(self, owner: Name) -> Name:
        """The name one label longer than the closest encloser."""
        return owner[-len(self.encloser(owner)) - 1 :]

    # Denials.

    def hash(self, owner: Name) -> bytes:
        """RFC 5155 section 5."""
        value = w.wire(w.lower(owner))
        for _ in range(self.iterations + 1):
            value = hashlib.sha1(value + self.salt).digest()
        return value

    def hashed(self, value: bytes) -> Name:
        """The owner of an NSEC3 record."""
        return (base64.b32encode(value).translate(HEX32), *self.apex)

    def links(self) -> list[tuple[object, Name]]:
        """The chain of NSEC or NSEC3, in order: position and name."""
        if not self.chain:
            names = [one for one in self.records if not self.is_occluded(one)]
            if self.style == NSEC:
                self.chain = sorted((w.order(one), one) for one in names)
            else:
                if self.style == OPT_OUT:
                    names = [one for one in names if one not in self.cuts or self.cuts[one]]
                above = {one[at:] for one in names for at in range(len(one) - len(self.apex) + 1)}
                self.chain = sorted((self.hash(one), one) for one in above)
        return self.chain

    def position(self, owner: Name) -> object:
        """Where a name stands in that order."""
        return w.order(owner) if self.style == NSEC else self.hash(owner)

    def types(self, owner: Name) -> set[int]:
        """What is at a name, as denials say it."""
        present = set(self.records.get(owner, {}))
        if owner == self.apex:
            present |= {w.DNSKEY}
        if owner in self.cuts:
            present &= {w.NS, w.DS}
        if self.style == NSEC:
            return present | {w.NSEC, w.RRSIG}
        return present | ({w.RRSIG} if present - {w.NS} or owner not in self.cuts and present else set())

    def link(self, index: int) -> list[Record]:
        """One link of the chain, signed."""
        links = self.links()
        (position, owner), (following, name) = links[index], links[(index + 1) % len(links)]
        if self.style == NSEC:
            record = Record(owner, w.NSEC, w.wire(name) + w.bitmap(self.types(owner)), TTL)
        else:
            record = self.nsec3(position, following, self.types(owner))
        key = (record.owner, record.rtype)
        if key not in self.made:
            self.made[key] = self.sign([record])
        return list(self.made[key])

    def nsec3(self, position: bytes, following: bytes, types: set[int]) -> Record:
        """An NSEC3 record of this zone (RFC 5155 section 3.2)."""
        flags = self.flags | (self.style == OPT_OUT)
        data = struct.pack("!BBHB", self.hash_algorithm, flags, self.iterations, len(self.salt))
        data += self.salt + bytes([len(following)]) + following + w.bitmap(types)
        return Record(self.hashed(position), w.NSEC3, data, TTL)

    def match(self, owner: Name) -> list[Record]:
        """The link of a name."""
        positions = [position for position, _ in self.links()]
        return self.link(positions.index(self.position(owner)))

    def cover(self, owner: Name) -> list[Record]:
        """The link whose span a name is in."""
        position = self.position(owner)
        before = [index for index, (one, _) in enumerate(self.links()) if one < position]
        return self.link(before[-1] if before else -1)

    def nodata(self, owner: Name) -> list[Record]:
        """That a name has no such record (RFC 4035 section 3.1.3.1, RFC 5155 sections 7.2.3 to 7.2.5)."""
        if self.style == NSEC:
            return self.match(owner) if owner in self.records else self.cover(owner)
        if any(position == self.hash(owner) for position, _ in self.links()):
            return self.match(owner)
        encloser = owner[1:]
        while all(one != encloser for _, one in self.links()):
            encloser = encloser[1:]
        return unique(self.match(encloser), self.cover(owner[-len(encloser) - 1 :]))

    def nxdomain(self, owner: Name) -> list[Record]:
        """That there is no such name and no wildcard for it."""
        encloser = self.encloser(owner)
        wildcard = (b"*", *encloser)
        if self.style == NSEC:
            return unique(self.cover(owner), self.cover(wildcard))
        return unique(self.match(encloser), self.cover(self.next_closer(owner)), self.cover(wildcard))

    def no_closer(self, owner: Name) -> list[Record]:
        """That nothing but a wildcard is closer."""
        return self.cover(owner if self.style == NSEC else self.next_closer(owner))

    def wildcard_nodata(self, owner: Name) -> list[Record]:
        """That the wildcard for a name has no such record."""
        encloser = self.encloser(owner)
        more = [] if self.style == NSEC else self.match(encloser)
        return unique(more, self.no_closer(owner), self.match((b"*", *encloser)))

    def soa(self) -> list[Record]:
        """For denials."""
        return self.set(self.apex, w.SOA)

    # Answers.

    def reply(self, owner: Name, rtype: int) -> tuple[Message, Name | None]:
        """What the zone truly says; and where an alias leads."""
        message = Message((owner, rtype))
        for above in (owner[at:] for at in range(1, len(owner) - len(self.apex) + 1)):
            if dname := self.plain(above, w.DNAME):
                onward = owner[: -len(above)] + w.target(dname[0])
                message.answer += self.set(above, w.DNAME)
                message.answer.append(Record(owner, w.CNAME, w.wire(onward), TTL))
                return message, onward
        at, wildcard = owner, False
        if not self.holds(owner):
            at, wildcard = (b"*", *self.encloser(owner)), True
        if at not in self.records and (wildcard or not self.holds(owner)):
            message.rcode = w.NXDOMAIN
            message.authority += self.soa() + (self.nxdomain(owner) if self.key else [])
            return message, None
        found = next((one for one in (rtype, w.CNAME) if self.plain(at, one)), None)
        if found is None:
            proof = self.wildcard_nodata if wildcard else self.nodata
            message.authority += self.soa() + (proof(owner) if self.key else [])
            return message, None
        message.answer += self.expanded(owner, at, found) if wildcard else self.set(at, found)
        if wildcard and self.key:
            message.authority += self.no_closer(owner)
        return message, w.target(message.answer[0]) if found == w.CNAME != rtype else None


def unique(*sets: Iterable[Record]) -> list[Record]:
    """Each record once, in order."""
    return list(dict.fromkeys(record for one in sets for record in one))


class Universe:
    """All zones, and who answers for which name."""

    def __init__(self) -> None:
        self.zones: dict[Name, Zone] = {}

    def add(self, zone: Zone) -> Zone:
        """One more."""
        self.zones[zone.apex] = zone
        return zone

    def of(self, owner: Name, rtype: int) -> Zone:
        """The zone that answers; for DS the one above (RFC 4035 section 3.1.4.1)."""
        start = 1 if rtype == w.DS and owner else 0
        return next(
            self.zones[owner[at:]] for at in range(start, len(owner) + 1) if owner[at:] in self.zones
        )

    def answer(self, owner: Name, rtype: int) -> Message:
        """What a resolver truly finds, aliases followed."""
        owner = w.lower(owner)
        message, onward = self.of(owner, rtype).reply(owner, rtype)
        seen = {owner}
        while onward is not None and onward not in seen and len(seen) < 12:
            seen.add(onward)
            more, onward = self.of(onward, rtype).reply(onward, rtype)
            message.answer += more.answer
            message.authority = unique(message.authority, more.authority)
            message.rcode = more.rcode
        return message


# The zones around one name that is lied about.
ROLES = ("own zone", "parent", "child", "sibling", "stranger")
Change = Callable[[Zone], None]


@dataclass
class Keyring:
    """One key for each role, the same in all families."""

    root: Key = field(default_factory=Key.new)
    tops: Key = field(default_factory=Key.new)
    roles: dict[str, Key] = field(default_factory=lambda: {role: Key.new() for role in ROLES})
    outsider: Key = field(default_factory=Key.new)


class Family:
    """Zones of their own for each lie, so that no cache connects it to another."""

    def __init__(
        self, universe: Universe, keyring: Keyring, number: int, style: str = NSEC,
        change: dict[str, Change] | None = None, ds: list[bytes] | Callable[[Zone], list[bytes]] | None = None,
    ) -> None:
        """`change` alters a zone before its delegation is written; `ds` is what
        the parent says of the own zone instead."""
        self.universe, self.keyring, self.style = universe, keyring, style
        apexes = {
            "parent": f"p{number}.lab.", "own zone": f"v.p{number}.lab.", "child": f"c.v.p{number}.lab.",
            "sibling": f"s.p{number}.lab.", "stranger": f"e{number}.evil.",
        }
        self.zones: dict[str, Zone] = {}
        for index, (role, apex) in enumerate(apexes.items()):
            zone = Zone(w.name(apex), keyring.roles[role], bytes([0xA0 + index]) * 32, style)
            if change and role in change:
                change[role](zone)
            self.zones[role] = universe.add(zone)
        self.own, self.parent = self.zones["own zone"], self.zones["parent"]
        self.child, self.sibling = self.zones["child"], self.zones["sibling"]
        self.stranger = self.zones["stranger"]
        self.unsigned = universe.add(Zone((b"u", *self.own.apex), None, b"\xb0" * 32))
        self.own.delegate(self.child)
        self.own.delegate(self.unsigned)
        self.parent.delegate(self.sibling)
        if ds is None:
            self.parent.delegate(self.own)
        else:
            self.parent.cut(self.own.apex, ds(self.own) if callable(ds) else ds)
        for zone in (self.parent, self.stranger):
            universe.zones[zone.apex[1:]].delegate(zone)

    def truth(self, owner: Name | str, rtype: int, zone: Zone | None = None) -> Message:
        """What is true of a name, in the own zone unless said."""
        owner = (zone or self.own).at(owner) if isinstance(owner, str) else owner
        return self.universe.answer(owner, rtype)


def beginning(keyring: Keyring) -> Universe:
    """The root and two top-level domains."""
    universe = Universe()
    root = universe.add(Zone((), keyring.root, b"\xc0" * 32))
    for top in ("lab.", "evil."):
        root.delegate(universe.add(Zone(w.name(top), keyring.tops, b"\xc1" * 32)))
    return universe


def without_signatures(records: list[Record], *covered: int) -> list[Record]:
    """A set bare; or bare of signatures over these types."""
    return [
        record for record in records
        if record.rtype != w.RRSIG or covered and struct.unpack_from("!H", record.rdata)[0] not in covered
    ]


def spoilt(records: list[Record]) -> list[Record]:
    """The same with signatures that do not fit."""
    return [
        record._replace(rdata=record.rdata[:-1] + bytes([record.rdata[-1] ^ 1]))
        if record.rtype == w.RRSIG else record
        for record in records
    ]


def resigned(records: list[Record], key: Key, signer: Name, **more: object) -> list[Record]:
    """A set under another signature."""
    bare = without_signatures(records)
    return [*bare, signature(bare, key, signer, **more)]
