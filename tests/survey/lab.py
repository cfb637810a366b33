"""A survey by Spark, on servers that count their clients."""

import argparse
import collections
import csv
import ctypes
import glob
import gzip
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import pyarrow
from pyarrow import parquet
from servers import ROOT, Checks, Servers

DAY, WEEK_LATER = "2026-01-01", "2026-01-08"
# The connections to one address at once that danecheck allows by default.
PER_HOST = 2
PR_SET_CHILD_SUBREAPER = 36


def strip(value):
    """A report without what a clock or a cache decides."""
    if isinstance(value, dict):
        left_out = ("ttl", "checked_at", "judged_at")
        return {key: strip(one) for key, one in value.items() if key not in left_out}
    if isinstance(value, list):
        return [strip(one) for one in value]
    return value


class Survey:
    """One survey by Spark. Those of several days have one output."""

    def __init__(self, servers, binary, folder, master, partitions, day=DAY):
        self.servers, self.binary, self.folder = servers, binary, pathlib.Path(folder)
        self.master, self.partitions, self.day = master, partitions, day
        self.output = self.folder / "survey"
        self.domains = self.folder / "domains.txt"
        self.more = []

    def command(self):
        dns = " ".join(self.servers.options)
        # What runs for seconds is not worth the work of the second compiler.
        java = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC" if self.master.startswith("local[") else "-XX:+UseSerialGC"
        return [
            pathlib.Path(sys.prefix) / "bin/spark-submit",
            *("--master", self.master, "--files", self.binary, "--driver-java-options", java),
            *("--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=4"),
            *("--driver-memory", "1g"),
            ROOT / "contrib/survey/survey.py",
            *(self.domains, self.output, "--day", self.day, "--danecheck", pathlib.Path(self.binary).name),
            *("--partitions", str(self.partitions), "--host-partitions", str(self.partitions)),
            *(f"--dns-options={dns}", "--hosts-options=--allow-private"),
            *self.more,
        ]

    def start(self):
        log = open(self.folder / "spark.log", "ab")
        surroundings = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        return subprocess.Popen(
            list(map(str, self.command())), stdout=log, stderr=log, env=surroundings, start_new_session=True
        )

    def run(self):
        begun, used = time.monotonic(), processors()
        status = self.start().wait()
        if status != 0:
            sys.exit(f"spark-submit: {(self.folder / 'spark.log').read_text(errors='replace')[-4000:]}")
        used = processors() - used
        print(f"     {self.master} took {time.monotonic() - begun:.0f} s, {used:.0f} s of processors", flush=True)

    def parts(self, step):
        return sorted(glob.glob(str(self.output / f"day={self.day}" / step / "part-*")))

    def lines(self, step):
        return [line for part in self.parts(step) for line in read(part)]

    def wanted(self):
        """How many sessions each address has to have."""
        needs = {json.dumps(need, sort_keys=True) for line in self.lines("dns") for need in line.get("needs", [])}
        return collections.Counter(json.loads(need)["address"] for need in needs)


def processors():
    """Seconds of a processor of all that ended. Spark leaves its children alone."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            break
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def read(part):
    with gzip.open(part, "rt") as file:
        return [json.loads(line) for line in file]


def bulk(servers, binary, domains):
    """The reports of one run."""
    command = [binary, "--json", *servers.options, "-"]
    with open(domains) as stdin:
        done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def same_reports(checks, survey, expected):
    got = survey.lines("reports")
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


def polite(checks, met, wanted):
    """One connection for each ClientHello to each address, never more at once than allowed."""
    other = {address: seen for address, seen in met.items() if seen[0] != wanted[address] or seen[1] > 1}
    checks.hold(f"each of {len(met)} addresses met one connection for each ClientHello, {wanted.total()} in all", not other, other)
    crowd = {address: seen for address, seen in met.items() if seen[2] > PER_HOST}
    checks.hold(f"no address had more than {PER_HOST} clients at once", not crowd, crowd)


def broken_off(checks, survey, expected):
    """An executor and the driver are killed in the middle."""
    shutil.rmtree(survey.output)
    before = survey.servers.met()
    driver = survey.start()
    kill_executor(survey, driver, "hosts")
    done = len(survey.parts("hosts"))
    wait_for(lambda: len(survey.parts("hosts")) > done, driver)
    # The executors see by themselves that they are alone.
    driver.kill()
    driver.wait()
    wait_for(lambda: not alive(driver.pid))
    whole = set(survey.parts("hosts"))
    print(f"     driver killed with {len(whole)} of {survey.partitions} partitions of hosts done")
    checks.hold("the driver died in the middle", len(whole) < survey.partitions, len(whole))
    finished = addresses(whole)
    middle = survey.servers.met()

    driver = survey.start()
    kill_executor(survey, driver, "reports")
    checks.hold("the second driver ends well", driver.wait() == 0)
    after = survey.servers.met()
    again = {address for address in finished if after[address][0] > middle[address][0]}
    checks.hold("no address of a finished partition is met again", not again, sorted(again)[:5])
    wanted = survey.wanted()
    # At most with the first executor, with the second one, and once more.
    often = {a: after[a] for a in after if not wanted[a] <= after[a][0] - before[a][0] <= 3 * wanted[a]}
    checks.hold("the others are met within the limits", not often, often)
    crowd = {address: seen for address, seen in after.items() if seen[2] > PER_HOST}
    checks.hold(f"no address had more than {PER_HOST} clients at once", not crowd, crowd)
    lost = [a for a in after if after[a][0] - before[a][0] > wanted[a]]
    print(f"     {len(lost)} of {len(after)} addresses were met more than once for a ClientHello")
    same_reports(checks, survey, expected)


def kill_executor(survey, driver, step):
    """Kills one of two executors when the first partition of a step is there."""
    wait_for(lambda: survey.parts(step), driver)
    executors = subprocess.run(
        ["pgrep", "-g", str(driver.pid), "-f", "CoarseGrainedExecutorBackend"], capture_output=True, text=True
    )
    victim = int(executors.stdout.split()[0])
    os.kill(victim, signal.SIGKILL)
    print(f"     an executor killed with {len(survey.parts(step))} of {survey.partitions} partitions of {step} done")


def alive(group):
    processors()
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(fact, process=None):
    while not fact():
        if process is not None and process.poll() is not None:
            sys.exit("spark-submit ended too early")
        time.sleep(0.02)


def addresses(parts):
    return {line["address"] for part in parts for line in read(part)}


def half_is_none(checks, folder):
    """Rows that break off, as those of an executor that dies, make no partition."""
    sys.path.insert(0, str(ROOT / "contrib/survey"))
    import survey

    store = survey.Store(survey.located(str(folder / "half")))
    threading.excepthook = lambda _: None
    for rows, whole in ((["a", "b"], set()), (["a", "b", None], {0})):
        batches = iter([pyarrow.RecordBatch.from_pydict({"line": rows})])
        try:
            survey.through(["cat"], survey.until_end(batches), store, "dns", 0)
        except RuntimeError:
            pass
        kept = store.whole("dns")
        checks.hold(f"rows {rows} make partitions {whole or 'none'}", kept == whole, kept)
    threading.excepthook = threading.__excepthook__


def goes_on(checks, survey, expected):
    """What is missing is done again, here from a table."""
    table = survey.folder / "domains.csv"
    with open(table, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([["rank", "domain"], *enumerate(survey.domains.read_text().splitlines())])
    survey.domains = table
    before = survey.servers.met()
    for part in survey.parts("dns")[:1] + survey.parts("hosts")[:1] + survey.parts("reports"):
        os.remove(part)
    kept = addresses(survey.parts("hosts"))
    survey.run()
    after = survey.servers.met()
    met = {address for address in after if after[address][0] > before[address][0]}
    checks.hold("a survey that goes on meets only what is missing", met and not met & kept, sorted(met & kept))
    same_reports(checks, survey, expected)


def week_later(checks, survey, expected):
    """The next survey: some are no longer in the list, and some opted out."""
    # Domains whose host is good, so that a change shows.
    good = [it["target"] for it in expected if it["verdict"] == "dane-ok"]
    needs = {line["target"]: line["needs"] for line in survey.lines("dns")}
    names = {target: next(need["server_name"] for need in needs[target] if need["server_name"]) for target in good}
    by_name, by_address = names[good[0]], needs[next(it for it in good if names[it] != names[good[0]])][0]["address"]
    left_alone = {target for target in good if names[target] == by_name or needs[target][0]["address"] == by_address}
    alone = next(target for target in good if target not in left_alone)
    opt_out = survey.folder / "opt-out.txt"
    opt_out.write_text(f"# by mail\n*.{alone.split(':')[0]}\n{by_name}\n{by_address}/32\n")
    gone = [target for target in good if target not in left_alone and target != alone][:9]
    table = survey.folder / "domains.parquet"
    names = [it for it in survey.servers.verdicts if it not in gone]
    parquet.write_table(pyarrow.table({"name": names}), table)

    later = Survey(survey.servers, survey.binary, survey.folder, survey.master, survey.partitions, WEEK_LATER)
    later.domains, later.more = table, ["--column", "name", "--opt-out", opt_out]
    before = survey.servers.met()
    later.run()
    after = survey.servers.met()
    met = {address for address in after if after[address][0] > before[address][0]}
    quiet = {by_address, *(need["address"] for need in needs[good[0]])}
    checks.hold("those who opted out are not met", not met & quiet and len(met) == len(after) - len(quiet), met & quiet)
    verdicts = {it["target"]: it.get("verdict") for it in later.lines("reports")}
    known = {it: verdict for it, verdict in survey.servers.verdicts.items() if it not in gone}
    known |= dict.fromkeys(left_alone, "indeterminate") | {alone: None}
    wrong = {it: (known.get(it), verdicts.get(it)) for it in known | verdicts if known.get(it) != verdicts.get(it)}
    checks.hold("the reports say so", not wrong, dict(list(wrong.items())[:5]))
    unread = (later.output / f"day={WEEK_LATER}" / "unread").glob("part-*")
    unread = [json.loads(line) for part in unread for line in part.read_text().splitlines()]
    checks.hold("and what is no report stands aside", [it["target"] for it in unread] == [alone], unread)
    return len(left_alone), len(gone) + 1


def answers(checks, survey, folder, changed):
    """The queries and their pictures."""
    command = [sys.executable, ROOT / "contrib/survey/queries.py", survey.output / "parquet", folder]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    print(done.stdout)
    checks.hold("the queries answer", done.returncode == 0, done.stderr[-2000:])
    drawn = sorted(path.name for path in folder.glob("*.png"))
    checks.hold("and draw", drawn == ["broken.png", "changes.png", "providers.png"], drawn)
    rows = [" ".join(line.split()[-3:]) for line in done.stdout.splitlines()]
    opted_out, gone = changed
    counted = f"dane-ok indeterminate {opted_out}" in rows and f"in it) {gone}" in rows
    checks.hold("and say what changed", counted, changed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--domains", type=int, default=500)
    parser.add_argument("--hosts", type=int, default=60)
    parser.add_argument("--cluster", action="store_true", help="two executors, which are killed in the middle")
    parser.add_argument("--binary", default=str(ROOT / "target/release/danecheck"))
    parser.add_argument("--keep", help="folder that keeps what came out")
    options = parser.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    master = "local-cluster[2,1,1024]" if options.cluster else "local[2]"
    checks = Checks()
    # The orphans of Spark are children of this process.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    servers = Servers(options.domains, options.hosts)
    try:
        with tempfile.TemporaryDirectory(prefix="danecheck-survey-") as folder:
            survey = Survey(servers, binary, folder, master, partitions=12 if options.cluster else 2)
            targets = [*servers.verdicts, "not a domain", "# a comment"]
            survey.domains.write_text("\n".join(targets) + "\n")
            print(f"     {options.domains} domains on {options.hosts} hosts")
            survey.run()
            polite(checks, servers.met(), survey.wanted())
            expected = bulk(servers, binary, survey.domains)
            same_reports(checks, survey, expected)
            if options.cluster:
                broken_off(checks, survey, expected)
            else:
                half_is_none(checks, survey.folder)
                goes_on(checks, survey, expected)
                changed = week_later(checks, survey, expected)
                answers(checks, survey, pathlib.Path(folder) / "pictures", changed)
            if options.keep:
                shutil.copytree(folder, options.keep, dirs_exist_ok=True)
    finally:
        servers.end()
    print(f"     {processors():.0f} s of processors, with those of the servers")
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
