"""Ridge regression against the closed solution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recommender.models.ridge import ridge


def closed(features, targets, pull):
    dense = features.astype(np.float64)
    return np.linalg.solve(dense.T @ dense + pull * np.eye(dense.shape[1]), dense.T @ targets)


def test_one_feature_by_hand():
    # (1·4 + 2·6) / (1² + 2² + 3) = 16/8
    found = ridge(csr_array(np.array([[1.0], [2.0]], np.float32)), np.array([[4.0], [6.0]], np.float32), 3.0)
    assert found == pytest.approx(np.array([[2.0]]))


@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 40), st.sampled_from([0.1, 1.0, 30.0]))
@settings(max_examples=40)
def test_it_reaches_the_closed_solution(seed, n, n_features, pull):
    rng = np.random.default_rng(seed)
    features = rng.random((n, n_features)) * (rng.random((n, n_features)) < 0.3)
    targets = rng.normal(size=(n, 3))
    found = ridge(csr_array(features.astype(np.float32)), targets.astype(np.float32), pull, tolerance=1e-6)
    assert found == pytest.approx(closed(features, targets, pull), abs=1e-3)


def test_the_number_of_threads_changes_nothing():
    rng = np.random.default_rng(0)
    features = csr_array((rng.random((50, 20)) * (rng.random((50, 20)) < 0.3)).astype(np.float32))
    targets = rng.normal(size=(50, 100)).astype(np.float32)
    alone, shared = (ridge(features, targets, 1.0, threads=threads) for threads in (1, 4))
    assert np.array_equal(alone, shared)


def test_what_no_feature_speaks_of_stays_zero():
    features = csr_array(np.array([[1.0, 0.0], [2.0, 0.0]], np.float32))
    found = ridge(features, np.ones((2, 2), np.float32), 1.0)
    assert found[1].tolist() == [0, 0]
    assert found.dtype == np.float32


def test_targets_of_nothing_but_zeros_need_no_coefficients():
    assert not ridge(csr_array(np.eye(3, dtype=np.float32)), np.zeros((3, 2), np.float32), 1.0).any()
