"""Whole checks of a victim, where a lie stands on the way of its mail."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from liar import ADDRESS

from . import wire as w
from .cases import Case
from .check import Lab, Row

# Of one kind at one place.
OF_A_KIND = 1
# What only says whose fault something is, or who was asked about it.
BLAME = {"findings", "weak_link", "reason", "failure", "name_servers"}


def place(case: Case) -> str | None:
    """Where on the way of the victim's mail the lie stands."""
    own = case.family.own
    for name, rtype in (("@", w.MX), ("mx", w.A), ("_25._tcp.mx", w.TLSA)):
        if case.question == (own.at(name), rtype):
            return w.NAMES[rtype]
    return None


def report(binary: Path, lab: Lab, case: Case) -> dict:
    """What danecheck says of the victim."""
    command = [str(binary), "--json", "--allow-private", "--timeout", "60", "--resolver", ADDRESS]
    command += ["--trust-anchor", str(lab.anchor), w.text(case.family.own.apex).rstrip(".")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def shown(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a report with its place, but for those that name a culprit."""
    match value:
        case dict():
            for key, one in value.items():
                if key not in BLAME:
                    yield from shown(one, f"{path}.{key}")
        case list():
            for at, one in enumerate(value):
                yield from shown(one, f"{path}[{at}]")
        case str():
            yield path, value


def wrong(case: Case, said: dict) -> list[str]:
    """What the report should not say, or should."""
    owner, rtype = case.question
    name = w.text(owner).rstrip(".")
    faults = []
    errors = [one for one in said["findings"] if one["severity"] == "error"]
    apex = w.text(case.family.own.apex).rstrip(".")
    if not any(apex in f"{one['subject']} {one['message']}" for one in errors):
        there = [(one["severity"], one["id"], one["subject"]) for one in said["findings"]]
        faults.append(f"no error names {name} {w.NAMES[rtype]}; there is: {there}")
    foreign = [
        zone.digest.hex() for role, zone in case.family.zones.items() if role != "own zone"
    ] + [f"{case.family.stranger.apex[0].decode()}.evil", case.family.unsigned.digest.hex()]
    faults += [
        f"the report shows {text[:80]} at {path}"
        for path, text in shown(said) if any(words in text for words in foreign)
    ]
    return faults


def check(binary: Path, lab: Lab, rows: list[Row]) -> tuple[int, int]:
    """Some of each kind; how many passed and failed."""
    chosen: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for row in rows:
        where = place(row.case)
        if where and row.verdict.status in ("bogus", "unanswered"):
            chosen[row.case.kind, where].append(row.case)
    cases = [case for group in chosen.values() for case in group[:OF_A_KIND]]
    kinds = {case.kind for case in cases}
    print(f"\n{len(cases)} whole checks of {len(kinds)} kinds")
    failed = 0
    with ThreadPoolExecutor(3) as pool:
        for case, said in zip(cases, pool.map(lambda case: report(binary, lab, case), cases), strict=True):
            if faults := wrong(case, said):
                failed += 1
                print(f"WRONG whole check, {case.kind}; {case.about}")
                for words in faults:
                    print(f"      {words}")
                print("\n".join(f"      | {line}" for line in str(case.message).splitlines()))
    return len(cases) - failed, failed
