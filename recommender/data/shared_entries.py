"""Matrices with entries at the same places, which are in memory once."""

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array


@dataclass(slots=True)
class SharedEntries:
    """Puts matrices of one history onto the same indices: what weighs otherwise stands at the same places.

    Attributes:
        known: one matrix of each structure seen so far.
    """

    known: list[csr_array] = field(default_factory=list)

    def share(self, matrix: csr_array) -> None:
        """Let a matrix use the indices of an earlier one, if they are equal; neither may be changed after."""
        for other in self.known:
            if _alike(matrix, other):
                matrix.indptr, matrix.indices = other.indptr, other.indices
                return
        self.known.append(matrix)


def _alike(one: csr_array, other: csr_array) -> bool:
    return (
        one.shape == other.shape
        and one.nnz == other.nnz
        and np.array_equal(one.indptr, other.indptr)
        and np.array_equal(one.indices, other.indices)
    )
