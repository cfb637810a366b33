"""What the three steps need of memory: ten times as many lines need no more.

    tests/survey/run --memory [--lines N] [--binary FILE]

Each step answers N lines and a tenth of them. `dns` is asked about 5,000 domains on 250
hosts again and again, and about lines that are none. The other steps read what came out.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import threading

from servers import ROOT, Checks, Servers

# Of the peak of a tenth of the lines.
LIMIT = 1.25
# Some of a hundred lines that no step can read.
WRONG = ["not a domain", '{"half":', "word " * 200]


def answers(command, lines, keep=None):
    """How many lines come out for `lines`, and the peak of memory in MB."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed():
        for line in lines:
            process.stdin.write(line)
        process.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    count = 0
    for line in process.stdout:
        count += 1
        if keep is not None:
            keep.append(line)
    feeder.join()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return count, usage.ru_maxrss / 1024


def main(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--binary", default=str(ROOT / "target/release/danecheck"))
    options = parser.parse_args(arguments)
    checks = Checks()
    servers = Servers(5000, 250)
    try:
        given = [f"{line}\n".encode() for line in [*servers.verdicts, *WRONG * 15]]
        for step, more in [("dns", servers.options), ("hosts", ["--allow-private"]), ("judge", [])]:
            command = [options.binary, "survey", step, *more]
            out = []
            answers(command, given, out)
            peaks = []
            for count in (options.lines // 10, options.lines):
                answered, peak = answers(command, itertools.islice(itertools.cycle(given), count))
                checks.hold(f"{step}: {count} lines have {answered} answers", answered == count)
                peaks.append(peak)
            less, more_lines = peaks
            checks.hold(
                f"{step}: {more_lines:.0f} MB at most, for a tenth {less:.0f} MB", more_lines <= LIMIT * less
            )
            given = out
    finally:
        servers.end()
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
