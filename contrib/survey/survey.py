#!/usr/bin/env python3
"""A survey of many domains by Apache Spark and danecheck.

    spark-submit --master 'local[*]' --files danecheck survey.py domains.txt survey/

reads the domains of domains.txt (text, CSV or Parquet; one file, a folder or a
pattern) and writes, below survey/:

    day=YYYY-MM-DD/dns/       what DNS says of each domain
    day=YYYY-MM-DD/hosts/     the sessions with each address
    day=YYYY-MM-DD/reports/   the reports, as JSON Lines
    day=YYYY-MM-DD/unread/    lines that are no domain, or could not be read
    parquet/day=YYYY-MM-DD/   the reports as Parquet, for queries.py

Needs are shuffled by address between `survey dns` and `survey hosts`: one process
alone connects to an address, so its limits are those of the whole survey.

Each partition of a step is a file that appears when it is whole. A survey that is
run again does only the partitions that are missing. See docs/survey.md.
"""

import argparse
import ctypes
import datetime
import gzip
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import zlib

from pyarrow import fs as arrow_fs
from pyspark import SparkFiles
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

NEED = T.StructType(
    [
        T.StructField("address", T.StringType()),
        T.StructField("port", T.IntegerType()),
        T.StructField("server_name", T.StringType()),
        T.StructField("client_hello", T.StringType()),
    ]
)
TARGET = T.StructType(
    [
        T.StructField("target", T.StringType()),
        T.StructField("needs", T.ArrayType(NEED)),
        T.StructField("error", T.StringType()),
    ]
)
# What the queries read of a report; the whole report stands beside it.
REPORT = T.StructType(
    [
        T.StructField("target", T.StringType()),
        T.StructField("verdict", T.StringType()),
        T.StructField("checked_at", T.StringType()),
        T.StructField("opted_out", T.BooleanType()),
        T.StructField("error", T.StringType()),
        T.StructField(
            "mx",
            T.StructType(
                [
                    T.StructField(
                        "records",
                        T.ArrayType(T.StructType([T.StructField("host", T.StringType())])),
                    )
                ]
            ),
        ),
        T.StructField("hosts", T.ArrayType(T.StructType([T.StructField("name", T.StringType())]))),
        T.StructField(
            "findings",
            T.ArrayType(
                T.StructType(
                    [
                        T.StructField("id", T.StringType()),
                        T.StructField("severity", T.StringType()),
                    ]
                )
            ),
        ),
    ]
)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("domains", help="text (one domain a line), CSV or Parquet")
    parser.add_argument("output", help="folder of the survey, on a file system that all executors share")
    parser.add_argument("--column", default="domain", help="column of CSV or Parquet (default: domain)")
    parser.add_argument("--day", default=datetime.date.today().isoformat(), help="name of this survey (default: today)")
    parser.add_argument("--danecheck", default="danecheck", help="the program: a name given to --files, else a path")
    parser.add_argument("--partitions", type=int, default=64, help="partitions of the domains, and of the reports")
    parser.add_argument("--host-partitions", type=int, default=64, help="partitions of the addresses")
    parser.add_argument("--dns-options", default="", help="options of `danecheck survey dns`, as --dns-options='--resolver 192.0.2.1'")
    parser.add_argument("--hosts-options", default="", help="options of `danecheck survey hosts`")
    parser.add_argument("--judge-options", default="", help="options of `danecheck survey judge`")
    return parser.parse_args()


class Store:
    """The files of one survey, on any file system that Arrow knows."""

    def __init__(self, uri):
        self.uri = uri

    def _open(self):
        uri = self.uri if "://" in self.uri else os.path.abspath(self.uri)
        return arrow_fs.FileSystem.from_uri(uri)

    def whole(self, step):
        """The partitions of a step that are there."""
        files, root = self._open()
        found = files.get_file_info(arrow_fs.FileSelector(f"{root}/{step}", allow_not_found=True))
        names = (re.fullmatch(r"part-(\d+)\.jsonl\.gz", info.base_name) for info in found)
        return {int(name.group(1)) for name in names if name}

    def put(self, step, partition, local):
        """Lets a partition appear at once and whole."""
        files, root = self._open()
        files.create_dir(f"{root}/{step}", recursive=True)
        attempt = f"{root}/{step}/_{partition:05}-{os.getpid()}-{threading.get_ident()}"
        with open(local, "rb") as source, files.open_output_stream(attempt, compression=None) as sink:
            shutil.copyfileobj(source, sink)
        files.move(attempt, f"{root}/{step}/part-{partition:05}.jsonl.gz")


def with_parent():
    """A program that is left alone would go on connecting beside its successor."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def program(name):
    """The program: shipped by --files, else a path of this machine."""
    shipped = SparkFiles.get(os.path.basename(name))
    if not os.path.exists(shipped):
        return name
    if os.access(shipped, os.X_OK):
        return shipped
    private = os.path.join(tempfile.gettempdir(), f"danecheck-{os.getuid()}-{os.path.getmtime(shipped):.0f}")
    if not os.path.exists(private):
        made = f"{private}.{os.getpid()}"
        shutil.copyfile(shipped, made)
        os.chmod(made, stat.S_IRWXU)
        os.rename(made, private)
    return private


def through(command, lines, store, step, partition):
    """Puts the lines of a partition through a filter, and what comes out into the store."""
    with tempfile.TemporaryDirectory(prefix="survey-") as folder:
        path = os.path.join(folder, "out.jsonl.gz")
        answers = 0
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=with_parent
        )

        def feed():
            try:
                for line in lines:
                    process.stdin.write(line.encode() + b"\n")
                process.stdin.close()
            except BrokenPipeError:
                pass
            except BaseException:
                # Half of the lines must not look like all of them.
                process.kill()
                raise

        feeder = threading.Thread(target=feed)
        feeder.start()
        with gzip.open(path, "wb", compresslevel=1) as out:
            for line in process.stdout:
                out.write(line)
                answers += 1
        feeder.join()
        status = process.wait()
        if status != 0:
            raise RuntimeError(f"{' '.join(command)} ended with status {status}")
        store.put(step, partition, path)
    return answers


def run_step(keyed, count, command, store, step, danecheck, in_order=False):
    """One step over the partitions that are missing. `keyed` is an RDD of
    (partition, line)."""
    whole = store.whole(step)
    missing = [number for number in range(count) if number not in whole]
    if not missing:
        return 0
    places = {number: place for place, number in enumerate(missing)}

    def work(place, pairs):
        partition = missing[place]
        lines = (line for _, line in pairs)
        if in_order:
            lines = sorted(lines)
        full = [program(danecheck)] + command
        yield through(full, lines, store, step, partition)

    # Partition N of the shuffle is the N-th one that is missing.
    pairs = keyed.filter(lambda pair: pair[0] in places)
    pairs = pairs.partitionBy(len(missing), lambda key: places[key])
    return pairs.mapPartitionsWithIndex(work).sum()


def bucket(text, count):
    return zlib.crc32(text.encode()) % count


def read_domains(spark, options):
    """The lines of the input: targets, and what is none."""
    path = options.domains
    if path.endswith(".parquet") or "/parquet" in path:
        values = spark.read.parquet(path).select(F.col(options.column).cast("string"))
    elif ".csv" in path:
        values = spark.read.csv(path, header=True).select(options.column)
    else:
        values = spark.read.text(path)
    lines = values.toDF("line").withColumn("line", F.trim("line"))
    is_target = F.col("line").isNotNull() & (F.col("line") != "") & ~F.col("line").startswith("#")
    # A domain that stands twice in a list is one domain.
    return lines.filter(is_target).distinct()


def main():
    options = arguments()
    spark = SparkSession.builder.appName(f"danecheck survey {options.day}").getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    day = f"{options.output.rstrip('/')}/day={options.day}"
    store = Store(day)
    name, parts, host_parts = options.danecheck, options.partitions, options.host_partitions

    targets = read_domains(spark, options).rdd.map(lambda row: (bucket(row.line, parts), row.line))
    dns_command = ["survey", "dns", *options.dns_options.split()]
    run_step(targets, parts, dns_command, store, "dns", name)

    dns = spark.read.text(f"{day}/dns/part-*.jsonl.gz").withColumnRenamed("value", "line")
    dns = dns.withColumn("head", F.from_json("line", TARGET))
    needs = dns.select(F.explode("head.needs").alias("need")).distinct()
    needs = needs.rdd.map(lambda row: row.need.asDict()).map(
        lambda need: (bucket(need["address"], host_parts), need_line(need))
    )
    hosts_command = ["survey", "hosts", *options.hosts_options.split()]
    run_step(needs, host_parts, hosts_command, store, "hosts", name, in_order=True)

    joined = join(spark, dns, day)
    joined = joined.map(lambda pair: (bucket(pair[0], parts), pair[1]))
    judge_command = ["survey", "judge", *options.judge_options.split()]
    run_step(joined, parts, judge_command, store, "reports", name)

    publish(spark, day, options)
    spark.stop()


def need_line(need):
    """A need as `survey hosts` reads it; the address comes first, so that lines
    in order keep an address together."""
    fields = ("address", "port", "server_name", "client_hello")
    return json.dumps({field: need.get(field) for field in fields})


def join(spark, dns, day):
    """Each line of DNS with the sessions for its needs: (target, line)."""
    key = ["address", "port", "server_name", "client_hello"]
    hosts = spark.read.text(f"{day}/hosts/part-*.jsonl.gz").withColumnRenamed("value", "session")
    hosts = hosts.withColumn("need", F.from_json("session", NEED)).select("session", "need.*")
    same = [F.col(f"hosts.{field}").eqNullSafe(F.col(f"wanted.{field}")) for field in key]
    wanted = dns.select("head.target", F.explode("head.needs").alias("need")).distinct()
    wanted = wanted.select("target", "need.*")
    sessions = (
        wanted.alias("wanted")
        .join(hosts.alias("hosts"), same)
        .groupBy("wanted.target")
        .agg(F.collect_list("hosts.session").alias("sessions"))
    )
    whole = dns.select(F.col("head.target").alias("target"), "line").join(sessions, "target", "left")

    def with_sessions(row):
        line = row.line.rstrip()
        if row.sessions:
            line = f'{line[:-1]},"sessions":[{",".join(row.sessions)}]}}'
        return row.target or "", line

    return whole.rdd.map(with_sessions)


def publish(spark, day, options):
    """The reports as Parquet, and what is no report beside them."""
    lines = spark.read.text(f"{day}/reports/part-*.jsonl.gz").withColumnRenamed("value", "report")
    reports = lines.withColumn("head", F.from_json("report", REPORT))
    is_report = F.col("head.verdict").isNotNull()
    unread = reports.filter(~is_report).select("report")
    unread.write.mode("overwrite").text(f"{day}/unread")
    hosts = F.col("head.hosts.name")
    table = reports.filter(is_report).select(
        "head.target",
        "head.verdict",
        F.to_timestamp("head.checked_at").alias("checked_at"),
        hosts.alias("mx_hosts"),
        F.col("head.findings.id").alias("findings"),
        F.expr("filter(head.findings, f -> f.severity = 'error').id").alias("errors"),
        "report",
    )
    table.write.mode("overwrite").parquet(f"{options.output.rstrip('/')}/parquet/day={options.day}")
    counts = table.groupBy("verdict").count().orderBy(F.desc("count")).collect()
    for row in counts:
        print(f"{row['count']:>10}  {row['verdict']}")
    bad = unread.count()
    if bad:
        print(f"{bad:>10}  lines without a report, in {day}/unread")


if __name__ == "__main__":
    main()
