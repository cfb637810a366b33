"""The keys that sign the lab's zones: one an algorithm, under the name of each zone."""

import base64
import hashlib
import threading
from pathlib import Path

from model import Zone
from servers.signing import run


class Keys:
    """Key files for dnssec-signzone, and the DS records that go with them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lock = threading.Lock()
        self.made: dict[str, Path] = {}

    def of_algorithm(self, algorithm: str) -> Path:
        """The one key of this algorithm, without the suffix of its files."""
        with self.lock:
            if algorithm not in self.made:
                name = run(
                    *("dnssec-keygen", "-q", "-K", str(self.directory), "-a", algorithm),
                    *("-f", "KSK", "lab-key."),
                ).strip()
                self.made[algorithm] = self.directory / name
            return self.made[algorithm]

    def of_zone(self, zone: str, style: Zone) -> tuple[Path, list[str]]:
        """The public key file of a zone, and what its parent says of it."""
        original = self.of_algorithm(style.algorithm)
        base = original.with_name(original.name.replace("Klab-key.", f"K{zone}"))
        public = original.with_name(f"{original.name}.key").read_text()
        record = next(line for line in public.splitlines() if not line.startswith(";"))
        fields = record.replace("lab-key.", zone, 1).split()
        key = Path(f"{base}.key")
        key.write_text(" ".join(fields) + "\n")
        private = Path(f"{original}.private").read_bytes()
        Path(f"{base}.private").write_bytes(private)
        fields = fields[fields.index("DNSKEY") + 1 :]
        flags, protocol, algorithm = (int(field) for field in fields[:3])
        rdata = flags.to_bytes(2, "big") + bytes([protocol, algorithm])
        rdata += base64.b64decode("".join(fields[3:]))
        digest = hashlib.sha256(wire_name(zone) + rdata).hexdigest()
        tag = base.name.rsplit("+", 1)[1]
        return key, delegation(zone, int(tag), algorithm, digest, style.ds)


def delegation(zone: str, tag: int, algorithm: int, digest: str, style: str) -> list[str]:
    """The DS record at the parent."""
    if style == "missing":
        return []
    if style == "wrong":
        digest = digest[::-1]
    elif style == "unknown":
        algorithm = 200
    return [f"{zone} IN DS {tag} {algorithm} 2 {digest}"]


def wire_name(name: str) -> bytes:
    """A domain name as it is hashed."""
    labels = [label for label in name.lower().split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
