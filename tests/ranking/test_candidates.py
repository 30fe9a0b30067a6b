"""What several models propose becomes one list of candidates."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recommender.ranking.candidates import united


@given(
    seed=st.integers(0, 2**32 - 1),
    n_items=st.integers(1, 40),
    share_eligible=st.sampled_from([0.0, 0.6, 1.0]),
)
def test_each_is_there_once_in_order_and_says_whether_it_was_bought(seed, n_items, share_eligible):
    rng = np.random.default_rng(seed)
    eligible = rng.random(n_items) < share_eligible
    proposed = rng.integers(-1, n_items, (4, 6)).astype(np.int32)
    proposed[(proposed >= 0) & ~eligible[proposed]] = -1  # models propose what may be shown
    times = rng.integers(0, 3, (4, n_items)).astype(np.float32)
    times[2] = 0
    # Zeros are stored, too: bought, and sent back.
    had = csr_array(
        (times.ravel(), np.tile(np.arange(n_items), 4), np.arange(5) * n_items), shape=times.shape
    )
    row_of, items, bought = united(proposed, had, eligible)
    assert row_of.tolist() == sorted(row_of.tolist())
    for row in range(4):
        mine = set(np.flatnonzero((times[row] > 0) & eligible).tolist())
        here = row_of == row
        assert items[here].tolist() == sorted(mine | set(proposed[row][proposed[row] >= 0].tolist()))
        assert set(items[here & bought].tolist()) == mine
