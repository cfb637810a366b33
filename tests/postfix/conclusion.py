"""What a run says in the end: tables, figures, and every difference."""

from pathlib import Path

import compare
import fixtures
from checker import Answer
from drawn import source
from model import LEVELS, Scenario
from releases import WHOLE, Release
from sender import Outcome

KNOWN = Path(__file__).with_name("known-divergences.json")


def conclude(
    scenarios: list[Scenario],
    measured: dict[str, compare.Measured],
    answers: dict[str, Answer],
    release: Release,
    *,
    everything: bool,
    drawn: bool,
) -> int:
    """Print the tables; 0 where everything agrees. Who was `drawn` has no record."""
    print_measured(scenarios, measured)
    failed: dict[str, list[str]] = {}

    def complain(name: str, text: str) -> None:
        failed.setdefault(name, []).append(text)

    known = compare.divergences(KNOWN, release.name) if answers else {}
    comparison = compare.Comparison()
    for scenario in scenarios:
        one = measured[scenario.name]
        # The verdict is about the Postfix of every report, that of Debian 12.
        is_known = release.name != WHOLE or (scenario.name, "", "verdict") in known
        if not is_known and not compare.stated(scenario) <= (allowed := one.verdicts()):
            complain(
                scenario.name,
                f"{scenario.name}: states {scenario.verdict}, Postfix allows {sorted(allowed)}",
            )
        if answer := answers.get(scenario.name):
            if answer.complaint:
                complain(scenario.name, f"{scenario.name}: {answer.complaint}")
            comparison.add(scenario, one, answer.report, answer.status)
    ran = {scenario.name for scenario in scenarios}
    unknown, healed = compare.settle(comparison.differences, known, ran)
    for difference in unknown:
        complain(difference.scenario, str(difference))
    for key in healed:
        complain(key[0], f"{' '.join(key)}: a known divergence that is none")
    if answers:
        if not drawn:
            on_file = fixtures.complaints(scenarios, measured, release, everything=everything)
            for name, texts in on_file.items():
                for text in texts:
                    complain(name, text)
        print(comparison.figures())
        print(f"  known divergences: {len(known)} fields of {len({key[0] for key in known})} scenarios")
    else:
        print("measured only: danecheck was not run")
    for name, complaints in failed.items():
        print("\n".join(f"DIFFERS {line}" for line in complaints))
        if drawn:
            print(*(source(scenario) for scenario in scenarios if scenario.name == name))
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
