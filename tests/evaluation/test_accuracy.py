import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.evaluation.accuracy import (
    METRICS,
    Marked,
    hit_at,
    hits_of,
    map_at,
    mark,
    mrr_at,
    ndcg_at,
    precision_at,
    recall_at,
)
from tests.ranking.tables import table_of


def test_a_hit_on_the_second_of_two_findable_places():
    hits, n_relevant = np.array([[False, True, False]]), np.array([2])
    # Discounts are 1/log2(2) = 1 and 1/log2(3): gained is the second, ideal is both.
    assert ndcg_at(2, hits, n_relevant)[0] == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))
    assert recall_at(2, hits, n_relevant)[0] == 1 / 2
    assert precision_at(2, hits, n_relevant)[0] == 1 / 2
    assert hit_at(2, hits, n_relevant)[0] == 1
    assert mrr_at(2, hits, n_relevant)[0] == 1 / 2


def test_average_precision_is_the_precision_at_every_hit_over_what_can_be_found():
    hits = np.array([[True, False, True, False, True]])
    # Precision at the hits is 1/1, 2/3 and 3/5.
    assert map_at(5, hits, np.array([4]))[0] == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)
    assert map_at(3, hits, np.array([4]))[0] == pytest.approx((1 + 2 / 3) / 3)


def test_recall_divides_by_what_can_be_found_in_k_places():
    assert recall_at(2, np.array([[True, True]]), np.array([50]))[0] == 1.0


def test_precision_does_not_let_a_short_list_off():
    assert precision_at(4, np.array([[True, True]]), np.array([2]))[0] == 0.5


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_who_bought_nothing_is_left_out(metric):
    assert np.isnan(metric(3, np.array([[False]]), np.array([0]))[0])


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_list_without_places_scores_zero(metric):
    assert metric(10, np.zeros((1, 0), bool), np.array([3]))[0] == 0


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_k_below_one_is_refused(metric):
    with pytest.raises(ValueError, match="k must be at least 1"):
        metric(0, np.array([[True]]), np.array([1]))


def test_hits_are_found_place_by_place():
    table = table_of([[2, 0, 1], [], [1]])
    truth = csr_array(np.array([[1.0, 0, 1], [1, 1, 1], [0, 1, 0]]))
    assert hits_of(table, truth, 2).tolist() == [[True, True], [False, False], [True, False]]


def test_lists_are_marked_with_hits_and_with_what_was_paid_for_them():
    truth = csr_array(np.array([[1.0, 0, 1], [0, 0, 0]]))
    # Item 1 was paid for too, but does not count in this truth.
    spent = csr_array(np.array([[4.0, 9, 2], [0, 7, 0]]))
    marked = mark(table_of([[1, 2], [1]]), truth, spent, 3)
    assert marked.hits.tolist() == [[False, True, False], [False, False, False]]
    assert marked.paid.tolist() == [[0, 2, 0], [0, 0, 0]]
    assert marked.n_relevant.tolist() == [2, 0]
    assert marked.spent.tolist() == [6, 0]


def test_marked_lists_of_two_windows_stand_one_after_the_other():
    truth, spent = csr_array(np.array([[1.0, 0]])), csr_array(np.array([[3.0, 0]]))
    both = Marked.stack([mark(table_of([row]), truth, spent, 2) for row in ([0], [1, 0])])
    assert len(both) == 2
    assert both.values("mrr", 2).tolist() == [1.0, 0.5]
