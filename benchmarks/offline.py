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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.large_shops import SIZES, ShopSize, write_orders
from benchmarks.paired import TIMES
from benchmarks.results import keep
from benchmarks.stages import Stages
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.redis_connection import connect
from recommender.training.stage_usage import peak_memory

N, FACTORS, ITERATIONS = 50, 64, 15

_OURS = ("ours", "two-stage")
PIPELINES = ("ours", "stock", "libraries", "two-stage")


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
    # Imported where they are used: no pipeline's process is to load the libraries of the others.
    stage = Stages()
    if name == "stock":
        from benchmarks import stock

        stock.run(orders, redis_url, stage, factors=FACTORS, iterations=ITERATIONS, n=N)
    elif name == "libraries":
        from benchmarks import libraries

        libraries.run(orders, stage, factors=FACTORS, iterations=ITERATIONS, n=N)
    elif name == "ours":
        from benchmarks import ours

        ours.single_stage(orders, redis_url, stage, factors=FACTORS, n=N)
    else:
        from benchmarks import ours

        ours.two_stage(orders, redis_url, stage)
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
