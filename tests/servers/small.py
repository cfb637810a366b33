"""A small signed tree: the root, and zones right below it."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from servers.signing import run, stamp

ROOT_SERVER, ZONE_SERVER = "127.0.1.1", "127.0.1.2"
ROOT_NAME = "ns.servers."
DAY = 86400
SOA = "@ 300 IN SOA ns.servers. hostmaster 1 3600 600 86400 300"
# The zone that its owner keeps bogus, as the real one is.
BOGUS = "dnssec-failed.org."


class SmallTree:
    """Zones by name, with their lines; those in `unsigned` are not signed."""

    def __init__(
        self, directory: Path, zones: Mapping[str, Iterable[str]], unsigned: Iterable[str] = ()
    ) -> None:
        self.directory = directory
        self.unsigned = set(unsigned)
        directory.mkdir(parents=True, exist_ok=True)
        self.keys = {
            name: run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name, cwd=directory).strip()
            for name in (".", "servers.", BOGUS, *zones)
            if name not in self.unsigned
        }
        servers = [f"ns A {ZONE_SERVER}", f"root A {ROOT_SERVER}"]
        self.zones = {"servers.": servers, BOGUS: ["@ A 127.0.9.9"], **zones}
        self.anchor = directory / "anchor"
        self.anchor.write_text(self.ds("."))
        self.files = self.sign("tree", self.zones)

    def ds(self, name: str) -> str:
        """The DS record of a zone."""
        return run("ldns-key2ds", "-n", "-2", f"{self.keys[name]}.key", cwd=self.directory)

    def sign(self, label: str, zones: Mapping[str, Iterable[str]]) -> list[tuple[str, Path]]:
        """Zone files for this content; the keys are always the same."""
        place = self.directory / label
        place.mkdir(exist_ok=True)
        root = ["@ 300 IN NS root.servers."]
        files = []
        for name, lines in zones.items():
            root += [f"{name} 300 IN NS {ROOT_NAME}"]
            if name == "servers.":
                root += [f"root.servers. 300 IN A {ROOT_SERVER}", f"ns.servers. 300 IN A {ZONE_SERVER}"]
            if name not in self.unsigned:
                ds = self.ds(name).strip()
                root += [ds[:-4] + "abcd" if name == BOGUS else ds]
            text = [f"$ORIGIN {name}", "$TTL 300", SOA, "@ 300 IN NS ns.servers.", *lines]
            files.append((name, self.signed(place, name, text)))
        text = ["$ORIGIN .", "$TTL 300", SOA.replace("hostmaster", "hostmaster.servers."), *root]
        return [(".", self.signed(place, ".", text)), *files]

    def signed(self, place: Path, name: str, text: list[str]) -> Path:
        """One zone file."""
        base = place / (name.rstrip(".") or "root")
        source = base.with_name(base.name + ".zone")
        source.write_text("\n".join(text) + "\n")
        if name in self.unsigned:
            return source
        out = base.with_name(base.name + ".signed")
        now = time.time()
        run(
            *("ldns-signzone", "-o", name, "-f", str(out)),
            *("-i", stamp(now - DAY), "-e", stamp(now + 14 * DAY)),
            *(str(source), self.keys[name]),
            cwd=self.directory,
        )
        return out
