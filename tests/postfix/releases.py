"""Whose Postfix the client is: this machine's own, or that of another release of
Debian in a folder, entered by chroot in the namespaces of the lab."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Debian 12, whose record is whole; of the others it has the differences.
WHOLE = "bookworm"
NAMES = (WHOLE, "trixie", "sid")
RECORD = Path(__file__).resolve().parents[2] / "fixtures" / "postfix-releases.json"


@dataclass(frozen=True)
class Release:
    """A release of Debian. `root` is its folder, none for this machine's own
    Postfix; `tools` holds `postconf` and `postmap` of the folder."""

    name: str = WHOLE
    root: Path | None = None
    tools: Path | None = None

    def command(self, *words: str) -> list[str]:
        """The command in the folder."""
        return [*(("chroot", str(self.root)) if self.root else ()), *words]

    def environment(self) -> dict[str, str]:
        """Where a program finds the tools of this release first."""
        path = os.environ["PATH"]
        return os.environ | ({"PATH": f"{self.tools}:{path}"} if self.tools else {})

    def postfix(self) -> str:
        """The release of its Postfix."""
        return self.said("postconf", "-hd", "mail_version")

    def openssl(self) -> str:
        """The release of its OpenSSL."""
        found = re.search(r"\d+\.\d+\.\d+", self.said("openssl", "version"))
        return found[0] if found else "unknown"

    def said(self, *words: str) -> str:
        """One line of output."""
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def versions(self) -> dict[str, str]:
        """What stands in the record."""
        return {"postfix": self.postfix(), "openssl": self.openssl()}

    def __str__(self) -> str:
        return f"Postfix {self.postfix()} on OpenSSL {self.openssl()} (Debian {self.name})"


def recorded() -> dict[str, dict[str, str]]:
    """The releases on file, by name."""
    return json.loads(RECORD.read_text()) if RECORD.exists() else {}


def write(release: Release) -> None:
    """The release of this run, on file."""
    known = recorded() | {release.name: release.versions()}
    ordered = {name: known[name] for name in NAMES if name in known}
    RECORD.write_text(json.dumps(ordered, indent=2) + "\n")
