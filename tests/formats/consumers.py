"""Replays every recorded scenario in every format, and lets each format's own
consumer read what comes out."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped

FIXTURES = Path(__file__).resolve().parent.parent.parent / "fixtures" / "postfix"
STATUS = re.compile(r"DANE (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+ \| (.+)")
# 'label'=value[UOM];[warn];[crit];[min];[max]
PERFDATUM = re.compile(r"[^\s=']+=-?[\d.]+(s|%|B|c)?(;[\d.:~@-]*){0,4}")
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
COMMAND = re.compile(r"::(error|warning|notice) title=[^:,\r\n]+::.+")


def run(binary: str, saved: Path, *options: str) -> tuple[str, int]:
    """Output and status of one replay."""
    done = subprocess.run(
        [binary, "--replay", str(saved), *options], capture_output=True, text=True, check=False
    )
    assert not done.stderr, done.stderr
    return done.stdout, done.returncode


def prometheus(text: str, promtool: str) -> int:
    """promtool reads it and has nothing to say; the number of targets in it."""
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return len(set(re.findall(r'^danecheck_status\{target="([^"]+)"', text, re.M)))


def junit(text: str) -> int:
    """junitparser reads it, and its counts are those of the cases."""
    document = JUnitXml.fromstring(text.encode())
    suites = list(document)
    for suite in suites:
        results = [result for case in suite for result in case.result]
        counts = [
            sum(isinstance(result, kind) for result in results) for kind in (Failure, Error, Skipped)
        ]
        assert [suite.failures, suite.errors, suite.skipped] == counts, suite.name
        assert suite.tests == sum(1 for _ in suite) > 0, suite.name
    return len(suites)


def nagios(text: str, status: int) -> int:
    """One status line by the plugin guidelines; no bar in the long output."""
    first, _, rest = text.partition("\n")
    found = STATUS.fullmatch(first)
    assert found, first[:200]
    assert WORDS[status] == found[1], (status, first[:80])
    for datum in found[2].split():
        assert PERFDATUM.fullmatch(datum), datum
    assert "|" not in rest
    return int(re.search(r"targets=(\d+)", first)[1])


def github(text: str) -> int:
    """Each line is a workflow command; one for each target comes first."""
    lines = text.splitlines()
    for line in lines:
        assert COMMAND.fullmatch(line), line
    return sum("title=danecheck " in line for line in lines)


def markdown(text: str) -> int:
    """A heading for each target; no line of a table with another width."""
    for line in text.splitlines():
        if line.startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line)) - 1
            assert cells in (2, 3), line
    return sum(line.startswith("## ") for line in text.splitlines())


def main() -> int:
    """The figures; 1 where a consumer refuses."""
    binary, promtool = sys.argv[1:]
    fixtures = [json.loads(path.read_text()) for path in sorted(FIXTURES.glob("*.json"))]
    targets = len({fixture["target"] for fixture in fixtures})
    failed = passed = 0
    with tempfile.TemporaryDirectory() as directory:
        everything = Path(directory) / "all"
        everything.write_text("".join(json.dumps(f["observation"]) + "\n" for f in fixtures))
        consumers = {
            "json": lambda text, _: len([json.loads(line) for line in text.splitlines()]),
            "nagios": nagios,
            "prometheus": lambda text, _: prometheus(text, promtool),
            "junit": lambda text, _: junit(text),
            "github": lambda text, _: github(text),
            "markdown": lambda text, _: markdown(text),
        }
        for name, consume in consumers.items():
            try:
                text, status = run(binary, everything, "--format", name)
                wanted = targets if name == "prometheus" else len(fixtures)
                got = consume(text, status)
                assert got == wanted, f"{got} targets of {wanted}"
                # And each of the first few alone, where the words differ.
                for number, fixture in enumerate(fixtures[:40]):
                    one = Path(directory) / str(number)
                    one.write_text(json.dumps(fixture["observation"]) + "\n")
                    text, status = run(binary, one, "--format", name)
                    assert consume(text, status) == 1, fixture["scenario"]
            except Exception as error:  # noqa: BLE001 - any refusal is a failure to count
                print(f"{name}: {type(error).__name__}: {error}")
                failed += 1
            else:
                print(f"{name}: read back, {wanted} targets, {len(text)} bytes for the last")
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
