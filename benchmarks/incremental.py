"""What does an update cost beside a full run, and what do its lists lose?

A shop is learned from as it was some days before the last weeks, then updated day by day; on the last of
these days a full run is made beside the update, and the weeks held out say how good both lists are. Both
are timed in memory: reading the order store, which both need, comes on top. Run it with
`python -m benchmarks.incremental`; the figures are kept in benchmarks/results/incremental.json.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array

from benchmarks.datasets import real_shops
from benchmarks.paired import TIMES, Paired, paired
from benchmarks.results import keep
from recommender.data.fingerprints import Fingerprints
from recommender.data.history import DAY
from recommender.evaluation.accuracy import hits_of, ndcg_at
from recommender.evaluation.split import TemporalSplit
from recommender.ranking.lists import ListTable
from recommender.snapshot.directory import Snapshot
from recommender.snapshot.manifest import Updated
from recommender.training.pipeline import train
from recommender.training.progress import Silent
from recommender.training.settings import Settings
from recommender.training.sources import ReadOrders
from recommender.training.update import GoesOn, update

K = 10
"""Places of a list that are compared and judged."""

HELD_OUT = 28.0
"""Days at the end that nothing is learned from."""

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Measured:
    """One shop, after some updates in a row.

    Attributes:
        customers, items, lines: its size on the last day.
        days: updates in a row, each of one day.
        customers_made, items_made: share of the lists that the last update made.
        overlap_made, overlap_carried: mean share of the first ten places that a customer's list has in common
            with that of a full run: of lists made in the last update, and of those carried over.
        ndcg_update, ndcg_full: mean nDCG@10 on the weeks held out, over all customers who bought in them.
        times: seconds of the last update and of a full run, turn by turn.
        ratio: how many times as fast the update is.
    """

    customers: int
    items: int
    lines: int
    days: int
    customers_made: float
    items_made: float
    overlap_made: float
    overlap_carried: float
    ndcg_update: float
    ndcg_full: float
    times: Paired
    ratio: float


def measure(read: ReadOrders, settings: Settings, *, days: int, times: int = TIMES) -> Measured:
    """Update day by day, and compare with a full run.

    Args:
        read: the whole history of a shop; its last `HELD_OUT` days are what lists are judged by.
        settings: of models and lists.
        days: updates in a row, at least 1.
        times: turns.
    """
    end = read.orders.last_time - int(HELD_OUT * DAY)
    cuts = [end - int((days - day) * DAY) for day in range(days + 1)]
    before = _full(read, settings, cuts[0])
    for cut in cuts[1:-1]:
        before = _updated(read, settings, cut, before)
    made: dict[str, Snapshot] = {}

    def ours() -> None:
        made["update"] = _updated(read, settings, end, before)

    def theirs() -> None:
        made["full"] = _full(read, settings, end)

    took = paired(ours, theirs, times=times)
    updated, full = made["update"], made["full"]
    fresh, judged = _made_now(before, updated), _judged(read, settings, end, updated)
    overlap = overlaps(updated.lists.recommended, full.lists.recommended)
    said = updated.manifest.updated
    if not isinstance(said, Updated):
        raise TypeError("an update says what it went on from")
    return Measured(
        customers=len(updated.customers),
        items=len(updated.catalog.items),
        lines=updated.manifest.counts.lines,
        days=days,
        customers_made=said.customers.made / said.customers.of,
        items_made=said.items.made / said.items.of,
        overlap_made=float(np.nanmean(overlap[fresh])) if fresh.any() else 1.0,
        overlap_carried=float(np.nanmean(overlap[~fresh])) if (~fresh).any() else 1.0,
        ndcg_update=_ndcg(updated.lists.recommended, judged),
        ndcg_full=_ndcg(full.lists.recommended, judged),
        times=took,
        ratio=round(took.ratio, 2),
    )


def known_at(read: ReadOrders, cut: int) -> ReadOrders:
    """A shop as it was at a moment, seconds since 1970 UTC."""
    return replace(read, orders=read.orders.until(cut))


def overlaps(one: ListTable, other: ListTable) -> NDArray[np.float64]:
    """Share of the first ten places of a list that stand among the first ten of another one, too.

    Args:
        one: where they are looked for, items at the positions that `other` has them at.
        other: whose first places are looked at.

    Returns:
        Shape (n_rows,); NaN where the row of `other` is empty.
    """
    first, second = one.first(K), other.first(K)
    n_items = 1 + max(first.items.max(initial=0), second.items.max(initial=0))
    pairs = [table.row_of_place() * n_items + table.items for table in (first, second)]
    common = np.bincount(second.row_of_place()[np.isin(pairs[1], pairs[0])], minlength=len(second))
    length = np.diff(second.starts)
    return np.divide(common, length, out=np.full(len(second), np.nan), where=length > 0)


def _full(read: ReadOrders, settings: Settings, cut: int) -> Snapshot:
    return train(known_at(read, cut), settings, now=_NOW, progress=Silent())


def _updated(read: ReadOrders, settings: Settings, cut: int, before: Snapshot) -> Snapshot:
    if before.fingerprints is None:
        raise TypeError("a snapshot says what its lists went by")
    start = GoesOn(before, before.fingerprints)
    return update(known_at(read, cut), settings, start, now=_NOW, progress=Silent())


def _made_now(before: Snapshot, after: Snapshot) -> NDArray[np.bool_]:
    """Customers who are known by something else than before, shape (n_customers,)."""
    then, now = _marks(before), _marks(after)
    row = before.customers.positions(after.customers.ids)
    return np.append(then.customers, np.uint64(0))[row] != now.customers


def _marks(snapshot: Snapshot) -> Fingerprints:
    if snapshot.fingerprints is None:
        raise TypeError("a snapshot says what its lists went by")
    return snapshot.fingerprints


def _judged(read: ReadOrders, settings: Settings, cut: int, snapshot: Snapshot) -> csr_array:
    """What customers bought in the weeks held out, in the positions of a snapshot."""
    bar = settings.lists.min_item_lines
    split = TemporalSplit.at(read.orders, cut, days=HELD_OUT, min_item_lines=bar)
    if split.train.items.ids != snapshot.catalog.items.ids:
        raise ValueError("the snapshot knows other items than the split")
    return split.truth()


def _ndcg(table: ListTable, truth: csr_array) -> float:
    relevant = np.diff(truth.indptr)
    return float(np.nanmean(ndcg_at(K, hits_of(table, truth, K), relevant)))


def table_of(measured: dict[str, Measured]) -> Table:
    """The figures, a shop a row."""
    title = "An update beside a full run: what is made, what is the same, how good it is, how fast"
    table = Table(title=title, title_justify="left")
    headings = (
        "shop", "days", "customers made", "items made", "same, made", "same, carried", "nDCG@10",
        "full run's", "times as fast",
    )  # fmt: skip
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "shop" else "right")
    for name, row in measured.items():
        shares = (row.customers_made, row.items_made, row.overlap_made, row.overlap_carried)
        quality = (f"{row.ndcg_update:.4f}", f"{row.ndcg_full:.4f}")
        table.add_row(
            name, str(row.days), *(f"{share:.1%}" for share in shares), *quality, f"{row.ratio:.1f}"
        )
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the real shops at hand, after one update and after six."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.incremental", description=__doc__)
    parser.add_argument("shop", nargs="*", help="the beginning of a shop's name; by default all at hand")
    parser.add_argument("--times", type=int, default=TIMES, help="turns of each")
    options, console = parser.parse_args(arguments), Console(width=130)
    measured = {}
    for name, read in real_shops().items():
        if options.shop and not name.startswith(tuple(options.shop)):
            continue
        for days in (1, 6):
            called = f"{name}, {days} day{'s' * (days > 1)}"
            measured[called] = measure(read, Settings(), days=days, times=options.times)
            console.print(table_of(measured))
    if not options.shop:
        kept = keep("incremental", {name: asdict(row) for name, row in measured.items()})
        console.print(f"kept in {kept}", highlight=False)


if __name__ == "__main__":
    main()
