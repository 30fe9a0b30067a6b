"""The inner loops over rows of sparse scores and over pairs."""

import numpy as np
from numpy.typing import NDArray

from recommender.compiled import compiled, compiled_freely
from recommender.top_n.kernels import offer_score, sort_best_first


@compiled
def best_of_rows(
    starts: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    masked_starts: NDArray[np.int32],
    masked: NDArray[np.int32],
    scores: NDArray[np.float64],
    items: NDArray[np.int32],
) -> None:
    """The best entries above 0 of every row of a sparse matrix; of equal ones the lower column.

    Args:
        starts: shape (n + 1,), where each row begins.
        columns: shape (n_entries,), each column once a row.
        values: shape (n_entries,).
        allowed: shape (n_columns,), False forbids a column.
        masked_starts: like `starts`, of `masked`.
        masked: further columns that a row is not to get.
        scores: shape (n, wanted). Written; -inf where there are fewer.
        items: shape (n, wanted), columns. Written; -1 where there are fewer.
    """
    may = allowed.copy()
    for row in range(len(starts) - 1):
        for at in range(masked_starts[row], masked_starts[row + 1]):
            may[masked[at]] = False
        scores[row] = -np.inf
        items[row] = -1
        for at in range(starts[row], starts[row + 1]):
            if values[at] > 0 and may[columns[at]]:
                offer_score(scores[row], items[row], np.float64(values[at]), columns[at])
        sort_best_first(scores[row], items[row])
        for at in range(masked_starts[row], masked_starts[row + 1]):
            may[masked[at]] = allowed[masked[at]]


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
