"""Zone files of the lab: the scenarios' zones, the top-level domain, the root."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from certificates import Issued, tlsa_rdata
from keyring import Keys
from model import TOP, Placed, Scenario, Tlsa, Zone
from servers.signing import covered, run, stamp, tampered

TOP_SERVER = "127.0.1.1"
ZONE_SERVER = "127.0.1.2"
FAULTY_NETWORK = "127.0.4"
SOA = "@ 60 IN SOA ns.lab. hostmaster.lab. 1 3600 600 86400 60"


@dataclass
class ZoneFile:
    """A zone on its way to a name server."""

    name: str
    origin: str
    style: Zone
    server: str
    records: list[str] = field(default_factory=list)
    ds: list[str] = field(default_factory=list)
    path: Path = Path()
    name_server: str = "ns.lab."

    def holds(self, owner: str) -> bool:
        """Whether `owner` is at or below the apex."""
        return self.name == "." or owner == self.name or owner.endswith(f".{self.name}")


class Zones:
    """All zones, filled from the scenarios, then signed from the leaves up."""

    def __init__(
        self,
        directory: Path,
        scenarios: list[Scenario],
        placed: dict[str, list[Placed]],
        stranger: Issued,
    ):
        directory.mkdir()
        self.stranger = stranger
        self.keys = Keys(directory)
        self.directory = directory
        root = ZoneFile(".", ".", Zone(), TOP_SERVER, [". NS ns-top.lab."])
        top = ZoneFile(TOP, TOP, Zone(), TOP_SERVER, ["@ NS ns-top.lab."])
        top.records += [f"ns-top.lab. A {TOP_SERVER}", f"ns.lab. A {ZONE_SERVER}"]
        self.files = [root, top]
        self.faulty_servers: dict[str, Scenario] = {}
        for scenario in scenarios:
            self.add(scenario, placed[scenario.name])
        self.delegate()

    def add(self, scenario: Scenario, placed: list[Placed]) -> None:
        """The zones of one scenario with all their records."""
        name_server = "ns.lab."
        if any(fault.at == "authority" for fault in scenario.faults):
            address = f"{FAULTY_NETWORK}.{len(self.faulty_servers) + 1}"
            self.faulty_servers[address] = scenario
            name_server = f"ns-{scenario.name}.lab."
            self.files[1].records.append(f"{name_server} A {address}")
        mine = [
            ZoneFile(scenario.absolute(z.name), scenario.domain, z, ZONE_SERVER)
            for z in scenario.zones
        ]
        for file in mine:
            file.name_server = name_server
            file.records.append(f"{file.name} NS {name_server}")
        for record in records(scenario, placed, self.stranger):
            owner = scenario.absolute(record.split()[0])
            holders = [file for file in mine if file.holds(owner)]
            max(holders, key=lambda file: len(file.name)).records.append(record)
        self.files += mine

    def parent(self, child: ZoneFile) -> ZoneFile:
        """The closest zone above."""
        above = [f for f in self.files if f is not child and f.holds(child.name)]
        return max(above, key=lambda file: len(file.name) if file.name != "." else 0)

    def delegate(self) -> None:
        """NS records in every parent."""
        self.files[1].name_server = "ns-top.lab."
        for file in self.files[1:]:
            self.parent(file).records.append(f"{file.name} NS {file.name_server}")
        self.files[0].records.append(f"ns-top.lab. A {TOP_SERVER}")

    def sign(self) -> Path:
        """Write every zone, deepest first; the root's DS is the trust anchor."""
        deepest = max(depth(file) for file in self.files)
        for level in range(deepest, -1, -1):
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(self.write, [f for f in self.files if depth(f) == level]))
            for file in self.files:
                if depth(file) == level and level > 0:
                    self.parent(file).records += file.ds
        anchor = self.directory / "root.ds"
        anchor.write_text("".join(f"{line}\n" for line in self.files[0].ds))
        return anchor

    def write(self, file: ZoneFile) -> None:
        """One zone file, signed as the scenario wants it."""
        base = self.directory / (file.name.rstrip(".") or "root")
        text = "\n".join(["$TTL 60", f"$ORIGIN {file.name}", SOA, f"$ORIGIN {file.origin}"])
        text += "\n" + "\n".join(file.records) + "\n"
        file.path = base.with_name(base.name + ".zone")
        if not file.style.signed:
            file.path.write_text(text)
            return
        key_path, file.ds = self.keys.of_zone(file.name, file.style)
        unsigned = base.with_name(base.name + ".unsigned")
        unsigned.write_text(text + key_path.read_text())
        now = time.time()
        good = sign(file, unsigned, key_path, now - 86400, now + 30 * 86400)
        old = good
        if file.style.expired:
            old = sign(file, unsigned, key_path, now - 60 * 86400, now - 30 * 86400)
        file.path.write_text(spoil(good, old, file.style))


def depth(file: ZoneFile) -> int:
    """How many labels deep the apex is."""
    return 0 if file.name == "." else file.name.count(".")


def records(scenario: Scenario, placed: list[Placed], stranger: Issued) -> list[str]:
    """MX, address and TLSA records, and what the scenario adds by hand."""
    lines = [f"@ MX {mx}" for mx in scenario.mx] + list(scenario.records)
    for one in placed:
        lines.append(f"{one.host} {'A' if one.listener.family == 4 else 'AAAA'} {one.address}")
    for host in scenario.hosts:
        name = scenario.absolute(host.name)
        mine = [one for one in placed if one.host == name]
        for tlsa in host.tlsa:
            owner = tlsa.owner or f"_{scenario.port}._tcp.{name}"
            about = stranger if tlsa.of == "stranger" else subject(tlsa, mine[tlsa.listener])
            wire = tlsa_rdata(tlsa, about)
            lines.append(f"{scenario.absolute(owner)} TYPE52 \\# {len(wire)} {wire.hex()}")
    return lines


def subject(tlsa: Tlsa, one: Placed) -> Issued | None:
    """The certificate that the record is about, or whose issuer it is about."""
    if tlsa.of == "second":
        return one.second
    if tlsa.of == "sni":
        return next(iter(one.sni.values()))
    return one.issued


def sign(file: ZoneFile, unsigned: Path, key: Path, start: float, end: float) -> list[str]:
    """The signed zone, one record a line, with signatures valid from start to end."""
    signed = unsigned.with_suffix(f".signed{int(end)}")
    run(
        *("dnssec-signzone", "-q", "-z", "-P", "-O", "full", "-d", str(key.parent)),
        *("-o", file.name, "-f", str(signed)),
        *file.style.nsec3.split(),
        *("-s", stamp(start), "-e", stamp(end), str(unsigned), str(key.with_suffix(""))),
    )
    return [line for line in signed.read_text().splitlines() if not line.startswith(";")]


def spoil(good: list[str], old: list[str], style: Zone) -> str:
    """Good signatures, but for the types that the zone's style names."""
    everything = "*" in style.expired

    def expired(line: str) -> bool:
        return everything or covered(line) in style.expired

    lines = [line for line in good if not (covered(line) and expired(line))]
    lines += [line for line in old if covered(line) and expired(line)]
    lines = [tampered(line) if covered(line) in style.broken else line for line in lines]
    return "\n".join(lines) + "\n"
