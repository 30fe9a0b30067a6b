import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recommender.evaluation.accuracy import METRICS
from recommender.evaluation.comparison import compare
from recommender.evaluation.intervals import bootstrap

HITS = arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 12)))
K = st.integers(1, 12)


@given(HITS, K, st.integers(0, 5))
def test_every_metric_stays_within_zero_and_one(hits, k, missed):
    n_relevant = hits.sum(axis=1) + missed
    for metric in METRICS.values():
        values = metric(k, hits, n_relevant)
        assert np.array_equal(np.isnan(values), n_relevant == 0)
        judged = values[n_relevant > 0]
        assert ((judged >= 0) & (judged <= 1 + 1e-12)).all()


@given(st.integers(1, 12), K)
def test_the_ideal_list_scores_one(n_relevant, k):
    hits = np.arange(12)[None, :] < n_relevant
    for name, metric in METRICS.items():
        # Of precision no more can be had than there is to find.
        best = min(n_relevant, k) / k if name == "precision" else 1.0
        assert np.isclose(metric(k, hits, np.array([n_relevant]))[0], best)


@given(HITS, K, st.integers(0, 11))
def test_no_metric_falls_when_a_hit_moves_up(hits, k, place):
    place = min(place, hits.shape[1] - 1)
    n_relevant = np.maximum(hits.sum(axis=1), 1)
    moved = hits.copy()
    swap = moved[:, place] & ~moved[:, 0]
    moved[swap, 0], moved[swap, place] = True, False
    for metric in METRICS.values():
        assert (metric(k, moved, n_relevant) >= metric(k, hits, n_relevant) - 1e-12).all()


@given(HITS, K)
def test_what_comes_after_k_places_does_not_count(hits, k):
    n_relevant = np.maximum(hits.sum(axis=1), 1)
    for metric in METRICS.values():
        assert np.array_equal(metric(k, hits, n_relevant), metric(k, hits[:, :k], n_relevant))


@given(arrays(np.float64, st.integers(1, 30), elements=st.floats(-1, 1)), st.integers(0, 3))
def test_an_interval_lies_within_the_values_and_grows_with_its_level(values, seed):
    half, most = (
        bootstrap(values, seed=seed, resamples=200, level=0.5),
        bootstrap(values, seed=seed, resamples=200),
    )
    assert values.min() - 1e-9 <= most.low <= half.low <= half.high <= most.high <= values.max() + 1e-9


@given(arrays(np.float64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.floats(0, 1)))
def test_a_comparison_turned_round_says_the_opposite(values):
    one, other = values.T
    (there,) = compare(one, {"other": other}, resamples=200)
    (back,) = compare(other, {"one": one}, resamples=200)
    assert np.isclose(there.difference.mean, -back.difference.mean)
    assert np.isclose(there.difference.low, -back.difference.high)
    assert there.p == back.p
