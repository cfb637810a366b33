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
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading

import pyarrow
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
    parser.add_argument("--format", choices=["text", "csv", "parquet"], help="of the domains (default: as their name says, else text)")
    parser.add_argument("--column", default="domain", help="column of CSV or Parquet (default: domain)")
    parser.add_argument("--day", default=datetime.date.today().isoformat(), help="name of this survey (default: today)")
    parser.add_argument("--danecheck", default="danecheck", help="the program: a name given to --files, else a path")
    parser.add_argument("--partitions", type=int, default=64, help="partitions of the domains, and of the reports")
    parser.add_argument("--host-partitions", type=int, default=64, help="partitions of the addresses")
    parser.add_argument("--opt-out", help="file of those to leave alone, on this machine")
    parser.add_argument("--dns-options", default="", help="options of `danecheck survey dns`, as --dns-options='--resolver 192.0.2.1'")
    parser.add_argument("--hosts-options", default="", help="options of `danecheck survey hosts`")
    parser.add_argument("--judge-options", default="", help="options of `danecheck survey judge`")
    return parser.parse_args()


def located(path):
    """One address of a file for Spark and for Arrow: this machine's, unless it says otherwise."""
    return path if "://" in path else f"file://{os.path.abspath(path)}"


class Store:
    """The files of one survey, on any file system that Arrow knows."""

    def __init__(self, uri):
        self.uri = uri

    def _open(self):
        # A path may have characters that an address may not.
        if self.uri.startswith("file://"):
            return arrow_fs.LocalFileSystem(), self.uri.removeprefix("file://")
        # Hadoop's name of S3.
        return arrow_fs.FileSystem.from_uri(re.sub("^s3a://", "s3://", self.uri))

    def whole(self, step):
        """The partitions of a step that are there."""
        files, root = self._open()
        found = files.get_file_info(arrow_fs.FileSelector(f"{root}/{step}", allow_not_found=True))
        names = (re.fullmatch(r"part-(\d+)\.jsonl\.gz", info.base_name) for info in found)
        return {int(name.group(1)) for name in names if name}

    def agree(self, settings):
        """Keeps what a survey was begun with, and refuses to go on with anything else."""
        files, root = self._open()
        files.create_dir(root, recursive=True)
        path = f"{root}/survey.json"
        if files.get_file_info(path).type == arrow_fs.FileType.NotFound:
            with files.open_output_stream(path) as sink:
                sink.write(json.dumps(settings).encode())
            return
        with files.open_input_stream(path) as source:
            begun = json.loads(source.read())
        if begun != settings:
            sys.exit(f"{self.uri} was begun with {begun}, not with {settings}: go on with the same, or give another --day")

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


class Shipped(str):
    """A file of the driver's machine that Spark sends to the executors."""


def shipped(argument):
    """Where such a file is here; any other argument as it is."""
    return SparkFiles.get(os.path.basename(argument)) if isinstance(argument, Shipped) else argument


def program(name):
    """The program: shipped by --files, else a path of this machine."""
    sent = SparkFiles.get(os.path.basename(name))
    if not os.path.exists(sent):
        return name
    if os.access(sent, os.X_OK):
        return sent
    private = os.path.join(tempfile.gettempdir(), f"danecheck-{os.getuid()}-{os.path.getmtime(sent):.0f}")
    if not os.path.exists(private):
        made = f"{private}.{os.getpid()}"
        shutil.copyfile(sent, made)
        os.chmod(made, stat.S_IRWXU)
        os.rename(made, private)
    if os.lstat(private).st_uid != os.getuid():
        raise RuntimeError(f"{private} belongs to somebody else")
    return private


def through(command, lines, store, step, partition):
    """Puts the lines of a partition through a filter, and what comes out into the store."""
    with tempfile.TemporaryDirectory(prefix="survey-") as folder:
        path = os.path.join(folder, "out.jsonl.gz")
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
        try:
            with gzip.open(path, "wb", compresslevel=1) as out:
                shutil.copyfileobj(process.stdout, out, 1 << 20)
        except BaseException:
            process.kill()
            raise
        finally:
            feeder.join()
            status = process.wait()
        if status != 0:
            raise RuntimeError(f"{' '.join(command)} ended with status {status}")
        store.put(step, partition, path)


def until_end(batches):
    """The lines up to the row without one, which ends the partition. An executor that
    dies looks like the end of its rows."""
    for batch in batches:
        for line in batch.column("line").to_pylist():
            if line is None:
                return
            yield line
    raise RuntimeError("the rows of the partition broke off")


def run_step(lines, count, command, store, step, danecheck, order=()):
    """One step over the partitions that are missing. `lines` has the columns
    `partition` and `line`."""
    whole = store.whole(step)
    missing = [number for number in range(count) if number not in whole]
    if not missing:
        return
    # Partition N of the shuffle is the N-th one that is missing.
    places = lines.sparkSession.createDataFrame(list(enumerate(missing)), "place int, partition int")
    ends = places.withColumn("line", F.lit(None).cast("string"))
    rows = lines.join(F.broadcast(places), "partition").unionByName(ends)
    rows = rows.repartitionById(len(missing), "place")
    rows = rows.sortWithinPartitions(F.col("line").isNull(), *order)

    def work(batches):
        first = next(batches)
        partition = first.column("partition")[0].as_py()
        full = [program(danecheck), *map(shipped, command)]
        through(full, until_end(itertools.chain([first], batches)), store, step, partition)
        yield pyarrow.RecordBatch.from_pydict({"partition": [partition]})

    rows.mapInArrow(work, "partition long").collect()


def bucket(column, count):
    return (F.crc32(column.cast("binary")) % count).cast("int").alias("partition")


def read_domains(spark, options):
    """The lines of the input: targets, and what is none."""
    path, form = located(options.domains), options.format
    if form == "parquet" or not form and ".parquet" in path:
        values = spark.read.parquet(path).select(F.col(options.column).cast("string"))
    elif form == "csv" or not form and ".csv" in path:
        values = spark.read.csv(path, header=True).select(options.column)
    else:
        values = spark.read.text(path)
    # Nothing that stands in one row becomes two lines.
    line = F.trim(F.regexp_replace("line", r"\s+", " "))
    lines = values.toDF("line").select(line.alias("line"))
    is_target = F.col("line").isNotNull() & (F.col("line") != "") & ~F.col("line").startswith("#")
    # A domain that stands twice in a list is one domain.
    return lines.filter(is_target).distinct()


def main():
    options = arguments()
    builder = SparkSession.builder.appName(f"danecheck survey {options.day}")
    # A second process beside a slow one would meet the same addresses.
    builder = builder.config("spark.speculation", "false")
    # Some kilobytes a row.
    spark = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "256").getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    output = located(options.output.rstrip("/"))
    day = f"{output}/day={options.day}"
    store = Store(day)
    name, parts, host_parts = options.danecheck, options.partitions, options.host_partitions
    store.agree({"partitions": parts, "host_partitions": host_parts})
    opt_out = []
    if options.opt_out:
        spark.sparkContext.addFile(options.opt_out)
        opt_out = ["--opt-out", Shipped(options.opt_out)]

    targets = read_domains(spark, options).select(bucket(F.col("line"), parts), "line")
    dns_command = ["survey", "dns", *opt_out, *shlex.split(options.dns_options)]
    run_step(targets, parts, dns_command, store, "dns", name)

    dns = spark.read.text(f"{day}/dns").withColumnRenamed("value", "line")
    dns = dns.withColumn("head", F.from_json("line", TARGET))
    needs = dns.select(F.explode("head.needs").alias("need")).distinct()
    # The address comes first: lines in order keep an address together.
    needs = needs.select(bucket(F.col("need.address"), host_parts), F.to_json("need").alias("line"))
    hosts_command = ["survey", "hosts", *opt_out, *shlex.split(options.hosts_options)]
    run_step(needs, host_parts, hosts_command, store, "hosts", name, order=["line"])

    joined = join(spark, dns, day).select(bucket(F.col("target"), parts), "line")
    judge_command = ["survey", "judge", *shlex.split(options.judge_options)]
    run_step(joined, parts, judge_command, store, "reports", name)

    publish(spark, day, f"{output}/parquet/day={options.day}")
    spark.stop()


def join(spark, dns, day):
    """Each line of DNS with the sessions for its needs."""
    key = ["address", "port", "server_name", "client_hello"]
    hosts = spark.read.text(f"{day}/hosts").withColumnRenamed("value", "session")
    hosts = hosts.withColumn("need", F.from_json("session", NEED)).select("session", "need.*")
    same = [F.col(f"hosts.{field}").eqNullSafe(F.col(f"wanted.{field}")) for field in key]
    wanted = dns.select("head.target", F.explode("head.needs").alias("need")).distinct()
    wanted = wanted.select("target", "need.*")
    sessions = (
        wanted.alias("wanted")
        .join(hosts.alias("hosts"), same)
        .groupBy("wanted.target")
        .agg(F.concat_ws(",", F.collect_list("hosts.session")).alias("sessions"))
    )
    whole = dns.select(F.col("head.target").alias("target"), "line").join(sessions, "target", "left")
    with_sessions = F.concat(
        F.regexp_replace("line", r"\}\s*$", ""), F.lit(',"sessions":['), "sessions", F.lit("]}")
    )
    line = F.when(F.col("sessions").isNull(), F.col("line")).otherwise(with_sessions)
    return whole.select(F.coalesce("target", F.lit("")).alias("target"), line.alias("line"))


def publish(spark, day, parquet):
    """The reports as Parquet, and what is no report on a domain beside them."""
    lines = spark.read.text(f"{day}/reports").withColumnRenamed("value", "report")
    reports = lines.withColumn("head", F.from_json("report", REPORT))
    on_domain = F.col("head.verdict").isNotNull()
    on_domain &= ~F.coalesce(F.array_contains("head.findings.id", "invalid-target"), F.lit(False))
    reports.filter(~on_domain).select("report").write.mode("overwrite").text(f"{day}/unread")
    hosts = F.col("head.hosts.name")
    table = reports.filter(on_domain).select(
        "head.target",
        "head.verdict",
        F.to_timestamp("head.checked_at").alias("checked_at"),
        hosts.alias("mx_hosts"),
        F.col("head.findings.id").alias("findings"),
        F.expr("filter(head.findings, f -> f.severity = 'error').id").alias("errors"),
        "report",
    )
    table.write.mode("overwrite").parquet(parquet)
    counts = spark.read.parquet(parquet).groupBy("verdict").count().orderBy(F.desc("count")).collect()
    for row in counts:
        print(f"{row['count']:>10}  {row['verdict']}")
    unread = spark.read.text(f"{day}/unread").withColumn("head", F.from_json("value", REPORT))
    kinds = unread.groupBy(F.coalesce("head.opted_out", F.lit(False)).alias("opted_out")).count()
    for row in kinds.collect():
        what = "opted out" if row["opted_out"] else "no domain, or not read"
        print(f"{row['count']:>10}  {what}, in {day}/unread")


if __name__ == "__main__":
    main()
