"""The servers of a survey, and what counts the checks."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Servers:
    """The servers of tests/survey/surveyed.rs."""

    def __init__(self, domains, hosts, *more):
        program = ROOT / "target/debug/examples/surveyed"
        self.process = subprocess.Popen(
            [program, str(domains), str(hosts), *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        lines = iter(self.process.stdout.readline, "\n")
        self.options = next(lines).split()
        self.verdicts = dict(reversed(line.split()) for line in lines)

    def met(self):
        """Of each address: connections, those with a server name, most at once."""
        self.process.stdin.write("met\n")
        self.process.stdin.flush()
        lines = iter(self.process.stdout.readline, "\n")
        return {line.split()[0]: tuple(map(int, line.split()[1:])) for line in lines}

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def hold(self, what, fact, why=""):
        if fact:
            self.passed += 1
        else:
            self.failed += 1
        print(f"{'ok  ' if fact else 'FAIL'} {what}{'' if fact else f': {why}'}", flush=True)
