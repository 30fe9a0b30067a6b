import numpy as np
import pytest

from recommender.evaluation.intervals import bootstrap


def test_the_interval_of_a_coin_is_as_wide_as_theory_says():
    values = np.tile([0.0, 1.0], 200)
    interval = bootstrap(values)
    # The standard error of a mean of 400 fair coins is 0.5 / √400 = 0.025.
    assert interval.mean == 0.5
    assert interval.low == pytest.approx(0.5 - 1.96 * 0.025, abs=0.006)
    assert interval.high == pytest.approx(0.5 + 1.96 * 0.025, abs=0.006)


def test_a_difference_that_every_customer_shares_is_sure():
    assert bootstrap(np.full(50, 0.1)).excludes_zero
    assert not bootstrap(np.tile([0.1, -0.1], 25)).excludes_zero


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(1).random(100)
    assert bootstrap(values, seed=3) == bootstrap(values, seed=3)
    assert bootstrap(values, seed=3) != bootstrap(values, seed=4)


def test_customers_who_cannot_be_judged_are_left_out():
    assert bootstrap(np.array([1.0, np.nan, 1.0])).mean == 1.0
    assert np.isnan(bootstrap(np.array([np.nan])).mean)
