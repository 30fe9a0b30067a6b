"""How fast are the best 50 items of every customer found, beside `implicit.recommend`, and are they the same?

Both search the same factors, learned by implicit's ALS, and leave out what a customer bought. implicit is
timed as it comes, and with the one thread for BLAS that it asks for in a warning. The shops are generated, S
with 100,000 customers and M with 500,000, and the real ones at hand. Run it with
`python -m benchmarks.top_n [SHOP …]`; the ratios are kept in benchmarks/results/top_n.json.
"""

import argparse
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.datasets import real_shops, taste_matrix
from benchmarks.large_shops import SIZES
from benchmarks.paired import TIMES, Paired, paired
from benchmarks.results import keep
from recommender.data.history import PurchaseHistory
from recommender.ranking.warm_up import warm_up
from recommender.top_n.factor_search import FactorSearch, Found

N = 50

_ROWS = 1_024
"""Customers that a thread works on at a time."""

GENERATED = {name: (SIZES[name].customers, SIZES[name].items, SIZES[name].lines) for name in ("S", "M")}
"""Shop → customers, items, order lines."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One shop.

    Attributes:
        customers, items, purchases: its size; a purchase is a customer and an item.
        times: seconds of ours and of implicit's as it comes, turn by turn.
        advised: the same with implicit as it asks to be run.
        ratio: how many times as fast ours is as implicit as it comes.
        ratio_advised: as implicit with one thread for BLAS.
        same: share of the customers who get the same items in the same order from both.
        gap: the largest difference between the scores that the two have in one place, relative to the score:
            where lists differ, they differ by what single precision cannot tell apart.
    """

    customers: int
    items: int
    purchases: int
    times: Paired
    advised: Paired
    ratio: float
    ratio_advised: float
    same: float
    gap: float


def measure(bought: csr_matrix, *, factors: int, iterations: int, times: int = TIMES) -> Measured:
    """Learn factors, and time both searches on them.

    Args:
        bought: shape (n_customers, n_items), what each customer bought.
        factors: of ALS.
        iterations: of ALS; the search needs plausible factors, not the best.
        times: turns.
    """
    with threadpool_limits(1, "blas"):
        als = AlternatingLeastSquares(factors=factors, iterations=iterations, random_state=0)
        als.fit(bought, show_progress=False)
    customers, items = np.asarray(als.user_factors), np.asarray(als.item_factors)
    everyone, masked = np.arange(len(customers)), csr_array(bought)
    warm_up()
    found: dict[str, tuple[NDArray[np.integer], NDArray[np.floating]]] = {}

    def ours() -> None:
        search = FactorSearch.over(items, np.ones(len(items), bool))

        def part(start: int) -> Found:
            rows = slice(start, start + _ROWS)
            return search.best(customers[rows], N, masked=masked[rows])

        # As `build.recommend` does it: threads of ours, and none of BLAS.
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
            parts = list(pool.map(part, range(0, len(customers), _ROWS)))
        found["ours"] = (
            np.concatenate([one.items for one in parts]), np.concatenate([one.scores for one in parts])
        )  # fmt: skip

    def theirs() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # that BLAS has threads, as it comes
            found["theirs"] = als.recommend(everyone, bought, N=N)

    def theirs_advised() -> None:
        with threadpool_limits(1, "blas"):
            theirs()

    advised, took = paired(ours, theirs_advised, times=times), paired(ours, theirs, times=times)
    ours_found, theirs_found = found["ours"], found["theirs"]
    filled = ours_found[0] >= 0
    gap = np.abs(ours_found[1] - theirs_found[1]) / np.maximum(np.abs(ours_found[1]), 1e-12)
    return Measured(
        customers=len(customers),
        items=len(items),
        purchases=int(bought.nnz),
        times=took,
        advised=advised,
        ratio=round(took.ratio, 2),
        ratio_advised=round(advised.ratio, 2),
        same=float(((ours_found[0] == theirs_found[0]) | ~filled).all(axis=1).mean()),
        gap=float(gap[filled].max(initial=0)),
    )


def shops() -> dict[str, Callable[[], csr_matrix]]:
    """Every shop at hand: its name, and how to get what its customers bought."""
    generated = {name: lambda size=size: taste_matrix(*size) for name, size in GENERATED.items()}
    real = {
        name: lambda read=read: csr_matrix(
            PurchaseHistory.at(read.orders, read.orders.last_time).interactions(np.inf)
        )
        for name, read in real_shops().items()
    }
    return generated | real


def table_of(measured: dict[str, Measured]) -> Table:
    """The figures, a shop a row."""
    table = Table(title=f"Top {N} of every customer beside implicit.recommend", title_justify="left")
    for heading in (
        "shop", "customers", "items", "purchases", "times as fast", "as advised", "same lists", "largest gap"
    ):  # fmt: skip
        table.add_column(heading, justify="left" if heading == "shop" else "right")
    for name, row in measured.items():
        sizes = (f"{size:,}" for size in (row.customers, row.items, row.purchases))
        ratios = (f"{ratio:.1f}" for ratio in (row.ratio, row.ratio_advised))
        table.add_row(name, *sizes, *ratios, f"{row.same:.2%}", f"{row.gap:.1e}")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the shops asked for, or all of them, and keep the figures of all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.top_n", description=__doc__)
    parser.add_argument("shop", nargs="*", help="S, M or the beginning of a real shop's name; by default all")
    parser.add_argument("--factors", type=int, default=64)
    options, console = parser.parse_args(arguments), Console(width=110)
    measured = {}
    for name, bought in shops().items():
        if not options.shop or name.startswith(tuple(options.shop)):
            measured[name] = measure(bought(), factors=options.factors, iterations=5)
            console.print(table_of(measured))
    if not options.shop:
        kept = keep("top_n", {name: asdict(row) for name, row in measured.items()})
        console.print(f"kept in {kept}", highlight=False)


if __name__ == "__main__":
    main()
