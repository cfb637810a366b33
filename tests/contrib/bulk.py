"""The commands of docs/bulk.md do what is said of them: each is taken from the
guide itself and run by GNU split, GNU parallel and jq, with the real program
on domains whose verdicts are known."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from servers.turns import take_turns

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = ROOT / "docs/bulk.md"
# From here on the guide is about the benchmark, which the gate runs by itself.
BENCHMARK = "How fast it is"
# Lines of a part: the guide's are too many for a test.
PART = ("split -l 5000 ", "split -l 100 ")
MACHINES = ["mail1", "mail2"]
PATIENCE = 120

# Stands for ssh: a machine is a folder, and everything else is real. As sshd
# does, it says which shell is used there: parallel's own part asks for it.
SSH = """#!/bin/bash
machine=$1
shift
[ "$1" != -- ] || shift
cd "$MACHINES_OF_TEST/$machine" || exit 255
export SHELL=/bin/bash
exec bash -c "$*"
"""

# Which process this is, for the test to stop it, and the way to the servers.
DANECHECK = """#!/bin/sh
echo $$ > pid
exec {binary} {options} "$@"
"""


class Bulk:
    def __init__(self, binary: str, scratch: Path) -> None:
        self.scratch = scratch
        self.blocks = blocks(GUIDE.read_text())
        self.run_so_far: set[str] = set()
        self.started: list[subprocess.Popen] = []
        self.ground = subprocess.Popen(
            ["cargo", "run", "--quiet", "--example", "ground"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        options = self.ground.stdout.readline().strip()
        assert "--resolver" in options, options
        said = iter(self.ground.stdout.readline, "\n")
        self.verdicts = {target: verdict for verdict, target in map(str.split, said)}
        assert len(self.verdicts) == 600
        again = next(iter(self.verdicts))
        self.lines = ["# all of ours", *self.verdicts, "", again, "not a domain"]
        self.verdicts["not a domain"] = "indeterminate"
        self.targets = sorted([*self.verdicts, again])
        bin_folder = scratch / "bin"
        bin_folder.mkdir()
        for name, text in [
            ("danecheck", DANECHECK.format(binary=binary, options=options)),
            ("ssh", SSH),
        ]:
            (bin_folder / name).write_text(text)
            (bin_folder / name).chmod(0o755)

    def end(self) -> None:
        # Where a check failed, what it began may go on.
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        self.ground.stdin.close()
        self.ground.wait(timeout=PATIENCE)

    def command(self, section: str, word: str) -> str:
        """The command of this section of the guide that has this word."""
        found = [it for it in self.blocks[section] if word in it]
        assert len(found) == 1, (section, word, found)
        self.run_so_far.add(found[0])
        return found[0]

    def folder(self, name: str) -> Path:
        """A folder to work in, with the list."""
        folder = self.scratch / name
        folder.mkdir()
        (folder / "domains").write_text("\n".join(self.lines) + "\n")
        return folder

    def start(self, command: str, folder: Path) -> subprocess.Popen:
        process = subprocess.Popen(
            # One that fails in the middle of a pipe shall not go unseen.
            ["bash", "-o", "pipefail", "-c", command],
            cwd=folder, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            # Nothing else of where the test runs may matter.
            env={
                "PATH": f"{self.scratch}/bin:{os.environ['PATH']}",
                "HOME": str(self.scratch),
                "LC_ALL": "C.UTF-8",
                "PARALLEL_SSH": f"{self.scratch}/bin/ssh",
                "MACHINES_OF_TEST": str(folder),
            },
        )
        self.started.append(process)
        return process

    def shell(self, command: str, folder: Path, statuses: tuple[int, ...] = (0,)) -> str:
        process = self.start(command, folder)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode in statuses, (command, process.returncode, out, err)
        assert "error:" not in err and "Error" not in err, (command, err)
        return out

    def split(self, folder: Path) -> str:
        """Splits the list; returns the command for the parts."""
        split = self.command("A million domains on some machines", "split ")
        assert PART[0] in split, split
        self.shell(split.replace(*PART), folder)
        assert len(list(folder.glob("part-*"))) == 7, list(folder.iterdir())
        return self.command("A million domains on some machines", "parallel ")

    def assert_each_has_one(self, files: list[Path]) -> None:
        reports = [json.loads(line) for path in files for line in path.open()]
        assert sorted(it["target"] for it in reports) == self.targets, len(reports)
        for report in reports:
            assert report["verdict"] == self.verdicts[report["target"]], report

    def missing(self, files: list[Path]) -> list[str]:
        left = Counter(self.targets)
        left.subtract(json.loads(line)["target"] for path in files for line in path.open())
        return sorted(left.elements())

    def no_report_yet(self, folder: Path) -> list[str]:
        command = self.command("A million domains on some machines", "comm ")
        return self.shell(command, folder).splitlines()

    # Each of the following is one check.

    def a_run_that_was_killed_goes_on(self) -> None:
        folder = self.folder("one")
        first = self.command("Many domains in one run", "danecheck --json -")
        process = self.start(first, folder)
        reports = folder / "reports.jsonl"
        wait(process, lambda: reports.exists() and lines(reports) > 100)
        kill(folder, signal.SIGKILL)
        process.wait(timeout=PATIENCE)
        # As a power cut may leave it.
        whole = reports.read_bytes()
        had = lines(reports)
        assert 100 < had < len(self.targets), had
        reports.write_bytes(whole + whole[:1000])
        resume = self.command("Stop and resume", "--resume reports.jsonl")
        self.shell(resume, folder, statuses=(2,))
        self.assert_each_has_one([reports])
        assert reports.read_bytes().startswith(whole)
        # And once more, when there is nothing to do.
        self.shell(resume, folder)
        self.assert_each_has_one([reports])

    def nothing_is_lost_on_a_full_disk(self) -> None:
        folder = self.folder("full")
        command = self.command("Stop and resume", "--resume reports.jsonl")
        command = command.replace("--resume", "--save seen.jsonl --resume")
        size = 500
        disk = folder / "disk"
        disk.mkdir()
        mount("-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(disk))
        try:
            (disk / "domains").write_text((folder / "domains").read_text())
            full = 0
            while True:
                process = self.start(command, disk)
                _, err = process.communicate(timeout=PATIENCE)
                if process.returncode != 3:
                    break
                assert re.search("(seen.jsonl:|standard output) cannot be written", err), err
                full += 1
                size += 900
                mount("-o", f"remount,size={size}k", str(disk))
            # The status is about what the last round looked at.
            assert process.returncode in (0, 2) and full > 3, (process.returncode, full, err)
            reports = disk / "reports.jsonl"
            self.assert_each_has_one([reports])
            replay = "danecheck --json --replay seen.jsonl"
            replayed = self.shell(replay, disk, statuses=(2,)).splitlines()
            judged = [line for line in reports.read_text().splitlines() if "not a domain" not in line]
            assert sorted(replayed) == sorted(judged), (len(replayed), len(judged))
        finally:
            subprocess.run(["umount", str(disk)], check=True)

    def parts_on_this_machine_go_on_after_a_power_cut(self) -> None:
        folder = self.folder("here")
        parallel = self.split(folder)
        (folder / "machines").write_text(":\n")
        process = self.start(parallel, folder)
        third = folder / "part-ac.jsonl"
        wait(process, lambda: third.exists() and lines(third) > 0)
        os.killpg(process.pid, signal.SIGKILL)
        kill(folder, signal.SIGKILL)
        process.wait(timeout=PATIENCE)
        parts = sorted(folder.glob("*.jsonl"))
        missing = self.missing(parts)
        assert len(parts) == 3 and 300 < len(missing) < 500, (parts, len(missing))
        assert self.no_report_yet(folder) == missing
        before = third.read_bytes()
        self.shell(parallel, folder)
        parts = sorted(folder.glob("*.jsonl"))
        assert len(parts) == 7
        self.assert_each_has_one(parts)
        assert third.read_bytes().startswith(before)
        assert self.no_report_yet(folder) == []
        assert [row["Exitval"] for row in log(folder)] == ["0"] * 7, log(folder)
        # What is complete is not touched again.
        seen = [(path.stat().st_mtime_ns, path.stat().st_size) for path in parts]
        self.shell(parallel, folder)
        assert seen == [(path.stat().st_mtime_ns, path.stat().st_size) for path in parts]

    def a_part_that_was_interrupted_goes_on_on_any_machine(self) -> None:
        folder = self.folder("machines-of-one-room")
        parallel = self.split(folder)
        (folder / "machines").write_text("".join(f"{it}\n" for it in MACHINES))
        for machine in MACHINES:
            (folder / machine).mkdir()
        process = self.start(parallel, folder)
        first = folder / MACHINES[0]
        wait(process, lambda: any(lines(path) > 0 for path in first.glob("*.jsonl")))
        kill(first, signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
        assert "danecheck: interrupted: " in err, (out, err)
        assert process.returncode == 1, (process.returncode, err)
        rows = log(folder)
        failed = [row for row in rows if row["Exitval"] != "0"]
        assert len(rows) == 7 and len(failed) == 1, rows
        assert {row["Host"] for row in rows} == set(MACHINES), rows
        part = folder / re.search(r"part-\w+\.jsonl", failed[0]["Command"])[0]
        parts = sorted(folder.glob("*.jsonl"))
        missing = self.missing(parts)
        # One line of the list is a comment.
        given = len(re.findall("^[^#\n]", part.with_suffix(".txt").read_text(), re.M))
        assert len(parts) == 7 and len(missing) == given - lines(part) > 0, (given, missing)
        assert self.no_report_yet(folder) == missing
        before = part.read_bytes()
        assert before
        # Now the other one has to do it.
        (folder / "machines").write_text(f"{MACHINES[1]}\n")
        self.shell(parallel, folder)
        self.assert_each_has_one(parts)
        assert part.read_bytes().startswith(before)
        assert len(log(folder)) == 8 and log(folder)[7]["Host"] == MACHINES[1], log(folder)
        for machine in MACHINES:
            left = [path.name for path in (folder / machine).iterdir()]
            assert left == ["pid"], left

    def the_pieces_add_up(self) -> None:
        section = "A million domains on some machines"
        folder = self.scratch / "here"
        counted = counts(self.shell(self.command(section, "jq -r .verdict"), folder))
        # One of those that are in order comes twice.
        assert counted == [
            (571, "dane-ok"),
            (18, "dane-broken"),
            (6, "no-dane"),
            (6, "undeliverable"),
            (1, "indeterminate"),
        ], counted
        waits = self.shell(self.command(section, "select("), folder).splitlines()
        broken = {target for target, verdict in self.verdicts.items() if verdict == "dane-broken"}
        expected = {f"{target}\tServer certificate not verified" for target in broken}
        assert len(waits) == 18 and set(waits) == expected, waits
        counted = counts(self.shell(self.command(section, ".findings[].id"), folder))
        assert counted == [
            (18, "tlsa-mismatch"),
            (6, "no-tlsa"),
            (6, "null-mx"),
            (1, "invalid-target"),
        ], counted

    def no_command_of_the_guide_was_left_out(self) -> None:
        every = {command for commands in self.blocks.values() for command in commands}
        assert len(every) == 8, every
        assert every == self.run_so_far, every - self.run_so_far


def blocks(text: str) -> dict[str, list[str]]:
    """The commands of each section of the guide, before the benchmark."""
    found: dict[str, list[str]] = {}
    section = ""
    open_ended = False
    for line in text.splitlines():
        if heading := re.fullmatch("#+ (.+)", line):
            section = heading[1]
            if section == BENCHMARK:
                return found
        elif line.startswith("    ") and not line.startswith("    # "):
            commands = found.setdefault(section, [])
            if open_ended:
                commands[-1] += "\n" + line[4:]
            else:
                commands.append(line[4:])
            open_ended = line.endswith("\\")
    raise AssertionError(f"the guide has no section {BENCHMARK}")


def counts(text: str) -> list[tuple[int, str]]:
    """What `uniq -c` has written."""
    pairs = map(str.split, text.splitlines())
    found = [(int(count), name) for count, name in pairs]
    # Which of those with the same count comes first is nobody's claim.
    assert found == sorted(found, key=lambda it: -it[0]), found
    return sorted(found, key=lambda it: (-it[0], it[1]))


def log(folder: Path) -> list[dict[str, str]]:
    """The rows of parallel's log."""
    head, *rows = [line.split("\t") for line in (folder / "log").read_text().splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def kill(folder: Path, number: signal.Signals) -> None:
    """Sends a signal to the danecheck that runs in this folder."""
    os.kill(int((folder / "pid").read_text()), number)


def wait(process: subprocess.Popen, until) -> None:
    """Waits until a process has come so far."""
    end = time.monotonic() + PATIENCE
    while not until():
        assert process.poll() is None, ("it ended before its time", process.stderr.read())
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.005)


# In this order: the pieces that add up are those of the second.
CHECKS = [
    Bulk.a_run_that_was_killed_goes_on,
    Bulk.nothing_is_lost_on_a_full_disk,
    Bulk.parts_on_this_machine_go_on_after_a_power_cut,
    Bulk.a_part_that_was_interrupted_goes_on_on_any_machine,
    Bulk.the_pieces_add_up,
    Bulk.no_command_of_the_guide_was_left_out,
]


def main() -> int:
    (binary,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        bulk = Bulk(os.path.realpath(binary), Path(scratch))
        try:
            return take_turns(bulk, CHECKS)
        finally:
            bulk.end()


sys.exit(main())
