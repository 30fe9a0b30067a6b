"""How many different people stand behind a pair of items."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.blocks import bounded_blocks
from recommender.compiled import compiled
from recommender.data.groups import sorted_by
from recommender.data.history import PurchaseHistory
from recommender.data.orders import GUEST
from recommender.models.counted_rows import CountedRows, counted_rows

_BLOCK_WORK = 10_000_000
"""Entries that a thread looks at a time: some tens of milliseconds."""


def buyers_of_orders(history: PurchaseHistory) -> NDArray[np.int64]:
    """Number of whoever made each order, shape (n_orders,); who made several has one number.

    An order that names nobody counts as somebody of its own: nobody can be told from it, most guests are
    different people, and a shop of guests alone would otherwise have no pair with two buyers.
    """
    buyer = len(history.customers) + np.arange(history.n_orders)
    known = history.customer != GUEST
    buyer[history.order[known]] = history.customer[known]
    return buyer


@dataclass(frozen=True, slots=True)
class Baskets:
    """What stood together in the orders of a history, and who made each: made once for all who ask.

    Attributes:
        rows: shape (n_orders, n_items) float32, 1 where the order holds the item; guests' orders included.
        buyer: shape (n_orders,), as `buyers_of_orders` numbers them.
        n_customers: from this number on, a buyer is an order that names nobody.
    """

    rows: csr_array
    buyer: NDArray[np.int64]
    n_customers: int

    @classmethod
    def of(cls, history: PurchaseHistory) -> "Baskets":
        """Those of all orders of a history."""
        return cls(history.baskets(), buyers_of_orders(history), len(history.customers))


@dataclass(frozen=True, slots=True)
class Shared:
    """What pairs of items share; both of shape (n,).

    Attributes:
        together: products of the two entries, summed over rows, float64.
        buyers: different people of whom any row holds both, int32; 0 where nobody asks for buyers.
    """

    together: NDArray[np.float64]
    buyers: NDArray[np.int32]


def shared_by_pairs(
    rows: csr_array, buyer: NDArray[np.integer], anchor: NDArray[np.integer], other: NDArray[np.integer]
) -> Shared:
    """What stands behind some pairs of items.

    Args:
        rows: shape (n_rows, n_items).
        buyer: shape (n_rows,), number of whoever made each row, see `buyers_of_orders`.
        anchor: shape (n,), an item of each pair.
        other: shape (n,), the other item.
    """
    return counted_pairs(counted_rows(rows, buyer), anchor, other)


def shared_products(
    rows: CountedRows, anchor: NDArray[np.integer], other: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Products of the two entries of each pair of items, summed over rows, shape (n,).

    Args:
        rows: as `counted_rows` gives them.
        anchor: shape (n,), an item of each pair.
        other: shape (n,), the other item.
    """
    return counted_pairs(rows, anchor, other).together


def counted_pairs(rows: CountedRows, anchor: NDArray[np.integer], other: NDArray[np.integer]) -> Shared:
    """As `shared_by_pairs`, of rows that were counted already."""
    # The rows of the item that stands in more of them are marked, and those of the other looked up there.
    length = np.asarray(np.diff(rows.column_starts), np.int64)
    swap = length[anchor] < length[other]
    one, two = np.where(swap, other, anchor), np.where(swap, anchor, other)
    beside = sorted_by(one)
    one, two = one[beside].astype(np.uint32), two[beside].astype(np.uint32)
    together, buyers = np.zeros(len(one)), np.zeros(len(one), np.int32)

    def block(some: slice) -> None:
        _count(rows, one[some], two[some], together[some], buyers[some])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(block, bounded_blocks(_work(one, two, length), _BLOCK_WORK)))
    shared = Shared(np.empty_like(together), np.empty_like(buyers))
    shared.together[beside], shared.buyers[beside] = together, buyers
    return shared


def _work(one: NDArray[np.uint32], two: NDArray[np.uint32], length: NDArray[np.int64]) -> NDArray[np.int64]:
    """Entries looked at for each pair: those of the one item only for the first of its pairs."""
    first = np.diff(one.astype(np.int64), prepend=-1) != 0
    return length[two] + np.where(first, length[one], 0)


@compiled
def _count(
    rows: CountedRows,
    one: NDArray[np.uint32],
    other: NDArray[np.uint32],
    together: NDArray[np.float64],
    buyers: NDArray[np.int32],
) -> None:
    """Fill in what pairs of items share, and how many different buyers share it.

    Args:
        rows: what is counted.
        one: shape (n,), an item; quick where equal ones stand beside each other.
        other: shape (n,), another item; quick where it stands in few rows.
        together: shape (n,). Written: products of the two entries, summed over rows.
        buyers: shape (n,). Written where the rows' buyers are known.
    """
    n_rows, known = len(rows.starts) - 1, len(rows.buyer) > 0
    value, held = np.zeros(n_rows, np.float32), np.zeros(n_rows, np.bool_)
    for pair in range(len(one)):
        if pair == 0 or one[pair] != one[pair - 1]:
            if pair:
                _mark(one[pair - 1], rows, value, held, False)
            _mark(one[pair], rows, value, held, True)
        total, people, newest = 0.0, 0, np.int32(-1)
        for at in range(rows.column_starts[other[pair]], rows.column_starts[other[pair] + np.uint32(1)]):
            row = rows.rows[at]
            if held[row]:
                total += np.float64(value[row] * rows.row_values[at])
                if known:
                    people += rows.buyer[row] != newest
                    newest = rows.buyer[row]
        together[pair], buyers[pair] = total, people


@compiled
def _mark(
    item: np.uint32, rows: CountedRows, value: NDArray[np.float32], held: NDArray[np.bool_], hold: bool
) -> None:
    for at in range(rows.column_starts[item], rows.column_starts[item + np.uint32(1)]):
        value[rows.rows[at]] = rows.row_values[at]
        held[rows.rows[at]] = hold
