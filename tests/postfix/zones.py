"""Zone files of the lab: the scenarios' zones, the top-level domain, the root."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from certificates import tlsa_data
from model import TOP, Placed, Scenario, Zone

TOP_SERVER = "127.0.1.1"
ZONE_SERVER = "127.0.1.2"
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

    def holds(self, owner: str) -> bool:
        """Whether `owner` is at or below the apex."""
        return self.name == "." or owner == self.name or owner.endswith(f".{self.name}")


class Zones:
    """All zones, filled from the scenarios, then signed from the leaves up."""

    def __init__(self, directory: Path, scenarios: list[Scenario], placed: dict[str, list[Placed]]):
        directory.mkdir()
        self.directory = directory
        root = ZoneFile(".", ".", Zone(), TOP_SERVER, [". NS ns-top.lab."])
        top = ZoneFile(TOP, TOP, Zone(), TOP_SERVER, ["@ NS ns-top.lab."])
        top.records += [f"ns-top.lab. A {TOP_SERVER}", f"ns.lab. A {ZONE_SERVER}"]
        self.files = [root, top]
        for scenario in scenarios:
            self.add(scenario, placed[scenario.name])
        self.delegate()

    def add(self, scenario: Scenario, placed: list[Placed]) -> None:
        """The zones of one scenario with all their records."""
        mine = [
            ZoneFile(scenario.absolute(z.name), scenario.domain, z, ZONE_SERVER)
            for z in scenario.zones
        ]
        for file in mine:
            file.records.append(f"{file.name} NS ns.lab.")
        for record in records(scenario, placed):
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
        for file in self.files[1:]:
            server = "ns-top.lab." if file.name == TOP else "ns.lab."
            self.parent(file).records.append(f"{file.name} NS {server}")
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
        key = run(
            *("dnssec-keygen", "-q", "-K", str(self.directory), "-a", "ECDSAP256SHA256"),
            *("-f", "KSK", file.name),
        ).strip()
        key_path = self.directory / f"{key}.key"
        file.ds = run("dnssec-dsfromkey", "-2", str(key_path)).splitlines()
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


def records(scenario: Scenario, placed: list[Placed]) -> list[str]:
    """MX, address and TLSA records, and what the scenario adds by hand."""
    lines = [f"@ MX {mx}" for mx in scenario.mx] + list(scenario.records)
    for one in placed:
        lines.append(f"{one.host} {'A' if one.listener.family == 4 else 'AAAA'} {one.address}")
    for host in scenario.hosts:
        name = scenario.absolute(host.name)
        first = next((p for p in placed if p.host == name), None)
        for tlsa in host.tlsa:
            owner = scenario.absolute(tlsa.owner) if tlsa.owner else f"_25._tcp.{name}"
            data = bytes.fromhex(tlsa_data(tlsa.parameters, tlsa.of, first.issued))
            wire = bytes(int(number) for number in tlsa.parameters.split()) + data
            lines.append(f"{owner} TYPE52 \\# {len(wire)} {wire.hex()}")
    return lines


def sign(file: ZoneFile, unsigned: Path, key: Path, start: float, end: float) -> list[str]:
    """The signed zone, one record a line, with signatures valid from start to end."""
    signed = unsigned.with_suffix(f".signed{int(end)}")
    run(
        *("dnssec-signzone", "-q", "-z", "-P", "-O", "full", "-d", str(key.parent)),
        *("-o", file.name, "-f", str(signed)),
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
    out = []
    for line in lines:
        if covered(line) in style.broken:
            fields = line.split(None, 12)
            # The last group stays: its padding bits have to be zero.
            signature = "".join(fields[12].split())
            line = " ".join([*fields[:12], signature[:-4].swapcase() + signature[-4:]])
        out.append(line)
    return "\n".join(out) + "\n"


def covered(line: str) -> str | None:
    """The type that an RRSIG line covers; None for any other record."""
    fields = line.split(None, 5)
    return fields[4] if len(fields) > 4 and fields[3] == "RRSIG" else None


def stamp(seconds: float) -> str:
    """The time form of dnssec-signzone."""
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(seconds))


def run(*command: str) -> str:
    """Run a tool; what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout
