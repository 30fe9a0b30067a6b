"""The best entries of sparse rows, held against sorting them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recommender.top_n.sparse_rows import best_entries


@given(
    seed=st.integers(0, 2**32 - 1),
    n_columns=st.integers(1, 500),
    n=st.integers(1, 20),
    levels=st.sampled_from([1, 3, 1_000_000]),
    share_masked=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_they_are_those_of_a_stable_sort(seed, n_columns, n, levels, share_masked):
    rng = np.random.default_rng(seed)
    # With few levels most entries are equal: the lower columns are wanted, wherever they are stored.
    scores = rng.integers(-1, levels, (3, n_columns)).astype(np.float32)
    eligible, masked = rng.random(n_columns) < 0.8, rng.random((3, n_columns)) < share_masked
    stored = [rng.permutation(n_columns) for _ in scores]
    rows = csr_array(
        (
            np.concatenate([row[at] for row, at in zip(scores, stored, strict=True)]),
            np.concatenate(stored).astype(np.int32),
            (np.arange(4) * n_columns).astype(np.int32),
        ),
        shape=scores.shape,
    )
    found = best_entries(rows, n, eligible=eligible, masked=csr_array(masked.astype(np.float32)))
    wanted = np.where((scores > 0) & eligible & ~masked, scores, -np.inf)
    order = np.argsort(-wanted, axis=1, kind="stable")[:, :n]
    best = np.take_along_axis(wanted, order, axis=1)
    width = order.shape[1]
    np.testing.assert_array_equal(found.items[:, :width], np.where(best > 0, order, -1))
    np.testing.assert_array_equal(found.scores[:, :width], best)
    assert (found.items[:, width:] == -1).all()
