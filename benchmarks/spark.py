"""How long does a training take on Spark, step by step, and how long by this program alone?

Both learn from the same Parquet files of a generated shop (`benchmarks.large_shops`), with the same settings:
factors of 64, one window to learn the ranker from, one to judge by. Spark runs on this machine, so what it
gains from others is not in these figures; what a cluster needs is worked out from the rates of two sizes. Run
it with `python -m benchmarks.spark [PART …]`, parts of shop S; the figures are kept in
benchmarks/results/spark.json, and those of two sizes or more are shown in docs/scaling.md.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.large_shops import SIZES, ShopSize, write_orders
from benchmarks.results import keep
from recommender.ranking.build import of_mode
from recommender.snapshot.directory import Snapshot, load_snapshot, write_snapshot
from recommender.training.engines import Asked, spark_engine
from recommender.training.pipeline import train
from recommender.training.progress import Shown
from recommender.training.settings import Settings
from recommender.training.sources import read_orders

NOW = datetime(2026, 11, 22, tzinfo=UTC)
K = 10

PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"
_BEGIN, _END = "<!-- measured -->\n", "<!-- end -->"

SPREAD = (
    "Clean orders",
    "Number customers and items",
    "Take off returns",
    "Describe items",
    "Learn als",
    "Learn als_long_term",
    "Learn item_knn and linear",
    "Learn co_purchase",
    "Write customer lists",
)
"""Steps that executors share; each grows with the customers."""

SERIAL = ("Put the parts together", "Write the snapshot")
"""Steps of the driver that grow with the customers. All others have the sample's size, or the items'."""

EVERY_MOMENT = SPREAD[2:-1]
"""Steps that are done again for every moment that is learned at."""

MOMENTS, USUAL_MOMENTS = 2, 5
"""Here, and with the usual settings: now, the days that are judged by, and the three windows before them."""

MEASURED_CORES = 2
WANTED = 100_000_000
CORES = 800


@dataclass(frozen=True, slots=True)
class Measured:
    """One size of shop.

    Attributes:
        customers, items, lines: of the shop; items as far as they were sold.
        spark, local: seconds a step; a step that comes several times is summed up.
        ndcg: of either engine's lists of all purchases, on the days that both judge by.
        overlap: share of the first ten places that hold the same items in both engines' lists.
        bytes_a_customer: of the snapshot.
    """

    customers: int
    items: int
    lines: int
    spark: Mapping[str, float]
    local: Mapping[str, float]
    ndcg: Mapping[str, float]
    overlap: float
    bytes_a_customer: float

    @property
    def seconds(self) -> tuple[float, float]:
        """Of Spark, and of this program alone."""
        return sum(self.spark.values()), sum(self.local.values())


def settings_for(days: float = 100.0, factors: int = 64, iterations: int = 15) -> Settings:
    """Settings of both engines: with windows this long, a year has room for one to judge and to learn by."""
    found = Settings()
    models = replace(
        found.models,
        als=replace(found.models.als, factors=factors, iterations=iterations),
        als_long_term=replace(found.models.als_long_term, factors=factors, iterations=iterations),
    )
    ranker, evaluation = replace(found.ranker, windows=1), replace(found.evaluation, days=days)
    return replace(found, models=models, ranker=ranker, evaluation=evaluation)


def measure(size: ShopSize, settings: Settings, *, master: str = "local[2]") -> Measured:
    """Train on a shop of this size with both engines, one after the other."""
    with TemporaryDirectory() as folder:
        files = write_orders(Path(folder) / "orders", size, customers_a_file=max(1, size.customers // 4))
        snapshots = {name: Path(folder) / name for name in ("spark", "local")}
        by_spark, by_one = _timed(), _timed()
        asked = Asked([*map(str, files)], None, None, snapshots["spark"], NOW, master)
        with _started(by_spark, asked, settings) as (_, snapshot), by_spark.step("Write the snapshot"):
            write_snapshot(snapshot, snapshots["spark"])
        with by_one.step("Read and clean orders"):
            read = read_orders(files, settings)
        trained = train(read, settings, now=NOW, progress=by_one)
        with by_one.step("Write the snapshot"):
            write_snapshot(trained, snapshots["local"])
        made = {name: load_snapshot(path) for name, path in snapshots.items()}
        written = sum(file.stat().st_size for file in snapshots["spark"].rglob("*") if file.is_file())
        counts = made["spark"].manifest.counts
        return Measured(
            customers=counts.customers,
            items=counts.items,
            lines=read.lines,
            spark=_rounded(by_spark),
            local=_rounded(by_one),
            ndcg={name: _ndcg(snapshot) for name, snapshot in made.items()},
            overlap=_overlap(*made.values()),
            bytes_a_customer=round(written / max(1, counts.customers), 1),
        )


def _timed() -> Shown:
    return Shown(Console(file=StringIO()))


@contextmanager
def _started(progress: Shown, asked: Asked, settings: Settings):
    """What `trained` gives, and the start of Spark as a step of its own."""
    began, work = time.perf_counter(), spark_engine().trained(asked, settings, progress)
    with work as made:
        told = sum(progress.seconds.values())
        progress.seconds["Start Spark, and between steps"] = time.perf_counter() - began - told
        yield made


def _rounded(progress: Shown) -> dict[str, float]:
    return {name: round(seconds, 2) for name, seconds in progress.seconds.items()}


def _ndcg(snapshot: Snapshot) -> float:
    figures = snapshot.manifest.figures
    tasks = [] if figures is None else figures["tasks"]
    return next((round(task["ndcg"]["mean"], 4) for task in tasks if task["task"] == "all"), float("nan"))


def _overlap(one: Snapshot, other: Snapshot) -> float:
    lists = zip(*(of_mode(each.lists.recommended, "mixed", K) for each in (one, other)), strict=True)
    shared = [len(np.intersect1d(a.items, b.items)) / max(1, len(a)) for a, b in lists]
    return round(float(np.mean(shared)), 3)


def cluster_hours(small: Measured, large: Measured) -> dict[str, tuple[float, float]]:
    """What each step takes for `WANTED` customers who buy as much as those measured.

    The difference between two sizes is what grows: what Spark takes to start jobs is in both. A step that
    took no longer at the larger size is counted with its whole time there.

    Returns:
        By step, core-seconds for a million customers, and hours on `CORES` cores; a step of the driver has
        one core.
    """
    hours = {}
    for step in (*SPREAD, *SERIAL):
        grown = large.spark.get(step, 0.0) - small.spark.get(step, 0.0)
        each = grown / (large.customers - small.customers)
        if each <= 0:
            each = large.spark.get(step, 0.0) / large.customers
        times = USUAL_MOMENTS / MOMENTS if step in EVERY_MOMENT else 1
        measured, cores = (1, 1) if step in SERIAL else (MEASURED_CORES, CORES)
        seconds = each * times * measured * WANTED
        hours[step] = seconds * 1e6 / WANTED, seconds / cores / 3600
    return hours


def page(text: str, measured: Mapping[str, Measured]) -> str:
    """docs/scaling.md with these figures between its marks."""
    before, rest = text.split(_BEGIN)
    rows = [
        f"| | {' | '.join(measured)} |",
        f"|---|{'---:|' * len(measured)}",
        *(f"| {title} | {' | '.join(map(of, measured.values()))} |" for title, of in _ROWS.items()),
    ]
    *_, small, large = measured.values()
    found = cluster_hours(small, large)
    rows += ["", f"| step | core-seconds per million customers | hours for {WANTED:,} |", "|---|---:|---:|"]
    rows += [f"| {step} | {seconds:,.0f} | {took:.2f} |" for step, (seconds, took) in found.items()]
    spread = sum(found[step][1] for step in SPREAD)
    serial = sum(found[step][1] for step in SERIAL)
    rows += ["", f"Together {spread:.1f} hours on {CORES} cores, and {serial:.1f} hours of the driver."]
    rows += [f"The snapshot has {large.bytes_a_customer * WANTED / 1e9:,.0f} GB."]
    return before + _BEGIN + "\n".join(rows) + "\n" + _END + rest.split(_END)[1]


_ROWS: Mapping[str, Callable[[Measured], str]] = {
    "customers": lambda each: f"{each.customers:,}",
    "items sold": lambda each: f"{each.items:,}",
    "order lines": lambda each: f"{each.lines:,}",
    **{
        step: lambda each, step=step: f"{each.spark.get(step, 0.0):.1f} s"
        for step in ("Start Spark, and between steps", "Read orders", *SPREAD, *SERIAL)
    },
    "everything": lambda each: f"{each.seconds[0]:.0f} s",
    "order lines a second": lambda each: f"{each.lines / each.seconds[0]:,.0f}",
    "by this program alone": lambda each: f"{each.seconds[1]:.0f} s",
    "nDCG@10 on Spark": lambda each: f"{each.ndcg['spark']:.4f}",
    "nDCG@10 alone": lambda each: f"{each.ndcg['local']:.4f}",
    "same items in the first ten": lambda each: f"{each.overlap:.0%}",
    "snapshot, bytes a customer": lambda each: f"{each.bytes_a_customer:,.0f}",
}


def table_of(measured: Mapping[str, Measured]) -> Table:
    """Seconds of Spark's steps and what came of them, a size a column."""
    table = Table(title="A training on Spark, local[2]", title_justify="left")
    table.add_column("")
    for name in measured:
        table.add_column(name, justify="right")
    for title, of in _ROWS.items():
        table.add_row(title, *map(of, measured.values()))
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure parts of shop S, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark", description=__doc__)
    parser.add_argument(
        "part", nargs="*", type=float, default=[0.5, 1.0], help="of shop S; by default 0.5 and 1"
    )
    parser.add_argument("--master", default="local[2]")
    options, console = parser.parse_args(arguments), Console(width=110)
    measured = {}
    for part in options.part:
        measured[f"{part:g} of S"] = measure(SIZES["S"].part(part), settings_for(), master=options.master)
        console.print(table_of(measured))
    kept = keep("spark", {name: asdict(each) for name, each in measured.items()})
    console.print(f"kept in {kept}", highlight=False)
    if len(measured) > 1:
        PAGE.write_text(page(PAGE.read_text(), measured))
        console.print(f"and shown in {PAGE}", highlight=False)


if __name__ == "__main__":
    main()
