"""danecheck's DNSSEC on real servers: both views of many lookups, the findings
about resolvers and zones in every state, and answers that somebody forged.

Called by `run`, inside the namespaces that `run` makes.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import findings
import views
from forgeries import check, mutations, whole
from servers.nameservers import Nameservers, stop, wait_until
from tree import COPY_SERVER, TOP_SERVER, ZONE_SERVER, Tree

ROOT = Path(__file__).resolve().parent.parent.parent
# What one of them needs, all of its kind need.
ON_TREE, ON_FORGERIES = ("lookups", "findings"), ("forgeries", "mutations")
Counts = tuple[int, int]


def arguments() -> argparse.Namespace:
    """The command line; `run` adds --directory."""
    parser = argparse.ArgumentParser(prog="tests/dns/run")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/danecheck")
    parser.add_argument("--lookups", type=Path, default=ROOT / "target/debug/examples/lookups",
                        help="the program of lookups.rs; built anew where it is not given")
    parser.add_argument("--verbose", action="store_true", help="print every lookup")
    parser.add_argument("--only", choices=[*ON_TREE, *ON_FORGERIES], help="one part")
    parser.add_argument("--mutations", type=int, default=1000, metavar="N", help="mutated answers")
    parser.add_argument("--seed", type=int, default=15, metavar="S", help="of the mutations")
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    for program in (options.binary, options.lookups):
        if not program.is_file():
            raise SystemExit(f"{program}: no such program; build it")
    options.binary, options.lookups = options.binary.resolve(), options.lookups.resolve()
    return options


def start(tree: Tree, servers: Nameservers) -> None:
    """NSD twice, unbound twice, and the forwarders before zones that misbehave."""
    for address in (TOP_SERVER, ZONE_SERVER):
        servers.nsd(address, [(z.name, z.path) for z in tree.all if z.server == address])
    copies = [z for z in tree.all if "ns-copy.lab." in z.servers]
    servers.nsd(COPY_SERVER, [(z.name, z.copy_path) for z in copies])
    servers.forwarders(tree.forwarders)
    servers.unbound(views.VALIDATING, more=views.UNBOUND)
    servers.unbound(views.PLAIN, modules="iterator", more=views.UNBOUND)
    wait_until(views.VALIDATING, "lab.", "secure")
    wait_until(views.PLAIN, "lab.", "insecure")


def timed(part: str, run: Callable[[], Counts]) -> Counts:
    """What a part counts, and how long it takes."""
    begin = time.monotonic()
    counts = run()
    print(f"{part}: {time.monotonic() - begin:.0f} s", flush=True)
    return counts


def on_tree(options: argparse.Namespace, children: list[subprocess.Popen]) -> list[Counts]:
    """What the signed tree is for."""
    begin = time.monotonic()
    tree = Tree(options.directory)
    print(f"{len(tree.all)} zones, signed in {time.monotonic() - begin:.0f} s")
    servers = Nameservers(options.directory, children, ("ns-top.lab.", TOP_SERVER), tree.anchor)
    start(tree, servers)
    return [
        timed(part, lambda run=run: run(options.binary, tree, servers, verbose=options.verbose))
        for part, run in zip(ON_TREE, (views.compare, findings.check), strict=True)
        if options.only in (None, part)
    ]


def on_forgeries(options: argparse.Namespace, children: list[subprocess.Popen]) -> list[Counts]:
    """What the lying name server is for."""
    begin = time.monotonic()
    lab = check.start(options.directory / "forgeries", children, options.lookups)
    print(f"crafted in {time.monotonic() - begin:.0f} s", flush=True)
    counts = []
    try:
        if options.only in (None, "forgeries"):
            rows, *judged = check.check(lab, verbose=options.verbose)
            counts.append((judged[0], judged[1]))
            counts.append(timed("whole checks", lambda: whole.check(options.binary, lab, rows)))
            print(f"forgeries: {time.monotonic() - begin:.0f} s")
        if options.only in (None, "mutations"):
            counts.append(timed("mutations", lambda: mutations.check(lab, options.mutations, options.seed)))
    finally:
        lab.stop()
    return counts


def main() -> int:
    """Build, ask, compare; the exit status says whether all is as it should be."""
    options = arguments()
    children: list[subprocess.Popen] = []
    counts: list[Counts] = []
    try:
        if options.only in (None, *ON_TREE):
            counts += on_tree(options, children)
        if options.only in (None, *ON_FORGERIES):
            counts += on_forgeries(options, children)
    finally:
        stop(children)
    failed = sum(bad for _, bad in counts)
    print(f"\n{sum(good for good, _ in counts)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
