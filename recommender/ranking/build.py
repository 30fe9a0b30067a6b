"""From fitted models to finished lists: candidates, their order, and one table."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recommender.data.halves import row_of_entry
from recommender.models.local_best_sellers import LocalBestSellersModel
from recommender.models.neighbours import Neighbours
from recommender.models.protocol import FittedModel
from recommender.ranking.blend import Blend
from recommender.ranking.candidates import Candidates, CandidateSearch
from recommender.ranking.lists import SOURCES, ListTable
from recommender.ranking.reserved import Reserved, among_best

Mode = Literal["mixed", "repeat", "discover"]

Rank = Callable[[NDArray[np.int32], Candidates], NDArray[np.float32]]
"""(customer of each row of the candidates, the candidates) → score of each, above 0 to be listed."""

_HALF, _LAST, _NO_PLACE = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFFFFFFFFFF)
"""A place of a row as one number, a strength above an item in its bits; and what is no place."""

_BLOCK = 256
"""Customers that a thread looks at together: each has a few hundred candidates, and these their features."""

_ROWS = 8192
"""Rows of a table gone through together: what is worked out on the way stays small beside a large table."""


def recommend(
    models: Mapping[str, FittedModel],
    blend: Blend,
    customers: NDArray[np.int32],
    *,
    rank: Rank | None = None,
    bought: csr_array,
    eligible: NDArray[np.bool_],
    length: int,
    per_model: int = 100,
    reserved: Reserved | None = None,
    threads: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> ListTable:
    """Recommended lists, one row a customer, in blocks that bound the memory.

    A row holds the `length` best repeats and the `length` best discoveries in one order, so that any
    mode's list of that length is a part of it (`of_mode`).

    Args:
        models: fitted models by name.
        blend: their weights. Besides the order, they say which model a place is owed to.
        customers: shape (n,) positions of the customers wanted.
        rank: orders the candidates instead of the blend's weighted sum.
        bought: shape (n_customers, n_items), positive where bought before.
        eligible: shape (n_items,), False forbids an item.
        length: places of either kind.
        per_model: items new to the customer that each model may propose.
        reserved: items that some of the discoveries may be although others are ranked before them.
        threads: blocks worked on at a time; by default as many as the machine has cores.
        progress: hears how many customers are done.

    Returns:
        Row r is the list of `customers[r]`; empty where no model had a proposal.
    """
    search = CandidateSearch.over(
        blend.asked(models), bought=bought, eligible=eligible, per_model=max(per_model, length)
    )

    def lists_of(some: NDArray[np.int32]) -> ListTable:
        candidates = search.candidates(some)
        contributions = blend.contributions(candidates)
        scores = contributions.sum(axis=1) if rank is None else rank(some, candidates)
        if reserved:
            scores = reserved.exchanged(some, candidates, scores)
        ranked = _ranked(candidates, scores, contributions)
        discoveries = (
            reserved.kept(ranked, length) if reserved else among_best(ranked, ~ranked.bought, length)
        )
        return ranked.keep(among_best(ranked, ranked.bought, length) | discoveries)

    blocks = [customers[start : start + _BLOCK] for start in range(0, len(customers), _BLOCK)]
    done = accumulate(map(len, blocks))

    def told(table: ListTable) -> ListTable:
        progress(next(done))
        return table

    # numpy and scipy let go of the interpreter inside their loops, so threads share the work. BLAS must not
    # add threads of its own: how it cuts a product among them changes the last digit of a score.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        return ListTable.stack(map(told, pool.map(lists_of, blocks)), most=2 * length * len(customers))


def of_mode(table: ListTable, mode: Mode, n: int) -> ListTable:
    """The `n` best places of a mode: everything, only repeats, or only what is new to the customer."""
    if mode == "mixed":
        return table.first(n)

    def best(rows: ListTable) -> ListTable:
        return rows.keep(among_best(rows, rows.bought if mode == "repeat" else ~rows.bought, n))

    blocks = (table.rows(slice(start, start + _ROWS)) for start in range(0, len(table), _ROWS))
    return ListTable.stack(map(best, blocks), most=len(table.items))


def related(neighbours: Neighbours, source: str, eligible: NDArray[np.bool_], length: int) -> ListTable:
    """Lists of related items, one row an anchor item, the strongest relation first, of equals the lower item.

    Strengths are not below 0.
    """
    relation = neighbours.relation
    shown = eligible[relation.indices]
    # Numbers not below 0 have the order of their bits, so one whole number says who comes first in a row.
    falling = _LAST - relation.data.astype(np.float32).view(np.uint32)[shown].astype(np.uint64)
    row, widest = row_of_entry(relation), int(np.diff(relation.indptr).max(initial=0))
    place = (np.arange(relation.nnz) - relation.indptr[row])[shown]
    keys = np.full((len(eligible), widest), _NO_PLACE, np.uint64)
    keys[row[shown], place] = (falling << _HALF) | relation.indices[shown].astype(np.uint64)
    keys.sort(axis=1)
    best = keys[:, :length]
    listed = best != _NO_PLACE
    best = best[listed]
    return ListTable(
        np.concatenate(([0], np.cumsum(listed.sum(axis=1)))).astype(np.int64),
        (best & _LAST).astype(np.int32),
        (_LAST - (best >> _HALF)).astype(np.uint32).view(np.float32),
        np.full(len(best), SOURCES.index(source), np.uint8),
        np.zeros(len(best), bool),
    )


def best_sellers(
    sold: NDArray[np.float32], group: NDArray[np.int32], n_groups: int, length: int
) -> ListTable:
    """The best-selling items of the whole shop, then of each group.

    Args:
        sold: shape (n_items,), how well each item sells; 0 is never listed.
        group: shape (n_items,), group of each item, -1 for none.
        n_groups: number of groups.
        length: places.

    Returns:
        Row 0 is the whole shop's list, row g + 1 that of group g.
    """
    selling = np.flatnonzero(sold > 0)
    grouped = selling[group[selling] >= 0]
    item = np.concatenate((selling, grouped))
    row = np.concatenate((np.zeros(len(selling), np.int32), group[grouped] + 1))
    order = np.lexsort((item, -sold[item], row))
    item, row = item[order], row[order]
    source = np.full(len(item), SOURCES.index("best_sellers"))
    return _table(row, item, sold[item], source, np.zeros(len(item), bool), n_groups + 1).first(length)


def local_best_sellers(model: LocalBestSellersModel, eligible: NDArray[np.bool_], length: int) -> ListTable:
    """The best-selling items of each place, one row a place, in the order of `model.names`.

    The source of a place in a list tells what sells there from what only the whole shop's orders put there.
    """
    nowhere = np.full(len(eligible), -1, np.int32)
    of_shop = best_sellers(np.where(eligible, model.prior, 0), nowhere, 0, length).items
    rows = []
    for row in range(len(model.names)):
        # What did not sell here is at most the shop's best: no other item needs to be looked at.
        sold = np.zeros(len(eligible), np.float32)
        sold[of_shop] = model.prior[of_shop]
        here = slice(model.local.indptr[row], model.local.indptr[row + 1])
        items = model.local.indices[here]
        sold[items] = model.prior[items] + model.local.data[here]
        best = best_sellers(sold * eligible, nowhere, 0, length)
        sources = np.where(np.isin(best.items, items), SOURCES.index("local_best_sellers"), best.sources)
        rows.append(replace(best, sources=sources.astype(np.uint8)))
    return ListTable.stack(rows, most=len(rows) * length)


def _ranked(
    candidates: Candidates, score: NDArray[np.float32], contributions: NDArray[np.float32]
) -> ListTable:
    names = np.array([SOURCES.index(name) for name in candidates.models], np.uint8)
    source = names[contributions.argmax(axis=1)] if len(score) else np.zeros(0, np.uint8)
    order = np.flatnonzero(score > 0)
    # Bits of numbers above 0 sort as the numbers do, so customer and score are one key. Candidates come by
    # customer, then item: sorted stably, of equal scores the lower item stays first.
    key = candidates.row[order].astype(np.int64) << 32
    key -= score[order].view(np.int32)
    order = order[np.argsort(key, kind="stable")]
    return _table(
        candidates.row[order], candidates.item[order], score[order], source[order],
        candidates.bought[order], candidates.n_customers,
    )  # fmt: skip


def _table(
    row: NDArray[np.integer],
    item: NDArray[np.integer],
    score: NDArray[np.floating],
    source: NDArray[np.integer],
    bought: NDArray[np.bool_],
    n_rows: int,
) -> ListTable:
    starts = np.concatenate(([0], np.cumsum(np.bincount(row, minlength=n_rows))))
    return ListTable(
        starts.astype(np.int64),
        item.astype(np.int32),
        score.astype(np.float32),
        source.astype(np.uint8),
        bought,
    )
