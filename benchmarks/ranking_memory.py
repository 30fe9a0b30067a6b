"""How much memory does ranking take, and does it grow with the number of customers?

`python -m benchmarks.ranking_memory [--customers 500000] [--items 10000]` makes a shop, learns from it and
ranks every customer's candidates, as `cartlift train` does. Linux only: the kernel is asked for the peak.
"""

import argparse
import gc
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.datasets import large_shop
from benchmarks.results import keep
from recommender.data.catalog import Catalog
from recommender.training.learning import learn, recommended
from recommender.training.progress import Shown
from recommender.training.settings import Settings

_STATUS = Path("/proc/self/status")
_FORGET_PEAK = "5"
"""What the kernel takes for: count the peak from now on (proc(5), clear_refs)."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the process held.

    Attributes:
        customers, items, lines: size of the shop.
        places: in all lists together.
        learned: GB held when everything was learned: orders, models, tables of features.
        peak: GB at most while the lists were made, the lists themselves included.
        minutes: that making them took, on whatever else the machine was doing.
    """

    customers: int
    items: int
    lines: int
    places: int
    learned: float
    peak: float
    minutes: float


def measure(customers: int, items: int, settings: Settings, console: Console) -> Memory:
    """Learn from a shop of that size and rank for everybody in it."""
    orders, progress = large_shop(customers, items), Shown(console)
    learned = learn(orders, Catalog.unknown(orders.items), settings, now=orders.last_time, progress=progress)
    lines = len(orders)
    del orders
    gc.collect()
    Path("/proc/self/clear_refs").write_text(_FORGET_PEAK)
    held, started = _gigabytes("VmRSS"), time.monotonic()
    everyone = np.arange(len(learned.customers), dtype=np.int32)
    lists = recommended(learned, settings, everyone, progress)
    minutes = (time.monotonic() - started) / 60
    return Memory(customers, items, lines, len(lists.items), held, _gigabytes("VmHWM"), round(minutes, 1))


def _gigabytes(name: str) -> float:
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return round(int(line.split()[1]) * 1024 / 1e9, 2)


def main() -> None:
    """Measure one size, or the small form of it, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=500_000)
    parser.add_argument("--items", type=int, default=10_000)
    asked, settings = parser.parse_args(), Settings()
    # One window is enough to have trees of the product's size: what is measured is ranking, not learning.
    settings = replace(settings, ranker=replace(settings.ranker, windows=1))
    found = measure(asked.customers, asked.items, settings, Console(stderr=True))
    print(found)
    if asked.customers == parser.get_default("customers"):
        print(f"kept in {keep('ranking_memory', asdict(found))}")


if __name__ == "__main__":
    main()
