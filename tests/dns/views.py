"""danecheck's two views of every lookup, beside unbound's and delv's."""

import json
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from oracles import Answer, Delv, Question, ask, truth
from servers.nameservers import Nameservers
from tree import Tree

VALIDATING, PLAIN = "127.0.0.1", "127.0.0.2"
# What unbound makes of a question depends otherwise on what it was asked before.
UNBOUND = ("qname-minimisation: no", "harden-below-nxdomain: no")
TOO_MANY = 10
SHARES = 16
WORKERS = 6


@dataclass(frozen=True)
class Difference:
    """Lookups of which delv 9.18 says something else than unbound 1.17, and why."""

    unbound: str
    delv: str
    # The question, as in a shell.
    questions: tuple[str, ...]
    why: str

    def fits(self, row: "Row") -> bool:
        """Whether this is about that lookup."""
        return (row.unbound, row.delv[0]) == (self.unbound, self.delv) and any(
            fnmatch(row.question, pattern) for pattern in self.questions
        )


# Measured. An entry that no lookup fits fails the run, as does a difference without one.
DIFFERENCES = [
    Difference(
        "insecure", "secure", ("*.optout.lab. *", "lost-optout.a13.lab. *"),
        "RFC 5155 section 9.2: an opt-out span hides what may be there, so that unbound leaves AD "
        "clear; delv tells that the proof itself is valid",
    ),
    Difference(
        "secure", "bogus", ("*.entnx.lab. *", "_tcp.mx.vanished.lab. *"),
        "NXDOMAIN with the proof of NODATA: unbound goes by the proof, delv by the response code",
    ),
    Difference(
        "secure", "bogus", ("*.weaker.lab. *", "to-weaker.a13.lab. *"),
        "RFC 4509 section 3: beside a DS with SHA-256 that fits no key, delv leaves the good one "
        "with SHA-1 out; unbound takes either (harden-algo-downgrade: no)",
    ),
]


@dataclass
class Row:
    """One lookup behind one resolver."""

    resolver: str
    question: str
    unbound: str
    delv: tuple[str, str]
    answer: Answer
    shown: dict

    def violations(self) -> list[str]:
        """What danecheck should not have said."""
        view, own = self.shown["resolver"], self.shown["validated"]
        answer = self.answer
        seen = (view["status"], view["rcode"], view["ad"], len(self.shown["records"]))
        expected = (answer.status, answer.rcode, answer.ad, answer.records)
        if answer.rcode is None:
            # dig does not wait as long.
            seen, expected = seen[:1], expected[:1]
        wrong = []
        if seen != expected:
            wrong.append(f"resolver's view {seen}, dig {expected}")
        if own["status"] == "indeterminate":
            if not own["reason"]:
                wrong.append("indeterminate without a reason")
        elif own["status"] != self.unbound:
            wrong.append(f"own {own['status']} ({own['reason']}), unbound {self.unbound}")
        return wrong


def lookup(binary: Path, anchor: Path, resolver: str, name: str, rtype: str) -> dict:
    """`danecheck dns` on one lookup."""
    command = [str(binary), "dns", name, rtype, "--json", "--timeout", "60"]
    command += ["--allow-private", "--resolver", resolver, "--trust-anchor", str(anchor)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    return json.loads(done.stdout)


def rows(binary: Path, tree: Tree) -> list[Row]:
    """Every lookup behind both resolvers."""
    questions = tree.questions()
    delv = Delv(tree.anchor)
    # Shared out, for dig asks one after the other, and some servers are slow.
    shares = [questions[start::SHARES] for start in range(SHARES)]

    with ThreadPoolExecutor(WORKERS) as pool:
        digs = {
            resolver: [pool.submit(ask, resolver, share) for share in shares]
            for resolver in (VALIDATING, PLAIN)
        }
        shown = {
            resolver: [pool.submit(lookup, binary, tree.anchor, resolver, *q) for q in questions]
            for resolver in (VALIDATING, PLAIN)
        }
        # delv asks for the unchecked data and validates by itself: once is enough.
        said = [pool.submit(delv.ask, *question, PLAIN) for question in questions]
        answers = {
            (resolver, question): answer
            for resolver, asked in digs.items()
            for share, done in zip(shares, asked)
            for question, answer in zip(share, done.result())
        }
        return [
            Row(
                resolver, " ".join(question),
                truth(answers[VALIDATING, question], answers[PLAIN, question]),
                word.result(), answers[resolver, question], one.result(),
            )
            for resolver in (VALIDATING, PLAIN)
            for question, word, one in zip(questions, said, shown[resolver])
        ]


def compare(
    binary: Path, tree: Tree, _servers: Nameservers, *, verbose: bool
) -> tuple[int, int]:
    """Ask everything, print the figures; how many lookups passed and failed."""
    asked = rows(binary, tree)
    failed = 0
    for row in asked:
        if verbose:
            own = row.shown["validated"]
            print(f"{row.resolver} {row.question}: unbound {row.unbound}, "
                  f"delv {row.delv[0]} ({row.delv[1]}), own {own['status']} ({own['reason']})")
        if wrong := row.violations():
            failed += 1
            print(f"WRONG {row.resolver} {row.question}: {'; '.join(wrong)}")
    passed = len(asked) - failed
    for resolver in (VALIDATING, PLAIN):
        failed += not figures(resolver, [row for row in asked if row.resolver == resolver])
    failed += delv_differences([row for row in asked if row.resolver == PLAIN])
    return passed, failed


def figures(resolver: str, asked: list[Row]) -> bool:
    """Print how often danecheck says what unbound says; whether often enough."""
    words = Counter(row.unbound for row in asked)
    kind = "validating" if resolver == VALIDATING else "plain"
    print(f"\nbehind the {kind} resolver {resolver}: {len(asked)} lookups")
    print("  unbound says:", ", ".join(f"{word} {count}" for word, count in words.most_common()))
    same = sum(row.shown["resolver"]["status"] == row.answer.status for row in asked)
    print(f"  resolver's view as dig's: {same}")
    own = Counter(row.shown["validated"]["status"] == row.unbound for row in asked)
    untold = [row for row in asked if row.shown["validated"]["status"] == "indeterminate"]
    share = 100 * len(untold) / len(asked)
    print(f"  own validation as unbound's: {own[True]}; indeterminate: {len(untold)} ({share:.1f} %)")
    for reason, count in Counter(row.shown["validated"]["reason"] for row in untold).most_common():
        print(f"    {count:3}  {reason}")
    if share >= TOO_MANY:
        print(f"WRONG {resolver}: indeterminate on {TOO_MANY} % or more")
    return share < TOO_MANY


def delv_differences(asked: list[Row]) -> int:
    """Print where delv and unbound differ; how many of these are not known, or no longer so."""
    differing = [row for row in asked if row.delv[0] != row.unbound]
    own = [row.shown["validated"]["status"] for row in asked]
    agreeing = sum(row.delv[0] == word for row, word in zip(asked, own))
    print(f"\ndelv: {len(asked)} lookups, as unbound {len(asked) - len(differing)}, "
          f"as danecheck's own validation {agreeing}")
    unknown = [row for row in differing if not any(known.fits(row) for known in DIFFERENCES)]
    for known in DIFFERENCES:
        count = sum(known.fits(row) for row in differing)
        print(f"  {count:3}  unbound {known.unbound}, delv {known.delv}: {known.why}")
        if not count:
            print("WRONG no lookup differs so any longer")
    for row in unknown:
        print(f"WRONG {row.question}: unbound {row.unbound}, delv {row.delv}")
    gone = [known for known in DIFFERENCES if not any(known.fits(row) for row in differing)]
    return len(unknown) + len(gone)
