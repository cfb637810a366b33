"""Every crafted answer in danecheck's three positions, beside unbound and delv."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from liar import ADDRESS, Liar, Table, entry
from oracles import Delv
from servers.nameservers import Nameservers, wait_until

from . import aliases, combinations, denials, honest, signatures
from . import wire as w
from .cases import Case, Cases
from .judges import BEHIND, CHECKING, UNBOUND, UNCHECKING, Compared, Lookups, Question, Unbound, Verdict, compare, key

POSITIONS = {ADDRESS: "at the liar", UNCHECKING: "behind unbound without validator", CHECKING: "behind unbound"}
AT_LEAST, HONEST_AT_LEAST = 300, 60


@dataclass(frozen=True)
class Stricter:
    """Answers that danecheck calls bogus and unbound accepts, and why."""

    # The cases, as in a shell: kind and what it is about.
    patterns: tuple[str, ...]
    why: str

    def fits(self, row: "Row") -> bool:
        """Whether this is about that case."""
        return any(fnmatch(row.title, pattern) for pattern in self.patterns)


# At most five. An entry that no case fits any longer fails the run.
STRICTER = [
    Stricter(
        (
            "the response code is changed; an alias and its target, NXDOMAIN",
            "the response code is changed; a DNAME, NXDOMAIN",
            "the response code is changed; *: x.wct TLSA, NXDOMAIN",
            "the response code is changed; *: _25._tcp.alias TLSA, NXDOMAIN",
        ),
        "an alias, its target, and NXDOMAIN: unbound asks for the target anew, whatever the code; Postfix "
        "at this resolver takes it for a denial",
    ),
    Stricter(
        ("DNAME answered by *: the alias under a true DNAME leads to it", "the alias under a signed DNAME; *"),
        "unbound makes the alias under a DNAME itself and asks on; Postfix at this resolver follows the "
        "alias that stands there",
    ),
    Stricter(
        (
            "?NAME answered by own zone; *denies the target of a true *",
            "the response code is changed; an alias alone, NXDOMAIN",
        ),
        "a denial of the alias's target that proves nothing: unbound asks for the target anew; Postfix at "
        "this resolver takes it for a denial",
    ),
    Stricter(
        (
            "half a proof; opt-out: NXDOMAIN without signatures",
            "NODATA under opt-out; NXDOMAIN without signatures",
        ),
        "a denial without signatures to which a validating unbound adds, from its cache, all but that of the "
        "SOA; unbound refuses the same bytes if it is asked to judge them",
    ),
]


@dataclass
class Lab:
    """The liar, and all who judge what it says."""

    cases: Cases
    unbuilt: list[str]
    liar: Liar
    unbound: Unbound
    # Before the one without validator, which may pass on less than the liar says,
    # or ask for more.
    behind: Unbound
    lookups: Lookups
    anchor: Path

    def stop(self) -> None:
        """End what is no server of the system."""
        self.lookups.stop()
        self.liar.stop()


def start(directory: Path, children: list, program: Path) -> Lab:
    """Make the cases, and start who asks and who answers."""
    directory.mkdir()
    cases = Cases()
    unbuilt = combinations.build(cases)
    for kinds in (aliases, denials, signatures, honest):
        kinds.build(cases)
    anchor = directory / "root.ds"
    ds = cases.keyring.root.ds(())
    anchor.write_text(f". IN DS {int.from_bytes(ds[:2], 'big')} {ds[2]} {ds[3]} {ds[4:].hex()}\n")
    for case in cases.cases:
        # Signed here, so that nobody waits for it while the clock of a resolver runs.
        for zone in (case.family.own, case.family.parent, case.family.stranger):
            for rtype in (w.DS, w.DNSKEY):
                cases.universe.answer(zone.apex, rtype)
    liar = Liar(cases.universe.answer, table(cases.cases))
    controls = [directory / "checking.control", directory / "behind.control"]
    servers = Nameservers(directory, children, ("ns.lab.", ADDRESS), anchor)
    servers.unbound(CHECKING, more=UNBOUND, forward=ADDRESS, control=controls[0])
    servers.unbound(BEHIND, more=UNBOUND, forward=UNCHECKING, control=controls[1])
    servers.unbound(UNCHECKING, modules="iterator", more=UNBOUND, forward=ADDRESS)
    wait_until(CHECKING, "lab.", "secure")
    wait_until(UNCHECKING, "lab.", "insecure")
    wait_until(BEHIND, "lab.", "secure")
    judges = Unbound(CHECKING, controls[0]), Unbound(BEHIND, controls[1])
    return Lab(cases, unbuilt, liar, *judges, Lookups(program, anchor), anchor)


def table(cases: list[Case]) -> Table:
    """What the liar says beside the truth."""
    return {
        entry(*question): message.encode()
        for case in cases for question, message in case.table().items()
    }


@dataclass
class Row:
    """One case, and what everybody says of it."""

    case: Case
    # unbound's of what the liar says, and of what a resolver passes on.
    verdict: Verdict
    passed_on: Verdict
    delv: tuple[str, str]
    shown: dict[str, dict]

    def compared(self) -> dict[str, Compared]:
        """By position."""
        compared = {
            address: compare(
                self.shown[address], self.at(address), self.case.message if address == ADDRESS else None,
            )
            for address in POSITIONS
        }
        # Who withholds the answer does not accept it.
        compared[CHECKING].stricter &= self.verdict.status in ("secure", "insecure")
        return compared

    def at(self, position: str) -> Verdict:
        """What unbound says of the data that danecheck gets there."""
        return self.verdict if position == ADDRESS else self.passed_on

    @property
    def title(self) -> str:
        """Kind and what it is about."""
        return f"{self.case.kind}; {self.case.about}"


def judged(lab: Lab, *, verbose: bool) -> list[Row]:
    """Ask everybody everything."""
    cases = lab.cases.cases
    questions = [case.question for case in cases]
    begin = time.monotonic()
    verdicts, passed_on = both(lab, questions)
    print(f"  unbound: {time.monotonic() - begin:.1f} s", flush=True)
    begin = time.monotonic()
    shown: dict[tuple, dict] = {}
    for address in POSITIONS:
        shown |= lab.lookups.ask([(address, question) for question in questions])
    print(f"  danecheck, three times: {time.monotonic() - begin:.1f} s", flush=True)
    begin = time.monotonic()
    delv = Delv(lab.anchor)
    with ThreadPoolExecutor(4) as pool:
        words = list(pool.map(lambda one: delv.ask(w.text(one[0]), w.NAMES[one[1]], ADDRESS), questions))
    print(f"  delv: {time.monotonic() - begin:.1f} s", flush=True)
    rows = [
        Row(
            case, verdicts[case.question], passed_on[case.question], word,
            {address: shown[address, case.question] for address in POSITIONS},
        )
        for case, word in zip(cases, words, strict=True)
    ]
    again(lab, [row for row in rows if any(one.wrong or one.stricter for one in row.compared().values())])
    if verbose:
        for row in rows:
            print(f"{row.title}: {said(row)}")
    return rows


def both(lab: Lab, questions: list[Question]) -> tuple[dict[Question, Verdict], dict[Question, Verdict]]:
    """unbound's verdicts in both places."""
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda unbound: unbound.judge(questions), (lab.unbound, lab.behind))
        return first, second


def again(lab: Lab, rows: list[Row]) -> None:
    """Ask once more, so that no lost datagram of a busy machine is called a fault."""
    lab.unbound.flush()
    lab.behind.flush()
    verdicts, passed_on = both(lab, [row.case.question for row in rows])
    shown = lab.lookups.ask([(address, row.case.question) for row in rows for address in POSITIONS])
    for row in rows:
        row.verdict, row.passed_on = verdicts[row.case.question], passed_on[row.case.question]
        row.shown = {address: shown[address, row.case.question] for address in POSITIONS}


def said(row: Row) -> str:
    """All verdicts."""
    own = [
        f"{where} {row.shown[address]['validated']['status']} ({row.shown[address]['validated']['reason']})"
        for address, where in POSITIONS.items()
    ]
    theirs = f"unbound {row.verdict.status}, behind another {row.passed_on.status}"
    return f"{theirs}, delv {row.delv[0]} ({row.delv[1]}), danecheck {', '.join(own)}"


def check(lab: Lab, *, verbose: bool) -> tuple[list[Row], int, int]:
    """Judge all cases; the rows, and how many passed and failed."""
    print(f"\n{len(lab.cases.cases)} crafted answers of {len({case.kind for case in lab.cases.cases})} kinds, "
          f"{sum(case.honest for case in lab.cases.cases)} of them honest; not built:")
    for words in lab.unbuilt:
        print(f"  {words}")
    rows = judged(lab, verbose=verbose)
    failed = 0
    fitting: Counter[Stricter] = Counter()
    kinds: Counter[str] = Counter()
    for row in rows:
        bad = []
        for address, one in row.compared().items():
            if one.wrong:
                bad.append(f"{POSITIONS[address]}: {one.wrong}")
            elif one.stricter:
                known = next((known for known in STRICTER if known.fits(row)), None)
                if known:
                    fitting[known] += 1
                else:
                    bad.append(f"{POSITIONS[address]}: bogus, which unbound accepts")
        if bad:
            failed += 1
            kinds[row.case.kind] += 1
            print(f"WRONG {row.title}: {key(row.case.question)}")
            for words in bad:
                print(f"      {words}")
            print(f"      {said(row)}")
            for question, message in row.case.table().items():
                print("\n".join(f"      | {line}" for line in str(message).splitlines()))
    passed = len(rows) - failed
    figures(rows, kinds)
    print("bogus, which unbound accepts, and why:")
    for known in STRICTER:
        print(f"  {fitting[known]:3}  {known.why}")
        if not fitting[known]:
            failed += 1
            print("WRONG nothing of this kind is bogus any longer that unbound accepts")
    honest_ones = sum(row.case.honest for row in rows)
    if len(rows) < AT_LEAST or honest_ones < HONEST_AT_LEAST or len(STRICTER) > 5:
        failed += 1
        print("WRONG too few cases, or too many exceptions")
    return rows, passed, failed


def figures(rows: list[Row], kinds: Counter[str]) -> None:
    """Print how often who says what."""
    words = Counter(row.verdict.status for row in rows)
    print("\nunbound says:", ", ".join(f"{word} {count}" for word, count in words.most_common()))
    for address, where in POSITIONS.items():
        pairs = Counter(
            (row.shown[address]["validated"]["status"], row.at(address).status) for row in rows
        )
        same = sum(count for (own, theirs), count in pairs.items() if own == theirs)
        print(f"danecheck {where}: as unbound {same}")
        for (own, theirs), count in sorted(pairs.items()):
            if own != theirs:
                print(f"  {count:3}  {own}, unbound {theirs}")
        reasons = Counter(
            row.shown[address]["validated"]["reason"] for row in rows
            if row.shown[address]["validated"]["status"] == "indeterminate"
        )
        for reason, count in reasons.most_common():
            print(f"  {count:3}  cannot tell: {reason}")
    pairs = Counter((row.verdict.status, row.delv[0]) for row in rows)
    print(f"delv at the liar: as unbound {sum(c for (one, other), c in pairs.items() if one == other)}")
    for (theirs, word), count in sorted(pairs.items()):
        if theirs != word:
            print(f"  {count:3}  {word}, unbound {theirs}")
    if kinds:
        print("wrong, by kind:")
        for kind, count in kinds.most_common():
            print(f"  {count:3}  {kind}")
