"""The inner loops over sparse rows and over pairs."""

import numpy as np
from numpy.typing import NDArray

from recommender.compiled import compiled, compiled_freely


@compiled
def masked_places(
    row_starts: NDArray[np.int32],
    columns: NDArray[np.int32],
    place: NDArray[np.int32],
    starts: NDArray[np.int64],
    places: NDArray[np.int32],
) -> None:
    """The places of what each row of a sparse matrix stores, rising: sorted by counting, twice.

    Args:
        row_starts: shape (n + 1,), where each row begins.
        columns: shape (n_entries,), items.
        place: shape (n_items,), -1 for items without a place, which are left out.
        starts: shape (n + 1,), where each row's places begin. Written.
        places: shape (n_entries,). Written as far as the last start.
    """
    n = len(row_starts) - 1
    ends = np.zeros(len(place) + 1, np.int64)
    starts[0] = 0
    for row in range(n):
        starts[row + 1] = starts[row]
        for at in range(row_starts[row], row_starts[row + 1]):
            where = place[columns[at]]
            if where >= 0:
                ends[where + 1] += 1
                starts[row + 1] += 1
    for where in range(len(place)):
        ends[where + 1] += ends[where]
    rows = np.empty(starts[n], np.int32)
    for row in range(n):
        for at in range(row_starts[row], row_starts[row + 1]):
            where = place[columns[at]]
            if where >= 0:
                rows[ends[where]] = row
                ends[where] += 1
    # Every end has moved to where the next place begins.
    filled, entry = starts[:n].copy(), 0
    for where in range(len(place)):
        while entry < ends[where]:
            places[filled[rows[entry]]] = where
            filled[rows[entry]] += 1
            entry += 1


@compiled
def values_at(
    starts: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    row: NDArray[np.int32],
    item: NDArray[np.int32],
    n_columns: int,
    found: NDArray[np.float32],
) -> None:
    """What a sparse matrix holds at pairs of row and column; the rows never fall."""
    dense, current = np.zeros(n_columns, np.float32), -1
    for pair in range(len(row)):
        if row[pair] != current:
            if current >= 0:
                for at in range(starts[current], starts[current + 1]):
                    dense[columns[at]] = 0
            current = row[pair]
            for at in range(starts[current], starts[current + 1]):
                dense[columns[at]] += values[at]
        found[pair] = dense[item[pair]]


@compiled_freely
def products_at(
    left: NDArray[np.float32],
    right: NDArray[np.float32],
    row: NDArray[np.int32],
    item: NDArray[np.int32],
    found: NDArray[np.float32],
) -> None:
    """The products of rows of two matrices, pair by pair."""
    n_factors = left.shape[1]
    for pair in range(len(row)):
        total = np.float32(0)
        for factor in range(n_factors):
            total += left[row[pair], factor] * right[item[pair], factor]
        found[pair] = total
