"""What danecheck says beside what Postfix did: every difference, field by field."""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from checker import Answer
from model import LEVELS, Scenario
from sender import Outcome

DELIVERED = ("delivered", "delivered-after-retry")
# From the strictest level down, as `--strictest` tries them.
STRICTEST_FIRST = ("dane-only", "secure", "verify", "fingerprint", "encrypt", "may", "none")
EXIT_STATUS = {"dane-partial": 1, "dane-unusable": 1, "dane-broken": 2, "undeliverable": 2}


@dataclass(frozen=True)
class Measured:
    """What real Postfix did with the messages of one scenario."""

    outcomes: dict[str, list[Outcome]]
    entries: dict[str, list[Outcome]] = field(default_factory=dict)
    lines: dict[str, tuple[str, str]] = field(default_factory=dict)

    def proven(self) -> list[tuple[str, str]]:
        """The policy lines with which every message was delivered."""
        return [
            line
            for name, line in self.lines.items()
            if name not in ("stricter", "strictest") and self.delivers(name)
        ]

    def delivers(self, entry: str) -> bool:
        """Whether the weakest outcome with this policy line is a delivery."""
        return all(outcome.delivery in DELIVERED for outcome in self.entries[entry])

    def weakest(self, level: str) -> list[Outcome]:
        """The weakest outcomes seen at this level; several where chance chose."""
        least = min(outcome.strength() for outcome in self.outcomes[level])
        return [o for o in self.outcomes[level] if o.strength() == least]

    def drawn(self, level: str) -> set[str]:
        """Where Postfix drew lots at this level, the hosts that came up at any."""
        if len(self.outcomes[level]) == 1:
            return set()
        return {o.via for outcomes in self.outcomes.values() for o in outcomes if o.via}

    def delivery(self, level: str) -> str:
        """The word for the weakest outcome."""
        return self.weakest(level)[0].delivery

    def varies(self, level: str) -> bool:
        """Whether chance changed the outcome."""
        return len({outcome.strength() for outcome in self.outcomes[level]}) > 1

    def verdicts(self) -> set[str]:
        """The verdicts that the contract allows with these outcomes."""
        if self.delivery("dane") not in DELIVERED:
            weaker = any(self.delivery(level) in DELIVERED for level in ("none", "may", "encrypt"))
            return {"dane-broken"} if weaker else {"undeliverable", "indeterminate"}
        allowed = {"dane-partial", "dane-unusable", "no-dane"}
        if self.weakest("dane")[0].channel == "authenticated":
            return {"dane-ok", "dane-partial"}
        return allowed

    def recommendation(self) -> tuple[str, str | None]:
        """Action and policy as the contract derives them from the outcomes."""
        if self.delivery("dane") in DELIVERED:
            return "keep", None
        if self.delivery("encrypt") == "delivered":
            return "override", "encrypt"
        if self.delivery("may") in DELIVERED:
            return "override", "may"
        if self.delivery("none") in DELIVERED:
            return "override", "none"
        return "not-fixable", None


@dataclass(frozen=True)
class Difference:
    """One field in which danecheck and Postfix differ."""

    scenario: str
    level: str
    field: str
    expected: object
    got: object

    def __str__(self) -> str:
        where = f"{self.scenario} {self.level}".strip()
        return f"{where}: {self.field}: Postfix {self.expected!r}, danecheck {self.got!r}"


class Comparison:
    """Collects figures and differences over all scenarios."""

    def __init__(self) -> None:
        self.agree: Counter[str] = Counter()
        self.total: Counter[str] = Counter()
        self.differences: list[Difference] = []

    def check(self, scenario: str, level: str, name: str, allowed: set, got: object) -> None:
        """Count one field; `got` has to be one of `allowed`."""
        self.total[name] += 1
        if hashable(got) and got in allowed:
            self.agree[name] += 1
        else:
            shown = sorted(allowed, key=str)
            expected = shown[0] if len(shown) == 1 else tuple(shown)
            self.differences.append(Difference(scenario, level, name, expected, got))

    def add(self, scenario: Scenario, measured: Measured, report: dict, status: int) -> None:
        """Compare one report with one scenario."""
        name = scenario.name
        self.check(name, "", "target", {scenario.next_hop}, report.get("target"))
        verdict = report.get("verdict")
        allowed = stated(scenario) or measured.verdicts()
        self.check(name, "", "verdict", allowed, verdict)
        expected = exit_status(scenario.verdict or verdict, report)
        if report.get("sender") and expected != 3:
            # That of a named sender is about its own mail.
            flows = measured.delivery("dane") in DELIVERED
            expected = min(expected, 1) if flows else 2
        self.check(name, "", "exit status", {expected}, status)
        action, policy = measured.recommendation()
        advice = report.get("recommendation") or {}
        self.check(name, "", "action", {action}, advice.get("action", "absent"))
        self.check(name, "", "policy", {policy}, advice.get("policy", "absent"))
        for level in LEVELS:
            self.outcome(name, level, measured, (report.get("outcomes") or {}).get(level) or {})
        for entry in measured.entries:
            if entry != "stricter":
                self.check(name, entry, "entry delivers", {True}, measured.delivers(entry))
        if "strictest" in measured.entries:
            self.check(name, "", "strictest holds", {True}, strictest_holds(measured))
        if action == "override":
            self.check(name, "", "entry given", {True}, "entry" in measured.entries)
            self.check(name, "", "stricter fails", {True}, stricter_fails(measured, policy))

    def outcome(self, name: str, level: str, measured: Measured, said: dict) -> None:
        """Compare one level."""
        weakest = measured.weakest(level)
        for key in ("delivery", "channel", "via", "dsn"):
            allowed = {getattr(outcome, key) for outcome in weakest}
            if key == "via" and allowed != {None}:
                allowed |= measured.drawn(level)
            self.check(name, level, key, allowed, said.get(key, "absent"))
        self.check(name, level, "varies", {measured.varies(level)}, said.get("varies", "absent"))
        if weakest[0].delivery not in DELIVERED:
            allowed = {without_hosts(outcome.reason) for outcome in weakest}
            got = without_hosts(said.get("reason", "absent"))
            got = next((one for one in allowed if is_same_but_for_gaps(one, got)), got)
            self.check(name, level, "reason", allowed, got)
        elif weakest[0].delivery == "delivered":
            self.check(name, level, "reason", {None}, said.get("reason", "absent"))

    def figures(self) -> str:
        """A table: how many of each field agree."""
        rows = [f"  {name:<15}{self.agree[name]:>5} of {count:>5}" for name, count in self.total.items()]
        return "\n".join(["agreement with Postfix:", *rows])


def agrees(scenario: Scenario, measured: Measured, answer: Answer) -> bool:
    """Whether nothing at all differs in this scenario."""
    comparison = Comparison()
    comparison.add(scenario, measured, answer.report, answer.status)
    return not comparison.differences and stated(scenario) <= measured.verdicts()


def stated(scenario: Scenario) -> set[str]:
    """The verdict that the scenario states, if it does."""
    return {scenario.verdict} if scenario.verdict else set()


def stricter_fails(measured: Measured, policy: str | None) -> bool:
    """Whether the next stricter policy line does not do (`encrypt` has to at once)."""
    enough = ("delivered",) if policy == "may" else DELIVERED
    return any(one.delivery not in enough for one in measured.entries.get("stricter", []))


def strictest_holds(measured: Measured) -> bool:
    """Whether mail goes at once with the strictest line, except at the levels that
    may retry, and with no level above it."""
    policy, *attributes = measured.lines["strictest"][1].split()
    enough = DELIVERED if policy in ("may", "none") else ("delivered",)
    delivers = all(one.delivery in enough for one in measured.entries["strictest"])
    above = STRICTEST_FIRST[: STRICTEST_FIRST.index(policy)]
    # With the names of the MX hosts it stands below the names of the next hop.
    if policy == "secure" and any(one.startswith("match=") for one in attributes):
        above = ("dane-only", "secure")
    return delivers and not any(goes_at_once(measured, level) for level in above)


def goes_at_once(measured: Measured, level: str) -> bool:
    """Whether every message of this level arrives at the first attempt."""
    enough = DELIVERED if level == "may" else ("delivered",)
    proof = level not in ("encrypt", "may")
    return all(
        one.delivery in enough and (one.channel == "authenticated" or not proof)
        for one in measured.outcomes[level]
    )


def hashable(value: object) -> bool:
    """A report may hold anything where a string belongs."""
    return not isinstance(value, (dict, list))


def exit_status(verdict: str, report: dict) -> int:
    """The contract's exit status for this verdict and these findings."""
    if verdict in EXIT_STATUS:
        return EXIT_STATUS[verdict]
    if verdict == "indeterminate":
        return 3
    severities = {f.get("severity") for f in report.get("findings") or []}
    return 1 if severities & {"warning", "error"} else 0


def without_hosts(reason: str | None) -> str | None:
    """The text with host names and addresses taken out."""
    if not isinstance(reason, str):
        return reason
    reason = re.sub(r"[\w.-]+\[[0-9A-Fa-f.:]+\](:\d+)?", "HOST", reason)
    reason = re.sub(r"\b[\w-]+(\.[\w-]+)*\.lab\b\.?(:\d+)?", "HOST", reason)
    return reason


def is_same_but_for_gaps(reason: str | None, said: str | None) -> bool:
    """Whether a text is this one with `...` in the place of what danecheck has
    not seen, because it sends no mail: the server's replies to MAIL FROM and on."""
    if not (isinstance(reason, str) and isinstance(said, str) and " ... " in said):
        return False
    pattern = ".*".join(re.escape(part) for part in said.split(" ... "))
    return re.fullmatch(pattern, reason) is not None


def divergences(path: Path, release: str) -> dict[tuple[str, str, str], str]:
    """The known divergences under this release of Debian: (scenario, level, field)
    and the reason why. An entry without releases is about all of them."""
    known = {}
    for entry in json.loads(path.read_text()):
        if not entry["reason"].strip():
            raise ValueError(f"a divergence without a reason: {entry}")
        if release not in entry.get("releases", [release]):
            continue
        for level in entry.get("levels", [""]):
            for name in entry["fields"]:
                known[entry["scenario"], level, name] = entry["reason"]
    return known


def settle(
    differences: list[Difference], known: dict[tuple[str, str, str], str], ran: set[str]
) -> tuple[list[Difference], list[tuple[str, str, str]]]:
    """What remains after the known divergences, and which of these no longer differ."""
    met = {(d.scenario, d.level, d.field) for d in differences}
    unknown = [d for d in differences if (d.scenario, d.level, d.field) not in known]
    # What follows from an outcome may also follow from another: that of the
    # outcomes themselves decides.
    healed = [key for key in known if key not in met and key[0] in ran and key[1]]
    return unknown, healed
