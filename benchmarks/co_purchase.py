"""How fast are every item's 50 closest by cosine counted, beside sparse_dot_topn and implicit?

Of the generated shops, S with 100,000 customers and M with 500,000, items are compared by who bought them;
of the real ones at hand by the orders that hold them. All three get the same matrix of zeros and ones and all
cores; what each has to do to it beforehand (norms, turning it round) counts, and whether they find the same
is looked at. Run it with
`python -m benchmarks.co_purchase [SHOP …]`; the ratios are kept in benchmarks/results/co_purchase.json.
"""

import argparse
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from implicit.nearest_neighbours import CosineRecommender
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array, csr_matrix
from sparse_dot_topn import sp_matmul_topn

from benchmarks.datasets import real_shops, taste_matrix
from benchmarks.paired import TIMES, Paired, paired
from benchmarks.results import keep
from benchmarks.top_n import GENERATED
from recommender.data.history import PurchaseHistory
from recommender.models.measures import cosine
from recommender.models.neighbours import strongest_relations
from recommender.ranking.warm_up import warm_up

N = 50


@dataclass(frozen=True, slots=True)
class Beside:
    """Ours beside one other library.

    Attributes:
        times: seconds of ours and of theirs, turn by turn.
        ratio: how many times as fast ours is.
        same: share of the items that have the same neighbours in both.
        gap: the largest difference between the cosines that the two have in one place of a list, best first:
            where neighbours differ, they differ by what single precision cannot tell apart.
    """

    times: Paired
    ratio: float
    same: float
    gap: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One shop.

    Attributes:
        rows, items, entries: its size; rows are customers or orders.
        sparse_dot_topn: ours beside it.
        implicit: ours beside its `CosineRecommender`.
    """

    rows: int
    items: int
    entries: int
    sparse_dot_topn: Beside
    implicit: Beside


def measure(held: csr_matrix, *, n: int = N, times: int = TIMES) -> Measured:
    """Time all three on one matrix.

    Args:
        held: shape (n_rows, n_items), 1 where a row holds the item.
        n: neighbours of an item.
        times: turns.
    """
    warm_up()
    return Measured(
        rows=held.shape[0],
        items=held.shape[1],
        entries=int(held.nnz),
        sparse_dot_topn=_beside(_by_sparse_dot_topn, held, n, times),
        implicit=_beside(_by_implicit, held, n, times),
    )


def _beside(theirs: Callable[[csr_matrix, int], csr_array], held: csr_matrix, n: int, times: int) -> Beside:
    found: dict[str, csr_array] = {}
    took = paired(
        lambda: found.update(ours=_by_us(held, n)),
        lambda: found.update(theirs=theirs(held, n)),
        times=times,
    )
    our_items, our_cosines = _lists(found["ours"], n)
    their_items, their_cosines = _lists(found["theirs"], n)
    same = (np.sort(our_items, axis=1) == np.sort(their_items, axis=1)).all(axis=1)
    gap = float(np.abs(our_cosines - their_cosines).max(initial=0))
    return Beside(took, round(took.ratio, 2), float(same.mean()), gap)


def _by_us(held: csr_matrix, n: int) -> csr_array:
    rows = csr_array(held)
    orders_of = np.bincount(rows.indices, minlength=rows.shape[1])
    return strongest_relations(rows, cosine(orders_of, 0.0), n=n).relation


def _by_sparse_dot_topn(held: csr_matrix, n: int) -> csr_array:
    norm = np.sqrt(np.bincount(held.indices, minlength=held.shape[1])).astype(np.float32)
    unit = csr_matrix((held.data / norm[held.indices], held.indices, held.indptr), shape=held.shape)
    # One more than wanted, since every item is closest to itself.
    return csr_array(sp_matmul_topn(unit.T.tocsr(), unit, top_n=n + 1, n_threads=os.cpu_count()))


def _by_implicit(held: csr_matrix, n: int) -> csr_array:
    model = CosineRecommender(K=n + 1)
    with warnings.catch_warnings():
        # It warns that it turns the matrix round, which it does by itself.
        warnings.simplefilter("ignore")
        model.fit(held, show_progress=False)
    return csr_array(model.similarity)


def _lists(relation: csr_array, n: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Other items of each row, the closest first, and how close: shape (n_items, n); -1 and 0 where none."""
    row = np.repeat(np.arange(relation.shape[0]), np.diff(relation.indptr))
    other = row != relation.indices
    row, item, close = row[other], relation.indices[other], relation.data[other]
    closest_first = np.lexsort((item, -close, row))
    row, item, close = row[closest_first], item[closest_first], close[closest_first]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    kept = place < n
    items = np.full((relation.shape[0], n), -1, np.int32)
    cosines = np.zeros((relation.shape[0], n), np.float32)
    items[row[kept], place[kept]], cosines[row[kept], place[kept]] = item[kept], close[kept]
    return items, cosines


def shops() -> dict[str, Callable[[], csr_matrix]]:
    """Every shop at hand: its name, and how to get what its customers, or its orders, hold."""
    generated = {name: lambda size=size: _ones(taste_matrix(*size)) for name, size in GENERATED.items()}
    real = {
        name: lambda read=read: csr_matrix(PurchaseHistory.at(read.orders, read.orders.last_time).baskets())
        for name, read in real_shops().items()
    }
    return generated | real


def _ones(bought: csr_matrix) -> csr_matrix:
    bought.data[:] = 1
    return bought


def table_of(measured: dict[str, Measured]) -> Table:
    """The figures, a shop a row."""
    table = Table(title=f"The {N} closest items of every item by cosine", title_justify="left")
    table.add_column("shop")
    for heading in (
        "rows",
        "items",
        "entries",
        "× sparse_dot_topn",
        "× implicit",
        "same",
        "same",
        "largest gap",
    ):
        table.add_column(heading, justify="right")
    for name, row in measured.items():
        sizes = (f"{size:,}" for size in (row.rows, row.items, row.entries))
        both = (row.sparse_dot_topn, row.implicit)
        ratios = (f"{beside.ratio:.2f}" for beside in both)
        same = (f"{beside.same:.2%}" for beside in both)
        table.add_row(name, *sizes, *ratios, *same, f"{max(beside.gap for beside in both):.1e}")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the shops asked for, or all of them, and keep the figures of all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.co_purchase", description=__doc__)
    parser.add_argument("shop", nargs="*", help="S, M or the beginning of a real shop's name; by default all")
    parser.add_argument("--times", type=int, default=TIMES, help="turns")
    options, console = parser.parse_args(arguments), Console(width=120)
    measured = {}
    for name, held in shops().items():
        if not options.shop or name.startswith(tuple(options.shop)):
            measured[name] = measure(held(), times=options.times)
            console.print(table_of(measured))
    if not options.shop:
        kept = keep("co_purchase", {name: asdict(row) for name, row in measured.items()})
        console.print(f"kept in {kept}", highlight=False)


if __name__ == "__main__":
    main()
