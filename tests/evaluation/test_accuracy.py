import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.evaluation.accuracy import hit_at, hits_of, ndcg_at, recall_at
from tests.ranking.tables import table_of


def test_a_hit_on_the_second_of_two_findable_places():
    hits, n_relevant = np.array([[False, True, False]]), np.array([2])
    # Discounts are 1/log2(2) = 1 and 1/log2(3): gained is the second, ideal is both.
    assert ndcg_at(2, hits, n_relevant)[0] == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))
    assert recall_at(2, hits, n_relevant)[0] == 1 / 2
    assert hit_at(2, hits, n_relevant)[0] == 1


def test_recall_divides_by_what_can_be_found_in_k_places():
    assert recall_at(2, np.array([[True, True]]), np.array([50]))[0] == 1.0


def test_who_bought_nothing_is_left_out():
    for metric in (ndcg_at, recall_at, hit_at):
        assert np.isnan(metric(3, np.array([[False]]), np.array([0]))[0])


def test_a_list_without_places_scores_zero():
    assert ndcg_at(10, np.zeros((1, 0), bool), np.array([3]))[0] == 0


@pytest.mark.parametrize("metric", [ndcg_at, recall_at, hit_at])
def test_k_below_one_is_refused(metric):
    with pytest.raises(ValueError, match="k must be at least 1"):
        metric(0, np.array([[True]]), np.array([1]))


def test_hits_are_found_place_by_place():
    table = table_of([[2, 0, 1], [], [1]])
    truth = csr_array(np.array([[1.0, 0, 1], [1, 1, 1], [0, 1, 0]]))
    assert hits_of(table, truth, 2).tolist() == [[True, True], [False, False], [True, False]]
