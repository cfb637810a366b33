"""The record of a run, for `cargo test` to replay: one file a scenario.

Each holds what danecheck observed, what Postfix did at each level, and the
policy lines that delivered. Written by `run --record` alone.
"""

import json
from pathlib import Path

import compare
import releases
from checker import Answer
from model import LEVELS, Scenario
from releases import Release

DIRECTORY = Path(__file__).resolve().parents[2] / "fixtures" / "postfix"
MEASURED = ("delivery", "channel", "dsn", "varies")


def outcome(measured: compare.Measured, level: str) -> dict:
    """The weakest outcome; several words where chance chose among equals."""
    weakest = measured.weakest(level)

    def words(key: str) -> list:
        return list(dict.fromkeys(getattr(one, key) for one in weakest))

    reasons = {compare.without_hosts(one.reason): one.reason for one in weakest}
    return {
        "delivery": weakest[0].delivery,
        "channel": weakest[0].channel,
        "via": words("via"),
        "dsn": words("dsn"),
        "reason": list(reasons.values()),
        "varies": measured.varies(level),
    }


def record(scenario: Scenario, measured: compare.Measured, answer: Answer) -> dict:
    """One fixture."""
    action, policy = measured.recommendation()
    observation = dict(answer.observation or {})
    observation["trust_store"] = observation["trust_store"] | {"source": "lab"}
    return {
        "scenario": scenario.name,
        "about": scenario.about,
        "target": scenario.next_hop,
        "verdict": scenario.verdict,
        "recommendation": {"action": action, "policy": policy},
        "outcomes": {level: outcome(measured, level) for level in LEVELS},
        "proven": [" ".join(line) for line in measured.proven()],
        "observation": observation,
    }


def different(kept: dict, measured: compare.Measured) -> dict[str, dict]:
    """By level, the fields that another release has otherwise than the record."""
    found = {}
    for level in LEVELS:
        now, then = outcome(measured, level), kept["outcomes"][level]
        fields = [name for name in MEASURED if not same(now, then, name)]
        if fields:
            found[level] = {name: now[name] for name in (*fields, "via", "reason")}
    return found


def write_differences(
    scenarios: list[Scenario], measured: dict[str, compare.Measured], release: Release
) -> None:
    """What this release does otherwise, beside the record of Debian 12."""
    for scenario in scenarios:
        path = DIRECTORY / f"{scenario.name}.json"
        kept = json.loads(path.read_text())
        others = kept.get("releases", {})
        others.pop(release.name, None)
        if found := different(kept, measured[scenario.name]):
            others[release.name] = found
        fields = {name: value for name, value in kept.items() if name != "releases"}
        observation = {"observation": fields.pop("observation")}
        put(path, fields | ({"releases": others} if others else {}) | observation)
    releases.write(release)


def write(
    scenarios: list[Scenario],
    measured: dict[str, compare.Measured],
    answers: dict[str, Answer],
    release: Release,
    *,
    everything: bool,
) -> None:
    """All fixtures of this run; those of scenarios that are gone go too."""
    if release.name != releases.WHOLE:
        write_differences(scenarios, measured, release)
        return
    releases.write(release)
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    if everything:
        names = {scenario.name for scenario in scenarios}
        for path in DIRECTORY.glob("*.json"):
            if path.stem not in names:
                path.unlink()
    for scenario in scenarios:
        fields = record(scenario, measured[scenario.name], answers[scenario.name])
        path = DIRECTORY / f"{scenario.name}.json"
        # What other releases do stays until they are measured again.
        if path.exists() and (others := json.loads(path.read_text()).get("releases")):
            observation = {"observation": fields.pop("observation")}
            fields |= {"releases": others} | observation
        put(path, fields)


def put(path: Path, fields: dict) -> None:
    """One fixture, a line a field."""
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'), ensure_ascii=False)}"
        for name, value in fields.items()
    )
    path.write_text(f"{{\n{lines}\n}}\n")


def complaints(
    scenarios: list[Scenario],
    measured: dict[str, compare.Measured],
    release: Release,
    *,
    everything: bool,
) -> dict[str, list[str]]:
    """What the fixtures on file and this run do not agree on."""
    found: dict[str, list[str]] = {}
    names = {scenario.name for scenario in scenarios}
    for path in DIRECTORY.glob("*.json") if everything else ():
        if path.stem not in names:
            found[path.stem] = [f"{path.stem}: a fixture without a scenario"]
    for scenario in scenarios:
        path = DIRECTORY / f"{scenario.name}.json"
        if not path.exists():
            found[scenario.name] = [f"{scenario.name}: no fixture; --record makes one"]
            continue
        kept = json.loads(path.read_text())
        said = {name: kept[name] for name in ("about", "target", "verdict")}
        meant = {"about": scenario.about, "target": scenario.next_hop, "verdict": scenario.verdict}
        different = [name for name in said if said[name] != meant[name]]
        of_release = kept.get("releases", {}).get(release.name, {})
        for level in LEVELS:
            now = outcome(measured[scenario.name], level)
            then = kept["outcomes"][level] | of_release.get(level, {})
            different += [f"{level} {name}" for name in MEASURED if same(now, then, name) is False]
        if different:
            found[scenario.name] = [
                f"{scenario.name}: the fixture says otherwise: {', '.join(different)}"
            ]
    return found


def same(now: dict, then: dict, name: str) -> bool:
    """Whether a field is as recorded; by chance only some of the words may come up."""
    if isinstance(now[name], list):
        return bool(set(now[name]) & set(then[name]))
    return now[name] == then[name]
