"""Rows, and the rows that hold each item: what counting what items share begins with."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.compiled import compiled

NOBODY = np.zeros(0, np.int32)
"""The buyers of rows whose buyers nobody asks for."""


class CountedRows(NamedTuple):
    """Rows (baskets, customers) and, the other way round, the rows that hold each item.

    Positions are unsigned: of signed ones every access in a loop would ask whether it counts from the end.

    Attributes:
        starts: shape (n_rows + 1,), where each row begins.
        items: shape (n_entries,), what the rows hold.
        values: shape (n_entries,), how much of it.
        ones: every value is 1.
        column_starts: shape (n_items + 1,), where each item's rows begin.
        rows: shape (n_entries,), rising for each item.
        row_values: shape (n_entries,).
        work: shape (n_items,), entries of the rows that hold the item: products to add up for it.
        buyer: shape (n_rows,), who made each row, the rows of one beside each other; empty if nobody asks.
    """

    starts: NDArray[np.uint64]
    items: NDArray[np.uint32]
    values: NDArray[np.float32]
    ones: bool
    column_starts: NDArray[np.uint64]
    rows: NDArray[np.uint32]
    row_values: NDArray[np.float32]
    work: NDArray[np.int64]
    buyer: NDArray[np.int32]


def counted_rows(rows: csr_array, buyer: NDArray[np.integer] = NOBODY) -> CountedRows:
    """Rows in the form that the counting loops read.

    Args:
        rows: shape (n_rows, n_items).
        buyer: shape (n_rows,), number of whoever made each row, from 0; none if that is not asked.

    Returns:
        The rows, those of one buyer beside each other.
    """
    if len(buyer):
        beside = np.argsort(buyer, kind="stable")
        rows, buyer = rows[beside], buyer[beside]
    n_entries, n_items = rows.nnz, rows.shape[1]
    made = CountedRows(
        starts=rows.indptr.astype(np.uint64),
        items=rows.indices.astype(np.uint32),
        values=rows.data.astype(np.float32, copy=False),
        ones=bool((rows.data == 1).all()),
        column_starts=np.zeros(n_items + 1, np.uint64),
        rows=np.empty(n_entries, np.uint32),
        row_values=np.empty(n_entries, np.float32),
        work=np.zeros(n_items, np.int64),
        buyer=buyer.astype(np.int32),
    )
    _turn(made)
    return made


@compiled
def _turn(rows: CountedRows) -> None:
    """Fill in the rows that hold each item; so far `column_starts` and `work` are all 0."""
    column_starts, work = rows.column_starts, rows.work
    for item in rows.items:
        column_starts[item + np.uint32(1)] += np.uint64(1)
    for item in range(len(work)):
        column_starts[item + 1] += column_starts[item]
    free = column_starts[:-1].copy()
    for row in range(len(rows.starts) - 1):
        start, end = rows.starts[row], rows.starts[row + 1]
        for entry in range(start, end):
            item = rows.items[entry]
            rows.rows[free[item]] = row
            rows.row_values[free[item]] = rows.values[entry]
            free[item] += np.uint64(1)
            work[item] += np.int64(end - start)
