"""A survey by Spark, on servers that count their clients."""

import argparse
import collections
import glob
import gzip
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAY = "2026-01-01"


class Servers:
    """The servers of tests/survey/surveyed.rs."""

    def __init__(self, domains, hosts):
        program = ROOT / "target/debug/examples/surveyed"
        self.process = subprocess.Popen(
            [program, str(domains), str(hosts)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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


def strip(value):
    """A report without what a clock or a cache decides."""
    if isinstance(value, dict):
        left_out = ("ttl", "checked_at", "judged_at")
        return {key: strip(one) for key, one in value.items() if key not in left_out}
    if isinstance(value, list):
        return [strip(one) for one in value]
    return value


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def hold(self, what, fact, why=""):
        if fact:
            self.passed += 1
        else:
            self.failed += 1
        print(f"{'ok  ' if fact else 'FAIL'} {what}{'' if fact else f': {why}'}", flush=True)


class Survey:
    def __init__(self, servers, binary, folder, master, partitions):
        self.servers, self.binary, self.folder = servers, binary, pathlib.Path(folder)
        self.master, self.partitions = master, partitions
        self.domains = self.folder / "domains.txt"
        self.output = self.folder / "survey"
        targets = [*servers.verdicts, "not a domain", "# a comment"]
        self.domains.write_text("\n".join(targets) + "\n")

    def command(self):
        dns = " ".join(self.servers.options)
        return [
            pathlib.Path(sys.prefix) / "bin/spark-submit",
            *("--master", self.master, "--files", self.binary),
            *("--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=8"),
            *("--conf", "spark.hadoop.fs.defaultFS=file:///", "--driver-memory", "1g"),
            ROOT / "contrib/survey/survey.py",
            *(self.domains, self.output, "--day", DAY, "--danecheck", pathlib.Path(self.binary).name),
            *("--partitions", str(self.partitions), "--host-partitions", str(self.partitions)),
            *(f"--dns-options={dns}", "--hosts-options=--allow-private"),
        ]

    def start(self):
        log = open(self.folder / "spark.log", "ab")
        surroundings = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        return subprocess.Popen(
            list(map(str, self.command())), stdout=log, stderr=log, env=surroundings, start_new_session=True
        )

    def run(self):
        status = self.start().wait()
        if status != 0:
            sys.exit(f"spark-submit: {(self.folder / 'spark.log').read_text(errors='replace')[-4000:]}")

    def parts(self, step):
        return sorted(glob.glob(str(self.output / f"day={DAY}" / step / "part-*")))

    def reports(self):
        lines = []
        for part in self.parts("reports"):
            with gzip.open(part, "rt") as file:
                lines.extend(json.loads(line) for line in file)
        return lines


def bulk(servers, binary, domains):
    """The reports of one run."""
    command = [binary, "--json", *servers.options, "-"]
    with open(domains) as stdin:
        done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def same_reports(checks, survey, expected):
    got = survey.reports()
    targets = collections.Counter(report["target"] for report in got)
    doubled = [target for target, count in targets.items() if count > 1]
    checks.hold("no report is doubled", not doubled, doubled[:5])
    lost = {report["target"] for report in expected} - set(targets)
    checks.hold("no report is lost", not lost, sorted(lost)[:5])
    mine = {report["target"]: strip(report) for report in got}
    other = [it["target"] for it in expected if strip(it) != mine.get(it["target"])]
    checks.hold(f"{len(expected)} reports are those of one run", not other, describe(expected, mine, other))
    verdicts = survey.servers.verdicts
    wrong = [target for target, verdict in verdicts.items() if mine.get(target, {}).get("verdict") != verdict]
    checks.hold("each verdict is the known one", not wrong, wrong[:5])


def describe(expected, mine, other):
    if not other:
        return ""
    whole = next(strip(it) for it in expected if it["target"] == other[0])
    got = mine.get(other[0])
    keys = [key for key in whole if not got or whole[key] != got.get(key)]
    return f"{len(other)}, such as {other[0]}: {keys}"


def polite(checks, met, before=None):
    """One connection for each ClientHello to each address, never more at once than allowed."""
    extra = {
        address: seen
        for address, seen in met.items()
        if seen[0] - (before or {}).get(address, (0,))[0] > 2 or seen[1] > 1 and not before
    }
    checks.hold("each address met one connection for each ClientHello", not extra, extra)
    crowd = {address: seen for address, seen in met.items() if seen[2] > 2}
    checks.hold("no address had more than two clients at once", not crowd, crowd)


def broken_off(checks, survey, expected):
    """An executor and the driver are killed in the middle."""
    before = survey.servers.met()
    shutil.rmtree(survey.output)
    driver = survey.start()
    wait_for(lambda: len(survey.parts("hosts")) >= 1, driver)
    executors = subprocess.run(
        ["pgrep", "-g", str(driver.pid), "-f", "CoarseGrainedExecutorBackend"], capture_output=True, text=True
    )
    victims = executors.stdout.split()
    if victims:
        os.kill(int(victims[0]), signal.SIGKILL)
        print(f"     executor {victims[0]} killed with {len(survey.parts('hosts'))} partitions of hosts done")
    done = len(survey.parts("hosts"))
    wait_for(lambda: len(survey.parts("hosts")) > done, driver)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    whole = set(survey.parts("hosts"))
    print(f"     driver killed with {len(whole)} of {survey.partitions} partitions of hosts done")
    checks.hold("the driver died in the middle", len(whole) < survey.partitions, len(whole))
    finished = addresses(whole)
    middle = survey.servers.met()
    survey.run()
    after = survey.servers.met()
    again = {address for address in finished if after[address][0] > middle[address][0]}
    checks.hold("no address of a finished partition is met again", not again, sorted(again)[:5])
    polite_again = {a: after[a] for a in after if after[a][0] - before[a][0] > 6 or after[a][2] > 2}
    checks.hold("the others are met within the limits", not polite_again, polite_again)
    same_reports(checks, survey, expected)


def addresses(parts):
    found = set()
    for part in parts:
        with gzip.open(part, "rt") as file:
            found.update(json.loads(line)["address"] for line in file)
    return found


def wait_for(fact, process):
    while not fact():
        if process.poll() is not None:
            sys.exit("spark-submit ended too early")
        time.sleep(0.05)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--domains", type=int, default=500)
    parser.add_argument("--hosts", type=int, default=60)
    parser.add_argument("--cluster", action="store_true", help="two executors, which are killed in the middle")
    parser.add_argument("--binary", default=str(ROOT / "target/release/danecheck"))
    options = parser.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    master = "local-cluster[2,1,1024]" if options.cluster else "local[2]"
    checks = Checks()
    servers = Servers(options.domains, options.hosts)
    try:
        with tempfile.TemporaryDirectory(prefix="danecheck-survey-") as folder:
            survey = Survey(servers, binary, folder, master, partitions=12 if options.cluster else 4)
            begun = time.monotonic()
            survey.run()
            print(f"     {options.domains} domains on {options.hosts} hosts, {master}: {time.monotonic() - begun:.0f} s")
            first = servers.met()
            polite(checks, first)
            expected = bulk(servers, binary, survey.domains)
            same_reports(checks, survey, expected)

            alone = servers.met()
            for part in survey.parts("hosts")[:1] + survey.parts("reports"):
                os.remove(part)
            kept = addresses(survey.parts("hosts"))
            survey.run()
            again = servers.met()
            met = {address for address in again if again[address][0] > alone[address][0]}
            checks.hold("a survey that goes on meets only what is missing", met and not met & kept, sorted(met & kept))
            same_reports(checks, survey, expected)

            pictures = pathlib.Path(folder) / "pictures"
            queries = [sys.executable, ROOT / "contrib/survey/queries.py", survey.output / "parquet", pictures]
            answers = subprocess.run(list(map(str, queries)), capture_output=True, text=True, check=False)
            print(answers.stdout)
            checks.hold("the queries answer", answers.returncode == 0, answers.stderr[-2000:])
            drawn = sorted(path.name for path in pictures.glob("*.png"))
            checks.hold("and draw", drawn == ["broken.png", "providers.png"], drawn)
            if options.cluster:
                broken_off(checks, survey, expected)
    finally:
        servers.end()
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
