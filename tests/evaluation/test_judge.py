import numpy as np
import pytest
from scipy.sparse import csr_array

from recommender.evaluation.judge import judge
from tests.ranking.tables import table_of

# Ann had bought 0 and now buys 0 and 2; bob had bought nothing and now buys 1.
TRUTH = csr_array(np.array([[1.0, 0, 1], [0, 1, 0]]))
BOUGHT = csr_array(np.array([[1.0, 0, 0], [0, 0, 0]]))


def judged(rows, bought):
    baseline = table_of([[1], [1]])
    return {f.task: f for f in judge(table_of(rows, bought), baseline, TRUTH, BOUGHT, k=2)}


def test_each_task_counts_its_own_purchases_and_lists():
    figures = judged([[0, 1, 2], [2, 1]], [[True, False, False], [False, False]])
    second = 1 / np.log2(3)
    # Ann's mixed list hits place 1 of two findable, bob's hits place 2 of one.
    assert figures["all"].ndcg.mean == pytest.approx(np.mean([1 / (1 + second), second]))
    # Only ann repeats, and her list of repeats is [0].
    assert (figures["repeat"].customers, figures["repeat"].ndcg.mean) == (1, 1.0)
    # Discoveries: ann's list is [1, 2] and she buys 2, bob's is [2, 1] and he buys 1.
    assert figures["discover"].ndcg.mean == pytest.approx(second)
    assert figures["discover"].hit == 1.0


def test_the_gain_is_the_difference_to_the_baseline_customer_by_customer():
    figures = judged([[0, 2], [1]], [[True, False], [False]])
    # The baseline shows item 1 to everybody: nothing for ann, everything for bob.
    assert figures["all"].baseline_ndcg.mean == 0.5
    assert figures["all"].gain.mean == pytest.approx(1.0 - 0.5)


def test_a_task_that_nobody_can_be_judged_on_is_left_out():
    nothing = csr_array((2, 3))
    assert judge(table_of([[0], [1]]), table_of([[1], [1]]), nothing, BOUGHT) == ()
