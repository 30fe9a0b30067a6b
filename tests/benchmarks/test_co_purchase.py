"""The benchmark of counting, in a small form: that all three libraries answer the same question."""

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks.co_purchase import measure, table_of
from benchmarks.datasets import taste_matrix


def test_all_three_find_the_same_neighbours():
    held = taste_matrix(600, 200, 9_000)
    held.data[:] = 1
    found = measure(held, n=20, times=1)
    assert (found.rows, found.items, found.entries) == (600, 200, held.nnz)
    for beside in (found.sparse_dot_topn, found.implicit):
        # Of equally close items each keeps others; how close they are, all agree upon.
        assert beside.same > 0.5
        assert beside.gap < 1e-5
        assert beside.ratio > 0
    assert list(table_of({"small": found}).columns[0].cells) == ["small"]


def test_neighbours_of_no_ties_are_identical():
    # Every pair shares another number of rows.
    held = csr_matrix(np.triu(np.ones((40, 8), np.float32)[np.repeat(range(8), 5)]) + np.eye(40, 8))
    held.data[:] = 1
    found = measure(held.astype(np.float32), n=3, times=1)
    assert found.sparse_dot_topn.same == found.implicit.same == 1
