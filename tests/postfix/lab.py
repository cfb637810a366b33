"""The lab: builds a small internet, lets Postfix and danecheck loose on it, compares.

Called by `run`, inside the namespaces that `run` makes.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import checker
import compare
import mailservers
import nameservers
from certificates import Mint
from model import LEVELS, Placed, Scenario
from scenarios import ALL
from sender import Client, Message, Outcome, outcome
from zones import Zones

HERE = Path(__file__).resolve().parent
NO_PIN = ":".join(["00"] * 32)


def arguments() -> argparse.Namespace:
    """The command line; `run` adds --directory."""
    parser = argparse.ArgumentParser(prog="tests/postfix/run")
    parser.add_argument("--binary", type=Path, default=HERE.parent.parent / "target/release/danecheck")
    parser.add_argument("--measure-only", action="store_true", help="run no danecheck")
    parser.add_argument("--only", action="append", metavar="SCENARIO", help="may be repeated")
    parser.add_argument("--measured", type=Path, metavar="FILE", help="write what Postfix did")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep configuration and logs")
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--exim", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen(only: list[str] | None) -> list[Scenario]:
    """The scenarios to run; a name that is not there is an error."""
    names = [scenario.name for scenario in ALL]
    if len(names) != len(set(names)):
        raise SystemExit("two scenarios have the same name")
    if unknown := set(only or []) - set(names):
        raise SystemExit(f"no such scenario: {', '.join(sorted(unknown))}")
    return [scenario for scenario in ALL if not only or scenario.name in only]


def messages(scenario: Scenario, entries: dict[str, tuple[str, str]]) -> list[Message]:
    """One message a level, or several where chance has a say, and one a proposed entry."""
    wanted = [
        Message(f"{level}.{number}@{scenario.name}.measure", level, scenario.next_hop)
        for level in LEVELS
        for number in range(scenario.repeat)
    ]
    wanted += [
        Message(f"{entry}.0@{scenario.name}.measure", entry, scenario.next_hop) for entry in entries
    ]
    return wanted


def pins(placed: list[Placed]) -> str:
    """The policy for `fingerprint`: the certificates seen now, or one that nobody has."""
    seen = [issued.fingerprint for issued in mailservers.presented(placed)]
    return f"fingerprint match={'|'.join(dict.fromkeys(seen or [NO_PIN]))}"


def policies(
    scenarios: list[Scenario],
    placed: dict[str, list[Placed]],
    entries: dict[str, dict[str, tuple[str, str]]],
) -> dict[str, dict[str, str]]:
    """Policy tables by transport."""
    tables: dict[str, dict[str, str]] = {"fingerprint": {}}
    for scenario in scenarios:
        tables["fingerprint"][scenario.next_hop] = pins(placed[scenario.name])
        for transport, (key, value) in entries[scenario.name].items():
            tables.setdefault(transport, {})[key] = value
    return tables


class Clock:
    """Says how long each part took."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def done(self, what: str) -> None:
        """One part is over."""
        now = time.monotonic()
        print(f"  {now - self.last:5.1f} s  {what}", flush=True)
        self.last = now


def main() -> int:
    """Build, check, send, compare; the exit status says whether all agree."""
    options = arguments()
    scenarios = chosen(options.only)
    if not options.measure_only and not options.binary.is_file():
        raise SystemExit(f"{options.binary}: no such program; build it, or --measure-only")
    directory: Path = options.directory
    children: list[subprocess.Popen] = []
    clock = Clock()
    mint = Mint(directory / "certificates")
    ca_file = directory / "ca.pem"
    ca_file.write_text(mint.trusted_root.pem.read_text())
    placed = mailservers.place(scenarios, mint)
    everywhere = [one for group in placed.values() for one in group]
    clock.done(f"{len(mint.made)} certificates for {len(everywhere)} addresses")
    zones = Zones(directory / "zones", scenarios, placed)
    anchor = zones.sign()
    clock.done(f"{len(zones.files)} zones")
    client = Client(directory / "client", ca_file)
    logs = directory / "logs"
    logs.mkdir()
    try:
        nameservers.start(zones, anchor, logs, children)
        mailservers.start(directory, options.exim, everywhere, children)
        clock.done("name servers, resolver, mail servers")
        answers = {}
        if not options.measure_only:
            answers = checker.check_all(options.binary.resolve(), scenarios, anchor, ca_file)
            clock.done(f"danecheck on {len(scenarios)} next hops")
        entries = {
            s.name: checker.entries(answers[s.name].report) if answers else {} for s in scenarios
        }
        batch = {s.name: messages(s, entries[s.name]) for s in scenarios}
        mail = [message for group in batch.values() for message in group]
        client.policies = policies(scenarios, placed, entries)
        client.start(mail)
        client.send(mail)
        attempts = client.wait(mail)
        in_tls = mailservers.received_in_tls(directory)
        clock.done(f"{len(mail)} messages through Postfix")
    finally:
        client.stop()
        mailservers.stop(directory)
        for child in children:
            child.terminate()
        for child in children:
            child.wait(10)
    seen = {
        m.recipient: outcome(m.recipient, attempts[m.recipient], in_tls) for m in mail
    }
    measured = {s.name: gather(batch[s.name], seen) for s in scenarios}
    if options.measured:
        options.measured.write_text(json.dumps(as_json(scenarios, measured), indent=1) + "\n")
    return conclude(scenarios, measured, answers)


def gather(batch: list[Message], seen: dict[str, Outcome]) -> compare.Measured:
    """The outcomes of one scenario, by level and by entry."""
    outcomes: dict[str, list[Outcome]] = {level: [] for level in LEVELS}
    entries: dict[str, Outcome] = {}
    for message in batch:
        if message.transport in LEVELS:
            outcomes[message.transport].append(seen[message.recipient])
        else:
            entries[message.transport] = seen[message.recipient]
    return compare.Measured(outcomes, entries)


def as_json(scenarios: list[Scenario], measured: dict[str, compare.Measured]) -> list[dict]:
    """What Postfix did, for other programs."""
    rows = []
    for scenario in scenarios:
        one = measured[scenario.name]
        action, policy = one.recommendation()
        levels = {
            level: asdict(one.weakest(level)[0]) | {"varies": one.varies(level)} for level in LEVELS
        }
        rows.append(
            {
                "scenario": scenario.name,
                "target": scenario.next_hop,
                "verdict": scenario.verdict,
                "outcomes": levels,
                "recommendation": {"action": action, "policy": policy},
            }
        )
    return rows


def conclude(
    scenarios: list[Scenario], measured: dict[str, compare.Measured], answers: dict
) -> int:
    """Print the tables; 0 where everything agrees."""
    print_measured(scenarios, measured)
    failed: dict[str, list[str]] = {}
    for scenario in scenarios:
        allowed = measured[scenario.name].verdicts()
        if scenario.verdict not in allowed:
            failed.setdefault(scenario.name, []).append(
                f"{scenario.name}: states {scenario.verdict}, Postfix allows {sorted(allowed)}"
            )
    comparison = compare.Comparison()
    for scenario in scenarios:
        if answer := answers.get(scenario.name):
            if answer.complaint:
                failed.setdefault(scenario.name, []).append(f"{scenario.name}: {answer.complaint}")
            comparison.add(scenario, measured[scenario.name], answer.report, answer.status)
    known = compare.divergences(HERE / "known-divergences.toml") if answers else {}
    ran = {scenario.name for scenario in scenarios}
    unknown, healed = compare.settle(comparison.differences, known, ran)
    for difference in unknown:
        failed.setdefault(difference.scenario, []).append(str(difference))
    for key in healed:
        failed.setdefault(key[0], []).append(f"{' '.join(key)}: a known divergence that is none")
    if answers:
        print(comparison.figures())
        print(f"  known divergences: {len(known)}")
    else:
        print("measured only: danecheck was not run")
    for complaints in failed.values():
        print("\n".join(f"DIFFERS {line}" for line in complaints))
    print(f"{len(scenarios) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not scenarios else 0


def print_measured(scenarios: list[Scenario], measured: dict[str, compare.Measured]) -> None:
    """One row a scenario, one column a level: how it went with real Postfix."""
    width = max(len(scenario.name) for scenario in scenarios)
    print(f"\n{'what Postfix did':<{width}}  " + " ".join(f"{level:<11}" for level in LEVELS))
    for scenario in scenarios:
        one = measured[scenario.name]
        cells = [cell(one.weakest(level)[0], one.varies(level)) for level in LEVELS]
        print(f"{scenario.name:<{width}}  " + " ".join(f"{text:<11}" for text in cells))
    print("(channel of the delivery; /r after the retry; status code where none; ~ by chance)\n")


def cell(weakest: Outcome, varies: bool) -> str:
    """`encrypted`, `plain/r`, `4.7.5`."""
    short = {"plaintext": "plain", "encrypted": "encrypted", "authenticated": "auth"}
    text = short.get(weakest.channel, f"{weakest.dsn}")
    text += "/r" if weakest.delivery == "delivered-after-retry" else ""
    return text + ("~" if varies else "")


if __name__ == "__main__":
    sys.exit(main())
