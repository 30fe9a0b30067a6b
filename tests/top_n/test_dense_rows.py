import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from recommender.top_n.dense_rows import among_top_n

# Few distinct values, so that ties are the rule.
SCORES = arrays(
    np.float32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(-2, 2).map(float)
)


@given(SCORES, st.integers(0, 12))
def test_it_chooses_what_a_stable_sort_would(scores, n):
    by_sorting = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    chosen = np.zeros(scores.shape, bool)
    np.put_along_axis(chosen, by_sorting, True, axis=1)
    assert np.array_equal(among_top_n(scores, n), chosen)


def test_ties_go_to_the_lower_column():
    assert among_top_n(np.array([[1.0, 2.0, 2.0, 2.0]]), 2).tolist() == [[False, True, True, False]]
