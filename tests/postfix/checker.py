"""danecheck's ordinary command line, run on each scenario."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from model import Scenario
from nameservers import RESOLVER

SECONDS = 90
AT_ONCE = 16
STRICTER = {"encrypt": "dane", "may": "encrypt", "none": "may"}


@dataclass(frozen=True)
class Answer:
    """What one run of danecheck gave; `report` is empty where it was not one JSON line."""

    status: int
    report: dict
    complaint: str | None
    observation: dict | None = None


def check_all(
    binary: Path,
    scenarios: list[Scenario],
    anchor: Path,
    ca_file: Path,
    saved: Path,
    release: str | None = None,
) -> dict[str, Answer]:
    """Run danecheck on all scenarios, many at a time: some wait for silent servers.
    With a release of Postfix, the outcomes are those of a sender of that release."""
    saved.mkdir()
    sender = ("--postfix-version", release) if release else ()

    def one(scenario: Scenario) -> Answer:
        path = saved / f"{scenario.name}.json"
        answer = check(
            *(str(binary), "--json", "--strictest", "--allow-private", "--resolver", RESOLVER),
            *("--trust-anchor", str(anchor), "--ca-file", str(ca_file), *sender),
            *("--save", str(path), *scenario.options, scenario.next_hop),
        )
        if release and (of_release := answer.report.get("sender")):
            report = answer.report | {"outcomes": of_release["outcomes"]}
            answer = replace(answer, report=report)
        if path.exists() and (text := path.read_text()):
            return replace(answer, observation=json.loads(text))
        return answer

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip((s.name for s in scenarios), pool.map(one, scenarios)))


def check(*command: str, environment: dict[str, str] | None = None) -> Answer:
    """One run; nothing but one JSON line may be on standard output."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return Answer(-1, {}, f"no answer within {SECONDS} s")
    try:
        report = json.loads(done.stdout)
        if done.stdout.count("\n") != 1 or report["schema_version"] != 1:
            return Answer(done.returncode, {}, "not one line of schema version 1")
        return Answer(done.returncode, report, None)
    except (ValueError, KeyError, TypeError) as error:
        said = (done.stdout + done.stderr).strip()[:300]
        return Answer(done.returncode, {}, f"no report ({error}): {said}")


def entries(report: dict) -> dict[str, tuple[str, str]]:
    """The policy lines that a report proposes, by the transport that tries them.

    `stricter` is the line that must not do: the next level above the proposed one.
    """
    advice = report.get("recommendation") or {}
    lines = {}
    if own := (advice.get("entries") or {}).get("postfix"):
        lines["entry"] = own
        if stricter := STRICTER.get(advice.get("policy")):
            lines["stricter"] = f"{own.split()[0]} {stricter}"
    for number, alternative in enumerate(advice.get("alternatives") or []):
        lines[f"alternative{number}"] = alternative["postfix"]
    strictest = advice.get("strictest") or {}
    if line := (strictest.get("entries") or {}).get("postfix"):
        lines["strictest"] = line
    return {name: tuple(line.split(None, 1)) for name, line in lines.items()}
