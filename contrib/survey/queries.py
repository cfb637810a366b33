#!/usr/bin/env python3
"""Questions to the Parquet files of a survey, and pictures of the answers.

    queries.py survey/parquet pictures/ [--day YYYY-MM-DD] [--before YYYY-MM-DD]

prints three tables and draws each: verdicts by mail provider, broken records by
kind, and what changed since the survey before. pandas and matplotlib are enough: a
survey of twenty million domains has some 2 GB of these columns.
"""

import argparse
import pathlib

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as pyplot
import pyarrow.dataset as dataset

COLUMNS = ["target", "verdict", "mx_hosts", "findings", "errors"]
# From good to bad; a verdict has one colour in every picture, and its name beside it.
VERDICTS = {
    "dane-ok": "#1b7837",
    "no-dane": "#9e9e9e",
    "dane-unusable": "#c2a5cf",
    "dane-partial": "#e6a817",
    "dane-broken": "#c0392b",
    "undeliverable": "#5b2c2c",
    "indeterminate": "#4a6fa5",
}


def provider(hosts):
    """The domain of the first MX host, without the host's own label."""
    if hosts is None or len(hosts) == 0:
        return "(none)"
    labels = hosts[0].rstrip(".").split(".")
    return ".".join(labels[1:]) if len(labels) > 2 else hosts[0]


def read(folder, day):
    table = dataset.dataset(folder, partitioning="hive").to_table(
        columns=COLUMNS, filter=dataset.field("day").cast("string") == day
    )
    frame = table.to_pandas()
    frame["provider"] = frame["mx_hosts"].map(provider)
    return frame


def days(folder):
    return sorted(path.name.removeprefix("day=") for path in pathlib.Path(folder).glob("day=*"))


def by_provider(frame, most=20):
    counts = frame.groupby(["provider", "verdict"]).size().unstack(fill_value=0)
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False).index[:most]]
    return counts[[verdict for verdict in VERDICTS if verdict in counts]]


def broken_by_kind(frame, most=20):
    broken = frame[frame["verdict"] == "dane-broken"]
    return broken["errors"].explode().dropna().value_counts().head(most)


def changes(before, now):
    both = before[["target", "verdict"]].merge(
        now[["target", "verdict"]], on="target", how="outer", suffixes=("_before", "_now")
    )
    both = both.fillna("(not in it)")
    changed = both[both["verdict_before"] != both["verdict_now"]]
    return changed.groupby(["verdict_before", "verdict_now"]).size().sort_values(ascending=False)


def draw(counts, title, path, stacked=False):
    if counts.empty:
        return
    colors = [VERDICTS[name] for name in counts.columns] if stacked else "#4a6fa5"
    labels = [" to ".join(name) if isinstance(name, tuple) else str(name) for name in counts.index]
    counts = counts.copy()
    counts.index = labels
    height = 1.5 + 0.35 * len(counts)
    axes = counts.iloc[::-1].plot.barh(stacked=stacked, color=colors, figsize=(9, height))
    axes.set_title(title, loc="left")
    axes.set_xlabel("domains")
    axes.set_ylabel("")
    if stacked:
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    pyplot.tight_layout()
    pyplot.savefig(path, dpi=120)
    pyplot.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("parquet", help="the folder parquet of a survey")
    parser.add_argument("pictures", help="folder for the pictures")
    parser.add_argument("--day", help="the survey (default: the last one)")
    parser.add_argument("--before", help="the survey to compare with (default: the one before)")
    options = parser.parse_args()
    known = days(options.parquet)
    day = options.day or known[-1]
    earlier = [one for one in known if one < day]
    before = options.before or (earlier[-1] if earlier else None)
    pictures = pathlib.Path(options.pictures)
    pictures.mkdir(parents=True, exist_ok=True)

    now = read(options.parquet, day)
    providers = by_provider(now)
    print(f"Verdicts by mail provider, {day}\n{providers.to_string()}\n")
    draw(providers, f"Verdicts by mail provider, {day}", pictures / "providers.png", stacked=True)
    kinds = broken_by_kind(now)
    print(f"Broken records by kind, {day}\n{kinds.to_string()}\n")
    draw(kinds, f"Why DANE fails, {day}", pictures / "broken.png")
    if before:
        changed = changes(read(options.parquet, before), now)
        print(f"What changed since {before}\n{changed.to_string()}")
        draw(changed, f"What changed from {before} to {day}", pictures / "changes.png")


if __name__ == "__main__":
    main()
