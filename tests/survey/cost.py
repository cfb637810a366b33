"""What the three steps cost beside one run, in processor time; the length of their lines,
and their bytes on the line.

    tests/survey/run --cost [--domains N] [--shared-hosts N] [--rounds N] [--binary FILE]

Domains with hosts of their own, and as many on a few hosts; each is its own signed zone.
Each round has one run and one pipe over the same servers; the median counts. It is in a
network of its own, and counts the bytes of IP there.
"""

import argparse
import gzip
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from servers import ROOT, Checks, Servers

# For domains with hosts of their own, and on shared hosts.
LIMITS = {"own": 1.2, "shared": 2.0}


def spent(commands, folder, stdin):
    """Seconds of a processor of each program of a pipe. What each writes stays in `folder`."""
    processes = []
    source = open(stdin, "rb")
    for number, command in enumerate(commands):
        last = number + 1 == len(commands)
        sink = open(folder / "reports.jsonl", "wb") if last else subprocess.PIPE
        process = subprocess.Popen(command, stdin=source, stdout=sink)
        source.close()
        source = sink if last else process.stdout
        processes.append(process)
    source.close()
    seconds = []
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds.append(usage.ru_utime + usage.ru_stime)
    return seconds


def lines(binary, servers, folder, domains):
    """Of each step: bytes of its lines, of the same with gzip, and of its packets."""
    stdin, sizes = domains, {}
    for step, options in steps(servers):
        out = folder / f"{step}.jsonl"
        before = on_the_line()
        with open(stdin) as source, open(out, "wb") as sink:
            subprocess.run([binary, "survey", step, *options], stdin=source, stdout=sink, check=True)
        packets = on_the_line() - before
        sizes[step] = (out.stat().st_size, len(gzip.compress(out.read_bytes(), 1)), packets)
        stdin = out
    return sizes


def on_the_line():
    """Bytes that went through the loopback interface so far, once each."""
    for line in pathlib.Path("/proc/net/dev").read_text().splitlines():
        if line.strip().startswith("lo:"):
            return int(line.split()[1])
    return 0


def steps(servers):
    return [("dns", servers.options), ("hosts", ["--allow-private"]), ("judge", [])]


def measure(checks, binary, domains, hosts, rounds, kind):
    servers = Servers(domains, hosts, "own-zones")
    try:
        with tempfile.TemporaryDirectory(prefix="danecheck-cost-") as folder:
            folder = pathlib.Path(folder)
            names = folder / "domains.txt"
            names.write_text("\n".join(servers.verdicts) + "\n")
            bulk = [[binary, "--json", *servers.options, "-"]]
            pipe = [[binary, "survey", step, *options] for step, options in steps(servers)]
            spent(bulk, folder, names)
            one, three = [], []
            for _ in range(rounds):
                one.append(spent(bulk, folder, names)[0])
                three.append(spent(pipe, folder, names))
            sizes = lines(binary, servers, folder, names)
    finally:
        servers.end()
    whole = statistics.median(one)
    parts = [statistics.median(round[step] for round in three) for step in range(3)]
    ratio = statistics.median(sum(round) for round in three) / whole
    per_domain = [f"{1000 * seconds / domains:.2f}" for seconds in (whole, *parts)]
    print(f"     {domains} domains on {hosts} hosts, ms of a processor for each: one run {per_domain[0]}, "
          f"dns {per_domain[1]}, hosts {per_domain[2]}, judge {per_domain[3]}")
    for step, size in sizes.items():
        plain, packed, packets = (each / domains for each in size)
        print(f"     {step}, bytes for each domain: {plain:.0f} of JSON Lines, {packed:.0f} with gzip, {packets:.0f} on the line")
    limit = LIMITS[kind]
    checks.hold(f"{kind}: the three steps cost {ratio:.2f} of one run, at most {limit}", ratio <= limit)


def main(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("--domains", type=int, default=1000)
    parser.add_argument("--shared-hosts", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--binary", default=str(ROOT / "target/release/danecheck"))
    options = parser.parse_args(arguments)
    checks = Checks()
    measure(checks, options.binary, options.domains, options.domains, options.rounds, "own")
    measure(checks, options.binary, options.domains, options.shared_hosts, options.rounds, "shared")
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
