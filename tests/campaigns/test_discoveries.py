"""Which of many counts are more than chance."""

import numpy as np
import pytest
from scipy.stats import poisson

from recommender.campaigns.discoveries import chance_of_so_many, discovered, least_likely_mean


def test_the_chance_of_a_count_is_poissons():
    count, expected = np.array([0, 1, 5, 40]), np.array([2.0, 0.1, 5.0, 12.5])
    assert chance_of_so_many(count, expected) == pytest.approx(poisson.sf(count - 1, expected))


def test_the_least_mean_gives_the_count_or_more_in_one_case_of_forty():
    count = np.array([1, 5, 73])
    assert chance_of_so_many(count, least_likely_mean(count, 0.95)) == pytest.approx([0.025] * 3)
    assert least_likely_mean(np.array([0]), 0.95).tolist() == [0.0]


def test_the_rule_of_benjamini_and_hochberg_by_hand():
    # Of ten tests at .05 the k-th smallest must be at most .005 k: .004, .009, .013 pass, .03 does not.
    chance = np.array([0.013, 0.5, 0.004, 0.03, 0.009])
    assert discovered(chance, 10, 0.05).tolist() == [True, False, True, False, True]
    # One that passes takes smaller ones along that would not pass alone.
    assert discovered(np.array([0.0095, 0.01]), 10, 0.05).tolist() == [True, True]
    assert not discovered(chance, 100_000, 0.05).any()
    assert len(discovered(np.zeros(0), 10, 0.05)) == 0


def test_at_most_the_share_is_found_by_mistake():
    """A thousand tests, fifty of them true; the share of mistakes among the found, on average."""
    rng = np.random.default_rng(0)
    expected, wrong, right = np.full(1_000, 20.0), [], []
    for _ in range(100):
        count = rng.poisson(np.where(np.arange(1_000) < 50, 45.0, expected))
        found = discovered(chance_of_so_many(count, expected), 1_000, 0.1)
        wrong.append(found[50:].sum() / max(found.sum(), 1))
        right.append(found[:50].mean())
    assert np.mean(wrong) <= 0.1
    assert np.mean(right) > 0.8
