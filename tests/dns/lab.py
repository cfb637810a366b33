"""danecheck's two views of many lookups, beside what unbound says of them.

Called by `run`, inside the namespaces that `run` makes.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from servers.nameservers import Nameservers, status, stop, wait_until
from servers.signing import covered, run, stamp, tampered

HERE = Path(__file__).resolve().parent
TOP_SERVER, ZONE_SERVER = "127.0.1.1", "127.0.1.2"
VALIDATING, PLAIN = "127.0.0.1", "127.0.0.2"
DAY = 86400

CONTENT = """\
@ MX 10 mx
mx A 192.0.2.1
mx TXT "a text"
_25._tcp.mx TLSA 3 1 1 {digest}
*.w TLSA 3 1 1 {digest}
alias CNAME mx
dangling CNAME nowhere
dn DNAME mx
"""

QUESTIONS = [
    ("", "MX"),
    ("_25._tcp.mx", "TLSA"),
    ("mx", "AAAA"),
    ("nx.nx.mx", "TLSA"),
    ("_tcp.mx", "A"),
    ("x.w", "TLSA"),
    ("x.w", "A"),
    ("alias", "A"),
    ("dangling", "A"),
    ("_25._tcp.dn", "TLSA"),
    ("", "DNSKEY"),
    ("", "DS"),
]


@dataclass
class Zone:
    """A zone and what is wrong with it."""

    name: str
    algorithm: str | None = "ECDSAP256SHA256"
    signing: tuple[str, ...] = ()
    start: int = -1
    end: int = 30
    ds: str = "good"
    broken: str = ""
    bits: str = ""
    server: str = ZONE_SERVER
    records: list[str] = field(default_factory=list)
    path: Path = Path()

    def owner(self, name: str) -> str:
        """A name in the zone, with its final dot."""
        return f"{name}.{self.name}" if name else self.name


def nsec3(iterations: int, *more: str) -> tuple[str, ...]:
    """How ldns-signzone is told so."""
    return ("-n", "-t", str(iterations), *more)


def zones() -> list[Zone]:
    """Every zone below lab."""
    return [
        Zone("a7.lab.", "NSEC3RSASHA1", nsec3(0), bits="1024"),
        Zone("a8.lab.", "RSASHA256", bits="2048"),
        Zone("a10.lab.", "RSASHA512", bits="1024"),
        Zone("a13.lab."),
        Zone("a14.lab.", "ECDSAP384SHA384"),
        Zone("a15.lab.", "ED25519"),
        Zone("a16.lab.", "ED448"),
        Zone("child.a15.lab."),
        Zone("n0.lab.", signing=nsec3(0)),
        Zone("n150.lab.", signing=nsec3(150)),
        Zone("n151.lab.", signing=nsec3(151)),
        Zone("n600.lab.", signing=nsec3(600)),
        Zone("optout.lab.", signing=nsec3(0, "-p")),
        Zone("child.optout.lab.", None),
        Zone("signed.optout.lab."),
        Zone("plain.lab.", None),
        Zone("below.plain.lab."),
        Zone("island.lab.", ds="none"),
        Zone("expired.lab.", start=-60, end=-30),
        Zone("early.lab.", start=30, end=60),
        Zone("mismatch.lab.", ds="mismatch"),
        Zone("keyless.lab.", None, ds="stray"),
        Zone("digest.lab.", ds="unknown digest"),
        Zone("algorithm.lab.", ds="unknown algorithm"),
        Zone("badtlsa.lab.", broken="TLSA"),
        Zone("badnsec.lab.", broken="NSEC"),
        Zone("badkey.lab.", broken="DNSKEY"),
    ]


class Tree:
    """The zones on disk, signed from the leaves up."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        root = Zone(".", server=TOP_SERVER)
        top = Zone("lab.", server=TOP_SERVER)
        self.tested = zones()
        self.all = [root, top, *self.tested]
        root.records += [". NS ns-top.lab.", f"ns-top.lab. A {TOP_SERVER}"]
        top.records += ["lab. NS ns-top.lab.", f"ns-top.lab. A {TOP_SERVER}"]
        top.records.append(f"ns.lab. A {ZONE_SERVER}")
        for zone in self.tested:
            zone.records += [f"{zone.name} NS ns.lab.", *CONTENT.format(digest="ab" * 32).splitlines()]
            # Aliases from a good zone into every other.
            label = zone.name.removesuffix(".lab.").replace(".", "-")
            if zone.name != "a13.lab.":
                into = next(z for z in self.tested if z.name == "a13.lab.")
                into.records.append(f"to-{label} CNAME mx.{zone.name}")
                into.records.append(f"lost-{label} CNAME lost.{zone.name}")
        for zone in sorted(self.all, key=lambda z: -self.depth(z)):
            ds = self.write(zone)
            if zone.name != ".":
                parent = self.parent(zone)
                server = "ns-top.lab." if zone.name == "lab." else "ns.lab."
                parent.records += [f"{zone.name} NS {server}", *ds]
            else:
                self.anchor = directory / "root.ds"
                self.anchor.write_text("\n".join(ds) + "\n")

    @staticmethod
    def depth(zone: Zone) -> int:
        """Labels of the apex."""
        return 0 if zone.name == "." else zone.name.count(".")

    def parent(self, zone: Zone) -> Zone:
        """The closest zone above."""
        above = [z for z in self.all if z is not zone and f".{zone.name}".endswith(f".{z.name}".replace("..", "."))]
        return max(above, key=self.depth)

    def write(self, zone: Zone) -> list[str]:
        """One zone file; the DS records for the parent."""
        base = self.directory / (zone.name.rstrip(".") or "root")
        text = f"$TTL 60\n$ORIGIN {zone.name}\n@ SOA ns.lab. host.lab. 1 3600 600 86400 60\n"
        text += "\n".join(zone.records) + "\n"
        zone.path = base.with_name(base.name + ".zone")
        zone.path.write_text(text)
        ds = []
        if zone.algorithm:
            bits = ("-b", zone.bits) if zone.bits else ()
            key = run("dnssec-keygen", "-q", "-K", str(self.directory), "-f", "KSK", "-a", zone.algorithm, *bits, zone.name).strip()
            ds = run("dnssec-dsfromkey", "-2", str(self.directory / f"{key}.key")).splitlines()
            signed = base.with_name(base.name + ".signed")
            now = time.time()
            run(
                "ldns-signzone", *zone.signing, "-i", stamp(now + zone.start * DAY),
                "-e", stamp(now + zone.end * DAY), "-o", zone.name, "-f", str(signed),
                str(zone.path), str(self.directory / key),
            )
            signed.write_text("\n".join(spoil(signed.read_text().splitlines(), zone.broken)) + "\n")
            zone.path = signed
        return self.delegation(zone, ds)

    @staticmethod
    def delegation(zone: Zone, ds: list[str]) -> list[str]:
        """The DS records, as the zone wants them."""
        owner = f"{zone.name} IN DS"
        match zone.ds:
            case "none":
                return []
            case "mismatch" | "stray":
                return [f"{owner} 4711 13 2 {'5A' * 32}"]
            case "unknown digest":
                return [f"{owner} 4711 13 200 {'5A' * 32}"]
            case "unknown algorithm":
                return [f"{owner} 4711 100 2 {'5A' * 32}"]
        return ds

    def questions(self) -> list[tuple[str, str]]:
        """Every lookup."""
        asked = [(z.owner(name), rtype) for z in self.tested for name, rtype in QUESTIONS]
        good = next(z for z in self.tested if z.name == "a13.lab.")
        aliases = [r.split()[0] for r in good.records if r.startswith(("to-", "lost-"))]
        return asked + [(good.owner(name), "A") for name in aliases]


def spoil(lines: list[str], rtype: str) -> list[str]:
    """Signatures over one type that do not fit."""
    return [tampered(line) if rtype and covered(line) == rtype else line for line in lines]


def start(tree: Tree, children: list[subprocess.Popen]) -> None:
    """NSD twice, unbound twice; back when both resolvers answer."""
    servers = Nameservers(tree.directory, children, ("ns-top.lab.", TOP_SERVER), tree.anchor)
    for address in (TOP_SERVER, ZONE_SERVER):
        servers.nsd(address, [(z.name, z.path) for z in tree.all if z.server == address])
    servers.unbound(VALIDATING)
    servers.unbound(PLAIN, modules="iterator")
    wait_until(VALIDATING, "lab.", "secure")
    wait_until(PLAIN, "lab.", "insecure")


def danecheck(binary: Path, anchor: Path, address: str, name: str, rtype: str) -> dict:
    """`danecheck dns` on one lookup."""
    command = [str(binary), "dns", name, rtype, "--json", "--resolver", address, "--trust-anchor", str(anchor)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return json.loads(done.stdout)


def main() -> int:
    """Build, ask, compare; the exit status says whether all agree."""
    parser = argparse.ArgumentParser(prog="tests/dns/run")
    parser.add_argument("--binary", type=Path, default=HERE.parent.parent / "target/release/danecheck")
    parser.add_argument("--verbose", action="store_true", help="print every lookup")
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    children: list[subprocess.Popen] = []
    try:
        tree = Tree(options.directory)
        start(tree, children)
        return compare(tree, options)
    finally:
        stop(children)


def compare(tree: Tree, options: argparse.Namespace) -> int:
    """Ask everything of both resolvers in both ways."""
    questions = tree.questions()
    differing: set[tuple[str, str, str]] = set()
    untold: Counter[str] = Counter()

    def one(question: tuple[str, str]) -> list[tuple[str, str, str, str, dict]]:
        truth = {"failed": "bogus"}.get(status(VALIDATING, *question), status(VALIDATING, *question))
        return [
            (address, truth, status(address, *question), " ".join(question),
             danecheck(options.binary, tree.anchor, address, *question))
            for address in (VALIDATING, PLAIN)
        ]

    with ThreadPoolExecutor(4) as pool:
        rows = [row for rows in pool.map(one, questions) for row in rows]
    for address, truth, seen, question, shown in rows:
        view, own = shown["resolver"]["status"], shown["validated"]["status"]
        why = shown["validated"]["reason"]
        if options.verbose:
            print(f"{address} {question}: unbound {truth}, own {own} ({why})")
        if view != seen:
            differing.add((address, question, f"resolver's view {view}, dig {seen}"))
        if own == "indeterminate":
            untold[address] += 1
            if not why:
                differing.add((address, question, "indeterminate without a reason"))
        elif own != truth:
            differing.add((address, question, f"own {own} ({why}), unbound {truth}"))
    for line in sorted(differing):
        print("DIFFERS", *line)
    for address in (VALIDATING, PLAIN):
        share = 100 * untold[address] / len(questions)
        print(f"{address}: {len(questions)} lookups, {untold[address]} indeterminate ({share:.1f} %)")
        if share >= 10:
            differing.add((address, "all", "too many indeterminate"))
    failed = len({(address, question) for address, question, _ in differing})
    print(f"{2 * len(questions) - failed} passed, {failed} failed")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
