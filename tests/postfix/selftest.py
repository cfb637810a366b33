"""The comparer compared with itself: a right report passes, every wrong one fails."""

import copy
import dataclasses
import json
import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import compare
import drawn
import drawn_dialogues
import fixtures
import model
import scenarios
import senders
from compare import Comparison, Measured
from conclusion import KNOWN
from model import LEVELS, Scenario
from releases import NAMES
from rules import RULES, SHOWN_BY_EVERY_SCENARIO, SHOWN_BY_SENDERS, UNSHOWN
from sender import Outcome

SCENARIO = Scenario("stale", "", "dane-broken")
DELIVERED = Outcome("delivered", "encrypted", "mail.stale.lab", "2.0.0", None)
PLAIN = Outcome("delivered", "plaintext", "mail.stale.lab", "2.0.0", None)
REASON = "TLSA lookup error for mail.stale.lab:25"
DEFERRED = Outcome("deferred", None, None, "4.7.5", REASON)


def measured() -> Measured:
    """`dane` and `dane-only` fail, all else delivers."""
    outcomes = {level: [DEFERRED if level.startswith("dane") else DELIVERED] for level in LEVELS}
    return Measured(
        outcomes,
        {"entry": [DELIVERED], "stricter": [DEFERRED]},
        {"entry": ("stale.lab", "encrypt"), "stricter": ("stale.lab", "dane")},
    )


def report() -> dict:
    """What danecheck should say to that."""
    outcomes = {}
    for level, (one,) in measured().outcomes.items():
        outcomes[level] = {**vars(one), "varies": False}
    return {
        "target": "stale.lab",
        "verdict": "dane-broken",
        "outcomes": outcomes,
        "recommendation": {"action": "override", "policy": "encrypt"},
        "findings": [],
    }


def differences(said: dict, status: int = 2, real: Measured | None = None) -> list[str]:
    """The fields that differ."""
    comparison = Comparison()
    comparison.add(SCENARIO, real or measured(), said, status)
    return [difference.field for difference in comparison.differences]


class RightAndWrong(unittest.TestCase):
    """Each field of a report can fail the run."""

    def test_right_report_passes(self):
        self.assertEqual(differences(report()), [])

    def test_host_names_in_reasons_do_not_count(self):
        said = report()
        said["outcomes"]["dane"]["reason"] = "TLSA lookup error for mx9.stale.lab:25"
        self.assertEqual(differences(said), [])

    def test_every_wrong_field_of_every_level_fails(self):
        wrong = {"delivery": "bounced", "channel": "authenticated", "via": "elsewhere.lab"}
        wrong |= {"dsn": "5.0.0", "reason": "because", "varies": True}
        for level in LEVELS:
            for field, value in wrong.items():
                said = report()
                said["outcomes"][level][field] = value
                self.assertEqual(differences(said), [field], f"{level} {field}")
                del said["outcomes"][level][field]
                self.assertEqual(differences(said), [field], f"{level} without {field}")

    def test_wrong_conclusions_fail(self):
        for field, value in (("target", "x.lab"), ("verdict", "dane-ok"), ("verdict", [])):
            self.assertEqual(differences(report() | {field: value}), [field])
        for field, value in (("action", "keep"), ("policy", "may"), ("policy", None)):
            said = report()
            said["recommendation"][field] = value
            self.assertEqual(differences(said), [field])
        self.assertEqual(differences(report(), status=0), ["exit status"])

    def test_empty_report_fails_everywhere(self):
        self.assertGreater(len(differences({}, status=2)), 6 * len(LEVELS))

    def test_entry_that_does_not_deliver_fails(self):
        real = measured()
        self.assertEqual(real.proven(), [("stale.lab", "encrypt")])
        real.entries["entry"] = [DELIVERED, DEFERRED]
        self.assertEqual(differences(report(), real=real), ["entry delivers"])
        self.assertEqual(real.proven(), [])
        del real.entries["entry"]
        self.assertEqual(differences(report(), real=real), ["entry given"])

    def test_strictest_line_that_does_not_hold_fails(self):
        real = measured()
        real.entries["strictest"] = [DELIVERED]
        real.lines["strictest"] = ("stale.lab", "encrypt")
        self.assertEqual(differences(report(), real=real), [])
        real.entries["strictest"] = [DEFERRED]
        self.assertEqual(differences(report(), real=real), ["entry delivers", "strictest holds"])
        # A level above it delivers too.
        real.entries["strictest"] = [DELIVERED]
        real.lines["strictest"] = ("stale.lab", "may")
        self.assertEqual(differences(report(), real=real), ["strictest holds"])

    def test_entry_that_is_weaker_than_needed_fails(self):
        real = measured()
        real.entries["stricter"] = [DELIVERED]
        self.assertEqual(differences(report(), real=real), ["stricter fails"])
        del real.entries["stricter"]
        self.assertEqual(differences(report(), real=real), ["stricter fails"])

    def test_weakest_outcome_counts_where_chance_has_a_say(self):
        real = measured()
        real.outcomes["may"].append(PLAIN)
        self.assertEqual(differences(report(), real=real), ["channel", "varies"])
        said = report()
        said["outcomes"]["may"] |= {"channel": "plaintext", "varies": True}
        self.assertEqual(differences(said, real=real), [])

    def test_host_drawn_at_another_level_counts_only_where_lots_are_drawn(self):
        real = measured()
        other = dataclasses.replace(real.outcomes["may"][0], via="mx2.stale.lab")
        real.outcomes["may"] = [other]
        self.assertEqual(differences(report(), real=real), ["via"])
        real.outcomes["may"] = [other, other]
        self.assertEqual(differences(report(), real=real), [])

    def test_verdict_has_to_fit_what_was_measured(self):
        self.assertEqual(measured().verdicts(), {"dane-broken"})

    def test_where_no_verdict_is_stated_it_has_to_fit_what_was_measured(self):
        unstated = dataclasses.replace(SCENARIO, verdict=None)

        def wrong(verdict, status):
            comparison = Comparison()
            comparison.add(unstated, measured(), report() | {"verdict": verdict}, status)
            return [difference.field for difference in comparison.differences]

        self.assertEqual(wrong("dane-broken", 2), [])
        self.assertEqual(wrong("dane-broken", 1), ["exit status"])
        self.assertEqual(wrong("dane-ok", 0), ["verdict"])

    def test_status_of_a_named_sender_is_about_its_mail(self):
        flows = measured()
        flows = dataclasses.replace(flows, outcomes=flows.outcomes | {"dane": [PLAIN]})

        def wrong(real, status):
            comparison = Comparison()
            comparison.add(SCENARIO, real, report() | {"sender": {"policy": {}}}, status)
            return "exit status" in [difference.field for difference in comparison.differences]

        for real, right in ((measured(), 2), (flows, 1)):
            fails = [wrong(real, status) for status in range(4)]
            self.assertEqual(fails, [status != right for status in range(4)])

    def test_drawn_dialogues_come_again_and_can_be_written_down(self):
        once = drawn_dialogues.draw(7, 50)
        self.assertEqual(once, drawn_dialogues.draw(7, 50))
        for one in once:
            self.assertEqual(eval(drawn.source(one), vars(model).copy()), one)

    def test_drawn_scenarios_come_again_and_can_be_written_down(self):
        once = drawn.draw(7, 50)
        self.assertEqual(once, drawn.draw(7, 50))
        self.assertEqual(len(set(once)), 50)
        for one in once:
            self.assertEqual(eval(drawn.source(one), vars(model).copy()), one)

    def test_known_divergence_excuses_one_field_and_expires(self):
        said = copy.deepcopy(report())
        said["outcomes"]["dane"]["dsn"] = "4.0.0"
        comparison = Comparison()
        comparison.add(SCENARIO, measured(), said, 2)
        known = {("stale", "dane", "dsn"): "why"}
        ran = {"stale"}
        self.assertEqual(compare.settle(comparison.differences, known, ran), ([], []))
        self.assertEqual(compare.settle([], known, ran), ([], list(known)))
        self.assertEqual(len(compare.settle(comparison.differences, {}, ran)[0]), 1)

    def test_fixture_that_says_otherwise_is_named(self):
        real = measured()
        now = fixtures.outcome(real, "dane")
        self.assertEqual((now["dsn"], now["reason"]), (["4.7.5"], [REASON]))
        for name in fixtures.MEASURED:
            self.assertTrue(fixtures.same(now, now, name))
            self.assertFalse(fixtures.same(now, now | {name: ["5.0.0"]}, name))

    def test_scenarios_have_names_of_their_own_and_say_what_they_show(self):
        everything = scenarios.collect()
        self.assertGreaterEqual(len(everything), 200)
        self.assertEqual(len({one.name for one in everything}), len(everything))
        self.assertEqual([one.name for one in everything if not one.about], [])

    def test_cases_of_senders_have_names_of_their_own_and_scenarios(self):
        names = [case.name for case in senders.CASES]
        self.assertEqual(len(set(names)), len(names))
        known = {one.name for one in scenarios.collect()}
        self.assertEqual({case.scenario for case in senders.CASES} - known, set())
        self.assertEqual({case.kind.name for case in senders.CASES}, {k.name for k in senders.KINDS})

    def test_divergences_file_reads(self):
        for release in NAMES:
            self.assertEqual(compare.divergences(KNOWN, release), {})

    def test_divergences_are_those_of_a_release(self):
        entry = {"scenario": "x", "levels": ["dane"], "fields": ["dsn"], "reason": "so it is"}
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "known.json"
            path.write_text(json.dumps([entry, entry | {"scenario": "y", "releases": ["sid"]}]))
            of_bookworm, of_sid = (compare.divergences(path, one) for one in ("bookworm", "sid"))
        self.assertEqual(of_bookworm, {("x", "dane", "dsn"): "so it is"})
        self.assertEqual(set(of_sid), {("x", "dane", "dsn"), ("y", "dane", "dsn")})


class Rules(unittest.TestCase):
    """The list of rules and the scenarios hold each other complete."""

    def test_every_rule_has_a_scenario_or_a_reason(self):
        shown = {*SHOWN_BY_EVERY_SCENARIO, *SHOWN_BY_SENDERS}
        for scenario in scenarios.collect():
            shown |= cited(scenario.about)
        self.assertEqual(shown - set(RULES), set(), "cited and not in the list")
        self.assertEqual(shown & set(UNSHOWN), set(), "shown, and called not to be")
        self.assertEqual(set(RULES) - shown - set(UNSHOWN), set(), "neither shown nor excused")

    def test_ranges_and_clauses_are_understood(self):
        self.assertEqual(cited("a (R65 to R67, R55g)"), {"R65", "R66", "R67", "R55"})


def cited(about: str) -> set[str]:
    """The rules that a description names: `R20`, `R55g`, `R65 to R67`."""
    found = set(re.findall(r"R\d+", about))
    for first, last in re.findall(r"R(\d+) to R(\d+)", about):
        found |= {f"R{number}" for number in range(int(first), int(last) + 1)}
    return found


if __name__ == "__main__":
    unittest.main(verbosity=0)
