"""The lab: builds a small internet, lets Postfix and danecheck loose on it, compares.

Called by `run`, inside the namespaces that `run` makes.
"""

import argparse
import itertools
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import checker
import compare
import fixtures
import lines
import mailservers
import nameservers
import policies as policy_servers
import senders
from certificates import STRANGERS, Mint
from conclusion import KNOWN, conclude
import drawn
import drawn_dialogues
from model import LEVELS, Placed, Scenario
from releases import NAMES, WHOLE, Release
from scenarios import collect
from sender import Client, Message, Outcome, outcome
from servers.nameservers import stop
from zones import Zones

HERE = Path(__file__).resolve().parent
NO_PIN = ":".join(["00"] * 32)


# So many times the draws of a scenario, where chance seems to be against it.
MORE_DRAWS = 4

# So many messages on their way: with more, the first attempt may come too late.
MAIL_AT_ONCE = 10_000


def arguments() -> argparse.Namespace:
    """The command line; `run` adds --directory."""
    parser = argparse.ArgumentParser(prog="tests/postfix/run")
    parser.add_argument("--binary", type=Path, default=HERE.parent.parent / "target/release/danecheck")
    parser.add_argument("--measure-only", action="store_true", help="run no danecheck")
    parser.add_argument("--only", action="append", metavar="SCENARIO", help="may be repeated")
    parser.add_argument("--release", choices=NAMES, help="Debian's, whose Postfix sends")
    parser.add_argument(
        "--of-sender",
        choices=[kind.name for kind in senders.KINDS],
        help="the cases of this sender alone, and their scenarios",
    )
    parser.add_argument("--draw", type=int, metavar="COUNT", help="scenarios by lot instead")
    parser.add_argument("--dialogues", action="store_true", help="draw what servers say")
    parser.add_argument("--seed", type=int, default=1, metavar="NUMBER", help="for what is drawn")
    parser.add_argument(
        "--lines", type=int, metavar="COUNT", help="so many policy lines by lot for each scenario"
    )
    parser.add_argument(
        "--scenarios", type=int, metavar="COUNT", help="so many of the scenarios, by lot"
    )
    parser.add_argument("--record", action="store_true", help="write the fixtures anew")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep configuration and logs")
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--exim", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--newer", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tools", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.dialogues and not options.draw:
        parser.error("say how many: --draw COUNT")
    if options.draw and options.record:
        parser.error("what was drawn is not recorded: make a scenario of it")
    if options.scenarios and not options.lines:
        parser.error("--scenarios goes with --lines")
    if options.of_sender and (options.only or options.draw or options.record):
        parser.error("--of-sender goes neither with --only nor with --draw nor with --record")
    options.only = sorted(senders.scenarios_of(options.of_sender)) if options.of_sender else options.only
    return options


def chosen(options: argparse.Namespace) -> list[Scenario]:
    """The scenarios to run; a name that is not there is an error."""
    draw = drawn_dialogues.draw if options.dialogues else drawn.draw
    everything = draw(options.seed, options.draw) if options.draw else collect()
    only = options.only
    names = [scenario.name for scenario in everything]
    if len(names) != len(set(names)):
        raise SystemExit("two scenarios have the same name")
    if unknown := set(only or []) - set(names):
        raise SystemExit(f"no such scenario: {', '.join(sorted(unknown))}")
    chosen = [scenario for scenario in everything if not only or scenario.name in only]
    return lines.some_of(chosen, options.seed, options.scenarios) if options.scenarios else chosen


def messages(
    scenario: Scenario, entries: dict[str, tuple[str, str]], draws: range
) -> list[Message]:
    """One message for each draw at each level and with each proposed entry."""
    return [
        Message(f"{transport}.{number}@{scenario.name}.measure", transport, scenario.next_hop)
        for transport in (*LEVELS, *entries)
        for number in draws
    ]


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
    scenarios = chosen(options)
    if not options.measure_only and not options.binary.is_file():
        raise SystemExit(f"{options.binary}: no such program; build it, or --measure-only")
    directory: Path = options.directory
    children: list[subprocess.Popen] = []
    seen: dict[str, Outcome] = {}
    done: dict[str, list[Message]] = {}
    measured: dict[str, compare.Measured] = {}
    runs: list[senders.Run] = []
    clock = Clock()
    mint = Mint(directory / "certificates")
    ca_file = directory / "ca.pem"
    ca_file.write_text(mint.trusted_root.pem.read_text())
    placed = mailservers.place(scenarios, mint)
    everywhere = [one for group in placed.values() for one in group]
    clock.done(f"{len(mint.made)} certificates for {len(everywhere)} addresses")
    zones = Zones(directory / "zones", scenarios, placed, mint.authority(STRANGERS[0]))
    anchor = zones.sign()
    clock.done(f"{len(zones.files)} zones")
    release = Release(options.release or WHOLE, options.root, options.tools)
    print(release, flush=True)
    newer = Release("trixie", options.newer)
    client = Client(directory / "client", ca_file, release=release)
    logs = directory / "logs"
    logs.mkdir()
    try:
        nameservers.start(zones, scenarios, anchor, logs, children)
        mailservers.start(directory, options.exim, everywhere, mint, children, newer)
        policy_servers.serve_policies(directory / "policies", mint, senders.policies())
        clock.done("name servers, resolver, mail servers")
        if options.lines:
            return of_lines(options, scenarios, placed, client, (anchor, ca_file), clock)
        answers = {}
        if not options.measure_only:
            answers = checker.check_all(
                *(options.binary.resolve(), scenarios, anchor, ca_file, directory / "saved"),
                release.postfix() if release.root else None,
            )
            clock.done(f"danecheck on {len(scenarios)} next hops")
        entries = {
            s.name: checker.entries(answers[s.name].report) if answers else {} for s in scenarios
        }
        batch = {s.name: messages(s, entries[s.name], range(s.repeat)) for s in scenarios}
        more = {
            s.name: messages(s, entries[s.name], range(s.repeat, s.repeat * MORE_DRAWS))
            for s in scenarios
            if s.repeat > 1
        }
        client.policies = policies(scenarios, placed, entries)
        runs = of_senders(options, scenarios, client, anchor, ca_file) if answers else []
        mail_of_senders = [message for run in runs for message in run.messages()]
        measured_mail = [m for part in (batch, more) for group in part.values() for m in group]
        client.start([*measured_mail, *mail_of_senders])

        def measure(parts: dict[str, list[Message]]) -> None:
            # One level after the other, so that no mail server meets all of them at once.
            mail = [m for row in itertools.zip_longest(*parts.values()) for m in row if m]
            for first in range(0, len(mail), MAIL_AT_ONCE):
                part = mail[first : first + MAIL_AT_ONCE]
                client.send(part)
                attempts = client.wait(part)
                in_tls = mailservers.received_in_tls(directory)
                for m in part:
                    seen[m.recipient] = outcome(m.recipient, attempts[m.recipient], in_tls)
            for s in scenarios:
                if part := parts.get(s.name):
                    done[s.name] = done.get(s.name, []) + part
                    measured[s.name] = gather(done[s.name], entries[s.name], seen)
            clock.done(f"{len(mail)} messages through Postfix")

        measure(batch)
        if runs:
            client.send(mail_of_senders)
            attempts = client.wait(mail_of_senders)
            in_tls = mailservers.received_in_tls(directory)
            for m in mail_of_senders:
                seen[m.recipient] = outcome(m.recipient, attempts[m.recipient], in_tls)
            clock.done(f"{len(mail_of_senders)} messages of other senders")
        # A few draws may miss the weakest lot: who seems wrong gets many more.
        unlucky = [
            s
            for s in scenarios
            if s.name in more and answers and not compare.agrees(s, measured[s.name], answers[s.name])
        ]
        if unlucky:
            print(f"  more draws for {', '.join(s.name for s in unlucky)}")
            measure({s.name: more[s.name] for s in unlucky})
    finally:
        client.stop()
        mailservers.stop(directory, newer)
        stop(children)
    if options.record and answers:
        fixtures.write(scenarios, measured, answers, release, everything=not options.only)
    known = compare.divergences(KNOWN, release.name)
    differing = [(run, senders.complaints(run, seen, known)) for run in runs]
    for _run, texts in differing:
        for text in texts:
            print(f"DIFFERS {text}")
    failed = sum(bool(texts) for _run, texts in differing)
    if runs:
        print(senders.summary([run.case for run in runs], failed))
    status = conclude(
        *(scenarios, measured, answers, release),
        everything=not options.only,
        drawn=bool(options.draw),
    )
    return 1 if failed else status


def of_lines(
    options: argparse.Namespace,
    scenarios: list[Scenario],
    placed: dict[str, list[Placed]],
    client: Client,
    trust: tuple[Path, Path],
    clock: Clock,
) -> int:
    """Policy lines by lot, instead of the levels."""
    tables = lines.draw(scenarios, placed, options.seed, options.lines)
    mail = lines.messages(scenarios, tables)
    directory = client.directory.parent
    client.policies = tables
    client.start(mail)
    anchor, ca_file = trust
    look = ("--allow-private", "--resolver", nameservers.RESOLVER, "--trust-anchor", str(anchor))
    look += ("--ca-file", str(ca_file))
    look += ("--postfix-version", client.release.postfix())
    said = lines.examine(options.binary.resolve(), tables, look, directory)
    clock.done(f"danecheck on {len(mail)} policy lines")
    seen = {}
    # One line of each scenario after the other, so that none is measured late.
    for transport in tables:
        part = [m for m in mail if m.transport == transport]
        client.send(part)
        attempts = client.wait(part)
        in_tls = mailservers.received_in_tls(directory)
        for m in part:
            seen[m.recipient] = outcome(m.recipient, attempts[m.recipient], in_tls)
        clock.done(f"{len(part)} messages through Postfix")
    return 1 if lines.compare(scenarios, tables, said, seen) else 0


def of_senders(
    options: argparse.Namespace,
    scenarios: list[Scenario],
    client: Client,
    anchor: Path,
    ca_file: Path,
) -> list[senders.Run]:
    """danecheck on the cases of other senders; their tables, and the service."""
    cases = senders.chosen(scenarios, options.of_sender)
    by_name = {scenario.name: scenario for scenario in scenarios}
    next_hops = {name: scenario.next_hop for name, scenario in by_name.items()}
    policy_servers.serve_answers(senders.answers_of_service(cases, next_hops))
    configured = client.directory.parent / "senders"
    configured.mkdir()
    for transport, table in senders.own_tables(cases).items():
        write_table(configured / f"policy-{transport}", table)
    for kind in senders.KINDS:
        senders.config_directory(configured, kind, client.main())
    look = ("--allow-private", "--resolver", nameservers.RESOLVER, "--trust-anchor", str(anchor))
    look += ("--ca-file", str(ca_file))
    binary = options.binary.resolve()
    with ThreadPoolExecutor(checker.AT_ONCE) as pool:
        asked = pool.map(
            lambda case: senders.ask(
                binary, case, by_name[case.scenario], look, configured, client.release
            ),
            cases,
        )
        answers = list(asked)
    runs = [
        senders.Run(case, next_hops[case.scenario], answer, senders.proposed(answer.report, case))
        for case, answer in zip(cases, answers)
    ]
    for kind in senders.KINDS:
        for what in ("entry", "stricter"):
            lines = {
                run.next_hop: run.lines[what]
                for run in runs
                if run.case.kind == kind and what in run.lines
            }
            write_table(configured / f"policy-{kind.name}-{what}", lines)
    client.others = senders.services(configured)
    return runs


def write_table(path: Path, table: dict[str, str]) -> None:
    """A table as `texthash` reads it."""
    path.write_text("".join(f"{key} {value}\n" for key, value in table.items()))


def gather(
    batch: list[Message], lines: dict[str, tuple[str, str]], seen: dict[str, Outcome]
) -> compare.Measured:
    """The outcomes of one scenario, by level and by policy line."""
    outcomes: dict[str, list[Outcome]] = {level: [] for level in LEVELS}
    entries: dict[str, list[Outcome]] = {}
    for message in batch:
        where = outcomes if message.transport in LEVELS else entries
        where.setdefault(message.transport, []).append(seen[message.recipient])
    return compare.Measured(outcomes, entries, lines)


if __name__ == "__main__":
    sys.exit(main())
