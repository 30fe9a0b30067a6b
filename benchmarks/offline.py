"""How long does it take from Parquet files to Redis, stage by stage, beside pandas, implicit and redis-py?

Both learn ALS with 64 factors, find the 50 best items of every customer and 50 items beside every item by
plain cosine, and put them into a private Redis under the shop's ids; each run is a process of its own, and
they take turns. implicit is run with one thread for BLAS, as it asks to be, and makes its 15 passes; ours
makes as many as its defaults find worth it. `two-stage` is the product: several models, trees that rank what
these propose, reasons, item pages and carts, written as a snapshot and published, with the settings of
benchmarks/settings/large_shop.toml; only the judging of the lists is left out. `libraries` does single stages
with libraries that do them, once. Ours and two-stage are also run once with nothing compiled beforehand
(`cold`). Run it with `python -m benchmarks.offline [SIZE …]`; kept
in benchmarks/results/offline.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import libraries, stock
from benchmarks.large_shops import LARGE_SHOP, SIZES, ShopSize, write_orders
from benchmarks.paired import TIMES
from benchmarks.results import keep
from recommender.data.fingerprints import Fingerprints
from recommender.data.history import PurchaseHistory
from recommender.models.als import Als
from recommender.models.co_purchase import CoPurchase
from recommender.ranking import build
from recommender.ranking.blend import Blend
from recommender.ranking.warm_up import warm_up
from recommender.snapshot.directory import write_snapshot
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.encoding import ItemRecord, encode_items, entry_key
from recommender.snapshot.paged_rows import RowOwners, paged_ranks
from recommender.snapshot.publication import Publication
from recommender.snapshot.redis_connection import connect
from recommender.snapshot.redis_store import RedisStore
from recommender.snapshot.rows import encode_lists
from recommender.training.carried import Carried
from recommender.training.item_lists import cart_trees, plain_lists
from recommender.training.learning import learn_from
from recommender.training.list_making import all_lists
from recommender.training.moment import purchases_at
from recommender.training.pipeline import DataFacts, snapshot_of
from recommender.training.progress import Silent
from recommender.training.publish import publish
from recommender.training.settings import Settings, load_settings
from recommender.training.sources import read_orders
from recommender.training.stage_usage import peak_memory
from recommender.training.windows import EarlierWindows, examples_before

N, FACTORS, ITERATIONS = 50, 64, 15

_OURS = ("ours", "two-stage")
PIPELINES = ("ours", "stock", "libraries", "two-stage")

_SNAPSHOT = "20261121T040000Z-01234567"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a pipeline.

    Attributes:
        whole: seconds from the start of the process to its end.
        stages: seconds of each stage.
        peak: GB that the process held at most.
    """

    whole: float
    stages: Mapping[str, float]
    peak: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One size of shop.

    Attributes:
        size: the shop.
        runs: of each pipeline, turn by turn.
        cold: of ours and of the product, with all loops to be compiled.
        ratios: how many times as fast ours is as stock: whole and of each stage, medians of the turns.
        libraries: likewise ours, its median, as one run of each stage by a library, under the stage's and the
            library's name.
        two_stage: how many times as fast the product is as stock, the median of the turns.
    """

    size: ShopSize
    runs: Mapping[str, Sequence[Run]]
    cold: Mapping[str, Run]
    ratios: Mapping[str, float]
    libraries: Mapping[str, float]
    two_stage: float


class Stages:
    """Stop watches by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        started = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started


class TimedSteps(Silent):
    """Progress that times the steps of the product by their names."""

    def __init__(self, stage: Stages) -> None:
        self.stage = stage

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """See `Progress.step`."""
        with self.stage(name):
            yield lambda _: None


def single_stage(folder: Path, redis_url: str, stage: Stages) -> None:
    """What the stock pipeline does, with our parts."""
    with stage("compiling"):
        warm_up()
    with stage("read"):
        orders = read_orders([folder], Settings()).orders
        history = PurchaseHistory.at(orders, orders.last_time)
        bought = history.interactions(half_life_days=np.inf)
        eligible = np.ones(len(history.items), bool)
        del orders
    with stage("als"):
        als = Als(factors=FACTORS).fit(history)
    with stage("top n"):
        everyone = np.arange(len(history.customers), dtype=np.int32)
        only = Blend(**dict.fromkeys(asdict(Blend()), 0.0) | {"als": 1.0})
        both = build.recommend(
            {"als": als}, only, everyone, bought=bought, eligible=eligible, length=N, per_model=N
        )
        recommended = build.of_mode(both, "discover", N)
        del both
    with stage("co-purchase"):
        cosine = CoPurchase(measure="cosine", shrinkage=0, min_together=1, n_neighbours=N)
        neighbours = cosine.fit(history).neighbours
        beside = build.related(neighbours, "co_purchase", eligible, N)
    with stage("publish"), connect(redis_url) as client:
        items = history.items.ids
        customers = paged_ranks("customer", RowOwners.of(history.customers.ids), recommended, wide=False)
        # Lists hold positions: the table of items says whose they are.
        table = enumerate(encode_items([ItemRecord(item) for item in items]))
        RedisStore(client, "shop").write(
            _SNAPSHOT,
            chain(
                ((entry_key("items", str(number)), part) for number, part in table),
                customers.entries(),
                zip(
                    (entry_key("bought-together", item) for item in items), encode_lists(beside), strict=True
                ),
            ),
        )


def two_stage(folder: Path, redis_url: str, stage: Stages) -> None:
    """The product but for its judge."""
    settings, progress = load_settings(LARGE_SHOP), TimedSteps(stage)
    with stage("read"):
        read = read_orders([folder], settings)
    newest = read.orders.last_time
    examples = examples_before(
        read.orders, read.catalog, settings, now=newest, earlier=EarlierWindows(), progress=progress
    )
    purchases = purchases_at(read.orders, read.catalog, settings, newest, progress)
    carried, fingerprints = Carried.nothing(purchases), Fingerprints.of(purchases.orders)
    trees = cart_trees(purchases, settings, progress)
    facts = DataFacts.of(read, purchases)
    plain = plain_lists(purchases, read.places, settings, progress, trees=trees, carried=carried)
    learned = learn_from(purchases, examples, settings, progress)
    del read, purchases
    lists = all_lists(learned, plain, settings, progress, carried=carried)
    with stage("write"), tempfile.TemporaryDirectory() as to:
        made = snapshot_of(
            facts, learned, lists, settings,
            trees=trees,
            fingerprints=fingerprints,
            figures=None,
            now=datetime.now(UTC),
        )  # fmt: skip
        snapshot = write_snapshot(made, Path(to) / "snapshot")
    with stage("publish"), connect(redis_url) as client:
        publish(Publication(snapshot), RedisStore(client, "shop"))


def measure(size: ShopSize, *, times: int = TIMES, two_stages: bool = True) -> Measured:
    """Write the shop's files, and run every pipeline on them by turns.

    Args:
        size: of the shop.
        times: turns.
        two_stages: whether the product has its turns, too.
    """
    chosen = PIPELINES if two_stages else PIPELINES[:-1]
    runs: dict[str, list[Run]] = {name: [] for name in chosen}
    with tempfile.TemporaryDirectory() as folder:
        orders, compiled = Path(folder) / "orders", Path(folder) / "compiled"
        write_orders(orders, size)
        cold = {name: run_once(name, orders, compiled / name) for name in chosen if name in _OURS}
        for turn in range(times):
            for name in chosen if turn % 2 == 0 else chosen[::-1]:
                if name != "libraries" or turn == 0:
                    runs[name].append(run_once(name, orders, compiled / name))
    whole = {name: [run.whole for run in each] for name, each in runs.items()}
    return Measured(
        size,
        runs,
        cold,
        ratios={"whole": _ratio(whole["ours"], whole["stock"])}
        | {
            name: _ratio(
                [run.stages[name] for run in runs["ours"]], [run.stages[name] for run in runs["stock"]]
            )
            for name in runs["stock"][0].stages
        },
        libraries={
            name: _ratio([_seconds(runs["ours"], _stage_of(name))], [seconds])
            for name, seconds in runs["libraries"][0].stages.items()
        },
        two_stage=_ratio(whole["two-stage"], whole["stock"]) if two_stages else 0.0,
    )


def _stage_of(name: str) -> str:
    """The stage that a library does; what follows the comma is the library."""
    return name.partition(",")[0]


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return round(median(their / max(our, 0.01) for our, their in zip(ours, theirs, strict=True)), 2)


def run_once(name: str, orders: Path, compiled: Path) -> Run:
    """One run in a process of its own, with a Redis of its own.

    Args:
        name: of the pipeline, one of `PIPELINES`.
        orders: folder of Parquet files.
        compiled: folder where compiled loops are kept.
    """
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder), os.environ["PATH"]) as url:
        with connect(url) as client:
            client.config_set("save", "")
        environment = os.environ | {"NUMBA_CACHE_DIR": str(compiled), "OMP_WAIT_POLICY": "PASSIVE"}
        if name not in _OURS:
            environment["OPENBLAS_NUM_THREADS"] = "1"
        command = [sys.executable, "-m", "benchmarks.offline", "--run", name, str(orders), url]
        started = time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        whole = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr}")
    told = json.loads(done.stdout.splitlines()[-1])
    return Run(round(whole, 2), told["stages"], told["peak"])


def _run(name: str, orders: Path, redis_url: str) -> None:
    stage = Stages()
    if name == "stock":
        stock.run(orders, redis_url, stage, factors=FACTORS, iterations=ITERATIONS, n=N)
    elif name == "libraries":
        libraries.run(orders, stage, factors=FACTORS, iterations=ITERATIONS, n=N)
    else:
        {"ours": single_stage, "two-stage": two_stage}[name](orders, redis_url, stage)
    seconds = {stage_name: round(value, 2) for stage_name, value in stage.seconds.items()}
    print(json.dumps({"stages": seconds, "peak": round(peak_memory() / 1e9, 2)}))


def table_of(measured: Mapping[str, Measured]) -> Table:
    """The figures, a stage a row."""
    table = Table(title="From Parquet files to Redis", title_justify="left")
    for heading in ("shop", "stage", "theirs, s", "ours, s", "times as fast"):
        table.add_column(heading, justify="left" if heading in ("shop", "stage") else "right")
    for name, row in measured.items():
        for stage, ratio in row.ratios.items():
            stock_s, ours_s = (f"{_seconds(row.runs[who], stage):.1f}" for who in ("stock", "ours"))
            table.add_row(name, stage, stock_s, ours_s, f"{ratio:.1f}")
        for stage, ratio in row.libraries.items():
            theirs_s = _seconds(row.runs["libraries"], stage)
            ours_s = _seconds(row.runs["ours"], _stage_of(stage))
            table.add_row(name, stage, f"{theirs_s:.1f}", f"{ours_s:.1f}", f"{ratio:.1f}")
        if product := row.runs.get("two-stage"):
            stock_s, ours_s = (f"{_seconds(runs, 'whole'):.1f}" for runs in (row.runs["stock"], product))
            table.add_row(name, "whole, two stages", stock_s, ours_s, f"{row.two_stage:.1f}")
        for pipeline, run in row.cold.items():
            stock_s = _seconds(row.runs["stock"], "whole")
            cells = (f"{stock_s:.1f}", f"{run.whole:.1f}", f"{stock_s / run.whole:.1f}")
            table.add_row(name, f"{pipeline}, nothing compiled", *cells)
    return table


def _seconds(runs: Sequence[Run], stage: str) -> float:
    return median(run.whole if stage == "whole" else run.stages[stage] for run in runs)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the sizes asked for, S and M by default, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.offline", description=__doc__)
    parser.add_argument("size", nargs="*", help=f"of {', '.join(SIZES)}; by default S and M")
    parser.add_argument("--part", type=float, default=1.0, help="measure a part of each, e.g. 0.1")
    parser.add_argument("--run", nargs=3, metavar=("PIPELINE", "ORDERS", "REDIS"), help=argparse.SUPPRESS)
    options, console = parser.parse_args(arguments), Console(width=110)
    if options.run:
        name, orders, redis_url = options.run
        return _run(name, Path(orders), redis_url)
    measured = {}
    for name in options.size or ("S", "M"):
        measured[name] = measure(SIZES[name].part(options.part))
        console.print(table_of(measured))
        # At once: the next shop takes half an hour.
        if not options.size and options.part == 1:
            kept = keep("offline", {name: asdict(row) for name, row in measured.items()})
            console.print(f"kept in {kept}", highlight=False)


if __name__ == "__main__":
    main()
