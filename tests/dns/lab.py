"""danecheck's DNSSEC on real servers: both views of many lookups, and the
findings about resolvers and zones in every state.

Called by `run`, inside the namespaces that `run` makes.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import findings
import views
from servers.nameservers import Nameservers, stop, wait_until
from tree import COPY_SERVER, TOP_SERVER, ZONE_SERVER, Tree

HERE = Path(__file__).resolve().parent


def arguments() -> argparse.Namespace:
    """The command line; `run` adds --directory."""
    parser = argparse.ArgumentParser(prog="tests/dns/run")
    parser.add_argument("--binary", type=Path, default=HERE.parent.parent / "target/release/danecheck")
    parser.add_argument("--verbose", action="store_true", help="print every lookup")
    parser.add_argument("--only", choices=["lookups", "findings"], help="one half")
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


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


def main() -> int:
    """Build, ask, compare; the exit status says whether all is as it should be."""
    options = arguments()
    if not options.binary.is_file():
        raise SystemExit(f"{options.binary}: no such program; build it")
    binary = options.binary.resolve()
    children: list[subprocess.Popen] = []
    passed = failed = 0
    begin = time.monotonic()
    tree = Tree(options.directory)
    print(f"{len(tree.all)} zones, signed in {time.monotonic() - begin:.0f} s")
    try:
        servers = Nameservers(options.directory, children, ("ns-top.lab.", TOP_SERVER), tree.anchor)
        start(tree, servers)
        for half, run in (("lookups", views.compare), ("findings", findings.check)):
            if options.only in (None, half):
                begin = time.monotonic()
                good, bad = run(binary, tree, servers, verbose=options.verbose)
                passed, failed = passed + good, failed + bad
                print(f"{half}: {time.monotonic() - begin:.0f} s")
    finally:
        stop(children)
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
