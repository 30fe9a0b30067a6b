import numpy as np
import pytest

from recommender.evaluation import intervals
from recommender.evaluation.intervals import bootstrap, bootstrap_ratios


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


def test_a_customer_with_several_values_is_drawn_with_all_of_them():
    values = np.tile([0.0, 1.0], 200)
    in_pairs = bootstrap(values, customer=np.repeat(np.arange(200), 2))
    # Everybody's two values make up the same mean, so no draw can differ.
    assert in_pairs.low == in_pairs.high == 0.5
    of_two = bootstrap(values, customer=values.astype(int))
    assert (of_two.low, of_two.high) == (0.0, 1.0)


def test_a_share_of_sums_is_no_mean_of_shares():
    named, spent = np.array([[90.0], [0.0]]), np.array([[100.0], [1.0]])
    (share,) = bootstrap_ratios(named, spent)
    assert share.mean == pytest.approx(90 / 101)
    assert (share.low, share.high) == (0.0, 0.9)


def test_columns_share_their_draws():
    values = np.random.default_rng(0).random(80)
    both = bootstrap_ratios(np.stack((values, values + 1), axis=1), np.ones((80, 1)))
    assert both[1].low == pytest.approx(both[0].low + 1)
    assert both[0].high == pytest.approx(bootstrap(values).high)


def test_rows_with_nothing_below_are_not_drawn():
    values = np.random.default_rng(0).random(30)
    with_others = np.concatenate((values, np.zeros(500)))[:, None]
    counted = (np.arange(530) < 30).astype(float)[:, None]
    assert bootstrap_ratios(with_others, counted)[0] == bootstrap(values)


def test_memory_has_no_say_in_the_figures(monkeypatch):
    values = np.random.default_rng(0).random(101)
    whole = bootstrap(values)
    monkeypatch.setattr(intervals, "_BLOCK_CELLS", 350)
    assert bootstrap(values) == whole
