"""How much memory does a whole training take, from Parquet files to Redis, and how does it grow?

`python -m benchmarks.memory [SIZE …]` writes a shop of each size as files, trains on it in a process of its
own, publishes the snapshot to a private Redis and says what each stage held at most, single-stage (no ranker)
and two-stage, with the settings for large shops (benchmarks/settings/large_shop.toml). `--rates` runs small
shops of several shapes instead, also with the settings as they come, and writes what plans reckon with to
training/plan_rates.py. Linux only: the kernel is asked for the peak. Kept in benchmarks/results/memory.json.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import redis
from rich.console import Console
from rich.table import Table
from scipy.optimize import nnls

from benchmarks.large_shops import LARGE_SHOP, SIZES, ShopSize, write_orders
from benchmarks.results import keep
from recommender.snapshot.directory import load_snapshot, write_snapshot
from recommender.snapshot.embedded_redis import running_redis
from recommender.snapshot.publication import Publication
from recommender.snapshot.redis_connection import connect
from recommender.snapshot.redis_store import RedisStore
from recommender.training import plan_rates
from recommender.training.pipeline import train
from recommender.training.plan import plan_of
from recommender.training.plan_rates import Rate
from recommender.training.progress import Shown
from recommender.training.publish import publish
from recommender.training.settings import Settings, load_settings
from recommender.training.shop_facts import ShopFacts, What, facts_of_orders
from recommender.training.sources import read_orders
from recommender.training.stage_usage import STAGES, Metered, Usage

_NOW = 1_800_000_000
_SHAPES = {
    "few of all": ShopSize(6_000, 1_000, 120_000),
    "usual": ShopSize(25_000, 2_500, 500_000),
    "many customers": ShopSize(75_000, 2_500, 500_000),
    "many items": ShopSize(25_000, 15_000, 500_000),
    "many lines": ShopSize(25_000, 2_500, 1_500_000),
    "a quarter of M": ShopSize(125_000, 12_500, 3_750_000),
}
"""Shops in which each of customers, items and lines grows while the others do not."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one training took.

    Attributes:
        shop: name of the size.
        ranked: whether the lists were ranked (two-stage).
        large: whether the settings were those for large shops.
        facts: what was in the data.
        stages: what each stage took, publishing among them.
        snapshot_bytes: of the snapshot's folder.
        redis_bytes: what Redis holds of the snapshot.
    """

    shop: str
    ranked: bool
    large: bool
    facts: ShopFacts
    stages: dict[str, Usage]
    snapshot_bytes: int
    redis_bytes: int

    @property
    def peak(self) -> int:
        """Bytes held at most in the whole run."""
        return max(used.peak for used in self.stages.values())

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(used.seconds for used in self.stages.values())


def measure(shop: str, orders: Path, folder: Path, *, ranked: bool, large: bool, console: Console) -> Run:
    """Train on files of orders and publish, all in this process.

    Args:
        shop: name of the size.
        orders: folder of files of orders.
        folder: of the snapshot; made, and must not be there.
        ranked: whether to learn and use a ranker.
        large: whether to do it by the settings for large shops.
        console: hears of every step.
    """
    settings, progress = settings_of(ranked=ranked, large=large), Metered(Shown(console))
    read = read_orders([orders], settings, progress=progress, now=_NOW)
    facts = facts_of_orders(read.orders, settings)
    handed_over = [read]
    del read
    now = datetime.fromtimestamp(_NOW, UTC)
    snapshot = train(handed_over.pop(), settings, now=now, progress=progress)
    with progress.step("Write the snapshot"):
        write_snapshot(snapshot, folder)
    del snapshot
    with progress.step("Publish"):
        redis_bytes = _published(folder)
    on_disk = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Run(shop, ranked, large, facts, dict(progress.used), on_disk, redis_bytes)


def settings_of(*, ranked: bool, large: bool) -> Settings:
    """The product's settings, or those for large shops, with the ranker or without it."""
    settings = load_settings(LARGE_SHOP) if large else Settings()
    return settings if ranked else replace(settings, ranker=replace(settings.ranker, windows=0))


def _published(folder: Path) -> int:
    """Bytes that an empty Redis takes for a snapshot."""
    with (
        tempfile.TemporaryDirectory() as state,
        running_redis(Path(state), os.environ["PATH"]) as url,
        connect(url) as client,
    ):
        before = _used_memory(client)
        publish(Publication(load_snapshot(folder)), RedisStore(client, "memory"))
        return _used_memory(client) - before


def _used_memory(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])


def in_a_process(shop: str, orders: Path, *, ranked: bool, large: bool) -> Run:
    """`measure` in a process of its own, in whose peak no other run has a part."""
    with tempfile.TemporaryDirectory() as scratch:
        kind = ["ranked" if ranked else "plain", "large" if large else "usual"]
        asked = [shop, str(orders), scratch, *kind]
        subprocess.run([sys.executable, "-m", "benchmarks.memory", "--one", *asked], check=True)
        return msgspec.json.decode((Path(scratch) / "run.json").read_bytes(), type=Run)


def _one(shop: str, orders: str, scratch: str, lists: str, size: str) -> None:
    run = measure(
        shop,
        Path(orders),
        Path(scratch) / "snapshot",
        ranked=lists == "ranked",
        large=size == "large",
        console=Console(stderr=True),
    )
    (Path(scratch) / "run.json").write_bytes(msgspec.json.encode(run))


def rates_of(runs: Sequence[Run]) -> tuple[Rate, ...]:
    """What fits the runs best, with nothing below 0."""
    seen: list[tuple[What, str, list[float]]] = [
        *(("peak", stage, [run.stages[stage].peak for run in runs]) for stage in STAGES),
        *(("seconds", stage, [run.stages[stage].seconds for run in runs]) for stage in STAGES),
        ("snapshot", "write", [run.snapshot_bytes for run in runs]),
        ("redis", "publish", [run.redis_bytes for run in runs]),
    ]
    return tuple(Rate(what, stage, _fitted(_drivers(runs, what), took)) for what, stage, took in seen)


def _drivers(runs: Sequence[Run], what: What) -> list[dict[str, float]]:
    return [run.facts.drivers(what, settings_of(ranked=run.ranked, large=run.large)) for run in runs]


def _fitted(drivers: Sequence[dict[str, float]], took: Sequence[float]) -> dict[str, float]:
    """Non-negative rates whose sums come nearest to what was taken, errors in shares of it."""
    names, share = list(drivers[0]), 1 / np.maximum(np.asarray(took, float), 1e-9)
    matrix = np.array([[row[name] for name in names] for row in drivers]) * share[:, None]
    # Columns of one size: a customer and a shop are of different units.
    size = np.maximum(matrix.max(axis=0), 1e-300)
    rates, _ = nnls(matrix / size, np.ones(len(took)))
    found = zip(names, rates / size, strict=True)
    return {name: float(f"{rate:.4g}") for name, rate in found if rate > 0}


def write_rates(rates: Sequence[Rate], file: Path = Path(plan_rates.__file__)) -> None:
    """Put rates in the place of those that the module has."""
    text = file.read_text(encoding="utf-8")
    told = "".join(f"    Rate({rate.what!r}, {rate.stage!r}, {dict(rate.per)!r}),\n" for rate in rates)
    file.write_text(
        text[: text.index("RATES:")] + f"RATES: tuple[Rate, ...] = (\n{told})\n", encoding="utf-8"
    )


def table_of(runs: Sequence[Run]) -> Table:
    """GB of each stage, one row a run, beside what `cartlift plan` would have said."""
    stages = list(runs[0].stages)
    table = Table("shop", "lists", *stages, "peak", "planned", "minutes", "planned", "Redis MB", "planned")
    for run in runs:
        plan = plan_of(run.facts, settings_of(ranked=run.ranked, large=run.large))
        table.add_row(
            run.shop,
            "two-stage" if run.ranked else "single-stage",
            *(f"{run.stages[stage].peak / 1e9:.2f}" for stage in stages),
            f"{run.peak / 1e9:.2f}",
            f"{plan.peak / 1e9:.2f}",
            f"{run.seconds / 60:.1f}",
            f"{plan.minutes:.1f}",
            f"{run.redis_bytes / 1e6:.0f}",
            f"{plan.redis_bytes / 1e6:.0f}",
        )
    return table


_PLAIN, _RANKED = (False, True), (True, True)
_FOR_RATES = ((False, False), (True, False), _RANKED)
"""Kinds of runs: whether lists are ranked, and whether it is done by the settings for large shops."""


def runs_on(sizes: Mapping[str, ShopSize], kinds: Iterable[tuple[bool, bool]]) -> Iterator[Run]:
    """Runs on shops of these sizes, each written to files that go again."""
    for shop, size in sizes.items():
        with tempfile.TemporaryDirectory() as folder:
            write_orders(Path(folder), size)
            for ranked, large in kinds:
                yield in_a_process(shop, Path(folder), ranked=ranked, large=large)


def main() -> None:
    """Measure shops of the sizes asked for, or what plans reckon with."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help=f"{', '.join(SIZES)}; without any, S and M")
    parser.add_argument("--part", type=float, default=1.0, help="of each size, e.g. 0.125")
    parser.add_argument("--two-stage", action="store_true", help="leave out the runs without a ranker")
    parser.add_argument("--rates", action="store_true", help="measure and write training/plan_rates.py")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        _one(*asked.one)
        return
    if unknown := set(asked.sizes) - set(SIZES):
        parser.error(f"there is no size {', '.join(unknown)}")
    if asked.rates:
        write_rates(rates_of(list(runs_on(_SHAPES, _FOR_RATES))))
    else:
        sizes = {name: SIZES[name].part(asked.part) for name in asked.sizes or ("S", "M")}
        runs = list(runs_on(sizes, [_RANKED] if asked.two_stage else [_PLAIN, _RANKED]))
        Console().print(table_of(runs))
        if asked.part == 1:
            print(f"kept in {keep('memory', [asdict(run) for run in runs])}")


if __name__ == "__main__":
    main()
