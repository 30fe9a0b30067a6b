"""How does the time of every stage grow with the shop?

Shops of an eighth, a quarter, a half and the whole of M, alike in every respect but their size, go from
Parquet files to Redis (`benchmarks.offline`), by turns. A stage whose time grows with lines^x has the
exponent x: 1 is time in proportion to the lines. Run it with `python -m benchmarks.growth [SIZE]`; kept in
benchmarks/results/growth.json.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.large_shops import SIZES, ShopSize, write_orders
from benchmarks.offline import Run, run_once
from benchmarks.paired import TIMES
from benchmarks.results import keep

SHARES = (0.125, 0.25, 0.5, 1.0)

COMPILING = "compiling"
"""A stage that has nothing to do with the size of the shop."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How one shop's parts compare.

    Attributes:
        lines: of each part, the smallest first.
        runs: of each part, turn by turn.
        seconds: by stage, the median of each part's turns.
        exponents: by stage, the slope of a straight line through the logarithms of seconds and lines.
    """

    lines: Sequence[int]
    runs: Sequence[Sequence[Run]]
    seconds: Mapping[str, Sequence[float]]
    exponents: Mapping[str, float]


def measure(size: ShopSize, *, shares: Sequence[float] = SHARES, times: int = TIMES) -> Growth:
    """Run the single-stage pipeline on every part of the shop by turns."""
    parts = [size.part(share) for share in shares]
    runs: list[list[Run]] = [[] for _ in parts]
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "compiled"
        for number, part in enumerate(parts):
            write_orders(Path(folder) / str(number), part)
        for turn in range(times):
            for number in range(len(parts))[:: 1 if turn % 2 == 0 else -1]:
                runs[number].append(run_once("ours", Path(folder) / str(number), compiled))
    lines = [part.lines for part in parts]
    stages = [name for name in runs[0][0].stages if name != COMPILING]
    seconds = {name: [median(run.stages[name] for run in part) for part in runs] for name in stages}
    return Growth(lines, runs, seconds, {name: exponent(lines, took) for name, took in seconds.items()})


def exponent(lines: Sequence[int], seconds: Sequence[float]) -> float:
    """X of seconds ~ lines^x, by least squares of the logarithms."""
    slope, _ = np.polyfit(np.log(lines), np.log(np.maximum(seconds, 1e-3)), 1)
    return round(float(slope), 2)


def table_of(growth: Growth) -> Table:
    """Seconds by part, and the exponent, a stage a row."""
    table = Table(title="Seconds of each stage by lines of the shop", title_justify="left")
    table.add_column("stage")
    for lines in growth.lines:
        table.add_column(f"{lines:,}", justify="right")
    table.add_column("exponent", justify="right")
    for name, seconds in growth.seconds.items():
        table.add_row(name, *(f"{took:.1f}" for took in seconds), f"{growth.exponents[name]:.2f}")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the parts of one size, M by default, and keep the figures of M."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("size", nargs="?", choices=tuple(SIZES), default="M")
    options, console = parser.parse_args(arguments), Console(width=110)
    growth = measure(SIZES[options.size])
    console.print(table_of(growth))
    if options.size == "M":
        console.print(f"kept in {keep('growth', asdict(growth))}", highlight=False)


if __name__ == "__main__":
    main()
