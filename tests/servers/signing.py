"""What signing a lab's zones takes, whichever tool signs."""

import subprocess
import time
from pathlib import Path


def run(*command: str, cwd: Path | None = None) -> str:
    """Run a tool; what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def stamp(seconds: float) -> str:
    """The time form of dnssec-signzone and ldns-signzone."""
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(seconds))


def covered(line: str) -> str | None:
    """The type that an RRSIG line covers; None for any other record."""
    fields = line.split(None, 5)
    return fields[4] if len(fields) > 4 and fields[3] == "RRSIG" else None


def tampered(line: str) -> str:
    """The same RRSIG line with another signature."""
    fields = line.split(";")[0].split(None, 12)
    # The last group stays: its padding bits have to be zero.
    signature = "".join(fields[12].split())
    return " ".join([*fields[:12], signature[:-4].swapcase() + signature[-4:]])
