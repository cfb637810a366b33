"""Entries and overrides in the lab of tests/postfix: read by the programs that
they are for, and delivered with through a real Exim and a real Postfix.

Called by `run`, inside the namespaces that tests/postfix/run makes.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import deliver
import mailservers
import nameservers
import tables
from certificates import STRANGERS, Mint
from model import Scenario
from scenarios import collect
from servers.nameservers import stop
from zones import Zones

HERE = Path(__file__).resolve().parent
PARTS = ("formats", "exim", "tables")

# What Exim is sent to, with the level of the entry; none where none is advised.
EXIM = {
    "all-well": None,
    "first-of-two-stale": None,
    "both-stale": "encrypt",
    "ee-key-sha256-stale": "encrypt",
    "anchor-not-sent": "encrypt",
    "authority-tlsa-servfail": "encrypt",
    "starttls-off": "may",
    "starttls-454": "may",
    "handshake-fails": "may",
    "starttls-hang": "none",
}


def arguments() -> argparse.Namespace:
    """The command line; tests/postfix/run adds --directory and --exim."""
    parser = argparse.ArgumentParser(prog="tests/entries/run")
    parser.add_argument("--binary", type=Path, default=HERE.parent.parent / "target/release/danecheck")
    parser.add_argument("--part", action="append", choices=PARTS, help="may be repeated")
    parser.add_argument("--smtpd", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep configuration and logs")
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--exim", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def entry(binary: Path, anchor: Path, scenario: Scenario) -> str:
    """What `--entry exim` prints."""
    done = subprocess.run(
        [
            *(str(binary), "--entry", "exim", "--allow-private"),
            *("--resolver", nameservers.RESOLVER, "--trust-anchor", str(anchor), scenario.next_hop),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout


def through_exim(options: argparse.Namespace, anchor: Path, scenarios: list[Scenario]) -> list[str]:
    """Each scenario without the entry and with it; what went wrong."""
    failed = []
    for scenario in scenarios:
        level = EXIM[scenario.name]
        text = entry(options.binary, anchor, scenario)
        base = options.directory / "exim-client" / scenario.name
        plain = deliver.Exim(options.exim, base / "without", "")
        without = plain.send(deliver.recipient(scenario, False))
        if level is None:
            said = f"without an entry: {without.text}"
            if text or not without.arrived:
                failed.append(f"{scenario.name}: {said}; entry {text!r}")
            continue
        exim = deliver.Exim(options.exim, base / "with", text)
        if complaint := exim.check():
            failed.append(f"{scenario.name}: {complaint}\n{text}")
            continue
        with_it = exim.send(deliver.recipient(scenario, True))
        if without.arrived:
            failed.append(f"{scenario.name}: arrived without the entry: {without.text}")
        if not with_it.arrived:
            failed.append(f"{scenario.name}: with the entry: {with_it.text}\n{text}")
        elif with_it.in_tls != (level == "encrypt"):
            failed.append(f"{scenario.name}: TLS {with_it.in_tls} at {level}: {with_it.text}")
    return failed


def main() -> int:
    """Formats, then deliveries; the exit status says whether all of it holds."""
    options = arguments()
    options.binary = options.binary.resolve()
    parts = options.part or PARTS
    unread = "formats" in parts and subprocess.run(
        [sys.executable, str(HERE / "formats.py"), str(options.binary), str(options.exim), str(options.smtpd)],
        check=False,
    ).returncode
    if parts == ["formats"]:
        return 1 if unread else 0
    every = collect()
    for_exim = [s for s in every if s.name in EXIM]
    for_tables = tables.needed_scenarios(every)
    scenarios = [s for s in every if s in for_exim or s in for_tables]
    directory: Path = options.directory
    children: list[subprocess.Popen] = []
    passed, failed = 0, []
    mint = Mint(directory / "certificates")
    ca_file = directory / "ca.pem"
    ca_file.write_text(mint.trusted_root.pem.read_text())
    placed = mailservers.place(scenarios, mint)
    zones = Zones(directory / "zones", scenarios, placed, mint.authority(STRANGERS[0]))
    anchor = zones.sign()
    logs = directory / "logs"
    logs.mkdir()
    try:
        # Exim takes the resolver's word only where libc lets it through.
        with open("/etc/resolv.conf", "a", encoding="ascii") as file:
            file.write("options trust-ad\n")
        nameservers.start(zones, scenarios, anchor, logs, children)
        everywhere = [one for group in placed.values() for one in group]
        mailservers.start(directory, options.exim, everywhere, mint, children)
        start = time.monotonic()
        if "exim" in parts:
            failed = through_exim(options, anchor, for_exim)
            print(f"  {len(EXIM)} scenarios through Exim, {time.monotonic() - start:.0f} s")
            passed = len(EXIM) - len(failed)
        if "tables" in parts:
            proof = tables.prove(options.binary, directory, anchor, ca_file, directory)
            passed += proof.held
            failed += proof.failed
    finally:
        mailservers.stop(directory)
        stop(children)
    for text in failed:
        print(f"DIFFERS {text}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or unread else 0


if __name__ == "__main__":
    sys.exit(main())
