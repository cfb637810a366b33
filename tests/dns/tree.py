"""A signed tree: the root, `lab.`, and below it a zone for each property or
fault of DNSSEC."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from servers.signing import covered, run, stamp, tampered

TOP_SERVER, ZONE_SERVER = "127.0.1.1", "127.0.1.2"
# Of the zones whose server falls silent, or gets other content, in a run.
STALE_SERVER, MOVING_SERVER = "127.0.1.3", "127.0.1.5"
# Of second copies of zones, see `Zone.copy`; nobody listens at the other.
COPY_SERVER, DOWN_SERVER = "127.0.1.4", "127.0.1.6"
FAULTY_NETWORK = "127.0.4"
TYPES = {"any": None, "TLSA": 52}
DAY = 86400
SERIAL = 2
DIGEST = "ab" * 32

# In every zone. Nothing listens at the address.
CONTENT = f"""\
@ MX 10 mx
mx A 127.0.9.9
mx TXT "a text"
_25._tcp.mx TLSA 3 1 1 {DIGEST}
*.w TLSA 3 1 1 {DIGEST}
*._tcp.wt TLSA 3 1 1 {DIGEST}
*.wc CNAME mx
deep.er.ent A 127.0.9.9
alias CNAME mx
dangling CNAME nowhere
dn DNAME mx
"""

# Asked of every zone.
BRIEF = [
    ("_25._tcp.mx", "TLSA"),
    ("mx", "AAAA"),
    ("_25._tcp.nx.mx", "TLSA"),
    ("_tcp.mx", "TLSA"),
    ("x.w", "TLSA"),
]

# Asked of those with aliases of their own.
ALIASED = [*BRIEF, ("alias", "A"), ("alias", "AAAA"), ("dangling", "A"), ("_25._tcp.dn", "TLSA")]

# Asked of those in which answers and denials of each kind differ.
FULL = [
    *ALIASED,
    ("", "MX"),
    ("nx", "A"),
    ("er.ent", "A"),
    ("x.w", "A"),
    ("_25._tcp.wt", "TLSA"),
    ("_443._tcp.wt", "A"),
    ("x.wc", "A"),
    ("x.wc", "AAAA"),
    ("_26._tcp.dn", "TLSA"),
    ("", "TXT"),
    ("", "DNSKEY"),
    ("", "DS"),
]

# Asked of servers that fail.
FAILING = [("_25._tcp.mx", "TLSA"), ("mx", "A")]

# A mail server of which the records change.
MOVING_MAIL_SERVER = "127.0.9.10"
MOVING = ["@ MX 5 moving", f"moving A {MOVING_MAIL_SERVER}", f"_25._tcp.moving TLSA 3 1 1 {DIGEST}"]

Lines = list[str]
Spoiling = Callable[["Tree", "Zone", Lines], Lines]


@dataclass
class Zone:
    """A zone and what is special about it."""

    name: str
    algorithm: str | None = "ECDSAP256SHA256"
    bits: int | None = None
    split: bool = False
    # What ldns-signzone is told.
    signing: tuple[str, ...] = ()
    start: int = -1
    end: int = 30
    # What the parent says of it, see `delegation`.
    ds: str = "good"
    # What happens to the signed zone.
    spoilt: Spoiling | None = None
    # Which type its name server answers how; see servers/forwarder.py.
    does: tuple[str, str] | None = None
    # Its name servers, where they are not just the one of `server`.
    servers: tuple[str, ...] = ()
    # What another server than its own has in place of the signed zone.
    copy: Spoiling | None = None
    copy_path: Path = Path()
    ttl: int = 60
    questions: list[tuple[str, str]] = field(default_factory=lambda: BRIEF)
    server: str = ZONE_SERVER
    records: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    path: Path = Path()

    def owner(self, name: str) -> str:
        """A name in the zone, with its final dot."""
        return f"{name}.{self.name}" if name else self.name

    @property
    def label(self) -> str:
        """The zone as one label."""
        return self.name.removesuffix(".").removesuffix(".lab").replace(".", "-")

    @property
    def depth(self) -> int:
        """Labels of the apex."""
        return 0 if self.name == "." else self.name.count(".")


def nsec3(iterations: int, *more: str) -> tuple[str, ...]:
    """How ldns-signzone is told so."""
    return ("-n", "-t", str(iterations), *more)


# What happens to signed zones.


def tamper(*rtypes: str) -> Spoiling:
    """Signatures that do not fit."""
    return lambda tree, zone, lines: [
        tampered(line) if covered(line) in rtypes else line for line in lines
    ]


def drop(*rtypes: str) -> Spoiling:
    """No signatures over these types."""
    return lambda tree, zone, lines: [line for line in lines if covered(line) not in rtypes]


def resign(rtype: str, start: int, end: int) -> Spoiling:
    """Signatures over one type from another time."""

    def spoil(tree: "Tree", zone: Zone, lines: Lines) -> Lines:
        other = tree.sign(zone, zone.keys, start, end)
        kept = [line for line in lines if covered(line) != rtype]
        return kept + [line for line in other if covered(line) == rtype]

    return spoil


def add_expired(tree: "Tree", zone: Zone, lines: Lines) -> Lines:
    """Expired signatures beside each good one, as a signer leaves that never cleans up."""
    for start in (-90, -60):
        lines = lines + [x for x in tree.sign(zone, zone.keys, start, start + 30) if covered(x)]
    return lines


def sign_by_stranger(tree: "Tree", zone: Zone, lines: Lines) -> Lines:
    """All but the keys signed by a key that the zone does not have."""
    other = tree.sign(zone, [tree.key(zone, sep=True)], zone.start, zone.end)
    keys = [line for line in lines if rtype_of(line) == "DNSKEY" or covered(line) == "DNSKEY"]
    return keys + [x for x in other if "DNSKEY" not in (rtype_of(x), covered(x))]


def change_tlsa(tree: "Tree", zone: Zone, lines: Lines) -> Lines:
    """Other data under the same signature."""
    return [line.replace(DIGEST, "cd" * 32) for line in lines]


def remove(*owners: str, rtypes: Iterable[str]) -> Spoiling:
    """Records gone after signing, with their signatures; any owner if none is given."""

    def spoil(tree: "Tree", zone: Zone, lines: Lines) -> Lines:
        names = [zone.owner(owner) for owner in owners]
        return [
            line
            for line in lines
            if (names and line.split()[0] not in names)
            or (rtype_of(line) not in rtypes and covered(line) not in rtypes)
        ]

    return spoil


# What the second server of a zone has.


def earlier(tree: "Tree", zone: Zone, lines: Lines) -> Lines:
    """The zone before its last change."""
    return tree.sign(zone, zone.keys, zone.start, zone.end, lambda text: serial(text, 1))


def lacking(tree: "Tree", zone: Zone, lines: Lines) -> Lines:
    """The zone, but that somebody forgot the TLSA records."""

    def edit(text: str) -> str:
        return "\n".join(line for line in text.splitlines() if not line.startswith("_25._tcp.mx "))

    return tree.sign(zone, zone.keys, zone.start, zone.end, edit)


def unsigned(tree: "Tree", zone: Zone, lines: Lines) -> Lines:
    """The zone before it is signed."""
    return tree.source(zone).read_text().splitlines()


def outdated(tree: "Tree", zone: Zone, lines: Lines) -> Lines:
    """The zone as it was signed two months ago."""
    return tree.sign(zone, zone.keys, -60, -30)


def moved(tree: "Tree", zone: Zone, lines: Lines) -> Lines:
    """The zone with other TLSA records."""

    def edit(text: str) -> str:
        return serial(text, SERIAL + 1).replace(DIGEST, "cd" * 32)

    return tree.sign(zone, zone.keys, zone.start, zone.end, edit)


def serial(text: str, number: int) -> str:
    """The zone with this serial."""
    return text.replace(f"host.lab. {SERIAL} ", f"host.lab. {number} ")


def rtype_of(line: str) -> str:
    """The type of the record on a line of a signed zone."""
    fields = line.split(None, 4)
    return fields[3] if len(fields) > 3 else ""


DENIALS = ("NSEC", "NSEC3")


def zones() -> list[Zone]:
    """Every zone but the root and lab."""
    big = [f"_25._tcp.mx TLSA 3 1 2 {number:0128x}" for number in range(40)]
    huge = [f"_25._tcp.mx TYPE52 \\# 1000 030100{number:01994x}" for number in range(30)]
    return [
        # Algorithms. Nobody signs with 9, 11 (unassigned) and 12 (GOST: OpenSSL 3 has none).
        Zone("a5.lab.", "RSASHA1", 1024),
        Zone("a6.lab.", "DSA-NSEC3-SHA1", 1024, signing=nsec3(0)),
        Zone("a7.lab.", "RSASHA1-NSEC3-SHA1", 1024, signing=nsec3(0)),
        Zone("a8.lab.", "RSASHA256", 2048, questions=FULL),
        Zone("a8b768.lab.", "RSASHA256", 768),
        Zone("a8b1024.lab.", "RSASHA256", 1024),
        Zone("a8b4096.lab.", "RSASHA256", 4096, signing=nsec3(1)),
        Zone("a10.lab.", "RSASHA512", 1024),
        Zone("a12.lab.", ds="algorithm 12"),
        Zone("a13.lab.", questions=FULL),
        Zone("a14.lab.", "ECDSAP384SHA384", questions=FULL),
        Zone("a15.lab.", "ED25519", questions=FULL),
        Zone("a16.lab.", "ED448"),
        Zone("child.a15.lab."),
        Zone("child.a14.lab.", None),
        Zone("split.lab.", split=True),
        # Denials that hold.
        Zone("n0.lab.", signing=nsec3(0), questions=FULL),
        Zone("child.n0.lab.", None),
        Zone("n50.lab.", signing=nsec3(50)),
        Zone("n100.lab.", signing=nsec3(100), questions=FULL),
        Zone("n150.lab.", signing=nsec3(150), questions=ALIASED),
        Zone("n151.lab.", signing=nsec3(151), questions=FULL),
        Zone("n600.lab.", signing=nsec3(600), questions=FULL),
        Zone("child.n600.lab.", None),
        Zone("optout.lab.", signing=nsec3(0, "-p"), questions=FULL),
        Zone("child.optout.lab.", None),
        Zone("signed.optout.lab."),
        Zone("deleg.empty.lab."),
        Zone("entnx.lab.", does=("any", "nodata-as-nxdomain")),
        # Unsigned, or as good as.
        Zone("plain.lab.", None, questions=FULL),
        Zone("below.plain.lab."),
        Zone("island.lab.", ds="none"),
        Zone("digest.lab.", ds="digest 200"),
        Zone("gost.lab.", ds="digest 3"),
        Zone("algorithm.lab.", ds="algorithm 100"),
        # DS records of which one is good.
        Zone("sha1.lab.", ds="sha1"),
        Zone("sha384.lab.", ds="sha384"),
        Zone("mixed.lab.", ds="mixed"),
        Zone("spare.lab.", ds="spare"),
        Zone("rolling.lab.", spoilt=add_expired),
        # Keys that break the chain.
        Zone("mismatch.lab.", ds="mismatch"),
        Zone("weaker.lab.", ds="sha1 good, sha256 wrong"),
        Zone("keyless.lab.", None, ds="mismatch"),
        Zone("badkey.lab.", spoilt=tamper("DNSKEY")),
        Zone("barekey.lab.", spoilt=drop("DNSKEY")),
        Zone("oldkey.lab.", spoilt=resign("DNSKEY", -60, -30)),
        Zone("below.mismatch.lab."),
        # Signatures that break it.
        Zone("expired.lab.", start=-60, end=-30),
        Zone("early.lab.", start=30, end=60),
        Zone("oldtlsa.lab.", spoilt=resign("TLSA", -60, -30)),
        Zone("newtlsa.lab.", spoilt=resign("TLSA", 30, 60)),
        Zone("badtlsa.lab.", spoilt=tamper("TLSA")),
        Zone("othertlsa.lab.", spoilt=change_tlsa),
        Zone("baretlsa.lab.", spoilt=drop("TLSA")),
        Zone("stranger.lab.", spoilt=sign_by_stranger),
        Zone("badalias.lab.", spoilt=tamper("CNAME", "DNAME"), questions=ALIASED),
        Zone("barealias.lab.", spoilt=drop("CNAME", "DNAME"), questions=ALIASED),
        # Denials that break it.
        Zone("badnsec.lab.", spoilt=tamper("NSEC", "SOA")),
        Zone("oldnsec.lab.", spoilt=resign("NSEC", -60, -30)),
        Zone("barensec.lab.", spoilt=drop("NSEC")),
        Zone("nonsec.lab.", spoilt=remove(rtypes=DENIALS), questions=FULL),
        Zone("child.nonsec.lab.", None),
        Zone("nonsec3.lab.", signing=nsec3(0), spoilt=remove(rtypes=DENIALS), questions=FULL),
        Zone("badnsec3.lab.", signing=nsec3(0), spoilt=tamper("NSEC3")),
        Zone("gap.lab.", spoilt=remove("mx", rtypes=("NSEC",))),
        Zone("denied.lab.", spoilt=remove("_25._tcp.mx", rtypes=("TLSA",))),
        Zone("vanished.lab.", spoilt=remove("_25._tcp.mx", rtypes=("TLSA", "NSEC"))),
        # More than a datagram holds.
        Zone("big.lab.", records=big),
        Zone("huge.lab.", records=huge),
        # What danecheck asks for to see whether a resolver withholds bogus answers.
        Zone("org."),
        Zone("dnssec-failed.org.", ds="mismatch"),
        # For findings.py.
        Zone("ending.lab.", start=-29, end=1),
        Zone("two.lab.", does=("TLSA", "servfail"), servers=("ns-two.lab.", "ns.lab."), questions=[]),
        Zone("stale.lab.", server=STALE_SERVER, ttl=1, questions=[]),
        Zone("moving.lab.", server=MOVING_SERVER, copy=moved, ttl=3600, records=MOVING, questions=[]),
        # Two name servers, of which one is in order.
        *(
            Zone(f"{copy.__name__}.lab.", servers=("ns.lab.", "ns-copy.lab."), copy=copy, questions=[])
            for copy in (earlier, lacking, unsigned, outdated)
        ),
        Zone("gappy.lab.", servers=("ns.lab.", "ns-copy.lab."), copy=remove("mx", rtypes=("NSEC",)),
             questions=[]),
        Zone("lame.lab.", servers=("ns.lab.", "ns-top.lab."), questions=[]),
        Zone("down.lab.", servers=("ns.lab.", "ns-down.lab."), questions=[]),
        Zone("homeless.lab.", servers=("ns.lab.", "ns-nowhere.lab."), questions=[]),
        # Servers that fail.
        *(
            Zone(f"{does}.lab.", does=("TLSA", does), questions=FAILING)
            for does in ("servfail", "notimp", "refused", "formerr", "silence", "no-tcp")
        ),
    ]


# Aliases within and across zones and security, by the zone that holds them.
ALIASES = {
    "a13.lab.": [
        "via CNAME back.plain.lab.",
        "to-servfail-tlsa CNAME _25._tcp.mx.servfail.lab.",
        "loop1 CNAME loop2",
        "loop2 CNAME loop1",
        *(f"c{number} CNAME c{number - 1}" for number in range(1, 13)),
        "c0 CNAME mx",
        *(f"z{number} CNAME z{number}.a15.lab." for number in range(1, 13)),
        "z0 CNAME mx",
        "dx DNAME mx.n0.lab.",
        "di DNAME mx.plain.lab.",
        "db DNAME mx.expired.lab.",
    ],
    "a15.lab.": [f"z{number} CNAME z{number - 1}.a13.lab." for number in range(1, 13)],
    "plain.lab.": [
        "back CNAME mx.a13.lab.",
        "back-lost CNAME lost.a13.lab.",
        "back-n0 CNAME lost.n0.lab.",
        "back-expired CNAME mx.expired.lab.",
        "dback DNAME mx.a13.lab.",
    ],
}

ALIAS_QUESTIONS = [
    ("via.a13.lab.", "A"),
    ("to-servfail-tlsa.a13.lab.", "TLSA"),
    ("loop1.a13.lab.", "A"),
    ("c5.a13.lab.", "A"),
    ("c9.a13.lab.", "A"),
    ("z2.a13.lab.", "A"),
    ("z4.a13.lab.", "A"),
    ("z12.a13.lab.", "A"),
    ("_25._tcp.dx.a13.lab.", "TLSA"),
    ("_26._tcp.dx.a13.lab.", "TLSA"),
    ("_25._tcp.di.a13.lab.", "TLSA"),
    ("_26._tcp.di.a13.lab.", "TLSA"),
    ("_25._tcp.db.a13.lab.", "TLSA"),
    ("back.plain.lab.", "A"),
    ("back.plain.lab.", "AAAA"),
    ("back-lost.plain.lab.", "A"),
    ("back-n0.plain.lab.", "A"),
    ("back-expired.plain.lab.", "A"),
    ("_25._tcp.dback.plain.lab.", "TLSA"),
    ("_26._tcp.dback.plain.lab.", "TLSA"),
    ("to-n0.a13.lab.", "AAAA"),
    ("to-plain.a13.lab.", "AAAA"),
    ("to-optout.a13.lab.", "AAAA"),
    ("nowhere.lab.", "TLSA"),
    ("a.b.nowhere.", "A"),
    (".", "MX"),
    ("empty.lab.", "A"),
]


class Tree:
    """The zones on disk, signed from the leaves up."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = Zone(".", server=TOP_SERVER, records=[". NS ns-top.lab."])
        self.root.records.append(f"ns-top.lab. A {TOP_SERVER}")
        self.top = Zone("lab.", server=TOP_SERVER, records=["@ NS ns-top.lab."])
        self.top.records += [f"ns-top.lab. A {TOP_SERVER}", f"ns.lab. A {ZONE_SERVER}"]
        self.top.records += [f"ns-copy.lab. A {COPY_SERVER}", f"ns-down.lab. A {DOWN_SERVER}"]
        self.tested = zones()
        self.all = [self.root, self.top, *self.tested]
        self.forwarders: list[dict] = []
        self.fill()
        for depth in range(max(zone.depth for zone in self.all), -1, -1):
            level = [zone for zone in self.all if zone.depth == depth]
            with ThreadPoolExecutor(2) as pool:
                for zone, ds in zip(level, pool.map(self.write, level), strict=True):
                    if zone is not self.root:
                        self.parent(zone).records += ds
                    else:
                        self.anchor = directory / "root.ds"
                        self.anchor.write_text("\n".join(ds) + "\n")

    def zone(self, name: str) -> Zone:
        """One of the zones."""
        return next(zone for zone in self.all if zone.name == name)

    def fill(self) -> None:
        """The records of all zones, but for DS."""
        self.root.records.append("lab. NS ns-top.lab.")
        for zone in self.tested:
            server = self.name_server(zone)
            servers = zone.servers or (server,)
            self.parent(zone).records += [f"{zone.name} NS {one}" for one in servers]
            zone.records = [
                *(f"@ NS {one}" for one in servers), *CONTENT.splitlines(), *zone.records
            ]
            # Aliases from a good zone into every other.
            if zone.name != "a13.lab.":
                self.zone("a13.lab.").records += [
                    f"to-{zone.label} CNAME mx.{zone.name}",
                    f"lost-{zone.label} CNAME lost.{zone.name}",
                ]
        for name, records in ALIASES.items():
            self.zone(name).records += records

    def name_server(self, zone: Zone) -> str:
        """The zone's name server, a forwarder where it misbehaves."""
        if zone.server in (STALE_SERVER, MOVING_SERVER):
            self.top.records.append(f"ns-{zone.label}.lab. A {zone.server}")
            return f"ns-{zone.label}.lab."
        if not zone.does:
            return "ns.lab."
        address = f"{FAULTY_NETWORK}.{len(self.forwarders) + 1}"
        rtype, does = zone.does
        fault = {"domain": zone.name, "name": None, "type": TYPES[rtype], "does": does}
        self.forwarders.append({"listen": address, "upstream": ZONE_SERVER, "faults": [fault]})
        self.top.records.append(f"ns-{zone.label}.lab. A {address}")
        return f"ns-{zone.label}.lab."

    def parent(self, zone: Zone) -> Zone:
        """The closest zone above."""
        above = [z for z in self.all if z is not zone and f".{zone.name}".endswith(f".{z.name}")]
        return max(above, key=lambda z: z.depth, default=self.root)

    def write(self, zone: Zone) -> Lines:
        """One zone file; the DS records for the parent."""
        base = self.directory / (zone.name.rstrip(".") or "root")
        text = f"$TTL {zone.ttl}\n$ORIGIN {zone.name}\n"
        text += f"@ SOA ns.lab. host.lab. {SERIAL} 3600 600 86400 60\n"
        zone.path = self.source(zone)
        zone.path.write_text(text + "\n".join(zone.records) + "\n")
        if not zone.algorithm:
            return self.delegation(zone)
        zone.keys = [self.key(zone, sep=True)]
        if zone.split:
            zone.keys.append(self.key(zone, sep=False))
        lines = self.sign(zone, zone.keys, zone.start, zone.end)
        if zone.spoilt:
            lines = zone.spoilt(self, zone, lines)
        if zone.copy:
            zone.copy_path = base.with_name(base.name + ".copy")
            zone.copy_path.write_text("\n".join(zone.copy(self, zone, lines)) + "\n")
        zone.path = base.with_name(base.name + ".signed")
        zone.path.write_text("\n".join(lines) + "\n")
        return self.delegation(zone)

    def key(self, zone: Zone, *, sep: bool) -> str:
        """The base name of a new key."""
        bits = ("-b", str(zone.bits)) if zone.bits else ()
        command = ("ldns-keygen", "-a", str(zone.algorithm), *bits, *(("-k",) if sep else ()))
        return run(*command, zone.name, cwd=self.directory).strip()

    def source(self, zone: Zone) -> Path:
        """The unsigned zone."""
        return self.directory / f"{zone.name.rstrip('.') or 'root'}.zone"

    def sign(
        self, zone: Zone, keys: list[str], start: int, end: int,
        edit: Callable[[str], str] | None = None,
    ) -> Lines:
        """The records, changed so, and signatures, valid from so many days from
        now to so many."""
        now = time.time()
        source = self.source(zone)
        if edit:
            text = edit(source.read_text())
            source = source.with_suffix(".edited")
            source.write_text(text)
        return run(
            *("ldns-signzone", *zone.signing, "-o", zone.name, "-f", "-"),
            *("-i", stamp(now + start * DAY), "-e", stamp(now + end * DAY)),
            *(str(source), *keys),
            cwd=self.directory,
        ).splitlines()

    def ds(self, zone: Zone, digest: str) -> str:
        """The right DS record."""
        option = {"sha1": "-1", "sha256": "-2", "sha384": "-4"}[digest]
        return run("ldns-key2ds", "-n", option, f"{zone.keys[0]}.key", cwd=self.directory).strip()

    def delegation(self, zone: Zone) -> Lines:
        """The DS records, as the zone wants them."""
        if not zone.algorithm and zone.ds == "good":
            return []
        owner = f"{zone.name} IN DS"
        match zone.ds.split():
            case ["none"]:
                return []
            case ["mismatch"]:
                return [f"{owner} 4711 13 2 {'5A' * 32}"]
            case ["digest", number]:
                return [f"{owner} 4711 13 {number} {'5A' * 32}"]
            case ["algorithm", number]:
                return [f"{owner} 4711 {number} 2 {'5A' * 32}"]
            case ["sha1" | "sha384" as digest]:
                return [self.ds(zone, digest)]
            case ["mixed"]:
                unknown = [f"{owner} 4711 100 2 {'5A' * 32}", f"{owner} 4712 13 200 {'5A' * 32}"]
                return [self.ds(zone, "sha256"), *unknown]
            case ["spare"]:
                spare = [f"{owner} 4711 13 2 {'5A' * 32}", f"{owner} 4712 8 2 {'5A' * 32}"]
                return [self.ds(zone, "sha256"), *spare]
            case ["sha1", "good,", *_]:
                *fields, _ = self.ds(zone, "sha256").split()
                return [self.ds(zone, "sha1"), " ".join([*fields, "5A" * 32])]
        return [self.ds(zone, "sha256")]

    def questions(self) -> list[tuple[str, str]]:
        """Every lookup."""
        asked = [(z.owner(name), rtype) for z in self.tested for name, rtype in z.questions]
        others = [z for z in self.tested if z.name != "a13.lab." and z.questions and not z.does]
        asked += [(f"to-{z.label}.a13.lab.", "A") for z in others]
        asked += [(f"lost-{z.label}.a13.lab.", "A") for z in others if z.questions is FULL]
        return asked + ALIAS_QUESTIONS
