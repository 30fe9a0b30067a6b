import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.blocks import bounded_blocks


@pytest.mark.parametrize(
    ("work", "most", "expected"),
    [
        ([], 5, []),
        ([3], 5, [(0, 1)]),
        ([2, 2, 2, 2], 5, [(0, 2), (2, 4)]),
        ([0, 0, 9, 0, 1], 5, [(0, 2), (2, 4), (4, 5)]),
        ([1, 1, 1], 100, [(0, 3)]),
    ],
)
def test_by_hand(work, most, expected):
    assert [(block.start, block.stop) for block in bounded_blocks(np.array(work, int), most)] == expected


@given(st.lists(st.integers(0, 20)), st.integers(1, 30))
def test_blocks_cover_everything_once_and_stay_near_their_bound(work, most):
    blocks = bounded_blocks(np.array(work, int), most)
    assert [at for block in blocks for at in range(block.start, block.stop)] == list(range(len(work)))
    for block in blocks:
        inside = work[block]
        assert sum(inside) < most + max(inside)
