import numpy as np
import pytest

from recommender.evaluation.judge import judge
from tests.evaluation.shop import JAM, LINES, MILK, NEW, TEA, lists_of, window_of

WINDOW = window_of()
SECOND = 1 / np.log2(3)
"""Discount of the second place."""


def judged(rows, baseline=((TEA,), (TEA,), (TEA,)), window=WINDOW):
    tables = ([lists_of(window, [list(row) for row in lists])] for lists in (rows, baseline))
    return {f.task: f for f in judge([window], *tables, k=2, ks=(1, 2))}


def test_each_task_counts_its_own_purchases_and_lists():
    # Ann buys tea (a repeat) and jam, bob buys milk.
    figures = judged([[TEA, MILK, JAM], [TEA, MILK], [TEA]])
    assert figures["all"].ndcg.mean == pytest.approx(np.mean([1 / (1 + SECOND), SECOND]))
    # Her list of repeats is tea, milk; only she repeats.
    assert (figures["repeat"].customers, figures["repeat"].ndcg.mean) == (1, 1.0)
    # Of discoveries: ann's list is jam, bob's tea and milk.
    assert figures["discover"].ndcg.mean == pytest.approx(np.mean([1.0, SECOND]))
    assert figures["discover"].hit == 1.0
    # Of her next order only tea counts.
    assert figures["next_basket"].ndcg.mean == pytest.approx(np.mean([1.0, SECOND]))


def test_the_gain_is_the_difference_to_the_baseline_customer_by_customer():
    figures = judged([[TEA, JAM], [MILK], []])
    assert figures["all"].baseline_ndcg.mean == pytest.approx(0.5 / (1 + SECOND))
    assert figures["all"].gain.mean == pytest.approx(1.0 - 0.5 / (1 + SECOND))


def test_new_items_are_found_by_lists_that_hold_them():
    figures = judged([[TEA, NEW], [MILK], [NEW]])
    # In lists of discoveries the new item is first.
    assert (figures["cold_items"].customers, figures["cold_items"].ndcg.mean) == (2, 1.0)


def test_revenue_is_the_share_of_money_and_not_a_mean_of_shares():
    # Ann pays 3 for tea and 1 for jam, bob 1 for milk: the lists name tea only.
    figures = judged([[TEA], [TEA], [TEA]])
    assert figures["all"].at[1].revenue.mean == pytest.approx(3 / 5)


def test_without_prices_there_is_no_revenue():
    window = window_of()
    window.spent.data[:] = 0
    assert judged([[TEA], [TEA], [TEA]], window=window)["all"].at[0].revenue is None


def test_every_length_of_list_has_its_figures():
    (one, two) = judged([[MILK, TEA], [MILK], []])["all"].at
    assert (one.k, two.k) == (1, 2)
    assert (one.hit.mean, two.hit.mean) == (0.5, 1.0)
    assert (one.mrr.mean, two.mrr.mean) == (0.5, 0.75)
    assert (one.precision.mean, two.precision.mean) == (0.5, 0.5)


def test_a_task_that_nobody_can_be_judged_on_is_left_out():
    without_repeats = window_of([line for line in LINES if line[0] != "11"])
    assert "repeat" not in judged([[TEA], [TEA], [TEA]], window=without_repeats)


def test_a_customer_of_two_windows_is_one_customer_with_two_lists():
    table = lists_of(WINDOW, [[TEA], [TEA], [TEA]])
    figures = judge([WINDOW, WINDOW], [table, table], [table, table], k=2, ks=(2,))
    assert (figures[0].customers, figures[0].lists) == (2, 4)
    alone = judge([WINDOW], [table], [table], k=2, ks=(2,))[0]
    # The same said twice is no surer than said once.
    assert figures[0].ndcg == alone.ndcg
