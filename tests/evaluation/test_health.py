import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

from recommender.evaluation.health import (
    diversity,
    gini,
    health_of,
    pooled_health,
    same_items,
    serendipity,
)
from tests.evaluation.shop import JAM, MILK, TEA, lists_of, window_of
from tests.ranking.tables import table_of


def test_gini_is_nothing_where_all_are_shown_alike_and_nearly_one_where_one_takes_all():
    assert gini(np.array([3, 3, 3])) == 0
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(3 / 4)
    assert gini(np.array([1, 3])) == pytest.approx(1 / 4)
    assert gini(np.zeros(4, int)) == 0


@given(arrays(np.int64, st.integers(1, 20), elements=st.integers(0, 50)))
def test_gini_is_half_the_mean_difference_relative_to_the_mean(exposure):
    if exposure.sum():
        differences = np.abs(exposure[:, None] - exposure[None, :]).mean()
        assert gini(exposure) == pytest.approx(differences / (2 * exposure.mean()))


def test_diversity_is_the_share_of_pairs_of_different_categories():
    category = np.array([0, 0, 1, -1], np.int32)
    # Pairs (0,1), (0,2), (1,2): one of three is alike.
    assert diversity(table_of([[0, 1, 2]]), category) == pytest.approx(2 / 3)
    # Item 3 has no category and is passed over; a list with one known place has no pair.
    assert diversity(table_of([[0, 3, 2], [0, 3]]), category) == 1.0
    assert diversity(table_of([[3], [0]]), category) is None
    assert diversity(table_of([[0, 1]]), np.full(4, -1, np.int32)) is None


def test_serendipity_counts_hits_that_best_sellers_do_not_show():
    truth = csr_array(np.array([[1.0, 1, 0], [1, 0, 0], [0, 0, 0]]))
    found = serendipity(table_of([[0, 1], [0, 2], [0]]), table_of([[0], [0], [0]]), truth, 2)
    # Of the first list 1 is a surprise; 0 is what best sellers show, 2 is no hit; the last bought nothing.
    assert found[:2].tolist() == [0.5, 0.0]
    assert np.isnan(found[2])


def test_lists_are_alike_whatever_their_order():
    lists, others = [[0, 1], [0, 1], [0], []], [[1, 0], [1, 2], [0, 1], []]
    assert same_items(table_of(lists), table_of(others)).tolist() == [True, False, False, True]


def test_health_by_hand():
    window = window_of()
    category = np.array([0, 1, 0, 1], np.int32)
    lists = lists_of(window, [[TEA, JAM], [TEA, MILK], [TEA]])
    sold = lists_of(window, [[TEA, JAM], [TEA, JAM], [TEA, JAM]])
    eligible = np.array([True, True, False, True])
    health = health_of(window, lists, sold, eligible=eligible, category=category, k=2)
    assert health.coverage == 1.0
    assert health.gini == pytest.approx(4 / 15)  # 1, 1 and 3 places
    # Two of three customers had bought tea, one jam, one milk.
    assert health.novelty == pytest.approx((3 * np.log2(3 / 2) + 2 * np.log2(3)) / 5)
    assert health.diversity == pytest.approx(1 / 2)  # tea and jam differ, tea and milk do not
    assert health.serendipity == pytest.approx(1 / 4)  # milk for bob; cid bought nothing known
    assert health.like_best_sellers == pytest.approx(1 / 3)


def test_items_that_may_not_be_shown_count_for_nothing():
    window = window_of()
    lists = lists_of(window, [[TEA], [TEA], [TEA]])
    tea_only = np.array([False, False, False, True])
    health = health_of(window, lists, lists, eligible=tea_only, category=np.full(4, -1, np.int32), k=1)
    assert (health.coverage, health.gini, health.diversity) == (1.0, 0.0, None)


def test_windows_weigh_as_much_as_they_have_lists():
    window = window_of()
    category = np.full(4, -1, np.int32)
    full, empty = (lists_of(window, rows) for rows in ([[TEA], [TEA], [TEA]], [[], [], []]))
    healths = [
        health_of(window, table, full, eligible=np.ones(4, bool), category=category, k=1)
        for table in (full, empty)
    ]
    assert pooled_health(healths, [3, 1]).coverage == pytest.approx(0.25 * 3 / 4)
    assert pooled_health(healths, [3, 1]).diversity is None
