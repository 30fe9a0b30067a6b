"""Baskets in two halves: what a cart holds, and what has to be found."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


def half_of_each(baskets: csr_array, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which stored entries are shown, shape (nnz,): half of each row, drawn, rounded down."""
    row, size = row_of_entry(baskets), np.diff(baskets.indptr)
    shuffled = np.lexsort((rng.random(len(row)), row))
    place = np.empty(len(row), np.int64)
    place[shuffled] = np.arange(len(row)) - baskets.indptr[row]
    return np.asarray(place < (size // 2)[row])


def row_of_entry(matrix: csr_array) -> NDArray[np.int64]:
    """Row of each stored entry, shape (nnz,)."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def only_entries(matrix: csr_array, entries: NDArray[np.bool_]) -> csr_array:
    """The matrix with nothing but these of its stored entries."""
    kept_before = np.concatenate(([0], np.cumsum(entries)))
    parts = (matrix.data[entries], matrix.indices[entries], kept_before[matrix.indptr])
    return csr_array(parts, shape=matrix.shape)
