import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.evaluation.accuracy import hit_at, ndcg_at, recall_at
from recommender.evaluation.intervals import bootstrap

HITS = arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 12)))
K = st.integers(1, 12)


@given(HITS, K, st.integers(0, 5))
def test_every_metric_stays_within_zero_and_one(hits, k, missed):
    n_relevant = hits.sum(axis=1) + missed
    for metric in (ndcg_at, recall_at, hit_at):
        values = metric(k, hits, n_relevant)
        assert np.array_equal(np.isnan(values), n_relevant == 0)
        judged = values[n_relevant > 0]
        assert ((judged >= 0) & (judged <= 1 + 1e-12)).all()


@given(st.integers(1, 12), K)
def test_the_ideal_list_scores_one(n_relevant, k):
    hits = np.arange(12)[None, :] < n_relevant
    for metric in (ndcg_at, recall_at, hit_at):
        assert np.isclose(metric(k, hits, np.array([n_relevant]))[0], 1.0)


@given(HITS, K, st.integers(0, 11))
def test_no_metric_falls_when_a_hit_moves_up(hits, k, place):
    place = min(place, hits.shape[1] - 1)
    n_relevant = np.maximum(hits.sum(axis=1), 1)
    moved = hits.copy()
    swap = moved[:, place] & ~moved[:, 0]
    moved[swap, 0], moved[swap, place] = True, False
    for metric in (ndcg_at, recall_at, hit_at):
        assert (metric(k, moved, n_relevant) >= metric(k, hits, n_relevant) - 1e-12).all()


@given(arrays(np.float64, st.integers(1, 30), elements=st.floats(-1, 1)), st.integers(0, 3))
def test_an_interval_lies_within_the_values_and_grows_with_its_level(values, seed):
    half, most = (
        bootstrap(values, seed=seed, resamples=200, level=0.5),
        bootstrap(values, seed=seed, resamples=200),
    )
    assert values.min() - 1e-9 <= most.low <= half.low <= half.high <= most.high <= values.max() + 1e-9
