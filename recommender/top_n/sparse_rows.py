"""The best entries of sparse rows, and what stands at pairs, without making anything dense."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.top_n.factor_search import Found
from recommender.top_n.kernels import best_of_rows
from recommender.top_n.row_kernels import products_at, values_at


def best_entries(scores: csr_array, n: int, *, eligible: NDArray[np.bool_], masked: csr_array) -> Found:
    """The `n` best entries above 0 of every row; of equal ones the lower column comes first.

    Args:
        scores: shape (n_rows, n_items) float32, each column stored once a row.
        n: entries wanted, at least 1.
        eligible: shape (n_items,), False forbids an item.
        masked: shape (n_rows, n_items), what is stored is left out of the row.
    """
    items, best = np.empty((scores.shape[0], n), np.int32), np.empty((scores.shape[0], n))
    best_of_rows(
        scores.indptr, scores.indices, scores.data, eligible, masked.indptr, masked.indices, best, items
    )
    return Found(items, best)


def entries_at(scores: csr_array, row: NDArray[np.int32], item: NDArray[np.int32]) -> NDArray[np.float32]:
    """What the matrix holds at pairs whose rows never fall, shape (n_pairs,)."""
    found = np.empty(len(row), np.float32)
    values_at(scores.indptr, scores.indices, scores.data, row, item, scores.shape[1], found)
    return found


def products_of_pairs(
    left: NDArray[np.float32], right: NDArray[np.float32], row: NDArray[np.int32], item: NDArray[np.int32]
) -> NDArray[np.float32]:
    """left[row] · right[item], pair by pair, shape (n_pairs,)."""
    found = np.empty(len(row), np.float32)
    products_at(np.ascontiguousarray(left), np.ascontiguousarray(right), row, item, found)
    return found
