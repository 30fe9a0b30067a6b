"""How often sets of items stand in one order, and how often they would by chance."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.blocks import bounded_blocks
from recommender.campaigns.bundle_table import NO_ITEM
from recommender.compiled import compiled
from recommender.models.counted_rows import CountedRows, counted_rows
from recommender.models.shared_orders import Baskets, counted_pairs

_BLOCK_WORK = 5_000_000
"""Orders that a thread looks at, at a time."""

_EXACT_SIZES, _GROWTH = 40, 1.15
"""Orders of up to so many items are told apart by size; of larger ones those within 15 %."""

_PASSES = 60
"""Of Newton's method: more than enough, even for an item that stands in every order."""


@dataclass(frozen=True, slots=True)
class SetCounts:
    """What orders say of sets of items; all of shape (n_sets,).

    Attributes:
        orders: int32, orders that hold the whole set.
        customers: int32, different buyers of it in one order, as `buyers_of_orders` tells them apart.
        expected: float64, orders that would hold it by chance: of the orders that hold all but one of its
            items, those in which the last would stand anyway, in orders of their sizes; the largest over
            the items. So a set of three is more than its pairs, and large orders are no evidence.
    """

    orders: NDArray[np.int32]
    customers: NDArray[np.int32]
    expected: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OrdersOfSets:
    """The orders of a shop, to count sets in.

    Attributes:
        rows: the orders, those of one buyer beside each other.
        size: shape (n_orders,), group of each order by how many items it holds.
        chance: shape (n_items, n_groups) float32, share of the orders of such a size that hold the item
            where items are spread over orders by chance.
    """

    rows: CountedRows
    size: NDArray[np.int64]
    chance: NDArray[np.float32]

    @classmethod
    def of(cls, baskets: Baskets) -> "OrdersOfSets":
        """Those of a history's baskets, guests' orders included."""
        rows = counted_rows(baskets.rows, baskets.buyer)
        held = np.diff(rows.starts.astype(np.int64))
        edges = _edges(int(held.max(initial=1)))
        size = np.searchsorted(edges, held, side="right") - 1
        n_orders = np.bincount(size, minlength=len(edges))
        mean_size = np.bincount(size, held, minlength=len(edges)) / np.maximum(n_orders, 1)
        n_items = len(rows.work)
        of_item = np.bincount(rows.items, minlength=n_items)
        return cls(rows, size, _chance(of_item, n_orders, mean_size))

    def counts(self, sets: NDArray[np.int32]) -> SetCounts:
        """What the orders say of sets, shape (n_sets, 2 to 4); of smaller ones the last are `NO_ITEM`."""
        pairs = (sets[:, 2:] == NO_ITEM).all(axis=1)
        if pairs.all():
            return self._of_pairs(sets[:, 0], sets[:, 1])
        sets = np.ascontiguousarray(sets, np.int32)
        found = SetCounts(np.zeros(len(sets), np.int32), np.zeros(len(sets), np.int32), np.zeros(len(sets)))

        def block(some: slice) -> None:
            _count(
                self.rows, self.size, self.chance,
                sets[some], found.orders[some], found.customers[some], found.expected[some],
            )  # fmt: skip

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(block, bounded_blocks(self._work(sets), _BLOCK_WORK)))
        return found

    def _of_pairs(self, one: NDArray[np.int32], other: NDArray[np.int32]) -> SetCounts:
        # There are many more pairs than larger sets, and what stands beside one item needs no search.
        shared = counted_pairs(self.rows, one, other)
        n_items, n_sizes = self.chance.shape
        starts = self.rows.starts.astype(np.int64)
        held = np.repeat(self.size, starts[1:] - starts[:-1])
        of_size = np.bincount(self.rows.items.astype(np.int64) * n_sizes + held, minlength=n_items * n_sizes)
        orders = of_size.reshape(n_items, n_sizes).astype(np.float32)
        expected = np.zeros(len(one))
        for some in bounded_blocks(np.full(len(one), n_sizes), _BLOCK_WORK):
            a, b = one[some], other[some]
            expected[some] = np.maximum(
                np.einsum("ps,ps->p", orders[a], self.chance[b]),
                np.einsum("ps,ps->p", orders[b], self.chance[a]),
            )
        return SetCounts(shared.together.astype(np.int32), shared.buyers, expected)

    def _work(self, sets: NDArray[np.int32]) -> NDArray[np.int64]:
        length = np.diff(self.rows.column_starts.astype(np.int64))
        return np.asarray(np.where(sets == NO_ITEM, 0, length[sets]).sum(axis=1), np.int64)


def _edges(largest: int) -> NDArray[np.int64]:
    """The smallest size of each group of sizes, rising from 0."""
    steps = max(0, int(np.ceil(np.log(max(largest, 1) / _EXACT_SIZES) / np.log(_GROWTH))))
    above = np.ceil(_EXACT_SIZES * _GROWTH ** np.arange(1, steps + 1)).astype(np.int64)
    return np.unique(np.concatenate((np.arange(_EXACT_SIZES + 1), above)))


def _chance(
    of_item: NDArray[np.int64], n_orders: NDArray[np.int64], size: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Share of the orders of each size that hold an item by chance, shape (n_items, n_sizes).

    An order of s items holds one of eagerness e with chance 1 - exp(-e s), and e is such that all orders
    together hold the item as often as they do.

    Args:
        of_item: shape (n_items,), orders that hold the item.
        n_orders: shape (n_sizes,), orders of a size.
        size: shape (n_sizes,).
    """
    times, item = np.unique(of_item, return_inverse=True)
    eagerness = times / max(float(n_orders @ size), 1.0)
    # Who stands in every order would be eager without end.
    wanted = np.minimum(times, n_orders.sum() - 0.5)
    for _ in range(_PASSES):
        never = np.exp(-np.outer(eagerness, size))
        missing = wanted - (1 - never) @ n_orders
        slope = never @ (n_orders * size)
        # The curve bends down and the first guess is too small, so no step goes too far.
        eagerness = eagerness + np.divide(missing, slope, out=np.zeros_like(missing), where=slope > 0)
    return np.asarray(1 - np.exp(-np.outer(eagerness, size)), np.float32)[item]


@compiled
def _count(
    rows: CountedRows,
    size: NDArray[np.int64],
    chance: NDArray[np.float32],
    sets: NDArray[np.int32],
    orders: NDArray[np.int32],
    customers: NDArray[np.int32],
    expected: NDArray[np.float64],
) -> None:
    """Fill in what orders say of sets; arguments as in `OrdersOfSets` and `SetCounts`."""
    for at in range(len(sets)):
        for last in range(sets.shape[1]):
            if sets[at, last] < 0:
                continue
            anchor = _rarest_beside(rows, sets[at], last)
            by_chance, held, people, newest = 0.0, 0, 0, np.int32(-1)
            item = sets[at, anchor]
            for entry in range(rows.column_starts[item], rows.column_starts[item + 1]):
                row = rows.rows[entry]
                if not _holds_others(rows, row, sets[at], last, anchor):
                    continue
                by_chance += chance[sets[at, last], size[row]]
                if _holds(rows, row, sets[at, last]):
                    held += 1
                    people += rows.buyer[row] != newest
                    newest = rows.buyer[row]
            orders[at], customers[at] = held, people
            expected[at] = max(expected[at], by_chance)


@compiled
def _rarest_beside(rows: CountedRows, items: NDArray[np.int32], last: int) -> int:
    """Which of the items other than that at `last` stands in the fewest orders."""
    best, fewest = -1, np.uint64(0)
    for place in range(len(items)):
        if place != last and items[place] >= 0:
            orders = rows.column_starts[items[place] + 1] - rows.column_starts[items[place]]
            if best < 0 or orders < fewest:
                best, fewest = place, orders
    return best


@compiled
def _holds_others(
    rows: CountedRows, row: np.uint32, items: NDArray[np.int32], last: int, anchor: int
) -> bool:
    """Whether an order holds all the items but those at `last` and `anchor`."""
    for place in range(len(items)):
        if place != last and place != anchor and items[place] >= 0 and not _holds(rows, row, items[place]):
            return False
    return True


@compiled
def _holds(rows: CountedRows, row: np.uint32, item: np.int32) -> bool:
    """Whether an order holds an item; its items stand in rising order."""
    low, high = np.int64(rows.starts[row]), np.int64(rows.starts[row + np.uint32(1)])
    while low < high:
        middle = (low + high) // 2
        if rows.items[middle] < item:
            low = middle + 1
        else:
            high = middle
    return bool(low < np.int64(rows.starts[row + np.uint32(1)]) and rows.items[low] == item)
